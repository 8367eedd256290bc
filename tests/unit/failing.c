#include "tests/unit/failing.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <expat.h>
#include <libdeflate.h>
#include <pthread.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <tiffio.h>
#include <time.h>
#include <zstd.h>

static _Atomic enum failing_what mode;
static _Atomic uint64_t count, wanted, ahead_ns;
static _Atomic bool keeps_on;
static const char *_Atomic hit;
static bool (*choose)(void *);
static void *choose_ctx;

static void *frames[24];
static int n_frames;

static void *hook(size_t n);

void failing_begin(enum failing_what what, uint64_t n, bool lasting)
{
	cJSON_Hooks hooks = { .malloc_fn = hook, .free_fn = free };
	cJSON_InitHooks(&hooks);
	count = 0;
	wanted = n;
	keeps_on = lasting;
	hit = NULL;
	mode = what;
}

uint64_t failing_end(void)
{
	mode = FAIL_NOTHING;
	return count;
}

void failing_choose(bool (*fails)(void *ctx), void *ctx)
{
	choose = fails;
	choose_ctx = ctx;
}

const char *failing_hit(void)
{
	return hit;
}

void failing_clock(uint64_t ns)
{
	ahead_ns = ns;
}

void failing_show(void)
{
	if (hit != NULL)
		backtrace_symbols_fd(frames, n_frames, STDOUT_FILENO);
}

static bool strikes(const char *name)
{
	uint64_t n = ++count;
	bool now = n == wanted || (keeps_on && n > wanted);
	if (n == wanted) {
		hit = name;
		n_frames = backtrace(frames, (int)ARRAY_SIZE(frames));
	}
	return now;
}

static bool no_memory(const char *name)
{
	bool fails = choose != NULL ? choose(choose_ctx) : mode == FAIL_ALLOCATION && strikes(name);
	if (fails)
		errno = ENOMEM;
	return fails;
}

/* A function that returns `type`, and `none` where memory is short; as ld(1) has it, --wrap. */
#define WRAP(type, none, name, params, args)                                                       \
	type __real_##name params;                                                                 \
	type __wrap_##name params;                                                                 \
	type __wrap_##name params                                                                  \
	{                                                                                          \
		return no_memory(#name) ? (none) : __real_##name args;                             \
	}

WRAP(void *, NULL, malloc, (size_t n), (n))
WRAP(void *, NULL, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, NULL, realloc, (void *p, size_t n), (p, n))
WRAP(void *, NULL, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
WRAP(char *, NULL, strdup, (const char *s), (s))
WRAP(char *, NULL, strndup, (const char *s, size_t n), (s, n))
WRAP(int, -1, vasprintf, (char **s, const char *fmt, va_list ap), (s, fmt, ap))
WRAP(int, -1, __vasprintf_chk, (char **s, int flag, const char *fmt, va_list ap),
     (s, flag, fmt, ap))
WRAP(int64_t, -1, getline, (char **s, size_t *cap, FILE *f), (s, cap, f))
WRAP(int64_t, -1, __getdelim, (char **s, size_t *cap, int end, FILE *f), (s, cap, end, f))
WRAP(char *, NULL, realpath, (const char *path, char *out), (path, out))
WRAP(FILE *, NULL, fopen, (const char *path, const char *how), (path, how))
WRAP(DIR *, NULL, opendir, (const char *path), (path))
WRAP(DIR *, NULL, fdopendir, (int fd), (fd))
WRAP(void *, NULL, tsearch, (const void *key, void **root, __compar_fn_t cmp), (key, root, cmp))
WRAP(void *, MAP_FAILED, mmap, (void *p, size_t n, int prot, int flags, int fd, int64_t off),
     (p, n, prot, flags, fd, off))
WRAP(XML_Parser, NULL, XML_ParserCreate, (const char *encoding), (encoding))
WRAP(ZSTD_DCtx *, NULL, ZSTD_createDCtx, (void), ())
WRAP(ZSTD_CCtx *, NULL, ZSTD_createCCtx, (void), ())
WRAP(struct libdeflate_decompressor *, NULL, libdeflate_alloc_decompressor, (void), ())
WRAP(struct libdeflate_compressor *, NULL, libdeflate_alloc_compressor, (int level), (level))
WRAP(TIFFOpenOptions *, NULL, TIFFOpenOptionsAlloc, (void), ())
WRAP(int, EAGAIN, pthread_create,
     (pthread_t * t, const pthread_attr_t *attr, void *(*f)(void *), void *arg), (t, attr, f, arg))

void *failing_not(size_t n, size_t size)
{
	return __real_calloc(n, size);
}

static void *hook(size_t n)
{
	return __wrap_malloc(n);
}

/* 0: as it is; else the errno, or EAGAIN for a read that is cut short. */
static int read_fails(const char *name)
{
	enum failing_what what = mode;
	if (what < FAIL_READ || !strikes(name))
		return 0;
	if (what == FAIL_SIGNAL && (count - wanted) % 2 == 1)
		return 0;
	return what == FAIL_READ ? EIO : what == FAIL_SIGNAL ? EINTR : EAGAIN;
}

int64_t __real_pread(int fd, void *buf, size_t n, int64_t off);
int64_t __wrap_pread(int fd, void *buf, size_t n, int64_t off);
int64_t __wrap_pread(int fd, void *buf, size_t n, int64_t off)
{
	int e = read_fails("pread");
	if (e == EIO || e == EINTR) {
		errno = e;
		return -1;
	}
	return __real_pread(fd, buf, e != 0 ? ceil_div(n, 2) : n, off);
}

int64_t __real_preadv2(int fd, const struct iovec *v, int n, int64_t off, int flags);
int64_t __wrap_preadv2(int fd, const struct iovec *v, int n, int64_t off, int flags);
int64_t __wrap_preadv2(int fd, const struct iovec *v, int n, int64_t off, int flags)
{
	int e = read_fails("preadv2");
	struct iovec half = { v->iov_base, ceil_div(v->iov_len, 2) };
	if (e == EIO || e == EINTR) {
		errno = e;
		return -1;
	}
	return __real_preadv2(fd, e != 0 ? &half : v, n, off, flags);
}

int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
	int rc = __real_clock_gettime(clock, t);
	uint64_t ns = clock == CLOCK_MONOTONIC ? ahead_ns : 0;
	t->tv_sec += (time_t)(ns / 1000000000);
	t->tv_nsec += (long)(ns % 1000000000);
	if (t->tv_nsec >= 1000000000) {
		t->tv_nsec -= 1000000000;
		t->tv_sec++;
	}
	return rc;
}
