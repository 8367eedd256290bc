/* What files tell of their planes: how many images there are and of which axes, where each plane lies, and what is
 * known beside the pixels. Filled by the readers told_*.c, one for each way of telling; meta/tell.h asks them. */
#pragma once

#include "codec/text.h"
#include "codec/tiff.h"
#include "meta/pages.h"

enum told_axis { TOLD_T, TOLD_C, TOLD_Z, TOLD_AXES };

/* Of more than a few planes so many may be told for each one that is there. */
enum { TOLD_FEW_PLANES = 1 << 16, TOLD_TIMES = 64 };

enum { TOLD_MAX_PLANES = 1 << 26, TOLD_MAX_FILES = 1 << 20, TOLD_MAX_IMAGES = 1 << 20 };

/* How a plane is found in its file. */
enum told_where {
	TOLD_GAP, /* nothing claims it */
	/* at: position of its IFD in the main chain, overviews counted, from 0; beyond the chain: claimed, and damaged */
	TOLD_PAGE,
	TOLD_IFD, /* at: offset of its IFD */
	TOLD_BEHIND, /* at: bytes that its strips lie behind those of the file's first page, which is not compressed */
	TOLD_BARE, /* at: offset of its pixels, not compressed, row by row; else it is like the file's first page */
	TOLD_PLACE, /* at: index into `places` */
};

struct told_plane {
	uint32_t file; /* index into `files` */
	enum told_where where;
	uint64_t at;
};

/* A length on one axis. */
struct told_size {
	double value; /* 0: not told */
	/* OME-NGFF's name (static); never NULL where there is a value; "": z alone is known, in pixels */
	const char *unit;
	const char *from; /* static text for `info` in place of the kind's name; NULL: that */
};

struct told_channel {
	char *name;	   /* UTF-8; NULL: not told */
	char color[7];	   /* "RRGGBB"; "": not told */
	double start, end; /* as stored; start >= end: not told */
};

struct told_image {
	uint64_t n[TOLD_AXES];	   /* at least 1; n[TOLD_C] counts pages, not their samples */
	bool has[TOLD_AXES];	   /* the axis is there even where its size is 1 */
	struct told_plane *planes; /* n[T] x n[C] x n[Z], C order */
	char *key; /* tells the images of one source apart ("Pos1", "row0-column1"); NULL: by their number */
	char *title;		  /* for people; NULL: none */
	struct told_size size[3]; /* z, y, x */
	double time_step;	  /* seconds; 0: not told */
	unsigned bits;		  /* significant ones of a voxel; 0: not told */
	struct told_channel
		*channels; /* n_channels of them: n[TOLD_C], or that times the samples of a page */
	size_t n_channels; /* 0: not told */
};

struct told {
	const char *kind; /* static: "OME-XML", "ImageJ" */
	/* Relative to the folder of the file that tells, '/' between folders; NULL: that file itself. None need exist. */
	char **files;
	size_t n_files;
	struct told_image *images;
	size_t n_images;
	struct tiff_place *places;
	size_t n_places;
	char *run; /* files of one folder with the same text tell parts of the same images; NULL: alone */
	struct text notes; /* warnings, one a line, without the file's name */
};

/* The file that is asked, and what lies beside it. */
struct told_source {
	const struct reader *r; /* NULL: it is no TIFF, and read by `beside` */
	const char *name;	/* without its folder */
	/* Of a TIFF: its first page and all IFDs of the main chain. */
	const struct tiff_page *first;
	const uint64_t *ifds;
	uint32_t n_pages;
	bool cut; /* the chain is broken behind them: planes that are told beyond are claimed, and lost */
	const struct page_kind *kinds; /* of these pages; NULL: they were not read yet */
	/* Reads a file whose path is relative to that folder; the caller frees *out. `max` 0: asks only whether it is
	 * there. -ENOENT; -EXDEV: it lies outside SOURCE; -EFBIG: longer than `max`; -EIO, -ENOMEM .. */
	int (*beside)(void *ctx, const char *path, size_t max, char **out, size_t *len);
	/* Reads what lies at `off` of such a file, at most `max` bytes: less only at its end. Caller frees *out, a zero is
	 * added. Errors as of `beside`, but for -EFBIG. NULL: what lies inside other files is not told. */
	int (*beside_at)(void *ctx, const char *path, uint64_t off, size_t max, char **out,
			 size_t *len);
	void *ctx;
};

/* 1: `out` is filled. 0: the file is of another kind, or tells nothing that can be used, which a note says.
 * -ENOTSUP, -EINVAL: it tells of planes that cannot be laid out; the sentence is for the user. -ENOMEM, -EIO .. as
 * reading. `out` begins as { 0 } and is to be given to told_done in every case. */
typedef int told_reader(const struct told_source *s, struct told *out, struct err *err);

void told_done(struct told *t);

/* NULL does nothing. */
void told_image_free(struct told_image *im);

/* Forgets all but the notes. */
void told_clear(struct told *t);

/* A new image at the end, its planes gaps, of axes with sizes above 1. NULL: out of memory, or TOLD_MAX_*
 * would be exceeded (then err says EOVERFLOW). Pointers to other images end. */
struct told_image *told_add_image(struct told *t, const uint64_t n[TOLD_AXES], struct err *err);

/* Forgets the last image. */
void told_drop_image(struct told *t);

/* Adds a file (path copied; NULL: the telling file itself), whether or not it is there already: readers keep an index
 * of their own. -ENOMEM, -EOVERFLOW. */
int told_add_file(struct told *t, const char *path, uint32_t *file);

/* n channels that tell nothing yet. -ENOMEM. */
int told_make_channels(struct told_image *im, size_t n);

/* Gives `to`, which has none yet, the sizes, time step, bits and channels of `from`. -ENOMEM. */
int told_copy_facts(const struct told_image *from, struct told_image *to);

/* Adds one line to the notes; memory that runs out shows in notes.oom. */
void told_note(struct told *t, const char *fmt, ...) PRINTF(2, 3);

static inline struct told_plane *told_plane(const struct told_image *im, uint64_t t, uint64_t c,
					    uint64_t z)
{
	return &im->planes[(t * im->n[TOLD_C] + c) * im->n[TOLD_Z] + z];
}

static inline uint64_t told_n_planes(const struct told_image *im)
{
	return im->n[TOLD_T] * im->n[TOLD_C] * im->n[TOLD_Z];
}
