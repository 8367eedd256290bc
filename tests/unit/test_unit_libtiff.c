#include <check.h>
#include <errno.h>

#include "tests/unit/run_suite.h"
#include "tests/unit/unit_fixture.h"

START_TEST(damage_leaves_the_decoder_sound)
{
	static const uint16_t all[] = { COMPRESSION_LZW,	  COMPRESSION_JPEG,
					COMPRESSION_LZMA,	  COMPRESSION_PACKBITS,
					COMPRESSION_LERC,	  COMPRESSION_ZSTD,
					COMPRESSION_ADOBE_DEFLATE };
	for (size_t k = 0; k < ARRAY_SIZE(all); k++) {
		struct opened o;
		size_t n, n_out, n_again;
		uint8_t *want, *again;
		if (!unit_codec_present(all[k]))
			continue;
		write_simple(all[k], &o, H);
		uint8_t *raw = stored(&o, 0, &n), *spoilt = malloc(n);
		ck_assert_ptr_nonnull(spoilt);
		ck_assert_int_eq(decode_bytes(&o, 0, raw, n, &want, &n_out), 0);
		for (unsigned i = 0; i < 200; i++) {
			memcpy(spoilt, raw, n);
			for (unsigned f = 0; f <= i % 8; f++)
				spoilt[next_random() % n] ^= (uint8_t)(1u << next_random() % 8);
			decode_only(&o, 0, spoilt, i % 3 == 0 ? n / 2 : n);
			ck_assert_int_eq(decode_bytes(&o, 0, raw, n, &again, &n_again), 0);
			ck_assert_mem_eq(again, want, n_out);
			free(again);
		}
		free(raw);
		free(spoilt);
		free(want);
		free(o.tables_text);
	}
}
END_TEST

START_TEST(sentences_name_the_codec)
{
	struct opened o;
	uint8_t rubbish[64];
	memset(rubbish, 0xff, sizeof(rubbish));
	write_simple(COMPRESSION_LZW, &o, H);
	ck_assert_int_eq(decode_only(&o, 0, rubbish, sizeof(rubbish)), -EBADMSG);
	ck_assert_msg(strncmp(err.msg, "LZW: corrupt data (", 19) == 0, "%s", err.msg);
	write_simple(COMPRESSION_ADOBE_DEFLATE, &o, H);
	ck_assert_int_eq(decode_only(&o, 0, rubbish, sizeof(rubbish)), -EBADMSG);
	ck_assert_str_eq(err.msg, "Deflate: corrupt data");
	ck_assert_int_eq(decode_only(&o, 0, rubbish, 0), -EBADMSG);
	ck_assert_str_eq(err.msg, "Deflate: no stored bytes");
	write_simple(COMPRESSION_ZSTD, &o, H);
	ck_assert_int_eq(decode_only(&o, 0, rubbish, sizeof(rubbish)), -EBADMSG);
	ck_assert_msg(strncmp(err.msg, "ZSTD: corrupt data (", 20) == 0, "%s", err.msg);
	write_simple(COMPRESSION_NONE, &o, H);
	ck_assert_int_eq(decode_only(&o, 0, rubbish, sizeof(rubbish)), -EBADMSG);
	ck_assert_str_eq(err.msg, "only 64 of 2146 bytes are stored");
}
END_TEST

/* ---- JPEG ---- */

/* Where the frame header's precision lies. */
static size_t frame_at(const uint8_t *raw, size_t n)
{
	for (size_t i = 0; i + 10 < n; i++)
		if (raw[i] == 0xff && raw[i + 1] == 0xc0)
			return i + 4;
	ck_abort_msg("no frame header");
	return 0;
}

START_TEST(jpeg_of_another_size)
{
	struct opened o;
	size_t n;
	write_simple(COMPRESSION_JPEG, &o, 16);
	uint8_t *raw = stored(&o, 0, &n);
	size_t f = frame_at(raw, n);
	static const struct {
		unsigned at, value;
	} changes[] = { { 0, 12 }, { 2, 8 }, { 2, 32 }, { 4, 32 }, { 4, 38 }, { 5, 3 } };
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		uint8_t was = raw[f + changes[i].at];
		raw[f + changes[i].at] = (uint8_t)changes[i].value;
		ck_assert_msg(decode_only(&o, 0, raw, n) == -EBADMSG, "change %zu", i);
		ck_assert_int_eq(strncmp(err.msg, "JPEG: corrupt data (", 20), 0);
		raw[f + changes[i].at] = was;
	}
	ck_assert_int_eq(decode_only(&o, 0, raw, n), 0);
	/* Without its tables it is nothing. */
	o.tables = (struct reader_bytes){ 0 };
	ck_assert_int_eq(decode_only(&o, 0, raw, n), -EBADMSG);
	/* No JPEG at all. */
	ck_assert_int_eq(decode_only(&o, 0, "\xff\xd8\xff\xd9", 4), -EBADMSG);
	free(raw);
	free(o.tables_text);
}
END_TEST

START_TEST(last_jpeg_strip_stored_whole)
{
	struct opened o;
	size_t n, n_whole, n_cut;
	uint8_t *whole, *cut;
	write_simple(COMPRESSION_JPEG, &o, 16);
	uint8_t *raw = stored(&o, 0, &n);
	ck_assert_uint_eq(rows_of(&o, 1), 13);
	ck_assert_int_eq(decode_bytes(&o, 0, raw, n, &whole, &n_whole), 0);
	ck_assert_msg(decode_bytes(&o, 1, raw, n, &cut, &n_cut) == 0, "%s", err.msg);
	ck_assert_uint_eq(n_cut, W * 13);
	ck_assert_mem_eq(whole, cut, n_cut);
	free(raw);
	free(whole);
	free(cut);
	free(o.tables_text);
}
END_TEST

START_TEST(jpeg_without_the_tag_of_its_subsampling)
{
	static uint8_t image[LONGEST];
	for (uint16_t sub = 1; sub <= 2; sub++) {
		struct recipe a = { COMPRESSION_JPEG,	8,	   1, 3, 1, 1, PHOTOMETRIC_YCBCR,
				    .subsampling = sub, .rows = 16 };
		struct opened o;
		size_t n, n_out;
		uint8_t *want, *got;
		paint(image, &a, (size_t)W * H * 3);
		write_file(&a, image);
		open_mem(&o);
		uint8_t *raw = stored(&o, 0, &n);
		ck_assert_uint_eq(o.p.subsampling[0], sub);
		ck_assert_int_eq(decode_bytes(&o, 0, raw, n, &want, &n_out), 0);
		o.p.subsampling[0] = o.p.subsampling[1] = 0;
		ck_assert_int_eq(decode_bytes(&o, 0, raw, n, &got, &n_out), 0);
		ck_assert_mem_eq(got, want, n_out);
		/* Subsampling wider than the image. */
		o.p.subsampling[0] = o.p.subsampling[1] = W + 1;
		ck_assert_int_eq(decode_only(&o, 0, raw, n), -EBADMSG);
		free(raw);
		free(want);
		free(got);
		free(o.tables_text);
	}
}
END_TEST

START_TEST(lzma_dictionary_of_4_gib)
{
	struct opened o;
	size_t n;
	if (!unit_codec_present(COMPRESSION_LZMA)) {
		printf("skipped: this libtiff has no LZMA\n");
		return;
	}
	write_simple(COMPRESSION_LZMA, &o, H);
	uint8_t *raw = stored(&o, 0, &n);
	/* The filter LZMA2 (0x21), one byte of properties. */
	size_t at = 12;
	while (at < 40 && !(raw[at] == 0x21 && raw[at + 1] == 1))
		at++;
	ck_assert_uint_lt(at, 40);
	for (unsigned d = 0; d <= 41; d++) {
		raw[at + 2] = (uint8_t)d;
		ck_assert(decode_only(&o, 0, raw, n) == -EBADMSG || d < 29);
		/* 2^26 is allowed, and fails by the header's checksum. */
		bool named = strstr(err.msg, "64 MiB") != NULL;
		ck_assert_msg(named == (d > 28 && d <= 40), "%u: %s", d, err.msg);
	}
	free(raw);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("unit_libtiff");
	TCase *c = tcase_create("unit_libtiff");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 300);
	tcase_add_test(c, damage_leaves_the_decoder_sound);
	tcase_add_test(c, sentences_name_the_codec);
	tcase_add_test(c, jpeg_of_another_size);
	tcase_add_test(c, last_jpeg_strip_stored_whole);
	tcase_add_test(c, jpeg_without_the_tag_of_its_subsampling);
	tcase_add_test(c, lzma_dictionary_of_4_gib);
	suite_add_tcase(s, c);
	return run_suite(s);
}
