#include "meta/image.h"

#include <stdarg.h>
#include <stdio.h>

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
}

static void image_done(struct image *im)
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
	free(im->id);
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
		free(d->files[i].page_ifds);
	}
	for (size_t i = 0; d->left_out != NULL && i < d->n_left_out; i++)
		left_out_done(&d->left_out[i]);
	free(d->images);
	free(d->files);
	free(d->left_out);
	free(d->hint);
	free(d->source);
	free(d->name);
	if (d->root_fd >= 0)
		close(d->root_fd);
	free(d);
}
