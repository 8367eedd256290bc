#include "codec/tiff_tags.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const struct {
	uint16_t tag;
	const char *name;
} fields[TAG_COUNT] = {
	[TAG_SUBFILE] = { 254, "NewSubfileType" },
	[TAG_WIDTH] = { 256, "ImageWidth" },
	[TAG_HEIGHT] = { 257, "ImageLength" },
	[TAG_BITS] = { 258, "BitsPerSample" },
	[TAG_COMPRESSION] = { 259, "Compression" },
	[TAG_PHOTOMETRIC] = { 262, "PhotometricInterpretation" },
	[TAG_FILL_ORDER] = { 266, "FillOrder" },
	[TAG_DESCRIPTION] = { 270, "ImageDescription" },
	[TAG_STRIP_OFFSETS] = { 273, "StripOffsets" },
	[TAG_ORIENTATION] = { 274, "Orientation" },
	[TAG_SAMPLES] = { 277, "SamplesPerPixel" },
	[TAG_ROWS_PER_STRIP] = { 278, "RowsPerStrip" },
	[TAG_STRIP_COUNTS] = { 279, "StripByteCounts" },
	[TAG_MIN_VALUE] = { 280, "MinSampleValue" },
	[TAG_MAX_VALUE] = { 281, "MaxSampleValue" },
	[TAG_X_RESOLUTION] = { 282, "XResolution" },
	[TAG_Y_RESOLUTION] = { 283, "YResolution" },
	[TAG_PLANAR] = { 284, "PlanarConfiguration" },
	[TAG_T4_OPTIONS] = { 292, "T4Options" },
	[TAG_T6_OPTIONS] = { 293, "T6Options" },
	[TAG_RESOLUTION_UNIT] = { 296, "ResolutionUnit" },
	[TAG_SOFTWARE] = { 305, "Software" },
	[TAG_PREDICTOR] = { 317, "Predictor" },
	[TAG_COLORMAP] = { 320, "ColorMap" },
	[TAG_TILE_WIDTH] = { 322, "TileWidth" },
	[TAG_TILE_HEIGHT] = { 323, "TileLength" },
	[TAG_TILE_OFFSETS] = { 324, "TileOffsets" },
	[TAG_TILE_COUNTS] = { 325, "TileByteCounts" },
	[TAG_SUB_IFDS] = { 330, "SubIFDs" },
	[TAG_EXTRA_SAMPLES] = { 338, "ExtraSamples" },
	[TAG_SAMPLE_FORMAT] = { 339, "SampleFormat" },
	[TAG_SAMPLE_LOW] = { 340, "SMinSampleValue" },
	[TAG_SAMPLE_HIGH] = { 341, "SMaxSampleValue" },
	[TAG_JPEG_TABLES] = { 347, "JPEGTables" },
	[TAG_SUBSAMPLING] = { 530, "YCbCrSubSampling" },
	[TAG_IMAGE_DEPTH] = { 32997, "ImageDepth" },
	[TAG_UIC1] = { 33628, "UIC1Tag" },
	[TAG_UIC2] = { 33629, "UIC2Tag" },
	[TAG_UIC3] = { 33630, "UIC3Tag" },
	[TAG_UIC4] = { 33631, "UIC4Tag" },
	[TAG_FLUOVIEW] = { 34361, "MM_Header" },
	[TAG_LSM] = { 34412, "CZ_LSMInfo" },
	[TAG_NODATA] = { 42113, "GDAL_NODATA" },
	[TAG_NIH] = { 43314, "NIHImageHeader" },
	[TAG_LERC] = { 50674, "LercParameters" },
	[TAG_IMAGEJ_COUNTS] = { 50838, "IJMetadataByteCounts" },
	[TAG_IMAGEJ] = { 50839, "IJMetadata" },
	[TAG_MM_METADATA] = { 51123, "MicroManagerMetadata" },
	[TAG_NDPI] = { 65420, "NDPI FileFormat" },
};

int tag_bad(struct err *err, enum tag_id id, const char *what)
{
	return err_set(err, EBADMSG, "%s (%u): %s", fields[id].name, fields[id].tag, what);
}

int tag_too_much(struct err *err, enum tag_id id, uint64_t value, uint64_t max)
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

/* MetaMorph's tags count planes or entries, not values, and what would be a value is always an offset. */
static bool is_counting(enum tag_id id)
{
	return id == TAG_UIC1 || id == TAG_UIC2 || id == TAG_UIC3 || id == TAG_UIC4;
}

static void field_keep(struct tags *s, const uint8_t *entry, uint64_t at)
{
	bool big = s->h.big_endian;
	uint64_t tag = tiff_number(entry, 2, big);
	enum tag_id id = 0;
	while (id < TAG_COUNT && fields[id].tag != tag)
		id++;
	if (id == TAG_COUNT || s->f[id].seen)
		return;
	size_t word = s->h.bigtiff ? 8 : 4;
	struct tiff_values v = { .type = (uint16_t)tiff_number(entry + 2, 2, big),
				 .count = tiff_number(entry + 4, word, big),
				 .offset = at + 4 + word };
	uint64_t bytes = 0;
	bool fits = mul_u64(v.count, tiff_type_size(v.type), &bytes);
	if (!fits || bytes > word || is_counting(id))
		v.offset = tiff_number(entry + 4 + word, word, big);
	uint64_t size = s->w.r->size;
	bool outside = !fits || v.offset > size || bytes > size - v.offset;
	if (is_counting(id))
		outside = v.offset >= size || v.count > size;
	s->f[id] = (struct tag){ .v = v, .seen = true, .outside = outside };
}

int tags_collect(struct tags *s, uint64_t ifd, uint64_t *next, struct err *err)
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

int tag_value(struct tags *s, enum tag_id id, uint64_t i, uint64_t *out, struct err *err)
{
	struct tag *f = &s->f[id];
	if (f->outside)
		return tag_bad(err, id, "its values lie outside the file");
	if (i >= f->v.count)
		return tag_bad(err, id, "it has no value");
	int rc = short_is_bad(tiff_values_get(&s->w, &f->v, s->h.big_endian, i, out, err), err);
	if (rc == -EBADMSG)
		err_prefix(err, "%s (%u)", fields[id].name, fields[id].tag);
	return rc;
}

int tag_number(struct tags *s, enum tag_id id, uint64_t absent, uint64_t max, uint64_t *out,
	       struct err *err)
{
	*out = absent;
	if (!s->f[id].seen)
		return 0;
	int rc = tag_value(s, id, 0, out, err);
	if (rc == 0 && *out > max)
		return tag_too_much(err, id, *out, max);
	return rc;
}

int tag_size(struct tags *s, enum tag_id id, uint64_t max, uint32_t *out, struct err *err)
{
	uint64_t v;
	if (!s->f[id].seen)
		return tag_bad(err, id, "the tag is missing");
	if (s->f[id].v.count != 1)
		return tag_bad(err, id, "it does not have exactly one value");
	int rc = tag_number(s, id, 0, max, &v, err);
	if (rc == 0 && v == 0)
		return tag_too_much(err, id, 0, max);
	if (rc == 0)
		*out = (uint32_t)v;
	return rc;
}

int tag_mild(struct tags *s, enum tag_id id, uint64_t absent, uint64_t max, uint64_t *out,
	     struct err *err)
{
	struct err ignored = { 0 };
	int rc = tag_number(s, id, absent, max, out, &ignored);
	if (rc == 0)
		return 0;
	if (rc != -EBADMSG)
		return err_set(err, ignored.code, "%s", ignored.msg);
	*out = absent;
	return 0;
}

int tag_per_sample(struct tags *s, enum tag_id id, uint32_t samples, uint16_t *out, bool *mixed,
		   struct err *err)
{
	uint64_t first = 1, v;
	int rc = tag_number(s, id, 1, UINT16_MAX, &first, err);
	uint64_t n = s->f[id].seen ? min_u64(s->f[id].v.count, samples) : 0;
	*mixed = false;
	for (uint64_t i = 1; rc == 0 && i < n; i++) {
		rc = tag_value(s, id, i, &v, err);
		if (rc == 0 && v != first)
			*mixed = true;
	}
	if (rc == 0)
		*out = (uint16_t)first;
	return rc;
}

int tag_pair(struct tags *s, enum tag_id id, uint64_t max, uint64_t out[2], struct err *err)
{
	out[0] = out[1] = 0;
	if (!s->f[id].seen)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		int rc = tag_value(s, id, i, &out[i], err);
		if (rc != 0)
			return rc;
		if (out[i] > max)
			return tag_too_much(err, id, out[i], max);
	}
	return 0;
}

int tag_rational(struct tags *s, enum tag_id id, struct tiff_rational *out, struct err *err)
{
	const struct tag *f = &s->f[id];
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

bool tag_real(struct tags *s, enum tag_id id, double *out)
{
	const struct tag *t = &s->f[id];
	const uint8_t *b;
	size_t size = tiff_type_size(t->v.type);
	if (!t->seen || t->outside || t->v.count == 0 || size == 0 ||
	    tiff_window_get(&s->w, t->v.offset, size, &b, NULL) != 0)
		return false;
	uint64_t n = tiff_number(b, size, s->h.big_endian);
	uint32_t low = (uint32_t)n;
	float single;
	switch (t->v.type) {
	case TIFF_TYPE_FLOAT:
		memcpy(&single, &low, sizeof(single));
		*out = (double)single;
		return true;
	case TIFF_TYPE_DOUBLE:
		memcpy(out, &n, sizeof(*out));
		return true;
	case TIFF_TYPE_SBYTE:
		*out = (int8_t)n;
		return true;
	case TIFF_TYPE_SSHORT:
		*out = (int16_t)n;
		return true;
	case TIFF_TYPE_SLONG:
		*out = (int32_t)n;
		return true;
	case TIFF_TYPE_BYTE:
	case TIFF_TYPE_SHORT:
	case TIFF_TYPE_LONG:
		*out = (double)n;
		return true;
	default:
		return false;
	}
}

struct tiff_values tag_values(const struct tags *s, enum tag_id id)
{
	const struct tag *f = &s->f[id];
	bool known = tiff_type_size(f->v.type) != 0;
	return f->seen && !f->outside && known ? f->v : (struct tiff_values){ 0 };
}

int tag_table(const struct tags *s, enum tag_id id, bool bytes_too, struct tiff_values *out,
	      struct err *err)
{
	const struct tag *f = &s->f[id];
	uint16_t t = f->v.type;
	bool known = t == TIFF_TYPE_SHORT || t == TIFF_TYPE_LONG || t == TIFF_TYPE_LONG8 ||
		     t == TIFF_TYPE_IFD8 || t == TIFF_TYPE_SLONG8 ||
		     (bytes_too && t == TIFF_TYPE_BYTE);
	if (!known)
		return err_set(err, EBADMSG, "%s (%u) has type %u (%s)", fields[id].name,
			       fields[id].tag, t, tiff_type_name(t));
	if (f->v.count == 0)
		return tag_bad(err, id, "it has no value");
	if (f->outside)
		return tag_bad(err, id, "its values lie outside the file");
	*out = f->v;
	return 0;
}
