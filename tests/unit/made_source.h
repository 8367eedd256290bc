/* A told_source over a file in memory, and files beside it. */
#pragma once

#include <check.h>
#include <errno.h>
#include <string.h>

#include "meta/told.h"
#include "tests/unit/made_tiff.h"

struct made_beside {
	const char *path;
	const void *bytes;
	size_t n;
};

struct made_source {
	struct told_source s;
	struct reader_bytes bytes;
	struct reader reader;
	struct tiff_page first;
	uint64_t *ifds;
	const struct made_beside *beside; /* ends with path NULL; NULL: nothing */
	int failing;			  /* what every file beside answers; 0: itself */
};

static inline int made_beside_at(void *ctx, const char *path, uint64_t off, size_t max, char **out,
				 size_t *len)
{
	const struct made_source *m = ctx;
	if (m->failing != 0)
		return m->failing;
	for (const struct made_beside *f = m->beside; f != NULL && f->path != NULL; f++) {
		if (strcmp(f->path, path) != 0)
			continue;
		uint64_t from = min_u64(off, f->n);
		*len = min_u64(max, f->n - from);
		*out = calloc(1, *len + 1);
		if (*out == NULL)
			return -ENOMEM;
		memcpy(*out, (const char *)f->bytes + from, *len);
		return 0;
	}
	return strncmp(path, "..", 2) == 0 ? -EXDEV : -ENOENT;
}

static inline int made_beside_all(void *ctx, const char *path, size_t max, char **out, size_t *len)
{
	const struct made_source *m = ctx;
	for (const struct made_beside *f = m->beside; f != NULL && f->path != NULL; f++)
		if (strcmp(f->path, path) == 0 && (f->n > max || max == 0) && m->failing == 0)
			return max == 0 ? 0 : -EFBIG;
	return made_beside_at(ctx, path, 0, max, out, len);
}

/* A source that is no TIFF. */
static inline void made_source_of_files(struct made_source *m, const char *name,
					const struct made_beside *beside)
{
	*m = (struct made_source){ .beside = beside };
	m->s = (struct told_source){
		.name = name, .beside = made_beside_all, .beside_at = made_beside_at, .ctx = m
	};
}

/* Of a file whose first page is well formed. */
static inline void made_source_open(struct made_source *m, const char *name, const uint8_t *b,
				    size_t n)
{
	struct tiff_header h;
	struct err err = { 0 };
	size_t n_pages = 0;
	made_source_of_files(m, name, NULL);
	m->bytes = (struct reader_bytes){ b, n };
	m->reader = reader_mem(&m->bytes);
	ck_assert_msg(tiff_header_read(&m->reader, &h, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(tiff_walk(&m->reader, &h, &m->ifds, &n_pages, &m->s.cut, NULL), 0);
	ck_assert_msg(tiff_page_read(&m->reader, &h, m->ifds[0], &m->first, &err) == 0, "%s",
		      err.msg);
	m->s.r = &m->reader;
	m->s.first = &m->first;
	m->s.ifds = m->ifds;
	m->s.n_pages = (uint32_t)n_pages;
}

static inline void made_source_close(struct made_source *m)
{
	free(m->ifds);
	m->ifds = NULL;
}

static inline bool made_notes(const struct told *t, const char *part)
{
	return t->notes.s != NULL && strstr(t->notes.s, part) != NULL;
}
