#include <check.h>
#include <errno.h>
#include <libdeflate.h>
#include <stdio.h>
#include <tiffio.h>
#include <zstd.h>

#include "codec/predictor.h"
#include "codec/unit.h"
#include "tests/unit/made_tiff.h"

enum { W = 37, H = 29, LONGEST = 1 << 20 };

/* ---- files that libtiff writes into memory ---- */

struct memory {
	uint8_t b[LONGEST];
	size_t n, at;
};

static struct memory mem;
static struct unit_decoder *decoder;
static struct err err;

static tmsize_t mem_read(UNUSED thandle_t h, void *buf, tmsize_t n)
{
	size_t got = mem.at < mem.n ? min_u64((size_t)n, mem.n - mem.at) : 0;
	memcpy(buf, mem.b + mem.at, got);
	mem.at += got;
	return (tmsize_t)got;
}

static tmsize_t mem_write(UNUSED thandle_t h, void *buf, tmsize_t n)
{
	if (mem.at + (size_t)n > LONGEST)
		return -1;
	memcpy(mem.b + mem.at, buf, (size_t)n);
	mem.at += (size_t)n;
	mem.n = max_u64(mem.n, mem.at);
	return n;
}

static toff_t mem_seek(UNUSED thandle_t h, toff_t off, int whence)
{
	mem.at = (whence == SEEK_CUR ? mem.at : whence == SEEK_END ? mem.n : 0) + off;
	return mem.at;
}

static int mem_close(UNUSED thandle_t h)
{
	return 0;
}

static toff_t mem_size(UNUSED thandle_t h)
{
	return mem.n;
}

static TIFF *mem_open(const char *mode)
{
	mem.at = 0;
	return TIFFClientOpen("memory", mode, NULL, mem_read, mem_write, mem_seek, mem_close,
			      mem_size, NULL, NULL);
}

/* How a file is written. */
struct recipe {
	uint16_t compression, bits, format, samples, predictor, fill_order, photometric;
	bool big_endian, bigtiff, planar, tiled;
	uint16_t subsampling; /* of YCbCr, both ways */
	unsigned rows;	      /* of a strip; 0: 8 */
};

static uint64_t seed = 1;

static uint32_t next_random(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33);
}

/* Smooth with noise in the low bits; for floats, numbers that are numbers. */
static void paint(void *out, const struct recipe *a, size_t n)
{
	uint8_t *b = out;
	for (size_t i = 0; i < n; i++) {
		uint64_t v = i * 37 + next_random() % 7 +
			     (i % 50 == 0 ? (uint64_t)next_random() << 20 : 0);
		float f = (float)(int64_t)v * 0.37f - 1000;
		double d = (double)(int64_t)v * 1.7 - 100000;
		if (a->format == 3 && a->bits == 32)
			memcpy(b + 4 * i, &f, 4);
		else if (a->format == 3)
			memcpy(b + 8 * i, &d, 8);
		else
			memcpy(b + i * (a->bits / 8), &v, a->bits / 8);
	}
}

static void set_tags(TIFF *t, const struct recipe *a)
{
	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, W);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, H);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, a->bits);
	TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, a->format);
	TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, a->samples);
	TIFFSetField(t, TIFFTAG_PLANARCONFIG,
		     a->planar ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
	TIFFSetField(t, TIFFTAG_COMPRESSION, a->compression);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC,
		     a->photometric != 0
			     ? a->photometric
			     : (a->samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK));
	if (a->samples == 4)
		TIFFSetField(t, TIFFTAG_EXTRASAMPLES, 1, (uint16_t[]){ EXTRASAMPLE_UNASSALPHA });
	if (a->predictor > 1)
		TIFFSetField(t, TIFFTAG_PREDICTOR, a->predictor);
	if (a->fill_order == 2)
		TIFFSetField(t, TIFFTAG_FILLORDER, FILLORDER_LSB2MSB);
	if (a->tiled) {
		TIFFSetField(t, TIFFTAG_TILEWIDTH, 16);
		TIFFSetField(t, TIFFTAG_TILELENGTH, 16);
	} else {
		TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, a->rows != 0 ? a->rows : 8);
	}
	if (a->photometric == PHOTOMETRIC_YCBCR) {
		TIFFSetField(t, TIFFTAG_YCBCRSUBSAMPLING, a->subsampling, a->subsampling);
		TIFFSetField(t, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
	}
	if (a->compression == COMPRESSION_LZMA)
		TIFFSetField(t, TIFFTAG_LZMAPRESET, 1);
	if (a->compression == COMPRESSION_WEBP)
		TIFFSetField(t, TIFFTAG_WEBP_LOSSLESS, 1);
}

/* One unit out of the whole image (y,x,s, or s,y,x); beyond the edge of the image 0. */
static size_t gather(const struct recipe *a, const uint8_t *image, unsigned index, uint8_t *out)
{
	size_t per = a->planar ? 1 : a->samples, pixel = per * (a->bits / 8);
	unsigned uw = a->tiled ? 16 : W, uh = a->tiled ? 16 : a->rows != 0 ? a->rows : 8;
	unsigned nx = (W + uw - 1) / uw, ny = (H + uh - 1) / uh;
	unsigned s = index / (nx * ny), uy = index % (nx * ny) / nx, ux = index % nx;
	unsigned rows = a->tiled || uy + 1 < ny ? uh : H - uy * uh;
	memset(out, 0, uw * rows * pixel);
	for (unsigned y = 0; y < rows && uy * uh + y < H; y++) {
		size_t n = uw < W - ux * uw ? uw : W - ux * uw;
		memcpy(out + y * uw * pixel, image + ((s * H + uy * uh + y) * W + ux * uw) * pixel,
		       n * pixel);
	}
	return uw * rows * pixel;
}

static unsigned unit_count(const struct recipe *a)
{
	unsigned rows = a->rows != 0 ? a->rows : 8;
	unsigned n = a->tiled ? 3 * 2 : (H + rows - 1) / rows;
	return a->planar ? n * a->samples : n;
}

static void write_file(const struct recipe *a, const uint8_t *image)
{
	static uint8_t unit[LONGEST];
	char mode[8];
	mem.n = 0;
	snprintf(mode, sizeof(mode), "w%c%s", a->big_endian ? 'b' : 'l', a->bigtiff ? "8" : "");
	TIFF *t = mem_open(mode);
	ck_assert_ptr_nonnull(t);
	set_tags(t, a);
	for (unsigned i = 0; i < unit_count(a); i++) {
		size_t n = gather(a, image, i, unit);
		tmsize_t done = a->tiled ? TIFFWriteEncodedTile(t, i, unit, (tmsize_t)n)
					 : TIFFWriteEncodedStrip(t, i, unit, (tmsize_t)n);
		ck_assert_int_eq(done, (tmsize_t)n);
	}
	TIFFClose(t);
}

/* ---- decoding by what is tested ---- */

struct opened {
	struct reader_bytes bytes;
	struct reader r;
	struct tiff_page p;
	char *tables_text;
	struct reader_bytes tables;
};

static void open_mem(struct opened *o)
{
	struct tiff_header h;
	enum dtype t;
	*o = (struct opened){ .bytes = { mem.b, mem.n } };
	o->r = reader_mem(&o->bytes);
	ck_assert_msg(tiff_header_read(&o->r, &h, &err) == 0, "%s", err.msg);
	ck_assert_msg(tiff_page_read(&o->r, &h, h.first_ifd, &o->p, &err) == 0, "%s", err.msg);
	ck_assert_msg(tiff_page_dtype(&o->p, &t, &err) == 0, "%s", err.msg);
	if (o->p.jpeg_tables.count != 0) {
		ck_assert_int_eq(tiff_text_read(&o->r, &o->p.jpeg_tables, LONGEST, &o->tables_text,
						&o->tables.len, &err),
				 0);
		o->tables.bytes = (const uint8_t *)o->tables_text;
	}
}

/* The stored bytes of a unit, in a block of just their size. */
static uint8_t *stored(struct opened *o, unsigned i, size_t *n)
{
	struct tiff_unit u;
	ck_assert_int_eq(tiff_units_read(&o->r, &o->p, i, 1, &u, &err), 0);
	ck_assert_int_eq(u.state, TIFF_UNIT_STORED);
	ck_assert_uint_le(u.count, unit_stored_max(&o->p));
	uint8_t *raw = malloc(u.count);
	ck_assert_ptr_nonnull(raw);
	ck_assert_int_eq(reader_exact(&o->r, raw, u.count, u.offset, &err), 0);
	*n = u.count;
	return raw;
}

static uint32_t rows_of(const struct opened *o, unsigned i)
{
	return tiff_unit_rows(&o->p, i % (o->p.units_x * o->p.units_y) / o->p.units_x);
}

/* Decodes the bytes given as unit `i`; out is a block of just the right size, freed by the caller. */
static int decode_bytes(struct opened *o, unsigned i, const void *from, size_t n, uint8_t **out,
			size_t *n_out)
{
	uint32_t rows = rows_of(o, i);
	uint8_t *raw = malloc(n > 0 ? n : 1);
	ck_assert_ptr_nonnull(raw);
	memcpy(raw, from, n);
	*n_out = tiff_unit_bytes(&o->p, rows);
	*out = malloc(*n_out);
	ck_assert_ptr_nonnull(*out);
	memset(*out, 0xa5, *n_out);
	err = (struct err){ 0 };
	int rc = unit_decode(decoder, &o->p, &o->tables, raw, n, rows, *out, *n_out, &err);
	ck_assert(rc == 0 || (err.code == -rc && err.msg[0] != '\0'));
	free(raw);
	return rc;
}

static int decode_only(struct opened *o, unsigned i, const void *from, size_t n)
{
	uint8_t *out;
	size_t n_out;
	int rc = decode_bytes(o, i, from, n, &out, &n_out);
	free(out);
	return rc;
}

/* What libtiff itself reads from the file. */
static void read_back(const struct recipe *a, unsigned i, uint8_t *out, size_t n)
{
	TIFF *t = mem_open("rm");
	ck_assert_ptr_nonnull(t);
	if (a->photometric == PHOTOMETRIC_YCBCR)
		TIFFSetField(t, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
	tmsize_t got = a->tiled ? TIFFReadEncodedTile(t, i, out, (tmsize_t)n)
				: TIFFReadEncodedStrip(t, i, out, (tmsize_t)n);
	ck_assert_int_eq(got, (tmsize_t)n);
	TIFFClose(t);
}

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

/* ---- damage ---- */

static void write_simple(uint16_t compression, struct opened *o, unsigned rows)
{
	static uint8_t image[LONGEST];
	struct recipe a = {
		.compression = compression, .bits = 16, .format = 1, .samples = 1, .rows = rows
	};
	if (compression == COMPRESSION_JPEG)
		a.bits = 8;
	paint(image, &a, (size_t)W * H);
	write_file(&a, image);
	open_mem(o);
}

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
			raw[i] ^= k < 8 ? (uint8_t)(1u << k) : 0x55;
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

static size_t pack(uint16_t compression, const void *from, size_t n, uint8_t *to)
{
	if (compression == COMPRESSION_ZSTD) {
		size_t got = ZSTD_compress(to, LONGEST, from, n, 3);
		ck_assert(!ZSTD_isError(got));
		return got;
	}
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
	size_t got = libdeflate_zlib_compress(c, from, n, to, LONGEST);
	libdeflate_free_compressor(c);
	ck_assert_uint_ne(got, 0);
	return got;
}

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

static void quiet(UNUSED const char *module, UNUSED const char *fmt, UNUSED va_list ap)
{
}

static void setup(void)
{
	TIFFSetWarningHandler(quiet);
	decoder = unit_decoder_new();
	ck_assert_ptr_nonnull(decoder);
}

static void teardown(void)
{
	unit_decoder_free(decoder);
}

int main(void)
{
	Suite *s = suite_create("unit");
	TCase *c = tcase_create("units");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 300);
	tcase_add_test(c, known_bytes);
	tcase_add_test(c, float_predictor_knows_no_byte_order);
	tcase_add_loop_test(c, round_trips, 0, ARRAY_SIZE(codecs));
	tcase_add_loop_test(c, pictures_are_as_libtiff_reads_them, 0, ARRAY_SIZE(pictures));
	tcase_add_test(c, deflate_damage_is_always_seen);
	tcase_add_test(c, shortened_streams_are_damage);
	tcase_add_test(c, bytes_after_the_end);
	tcase_add_test(c, streams_longer_than_their_strip);
	tcase_add_test(c, damage_leaves_the_decoder_sound);
	tcase_add_test(c, sentences_name_the_codec);
	tcase_add_test(c, jpeg_of_another_size);
	tcase_add_test(c, last_jpeg_strip_stored_whole);
	tcase_add_test(c, jpeg_without_the_tag_of_its_subsampling);
	tcase_add_test(c, weights);
	tcase_add_test(c, honest_zeros_are_no_bomb);
	tcase_add_test(c, lzma_dictionary_of_4_gib);
	tcase_add_test(c, misuse_is_refused);
	suite_add_tcase(s, c);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
