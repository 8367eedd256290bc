/* What a source turned out to be: images, their planes, and the facts about each. Filled by scan and
 * look, constant afterwards. */
#pragma once

#include "codec/encode.h"
#include "codec/reduce_method.h"
#include "codec/tiff.h"
#include "meta/pyramid.h"

/* One TIFF file of the source. */
struct source_file {
	char *path;    /* relative to the dataset's root descriptor; owned by the dataset */
	uint32_t root; /* 0: that one; else 1 + an index into the dataset's others */
	uint64_t size;
	int64_t mtime_ns;
	uint64_t ino, dev;
	uint32_t mode, uid, gid;
	uint32_t reach; /* read permissions that the folders between SOURCE and it leave */
	/* Not 0: its planes are damaged. ENOENT: a link to nothing, ENODATA: empty or too short, EBADMSG: no
	 * TIFF, ENXIO: another file names it, but it is missing, EXDEV: it would lie outside SOURCE; else as it
	 * was told when it was opened. */
	int trouble;
	/* Of its planes; both NULL: one page, at the header's first IFD. Read by meta/places.h. */
	uint64_t *page_ifds;	   /* offsets of IFDs */
	struct tiff_place *places; /* where those do not say enough; then page_ifds is NULL */
	uint32_t n_pages;	   /* planes listed; 1 where both are NULL */
	uint32_t
		cut_after; /* pages after which its chain of them is broken; 0: it is whole, as far as known */
	bool is_link; /* its name is a symbolic link's, as far as the folder's list told */
};

struct told_image;

#define PLANE_GAP UINT32_MAX

/* Where a plane comes from. */
struct plane {
	uint32_t file; /* index into the dataset's files; PLANE_GAP: nothing claims it */
	uint32_t page; /* number among those that the file lists */
};

/* A fact with its origin, for `info` ("option", "tags 282 and 283 of a.tif", "not stated"). */
struct origin {
	char text[80];
};

struct channel {
	char *label;
	char color[7];		     /* RRGGBB */
	double min, max, start, end; /* omero window */
	bool has_window;	     /* start and end are known without a sample */
};

/* Read by any thread while a worker may publish it: by image_state and image_publish only. */
enum image_state { IMAGE_UNSEEN, IMAGE_READY, IMAGE_BAD };

/* One NAME.zarr, or a label of one: a segmentation beside it. The part behind `state` is filled by its first
 * look. */
struct image {
	char *id;	   /* unique, without ".zarr"; a label's is "em/labels/original/0" */
	const char *label; /* of a label: its path below `labels/`, a part of its id; else NULL */
	char *layer; /* of a label: its name in a WEBKNOSSOS dataset; NULL: layers_name was not called */
	uint32_t parent;		/* of a label: the image that it lies beside */
	uint32_t first_label, n_labels; /* of an image: its labels, which lie side by side */
	char *how;			/* what was taken for what; may be NULL */
	uint32_t sidecar; /* 1 + an index into the dataset's sidecars; 0: it has none of its own */
	/* What its files tell beside the planes; NULL: nothing. Its `planes` is NULL. */
	struct told_image *told;
	const char *told_kind; /* static, "OME-XML" */
	char *told_by;	       /* path of the file that tells */
	char *refused; /* its files tell of planes that cannot be laid out: the sentence; NULL: no */
	uint64_t n_t, n_c, n_z;	  /* planes on each axis (n_c: pages, samples not counted) */
	bool has_t, has_c, has_z; /* has_c also becomes true for pages of several samples */
	struct plane *planes;	  /* n_t x n_c x n_z, C order */
	char **channel_labels;	  /* n_c texts or NULL */
	uint64_t n_gaps;
	int64_t mtime_ns; /* newest of its files */
	uint32_t mode, uid,
		gid; /* permission bits that every file of the image grants, and to whom */

	enum image_state state;
	struct err why; /* of IMAGE_BAD */
	struct tiff_page
		kind; /* a page that stands for all: size, type, layout; no pointers into files */
	uint64_t
		unit_bytes_max; /* largest decoded unit among the pages looked at, raw rows aside */
	enum dtype dtype;
	enum dtype stored;	/* of the files: another one where a label's ids are floats */
	struct grid grid;	/* of level 0; c counts samples */
	struct pyramid pyramid; /* of all levels */
	enum reduce_method method;
	struct encode_spec encode;	  /* of level 0 */
	struct encode_spec encode_coarse; /* of the others */
	double voxel[3];		  /* z, y, x in `unit` */
	char unit[16];			  /* NGFF unit, "" unknown */
	double time_step;		  /* seconds; 0 unknown */
	struct origin voxel_from, z_from, time_from, axes_from, codec_from;
	struct channel *channels; /* grid.size[AXIS_C] */
	char *names_from, *colors_from,
		*windows_from; /* of the channels, as `info` says it; NULL: not given */
	bool rgb;
	struct label_colors *colors; /* of a label; NULL: not looked at */
	uint32_t orientation;
	char **warnings;
	size_t n_warnings;
	uint64_t n_damaged;	/* pages looked at that cannot be read, or not as this image's */
	struct lost_units *bad; /* of these, some of what cannot be read */
	size_t n_bad;
	struct lost *lost;   /* see meta/lost.h; NULL: nothing */
	double stored_share; /* stored / raw bytes of the pages looked at */
	/* With --overviews use: who makes the levels from first_level on, out of coarser pages of the same planes. Such an
	 * image stands in no list of the dataset, has the planes of the one that is shown, and changes in `lost` alone. */
	struct image **overviews;
	unsigned n_overviews;
	unsigned first_level; /* of the shown image, which is level 0 here; 0: this one is shown */
};

struct left_out {
	char *path;
	const char *why;
	char *of; /* the file that is kept in its place, of a duplicate; else NULL */
};

/* A file with facts of the images in the file that it lies beside: see meta/sidecars.h. */
struct sidecar {
	char *path; /* relative to the dataset's root */
	uint64_t size;
	int64_t mtime_ns;
	bool used; /* by an image */
};

/* The folder of a label that lies elsewhere, opened like SOURCE's. */
struct other_root {
	int fd;
	size_t skip; /* what stands in its files' paths before the part below it, for messages */
};

/* Everything that a source is. */
struct dataset {
	int root_fd; /* folder that paths are relative to */
	struct other_root *others;
	size_t n_others;
	char *source; /* as given, for messages */
	char *name;   /* base name, resolved */
	struct source_file *files;
	size_t n_files;
	struct image
		*images; /* labels come after all others, in the order of their images and paths */
	size_t n_images, n_labels; /* n_images: labels included */
	uint32_t *
		by_id; /* numbers of images but labels, in the order of their ids' bytes; NULL: no index was made */
	struct left_out *left_out;
	struct sidecar *sidecars; /* in the order of their paths' bytes */
	size_t n_sidecars;
	size_t n_left_out; /* in natural order of their paths */
	char *layer;	   /* of images in a WEBKNOSSOS dataset; NULL: layers_name was not called */
	bool segmentation; /* the images themselves are */
	bool has_largest_id; /* largest_id was given */
	uint64_t largest_id;
	char *hint;		 /* another way to see the source; may be NULL */
	uint32_t mode, uid, gid; /* of SOURCE */
	int64_t mtime_ns;	 /* newest of all files */
	uint64_t indices;     /* of sizes and times of the files that tell planes and are no TIFF */
	uint64_t fingerprint; /* of options, versions, names, sizes and times */
	bool is_file;	      /* SOURCE is a file, and root_fd its folder */
	bool one_image;	      /* the source is one image, not a folder of images */
	bool use_overviews;   /* stored overviews may be levels */
	bool fill_damaged;    /* planes that cannot be read are filled, too */
};

/* READY or BAD seen here: all that the first look wrote is seen, too. */
static inline enum image_state image_state(const struct image *im)
{
	return (enum image_state)__atomic_load_n(&im->state, __ATOMIC_ACQUIRE);
}

static inline void image_publish(struct image *im, enum image_state state)
{
	__atomic_store_n(&im->state, state, __ATOMIC_RELEASE);
}

/* Images but labels: those with the numbers below this, which stand in the mount's root. */
static inline size_t dataset_shown(const struct dataset *d)
{
	return d->n_images - d->n_labels;
}

/* How many planes its table has, gaps included. */
static inline uint64_t image_planes(const struct image *im)
{
	return im->n_t * im->n_c * im->n_z;
}

/* Index of the plane (t, page c, z). */
static inline uint64_t image_plane(const struct image *im, uint64_t t, uint64_t c, uint64_t z)
{
	return (t * im->n_c + c) * im->n_z + z;
}

/* A gap, or one whose file is known to be unreadable where such planes are filled. */
static inline bool image_plane_filled(const struct dataset *d, const struct image *im,
				      uint64_t plane)
{
	uint32_t f = im->planes[plane].file;
	return f == PLANE_GAP || (d->fill_damaged && d->files[f].trouble != 0);
}

/* Who makes a level of the image, as a number for dataset_image, and which of its own levels that is. */
struct maker {
	uint32_t image;
	unsigned level;
};

struct maker image_maker(const struct dataset *d, uint32_t image, unsigned level);

/* Numbers below n_images are those of the dataset's list; NULL: there is none of that number. */
struct image *dataset_image(const struct dataset *d, uint32_t number);

static inline const struct encode_spec *image_encode(const struct image *im, uint32_t level)
{
	return level == 0 ? &im->encode : &im->encode_coarse;
}

/* Rows of the page go into the band as they lie in the file. */
static inline bool image_raw_rows(const struct image *im, const struct tiff_page *p)
{
	return tiff_is_raw_rows(p) && im->stored == im->dtype;
}

/* Levels that show single voxels of level 0; they are the coarsest. */
unsigned image_previews(const struct image *im);

/* The axes that the image has, in order: AXIS_T .. AXIS_X into axes[5]; returns how many. */
unsigned image_axes(const struct image *im, enum axis axes[AXIS_COUNT]);

/* Makes by_id. -ENOMEM. */
int dataset_index(struct dataset *d);

/* The image with this id, no label; n_images where there is none. */
size_t dataset_find(const struct dataset *d, const char *id, size_t len);

/* The descriptor of the folder that a file's path is relative to, and the path there. */
int source_file_at(const struct dataset *d, const struct source_file *f, const char **path);

/* Opens a file of the dataset: descriptor or -errno. -ESTALE: it is no regular file any more. -EAGAIN, with `wait`
 * false: somebody holds a lease on it (fcntl(2), as Samba does) and is asked to let go. */
int dataset_open(const struct dataset *d, const struct source_file *f, bool wait);

/* A phrase for its trouble. */
const char *source_file_trouble(const struct source_file *f);

/* What is wrong with its chain of pages, where it is cut. Appended. */
struct text;
void source_file_cut(const struct source_file *f, struct text *t);

void left_out_done(struct left_out *o);

/* Adds a warning (copied). Ignores failed allocation: a warning is a courtesy. */
void image_warn(struct image *im, const char *fmt, ...) PRINTF(2, 3);

/* Drops the channels, levels and colours of a first look, so that it can be taken again. */
void image_forget(struct image *im);

/* Its place in the mount: "em.zarr", "em.zarr/labels/original/0". Appended. */
struct text;
void image_place(const struct dataset *d, const struct image *im, struct text *t);

/* "em.zarr: stack.tif: page 3", of a plane that is no gap; the page where the file lists several. Appended. */
void image_plane_place(const struct dataset *d, const struct image *im, uint64_t plane,
		       struct text *t);

/* Frees what the image holds, not itself. */
void image_done(struct image *im);

/* NULL does nothing. root_fd is closed where it is not negative: a dataset begins with -1. */
void dataset_free(struct dataset *d);
