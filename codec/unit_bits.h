/* The order of bits within a byte (FillOrder 2: the first pixel in the lowest bit). Only for
 * codec/unit*.c. */
#pragma once

#include "codec/base.h"

static inline uint8_t unit_reverse_byte(uint8_t b)
{
	b = (uint8_t)(b >> 4 | b << 4);
	b = (uint8_t)((b & 0xcc) >> 2 | (b & 0x33) << 2);
	return (uint8_t)((b & 0xaa) >> 1 | (b & 0x55) << 1);
}

static inline void unit_reverse_bits(uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		b[i] = unit_reverse_byte(b[i]);
}
