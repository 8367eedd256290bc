/* Strips and tiles whose samples are stored as no voxel is, as libtiff writes them: packed bits, three bytes, short
 * floats, fax lines, logarithms. */
#include <errno.h>
#include <math.h>

#include "tests/unit/run_suite.h"
#include "tests/unit/unit_fixture.h"

enum { MOST_UNITS = 32 };

/* What was written: unit after unit, packed. */
static uint8_t written[MOST_UNITS][1 << 14];

static unsigned samples_of(const struct recipe *a)
{
	return a->planar ? 1 : a->samples;
}

static unsigned unit_width(const struct recipe *a)
{
	return a->tiled ? 16 : W;
}

static unsigned unit_height(const struct recipe *a, unsigned i)
{
	unsigned left = H - i % ((H + 7) / 8) * 8;
	return a->tiled ? 16 : left < 8 ? left : 8;
}

static size_t packed_row(const struct recipe *a)
{
	return ((size_t)unit_width(a) * samples_of(a) * a->bits + 7) / 8;
}

/* Runs of equal bits, so that fax lines look like some. */
static void paint_bits(uint8_t *b, const struct recipe *a, unsigned rows)
{
	size_t row = packed_row(a), bits = (size_t)unit_width(a) * samples_of(a) * a->bits;
	memset(b, 0, row * rows);
	for (unsigned y = 0; y < rows; y++)
		for (size_t i = 0, left = 0, bit = 0; i < bits; i++) {
			if (left-- == 0) {
				left = next_random() % 9;
				bit = !bit;
			}
			b[y * row + i / 8] |= (uint8_t)(bit << (7 - i % 8));
		}
}

static void write_units(const struct recipe *a)
{
	static uint8_t copy[1 << 14];
	char mode[8];
	mem.n = 0;
	snprintf(mode, sizeof(mode), "w%c", a->big_endian ? 'b' : 'l');
	TIFF *t = mem_open(mode);
	ck_assert_ptr_nonnull(t);
	set_tags(t, a);
	for (unsigned i = 0; i < unit_count(a); i++) {
		tmsize_t n = (tmsize_t)(packed_row(a) * unit_height(a, i)), done;
		paint_bits(written[i], a, unit_height(a, i));
		memcpy(copy, written[i], (size_t)n);
		done = a->tiled ? TIFFWriteEncodedTile(t, i, copy, n)
				: TIFFWriteEncodedStrip(t, i, copy, n);
		ck_assert_int_eq(done, n);
	}
	TIFFClose(t);
}

/* ---- what the samples mean, bit by bit ---- */

static uint32_t stored_sample(const struct recipe *a, const uint8_t *row, size_t i)
{
	uint32_t v = 0;
	/* libtiff takes and gives numbers of whole bytes as the machine has them. */
	if (a->bits % 8 == 0) {
		memcpy(&v, row + i * a->bits / 8, a->bits / 8);
		return v;
	}
	for (size_t b = i * a->bits; b < (i + 1) * a->bits; b++)
		v = v << 1 | (row[b / 8] >> (7 - b % 8) & 1);
	return v;
}

static double float_value(uint32_t v, unsigned bits)
{
	int mantissa = bits == 16 ? 10 : 16, most = bits == 16 ? 31 : 127;
	int exponent = (int)(v >> mantissa) & most;
	double part = ldexp((double)(v & ((1u << mantissa) - 1)), -mantissa);
	double size =
		exponent == 0 ? ldexp(part, 1 - most / 2) : ldexp(1 + part, exponent - most / 2);
	if (exponent == most)
		size = part == 0 ? (double)INFINITY : (double)NAN;
	return v >> (bits - 1) != 0 ? -size : size;
}

static bool is_sample(const struct recipe *a, uint32_t v, const uint8_t *got)
{
	size_t size = a->format == 3 || a->bits > 16 ? 4 : a->bits > 8 ? 2 : 1;
	int64_t want = v;
	uint64_t bits = 0;
	float f;
	memcpy(&bits, got, size);
	memcpy(&f, got, size == 4 ? 4 : 0);
	if (a->format == 3) {
		double value = float_value(v, a->bits);
		return isnan(value) ? isnan(f) : value == (double)f;
	}
	if (a->format == 2 && a->bits > 1 && v >> (a->bits - 1) != 0)
		want -= (int64_t)1 << a->bits;
	return bits == ((uint64_t)want & (size == 4   ? UINT32_MAX
					  : size == 2 ? UINT16_MAX
						      : UINT8_MAX));
}

static void check_unit(const struct recipe *a, unsigned i, const uint8_t *out, size_t n_out)
{
	size_t n = (size_t)unit_width(a) * samples_of(a), row = packed_row(a);
	size_t size = n_out / (n * unit_height(a, i));
	for (size_t k = 0; k < n * unit_height(a, i); k++) {
		uint32_t v = stored_sample(a, written[i] + k / n * row, k % n);
		if (!is_sample(a, v, out + k * size))
			ck_abort_msg(
				"compression %u, %u bits, format %u, %u samples, predictor %u, "
				"fill %u, %s, %s, %s: unit %u, sample %zu",
				a->compression, a->bits, a->format, a->samples, a->predictor,
				a->fill_order, a->big_endian ? "MM" : "II",
				a->planar ? "planar" : "chunky", a->tiled ? "tiles" : "strips", i,
				k);
	}
}

static void check_file(const struct recipe *a)
{
	struct opened o;
	write_units(a);
	/* libtiff 4.5 swaps before it encodes, where predictor 3 knows no byte order: the file holds other numbers. */
	for (unsigned i = 0; a->predictor == 3 && a->big_endian && i < unit_count(a); i++)
		read_back(a, i, written[i], packed_row(a) * unit_height(a, i));
	open_mem(&o);
	for (unsigned i = 0; i < unit_count(a); i++) {
		size_t n, n_out;
		uint8_t *raw = stored(&o, i, &n), *out;
		ck_assert_msg(unit_weigh(&o.p, n, rows_of(&o, i), &err) == 0, "%s", err.msg);
		int rc = decode_bytes(&o, i, raw, n, &out, &n_out);
		ck_assert_msg(rc == 0, "compression %u, %u bits, predictor %u: %s", a->compression,
			      a->bits, a->predictor, err.msg);
		check_unit(a, i, out, n_out);
		free(raw);
		free(out);
	}
}

static void check_layouts(struct recipe a)
{
	for (unsigned bits = 0; bits < 16; bits++) {
		a.big_endian = bits & 1;
		a.fill_order = bits & 2 ? 2 : 1;
		a.tiled = bits & 4;
		a.planar = bits & 8;
		a.samples = bits & 8 || next_random() % 2 == 0 ? 3 : 1;
		check_file(&a);
	}
}

static bool have(uint16_t compression)
{
	if (unit_codec_present(compression))
		return true;
	printf("skipped: this libtiff has no %s\n", tiff_compression_name(compression));
	return false;
}

static const uint16_t codecs[] = { COMPRESSION_NONE,	 COMPRESSION_LZW,
				   COMPRESSION_PACKBITS, COMPRESSION_ADOBE_DEFLATE,
				   COMPRESSION_ZSTD,	 COMPRESSION_LZMA };

START_TEST(integers_of_any_width)
{
	if (!have(codecs[_i]))
		return;
	for (uint16_t bits = 1; bits < 32; bits++)
		for (uint16_t format = 1; format <= 2; format++)
			if (bits != 8 && bits != 16)
				check_layouts((struct recipe){ .compression = codecs[_i],
							       .bits = bits,
							       .format = format });
}
END_TEST

START_TEST(short_floats)
{
	bool predicts = codecs[_i] != COMPRESSION_NONE && codecs[_i] != COMPRESSION_PACKBITS;
	struct recipe a = { .compression = codecs[_i], .format = 3 };
	if (!have(a.compression))
		return;
	for (a.bits = 16; a.bits <= 24; a.bits += 8)
		for (a.predictor = 1; a.predictor <= (predicts ? 3 : 1); a.predictor++)
			if (a.bits == 16 || a.predictor != 2)
				check_layouts(a);
}
END_TEST

/* ---- fax ---- */

static const uint16_t faxes[] = { COMPRESSION_CCITTRLE, COMPRESSION_CCITTFAX3,
				  COMPRESSION_CCITTFAX4 };

START_TEST(fax_lines)
{
	struct recipe a = { .compression = faxes[_i], .bits = 1, .format = 1 };
	if (!have(a.compression))
		return;
	for (unsigned bits = 0; bits < 32; bits++) {
		a.big_endian = bits & 1;
		a.fill_order = bits & 2 ? 2 : 1;
		a.tiled = bits & 4;
		a.planar = bits & 8;
		a.samples = bits & 8 ? 3 : 1;
		a.two_dimensional = bits & 16;
		check_file(&a);
	}
}
END_TEST

/* libtiff goes on behind such a line with what it has, and says so in a warning. */
START_TEST(damaged_fax_is_told)
{
	struct recipe a = { .compression = faxes[_i], .bits = 1, .format = 1, .samples = 1 };
	struct opened o;
	size_t n;
	if (!have(a.compression))
		return;
	write_units(&a);
	open_mem(&o);
	uint8_t *raw = stored(&o, 0, &n);
	ck_assert_int_eq(decode_only(&o, 0, raw, n), 0);
	ck_assert_int_eq(decode_only(&o, 0, raw, n / 2), -EBADMSG);
	ck_assert_msg(strstr(err.msg, "corrupt data (") != NULL, "%s", err.msg);
	/* The handle is whole again. */
	ck_assert_int_eq(decode_only(&o, 0, raw, n), 0);
	free(raw);
}
END_TEST

START_TEST(more_rows_than_bits)
{
	struct tiff_page p = { .compression = COMPRESSION_CCITTFAX4,
			       .bits = 1,
			       .samples = 1,
			       .unit_w = 8,
			       .unit_h = 1 << 20 };
	ck_assert_int_eq(unit_weigh(&p, 1 << 17, 1 << 20, &err), 0);
	ck_assert_int_eq(unit_weigh(&p, (1 << 17) - 1, 1 << 20, &err), -EBADMSG);
	p.compression = COMPRESSION_CCITTRLE;
	p.unit_w = 1 << 14;
	ck_assert_int_eq(unit_weigh(&p, 1 << 20, 1 << 10, &err), 0);
	ck_assert_int_eq(unit_weigh(&p, 1 << 10, 1 << 10, &err), -EBADMSG);
	p.compression = COMPRESSION_NONE;
	p.bits = 12;
	p.unit_w = 3;
	ck_assert_int_eq(unit_weigh(&p, 5 * 1024, 1024, &err), 0);
	ck_assert_int_eq(unit_weigh(&p, 5 * 1024 - 1, 1024, &err), -EBADMSG);
	ck_assert_uint_eq(unit_stored_max(&p), 5ull << 20);
}
END_TEST

/* ---- logarithms ---- */

static const struct {
	uint16_t compression, samples, photometric;
} logs[] = {
	{ COMPRESSION_SGILOG, 1, PHOTOMETRIC_LOGL },
	{ COMPRESSION_SGILOG, 3, PHOTOMETRIC_LOGLUV },
	{ COMPRESSION_SGILOG24, 3, PHOTOMETRIC_LOGLUV },
};

static void write_logs(const struct recipe *a)
{
	static float light[16 * W * 3];
	char mode[8];
	mem.n = 0;
	snprintf(mode, sizeof(mode), "w%c", a->big_endian ? 'b' : 'l');
	TIFF *t = mem_open(mode);
	ck_assert_ptr_nonnull(t);
	set_tags(t, a);
	TIFFSetField(t, TIFFTAG_SGILOGDATAFMT, SGILOGDATAFMT_FLOAT);
	for (unsigned i = 0; i < unit_count(a); i++) {
		size_t n = (size_t)unit_width(a) * unit_height(a, i) * a->samples;
		for (size_t k = 0; k < n; k++)
			light[k] = 0.01f + (float)(k / 40) * 0.25f + (float)(next_random() % 3);
		tmsize_t done = a->tiled ? TIFFWriteEncodedTile(t, i, light, (tmsize_t)(4 * n))
					 : TIFFWriteEncodedStrip(t, i, light, (tmsize_t)(4 * n));
		ck_assert_int_gt(done, 0);
	}
	TIFFClose(t);
}

/* What libtiff reads from the file itself. */
static void read_logs(const struct recipe *a, unsigned i, void *out, size_t n)
{
	TIFF *t = mem_open("rm");
	ck_assert_ptr_nonnull(t);
	TIFFSetField(t, TIFFTAG_SGILOGDATAFMT, SGILOGDATAFMT_FLOAT);
	tmsize_t got = a->tiled ? TIFFReadEncodedTile(t, i, out, (tmsize_t)n)
				: TIFFReadEncodedStrip(t, i, out, (tmsize_t)n);
	ck_assert_int_eq(got, (tmsize_t)n);
	TIFFClose(t);
}

START_TEST(logarithms_are_floats)
{
	static float want[16 * W * 3];
	for (unsigned bits = 0; bits < 4; bits++) {
		struct recipe a = { .compression = logs[_i].compression,
				    .bits = 32,
				    .format = 3,
				    .samples = logs[_i].samples,
				    .photometric = logs[_i].photometric,
				    .tiled = bits & 1,
				    .big_endian = bits & 2 };
		struct opened o;
		enum dtype t;
		if (!have(a.compression))
			return;
		write_logs(&a);
		open_mem(&o);
		ck_assert_int_eq(tiff_page_dtype(&o.p, &t, &err), 0);
		ck_assert_int_eq(t, DTYPE_F32);
		for (unsigned i = 0; i < unit_count(&a); i++) {
			size_t n, n_out;
			uint8_t *raw = stored(&o, i, &n), *out;
			ck_assert_int_eq(unit_weigh(&o.p, n, rows_of(&o, i), &err), 0);
			int rc = decode_bytes(&o, i, raw, n, &out, &n_out);
			ck_assert_msg(rc == 0, "%s", err.msg);
			read_logs(&a, i, want, n_out);
			ck_assert_mem_eq(out, want, n_out);
			/* libtiff 4.5 swaps what it is given before it takes the logarithm. */
			ck_assert(a.big_endian || (want[0] > 0 && want[0] < 100));
			free(raw);
			free(out);
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("unit_widened");
	TCase *c = tcase_create("unit_widened");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, integers_of_any_width, 0, ARRAY_SIZE(codecs));
	tcase_add_loop_test(c, short_floats, 0, ARRAY_SIZE(codecs));
	tcase_add_loop_test(c, fax_lines, 0, ARRAY_SIZE(faxes));
	tcase_add_loop_test(c, damaged_fax_is_told, 0, ARRAY_SIZE(faxes));
	tcase_add_test(c, more_rows_than_bits);
	tcase_add_loop_test(c, logarithms_are_floats, 0, ARRAY_SIZE(logs));
	suite_add_tcase(s, c);
	return run_suite(s);
}
