/* Undoes what a TIFF writer did to the samples before it compressed them (Predictor 2 and 3), and their
 * byte order. In place; plain C. Source: TIFF 6.0 section 14, TIFF Technical Note 3. */
#pragma once

#include "codec/base.h"

/* `rows` rows of `width` pixels of `samples` interleaved samples of `size` bytes. */
struct samples {
	void *data; /* aligned for the sample's type */
	uint64_t rows, width;
	unsigned samples;
	size_t size; /* 1, 2, 4, 8 */
};

/* From the file's byte order to the machine's. */
void samples_swap(const struct samples *s);

/* Predictor 2: each sample is a difference to its left neighbour; native byte order before and after. */
void predictor_add(const struct samples *s);

/* Predictor 3: differences of bytes, the bytes of a row sorted by significance; the samples are 4 or 8
 * bytes. Native byte order after it whatever the file has. `row` is scratch of width x samples x size
 * bytes. */
void predictor_join_floats(const struct samples *s, uint8_t *row);
