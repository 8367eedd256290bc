/* From SOURCE to a dataset: walk, names, files, pages. Opens files only to count pages and to check
 * what their descriptions claim. Single-threaded, but for what `each` of the options does at once. */
#pragma once

#include "codec/reduce_method.h"
#include "meta/each.h"
#include "meta/image.h"
#include "meta/names.h"
#include "meta/pyramid.h"

/* A label that lies anywhere. */
struct scan_label {
	char *path; /* below `labels/`; label_path_check has seen it */
	char *source;
};

/* Where what is given comes from, for `info`; NULL: the option of that name. */
struct scan_from {
	const char *voxel, *unit, *time, *names, *colors, *windows;
};

struct scan_options {
	const char *name;    /* --name or NULL */
	const char *pattern; /* --pattern or NULL */
	enum gaps gaps;
	bool group_none;
	double voxel_size[3]; /* x, y, z; 0: not given */
	const char *unit;     /* NULL: not given */
	double time_step;     /* 0: not given */
	/* Comma lists or NULL; with a backslash in front a comma is none. */
	const char *channel_names, *channel_colors, *windows;
	struct scan_from from;
	uint64_t chunk_shape[3]; /* z, y, x; [0] == 0: auto */
	struct pyramid_options pyramid;
	bool use_overviews; /* stored overviews may be levels */
	enum reduce_method method;
	bool method_given;	/* else a label has the mode */
	const char *layer_name; /* of images in WEBKNOSSOS datasets; NULL: there are none */
	bool segmentation;	/* the images themselves: the mode, unless method_given */
	bool has_largest_id;	/* of segmentations */
	uint64_t largest_id;
	const struct scan_label *labels;
	size_t n_labels;
	bool is_label;			 /* what is scanned is itself a label */
	const char *fingerprint_options; /* text of every option that changes bytes */
	bool fill_damaged;		 /* --damaged fill */
	const char *mountpoint;		 /* never entered; NULL: none */
	struct each each;		 /* how many files are examined and read */
};

/* Lists, stats and sorts. -ENOENT, -EINVAL, .. with the sentence for the user. An image that cannot be
 * mounted (planes that its description moves, refused kinds) is not found here but by dataset_look. */
int dataset_scan(const char *source, const struct scan_options *opts, struct dataset **out,
		 struct err *err);

/* The first look at one image: parses the first, the middle, the last and at most 61 evenly spaced
 * files, decides kind, type, grid, levels, voxel size and channels (without windows that need a sample and
 * without codecs). `all`: parses every file (`info`). An unusable image is an error, which is also
 * in its `why`. Touches only this image; its state is the caller's to publish. */
int dataset_look(struct dataset *d, size_t image, const struct scan_options *opts, bool all,
		 struct err *err);

/* Reads the page of a plane through r (a reader of the plane's file) and checks it against the image:
 * another size or type is -EBADMSG with a sentence. */
int image_page_read(const struct dataset *d, const struct image *im, const struct plane *p,
		    const struct reader *r, struct tiff_page *out, struct err *err);
