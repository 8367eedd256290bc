/* Numbers and blocks of bytes inside files, for the readers told_*.c of binary kinds. */
#pragma once

#include "codec/reader.h"

#include <string.h>

static inline uint32_t bytes_u32(const uint8_t *b, bool big_endian)
{
	uint32_t v = 0;
	for (unsigned i = 0; i < 4; i++)
		v |= (uint32_t)b[i] << 8 * (big_endian ? 3 - i : i);
	return v;
}

/* Little-endian. */
static inline double bytes_double(const uint8_t *b)
{
	uint64_t bits = (uint64_t)bytes_u32(b + 4, false) << 32 | bytes_u32(b, false);
	double v;
	memcpy(&v, &bits, sizeof(v));
	return v;
}

/* n bytes at `off`; a zero is added, and the caller frees *out. 1; 0: they do not all lie inside the file; -ENOMEM,
 * and as the reader. */
int bytes_read(const struct reader *r, uint64_t off, uint64_t n, uint8_t **out, struct err *err);
