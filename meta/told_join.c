#include "meta/told_join.h"

#include <errno.h>
#include <string.h>

/* The image of `to` that image k of `from` is a part of; n_images where there is none. */
static size_t find_image(const struct told *to, const struct told *from, size_t k)
{
	const char *key = from->images[k].key;
	if (key == NULL)
		return k < to->n_images && to->images[k].key == NULL ? k : to->n_images;
	size_t i = 0;
	while (i < to->n_images &&
	       (to->images[i].key == NULL || strcmp(to->images[i].key, key) != 0))
		i++;
	return i;
}

/* Room for at least n planes on each axis. */
static int widen(struct told_image *im, const uint64_t n[TOLD_AXES], struct err *err)
{
	struct told scratch = { 0 };
	uint64_t want[TOLD_AXES];
	bool grows = false;
	for (int a = 0; a < TOLD_AXES; a++) {
		want[a] = max_u64(im->n[a], n[a]);
		grows |= want[a] > im->n[a];
	}
	if (!grows)
		return 0;
	struct told_image *wide = told_add_image(&scratch, want, err);
	if (wide == NULL) {
		told_done(&scratch);
		return err != NULL && err->code == EOVERFLOW ? -EOVERFLOW : -ENOMEM;
	}
	for (uint64_t t = 0; t < im->n[TOLD_T]; t++)
		for (uint64_t c = 0; c < im->n[TOLD_C]; c++)
			memcpy(told_plane(wide, t, c, 0), told_plane(im, t, c, 0),
			       im->n[TOLD_Z] * sizeof(*im->planes));
	struct told_plane *planes = im->planes;
	im->planes = wide->planes;
	wide->planes = planes;
	for (int a = 0; a < TOLD_AXES; a++) {
		im->n[a] = want[a];
		im->has[a] |= want[a] > 1;
	}
	told_done(&scratch);
	return 0;
}

static void take_planes(struct told_image *to, const struct told_image *from, uint32_t first_file,
			uint64_t first_place)
{
	for (uint64_t t = 0; t < from->n[TOLD_T]; t++)
		for (uint64_t c = 0; c < from->n[TOLD_C]; c++)
			for (uint64_t z = 0; z < from->n[TOLD_Z]; z++) {
				struct told_plane p = *told_plane(from, t, c, z),
						  *at = told_plane(to, t, c, z);
				if (p.where == TOLD_GAP || at->where != TOLD_GAP)
					continue;
				p.file += first_file;
				p.at += p.where == TOLD_PLACE ? first_place : 0;
				*at = p;
			}
}

static int join_images(struct told *to, struct told *from, uint32_t first_file,
		       uint64_t first_place, struct err *err)
{
	for (size_t k = 0; k < from->n_images; k++) {
		size_t i = find_image(to, from, k);
		if (i == to->n_images) {
			struct told_image *new = told_add_image(to, from->images[k].n, err);
			if (new == NULL)
				return -ENOMEM;
			struct told_plane *planes = new->planes, *theirs = from->images[k].planes;
			*new = from->images[k];
			new->planes = planes;
			from->images[k] = (struct told_image){ .planes = theirs };
			memcpy(from->images[k].n, new->n, sizeof(new->n));
		}
		int rc = widen(&to->images[i], from->images[k].n, err);
		if (rc != 0)
			return rc;
		take_planes(&to->images[i], &from->images[k], first_file, first_place);
	}
	return 0;
}

static int join_places(struct told *to, const struct told *from)
{
	if (from->n_places == 0)
		return 0;
	struct tiff_place *more =
		reallocarray(to->places, to->n_places + from->n_places, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	memcpy(more + to->n_places, from->places, from->n_places * sizeof(*more));
	to->places = more;
	to->n_places += from->n_places;
	return 0;
}

int told_join(struct told *to, struct told *from, const char *name, struct err *err)
{
	uint32_t first_file = (uint32_t)to->n_files, file = 0;
	uint64_t first_place = to->n_places;
	int rc = join_places(to, from);
	for (size_t i = 0; rc == 0 && i < from->n_files; i++)
		rc = told_add_file(to, from->files[i] != NULL ? from->files[i] : name, &file);
	if (rc == -ENOMEM)
		return err_oom(err);
	if (rc != 0)
		return err_set(err, -rc, "too many files");
	if (from->notes.s != NULL)
		text_add(&to->notes, from->notes.s);
	return join_images(to, from, first_file, first_place, err);
}

static bool is_written(const struct told_image *im, uint64_t t)
{
	uint64_t planes = im->n[TOLD_C] * im->n[TOLD_Z];
	const struct told_plane *p = told_plane(im, t, 0, 0);
	for (uint64_t i = 0; i < planes; i++)
		if (p[i].where != TOLD_GAP)
			return true;
	return false;
}

void told_trim(struct told *t)
{
	for (size_t i = 0; i < t->n_images; i++) {
		struct told_image *im = &t->images[i];
		uint64_t n = im->n[TOLD_T];
		while (n > 1 && !is_written(im, n - 1))
			n--;
		if (n == im->n[TOLD_T])
			continue;
		told_note(t, "%llu time points are announced, %llu were written%s%s",
			  (unsigned long long)im->n[TOLD_T], (unsigned long long)n,
			  im->key != NULL ? " of " : "", im->key != NULL ? im->key : "");
		im->n[TOLD_T] = n;
	}
}
