/* From the voxels of one chunk to the bytes of its file. Deterministic: the same voxels, spec and
 * library versions give the same bytes on any thread. */
#pragma once

#include "codec/dtype.h"
#include "codec/err.h"

enum codec {
	CODEC_NONE,
	CODEC_BLOSC_LZ4,
	CODEC_BLOSC_LZ4HC,
	CODEC_BLOSC_ZSTD,
	CODEC_ZLIB,
	CODEC_GZIP,
	CODEC_ZSTD,
};

enum { CODEC_COUNT = CODEC_ZSTD + 1 };

struct encode_spec {
	enum codec codec;
	int level;
	enum dtype
		dtype; /* blosc: type size; byte shuffle for one-byte types, bit shuffle for wider ones */
};

/* Compressor contexts of one worker. Not locked. */
struct encoder;

struct encoder *encoder_new(void); /* NULL: out of memory */
void encoder_free(struct encoder *e);

/* "blosc-lz4" .. as `--codec` takes it. */
const char *codec_name(enum codec c);

/* "blosc-zstd:3" or "zstd" -> codec and level (the codec's default where none is given). -EINVAL with a
 * sentence that says what would be right. Not for the word auto. */
int codec_parse(const char *text, enum codec *codec, int *level, struct err *err);

/* Largest encoding of n raw bytes; for CODEC_NONE n itself. */
uint64_t encode_bound(const struct encode_spec *s, uint64_t n);

/* True where every encoding of n bytes has the size encode_bound. */
bool encode_size_known(const struct encode_spec *s);

/* Encodes raw[n] into out[cap], cap >= encode_bound. -ENOMEM, -EIO. Not for CODEC_NONE, whose bytes are
 * the voxels themselves. */
int encode(struct encoder *e, const struct encode_spec *s, const void *raw, size_t n, void *out,
	   size_t cap, size_t *ret_len, struct err *err);

/* The voxels again: raw[n] from an encoding of n bytes that encode() made. -ENOMEM, -EIO. Not for CODEC_NONE. */
int encode_undo(const struct encode_spec *s, const void *encoded, size_t len, void *raw, size_t n,
		struct err *err);

/* Shuffle of blosc as numcodecs numbers it: 1 byte, 2 bit. */
int encode_blosc_shuffle(const struct encode_spec *s);

/* Names and versions of the compressors linked in, for `-V` and for the fingerprint. Appended. */
struct text;
void encode_versions(struct text *t);
