/* The tags of one IFD that this program knows, and their values as numbers. What is malformed is told with the
 * tag's name. Only for codec/tiff*.c. */
#pragma once

#include "codec/tiff_field.h"

enum tag_id {
	TAG_SUBFILE,
	TAG_WIDTH,
	TAG_HEIGHT,
	TAG_BITS,
	TAG_COMPRESSION,
	TAG_PHOTOMETRIC,
	TAG_FILL_ORDER,
	TAG_DESCRIPTION,
	TAG_STRIP_OFFSETS,
	TAG_ORIENTATION,
	TAG_SAMPLES,
	TAG_ROWS_PER_STRIP,
	TAG_STRIP_COUNTS,
	TAG_MIN_VALUE,
	TAG_MAX_VALUE,
	TAG_X_RESOLUTION,
	TAG_Y_RESOLUTION,
	TAG_PLANAR,
	TAG_T4_OPTIONS,
	TAG_T6_OPTIONS,
	TAG_RESOLUTION_UNIT,
	TAG_SOFTWARE,
	TAG_PREDICTOR,
	TAG_COLORMAP,
	TAG_TILE_WIDTH,
	TAG_TILE_HEIGHT,
	TAG_TILE_OFFSETS,
	TAG_TILE_COUNTS,
	TAG_SUB_IFDS,
	TAG_EXTRA_SAMPLES,
	TAG_SAMPLE_FORMAT,
	TAG_SAMPLE_LOW,
	TAG_SAMPLE_HIGH,
	TAG_JPEG_TABLES,
	TAG_SUBSAMPLING,
	TAG_IMAGE_DEPTH,
	TAG_UIC1,
	TAG_UIC2,
	TAG_UIC3,
	TAG_UIC4,
	TAG_FLUOVIEW,
	TAG_LSM,
	TAG_NODATA,
	TAG_NIH,
	TAG_LERC,
	TAG_IMAGEJ_COUNTS,
	TAG_IMAGEJ,
	TAG_MM_METADATA,
	TAG_NDPI,
	TAG_COUNT
};

struct tag {
	struct tiff_values v;
	bool seen;
	bool outside; /* the values do not lie inside the file */
};

struct tags {
	struct tiff_window w;
	struct tiff_header h;
	struct tag f[TAG_COUNT];
};

/* Reads all entries of the IFD at `ifd` of s->w.r, a file with header s->h; *next 0 where there is none, or
 * where the file ends. -EBADMSG, or as the reader; so do all below. */
int tags_collect(struct tags *s, uint64_t ifd, uint64_t *next, struct err *err);

int tag_bad(struct err *err, enum tag_id id, const char *what);
int tag_too_much(struct err *err, enum tag_id id, uint64_t value, uint64_t max);

/* Value i. */
int tag_value(struct tags *s, enum tag_id id, uint64_t i, uint64_t *out, struct err *err);

/* The first value, `absent` where there is no such tag; above `max` it is malformed. */
int tag_number(struct tags *s, enum tag_id id, uint64_t absent, uint64_t max, uint64_t *out,
	       struct err *err);

/* As tag_number, for tags that must be there once and be a size. */
int tag_size(struct tags *s, enum tag_id id, uint64_t max, uint32_t *out, struct err *err);

/* As tag_number, for tags that only describe or have a harmless default: malformed counts as absent. */
int tag_mild(struct tags *s, enum tag_id id, uint64_t absent, uint64_t max, uint64_t *out,
	     struct err *err);

/* The one value that all samples share, 1 where there is no such tag; *mixed where they do not. */
int tag_per_sample(struct tags *s, enum tag_id id, uint32_t samples, uint16_t *out, bool *mixed,
		   struct err *err);

/* Two values of BitsPerSample that would fit into the entry may lie where it points to, in LSM files: where they make no
 * sense in the entry and do there. -errno as the reader. */
int tag_bits_find(struct tags *s, struct err *err);

/* Two values up to `max`; 0,0 where there is no such tag. */
int tag_pair(struct tags *s, enum tag_id id, uint64_t max, uint64_t out[2], struct err *err);

/* Left as it is where there is no such tag, or none of this type. */
int tag_rational(struct tags *s, enum tag_id id, struct tiff_rational *out, struct err *err);

/* The first value as a number, whatever real type it has. False: there is none. */
bool tag_real(struct tags *s, enum tag_id id, double *out);

/* Where the values lie; count 0 where they cannot be used. */
struct tiff_values tag_values(const struct tags *s, enum tag_id id);

/* The offsets (counts with `bytes_too`) of strips or tiles: types that such tables may have. */
int tag_table(const struct tags *s, enum tag_id id, bool bytes_too, struct tiff_values *out,
	      struct err *err);
