#include <check.h>
#include <errno.h>

#include "tests/unit/run_suite.h"
#include "tests/unit/tiff_fixture.h"

START_TEST(kinds_that_are_given)
{
	static const struct {
		uint16_t bits, format;
		enum dtype t;
	} rows[] = {
		{ 8, 1, DTYPE_U8 },   { 16, 1, DTYPE_U16 }, { 32, 1, DTYPE_U32 },
		{ 64, 1, DTYPE_U64 }, { 8, 2, DTYPE_I8 },   { 16, 2, DTYPE_I16 },
		{ 32, 2, DTYPE_I32 }, { 64, 2, DTYPE_I64 }, { 32, 3, DTYPE_F32 },
		{ 64, 3, DTYPE_F64 }, { 16, 4, DTYPE_U16 }, { 1, 1, DTYPE_U8 },
		{ 1, 2, DTYPE_U8 },   { 2, 1, DTYPE_U8 },   { 7, 1, DTYPE_U8 },
		{ 7, 2, DTYPE_I8 },   { 9, 1, DTYPE_U16 },  { 12, 1, DTYPE_U16 },
		{ 15, 2, DTYPE_I16 }, { 17, 1, DTYPE_U32 }, { 24, 1, DTYPE_U32 },
		{ 24, 2, DTYPE_I32 }, { 31, 2, DTYPE_I32 }, { 12, 4, DTYPE_U16 },
		{ 16, 3, DTYPE_F32 }, { 24, 3, DTYPE_F32 },
	};
	static const uint16_t photometrics[] = { 0, 1, 3 };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(photometrics); k++) {
			struct made_list l = made_page(4, 4, 8, 128);
			enum dtype t;
			made_num(&l, 258, 3, rows[i].bits);
			made_num(&l, 339, 3, rows[i].format);
			made_num(&l, 262, 3, photometrics[k]);
			struct tiff_page p = must_read(&l);
			ck_assert_msg(tiff_page_dtype(&p, &t, &err) == 0, "%s", err.msg);
			ck_assert_int_eq(t, rows[i].t);
			ck_assert_uint_eq(tiff_unit_bytes(&p, 4), 16 * dtype_size(t));
			ck_assert_uint_eq(tiff_packed_bytes(&p, 4), (4 * rows[i].bits + 7) / 8 * 4);
			bool widened = i > 10;
			ck_assert(tiff_is_widened(&p) == widened);
			ck_assert(tiff_is_raw_rows(&p) == !widened);
		}
	}
}
END_TEST

struct change {
	uint16_t tag, value;
};

static const struct {
	struct change c[4];
	const char *sentence; /* NULL: given */
} kinds[] = {
	{ { { 259, 6 } }, "compression 6 (old JPEG) is not supported" },
	{ { { 259, 2 } }, "CCITT RLE with BitsPerSample 8 is not supported" },
	{ { { 259, 4 }, { 258, 2 } }, "CCITT G4 with BitsPerSample 2 is not supported" },
	{ { { 259, 3 }, { 258, 1 }, { 277, 3 } }, "CCITT G3 with 3 samples is not supported" },
	{ { { 259, 3 }, { 258, 1 }, { 277, 3 }, { 284, 2 } }, NULL },
	{ { { 259, 4 }, { 258, 1 } }, NULL },
	{ { { 259, 2 }, { 258, 1 }, { 262, 0 } }, NULL },
	{ { { 259, 32771 }, { 258, 1 } }, "compression 32771 (CCITT RLE, words) is not supported" },
	{ { { 259, 34712 } }, "compression 34712 (JPEG 2000) is not supported" },
	{ { { 259, 50002 } }, "compression 50002 (JPEG XL) is not supported" },
	{ { { 259, 32909 } }, "compression 32909 (PixarLog) is not supported" },
	{ { { 259, 34676 } },
	  "compression 34676 (SGILog) with PhotometricInterpretation 1 is not supported" },
	{ { { 259, 32766 } }, "compression 32766 (NeXT) is not supported" },
	{ { { 259, 32809 } }, "compression 32809 (ThunderScan) is not supported" },
	{ { { 259, 34661 } }, "compression 34661 (JBIG) is not supported" },
	{ { { 259, 34933 } }, "compression 34933 (PNG) is not supported" },
	{ { { 259, 34934 } }, "compression 34934 (JPEG XR) is not supported" },
	{ { { 259, 4711 } }, "compression 4711 (unknown) is not supported" },
	{ { { 259, 0 } }, "compression 0 (unknown) is not supported" },
	{ { { 258, 33 } }, "BitsPerSample 33 is not supported" },
	{ { { 258, 63 }, { 339, 2 } }, "BitsPerSample 63 is not supported" },
	{ { { 258, 8 }, { 339, 3 } },
	  "BitsPerSample 8 with SampleFormat 3 (float) is not supported" },
	{ { { 258, 31 }, { 339, 3 } },
	  "BitsPerSample 31 with SampleFormat 3 (float) is not supported" },
	{ { { 258, 64 }, { 339, 6 } }, "SampleFormat 6 (complex) is not supported" },
	{ { { 258, 32 }, { 339, 5 } }, "SampleFormat 5 (complex) is not supported" },
	{ { { 339, 7 } }, "SampleFormat 7 is not supported" },
	{ { { 339, 0 } }, "SampleFormat 0 is not supported" },
	{ { { 32997, 3 } }, "ImageDepth 3 is not supported" },
	{ { { 259, 7 }, { 258, 12 } }, "JPEG with BitsPerSample 12 is not supported" },
	{ { { 259, 7 } }, NULL },
	{ { { 259, 34887 }, { 258, 12 } }, "LERC with BitsPerSample 12 is not supported" },
	{ { { 259, 34887 }, { 258, 16 }, { 339, 3 } },
	  "LERC with BitsPerSample 16 is not supported" },
	{ { { 259, 50001 }, { 258, 16 } }, "WebP with BitsPerSample 16 is not supported" },
	{ { { 262, 32844 } },
	  "PhotometricInterpretation 32844 (LogL) with compression 1 (none) is not supported" },
	{ { { 262, 32845 }, { 277, 3 }, { 259, 8 } },
	  "PhotometricInterpretation 32845 (LogLuv) with compression 8 (Deflate) is not" },
	{ { { 262, 32844 }, { 259, 34677 } },
	  "PhotometricInterpretation 32844 (LogL) with compression 34677 (SGILog24) is not" },
	{ { { 262, 32844 }, { 259, 34676 }, { 277, 2 } }, "LogL with 2 samples is not supported" },
	{ { { 262, 32845 }, { 259, 34677 }, { 277, 3 }, { 284, 2 } },
	  "LogLuv with 3 samples in planes is not supported" },
	{ { { 262, 32845 }, { 259, 34677 }, { 277, 3 } }, NULL },
	{ { { 262, 32844 }, { 259, 34676 }, { 258, 16 } }, NULL },
	{ { { 262, 6 }, { 277, 3 } }, "YCbCr subsampling 2,2 without JPEG is not supported" },
	{ { { 262, 6 }, { 277, 3 }, { 259, 7 } }, NULL },
	{ { { 262, 6 }, { 277, 1 }, { 259, 7 } },
	  "PhotometricInterpretation 6 (YCbCr) with 1 samples is not supported" },
	{ { { 262, 6 }, { 277, 3 }, { 259, 7 }, { 284, 2 } }, "PlanarConfiguration 2 with" },
	{ { { 262, 2 }, { 277, 3 } }, NULL },
	{ { { 262, 5 }, { 277, 4 } }, NULL },
	{ { { 262, 8 }, { 277, 3 } }, NULL },
	{ { { 262, 9 }, { 277, 3 }, { 258, 16 } }, NULL },
	{ { { 259, 50001 } }, "WebP with 1 samples of 8 bits is not supported" },
	{ { { 259, 50001 }, { 277, 4 }, { 262, 2 } }, NULL },
	{ { { 317, 2 }, { 259, 8 } }, NULL },
	{ { { 317, 3 }, { 259, 8 }, { 258, 32 }, { 339, 3 } }, NULL },
	{ { { 317, 3 }, { 259, 8 } },
	  "Predictor 3 with SampleFormat 1 of 8 bits is not supported" },
	{ { { 317, 3 }, { 259, 8 }, { 258, 16 }, { 339, 3 } }, NULL },
	{ { { 317, 3 }, { 259, 5 }, { 258, 24 }, { 339, 3 } }, NULL },
	{ { { 317, 2 }, { 259, 8 }, { 258, 16 }, { 339, 3 } }, NULL },
	{ { { 317, 2 }, { 259, 8 }, { 258, 12 } },
	  "Predictor 2 with BitsPerSample 12 is not supported" },
	{ { { 317, 2 }, { 259, 5 }, { 258, 24 } },
	  "Predictor 2 with BitsPerSample 24 is not supported" },
	{ { { 317, 0 }, { 259, 5 } }, "Predictor 0 is not supported" },
	{ { { 317, 34892 }, { 259, 50000 } }, "Predictor 34892 is not supported" },
	/* Compressions that know no predictor, but some programs undo it. */
	{ { { 317, 2 }, { 259, 32773 } },
	  "Predictor 2 with compression 32773 (PackBits) is not supported" },
	{ { { 317, 3 }, { 259, 34887 }, { 258, 32 }, { 339, 3 } },
	  "Predictor 3 with compression 34887 (LERC) is not supported" },
	{ { { 317, 1 }, { 259, 34887 } }, NULL },
	/* Compressions that know no predictor. */
	{ { { 317, 3 }, { 259, 1 } }, NULL },
	{ { { 317, 9 }, { 259, 32773 } }, NULL },
};

START_TEST(kind_is_given_or_named)
{
	struct made_list l = made_page(4, 4, 8, 128);
	enum dtype t;
	for (size_t k = 0; k < 4 && kinds[_i].c[k].tag != 0; k++)
		made_num(&l, kinds[_i].c[k].tag, 3, kinds[_i].c[k].value);
	struct tiff_page p = must_read(&l);
	int rc = tiff_page_dtype(&p, &t, &err);
	ck_assert_msg(rc == (kinds[_i].sentence != NULL ? -ENOTSUP : 0), "row %d: %s", _i, err.msg);
	if (rc != 0)
		ck_assert_msg(strncmp(err.msg, kinds[_i].sentence, strlen(kinds[_i].sentence)) == 0,
			      "row %d: '%s'", _i, err.msg);
}
END_TEST

START_TEST(ycbcr_without_subsampling)
{
	struct made_list l = made_page(4, 4, 8, 128);
	enum dtype t;
	made_num(&l, 277, 3, 3);
	made_num(&l, 262, 3, 6);
	made_set(&l, (struct made_tag){
			     .tag = 530, .type = 3, .count = 2, .many = (uint64_t[]){ 1, 1 } });
	struct tiff_page p = must_read(&l);
	ck_assert_int_eq(tiff_page_dtype(&p, &t, &err), 0);
	made_set(&l, (struct made_tag){
			     .tag = 530, .type = 3, .count = 2, .many = (uint64_t[]){ 2, 1 } });
	p = must_read(&l);
	ck_assert_int_eq(tiff_page_dtype(&p, &t, &err), -ENOTSUP);
	ck_assert_str_eq(err.msg, "YCbCr subsampling 2,1 without JPEG is not supported");
}
END_TEST

START_TEST(complex_of_two_doubles)
{
	struct made_list l = base();
	struct tiff_page p;
	made_num(&l, 258, 3, 128);
	made_num(&l, 339, 3, 6);
	ck_assert_int_eq(read_made(&l, &p), -ENOTSUP);
	ck_assert_str_eq(err.msg, "SampleFormat 6 (complex) is not supported");
}
END_TEST

START_TEST(old_jpeg_without_strips)
{
	struct made_list l = base();
	enum dtype t;
	made_num(&l, 259, 3, 6);
	made_drop(&l, 273);
	made_drop(&l, 279);
	struct tiff_page p = must_read(&l);
	ck_assert_int_eq(tiff_page_dtype(&p, &t, &err), -ENOTSUP);
	ck_assert_int_eq(unit_of(&p, 0).state, TIFF_UNIT_DAMAGED);
}
END_TEST

START_TEST(same_kind)
{
	struct made_list l = base(), m = base();
	struct tiff_page a = must_read(&l);
	made_tiles(&m, 16, 16);
	made_num(&m, 259, 3, 5);
	made_num(&m, 262, 3, 0);
	made_num(&m, 339, 3, 4);
	struct tiff_page b = must_read(&m);
	ck_assert(tiff_same_kind(&a, &b));
	static const struct change differ[] = { { 256, 32 }, { 257, 32 }, { 258, 16 },
						{ 339, 2 },  { 277, 2 },  { 262, 3 } };
	for (size_t i = 0; i < ARRAY_SIZE(differ); i++) {
		struct made_list d = with(differ[i].tag, 3, differ[i].value);
		b = must_read(&d);
		ck_assert_msg(!tiff_same_kind(&a, &b), "tag %u", differ[i].tag);
	}
	l = with(277, 3, 3);
	m = l;
	made_num(&l, 262, 3, 2);
	made_num(&m, 262, 3, 6);
	a = must_read(&l);
	b = must_read(&m);
	ck_assert(!tiff_same_kind(&a, &b));
	made_num(&m, 259, 3, 7);
	b = must_read(&m);
	ck_assert(tiff_same_kind(&a, &b));
}
END_TEST

START_TEST(names_of_compressions)
{
	ck_assert_str_eq(tiff_compression_name(1), "none");
	ck_assert_str_eq(tiff_compression_name(5), "LZW");
	ck_assert_str_eq(tiff_compression_name(8), "Deflate");
	ck_assert_str_eq(tiff_compression_name(32946), "Deflate");
	ck_assert_str_eq(tiff_compression_name(50000), "ZSTD");
	ck_assert_str_eq(tiff_compression_name(4711), "unknown");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tiff_kind");
	TCase *c = tcase_create("tiff_kind");
	tcase_add_test(c, kinds_that_are_given);
	tcase_add_loop_test(c, kind_is_given_or_named, 0, ARRAY_SIZE(kinds));
	tcase_add_test(c, ycbcr_without_subsampling);
	tcase_add_test(c, complex_of_two_doubles);
	tcase_add_test(c, old_jpeg_without_strips);
	tcase_add_test(c, same_kind);
	tcase_add_test(c, names_of_compressions);
	suite_add_tcase(s, c);
	return run_suite(s);
}
