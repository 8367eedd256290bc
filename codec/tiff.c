#include "codec/tiff_tags.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
	MAX_SIDE = INT32_MAX,
	MAX_TILE_SIDE = 1 << 20,
	MAX_SAMPLES = 4096,
	MAX_BITS = 64,
	TILE_AREA_FACTOR = 64,
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
	bool complex_numbers = p->sample_format == TIFF_FORMAT_COMPLEX_INT ||
			       p->sample_format == TIFF_FORMAT_COMPLEX;
	if (complex_numbers && p->bits > MAX_BITS)
		return err_set(err, ENOTSUP, "SampleFormat %u (complex) is not supported",
			       p->sample_format);
	if (p->bits == 0 || p->bits > MAX_BITS)
		return tag_too_much(err, TAG_BITS, p->bits, MAX_BITS);
	return 0;
}

static int read_samples(struct tags *s, struct tiff_page *p, struct err *err)
{
	uint64_t samples = 1, photometric = 1, planar = 1, kind = 0;
	int rc = tag_number(s, TAG_SAMPLES, 1, MAX_SAMPLES, &samples, err);
	if (rc == 0 && samples == 0)
		rc = tag_too_much(err, TAG_SAMPLES, 0, MAX_SAMPLES);
	if (rc == 0)
		rc = tag_bits_find(s, err);
	if (rc == 0)
		rc = tag_per_sample(s, TAG_BITS, (uint32_t)samples, &p->bits, &p->mixed_bits, err);
	if (rc == 0)
		rc = tag_per_sample(s, TAG_SAMPLE_FORMAT, (uint32_t)samples, &p->sample_format,
				    &p->mixed_formats, err);
	if (rc == 0)
		rc = check_bits(p, err);
	if (rc == 0)
		rc = tag_number(s, TAG_PHOTOMETRIC, samples >= 3 ? 2 : 1, UINT16_MAX, &photometric,
				err);
	if (rc == 0)
		rc = tag_number(s, TAG_PLANAR, 1, 2, &planar, err);
	if (rc == 0 && planar == 0)
		rc = tag_too_much(err, TAG_PLANAR, 0, 2);
	if (rc == 0 && s->f[TAG_EXTRA_SAMPLES].seen && s->f[TAG_EXTRA_SAMPLES].v.count != 0)
		rc = tag_value(s, TAG_EXTRA_SAMPLES, s->f[TAG_EXTRA_SAMPLES].v.count - 1, &kind,
			       err);
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

static int read_coding(struct tags *s, struct tiff_page *p, struct err *err)
{
	uint64_t compression = 1, predictor = 1, fill = 1, t4 = 0, t6 = 0, depth = 1, ycc[2],
		 lerc[2];
	int rc = tag_number(s, TAG_COMPRESSION, 1, UINT16_MAX, &compression, err);
	if (rc == 0)
		rc = tag_number(s, TAG_PREDICTOR, 1, UINT16_MAX, &predictor, err);
	if (rc == 0)
		rc = tag_mild(s, TAG_FILL_ORDER, 1, 2, &fill, err);
	if (rc == 0)
		rc = tag_mild(s, TAG_T4_OPTIONS, 0, UINT32_MAX, &t4, err);
	if (rc == 0)
		rc = tag_mild(s, TAG_T6_OPTIONS, 0, UINT32_MAX, &t6, err);
	if (rc == 0)
		rc = tag_mild(s, TAG_IMAGE_DEPTH, 1, UINT32_MAX, &depth, err);
	if (rc == 0)
		rc = tag_pair(s, TAG_SUBSAMPLING, UINT16_MAX, ycc, err);
	if (rc == 0)
		rc = tag_pair(s, TAG_LERC, UINT32_MAX, lerc, err);
	if (rc == 0 && s->f[TAG_JPEG_TABLES].outside)
		rc = tag_bad(err, TAG_JPEG_TABLES, "its values lie outside the file");
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
static int read_layout(struct tags *s, struct tiff_page *p, struct err *err)
{
	uint64_t rows = 0;
	int rc = 0;
	p->tiled = s->f[TAG_TILE_WIDTH].seen || s->f[TAG_TILE_HEIGHT].seen;
	if (p->tiled) {
		rc = tag_size(s, TAG_TILE_WIDTH, MAX_TILE_SIDE, &p->unit_w, err);
		if (rc == 0)
			rc = tag_size(s, TAG_TILE_HEIGHT, MAX_TILE_SIDE, &p->unit_h, err);
	} else {
		p->unit_w = p->width;
		rc = tag_number(s, TAG_ROWS_PER_STRIP, p->height, UINT64_MAX, &rows, err);
		if (rc == 0 && rows == 0)
			rc = tag_too_much(err, TAG_ROWS_PER_STRIP, 0, UINT32_MAX);
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
	if (!mul_u64(area, (uint64_t)samples * tiff_voxel_bytes(p), &bytes) ||
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

static int read_tables(struct tags *s, struct tiff_page *p, struct err *err)
{
	enum tag_id offsets = p->tiled ? TAG_TILE_OFFSETS : TAG_STRIP_OFFSETS;
	enum tag_id counts = p->tiled ? TAG_TILE_COUNTS : TAG_STRIP_COUNTS;
	/* Some writers use the tags of strips for tiles and the other way round. */
	if (!s->f[offsets].seen)
		offsets = p->tiled ? TAG_STRIP_OFFSETS : TAG_TILE_OFFSETS;
	if (!s->f[counts].seen)
		counts = p->tiled ? TAG_STRIP_COUNTS : TAG_TILE_COUNTS;
	/* Old JPEG has its data behind tags of its own, and is refused by its name. */
	if (!s->f[offsets].seen && p->compression == 6)
		return 0;
	if (!s->f[offsets].seen)
		return tag_bad(err, p->tiled ? TAG_TILE_OFFSETS : TAG_STRIP_OFFSETS,
			       "the tag is missing");
	int rc = tag_table(s, offsets, false, &p->offsets, err);
	if (rc == 0 && s->f[counts].seen)
		rc = tag_table(s, counts, true, &p->counts, err);
	return rc;
}

/* Which values to show; what is malformed here describes nothing. */
static void read_shown(struct tags *s, struct tiff_page *p)
{
	double v[2];
	bool known = tag_real(s, TAG_MIN_VALUE, &v[0]) && tag_real(s, TAG_MAX_VALUE, &v[1]);
	known = known ||
		(tag_real(s, TAG_SAMPLE_LOW, &v[0]) && tag_real(s, TAG_SAMPLE_HIGH, &v[1]));
	if (known)
		memcpy(p->shown, v, sizeof(v));
}

static int read_describing(struct tags *s, struct tiff_page *p, struct err *err)
{
	uint64_t subfile = 0, orientation = 1, unit = 2;
	int rc = tag_mild(s, TAG_SUBFILE, 0, UINT32_MAX, &subfile, err);
	if (rc == 0)
		rc = tag_mild(s, TAG_ORIENTATION, 1, 8, &orientation, err);
	if (rc == 0)
		rc = tag_mild(s, TAG_RESOLUTION_UNIT, 2, UINT16_MAX, &unit, err);
	if (rc == 0)
		rc = tag_rational(s, TAG_X_RESOLUTION, &p->x_resolution, err);
	if (rc == 0)
		rc = tag_rational(s, TAG_Y_RESOLUTION, &p->y_resolution, err);
	if (rc != 0)
		return rc;
	read_shown(s, p);
	p->subfile_type = (uint32_t)subfile;
	p->orientation = orientation == 0 ? 1 : (uint16_t)orientation;
	p->resolution_unit = (uint16_t)unit;
	p->description = tag_values(s, TAG_DESCRIPTION);
	p->software = tag_values(s, TAG_SOFTWARE);
	p->sub_ifds = tag_values(s, TAG_SUB_IFDS);
	p->nodata = tag_values(s, TAG_NODATA);
	p->colormap = tag_values(s, TAG_COLORMAP);
	p->jpeg_tables = tag_values(s, TAG_JPEG_TABLES);
	p->lsm = tag_values(s, TAG_LSM);
	p->nih = tag_values(s, TAG_NIH);
	p->fluoview = tag_values(s, TAG_FLUOVIEW);
	p->imagej_counts = tag_values(s, TAG_IMAGEJ_COUNTS);
	p->imagej = tag_values(s, TAG_IMAGEJ);
	p->uic1 = tag_values(s, TAG_UIC1);
	p->uic2 = tag_values(s, TAG_UIC2);
	p->uic3 = tag_values(s, TAG_UIC3);
	p->uic4 = tag_values(s, TAG_UIC4);
	p->mm_metadata = tag_values(s, TAG_MM_METADATA);
	return 0;
}

int tiff_page_read(const struct reader *r, const struct tiff_header *h, uint64_t ifd,
		   struct tiff_page *out, struct err *err)
{
	struct tags s = { .w.r = r, .h = *h };
	struct tiff_page p = { .file = *h, .ifd = ifd };
	int rc = tags_collect(&s, ifd, &p.next_ifd, err);
	if (rc == 0 && s.f[TAG_NDPI].seen && !h->bigtiff && r->size > 4 * GiB)
		rc = err_set(err, ENOTSUP, "an NDPI file above 4 GiB is not supported");
	if (rc == 0)
		rc = tag_size(&s, TAG_WIDTH, MAX_SIDE, &p.width, err);
	if (rc == 0)
		rc = tag_size(&s, TAG_HEIGHT, MAX_SIDE, &p.height, err);
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

bool tiff_page_is_empty(const struct reader *r, const struct tiff_header *h, uint64_t ifd)
{
	struct tags s = { .w.r = r, .h = *h };
	uint64_t next = 0, width = 0, height = 0;
	bool sized = tags_collect(&s, ifd, &next, NULL) == 0 && s.f[TAG_WIDTH].seen &&
		     s.f[TAG_HEIGHT].seen &&
		     tag_number(&s, TAG_WIDTH, 0, MAX_SIDE, &width, NULL) == 0 &&
		     tag_number(&s, TAG_HEIGHT, 0, MAX_SIDE, &height, NULL) == 0;
	return sized && (width == 0 || height == 0);
}
