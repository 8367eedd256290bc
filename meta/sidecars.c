#include "meta/sidecars.h"

#include "codec/text.h"
#include "meta/names.h"
#include "meta/walk.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

int sidecars_add(struct dataset *d, char *path, const struct stat *st)
{
	struct sidecar *more = reallocarray(d->sidecars, d->n_sidecars + 1, sizeof(*more));
	if (path == NULL || more == NULL) {
		d->sidecars = more != NULL ? more : d->sidecars;
		free(path);
		return -ENOMEM;
	}
	d->sidecars = more;
	more[d->n_sidecars] = (struct sidecar){ .path = path };
	if (st != NULL) {
		more[d->n_sidecars].size = (uint64_t)st->st_size;
		more[d->n_sidecars].mtime_ns = stat_mtime_ns(st);
	}
	d->n_sidecars++;
	return 0;
}

void sidecars_path(const char *path, struct text *t)
{
	const char *name = path + path_folder(path);
	size_t stem = names_stem(name);
	text_addn(t, path, (size_t)(name - path) + (stem > 0 ? stem : strlen(name)));
	text_add(t, "." NAMES_SIDECAR);
}

static int compare(const void *a, const void *b)
{
	const struct sidecar *x = a, *y = b;
	return strcmp(x->path, y->path);
}

/* The only file of the image, PLANE_GAP where there are several. */
static uint32_t only_file(const struct image *im)
{
	uint32_t file = PLANE_GAP;
	uint64_t n = image_planes(im);
	for (uint64_t i = 0; i < n; i++) {
		uint32_t f = im->planes[i].file;
		if (f == PLANE_GAP || f == file)
			continue;
		if (file != PLANE_GAP)
			return PLANE_GAP;
		file = f;
	}
	return file;
}

/* Of the file with this path, or NULL. -ENOMEM in *rc. */
static struct sidecar *beside(const struct dataset *d, const char *path, int *rc)
{
	struct text CLEANUP(text_done) t = { 0 };
	sidecars_path(path, &t);
	if (t.oom) {
		*rc = -ENOMEM;
		return NULL;
	}
	const struct sidecar key = { .path = t.s };
	return bsearch(&key, d->sidecars, d->n_sidecars, sizeof(key), compare);
}

static int leave_out_others(struct dataset *d)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < d->n_sidecars; i++) {
		const struct sidecar *s = &d->sidecars[i];
		bool folder = strcmp(s->path + path_folder(s->path), NAMES_SIDECAR) == 0;
		if (!s->used)
			rc = dataset_leave_out(d, s->path,
					       folder ? "a side-car of a folder below the source"
						      : "a side-car of no image that is one file",
					       NULL);
	}
	return rc;
}

int sidecars_match(struct dataset *d, struct err *err)
{
	int rc = 0;
	if (d->n_sidecars == 0)
		return 0;
	qsort(d->sidecars, d->n_sidecars, sizeof(*d->sidecars), compare);
	for (size_t i = 0; rc == 0 && i < dataset_shown(d); i++) {
		uint32_t file = only_file(&d->images[i]);
		if (file == PLANE_GAP || d->files[file].root != 0)
			continue;
		struct sidecar *s = beside(d, d->files[file].path, &rc);
		if (s == NULL)
			continue;
		s->used = true;
		d->images[i].sidecar = (uint32_t)(s - d->sidecars) + 1;
	}
	if (rc == 0)
		rc = leave_out_others(d);
	return rc == 0 ? 0 : err_oom(err);
}

void sidecars_free(struct dataset *d)
{
	for (size_t i = 0; i < d->n_sidecars; i++)
		free(d->sidecars[i].path);
	free(d->sidecars);
	d->sidecars = NULL;
	d->n_sidecars = 0;
}
