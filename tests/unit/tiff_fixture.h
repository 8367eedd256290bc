/* Files made in memory for the tests of codec/tiff*.c, and the way to read them. */
#pragma once

#include <check.h>
#include <errno.h>

#include "codec/tiff.h"
#include "tests/unit/made_tiff.h"

static struct made file;
static struct reader_bytes bytes;
static struct reader r;
static struct err err;

static const uint8_t pixels[4096] = { 1, 2, 3 };

static inline int open_file(struct tiff_header *h)
{
	bytes = (struct reader_bytes){ file.b, file.n };
	r = reader_mem(&bytes);
	err = (struct err){ 0 };
	return tiff_header_read(&r, h, &err);
}

static inline int read_first(struct tiff_page *p)
{
	struct tiff_header h;
	int rc = open_file(&h);
	return rc != 0 ? rc : tiff_page_read(&r, &h, h.first_ifd, p, &err);
}

/* A little-endian classic file: 4096 bytes of pixels at byte 8, then this page. */
static inline int read_made(const struct made_list *l, struct tiff_page *p)
{
	made_begin(&file, false, false);
	made_data(&file, pixels, sizeof(pixels));
	made_ifd(&file, l->t);
	return read_first(p);
}

static inline struct tiff_page must_read(const struct made_list *l)
{
	struct tiff_page p;
	ck_assert_msg(read_made(l, &p) == 0, "%s", err.msg);
	return p;
}

static inline void must_fail(const struct made_list *l, const char *word)
{
	struct tiff_page p;
	ck_assert_int_eq(read_made(l, &p), -EBADMSG);
	ck_assert_int_eq(err.code, EBADMSG);
	ck_assert_msg(strstr(err.msg, word) != NULL, "'%s' without '%s'", err.msg, word);
}

static inline struct tiff_unit unit_of(const struct tiff_page *p, uint64_t i)
{
	struct tiff_unit u;
	ck_assert_msg(tiff_units_read(&r, p, i, 1, &u, &err) == 0, "%s", err.msg);
	return u;
}

static inline struct tiff_unit only_unit(const struct made_list *l)
{
	struct tiff_page p = must_read(l);
	return unit_of(&p, 0);
}

static inline struct made_list base(void)
{
	return made_page(64, 64, 8, 4096);
}

static inline struct made_list with(uint16_t tag, uint16_t type, uint64_t value)
{
	struct made_list l = base();
	made_num(&l, tag, type, value);
	return l;
}
