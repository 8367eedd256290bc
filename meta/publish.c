#include "meta/publish.h"

#include "meta/fingerprint.h"
#include "meta/label_given.h"
#include "meta/layers.h"
#include "meta/places.h"
#include "meta/sidecars.h"

#include <errno.h>
#include <string.h>

static int compare_drafts(const void *a, const void *b, void *data)
{
	const struct draft *x = a, *y = b;
	const struct dataset *d = data;
	int rc = names_compare(d->files[x->first].path, d->files[y->first].path);
	if (rc != 0)
		return rc;
	return x->page < y->page ? -1 : x->page > y->page;
}

static int compare_left_out(const void *a, const void *b)
{
	const struct left_out *x = a, *y = b;
	return names_compare(x->path, y->path);
}

static int too_many_for_name(const struct dataset *d, const struct drafts *ds, struct err *err)
{
	return err_set(err, EINVAL,
		       "--name names one image, but %s holds %zu (the first are %s and %s)",
		       d->source, ds->n, ds->v[0].im->id, ds->v[1].im->id);
}

static int name_images(const struct dataset *d, struct drafts *ds, const char *given,
		       struct err *err)
{
	int rc = drafts_name(ds, given != NULL ? given : d->name, err);
	if (rc == 0 && given != NULL && ds->n > 1)
		rc = too_many_for_name(d, ds, err);
	return rc;
}

/* Leaves only files that an image needs, and numbers them anew. */
static int drop_unused_files(struct dataset *d, struct err *err)
{
	CLEANUP(freep) uint32_t *number = malloc((d->n_files + 1) * sizeof(*number));
	if (number == NULL)
		return err_oom(err);
	memset(number, 0, d->n_files * sizeof(*number));
	for (size_t i = 0; i < d->n_images; i++) {
		const struct image *im = &d->images[i];
		uint64_t n = image_planes(im);
		for (uint64_t k = 0; k < n; k++)
			if (im->planes[k].file != PLANE_GAP)
				number[im->planes[k].file] = 1;
	}
	uint32_t used = 0;
	for (size_t i = 0; i < d->n_files; i++) {
		if (number[i] == 0) {
			free(d->files[i].path);
			places_done(&d->files[i]);
			continue;
		}
		number[i] = used;
		d->files[used++] = d->files[i];
	}
	d->n_files = used;
	for (size_t i = 0; i < d->n_images; i++) {
		struct image *im = &d->images[i];
		uint64_t n = image_planes(im);
		for (uint64_t k = 0; k < n; k++)
			if (im->planes[k].file != PLANE_GAP)
				im->planes[k].file = number[im->planes[k].file];
	}
	return 0;
}

/* A chunk may be read by whoever may read every file behind it. Of several owners none is shown, but root, who
 * may read them all; where there are several groups, nobody is known to be in all of them. */
static void set_permissions(struct dataset *d, struct image *im)
{
	im->mode = 0444;
	im->uid = d->uid;
	im->gid = d->gid;
	uint64_t n = image_planes(im);
	uint32_t last = PLANE_GAP;
	const struct source_file *first = NULL;
	bool owners = false, groups = false;
	for (uint64_t k = 0; k < n; k++) {
		if (im->planes[k].file == PLANE_GAP || im->planes[k].file == last)
			continue;
		last = im->planes[k].file;
		const struct source_file *f = &d->files[last];
		im->mtime_ns = f->mtime_ns > im->mtime_ns ? f->mtime_ns : im->mtime_ns;
		/* A link to nothing has no permissions. */
		if (f->ino == 0)
			continue;
		first = first == NULL ? f : first;
		owners |= f->uid != first->uid;
		groups |= f->gid != first->gid;
		im->mode &= f->mode & f->reach;
	}
	if (first != NULL) {
		im->uid = owners ? 0 : first->uid;
		im->gid = groups ? d->gid : first->gid;
	}
	if (owners)
		im->mode |= 0400;
	if (groups && (im->mode & 04) == 0)
		im->mode &= ~UINT32_C(040);
	d->mtime_ns = im->mtime_ns > d->mtime_ns ? im->mtime_ns : d->mtime_ns;
}

/* Its id and place; the label is not owned by `f` any more. */
static int publish_label(struct dataset *d, struct found_label *f, uint32_t parent, struct err *err)
{
	struct image *of = &d->images[parent], *im = &d->images[d->n_images];
	struct text CLEANUP(text_done) id = { 0 };
	text_addf(&id, "%s/labels/", of->id);
	size_t at = id.len;
	text_add(&id, f->path);
	if (id.oom)
		return err_oom(err);
	free(f->im->id);
	f->im->id = STEAL(id.s);
	f->im->label = f->im->id + at;
	f->im->parent = parent;
	*im = *f->im;
	free(f->im);
	f->im = NULL;
	if (of->n_labels++ == 0)
		of->first_label = (uint32_t)d->n_images;
	d->n_images++;
	d->n_labels++;
	return 0;
}

static int publish_images(struct dataset *d, struct drafts *ds, struct found_labels *labels,
			  struct err *err)
{
	/* Their numbers, for the labels to find them. */
	for (size_t i = 0; i < ds->n; i++)
		ds->v[i].im->first_label = (uint32_t)i;
	int rc = found_labels_settle(labels, d, err);
	if (rc != 0)
		return rc;
	CLEANUP(freep) uint32_t *parents = calloc(labels->n + 1, sizeof(*parents));
	d->images = calloc(ds->n + labels->n, sizeof(*d->images));
	if (d->images == NULL || parents == NULL)
		return err_oom(err);
	for (size_t i = 0; i < labels->n; i++)
		parents[i] = labels->v[i].of->first_label;
	for (size_t i = 0; i < ds->n; i++) {
		d->images[i] = *ds->v[i].im;
		d->images[i].first_label = 0;
		free(ds->v[i].im);
		ds->v[i].im = NULL;
		d->n_images++;
	}
	for (size_t i = 0; rc == 0 && i < labels->n; i++)
		rc = publish_label(d, &labels->v[i], parents[i], err);
	return rc;
}

/* The labels that options name, each a source of its own. */
static int take_given(struct dataset *d, const struct drafts *ds, struct found_labels *labels,
		      const struct scan_options *o, struct err *err)
{
	if (o->n_labels > 0 && ds->n > 1)
		return err_set(err, EINVAL,
			       "--label lies beside one image, but %s holds %zu: put it into a "
			       "folder 'labels' beside the files of its image",
			       d->source, ds->n);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < o->n_labels; i++)
		rc = label_given(d, &o->labels[i], o, ds->v[0].im, labels, err);
	return rc;
}

/* Beside the images their datasets stand, whose names have no end. */
static int check_folders(const struct dataset *d, struct err *err)
{
	static const char suffix[] = ".zarr";
	for (size_t i = 0; i < dataset_shown(d); i++) {
		const char *id = d->images[i].id;
		size_t n = strlen(id), len = sizeof(suffix) - 1;
		if (n > len && strcmp(id + n - len, suffix) == 0 &&
		    dataset_find(d, id, n - len) < d->n_images)
			return err_set(err, EINVAL,
				       "--layout: the dataset of %s would have the name of another "
				       "image's folder: rename one of them",
				       id);
	}
	return 0;
}

static int set_layers(struct dataset *d, const struct scan_options *o, struct err *err)
{
	d->segmentation = o->segmentation;
	d->has_largest_id = o->has_largest_id;
	d->largest_id = o->largest_id;
	if (o->layer_name == NULL || o->is_label)
		return 0;
	int rc = check_folders(d, err);
	return rc == 0 ? layers_name(d, o->layer_name, err) : rc;
}

int publish(struct dataset *d, struct drafts *ds, struct found_labels *labels,
	    const struct scan_options *opts, struct err *err)
{
	if (ds->n > 1)
		qsort_r(ds->v, ds->n, sizeof(*ds->v), compare_drafts, d);
	int rc = name_images(d, ds, opts->name, err);
	if (rc == 0)
		rc = take_given(d, ds, labels, opts, err);
	if (rc == 0)
		rc = publish_images(d, ds, labels, err);
	if (rc == 0 && !opts->is_label)
		rc = sidecars_match(d, err);
	if (rc != 0)
		return rc;
	d->one_image = dataset_shown(d) == 1;
	d->fill_damaged = opts->fill_damaged;
	if (d->n_left_out > 1)
		qsort(d->left_out, d->n_left_out, sizeof(*d->left_out), compare_left_out);
	rc = drop_unused_files(d, err);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < d->n_images; i++)
		set_permissions(d, &d->images[i]);
	if (dataset_index(d) != 0)
		return err_oom(err);
	rc = set_layers(d, opts, err);
	if (rc != 0)
		return rc;
	return fingerprint_set(d, opts->fingerprint_options, err);
}
