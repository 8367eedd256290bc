#include <check.h>
#include <errno.h>

#include "tests/unit/run_suite.h"
#include "tests/unit/unit_fixture.h"

START_TEST(deflate_damage_is_always_seen)
{
	struct opened o;
	size_t n, n_out, same = 0;
	write_simple(COMPRESSION_ADOBE_DEFLATE, &o, H);
	uint8_t *raw = stored(&o, 0, &n), *want, *out;
	ck_assert_uint_gt(n, 500);
	ck_assert_int_eq(decode_bytes(&o, 0, raw, n, &want, &n_out), 0);
	for (size_t i = 0; i < n; i++) {
		for (unsigned k = 0; k < 9; k++) {
			uint8_t was = raw[i];
			raw[i] = (uint8_t)(was ^ (k < 8 ? 1u << k : 0x55));
			int rc = decode_bytes(&o, 0, raw, n, &out, &n_out);
			/* Some changes say the same in other words. */
			if (rc == 0)
				ck_assert_msg(memcmp(out, want, n_out) == 0, "byte %zu, change %u",
					      i, k);
			else
				ck_assert_int_eq(strncmp(err.msg, "Deflate: ", 9), 0);
			same += rc == 0;
			free(out);
			raw[i] = was;
		}
	}
	ck_assert_uint_lt(same, n / 20);
	free(raw);
	free(want);
}
END_TEST

START_TEST(shortened_streams_are_damage)
{
	static const uint16_t all[] = { COMPRESSION_NONE,     COMPRESSION_ADOBE_DEFLATE,
					COMPRESSION_ZSTD,     COMPRESSION_LZW,
					COMPRESSION_PACKBITS, COMPRESSION_LZMA,
					COMPRESSION_LERC,     COMPRESSION_JPEG };
	for (size_t k = 0; k < ARRAY_SIZE(all); k++) {
		struct opened o;
		size_t n;
		if (!unit_codec_present(all[k]))
			continue;
		write_simple(all[k], &o, H);
		uint8_t *raw = stored(&o, 0, &n);
		/* Some streams end in bytes that no voxel needs. */
		bool strict = all[k] == COMPRESSION_NONE || all[k] == COMPRESSION_ADOBE_DEFLATE ||
			      all[k] == COMPRESSION_ZSTD;
		size_t from = strict ? n - 1 : n - n / 4;
		for (size_t m = from + 1; m-- > 0;)
			ck_assert_msg(decode_only(&o, 0, raw, m) == -EBADMSG, "%u: %zu of %zu",
				      all[k], m, n);
		ck_assert_int_eq(decode_only(&o, 0, raw, n), 0);
		free(raw);
		free(o.tables_text);
	}
}
END_TEST

START_TEST(bytes_after_the_end)
{
	static const uint16_t all[] = { COMPRESSION_ADOBE_DEFLATE, COMPRESSION_ZSTD };
	for (size_t k = 0; k < ARRAY_SIZE(all); k++) {
		static uint8_t longer[LONGEST];
		struct opened o;
		size_t n;
		write_simple(all[k], &o, H);
		uint8_t *raw = stored(&o, 0, &n);
		memset(longer, 0, sizeof(longer));
		memcpy(longer, raw, n);
		ck_assert_int_eq(decode_only(&o, 0, longer, n), 0);
		ck_assert_int_eq(decode_only(&o, 0, longer, n + 1), -EBADMSG);
		ck_assert_int_eq(decode_only(&o, 0, longer, n + 100), -EBADMSG);
		/* Without byte counts a unit's bytes reach to whatever follows. */
		o.p.counts.count = 0;
		ck_assert_int_eq(decode_only(&o, 0, longer, n + 100), 0);
		ck_assert_int_eq(decode_only(&o, 0, longer, n - 1), -EBADMSG);
		free(raw);
	}
}
END_TEST

START_TEST(streams_longer_than_their_strip)
{
	static const uint16_t all[] = { COMPRESSION_ADOBE_DEFLATE, COMPRESSION_ZSTD };
	for (size_t k = 0; k < ARRAY_SIZE(all); k++) {
		static uint8_t image[LONGEST], packed[LONGEST];
		struct opened o;
		struct recipe a = { .bits = 16, .format = 1 };
		write_simple(all[k], &o, 8);
		/* The last strip has 5 of 8 rows. */
		size_t row = W * 2;
		paint(image, &a, (size_t)W * 20);
		ck_assert_uint_eq(rows_of(&o, 3), 5);
		static const struct {
			unsigned rows, unit;
			bool good;
		} rows[] = { { 5, 3, true },  { 8, 3, true },  { 16, 3, true },	 { 17, 3, false },
			     { 4, 3, false }, { 16, 0, true }, { 17, 0, false }, { 7, 0, false } };
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			uint8_t *out;
			size_t n_out, n = pack(all[k], image, rows[i].rows * row, packed);
			int rc = decode_bytes(&o, rows[i].unit, packed, n, &out, &n_out);
			ck_assert_msg(rc == (rows[i].good ? 0 : -EBADMSG), "row %zu: %s", i,
				      err.msg);
			if (rc == 0)
				ck_assert_mem_eq(out, image, n_out);
			free(out);
			/* The checksum counts, though it lies beyond the rows. */
			packed[n - 1] ^= 0x10;
			if (all[k] == COMPRESSION_ADOBE_DEFLATE)
				ck_assert_int_eq(decode_only(&o, rows[i].unit, packed, n),
						 -EBADMSG);
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("unit_stream");
	TCase *c = tcase_create("unit_stream");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 300);
	tcase_add_test(c, deflate_damage_is_always_seen);
	tcase_add_test(c, shortened_streams_are_damage);
	tcase_add_test(c, bytes_after_the_end);
	tcase_add_test(c, streams_longer_than_their_strip);
	suite_add_tcase(s, c);
	return run_suite(s);
}
