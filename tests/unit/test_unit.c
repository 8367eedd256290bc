#include <check.h>
#include <errno.h>

#include "codec/predictor.h"
#include "tests/unit/run_suite.h"
#include "tests/unit/unit_fixture.h"

static void check_image(const struct recipe *a, const uint8_t *image)
{
	static uint8_t want[LONGEST];
	struct opened o;
	open_mem(&o);
	ck_assert_uint_eq((uint64_t)o.p.units_x * o.p.units_y * (o.p.planar ? o.p.samples : 1),
			  unit_count(a));
	for (unsigned i = 0; i < unit_count(a); i++) {
		size_t n, n_out;
		uint8_t *raw = stored(&o, i, &n), *out;
		ck_assert_msg(unit_weigh(&o.p, n, rows_of(&o, i), &err) == 0, "%s", err.msg);
		int rc = decode_bytes(&o, i, raw, n, &out, &n_out);
		ck_assert_msg(rc == 0, "compression %u, %u bits, predictor %u: %s", a->compression,
			      a->bits, a->predictor, err.msg);
		ck_assert_uint_eq(gather(a, image, i, want), n_out);
		/* libtiff 4.5 swaps the bytes before it encodes, where predictor 3 knows no byte order and
		 * LERC takes some numbers for NaN: such files hold other numbers than it was given. */
		bool swapped =
			a->predictor == 3 || (a->compression == COMPRESSION_LERC && a->format == 3);
		if (swapped && a->big_endian)
			read_back(a, i, want, n_out);
		ck_assert_msg(memcmp(out, want, n_out) == 0,
			      "compression %u, %u bits, format %u, %u samples, predictor %u, fill "
			      "%u, %s, %s, %s: unit %u",
			      a->compression, a->bits, a->format, a->samples, a->predictor,
			      a->fill_order, a->big_endian ? "MM" : "II",
			      a->planar ? "planar" : "chunky", a->tiled ? "tiles" : "strips", i);
		free(raw);
		free(out);
	}
	free(o.tables_text);
}

/* ---- round trips ---- */

static const uint16_t codecs[] = { COMPRESSION_NONE,	 COMPRESSION_LZW,
				   COMPRESSION_PACKBITS, COMPRESSION_ADOBE_DEFLATE,
				   COMPRESSION_DEFLATE,	 COMPRESSION_ZSTD,
				   COMPRESSION_LZMA,	 COMPRESSION_LERC };

static const struct {
	uint16_t bits, format;
} kinds[] = { { 8, 1 },	 { 16, 1 }, { 32, 1 }, { 64, 1 }, { 8, 2 },
	      { 16, 2 }, { 32, 2 }, { 64, 2 }, { 32, 3 }, { 64, 3 } };

static bool predicts(uint16_t compression)
{
	return compression != COMPRESSION_NONE && compression != COMPRESSION_PACKBITS &&
	       compression != COMPRESSION_LERC;
}

static void all_layouts(struct recipe a)
{
	static uint8_t image[LONGEST];
	static const uint16_t samples[] = { 1, 3, 4 };
	for (unsigned k = 0; k < 3; k++) {
		for (unsigned bits = 0; bits < 16; bits++) {
			a.samples = samples[k];
			a.big_endian = bits & 1;
			a.fill_order = bits & 2 ? 2 : 1;
			a.tiled = bits & 4;
			a.planar = bits & 8;
			a.bigtiff = (bits * 7 + k) % 5 == 0;
			if (a.planar && a.samples == 1)
				continue;
			paint(image, &a, (size_t)W * H * a.samples);
			write_file(&a, image);
			check_image(&a, image);
		}
	}
}

START_TEST(round_trips)
{
	uint16_t compression = codecs[_i];
	if (!unit_codec_present(compression)) {
		printf("skipped: this libtiff has no %s\n", tiff_compression_name(compression));
		return;
	}
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct recipe a = { .compression = compression,
				    .bits = kinds[k].bits,
				    .format = kinds[k].format };
		if (compression == COMPRESSION_LERC && a.bits == 64 && a.format != 3)
			continue;
		for (a.predictor = 1; a.predictor <= (predicts(compression) ? 3 : 1); a.predictor++)
			if (a.predictor < 3 || a.format == 3)
				all_layouts(a);
	}
}
END_TEST

static const struct {
	uint16_t compression, samples, photometric, subsampling;
} pictures[] = {
	{ COMPRESSION_JPEG, 1, PHOTOMETRIC_MINISBLACK, 0 },
	{ COMPRESSION_JPEG, 3, PHOTOMETRIC_RGB, 0 },
	{ COMPRESSION_JPEG, 4, PHOTOMETRIC_SEPARATED, 0 },
	{ COMPRESSION_JPEG, 3, PHOTOMETRIC_YCBCR, 1 },
	{ COMPRESSION_JPEG, 3, PHOTOMETRIC_YCBCR, 2 },
	{ COMPRESSION_WEBP, 3, PHOTOMETRIC_RGB, 0 },
	{ COMPRESSION_WEBP, 4, PHOTOMETRIC_RGB, 0 },
};

START_TEST(pictures_are_as_libtiff_reads_them)
{
	static uint8_t image[LONGEST], want[LONGEST];
	for (unsigned bits = 0; bits < 4; bits++) {
		struct recipe a = { .compression = pictures[_i].compression,
				    .bits = 8,
				    .format = 1,
				    .samples = pictures[_i].samples,
				    .photometric = pictures[_i].photometric,
				    .subsampling = pictures[_i].subsampling,
				    .tiled = bits & 1,
				    .rows = 16,
				    .big_endian = bits & 2 };
		struct opened o;
		if (!unit_codec_present(a.compression)) {
			printf("skipped: this libtiff has no %s\n",
			       tiff_compression_name(a.compression));
			return;
		}
		paint(image, &a, (size_t)W * H * a.samples);
		write_file(&a, image);
		open_mem(&o);
		for (unsigned i = 0; i < unit_count(&a); i++) {
			size_t n, n_out;
			uint8_t *raw = stored(&o, i, &n), *out;
			int rc = decode_bytes(&o, i, raw, n, &out, &n_out);
			ck_assert_msg(rc == 0, "%s", err.msg);
			read_back(&a, i, want, n_out);
			ck_assert_mem_eq(out, want, n_out);
			free(raw);
			free(out);
		}
		free(o.tables_text);
	}
}
END_TEST

/* ---- bombs ---- */

START_TEST(weights)
{
	static const struct {
		uint16_t compression;
		uint64_t stored, rows;
		bool good;
	} rows[] = {
		{ 1, 16 << 20, 1024, true },	{ 1, (16 << 20) - 1, 1024, false },
		{ 8, 16 << 10, 1024, true },	{ 8, 15 << 10, 1024, false },
		{ 8, 15 << 10, 900, true },	{ 32946, 15 << 10, 1024, false },
		{ 50000, 520, 1024, true },	{ 50000, 400, 1024, false },
		{ 5, 6500, 1024, true },	{ 5, 6000, 1024, false },
		{ 32773, 1 << 18, 1024, true }, { 32773, 1 << 17, 1024, false },
		{ 7, 15500, 1024, true },	{ 7, 15000, 1024, false },
		{ 34925, 2100, 1024, true },	{ 34925, 2000, 1024, false },
		{ 50001, 30, 1024, true },	{ 34887, 70, 1024, true },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tiff_page p = { .compression = rows[i].compression,
				       .bits = 8,
				       .samples = 1,
				       .unit_w = 16384,
				       .unit_h = 1024 };
		int rc = unit_weigh(&p, rows[i].stored, (uint32_t)rows[i].rows, &err);
		ck_assert_msg(rc == (rows[i].good ? 0 : -EBADMSG), "row %zu", i);
	}
}
END_TEST

START_TEST(honest_zeros_are_no_bomb)
{
	static uint8_t zeros[16 << 20], packed[LONGEST];
	static const uint16_t all[] = { COMPRESSION_ADOBE_DEFLATE, COMPRESSION_ZSTD };
	for (size_t k = 0; k < ARRAY_SIZE(all); k++) {
		struct tiff_page p = { .compression = all[k],
				       .bits = 8,
				       .samples = 1,
				       .predictor = 1,
				       .width = 4096,
				       .height = 4096,
				       .unit_w = 4096,
				       .unit_h = 4096,
				       .counts = { 0, 1, 4 } };
		size_t n = pack(all[k], zeros, sizeof(zeros), packed);
		ck_assert_int_eq(unit_weigh(&p, n, 4096, &err), 0);
		uint8_t *out = malloc(sizeof(zeros));
		ck_assert_ptr_nonnull(out);
		ck_assert_int_eq(
			unit_decode(decoder, &p, NULL, packed, n, 4096, out, sizeof(zeros), &err),
			0);
		ck_assert_mem_eq(out, zeros, sizeof(zeros));
		/* A stream of 16 MiB for a small strip. */
		p.width = p.unit_w = 16;
		p.height = p.unit_h = 16;
		ck_assert_int_eq(unit_decode(decoder, &p, NULL, packed, n, 16, out, 256, &err),
				 -EBADMSG);
		free(out);
	}
}
END_TEST

START_TEST(misuse_is_refused)
{
	struct opened o;
	uint8_t out[16], raw[16] = { 0 };
	write_simple(COMPRESSION_NONE, &o, 8);
	ck_assert_int_eq(unit_decode(decoder, &o.p, NULL, raw, 16, 0, out, 0, &err), -EINVAL);
	ck_assert_int_eq(unit_decode(decoder, &o.p, NULL, raw, 16, 9, out, 16, &err), -EINVAL);
	ck_assert_int_eq(unit_decode(decoder, &o.p, NULL, raw, 16, 8, out, 16, &err), -EINVAL);
	o.p.compression = 34712;
	ck_assert_int_eq(unit_decode(decoder, &o.p, NULL, raw, 16, 1, out, W * 2, &err), -ENOTSUP);
	ck_assert(unit_codec_present(1) && unit_codec_present(8) && unit_codec_present(50000));
	ck_assert(unit_codec_present(5) && !unit_codec_present(34712) && !unit_codec_present(4711));
	unit_decoder_free(NULL);
}
END_TEST

START_TEST(float_predictor_knows_no_byte_order)
{
	static uint8_t image[LONGEST];
	struct recipe a = { COMPRESSION_ADOBE_DEFLATE, 64, 3, 1, 3, .rows = H };
	struct opened o;
	size_t n, n_out;
	uint8_t *out;
	paint(image, &a, (size_t)W * H);
	write_file(&a, image);
	open_mem(&o);
	uint8_t *raw = stored(&o, 0, &n);
	o.p.file.big_endian = true;
	ck_assert_int_eq(decode_bytes(&o, 0, raw, n, &out, &n_out), 0);
	ck_assert_mem_eq(out, image, n_out);
	free(raw);
	free(out);
}
END_TEST

/* Known numbers, so that writer and reader cannot be wrong together. */
START_TEST(known_bytes)
{
	uint16_t v[] = { 0x0100, 0x0200, 1, 2 };
	samples_swap(&(struct samples){ v, 2, 2, 1, 2 });
	ck_assert(v[0] == 1 && v[1] == 2 && v[2] == 0x0100 && v[3] == 0x0200);
	predictor_add(&(struct samples){ v, 2, 2, 1, 2 });
	ck_assert(v[0] == 1 && v[1] == 3 && v[2] == 0x0100 && v[3] == 0x0300);
	uint8_t rgb[] = { 250, 2, 3, 10, 20, 30 };
	predictor_add(&(struct samples){ rgb, 1, 2, 3, 1 });
	ck_assert(rgb[3] == 4 && rgb[4] == 22 && rgb[5] == 33);
	/* 1.0f and 2.0f are 3f800000 and 40000000: by bytes 3f 40 | 80 00 | 00 00 | 00 00, then differences. */
	union {
		float f[2];
		uint8_t b[8];
	} u = { .b = { 0x3f, 1, 0x40, 0x80, 0, 0, 0, 0 } };
	uint8_t row[8];
	predictor_join_floats(&(struct samples){ u.f, 1, 2, 1, 4 }, row);
	ck_assert(u.f[0] == 1.0f && u.f[1] == 2.0f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("unit");
	TCase *c = tcase_create("unit");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, round_trips, 0, ARRAY_SIZE(codecs));
	tcase_add_loop_test(c, pictures_are_as_libtiff_reads_them, 0, ARRAY_SIZE(pictures));
	tcase_add_test(c, weights);
	tcase_add_test(c, honest_zeros_are_no_bomb);
	tcase_add_test(c, misuse_is_refused);
	tcase_add_test(c, float_predictor_knows_no_byte_order);
	tcase_add_test(c, known_bytes);
	suite_add_tcase(s, c);
	return run_suite(s);
}
