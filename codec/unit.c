#include "codec/unit.h"

#include "codec/predictor.h"
#include "codec/unit_bits.h"
#include "codec/unit_libtiff.h"
#include "codec/unit_stream.h"
#include "codec/widen.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <tiffio.h>

enum { KEPT_ROW = 1 << 20 };

/* Most decoded bytes that one stored byte can stand for, rounded up; 0: no bound, the stream says its own
 * size and another one than the unit's is an error. */
static const struct {
	uint16_t compression;
	uint32_t ratio;
} ratios[] = {
	{ TIFF_COMPRESSION_LZW, 2600 },	    { TIFF_COMPRESSION_JPEG, 1100 },
	{ TIFF_COMPRESSION_DEFLATE, 1032 }, { TIFF_COMPRESSION_OLD_DEFLATE, 1032 },
	{ TIFF_COMPRESSION_PACKBITS, 64 },  { TIFF_COMPRESSION_LZMA, 8000 },
	{ TIFF_COMPRESSION_ZSTD, 33000 },   { TIFF_COMPRESSION_CCITT_RLE, 214 },
	{ TIFF_COMPRESSION_SGILOG, 200 },   { TIFF_COMPRESSION_SGILOG24, 4 },
};

struct unit_decoder {
	struct unit_streams *streams;
	struct unit_handles *handles;
	uint8_t *row; /* scratch of predictor 3 */
	size_t row_cap;
};

void unit_decoder_free(struct unit_decoder *d)
{
	if (d == NULL)
		return;
	unit_streams_free(d->streams);
	unit_handles_free(d->handles);
	free(d->row);
	free(d);
}

struct unit_decoder *unit_decoder_new(void)
{
	struct unit_decoder *d = calloc(1, sizeof(*d));
	if (d == NULL)
		return NULL;
	d->streams = unit_streams_new();
	d->handles = unit_handles_new();
	if (d->streams == NULL || d->handles == NULL) {
		unit_decoder_free(d);
		return NULL;
	}
	return d;
}

/* What `stored` bytes can hold at most; UINT64_MAX where nothing bounds it. */
static uint64_t most_decoded(const struct tiff_page *p, uint64_t stored)
{
	uint64_t most = UINT64_MAX;
	for (size_t i = 0; i < ARRAY_SIZE(ratios); i++)
		if (ratios[i].compression == p->compression &&
		    mul_u64(stored, ratios[i].ratio, &most) && !add_u64(most, 64 * KiB, &most))
			most = UINT64_MAX;
	return most;
}

uint64_t unit_stored_max(const struct tiff_page *p)
{
	uint64_t bytes = tiff_packed_bytes(p, p->unit_h);
	if (p->compression == TIFF_COMPRESSION_NONE)
		return bytes;
	/* Noise of single bits grows to six times its size. */
	uint64_t times = tiff_is_ccitt(p) ? 8 : 2;
	/* Twice: noise in LZW grows by half, and a stream may hold more rows than its unit. */
	return min_u64(times * bytes + MiB, GiB);
}

/* A row of these takes a bit at least, however wide it is. */
static bool rows_fit(const struct tiff_page *p, uint64_t stored, uint32_t rows)
{
	bool bitwise = p->compression == TIFF_COMPRESSION_CCITT_G3 ||
		       p->compression == TIFF_COMPRESSION_CCITT_G4;
	return !bitwise || ceil_div(rows, 8) <= stored;
}

int unit_weigh(const struct tiff_page *p, uint64_t stored, uint32_t rows, struct err *err)
{
	uint64_t bytes = tiff_packed_bytes(p, rows);
	const char *name = tiff_compression_name(p->compression);
	if (p->compression == TIFF_COMPRESSION_NONE && stored < bytes)
		return err_set(err, EBADMSG, "only %" PRIu64 " of %" PRIu64 " bytes are stored",
			       stored, bytes);
	if (bytes > most_decoded(p, stored))
		return err_set(err, EBADMSG, "%s: %" PRIu64 " stored bytes cannot hold %" PRIu64,
			       name, stored, bytes);
	if (!rows_fit(p, stored, rows))
		return err_set(err, EBADMSG,
			       "%s: %" PRIu64 " stored bytes cannot hold %" PRIu32 " rows", name,
			       stored, rows);
	return 0;
}

/* Undone here; libtiff undoes all others. */
static bool is_own(uint16_t compression)
{
	return compression == TIFF_COMPRESSION_NONE || compression == TIFF_COMPRESSION_DEFLATE ||
	       compression == TIFF_COMPRESSION_OLD_DEFLATE || compression == TIFF_COMPRESSION_ZSTD;
}

bool unit_codec_present(uint16_t compression)
{
	return is_own(compression) || TIFFIsCODECConfigured(compression) == 1;
}

static int join_floats(struct unit_decoder *d, const struct samples *s, struct err *err)
{
	size_t need = s->width * s->samples * s->size;
	if (need > d->row_cap) {
		free(d->row);
		d->row_cap = 0;
		d->row = malloc(need);
		if (d->row == NULL)
			return err_oom(err);
		d->row_cap = need;
	}
	predictor_join_floats(s, d->row);
	if (d->row_cap > KEPT_ROW) {
		free(STEAL(d->row));
		d->row_cap = 0;
	}
	return 0;
}

/* From the decompressed bytes to samples in native order; those of three bytes keep theirs, and a stream of bits has
 * none. */
static int undo(struct unit_decoder *d, const struct unit_job *j, struct err *err)
{
	const struct tiff_page *p = j->page;
	unsigned predictor = p->compression == TIFF_COMPRESSION_NONE ? 1 : p->predictor;
	bool file_is_native = p->file.big_endian == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
	struct samples s = { .data = j->out,
			     .rows = j->rows,
			     .width = p->unit_w,
			     .samples = p->planar ? 1 : p->samples,
			     .size = p->bits / 8 };
	if (predictor == 3)
		return join_floats(d, &s, err);
	if (p->bits % 8 != 0 || p->bits == 24)
		return 0;
	if (!file_is_native)
		samples_swap(&s);
	if (predictor == 2)
		predictor_add(&s);
	return 0;
}

static int unpack(struct unit_decoder *d, const struct unit_job *j, struct err *err)
{
	const struct tiff_page *p = j->page;
	struct unit_stream u = { .raw = j->raw,
				 .n_raw = j->n_raw,
				 .out = j->out,
				 .n_out = j->n_out,
				 .full = tiff_packed_bytes(p, p->unit_h),
				 .most = most_decoded(p, j->n_raw),
				 .exact = p->counts.count != 0 };
	if (p->fill_order == 2)
		unit_reverse_bits(j->raw, j->n_raw);
	if (p->compression == TIFF_COMPRESSION_NONE) {
		if (j->n_raw < j->n_out)
			return err_set(err, EBADMSG, "only %zu of %zu bytes are stored", j->n_raw,
				       j->n_out);
		memcpy(j->out, j->raw, j->n_out);
		return 0;
	}
	return p->compression == TIFF_COMPRESSION_ZSTD ? unit_unzstd(d->streams, &u, err)
						       : unit_inflate(d->streams, &u, err);
}

/* As the samples were before the writer compressed them. */
static int decompress(struct unit_decoder *d, const struct unit_job *j, struct err *err)
{
	if (!is_own(j->page->compression))
		return unit_handles_decode(d->handles, j, err);
	int rc = unpack(d, j, err);
	return rc != 0 ? rc : undo(d, j, err);
}

/* libtiff gives bytes in native order, and so does predictor 3. */
static bool triples_are_big_endian(const struct tiff_page *p)
{
	bool joined = p->predictor == 3 && p->compression != TIFF_COMPRESSION_NONE;
	return p->bits == 24 && p->file.big_endian && is_own(p->compression) && !joined;
}

/* The packed samples lie at the end of the voxels that are made of them. */
static int decode_widened(struct unit_decoder *d, const struct unit_job *j, struct err *err)
{
	const struct tiff_page *p = j->page;
	struct unit_job packed = *j;
	struct widen w = { .bits = p->bits,
			   .is_float = p->sample_format == TIFF_FORMAT_FLOAT,
			   .is_signed = tiff_is_signed(p),
			   .big_endian = triples_are_big_endian(p) };
	packed.n_out = tiff_packed_bytes(p, j->rows);
	packed.out = (uint8_t *)j->out + (j->n_out - packed.n_out);
	int rc = decompress(d, &packed, err);
	if (rc == 0)
		widen_rows(&w, packed.out, j->rows,
			   (uint64_t)p->unit_w * (p->planar ? 1 : p->samples), j->out);
	return rc;
}

int unit_decode(struct unit_decoder *d, const struct tiff_page *p,
		const struct reader_bytes *tables, void *raw, size_t n_raw, uint32_t rows,
		void *out, size_t n_out, struct err *err)
{
	struct unit_job j = { .page = p,
			      .tables = tables,
			      .raw = raw,
			      .n_raw = n_raw,
			      .rows = rows,
			      .out = out,
			      .n_out = n_out };
	if (rows == 0 || rows > p->unit_h || n_out != tiff_unit_bytes(p, rows))
		return err_set(err, EINVAL, "%" PRIu32 " rows into %zu bytes", rows, n_out);
	if (n_raw == 0)
		return err_set(err, EBADMSG, "%s: no stored bytes",
			       tiff_compression_name(p->compression));
	return tiff_is_widened(p) ? decode_widened(d, &j, err) : decompress(d, &j, err);
}
