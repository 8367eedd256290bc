#include "codec/tiff_field.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum field_id {
	F_SUBFILE,
	F_WIDTH,
	F_HEIGHT,
	F_BITS,
	F_COMPRESSION,
	F_PHOTOMETRIC,
	F_FILL_ORDER,
	F_DESCRIPTION,
	F_STRIP_OFFSETS,
	F_ORIENTATION,
	F_SAMPLES,
	F_ROWS_PER_STRIP,
	F_STRIP_COUNTS,
	F_X_RESOLUTION,
	F_Y_RESOLUTION,
	F_PLANAR,
	F_T4_OPTIONS,
	F_T6_OPTIONS,
	F_RESOLUTION_UNIT,
	F_SOFTWARE,
	F_PREDICTOR,
	F_COLORMAP,
	F_TILE_WIDTH,
	F_TILE_HEIGHT,
	F_TILE_OFFSETS,
	F_TILE_COUNTS,
	F_SUB_IFDS,
	F_EXTRA_SAMPLES,
	F_SAMPLE_FORMAT,
	F_JPEG_TABLES,
	F_SUBSAMPLING,
	F_IMAGE_DEPTH,
	F_UIC2,
	F_LSM,
	F_NODATA,
	F_NIH,
	F_LERC,
	F_MM_METADATA,
	F_NDPI,
	F_COUNT
};

static const struct {
	uint16_t tag;
	const char *name;
} fields[F_COUNT] = {
	[F_SUBFILE] = { 254, "NewSubfileType" },
	[F_WIDTH] = { 256, "ImageWidth" },
	[F_HEIGHT] = { 257, "ImageLength" },
	[F_BITS] = { 258, "BitsPerSample" },
	[F_COMPRESSION] = { 259, "Compression" },
	[F_PHOTOMETRIC] = { 262, "PhotometricInterpretation" },
	[F_FILL_ORDER] = { 266, "FillOrder" },
	[F_DESCRIPTION] = { 270, "ImageDescription" },
	[F_STRIP_OFFSETS] = { 273, "StripOffsets" },
	[F_ORIENTATION] = { 274, "Orientation" },
	[F_SAMPLES] = { 277, "SamplesPerPixel" },
	[F_ROWS_PER_STRIP] = { 278, "RowsPerStrip" },
	[F_STRIP_COUNTS] = { 279, "StripByteCounts" },
	[F_X_RESOLUTION] = { 282, "XResolution" },
	[F_Y_RESOLUTION] = { 283, "YResolution" },
	[F_PLANAR] = { 284, "PlanarConfiguration" },
	[F_T4_OPTIONS] = { 292, "T4Options" },
	[F_T6_OPTIONS] = { 293, "T6Options" },
	[F_RESOLUTION_UNIT] = { 296, "ResolutionUnit" },
	[F_SOFTWARE] = { 305, "Software" },
	[F_PREDICTOR] = { 317, "Predictor" },
	[F_COLORMAP] = { 320, "ColorMap" },
	[F_TILE_WIDTH] = { 322, "TileWidth" },
	[F_TILE_HEIGHT] = { 323, "TileLength" },
	[F_TILE_OFFSETS] = { 324, "TileOffsets" },
	[F_TILE_COUNTS] = { 325, "TileByteCounts" },
	[F_SUB_IFDS] = { 330, "SubIFDs" },
	[F_EXTRA_SAMPLES] = { 338, "ExtraSamples" },
	[F_SAMPLE_FORMAT] = { 339, "SampleFormat" },
	[F_JPEG_TABLES] = { 347, "JPEGTables" },
	[F_SUBSAMPLING] = { 530, "YCbCrSubSampling" },
	[F_IMAGE_DEPTH] = { 32997, "ImageDepth" },
	[F_UIC2] = { 33629, "UIC2Tag" },
	[F_LSM] = { 34412, "CZ_LSMInfo" },
	[F_NODATA] = { 42113, "GDAL_NODATA" },
	[F_NIH] = { 43314, "NIHImageHeader" },
	[F_LERC] = { 50674, "LercParameters" },
	[F_MM_METADATA] = { 51123, "MicroManagerMetadata" },
	[F_NDPI] = { 65420, "NDPI FileFormat" },
};

enum {
	MAX_SIDE = INT32_MAX,
	MAX_TILE_SIDE = 1 << 20,
	MAX_SAMPLES = 4096,
	MAX_BITS = 64,
	TILE_AREA_FACTOR = 64,
};

struct field {
	struct tiff_values v;
	bool seen;
	bool outside; /* the values do not lie inside the file */
};

struct page_source {
	struct tiff_window w;
	struct tiff_header h;
	struct field f[F_COUNT];
};

int tiff_header_read(const struct reader *r, struct tiff_header *out, struct err *err)
{
	uint8_t b[16] = { 0 };
	if (r->size < 8)
		return err_set(err, EBADMSG, "no TIFF file: only %" PRIu64 " bytes", r->size);
	int rc = reader_exact(r, b, min_u64(sizeof(b), r->size), 0, err);
	if (rc != 0)
		return rc;
	bool big = memcmp(b, "MM", 2) == 0;
	if (!big && memcmp(b, "II", 2) != 0)
		return err_set(err, EBADMSG, "no TIFF file: it starts with neither II nor MM");
	uint64_t magic = tiff_number(b + 2, 2, big);
	struct tiff_header h = { .big_endian = big, .bigtiff = magic == 43 };
	if (magic != 42 && magic != 43)
		return err_set(err, EBADMSG,
			       "no TIFF file: its third number is %" PRIu64 ", not 42 or 43",
			       magic);
	if (h.bigtiff && r->size < sizeof(b))
		return err_set(err, EBADMSG, "BigTIFF header cut off at %" PRIu64 " bytes",
			       r->size);
	if (h.bigtiff && (tiff_number(b + 4, 2, big) != 8 || tiff_number(b + 6, 2, big) != 0))
		return err_set(err, EBADMSG,
			       "BigTIFF header with offsets of %" PRIu64 " bytes, not 8",
			       tiff_number(b + 4, 2, big));
	h.first_ifd = h.bigtiff ? tiff_number(b + 8, 8, big) : tiff_number(b + 4, 4, big);
	*out = h;
	return 0;
}

static int bad(struct err *err, enum field_id id, const char *what)
{
	return err_set(err, EBADMSG, "%s (%u): %s", fields[id].name, fields[id].tag, what);
}

static int too_much(struct err *err, enum field_id id, uint64_t value, uint64_t max)
{
	return err_set(err, EBADMSG, "%s (%u) is %" PRIu64 ", outside 1 .. %" PRIu64,
		       fields[id].name, fields[id].tag, value, max);
}

/* What ends before its time is malformed; everything else the reader says is passed on. */
static int short_is_bad(int rc, struct err *err)
{
	if (rc != -ENODATA)
		return rc;
	if (err != NULL)
		err->code = EBADMSG;
	return -EBADMSG;
}

/* ---- collecting the entries ---- */

static void field_keep(struct page_source *s, const uint8_t *entry, uint64_t at)
{
	bool big = s->h.big_endian;
	uint64_t tag = tiff_number(entry, 2, big);
	enum field_id id = 0;
	while (id < F_COUNT && fields[id].tag != tag)
		id++;
	if (id == F_COUNT || s->f[id].seen)
		return;
	size_t word = s->h.bigtiff ? 8 : 4;
	struct tiff_values v = { .type = (uint16_t)tiff_number(entry + 2, 2, big),
				 .count = tiff_number(entry + 4, word, big),
				 .offset = at + 4 + word };
	uint64_t bytes = 0;
	bool fits = mul_u64(v.count, tiff_type_size(v.type), &bytes);
	if (!fits || bytes > word)
		v.offset = tiff_number(entry + 4 + word, word, big);
	uint64_t size = s->w.r->size;
	bool outside = !fits || v.offset > size || bytes > size - v.offset;
	s->f[id] = (struct field){ .v = v, .seen = true, .outside = outside };
}

/* Reads all entries of the IFD at `ifd`; *next 0 where there is none, or where the file ends. */
static int collect(struct page_source *s, uint64_t ifd, uint64_t *next, struct err *err)
{
	size_t head = s->h.bigtiff ? 8 : 2, entry = s->h.bigtiff ? 20 : 12,
	       word = s->h.bigtiff ? 8 : 4;
	const uint8_t *b;
	uint64_t size = s->w.r->size;
	if (ifd < 8 || ifd >= size)
		return err_set(err, EBADMSG,
			       "IFD at %" PRIu64 " lies outside the file (%" PRIu64 " bytes)", ifd,
			       size);
	int rc = tiff_window_get(&s->w, ifd, head, &b, err);
	if (rc != 0)
		return short_is_bad(rc, err);
	uint64_t n = tiff_number(b, head, s->h.big_endian);
	if (n == 0 || n > TIFF_MAX_TAGS)
		return err_set(err, EBADMSG, "IFD at %" PRIu64 " has %" PRIu64 " tags, not 1 .. %d",
			       ifd, n, TIFF_MAX_TAGS);
	uint64_t at = ifd + head;
	if (n * entry > size - at)
		return err_set(err, EBADMSG, "IFD at %" PRIu64 " is cut off by the end of the file",
			       ifd);
	for (uint64_t i = 0; i < n; i++, at += entry) {
		rc = tiff_window_get(&s->w, at, entry, &b, err);
		if (rc != 0)
			return short_is_bad(rc, err);
		field_keep(s, b, at);
	}
	*next = 0;
	if (word > size - at)
		return 0;
	rc = tiff_window_get(&s->w, at, word, &b, err);
	if (rc == 0)
		*next = tiff_number(b, word, s->h.big_endian);
	return short_is_bad(rc, err);
}

/* ---- single values ---- */

static int value_at(struct page_source *s, enum field_id id, uint64_t i, uint64_t *out,
		    struct err *err)
{
	struct field *f = &s->f[id];
	if (f->outside)
		return bad(err, id, "its values lie outside the file");
	if (i >= f->v.count)
		return bad(err, id, "it has no value");
	int rc = short_is_bad(tiff_values_get(&s->w, &f->v, s->h.big_endian, i, out, err), err);
	if (rc == -EBADMSG)
		err_prefix(err, "%s (%u)", fields[id].name, fields[id].tag);
	return rc;
}

/* The first value, `absent` where there is no such tag; above `max` it is malformed. */
static int number(struct page_source *s, enum field_id id, uint64_t absent, uint64_t max,
		  uint64_t *out, struct err *err)
{
	*out = absent;
	if (!s->f[id].seen)
		return 0;
	int rc = value_at(s, id, 0, out, err);
	if (rc == 0 && *out > max)
		return too_much(err, id, *out, max);
	return rc;
}

/* As number, for tags that must be there once and be a size. */
static int size_of(struct page_source *s, enum field_id id, uint64_t max, uint32_t *out,
		   struct err *err)
{
	uint64_t v;
	if (!s->f[id].seen)
		return bad(err, id, "the tag is missing");
	if (s->f[id].v.count != 1)
		return bad(err, id, "it does not have exactly one value");
	int rc = number(s, id, 0, max, &v, err);
	if (rc == 0 && v == 0)
		return too_much(err, id, 0, max);
	if (rc == 0)
		*out = (uint32_t)v;
	return rc;
}

/* As number, for tags that only describe or have a harmless default: malformed counts as absent. */
static int mild(struct page_source *s, enum field_id id, uint64_t absent, uint64_t max,
		uint64_t *out, struct err *err)
{
	struct err ignored = { 0 };
	int rc = number(s, id, absent, max, out, &ignored);
	if (rc == 0)
		return 0;
	if (rc != -EBADMSG)
		return err_set(err, ignored.code, "%s", ignored.msg);
	*out = absent;
	return 0;
}

/* The one value that all samples share; *mixed where they do not. */
static int per_sample(struct page_source *s, enum field_id id, uint32_t samples, uint16_t *out,
		      bool *mixed, struct err *err)
{
	uint64_t first = 1, v;
	int rc = number(s, id, 1, UINT16_MAX, &first, err);
	uint64_t n = s->f[id].seen ? min_u64(s->f[id].v.count, samples) : 0;
	*mixed = false;
	for (uint64_t i = 1; rc == 0 && i < n; i++) {
		rc = value_at(s, id, i, &v, err);
		if (rc == 0 && v != first)
			*mixed = true;
	}
	if (rc == 0)
		*out = (uint16_t)first;
	return rc;
}

static int pair(struct page_source *s, enum field_id id, uint64_t max, uint64_t out[2],
		struct err *err)
{
	out[0] = out[1] = 0;
	if (!s->f[id].seen)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		int rc = value_at(s, id, i, &out[i], err);
		if (rc != 0)
			return rc;
		if (out[i] > max)
			return too_much(err, id, out[i], max);
	}
	return 0;
}

static int rational(struct page_source *s, enum field_id id, struct tiff_rational *out,
		    struct err *err)
{
	const struct field *f = &s->f[id];
	const uint8_t *b;
	if (!f->seen || f->outside || f->v.type != TIFF_TYPE_RATIONAL || f->v.count == 0)
		return 0;
	int rc = tiff_window_get(&s->w, f->v.offset, 8, &b, err);
	if (rc != 0)
		return short_is_bad(rc, err);
	out->num = (uint32_t)tiff_number(b, 4, s->h.big_endian);
	out->den = (uint32_t)tiff_number(b + 4, 4, s->h.big_endian);
	return 0;
}

static struct tiff_values values_of(const struct page_source *s, enum field_id id)
{
	const struct field *f = &s->f[id];
	bool known = tiff_type_size(f->v.type) != 0;
	return f->seen && !f->outside && known ? f->v : (struct tiff_values){ 0 };
}

/* ---- the parts of a page ---- */

static uint16_t colours_of(uint16_t photometric)
{
	switch (photometric) {
	case 2:	    /* RGB */
	case 6:	    /* YCbCr */
	case 8:	    /* CIELab */
	case 9:	    /* ICCLab */
	case 10:    /* ITULab */
	case 32845: /* LogLuv */
		return 3;
	case 5: /* separated */
		return 4;
	default:
		return 1;
	}
}

static int check_bits(const struct tiff_page *p, struct err *err)
{
	/* Complex numbers of two doubles are real files, only not of a kind for this reader. */
	bool complex_numbers = p->sample_format == 5 || p->sample_format == 6;
	if (complex_numbers && p->bits > MAX_BITS)
		return err_set(err, ENOTSUP, "SampleFormat %u (complex) is not supported",
			       p->sample_format);
	if (p->bits == 0 || p->bits > MAX_BITS)
		return too_much(err, F_BITS, p->bits, MAX_BITS);
	return 0;
}

static int read_samples(struct page_source *s, struct tiff_page *p, struct err *err)
{
	uint64_t samples = 1, photometric = 1, planar = 1, kind = 0;
	int rc = number(s, F_SAMPLES, 1, MAX_SAMPLES, &samples, err);
	if (rc == 0 && samples == 0)
		rc = too_much(err, F_SAMPLES, 0, MAX_SAMPLES);
	if (rc == 0)
		rc = per_sample(s, F_BITS, (uint32_t)samples, &p->bits, &p->mixed_bits, err);
	if (rc == 0)
		rc = per_sample(s, F_SAMPLE_FORMAT, (uint32_t)samples, &p->sample_format,
				&p->mixed_formats, err);
	if (rc == 0)
		rc = check_bits(p, err);
	if (rc == 0)
		rc = number(s, F_PHOTOMETRIC, samples >= 3 ? 2 : 1, UINT16_MAX, &photometric, err);
	if (rc == 0)
		rc = number(s, F_PLANAR, 1, 2, &planar, err);
	if (rc == 0 && planar == 0)
		rc = too_much(err, F_PLANAR, 0, 2);
	if (rc == 0 && s->f[F_EXTRA_SAMPLES].seen && s->f[F_EXTRA_SAMPLES].v.count != 0)
		rc = value_at(s, F_EXTRA_SAMPLES, s->f[F_EXTRA_SAMPLES].v.count - 1, &kind, err);
	if (rc != 0)
		return rc;
	p->samples = (uint16_t)samples;
	p->photometric = (uint16_t)photometric;
	p->planar = planar == 2;
	uint16_t colours = colours_of(p->photometric);
	p->extra_samples = p->samples > colours ? p->samples - colours : 0;
	p->extra_kind = kind <= 2 ? (uint16_t)kind : 0;
	return 0;
}

static int read_coding(struct page_source *s, struct tiff_page *p, struct err *err)
{
	uint64_t compression = 1, predictor = 1, fill = 1, t4 = 0, t6 = 0, depth = 1, ycc[2],
		 lerc[2];
	int rc = number(s, F_COMPRESSION, 1, UINT16_MAX, &compression, err);
	if (rc == 0)
		rc = number(s, F_PREDICTOR, 1, UINT16_MAX, &predictor, err);
	if (rc == 0)
		rc = mild(s, F_FILL_ORDER, 1, 2, &fill, err);
	if (rc == 0)
		rc = mild(s, F_T4_OPTIONS, 0, UINT32_MAX, &t4, err);
	if (rc == 0)
		rc = mild(s, F_T6_OPTIONS, 0, UINT32_MAX, &t6, err);
	if (rc == 0)
		rc = mild(s, F_IMAGE_DEPTH, 1, UINT32_MAX, &depth, err);
	if (rc == 0)
		rc = pair(s, F_SUBSAMPLING, UINT16_MAX, ycc, err);
	if (rc == 0)
		rc = pair(s, F_LERC, UINT32_MAX, lerc, err);
	if (rc == 0 && s->f[F_JPEG_TABLES].outside)
		rc = bad(err, F_JPEG_TABLES, "its values lie outside the file");
	if (rc != 0)
		return rc;
	p->compression = (uint16_t)compression;
	p->predictor = (uint16_t)predictor;
	p->fill_order = fill == 2 ? 2 : 1;
	p->t4_options = (uint32_t)t4;
	p->t6_options = (uint32_t)t6;
	p->image_depth = depth == 0 ? 1 : (uint32_t)depth;
	for (size_t i = 0; i < 2; i++) {
		p->subsampling[i] = (uint16_t)ycc[i];
		p->lerc[i] = (uint32_t)lerc[i];
	}
	return 0;
}

/* Sides of a unit, and how many there are. */
static int read_layout(struct page_source *s, struct tiff_page *p, struct err *err)
{
	uint64_t rows = 0;
	int rc = 0;
	p->tiled = s->f[F_TILE_WIDTH].seen || s->f[F_TILE_HEIGHT].seen;
	if (p->tiled) {
		rc = size_of(s, F_TILE_WIDTH, MAX_TILE_SIDE, &p->unit_w, err);
		if (rc == 0)
			rc = size_of(s, F_TILE_HEIGHT, MAX_TILE_SIDE, &p->unit_h, err);
	} else {
		p->unit_w = p->width;
		rc = number(s, F_ROWS_PER_STRIP, p->height, UINT64_MAX, &rows, err);
		if (rc == 0 && rows == 0)
			rc = too_much(err, F_ROWS_PER_STRIP, 0, UINT32_MAX);
		if (rc == 0)
			p->unit_h = (uint32_t)min_u64(rows, p->height);
	}
	if (rc != 0 || p->unit_w == 0 || p->unit_h == 0)
		return rc;
	p->units_x = (uint32_t)ceil_div(p->width, p->unit_w);
	p->units_y = (uint32_t)ceil_div(p->height, p->unit_h);
	return 0;
}

static int check_layout(const struct tiff_page *p, struct err *err)
{
	uint64_t area = (uint64_t)p->unit_w * p->unit_h, bytes, n;
	unsigned samples = p->planar ? 1 : p->samples;
	unsigned size = p->bits > 32 ? 8 : p->bits > 16 ? 4 : p->bits > 8 ? 2 : 1;
	if (!mul_u64(area, (uint64_t)samples * size, &bytes) ||
	    (bytes > GiB && !tiff_is_raw_rows(p)))
		return err_set(err, EBADMSG,
			       "a %s of %" PRIu32 " x %" PRIu32
			       " pixels of %u x %u bits is over 1 GiB",
			       p->tiled ? "tile" : "strip", p->unit_w, p->unit_h, samples, p->bits);
	uint64_t image = (uint64_t)p->width * p->height;
	if (p->tiled && area / TILE_AREA_FACTOR > image &&
	    area > TILE_AREA_FACTOR * image + 16 * MiB)
		return err_set(err, EBADMSG,
			       "tiles of %" PRIu32 " x %" PRIu32 " pixels in an image of %" PRIu32
			       " x %" PRIu32,
			       p->unit_w, p->unit_h, p->width, p->height);
	if (!mul_u64((uint64_t)p->units_x * p->units_y, p->planar ? p->samples : 1, &n))
		return err_set(err, EBADMSG, "more than 2^64 tiles");
	return 0;
}

static int check_table(const struct page_source *s, enum field_id id, bool bytes_too,
		       struct tiff_values *out, struct err *err)
{
	const struct field *f = &s->f[id];
	uint16_t t = f->v.type;
	bool known = t == TIFF_TYPE_SHORT || t == TIFF_TYPE_LONG || t == TIFF_TYPE_LONG8 ||
		     t == TIFF_TYPE_IFD8 || t == TIFF_TYPE_SLONG8 ||
		     (bytes_too && t == TIFF_TYPE_BYTE);
	if (!known)
		return err_set(err, EBADMSG, "%s (%u) has type %u (%s)", fields[id].name,
			       fields[id].tag, t, tiff_type_name(t));
	if (f->v.count == 0)
		return bad(err, id, "it has no value");
	if (f->outside)
		return bad(err, id, "its values lie outside the file");
	*out = f->v;
	return 0;
}

static int read_tables(struct page_source *s, struct tiff_page *p, struct err *err)
{
	enum field_id offsets = p->tiled ? F_TILE_OFFSETS : F_STRIP_OFFSETS;
	enum field_id counts = p->tiled ? F_TILE_COUNTS : F_STRIP_COUNTS;
	/* Some writers use the tags of strips for tiles and the other way round. */
	if (!s->f[offsets].seen)
		offsets = p->tiled ? F_STRIP_OFFSETS : F_TILE_OFFSETS;
	if (!s->f[counts].seen)
		counts = p->tiled ? F_STRIP_COUNTS : F_TILE_COUNTS;
	/* Old JPEG has its data behind tags of its own, and is refused by its name. */
	if (!s->f[offsets].seen && p->compression == 6)
		return 0;
	if (!s->f[offsets].seen)
		return bad(err, p->tiled ? F_TILE_OFFSETS : F_STRIP_OFFSETS, "the tag is missing");
	int rc = check_table(s, offsets, false, &p->offsets, err);
	if (rc == 0 && s->f[counts].seen)
		rc = check_table(s, counts, true, &p->counts, err);
	return rc;
}

static int read_describing(struct page_source *s, struct tiff_page *p, struct err *err)
{
	uint64_t subfile = 0, orientation = 1, unit = 2;
	int rc = mild(s, F_SUBFILE, 0, UINT32_MAX, &subfile, err);
	if (rc == 0)
		rc = mild(s, F_ORIENTATION, 1, 8, &orientation, err);
	if (rc == 0)
		rc = mild(s, F_RESOLUTION_UNIT, 2, UINT16_MAX, &unit, err);
	if (rc == 0)
		rc = rational(s, F_X_RESOLUTION, &p->x_resolution, err);
	if (rc == 0)
		rc = rational(s, F_Y_RESOLUTION, &p->y_resolution, err);
	if (rc != 0)
		return rc;
	p->subfile_type = (uint32_t)subfile;
	p->orientation = orientation == 0 ? 1 : (uint16_t)orientation;
	p->resolution_unit = (uint16_t)unit;
	p->description = values_of(s, F_DESCRIPTION);
	p->software = values_of(s, F_SOFTWARE);
	p->sub_ifds = values_of(s, F_SUB_IFDS);
	p->nodata = values_of(s, F_NODATA);
	p->colormap = values_of(s, F_COLORMAP);
	p->jpeg_tables = values_of(s, F_JPEG_TABLES);
	p->lsm = values_of(s, F_LSM);
	p->nih = values_of(s, F_NIH);
	p->uic2 = values_of(s, F_UIC2);
	p->mm_metadata = values_of(s, F_MM_METADATA);
	return 0;
}

int tiff_page_read(const struct reader *r, const struct tiff_header *h, uint64_t ifd,
		   struct tiff_page *out, struct err *err)
{
	struct page_source s = { .w.r = r, .h = *h };
	struct tiff_page p = { .file = *h, .ifd = ifd };
	int rc = collect(&s, ifd, &p.next_ifd, err);
	if (rc == 0 && s.f[F_NDPI].seen && !h->bigtiff && r->size > 4 * GiB)
		rc = err_set(err, ENOTSUP, "an NDPI file above 4 GiB is not supported");
	if (rc == 0)
		rc = size_of(&s, F_WIDTH, MAX_SIDE, &p.width, err);
	if (rc == 0)
		rc = size_of(&s, F_HEIGHT, MAX_SIDE, &p.height, err);
	if (rc == 0)
		rc = read_samples(&s, &p, err);
	if (rc == 0)
		rc = read_coding(&s, &p, err);
	if (rc == 0)
		rc = read_layout(&s, &p, err);
	if (rc == 0)
		rc = check_layout(&p, err);
	if (rc == 0)
		rc = read_tables(&s, &p, err);
	if (rc == 0)
		rc = read_describing(&s, &p, err);
	if (rc == 0)
		*out = p;
	return rc;
}
