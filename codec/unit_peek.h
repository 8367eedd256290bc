/* What a stored strip or tile says of itself, looked at before a decoder allocates on its word. Only for
 * codec/unit*.c. */
#pragma once

#include "codec/base.h"

/* Dictionary of the first block of an .xz stream, in bytes; 0 where the stream does not say (a decoder will
 * refuse it). `reversed`: the bits of each byte are (FillOrder 2). */
uint64_t unit_peek_lzma_dictionary(const uint8_t *raw, size_t n, bool reversed);

/* Width and height of a WebP file. False: it is none, or cut off before it says. */
bool unit_peek_webp(const uint8_t *raw, size_t n, bool reversed, uint32_t *width, uint32_t *height);

struct unit_jpeg {
	uint16_t width, height;
	uint8_t precision, components;
	uint8_t h, v; /* sampling factors of the first component */
};

/* The frame header of a JPEG stream. False: there is none. */
bool unit_peek_jpeg(const uint8_t *raw, size_t n, struct unit_jpeg *out);
