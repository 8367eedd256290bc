/* Palettes: 16 bits a colour, or 8 where a writer took them for 16. */
#include "tests/unit/run_suite.h"
#include "tests/unit/tiff_fixture.h"

static uint8_t *rgb;
static uint32_t n;

/* Entry i is (i, 255 - i, 7), each times `unit`. */
static int palette_of(uint32_t count, unsigned unit, uint64_t bits)
{
	static uint64_t values[3 * 256];
	for (unsigned i = 0; i < 256; i++) {
		values[i] = (uint64_t)i * unit;
		values[256 + i] = (uint64_t)(255 - i) * unit;
		values[512 + i] = (uint64_t)7 * unit;
	}
	struct made_list l = base();
	made_num(&l, 258, 3, bits);
	made_num(&l, 262, 3, 3);
	made_set(&l, (struct made_tag){ .tag = 320, .type = 3, .count = count, .many = values });
	struct tiff_page p = must_read(&l);
	rgb = NULL;
	n = 0;
	return tiff_colors_read(&r, &p, &rgb, &n, &err);
}

START_TEST(eight_and_sixteen_bits)
{
	static const unsigned units[] = { 1, 256, 257 };
	for (size_t u = 0; u < ARRAY_SIZE(units); u++) {
		ck_assert_msg(palette_of(768, units[u], 8) == 0, "%s", err.msg);
		ck_assert_uint_eq(n, 256);
		for (unsigned i = 0; i < 256; i++) {
			const uint8_t want[] = { (uint8_t)i, (uint8_t)(255 - i), 7 };
			ck_assert_mem_eq(rgb + 3 * i, want, 3);
		}
		free(rgb);
	}
}
END_TEST

START_TEST(palettes_that_do_not_fit)
{
	ck_assert_int_eq(palette_of(765, 1, 8), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.msg, "tag 320 has 765 values"));
	ck_assert_int_eq(palette_of(768, 1, 16), -EBADMSG);
	ck_assert_int_eq(palette_of(768, 1, 32), -EBADMSG);
	ck_assert_ptr_null(rgb);
	struct made_list none = base();
	struct tiff_page p = must_read(&none);
	ck_assert_int_eq(tiff_colors_read(&r, &p, &rgb, &n, &err), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tiff_colors");
	TCase *t = tcase_create("tiff_colors");
	tcase_add_test(t, eight_and_sixteen_bits);
	tcase_add_test(t, palettes_that_do_not_fit);
	suite_add_tcase(s, t);
	return run_suite(s);
}
