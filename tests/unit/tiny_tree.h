/* A temporary folder that a test works in and that is removed afterwards. */
#pragma once

#include "tests/unit/tiny_tiff.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <sys/stat.h>

static char tiny_root[128];
static int tiny_home = -1; /* the folder that the program was started in */

static inline int tiny_remove(const char *path, const struct stat *st UNUSED, int flag UNUSED,
			      struct FTW *ftw UNUSED)
{
	return remove(path);
}

static inline int tiny_sweep(const char *path)
{
	return nftw(path, tiny_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static char tiny_base[64];

/* Around all tests of a program: what a failed one leaves behind goes at the end. */
static inline void tiny_begin(void)
{
	const char *tmp = getenv("TMPDIR");
	bool fits = tmp != NULL && strlen(tmp) < 32;
	snprintf(tiny_base, sizeof(tiny_base), "%s/ngffuse-test-XXXXXX", fits ? tmp : "/tmp");
	if (mkdtemp(tiny_base) == NULL) {
		perror(tiny_base);
		exit(1);
	}
}

static inline void tiny_end(void)
{
	if (tiny_sweep(tiny_base) != 0)
		perror(tiny_base);
}

/* Makes the folder and enters it. */
static inline void tiny_enter(void)
{
	snprintf(tiny_root, sizeof(tiny_root), "%s/XXXXXX", tiny_base);
	tiny_home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(tiny_home, 0);
	ck_assert_ptr_nonnull(mkdtemp(tiny_root));
	ck_assert_int_eq(chdir(tiny_root), 0);
}

static inline void tiny_leave(void)
{
	ck_assert_int_eq(fchdir(tiny_home), 0);
	close(tiny_home);
	ck_assert_int_eq(tiny_sweep(tiny_root), 0);
}

/* Folders that a path names, as `mkdir -p` of its folder part. */
static inline void tiny_folders(const char *path)
{
	char part[512];
	for (const char *s = strchr(path, '/'); s != NULL; s = strchr(s + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(s - path), path);
		mkdir(part, 0755);
	}
}

static inline void PRINTF(2, 3) tiny_pages(const struct tiny_page *pages, const char *fmt, ...);

/* A file of the pages up to the first of width 0; folders are made as needed. */
static inline void tiny_pages(const struct tiny_page *pages, const char *fmt, ...)
{
	char path[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	size_t n = 0;
	while (pages[n].w != 0)
		n++;
	tiny_folders(path);
	ck_assert_msg(tiny_tiff(path, pages, n), "cannot write %s", path);
}

/* A file with these bytes. */
static inline void tiny_bytes(const char *path, const void *bytes, size_t n)
{
	tiny_folders(path);
	FILE *f = fopen(path, "wb");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

#define GRAY(width, height)                                                                        \
	{                                                                                          \
		.w = (width), .h = (height), .photometric = 1                                      \
	}
#define END_OF_PAGES                                                                               \
	{                                                                                          \
		.w = 0                                                                             \
	}
#define PAGES(...) ((const struct tiny_page[]){ __VA_ARGS__, END_OF_PAGES })
