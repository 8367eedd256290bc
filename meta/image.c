#include "meta/image.h"

#include "meta/sidecars.h"

#include "codec/text.h"
#include "meta/label_colors.h"
#include "meta/lost.h"
#include "meta/overviews.h"
#include "meta/places.h"
#include "meta/told.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

unsigned image_axes(const struct image *im, enum axis axes[AXIS_COUNT])
{
	unsigned n = 0;
	if (im->has_t)
		axes[n++] = AXIS_T;
	if (im->has_c)
		axes[n++] = AXIS_C;
	if (im->has_z)
		axes[n++] = AXIS_Z;
	axes[n++] = AXIS_Y;
	axes[n++] = AXIS_X;
	return n;
}

/* Those of an image follow each other at a distance of n_images. */
struct maker image_maker(const struct dataset *d, uint32_t image, unsigned level)
{
	const struct image *im = &d->images[image];
	struct maker m = { image, level };
	for (unsigned i = 0; i < im->n_overviews && im->overviews[i]->first_level <= level; i++) {
		m.image = image + (uint32_t)((i + 1) * d->n_images);
		m.level = level - im->overviews[i]->first_level;
	}
	return m;
}

struct image *dataset_image(const struct dataset *d, uint32_t number)
{
	if (number < d->n_images)
		return &d->images[number];
	const struct image *shown = d->n_images > 0 ? &d->images[number % d->n_images] : NULL;
	uint64_t at = shown != NULL ? number / d->n_images - 1 : 0;
	return shown != NULL && at < shown->n_overviews ? shown->overviews[at] : NULL;
}

unsigned image_previews(const struct image *im)
{
	unsigned n = 0;
	for (unsigned k = 0; k < im->pyramid.n; k++)
		n += im->pyramid.level[k].made == LEVEL_PREVIEW;
	return n;
}

void image_warn(struct image *im, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP(freep) char *text = NULL;
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return;
	}
	char **more = reallocarray(im->warnings, im->n_warnings + 1, sizeof(*more));
	if (more == NULL)
		return;
	im->warnings = more;
	more[im->n_warnings++] = STEAL(text);
}

void image_forget(struct image *im)
{
	if (im->channels != NULL)
		for (uint64_t c = 0; c < im->grid.size[AXIS_C]; c++)
			free(im->channels[c].label);
	free(im->channels);
	im->channels = NULL;
	free(im->names_from);
	free(im->colors_from);
	free(im->windows_from);
	im->names_from = im->colors_from = im->windows_from = NULL;
	overviews_free(im);
	pyramid_done(&im->pyramid);
	lost_free(im->lost);
	im->lost = NULL;
	free(im->bad);
	im->bad = NULL;
	im->n_bad = 0;
	label_colors_free(im->colors);
	im->colors = NULL;
}

void image_place(const struct dataset *d, const struct image *im, struct text *t)
{
	const struct image *shown = im->label != NULL ? &d->images[im->parent] : im;
	text_add_name(t, shown->id, strlen(shown->id));
	text_add(t, ".zarr");
	if (im->label == NULL)
		return;
	text_add(t, "/labels/");
	text_add_name(t, im->label, strlen(im->label));
}

void image_plane_place(const struct dataset *d, const struct image *im, uint64_t plane,
		       struct text *t)
{
	const struct plane *p = &im->planes[plane];
	const struct source_file *f = &d->files[p->file];
	image_place(d, im, t);
	text_add(t, ": ");
	text_add_name(t, f->path, strlen(f->path));
	if (f->n_pages > 1)
		text_addf(t, ": page %u", p->page);
}

void image_done(struct image *im)
{
	image_forget(im);
	for (size_t i = 0; i < im->n_warnings; i++)
		free(im->warnings[i]);
	free(im->warnings);
	if (im->channel_labels != NULL)
		for (uint64_t c = 0; c < im->n_c; c++)
			free(im->channel_labels[c]);
	free(im->channel_labels);
	free(im->planes);
	free(im->how);
	told_image_free(im->told);
	free(im->told_by);
	free(im->refused);
	free(im->layer);
	free(im->id);
}

static int compare_ids(const void *a, const void *b, void *data)
{
	const struct image *images = data;
	const uint32_t *x = a, *y = b;
	return strcmp(images[*x].id, images[*y].id);
}

int dataset_index(struct dataset *d)
{
	size_t n = dataset_shown(d);
	uint32_t *by_id = malloc(max_u64(1, n) * sizeof(*by_id));
	if (by_id == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		by_id[i] = (uint32_t)i;
	if (n > 1)
		qsort_r(by_id, n, sizeof(*by_id), compare_ids, d->images);
	free(d->by_id);
	d->by_id = by_id;
	return 0;
}

/* As strcmp(id, the first len bytes of name). */
static int compare_id(const char *id, const char *name, size_t len)
{
	int rc = strncmp(id, name, len);
	return rc != 0 ? rc : id[len] != '\0';
}

size_t dataset_find(const struct dataset *d, const char *id, size_t len)
{
	size_t n = dataset_shown(d), low = 0, high = n;
	for (size_t i = 0; d->by_id == NULL && i < n; i++)
		if (compare_id(d->images[i].id, id, len) == 0)
			return i;
	while (d->by_id != NULL && low < high) {
		size_t at = low + (high - low) / 2;
		int rc = compare_id(d->images[d->by_id[at]].id, id, len);
		if (rc == 0)
			return d->by_id[at];
		if (rc < 0)
			low = at + 1;
		else
			high = at;
	}
	return d->n_images;
}

int source_file_at(const struct dataset *d, const struct source_file *f, const char **path)
{
	if (f->root == 0) {
		*path = f->path;
		return d->root_fd;
	}
	const struct other_root *r = &d->others[f->root - 1];
	*path = f->path + r->skip;
	return r->fd;
}

int dataset_open(const struct dataset *d, const struct source_file *f, bool wait)
{
	static const int how = O_RDONLY | O_CLOEXEC | O_NOCTTY;
	struct stat now;
	const char *path;
	int at = source_file_at(d, f, &path);
	/* O_NONBLOCK: a FIFO that took the file's place must not hang us. */
	CLEANUP(closep) int fd = openat(at, path, how | O_NONBLOCK);
	if (fd < 0 && errno == EAGAIN && wait && fstatat(at, path, &now, 0) == 0 &&
	    S_ISREG(now.st_mode))
		fd = openat(at, path, how);
	if (fd < 0)
		return -errno;
	/* Its kind is known since it was opened: far storage need not be asked again. */
	struct statx st;
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &st) != 0)
		return -errno;
	if (!S_ISREG(st.stx_mode))
		return -ESTALE;
	int own = fd;
	fd = -1;
	return own;
}

const char *source_file_trouble(const struct source_file *f)
{
	switch (f->trouble) {
	case ENOENT:
		return "a link to nothing";
	case ENXIO:
		return "the file is missing";
	case EXDEV:
		return "its path leads out of the source";
	case ENODATA:
		return f->size == 0 ? "an empty file" : "too short to be a TIFF";
	case EBADMSG:
		return "not a TIFF file";
	case EACCES:
		return "no permission to read this file";
	default:
		return strerror(f->trouble);
	}
}

void source_file_cut(const struct source_file *f, struct text *t)
{
	text_addf(t,
		  "its chain of pages is broken after %u (it runs in a circle or out of the file)",
		  f->cut_after);
}

void left_out_done(struct left_out *o)
{
	free(o->path);
	free(o->of);
}

void dataset_free(struct dataset *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; d->images != NULL && i < d->n_images; i++)
		image_done(&d->images[i]);
	for (size_t i = 0; d->files != NULL && i < d->n_files; i++) {
		free(d->files[i].path);
		places_done(&d->files[i]);
	}
	for (size_t i = 0; d->left_out != NULL && i < d->n_left_out; i++)
		left_out_done(&d->left_out[i]);
	for (size_t i = 0; i < d->n_others; i++)
		close(d->others[i].fd);
	free(d->others);
	free(d->images);
	free(d->by_id);
	free(d->files);
	free(d->left_out);
	sidecars_free(d);
	free(d->hint);
	free(d->layer);
	free(d->source);
	free(d->name);
	if (d->root_fd >= 0)
		close(d->root_fd);
	free(d);
}
