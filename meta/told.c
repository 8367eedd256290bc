#include "meta/told.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void image_clear(struct told_image *im)
{
	for (size_t i = 0; i < im->n_channels; i++)
		free(im->channels[i].name);
	free(im->channels);
	free(im->planes);
	free(im->key);
	free(im->title);
}

void told_image_free(struct told_image *im)
{
	if (im == NULL)
		return;
	image_clear(im);
	free(im);
}

void told_clear(struct told *t)
{
	for (size_t i = 0; i < t->n_images; i++)
		image_clear(&t->images[i]);
	for (size_t i = 0; i < t->n_files; i++)
		free(t->files[i]);
	free(t->images);
	free(t->files);
	free(t->places);
	free(t->run);
	*t = (struct told){ .notes = t->notes };
}

void told_done(struct told *t)
{
	told_clear(t);
	text_done(&t->notes);
}

/* The product of the sizes; false where it is more than there may be. */
static bool count_planes(const uint64_t n[TOLD_AXES], uint64_t *out)
{
	uint64_t planes = 1;
	for (int a = 0; a < TOLD_AXES; a++)
		if (n[a] == 0 || !mul_u64(planes, n[a], &planes) || planes > TOLD_MAX_PLANES)
			return false;
	*out = planes;
	return true;
}

struct told_image *told_add_image(struct told *t, const uint64_t n[TOLD_AXES], struct err *err)
{
	uint64_t planes = 0;
	if (!count_planes(n, &planes)) {
		err_set(err, EOVERFLOW, "%llu x %llu x %llu planes (t, c, z) are too many",
			(unsigned long long)n[TOLD_T], (unsigned long long)n[TOLD_C],
			(unsigned long long)n[TOLD_Z]);
		return NULL;
	}
	if (t->n_images == TOLD_MAX_IMAGES) {
		err_set(err, EOVERFLOW, "more than %d images", TOLD_MAX_IMAGES);
		return NULL;
	}
	struct told_image *more = grown(t->images, t->n_images, sizeof(*more));
	if (more == NULL) {
		err_oom(err);
		return NULL;
	}
	t->images = more;
	struct told_image *im = &more[t->n_images];
	*im = (struct told_image){ .planes = calloc(planes, sizeof(*im->planes)) };
	if (im->planes == NULL) {
		err_oom(err);
		return NULL;
	}
	for (int a = 0; a < TOLD_AXES; a++) {
		im->n[a] = n[a];
		im->has[a] = n[a] > 1;
	}
	t->n_images++;
	return im;
}

void told_drop_image(struct told *t)
{
	image_clear(&t->images[--t->n_images]);
}

int told_add_file(struct told *t, const char *path, uint32_t *file)
{
	if (t->n_files == TOLD_MAX_FILES)
		return -EOVERFLOW;
	char **more = grown(t->files, t->n_files, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	t->files = more;
	more[t->n_files] = NULL;
	if (path != NULL && (more[t->n_files] = strdup(path)) == NULL)
		return -ENOMEM;
	*file = (uint32_t)t->n_files++;
	return 0;
}

int told_make_channels(struct told_image *im, size_t n)
{
	im->channels = calloc(n == 0 ? 1 : n, sizeof(*im->channels));
	if (im->channels == NULL)
		return -ENOMEM;
	im->n_channels = n;
	return 0;
}

int told_copy_facts(const struct told_image *from, struct told_image *to)
{
	memcpy(to->size, from->size, sizeof(to->size));
	to->time_step = from->time_step;
	to->bits = from->bits;
	if (from->n_channels == 0)
		return 0;
	if (told_make_channels(to, from->n_channels) != 0)
		return -ENOMEM;
	for (size_t i = 0; i < to->n_channels; i++) {
		const char *name = from->channels[i].name;
		to->channels[i] = from->channels[i];
		to->channels[i].name = name != NULL ? strdup(name) : NULL;
		if (name != NULL && to->channels[i].name == NULL)
			return -ENOMEM;
	}
	return 0;
}

void told_note(struct told *t, const char *fmt, ...)
{
	char line[500];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	for (char *s = line; *s != '\0'; s++)
		*s = *s == '\n' ? ' ' : *s;
	text_addf(&t->notes, "%s\n", line);
}
