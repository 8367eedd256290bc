#include "codec/encode.h"
#include "codec/text.h"
#include "tests/unit/run_suite.h"

#include <blosc.h>
#include <check.h>
#include <errno.h>
#include <libdeflate.h>
#include <string.h>
#include <zstd.h>

enum { SIZE_MAX_TESTED = 1 << 20 };

static uint8_t raw[SIZE_MAX_TESTED], back[SIZE_MAX_TESTED];
static uint64_t seed = 88172645463325252;

static uint64_t pick(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 11) % n;
}

enum content { ZEROS, RAMP, IMAGE, NOISE, CONTENTS };

static void set_raw(enum content c)
{
	for (size_t i = 0; i < sizeof(raw); i++) {
		uint64_t image = i / 997 + pick(4);
		raw[i] = (uint8_t)(c == ZEROS ? 0 : c == RAMP ? i : c == IMAGE ? image : pick(256));
	}
}

static void decode(const struct encode_spec *s, const void *in, size_t len, size_t n)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	ck_assert_ptr_nonnull(d);
	memset(back, 0x5a, n);
	size_t got = 0;
	switch (s->codec) {
	case CODEC_BLOSC_LZ4:
	case CODEC_BLOSC_LZ4HC:
	case CODEC_BLOSC_ZSTD:
		got = (size_t)blosc_decompress_ctx(in, back, n, 1);
		break;
	case CODEC_ZLIB:
		ck_assert_int_eq(libdeflate_zlib_decompress(d, in, len, back, n, &got),
				 LIBDEFLATE_SUCCESS);
		break;
	case CODEC_GZIP:
		ck_assert_int_eq(libdeflate_gzip_decompress(d, in, len, back, n, &got),
				 LIBDEFLATE_SUCCESS);
		break;
	case CODEC_ZSTD:
		got = ZSTD_decompress(back, n, in, len);
		break;
	case CODEC_NONE:
	default:
		ck_abort();
	}
	libdeflate_free_decompressor(d);
	ck_assert_uint_eq(got, n);
	ck_assert(memcmp(back, raw, n) == 0);
}

/* Encodes raw[n] into memory of exactly the bound; the caller frees. */
static uint8_t *encoded(struct encoder *e, const struct encode_spec *s, size_t n, size_t *len)
{
	uint64_t bound = encode_bound(s, n);
	uint8_t *out = malloc(bound);
	ck_assert_ptr_nonnull(out);
	struct err err = { 0 };
	int rc = encode(e, s, raw, n, out, bound, len, &err);
	ck_assert_msg(rc == 0, "%s: %s", codec_name(s->codec), err.msg);
	ck_assert_uint_le(*len, bound);
	if (encode_size_known(s))
		ck_assert_uint_eq(*len, bound);
	return out;
}

static const struct {
	enum codec codec;
	int min, max, usual;
} ranges[] = {
	{ CODEC_BLOSC_LZ4, 0, 9, 5 }, { CODEC_BLOSC_LZ4HC, 0, 9, 5 }, { CODEC_BLOSC_ZSTD, 0, 9, 1 },
	{ CODEC_ZLIB, 0, 9, 1 },      { CODEC_GZIP, 0, 9, 1 },	      { CODEC_ZSTD, 1, 19, 1 },
};

/* Multiples of 8, as chunks of any type may have; some below blosc's smallest block. */
static const size_t sizes[] = { 8, 16, 120, 128, 1000, 4096, 65544, 262144 + 8 };

START_TEST(round_trips)
{
	struct encoder *e = encoder_new();
	ck_assert_ptr_nonnull(e);
	for (int content = 0; content < CONTENTS; content++) {
		set_raw((enum content)content);
		for (int level = ranges[_i].min; level <= ranges[_i].max; level++) {
			for (int t = 0; t < DTYPE_COUNT; t++) {
				struct encode_spec s = { ranges[_i].codec, level, (enum dtype)t };
				size_t n = sizes[(size_t)(t + level) % ARRAY_SIZE(sizes)], len;
				CLEANUP(freep) uint8_t *out = encoded(e, &s, n, &len);
				decode(&s, out, len, n);
			}
		}
	}
	encoder_free(e);
}
END_TEST

START_TEST(round_trips_of_every_size)
{
	struct encoder *e = encoder_new();
	ck_assert_ptr_nonnull(e);
	for (int content = 0; content < CONTENTS; content++) {
		set_raw((enum content)content);
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			struct encode_spec s = { ranges[_i].codec, ranges[_i].usual, DTYPE_U16 };
			size_t len;
			CLEANUP(freep) uint8_t *out = encoded(e, &s, sizes[i], &len);
			decode(&s, out, len, sizes[i]);
			s.dtype = DTYPE_U8;
			for (size_t n = 1; i == 0 && n < 40; n++) {
				CLEANUP(freep) uint8_t *small = encoded(e, &s, n, &len);
				decode(&s, small, len, n);
			}
		}
	}
	encoder_free(e);
}
END_TEST

/* A context that has done other things, and one that is new, give the same bytes. */
START_TEST(same_bytes_always)
{
	size_t n = 512 * 1024;
	struct encoder *used = encoder_new();
	ck_assert_ptr_nonnull(used);
	for (int level = ranges[_i].min; level <= ranges[_i].max; level += 3) {
		struct encode_spec s = { ranges[_i].codec, level, DTYPE_U16 };
		set_raw(IMAGE);
		struct encoder *fresh = encoder_new();
		ck_assert_ptr_nonnull(fresh);
		size_t len, again_len;
		CLEANUP(freep) uint8_t *out = encoded(fresh, &s, n, &len);
		encoder_free(fresh);
		int repeats = level == ranges[_i].usual || level == ranges[_i].min ? 50 : 5;
		for (int i = 0; i < repeats; i++) {
			struct encode_spec other = { ranges[pick(ARRAY_SIZE(ranges))].codec, 1,
						     DTYPE_U8 };
			free(encoded(used, &other, 1 + pick(5000), &again_len));
			s.level = level;
			CLEANUP(freep) uint8_t *again = encoded(used, &s, n, &again_len);
			ck_assert_uint_eq(again_len, len);
			ck_assert(memcmp(again, out, len) == 0);
		}
	}
	encoder_free(used);
}
END_TEST

START_TEST(blosc_headers)
{
	struct encoder *e = encoder_new();
	ck_assert_ptr_nonnull(e);
	set_raw(IMAGE);
	for (int t = 0; t < DTYPE_COUNT; t++) {
		struct encode_spec s = { CODEC_BLOSC_LZ4, 5, (enum dtype)t };
		size_t len, type_size, n, compressed, block;
		int flags;
		CLEANUP(freep) uint8_t *out = encoded(e, &s, 65536, &len);
		blosc_cbuffer_metainfo(out, &type_size, &flags);
		blosc_cbuffer_sizes(out, &n, &compressed, &block);
		ck_assert_uint_eq(type_size, dtype_size(s.dtype));
		ck_assert_uint_eq(n, 65536);
		ck_assert_uint_eq(compressed, len);
		ck_assert_int_eq(encode_blosc_shuffle(&s), type_size == 1 ? 1 : 2);
		ck_assert_int_eq((flags & BLOSC_DOBITSHUFFLE) != 0, type_size > 1);
		ck_assert_int_eq((flags & BLOSC_DOSHUFFLE) != 0, type_size == 1);
	}
	encoder_free(e);
}
END_TEST

START_TEST(frames)
{
	struct encoder *e = encoder_new();
	ck_assert_ptr_nonnull(e);
	set_raw(IMAGE);
	size_t len;
	struct encode_spec s = { CODEC_GZIP, 1, DTYPE_U16 };
	CLEANUP(freep) uint8_t *gzip = encoded(e, &s, 5000, &len);
	static const uint8_t header[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0 }; /* no flags, no time */
	ck_assert(memcmp(gzip, header, sizeof(header)) == 0);
	ck_assert_uint_eq(gzip[9], 255); /* no operating system */
	s.codec = CODEC_ZSTD;
	CLEANUP(freep) uint8_t *zstd = encoded(e, &s, 5000, &len);
	ck_assert_uint_eq(ZSTD_getFrameContentSize(zstd, len), 5000);
	ck_assert_uint_eq(zstd[4] & 4, 0); /* frame header: no checksum */
	encoder_free(e);
}
END_TEST

START_TEST(known_sizes)
{
	static const size_t n[] = { 1, 100, 65536 };
	for (size_t i = 0; i < ARRAY_SIZE(n); i++) {
		struct encode_spec s = { CODEC_NONE, 0, DTYPE_U8 };
		ck_assert(encode_size_known(&s));
		ck_assert_uint_eq(encode_bound(&s, n[i]), n[i]);
		s.codec = CODEC_BLOSC_ZSTD;
		ck_assert(encode_size_known(&s));
		ck_assert_uint_eq(encode_bound(&s, n[i]), n[i] + 16);
		s.level = 1;
		ck_assert(!encode_size_known(&s));
		s.codec = CODEC_ZLIB;
		s.level = 0;
		ck_assert(!encode_size_known(&s));
	}
}
END_TEST

START_TEST(too_large_for_blosc)
{
	struct encoder *e = encoder_new();
	ck_assert_ptr_nonnull(e);
	struct encode_spec s = { CODEC_BLOSC_LZ4, 5, DTYPE_U16 };
	size_t n = (size_t)1 << 31, len = 7;
	struct err err = { 0 };
	uint8_t out[1];
	ck_assert_int_eq(encode(e, &s, raw, n, out, encode_bound(&s, n), &len, &err), -EIO);
	ck_assert_str_eq(
		err.msg,
		"codec blosc-lz4 takes chunks of at most 2 GiB, this one has 2147483648 bytes");
	ck_assert_uint_eq(len, 7);
	encoder_free(e);
	encoder_free(NULL);
}
END_TEST

START_TEST(parses)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		const char *name = codec_name(ranges[i].codec);
		enum codec codec;
		int level = -1;
		ck_assert_int_eq(codec_parse(name, &codec, &level, NULL), 0);
		ck_assert_int_eq(codec, ranges[i].codec);
		ck_assert_int_eq(level, ranges[i].usual);
		for (int l = 0; l <= 99; l++) {
			struct text t = { 0 };
			text_addf(&t, "%s:%d", name, l);
			bool good = l >= ranges[i].min && l <= ranges[i].max;
			int rc = codec_parse(t.s, &codec, &level, NULL);
			ck_assert_int_eq(rc, good ? 0 : -EINVAL);
			if (good)
				ck_assert_int_eq(level, l);
			text_done(&t);
		}
	}
	enum codec codec;
	int level;
	ck_assert_int_eq(codec_parse("none", &codec, &level, NULL), 0);
	ck_assert_int_eq(codec, CODEC_NONE);
	ck_assert_int_eq(level, 0);
}
END_TEST

START_TEST(parse_errors)
{
	static const char bad_lz4[] =
		"the level of codec blosc-lz4 is a number from 0 to 9 (default 5)";
	static const char bad_zstd[] =
		"the level of codec zstd is a number from 1 to 19 (default 1)";
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{ "lz5", "codec \"lz5\" is not known; expected auto, none, blosc-lz4, blosc-lz4hc, "
			 "blosc-zstd, "
			 "zlib, gzip or zstd" },
		{ "", "codec \"\" is not known" },
		{ ":3", "codec \"\" is not known" },
		{ "blosc", "codec \"blosc\" is not known" },
		{ "blosc-lz4x", "codec \"blosc-lz4x\" is not known" },
		{ "ZSTD", "codec \"ZSTD\" is not known" },
		{ "zstd ", "codec \"zstd \" is not known" },
		{ "a\nb", "codec \"a\xef\xbf\xbd"
			  "b\" is not known" },
		{ "none:0", "codec none takes no level" },
		{ "none:", "codec none takes no level" },
		{ "blosc-lz4:", bad_lz4 },
		{ "blosc-lz4:10", bad_lz4 },
		{ "blosc-lz4:-1", bad_lz4 },
		{ "blosc-lz4:+1", bad_lz4 },
		{ "blosc-lz4: 1", bad_lz4 },
		{ "blosc-lz4:1 ", bad_lz4 },
		{ "blosc-lz4:5:5", bad_lz4 },
		{ "blosc-lz4:x", bad_lz4 },
		{ "blosc-lz4:4294967297", bad_lz4 },
		{ "zstd:0", bad_zstd },
		{ "zstd:20", bad_zstd },
		{ "zlib:10", "the level of codec zlib is a number from 0 to 9 (default 1)" },
		{ "gzip:12", "the level of codec gzip is a number from 0 to 9 (default 1)" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum codec codec = CODEC_GZIP;
		int level = 77;
		struct err err = { 0 };
		ck_assert_int_eq(codec_parse(cases[i].text, &codec, &level, &err), -EINVAL);
		ck_assert_msg(strncmp(err.msg, cases[i].sentence, strlen(cases[i].sentence)) == 0,
			      "%s", err.msg);
		ck_assert_int_eq(err.code, EINVAL);
		ck_assert_int_eq(codec, CODEC_GZIP);
		ck_assert_int_eq(level, 77);
	}
}
END_TEST

START_TEST(versions)
{
	struct text t = { 0 };
	text_add(&t, "codecs: ");
	encode_versions(&t);
	ck_assert(!t.oom);
	ck_assert_ptr_eq(strstr(t.s, "codecs: blosc "), t.s);
	ck_assert_ptr_nonnull(strstr(t.s, blosc_get_version_string()));
	ck_assert_ptr_nonnull(strstr(t.s, "(lz4 "));
	ck_assert_ptr_nonnull(strstr(t.s, "libdeflate " LIBDEFLATE_VERSION_STRING));
	ck_assert_ptr_nonnull(strstr(t.s, ZSTD_versionString()));
	ck_assert_ptr_null(strstr(t.s, "unknown"));
	text_done(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("encode");
	TCase *t = tcase_create("encode");
	tcase_set_timeout(t, 240);
	tcase_add_loop_test(t, round_trips, 0, ARRAY_SIZE(ranges));
	tcase_add_loop_test(t, round_trips_of_every_size, 0, ARRAY_SIZE(ranges));
	tcase_add_loop_test(t, same_bytes_always, 0, ARRAY_SIZE(ranges));
	tcase_add_test(t, blosc_headers);
	tcase_add_test(t, frames);
	tcase_add_test(t, known_sizes);
	tcase_add_test(t, too_large_for_blosc);
	tcase_add_test(t, parses);
	tcase_add_test(t, parse_errors);
	tcase_add_test(t, versions);
	suite_add_tcase(s, t);
	return run_suite(s);
}
