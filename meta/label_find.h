/* Which images of a scan are labels, of which image, and under which path. Internal to the scan. */
#pragma once

#include "meta/draft.h"
#include "meta/walk.h"

/* A folder `labels`, or one below it. */
struct label_folder {
	size_t base;	   /* length of the path of the folder that `labels` lies in */
	const char *below; /* its path below `labels`; "": it is that folder */
};

/* False: the folder belongs to no labels. */
bool label_folder(const char *path, struct label_folder *out);

/* The image beside whose files the labels of folder `at` lie: the only one of the folder that `labels` lies
 * in, else the only one anywhere below that. NULL: there is none, or several. n: how many. */
struct image *label_owner(const struct walk *w, size_t at, const struct drafts *ds, size_t *n);

struct found_label {
	struct image *im; /* owned */
	struct image *of;
	char *path;    /* owned; below `labels/` */
	uint32_t file; /* its first one */
	bool given;    /* by an option: a clash is an error */
};

struct found_labels {
	struct found_label *v;
	size_t n;
};

void found_labels_done(struct found_labels *l);

/* Takes `im` over, also where it fails. `path` is copied. -ENOMEM. */
int found_labels_add(struct found_labels *l, struct image *im, struct image *of, const char *path,
		     uint32_t file, bool given);

/* The path of one of the `n_images` images of a folder with `n_files` files. tail: its id in the folder,
 * NULL: the folder's own; file: the path of its first file. Appended. */
void label_path_make(struct text *t, const char *below, size_t n_images, size_t n_files,
		     const char *tail, const char *file);

/* Puts them into the order of their images (by the number in first_label of each) and of their paths, and
 * leaves out those that have the path of another or lie inside another. -EINVAL where an option asked for
 * such a one; -ENOMEM. */
int found_labels_settle(struct found_labels *l, struct dataset *d, struct err *err);
