/* The own IFD reader: everything that is decided about a TIFF (kind of pixels, layout, where the
 * strips lie) is decided from these checked tags, never from libtiff's view of the file, which invents
 * offsets and counts. Reads through `struct reader`; knows no cache and no thread.
 * Source: TIFF 6.0; BigTIFF design (AWare Systems); TIFF Technical Notes 1 and 2. */
#pragma once

#include "codec/dtype.h"
#include "codec/reader.h"

enum {
	TIFF_COMPRESSION_NONE = 1,
	TIFF_COMPRESSION_CCITT_RLE = 2,
	TIFF_COMPRESSION_CCITT_G3 = 3,
	TIFF_COMPRESSION_CCITT_G4 = 4,
	TIFF_COMPRESSION_LZW = 5,
	TIFF_COMPRESSION_JPEG = 7,
	TIFF_COMPRESSION_DEFLATE = 8,
	TIFF_COMPRESSION_PACKBITS = 32773,
	TIFF_COMPRESSION_OLD_DEFLATE = 32946,
	TIFF_COMPRESSION_SGILOG = 34676,
	TIFF_COMPRESSION_SGILOG24 = 34677,
	TIFF_COMPRESSION_LERC = 34887,
	TIFF_COMPRESSION_LZMA = 34925,
	TIFF_COMPRESSION_ZSTD = 50000,
	TIFF_COMPRESSION_WEBP = 50001,
};

enum { TIFF_MAX_PAGES = 1 << 20, TIFF_MAX_TAGS = 4096, TIFF_MAX_SUBIFD_DEPTH = 4 };

/* What the first 16 bytes say. */
struct tiff_header {
	uint64_t first_ifd;
	bool big_endian;
	bool bigtiff;
};

/* Values of one tag where they lie in the file (in the file's byte order). */
struct tiff_values {
	uint64_t offset; /* in the file; inline values have the offset of the entry's value field */
	uint64_t count;	 /* 0: the tag is absent */
	uint16_t type;	 /* TIFF type number */
};

struct tiff_rational {
	uint32_t num, den; /* 0/0: the tag is absent */
};

/* Where the strips or tiles of a page lie, where that is not said by its IFD alone. */
struct tiff_place {
	uint64_t ifd;  /* offset of the IFD that says everything else */
	uint64_t skip; /* added to every offset of the table; `bare`: the offset itself */
	/* Not 0: the counts are not trusted. A unit ends where the next one begins, the last one here. */
	uint64_t end;
	bool wraps; /* the table's offsets are modulo 2^32: one that is smaller than the one before is 2^32 further */
	bool bare; /* no table: all rows lie one after another, not compressed */
};

/* PhotometricInterpretation, as far as it matters. */
enum tiff_photometric {
	TIFF_WHITE_IS_ZERO = 0,
	TIFF_BLACK_IS_ZERO = 1,
	TIFF_RGB = 2,
	TIFF_YCBCR = 6,
	TIFF_LOGL = 32844,
	TIFF_LOGLUV = 32845,
};

/* SampleFormat. */
enum tiff_format {
	TIFF_FORMAT_UNSIGNED = 1,
	TIFF_FORMAT_SIGNED = 2,
	TIFF_FORMAT_FLOAT = 3,
	TIFF_FORMAT_VOID = 4,
	TIFF_FORMAT_COMPLEX_INT = 5,
	TIFF_FORMAT_COMPLEX = 6,
};

/* One checked page (IFD). Sizes are within the limits of this reader (sides 1 .. 2^31-1, samples
 * 1 .. 4096, bits 1 .. 64, strip or tile decoded <= 1 GiB); strips never claim more rows than the page. */
struct tiff_page {
	struct tiff_header file;
	uint64_t ifd, next_ifd;	 /* next_ifd 0: the last */
	struct tiff_place place; /* zeros but for `ifd`, unless tiff_page_at set it */
	uint32_t width, height;
	uint32_t subfile_type; /* NewSubfileType; bit 0 reduced, bit 2 mask */
	uint16_t samples, bits, sample_format, compression, photometric, predictor;
	uint16_t fill_order, orientation;
	/* Samples differ in it; bits and sample_format are those of the first. */
	bool mixed_bits, mixed_formats;
	uint16_t extra_samples;	 /* samples beyond the colour ones */
	uint16_t extra_kind;	 /* last of ExtraSamples: 0 unspecified, 1 premultiplied, 2 alpha */
	uint16_t subsampling[2]; /* YCbCr, horizontal and vertical; 0,0 where the tag is absent */
	uint32_t image_depth;	 /* ImageDepth; 1 where absent */
	bool planar;		 /* PlanarConfiguration 2: each sample has strips of its own */
	bool tiled;
	/* A tile's sides; a strip is as wide as the page and has at most its rows. */
	uint32_t unit_w, unit_h;
	uint32_t units_x, units_y; /* tiles across, tiles (strips) down; of one sample if planar */
	struct tiff_values offsets, counts; /* the strip or tile tables; counts may be absent */
	struct tiff_values description, software, sub_ifds, nodata, colormap, jpeg_tables;
	/* 34412, 43314, 51123: kinds with planes of their own. */
	struct tiff_values lsm, nih, mm_metadata;
	struct tiff_values fluoview;		  /* 34361 */
	struct tiff_values imagej_counts, imagej; /* 50838, 50839: lengths of blocks, and these */
	/* 33628 .. 33631 of MetaMorph: `offset` is where the bytes begin, whose length follows neither from type nor
	 * from count (entries in uic1, else planes). */
	struct tiff_values uic1, uic2, uic3, uic4;
	struct tiff_rational x_resolution, y_resolution;
	uint16_t resolution_unit; /* 2 where absent */
	double shown
		[2]; /* first MinSampleValue and MaxSampleValue, or SMin and SMax; 0,0 where absent */
	uint32_t t4_options, t6_options, lerc[2];
};

/* One stored strip or tile. */
enum tiff_unit_state {
	TIFF_UNIT_STORED,  /* offset and count lie inside the file; `why`: the count was mended */
	TIFF_UNIT_SPARSE,  /* offset 0 and count 0: nodata or zeros */
	TIFF_UNIT_DAMAGED, /* cannot be read; `why` says what is wrong */
};

struct tiff_unit {
	uint64_t offset, count;
	enum tiff_unit_state state;
	const char *why; /* static text or NULL */
};

/* Reads magic, byte order and first IFD offset. -EBADMSG: no TIFF. */
int tiff_header_read(const struct reader *r, struct tiff_header *out, struct err *err);

/* Reads and checks the page whose IFD lies at `ifd`. In most files one read. -EBADMSG with a
 * sentence that names tag and value where the page is malformed; -ENOTSUP for an NDPI file whose
 * offsets do not fit and for complex numbers of more than 64 bits. Any other page that is well formed
 * but of a kind that is not supported reads fine: ask tiff_page_dtype. Tags that only describe (text,
 * resolution, metadata) and that are malformed count as absent. Of a tag that is there twice the first
 * counts. */
int tiff_page_read(const struct reader *r, const struct tiff_header *h, uint64_t ifd,
		   struct tiff_page *out, struct err *err);

/* Whether the IFD at `ifd` is well formed but for a width or length of 0: a page without voxels, as some writers
 * leave them. */
bool tiff_page_is_empty(const struct reader *r, const struct tiff_header *h, uint64_t ifd);

/* As tiff_page_read, with its voxels where `place` says. -EBADMSG also where a page whose voxels lie elsewhere is
 * compressed, tiled, or has planes of samples. */
int tiff_page_at(const struct reader *r, const struct tiff_header *h,
		 const struct tiff_place *place, struct tiff_page *out, struct err *err);

/* Which voxel type the page has in Zarr. -ENOTSUP with a sentence that names tag and value
 * ("compression 34712 (JPEG 2000) is not supported"). */
int tiff_page_dtype(const struct tiff_page *p, enum dtype *out, struct err *err);

/* IFD offsets of the main chain in order. Loops, offsets outside the file, IFDs cut off by the end of the
 * file (counted when their first entry is there) and more than TIFF_MAX_PAGES end the walk; then *cut is
 * set and the pages before stand. Errors: -ENOMEM and those of the reader. Caller frees *out. */
int tiff_walk(const struct reader *r, const struct tiff_header *h, uint64_t **out, size_t *n,
	      bool *cut, struct err *err);

/* Offsets of the pages in a page's SubIFDs (tag 330): the first `max` of them, *n. -EBADMSG: the tag is malformed. */
int tiff_sub_ifds(const struct reader *r, const struct tiff_page *page, size_t max, uint64_t *out,
		  size_t *n, struct err *err);

/* What a page is, or why it cannot be read (`page` NULL, `rc` as of tiff_page_read). Not 0 ends the walk with that. */
typedef int tiff_visit(void *ctx, const struct tiff_page *page, int rc);

/* The same, with all pages read on the way, each given to `visit`. */
int tiff_walk_pages(const struct reader *r, const struct tiff_header *h, tiff_visit *visit,
		    void *ctx, uint64_t **out, size_t *n, bool *cut, struct err *err);

/* Units first .. first+n-1 (index = sample * units_x * units_y + row * units_x + column; sample 0 if
 * not planar) into out[n]. One read a table. Entries that the table lacks are DAMAGED. The count of an
 * uncompressed unit is exactly its voxels' bytes; where the file's count is wrong or missing that holds
 * if they fit before whatever follows, and `why` says so. */
int tiff_units_read(const struct reader *r, const struct tiff_page *p, uint64_t first, size_t n,
		    struct tiff_unit *out, struct err *err);

/* The palette of a page (tag 320): red, green and blue of each value, three bytes. *rgb is the caller's. -EBADMSG
 * where it does not fit the page's bits, which are at most 16. */
int tiff_colors_read(const struct reader *r, const struct tiff_page *page, uint8_t **rgb,
		     uint32_t *n, struct err *err);

/* Copies at most `max` bytes of a BYTE, ASCII or UNDEFINED tag, NUL added. Caller frees *out; *len
 * without the NUL. Trailing NULs of the file are cut. An absent tag gives an empty text. -EBADMSG:
 * another type. */
int tiff_text_read(const struct reader *r, const struct tiff_values *v, size_t max, char **out,
		   size_t *len, struct err *err);

/* The value that sparse strips have: GDAL_NODATA where it parses and fits the type, else 0.
 * `voxel` gets dtype_size bytes, native order. Errors: -ENOMEM and those of the reader. */
int tiff_sparse_value(const struct reader *r, const struct tiff_page *p, enum dtype t, void *voxel,
		      struct err *err);

/* Rows that unit row `uy` (below units_y) really has (a short last strip; tiles are always whole). */
uint32_t tiff_unit_rows(const struct tiff_page *p, uint32_t uy);

static inline bool tiff_is_sgilog(const struct tiff_page *p)
{
	return p->compression == TIFF_COMPRESSION_SGILOG ||
	       p->compression == TIFF_COMPRESSION_SGILOG24;
}

static inline bool tiff_is_ccitt(const struct tiff_page *p)
{
	return p->compression == TIFF_COMPRESSION_CCITT_RLE ||
	       p->compression == TIFF_COMPRESSION_CCITT_G3 ||
	       p->compression == TIFF_COMPRESSION_CCITT_G4;
}

/* Such pixels come out of the decoder as RGB; other YCbCr is given as stored. */
static inline bool tiff_is_jpeg_ycbcr(const struct tiff_page *p)
{
	return p->photometric == TIFF_YCBCR && p->compression == TIFF_COMPRESSION_JPEG;
}

/* A single bit is 0 or 1, whatever the page says. */
static inline bool tiff_is_signed(const struct tiff_page *p)
{
	return p->sample_format == TIFF_FORMAT_SIGNED && p->bits > 1;
}

/* Samples are stored as no voxel type is: packed bits, three bytes, short floats. codec/widen.h makes them voxels. */
static inline bool tiff_is_widened(const struct tiff_page *p)
{
	bool whole = p->bits == 8 || p->bits == 16 || p->bits == 32 || p->bits == 64;
	return !tiff_is_sgilog(p) &&
	       (!whole || (p->bits == 16 && p->sample_format == TIFF_FORMAT_FLOAT));
}

/* Rows can be read straight from the file: strips that are not compressed, of samples that are voxels. */
static inline bool tiff_is_raw_rows(const struct tiff_page *p)
{
	return p->compression == TIFF_COMPRESSION_NONE && !p->tiled && p->fill_order != 2 &&
	       !tiff_is_widened(p);
}

/* Bytes of a voxel: the next of 1, 2, 4, 8 that holds a sample's bits, 4 for the shorter floats. */
unsigned tiff_voxel_bytes(const struct tiff_page *p);

/* Bytes of one decoded unit of `rows` (at most unit_h) rows: unit_w x rows x (planar ? 1 : samples) voxels. */
uint64_t tiff_unit_bytes(const struct tiff_page *p, uint32_t rows);

/* The same before samples are widened: what a unit has that is not compressed. At most tiff_unit_bytes. */
uint64_t tiff_packed_bytes(const struct tiff_page *p, uint32_t rows);

/* True where two pages have the same kind of pixels: width, height, bits, format, samples, and the
 * same channel meaning (photometric of colour against gray). Layout and compression may differ. */
bool tiff_same_kind(const struct tiff_page *a, const struct tiff_page *b);

/* "LZW", "Deflate", "none"; "unknown" where the number has no name. For people. */
const char *tiff_compression_name(uint16_t compression);
