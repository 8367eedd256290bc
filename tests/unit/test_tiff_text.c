#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/run_suite.h"
#include "tests/unit/tiff_fixture.h"

START_TEST(texts)
{
	static const uint16_t types[] = { 1, 2, 7 };
	char *s;
	size_t n;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct made_list l = base();
		made_set(&l, (struct made_tag){ .tag = 270,
						.type = types[i],
						.count = 9,
						.bytes = "ab\0cd\0\0\0" });
		struct tiff_page p = must_read(&l);
		ck_assert_int_eq(tiff_text_read(&r, &p.description, 100, &s, &n, &err), 0);
		ck_assert_uint_eq(n, 5);
		ck_assert_mem_eq(s, "ab\0cd", 6);
		free(s);
		ck_assert_int_eq(tiff_text_read(&r, &p.description, 1, &s, &n, &err), 0);
		ck_assert_str_eq(s, "a");
		free(s);
	}
	struct made_list l = with(270, 4, 65);
	struct tiff_page p = must_read(&l);
	ck_assert_int_eq(tiff_text_read(&r, &p.description, 100, &s, &n, &err), -EBADMSG);
	ck_assert_int_eq(tiff_text_read(&r, &p.software, 100, &s, &n, &err), 0);
	ck_assert_str_eq(s, "");
	free(s);
}
END_TEST

static const struct {
	const char *text;
	enum dtype t;
	uint64_t bits; /* of the voxel, little-endian */
} nodata[] = {
	{ "255", DTYPE_U8, 255 },
	{ "256", DTYPE_U8, 0 },
	{ "-1", DTYPE_U8, 0 },
	{ "-1", DTYPE_I8, 0xff },
	{ "-128", DTYPE_I8, 0x80 },
	{ "-129", DTYPE_I8, 0 },
	{ " 7 ", DTYPE_U16, 7 },
	{ "1e3", DTYPE_U16, 1000 },
	{ "12.000", DTYPE_U16, 12 },
	{ "12.5", DTYPE_U16, 0 },
	{ "nan", DTYPE_U16, 0 },
	{ "x", DTYPE_U32, 0 },
	{ "", DTYPE_U32, 0 },
	{ "4294967295", DTYPE_U32, 0xffffffff },
	{ "18446744073709551615", DTYPE_U64, UINT64_MAX },
	{ "18446744073709551616", DTYPE_U64, 0 },
	{ "-9223372036854775808", DTYPE_I64, (uint64_t)1 << 63 },
	{ "9007199254740993", DTYPE_I64, 9007199254740993 },
	{ "-9999", DTYPE_F32, 0xc61c3c00 },
	{ "1.5", DTYPE_F64, 0x3ff8000000000000 },
	{ "1e300", DTYPE_F32, 0 },
	{ "-inf", DTYPE_F32, 0xff800000 },
	{ "1.5z", DTYPE_F64, 0 },
};

START_TEST(sparse_value)
{
	struct made_list l = base();
	size_t n = strlen(nodata[_i].text) + 1;
	uint64_t voxel = 0;
	made_set(&l, (struct made_tag){
			     .tag = 42113, .type = 2, .count = n, .bytes = nodata[_i].text });
	struct tiff_page p = must_read(&l);
	memset(&voxel, 0x5a, dtype_size(nodata[_i].t));
	ck_assert_int_eq(tiff_sparse_value(&r, &p, nodata[_i].t, &voxel, NULL), 0);
	ck_assert_msg(voxel == nodata[_i].bits, "'%s': %llx", nodata[_i].text,
		      (unsigned long long)voxel);
}
END_TEST

START_TEST(sparse_value_nan)
{
	struct made_list l = base();
	float f = 0;
	made_set(&l, (struct made_tag){ .tag = 42113, .type = 2, .count = 4, .bytes = "nan" });
	struct tiff_page p = must_read(&l);
	ck_assert_int_eq(tiff_sparse_value(&r, &p, DTYPE_F32, &f, NULL), 0);
	ck_assert(f != f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tiff_text");
	TCase *c = tcase_create("tiff_text");
	tcase_add_test(c, texts);
	tcase_add_loop_test(c, sparse_value, 0, ARRAY_SIZE(nodata));
	tcase_add_test(c, sparse_value_nan);
	suite_add_tcase(s, c);
	return run_suite(s);
}
