/* A preloaded library that makes calls fail: the n-th allocation, read, opening of a file or start of a thread, or
 * all from the n-th on. FAILING_ORDERS names a file of one struct orders, which the test writes and reads while the program runs.
 *
 * Whose allocations fail is decided by the caller's address. The program's own, or also those of the libraries
 * that it works with. Never those of libfuse and the C library by themselves: libfuse ends the session when it
 * has no memory for its own request, and nobody above it can mend that. Nor the small ones of libtiff: 4.5.0 reads
 * through a null pointer (TIFFReadDirectory) after some of them. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NOTHING, OWN_ALLOCATIONS, ALL_ALLOCATIONS, READS, LIBTIFF_ALLOCATIONS, OPENS, THREADS };

struct orders {
	uint32_t what, lasting;
	uint64_t n;	/* counted from 1 */
	uint64_t count; /* so far, as the library counts them; of `what` */
};

enum { MAX_RANGES = 64, LIBTIFF_LEAST = 4096 };

/* Text of the program (the first) and of libraries whose allocations may fail. */
static struct range {
	uintptr_t from, to;
	size_t least; /* bytes; smaller allocations do not fail */
} ranges[MAX_RANGES];

static unsigned n_ranges;
static struct orders *orders;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static bool may_fail(const char *name)
{
	static const char *const spared[] = { "libfuse",    "libc.",	     "ld-linux",
					      "libpthread", "failing_calls", "vdso" };
	for (size_t i = 0; i < sizeof(spared) / sizeof(spared[0]); i++)
		if (strstr(name, spared[i]) != NULL)
			return false;
	return true;
}

static int add_ranges(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	(void)data;
	for (unsigned i = 0; may_fail(info->dlpi_name) && i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		if (p->p_type == PT_LOAD && (p->p_flags & PF_X) != 0 && n_ranges < MAX_RANGES) {
			uintptr_t from = info->dlpi_addr + p->p_vaddr;
			size_t least =
				strstr(info->dlpi_name, "libtiff") != NULL ? LIBTIFF_LEAST : 0;
			ranges[n_ranges++] = (struct range){ from, from + p->p_memsz, least };
		}
	}
	return 0;
}

/* Programs that ngffuse starts have nothing to fear. */
__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAILING_ORDERS");
	int fd = path == NULL || strcmp(program_invocation_short_name, "ngffuse") != 0
			 ? -1
			 : open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	dl_iterate_phdr(add_ranges, NULL);
	void *map = (void *)syscall(SYS_mmap, NULL, sizeof(struct orders), PROT_READ | PROT_WRITE,
				    MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		orders = map;
}

static bool strikes(void)
{
	uint64_t count = __atomic_add_fetch(&orders->count, 1, __ATOMIC_RELAXED);
	return count == orders->n || (orders->lasting != 0 && count > orders->n);
}

static bool no_memory(void *caller, size_t bytes)
{
	uint32_t what = orders == NULL ? NOTHING : orders->what;
	if (what != OWN_ALLOCATIONS && what != ALL_ALLOCATIONS && what != LIBTIFF_ALLOCATIONS)
		return false;
	unsigned n = what == OWN_ALLOCATIONS ? 1 : n_ranges;
	for (unsigned i = 0; i < n; i++) {
		if ((uintptr_t)caller < ranges[i].from || (uintptr_t)caller >= ranges[i].to)
			continue;
		bool spared = what == LIBTIFF_ALLOCATIONS && ranges[i].least == 0;
		if (spared || bytes < ranges[i].least || !strikes())
			return false;
		errno = ENOMEM;
		return true;
	}
	return false;
}

#define NO_MEMORY(bytes) no_memory(__builtin_return_address(0), bytes)

void *malloc(size_t n)
{
	return NO_MEMORY(n) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return NO_MEMORY(n * size) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return NO_MEMORY(n) ? NULL : __libc_realloc(p, n);
}

void *reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;
	if (NO_MEMORY(n * size))
		return NULL;
	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_realloc(p, bytes);
}

char *strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = NO_MEMORY(n) ? NULL : __libc_malloc(n);
	return copy == NULL ? NULL : memcpy(copy, s, n);
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t off) /* lint-ok: as libc has it */
{
	bool memory = (flags & MAP_ANONYMOUS) != 0;
	return memory && NO_MEMORY(n) ? MAP_FAILED
				      : (void *)syscall(SYS_mmap, at, n, prot, flags, fd, off);
}

static bool fails(uint32_t what)
{
	if (orders == NULL || orders->what != what || !strikes())
		return false;
	errno = EIO;
	return true;
}

ssize_t pread(int fd, void *buf, size_t n, off_t off) /* lint-ok: as the C library has it */
{
	return fails(READS) ? -1 : syscall(SYS_pread64, fd, buf, n, off);
}

ssize_t preadv2(int fd, const struct iovec *v, int n, off_t at, int fl) /* lint-ok: likewise */
{
	return fails(READS) ? -1 : syscall(SYS_preadv2, fd, v, n, at, 0L, fl);
}

/* Nobody but the program itself opens files so. */
int openat(int at, const char *path, int flags, ...)
{
	va_list rest;
	va_start(rest, flags);
	mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	return fails(OPENS) ? -1 : (int)syscall(SYS_openat, at, path, flags, mode);
}

typedef int create_call(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* Only the program's own threads: libfuse says itself what it does without one. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
		   void *data)
{
	uintptr_t caller = (uintptr_t)__builtin_return_address(0);
	if (n_ranges > 0 && caller >= ranges[0].from && caller < ranges[0].to && fails(THREADS))
		return EAGAIN;
	return ((create_call *)dlsym(RTLD_NEXT, "pthread_create"))(thread, attr, start, data);
}
