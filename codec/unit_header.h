/* A TIFF file of one directory and one strip or tile, made in memory: what libtiff gets to see of a page,
 * so that it never parses anything that came from outside. Only for codec/unit*.c. */
#pragma once

#include "codec/tiff.h"

/* All that libtiff must know to decode a unit; equal for all units that can share a handle. Every field has
 * the same size, so that two compare by memcmp. */
struct unit_tags {
	uint32_t width, rows, tiled, big_endian;
	uint32_t compression, bits, sample_format, samples, photometric, predictor, fill_order;
	uint32_t extra, extra_kind;
	uint32_t subsampling[2], lerc[2];
	uint32_t fax_options; /* T4Options or T6Options */
};

/* What `p` says, for a unit of `rows` rows. */
struct unit_tags unit_tags_of(const struct tiff_page *p, uint32_t rows);

/* The file's bytes; the caller frees *out. `tables` may be NULL. -ENOMEM. */
int unit_header_make(const struct unit_tags *t, const struct reader_bytes *tables, uint8_t **out,
		     size_t *len);
