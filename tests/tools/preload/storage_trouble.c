/* A preloaded library that makes reads of files hang or fail, as bad storage does. TROUBLE_HANG names a file:
 * as long as it exists, reads of at least TROUBLE_LEAST bytes wait. TROUBLE_EIO is an offset: reads across it
 * fail with EIO. TROUBLE_SLOW: each read takes so many milliseconds more. Where TROUBLE_NAME is set, all of
 * that goes for the files whose path ends so, and where TROUBLE_WHEN names a file, only as long as it exists. */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Not every file has trouble where TROUBLE_NAME says how the path of those that have it ends. */
static bool is_bad(int fd)
{
	const char *end = getenv("TROUBLE_NAME");
	char link[64], path[4096];
	const char *when = getenv("TROUBLE_WHEN");
	if (when != NULL && access(when, F_OK) != 0)
		return false;
	if (end == NULL)
		return true;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	int64_t n = readlink(link, path, sizeof(path)), len = (int64_t)strlen(end);
	return n >= len && memcmp(path + n - len, end, (size_t)len) == 0;
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

/* Waits, or fails with -1. */
static int trouble(size_t n, int64_t off)
{
	int64_t slow = number("TROUBLE_SLOW");
	while (hangs(n))
		usleep(10000);
	if (slow > 0)
		usleep((useconds_t)slow * 1000);
	if (!fails(n, off))
		return 0;
	errno = EIO;
	return -1;
}

static int64_t troubled(const char *name, int fd, void *buf, size_t n, int64_t off)
{
	if (is_bad(fd) && trouble(n, off) != 0)
		return -1;
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
	bool late = n_v == 1 && is_bad(fd) &&
		    (hangs(v->iov_len) || fails(v->iov_len, off) || number("TROUBLE_SLOW") > 0);
	if (n_v != 1 || (!waits && late)) {
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
