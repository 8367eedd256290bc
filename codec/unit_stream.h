/* Deflate and ZSTD strips and tiles: one call of the library for the whole stream, and strict: the stream
 * ends, its checksum is right, nothing is left over. Only for codec/unit.c. */
#pragma once

#include "codec/err.h"

struct unit_streams; /* decompressor contexts; made when first used */

struct unit_streams *unit_streams_new(void); /* NULL: out of memory */
void unit_streams_free(struct unit_streams *s);

struct unit_stream {
	const void *raw;
	size_t n_raw;
	void *out;
	size_t n_out;
	uint64_t
		full; /* bytes of a unit with all its rows: some writers store the last one whole */
	uint64_t most; /* more than this no honest stream of n_raw bytes holds */
	bool exact;    /* n_raw is the stream's length; else only a bound of it */
};

/* Fills out[n_out]; of a longer stream, up to twice `full`, the start counts when all of it checks out.
 * -EBADMSG, -ENOMEM. */
int unit_inflate(struct unit_streams *s, const struct unit_stream *u, struct err *err);
int unit_unzstd(struct unit_streams *s, const struct unit_stream *u, struct err *err);
