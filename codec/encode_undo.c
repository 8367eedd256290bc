#include <blosc.h>
#include <errno.h>
#include <libdeflate.h>
#include <zstd.h>

#include "codec/encode.h"

static bool undo_blosc(const void *in, void *raw, size_t n)
{
	return blosc_decompress_ctx(in, raw, n, 1) == (int)n;
}

static bool undo_deflate(enum codec codec, const void *in, size_t len, void *raw, size_t n)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	if (d == NULL)
		return false;
	enum libdeflate_result r = codec == CODEC_ZLIB
					   ? libdeflate_zlib_decompress(d, in, len, raw, n, NULL)
					   : libdeflate_gzip_decompress(d, in, len, raw, n, NULL);
	libdeflate_free_decompressor(d);
	return r == LIBDEFLATE_SUCCESS;
}

static bool undo(const struct encode_spec *s, const void *in, size_t len, void *raw, size_t n)
{
	switch (s->codec) {
	case CODEC_NONE:
		return false;
	case CODEC_BLOSC_LZ4:
	case CODEC_BLOSC_LZ4HC:
	case CODEC_BLOSC_ZSTD:
		return undo_blosc(in, raw, n);
	case CODEC_ZLIB:
	case CODEC_GZIP:
		return undo_deflate(s->codec, in, len, raw, n);
	case CODEC_ZSTD:
		return ZSTD_decompress(raw, n, in, len) == n;
	}
	return false;
}

int encode_undo(const struct encode_spec *s, const void *encoded, size_t len, void *raw, size_t n,
		struct err *err)
{
	if (undo(s, encoded, len, raw, n))
		return 0;
	return err_set(err, EIO, "%s: a cached chunk cannot be decoded", codec_name(s->codec));
}
