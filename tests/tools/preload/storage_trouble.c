/* A preloaded library that makes reads of files hang or fail, as bad storage does. TROUBLE_HANG names a file:
 * as long as it exists, reads of at least TROUBLE_LEAST bytes wait. TROUBLE_EIO is an offset: reads across it
 * fail with EIO. */
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

typedef ssize_t pread_call(int, void *, size_t, off_t); /* lint-ok: as the C library has it */

/* -1: not set. */
static int64_t number(const char *name)
{
	const char *text = getenv(name);
	return text == NULL ? -1 : strtoll(text, NULL, 10); /* lint-ok: a test's */
}

static int64_t troubled(const char *name, int fd, void *buf, size_t n, int64_t off)
{
	const char *hang = getenv("TROUBLE_HANG");
	int64_t bad = number("TROUBLE_EIO");
	while (hang != NULL && (int64_t)n >= number("TROUBLE_LEAST") && access(hang, F_OK) == 0)
		usleep(10000);
	if (off <= bad && bad < off + (int64_t)n) {
		errno = EIO;
		return -1;
	}
	return ((pread_call *)dlsym(RTLD_NEXT, name))(fd, buf, n, off);
}

ssize_t pread(int fd, void *buf, size_t n, off_t off) /* lint-ok: as the C library has it */
{
	return troubled("pread", fd, buf, n, off);
}

ssize_t pread64(int fd, void *buf, size_t n, off_t off) /* lint-ok: as the C library has it */
{
	return troubled("pread64", fd, buf, n, off);
}
