/* One compressor library behind encode.c's table. Only for codec/encode*.c. */
#pragma once

#include "codec/encode.h"
#include "codec/text.h"

struct libdeflate_compressor;
struct ZSTD_CCtx_s;

/* Contexts are made when first needed and kept. */
struct encoder {
	struct libdeflate_compressor *deflate;
	int deflate_level; /* what `deflate` was made for */
	struct ZSTD_CCtx_s *zstd;
};

struct encode_io {
	const void *raw;
	size_t n;
	void *out;
	size_t cap; /* at least the bound of n */
};

/* Each: the bound of n raw bytes; the encoding (0, -ENOMEM, -EIO; *ret_len untouched on failure); name and
 * version of the library. */
uint64_t encode_blosc_bound(const struct encode_spec *s, uint64_t n);
int encode_blosc(struct encoder *e, const struct encode_spec *s, const struct encode_io *io,
		 size_t *ret_len, struct err *err);
void encode_blosc_version(struct text *t);

uint64_t encode_zlib_bound(const struct encode_spec *s, uint64_t n);
int encode_zlib(struct encoder *e, const struct encode_spec *s, const struct encode_io *io,
		size_t *ret_len, struct err *err);
void encode_zlib_done(struct encoder *e);
void encode_zlib_version(struct text *t);

uint64_t encode_zstd_bound(const struct encode_spec *s, uint64_t n);
int encode_zstd(struct encoder *e, const struct encode_spec *s, const struct encode_io *io,
		size_t *ret_len, struct err *err);
void encode_zstd_done(struct encoder *e);
void encode_zstd_version(struct text *t);
