/* Files that libtiff writes into memory, and their strips and tiles decoded by what is tested. */
#pragma once

#include <check.h>
#include <libdeflate.h>
#include <stdio.h>
#include <tiffio.h>
#include <zstd.h>

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

static inline tmsize_t mem_read(UNUSED thandle_t h, void *buf, tmsize_t n)
{
	size_t got = mem.at < mem.n ? min_u64((size_t)n, mem.n - mem.at) : 0;
	memcpy(buf, mem.b + mem.at, got);
	mem.at += got;
	return (tmsize_t)got;
}

static inline tmsize_t mem_write(UNUSED thandle_t h, void *buf, tmsize_t n)
{
	if (mem.at + (size_t)n > LONGEST)
		return -1;
	memcpy(mem.b + mem.at, buf, (size_t)n);
	mem.at += (size_t)n;
	mem.n = max_u64(mem.n, mem.at);
	return n;
}

static inline toff_t mem_seek(UNUSED thandle_t h, toff_t off, int whence)
{
	mem.at = (whence == SEEK_CUR ? mem.at : whence == SEEK_END ? mem.n : 0) + off;
	return mem.at;
}

static inline int mem_close(UNUSED thandle_t h)
{
	return 0;
}

static inline toff_t mem_size(UNUSED thandle_t h)
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
	bool two_dimensional; /* of CCITT G3 */
	uint16_t subsampling; /* of YCbCr, both ways */
	unsigned rows;	      /* of a strip; 0: 8 */
};

static uint64_t seed = 1;

static inline uint32_t next_random(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33);
}

/* Smooth with noise in the low bits; for floats, numbers that are numbers. */
static inline void paint(void *out, const struct recipe *a, size_t n)
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

static inline void set_tags(TIFF *t, const struct recipe *a)
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
	if (a->compression == COMPRESSION_CCITTFAX3)
		TIFFSetField(t, TIFFTAG_GROUP3OPTIONS,
			     a->two_dimensional ? GROUP3OPT_2DENCODING : 0);
	if (a->compression == COMPRESSION_LZMA)
		TIFFSetField(t, TIFFTAG_LZMAPRESET, 1);
	if (a->compression == COMPRESSION_WEBP)
		TIFFSetField(t, TIFFTAG_WEBP_LOSSLESS, 1);
}

/* One unit out of the whole image (y,x,s, or s,y,x); beyond the edge of the image 0. */
static inline size_t gather(const struct recipe *a, const uint8_t *image, unsigned index,
			    uint8_t *out)
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

static inline unsigned unit_count(const struct recipe *a)
{
	unsigned rows = a->rows != 0 ? a->rows : 8;
	unsigned n = a->tiled ? 3 * 2 : (H + rows - 1) / rows;
	return a->planar ? n * a->samples : n;
}

static inline void write_file(const struct recipe *a, const uint8_t *image)
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

static inline void open_mem(struct opened *o)
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
static inline uint8_t *stored(struct opened *o, unsigned i, size_t *n)
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

static inline uint32_t rows_of(const struct opened *o, unsigned i)
{
	return tiff_unit_rows(&o->p, i % (o->p.units_x * o->p.units_y) / o->p.units_x);
}

/* Decodes the bytes given as unit `i`; out is a block of just the right size, freed by the caller. */
static inline int decode_bytes(struct opened *o, unsigned i, const void *from, size_t n,
			       uint8_t **out, size_t *n_out)
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

static inline int decode_only(struct opened *o, unsigned i, const void *from, size_t n)
{
	uint8_t *out;
	size_t n_out;
	int rc = decode_bytes(o, i, from, n, &out, &n_out);
	free(out);
	return rc;
}

/* What libtiff itself reads from the file. */
static inline void read_back(const struct recipe *a, unsigned i, uint8_t *out, size_t n)
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

static inline void write_simple(uint16_t compression, struct opened *o, unsigned rows)
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

static inline size_t pack(uint16_t compression, const void *from, size_t n, uint8_t *to)
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

static inline void quiet(UNUSED const char *module, UNUSED const char *fmt, UNUSED va_list ap)
{
}

static inline void setup(void)
{
	TIFFSetWarningHandler(quiet); /* lint-ok: the oracle's own handles */
	decoder = unit_decoder_new();
	ck_assert_ptr_nonnull(decoder);
}

static inline void teardown(void)
{
	unit_decoder_free(decoder);
}
