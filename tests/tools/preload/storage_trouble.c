/* A preloaded library that makes reads of files hang or fail, as bad storage does. TROUBLE_HANG names a file:
 * as long as it exists, reads of at least TROUBLE_LEAST bytes wait. TROUBLE_EIO is an offset: reads across it
 * fail with EIO. */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

typedef ssize_t pread_call(int, void *, size_t, off_t); /* lint-ok: as the C library has it */
typedef ssize_t preadv2_call(int, const struct iovec *, int, off_t, int); /* lint-ok: likewise */

/* -1: not set. */
static int64_t number(const char *name)
{
	const char *text = getenv(name);
	return text == NULL ? -1 : strtoll(text, NULL, 10); /* lint-ok: a test's */
}

static bool hangs(size_t n)
{
	const char *hang = getenv("TROUBLE_HANG");
	return hang != NULL && (int64_t)n >= number("TROUBLE_LEAST") && access(hang, F_OK) == 0;
}

static bool fails(size_t n, int64_t off)
{
	int64_t bad = number("TROUBLE_EIO");
	return off <= bad && bad < off + (int64_t)n;
}

static int64_t troubled(const char *name, int fd, void *buf, size_t n, int64_t off)
{
	while (hangs(n))
		usleep(10000);
	if (fails(n, off)) {
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

/* What storage has trouble with lies in no memory, so that who will not wait has nothing. */
static int64_t troubled_vector(int fd, const struct iovec *v, int n_v, int64_t off, int flags)
{
	bool waits = (flags & RWF_NOWAIT) == 0;
	if (n_v != 1 || (!waits && (hangs(v->iov_len) || fails(v->iov_len, off)))) {
		errno = n_v != 1 ? ENOTSUP : EAGAIN;
		return -1;
	}
	if (waits)
		return troubled("pread64", fd, v->iov_base, v->iov_len, off);
	preadv2_call *next = (preadv2_call *)dlsym(RTLD_NEXT, "preadv64v2");
	return next(fd, v, n_v, off, flags);
}

ssize_t preadv2(int fd, const struct iovec *v, int n, off_t at, int fl) /* lint-ok: likewise */
{
	return troubled_vector(fd, v, n, at, fl);
}

ssize_t preadv64v2(int fd, const struct iovec *v, int n, off_t at, int fl) /* lint-ok: likewise */
{
	return troubled_vector(fd, v, n, at, fl);
}
