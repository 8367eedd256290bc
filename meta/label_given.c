#include "meta/label_given.h"

#include "codec/text.h"

#include <errno.h>
#include <string.h>

static void dataset_freep(struct dataset **d)
{
	dataset_free(*d);
}

/* "/data/seg/" of a folder, "/data/" of a file: what its files' paths go on from. */
static int set_front(struct text *t, const struct dataset *from)
{
	size_t n = strlen(from->source);
	if (from->is_file)
		n = path_folder(from->source);
	text_addn(t, from->source, n);
	if (n > 0 && from->source[n - 1] != '/')
		text_add(t, "/");
	return t->oom ? -ENOMEM : 0;
}

/* Moves the files of `from` behind those of `d`, with `front` before their paths. */
static int move_files(struct dataset *d, struct dataset *from, const struct text *front)
{
	struct source_file *files =
		reallocarray(d->files, d->n_files + from->n_files, sizeof(*files));
	if (files == NULL)
		return -ENOMEM;
	d->files = files;
	for (size_t i = 0; i < from->n_files; i++) {
		struct text CLEANUP(text_done) path = { 0 };
		text_addf(&path, "%s%s", front->s != NULL ? front->s : "", from->files[i].path);
		if (path.oom)
			return -ENOMEM;
		struct source_file *f = &files[d->n_files++];
		*f = from->files[i];
		f->path = STEAL(path.s);
		f->root = (uint32_t)d->n_others;
		from->files[i].page_ifds = NULL;
		from->files[i].places = NULL;
	}
	return 0;
}

static int move_left_out(struct dataset *d, const struct dataset *from, const struct text *front)
{
	const char *before = front->s != NULL ? front->s : "";
	for (size_t i = 0; i < from->n_left_out; i++) {
		const struct left_out *o = &from->left_out[i];
		struct text CLEANUP(text_done) path = { 0 };
		struct text CLEANUP(text_done) of = { 0 };
		text_addf(&path, "%s%s", before, o->path);
		if (o->of != NULL)
			text_addf(&of, "%s%s", before, o->of);
		if (path.oom || of.oom || dataset_leave_out(d, path.s, o->why, of.s) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* The folder goes over to `d`, which opens the files from it. */
static int move_root(struct dataset *d, struct dataset *from, size_t skip)
{
	struct other_root *more = reallocarray(d->others, d->n_others + 1, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	d->others = more;
	more[d->n_others++] = (struct other_root){ from->root_fd, skip };
	from->root_fd = -1;
	return 0;
}

static struct image *take_image(struct dataset *from, uint32_t files_before)
{
	struct image *im = malloc(sizeof(*im));
	if (im == NULL)
		return NULL;
	*im = from->images[0];
	from->n_images = 0;
	uint64_t n = image_planes(im);
	for (uint64_t i = 0; i < n; i++)
		if (im->planes[i].file != PLANE_GAP)
			im->planes[i].file += files_before;
	return im;
}

static int move(struct dataset *d, struct dataset *from, const struct scan_label *label,
		struct image *of, struct found_labels *labels)
{
	struct text CLEANUP(text_done) front = { 0 };
	uint32_t first = (uint32_t)d->n_files;
	if (set_front(&front, from) != 0 || move_root(d, from, front.len) != 0 ||
	    move_files(d, from, &front) != 0 || move_left_out(d, from, &front) != 0)
		return -ENOMEM;
	struct image *im = take_image(from, first);
	return im == NULL ? -ENOMEM : found_labels_add(labels, im, of, label->path, first, true);
}

int label_given(struct dataset *d, const struct scan_label *label, const struct scan_options *opts,
		struct image *of, struct found_labels *labels, struct err *err)
{
	struct scan_options own = { .gaps = opts->gaps,
				    .is_label = true,
				    .mountpoint = opts->mountpoint,
				    .each = opts->each };
	struct dataset CLEANUP(dataset_freep) *from = NULL;
	int rc = dataset_scan(label->source, &own, &from, err);
	if (rc != 0)
		return err_prefix(err, "--label %s", label->path);
	if (from->n_images != 1)
		return err_set(err, EINVAL,
			       "--label %s: %s holds %zu images (the first are %s and %s): give "
			       "the folder or the file of one",
			       label->path, label->source, from->n_images, from->images[0].id,
			       from->images[1].id);
	rc = move(d, from, label, of, labels);
	return rc != 0 ? err_oom(err) : 0;
}
