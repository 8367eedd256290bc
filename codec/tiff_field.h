/* Bytes and single values of an open TIFF: a window of a few KiB that follows the reads, so that a page
 * costs one or two reads, and the numbers of a tag whatever integer type it was written in. Only for
 * codec/tiff*.c. */
#pragma once

#include "codec/tiff.h"

enum { TIFF_WINDOW_SIZE = 8192 };

/* TIFF type numbers. */
enum {
	TIFF_TYPE_BYTE = 1,
	TIFF_TYPE_ASCII = 2,
	TIFF_TYPE_SHORT = 3,
	TIFF_TYPE_LONG = 4,
	TIFF_TYPE_RATIONAL = 5,
	TIFF_TYPE_SBYTE = 6,
	TIFF_TYPE_UNDEFINED = 7,
	TIFF_TYPE_SSHORT = 8,
	TIFF_TYPE_SLONG = 9,
	TIFF_TYPE_FLOAT = 11,
	TIFF_TYPE_DOUBLE = 12,
	TIFF_TYPE_IFD = 13,
	TIFF_TYPE_LONG8 = 16,
	TIFF_TYPE_SLONG8 = 17,
	TIFF_TYPE_IFD8 = 18,
};

struct tiff_window {
	const struct reader *r;
	uint64_t off;
	size_t len;
	uint8_t buf[TIFF_WINDOW_SIZE];
};

/* n (at most TIFF_WINDOW_SIZE) bytes at `off`, valid until the next call. -ENODATA: the file ends before;
 * else as the reader. */
int tiff_window_get(struct tiff_window *w, uint64_t off, size_t n, const uint8_t **out,
		    struct err *err);

/* A number of n (1, 2, 4, 8) bytes. */
uint64_t tiff_number(const uint8_t *b, size_t n, bool big_endian);

/* Bytes of one value; 0: no such type. */
size_t tiff_type_size(uint16_t type);

const char *tiff_type_name(uint16_t type);

/* Value `i` of an integer tag. -EBADMSG: the type is no integer, or the value is negative. */
int tiff_values_get(struct tiff_window *w, const struct tiff_values *v, bool big_endian, uint64_t i,
		    uint64_t *out, struct err *err);
