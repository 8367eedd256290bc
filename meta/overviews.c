#include "meta/overviews.h"

#include "meta/chunk_source.h"
#include "meta/look_grid.h"
#include "meta/lost.h"
#include "meta/overview_find.h"

#include <errno.h>
#include <string.h>

#define BAND_MAX  (32 * MiB) /* of a run, where the rule has a choice */
#define PIECE_MAX (64 * MiB) /* of an overview, or what the planes have */

/* All that the first plane has. */
struct list {
	struct tiff_page page[OVERVIEWS_MAX];
	bool used[OVERVIEWS_MAX];
	size_t n;
	bool failed;
};

static void list_one(void *ctx, const struct tiff_page *p)
{
	struct list *l = ctx;
	l->page[l->n++] = *p;
}

/* -ENOMEM only. */
static int list_overviews(const struct overview_search *s, struct image *im, struct list *l)
{
	struct look_file CLEANUP(look_file_done) file;
	struct tiff_page plane;
	struct err err = { 0 };
	look_file_init(&file, s->d);
	int rc = look_page(&file, im, s->plane, &plane, &err);
	bool alone = s->d->files[s->plane->file].n_pages <= 1;
	if (rc == 0)
		rc = overviews_each(&file.reader, &plane, alone, list_one, l, &err);
	if (rc != 0 && rc != -ENOMEM)
		image_warn(im, "its stored overviews cannot be read: %s", err.msg);
	l->failed = rc != 0;
	return rc == -ENOMEM ? rc : 0;
}

static void overview_done(struct image *o)
{
	for (size_t i = 0; i < o->n_warnings; i++)
		free(o->warnings[i]);
	free(o->warnings);
	free(o->bad);
	lost_free(o->lost);
	pyramid_done(&o->pyramid);
	free(o);
}

void overviews_free(struct image *im)
{
	for (unsigned i = 0; i < im->n_overviews; i++)
		overview_done(im->overviews[i]);
	free(im->overviews);
	im->overviews = NULL;
	im->n_overviews = 0;
}

/* An image of the overviews of this kind, as yet without grid and levels. NULL: out of memory. */
static struct image *overview_new(const struct image *im, unsigned level,
				  const struct tiff_page *kind)
{
	struct image *o = malloc(sizeof(*o));
	if (o == NULL)
		return NULL;
	*o = *im;
	o->first_level = level;
	o->kind = *kind;
	look_forget_file(&o->kind);
	for (size_t i = 0; i < 3; i++)
		o->voxel[i] = im->voxel[i] * (double)im->pyramid.level[level].mag[i];
	o->pyramid = (struct pyramid){ 0 };
	o->unit_bytes_max = 0;
	o->overviews = NULL;
	o->warnings = NULL;
	o->bad = NULL;
	o->lost = NULL;
	o->n_overviews = 0;
	o->n_labels = 0;
	o->n_warnings = o->n_bad = 0;
	o->state = IMAGE_READY;
	return o;
}

/* The only page of the size that the level has; n: there is none. */
static size_t find_level(const struct list *l, const struct level *level)
{
	size_t at = l->n, n = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (l->page[i].width != level->size[AXIS_X] ||
		    l->page[i].height != level->size[AXIS_Y])
			continue;
		at = i;
		n++;
	}
	return n == 1 && level->mag[0] == 1 ? at : l->n;
}

/* Can nothing of that plane be read? */
static bool is_lost(const struct image *im, uint64_t plane)
{
	for (size_t i = 0; i < im->n_bad; i++)
		if (im->bad[i].plane == plane && im->bad[i].first == UNIT_ALL)
			return true;
	return false;
}

/* Have all planes that can be read their overview? */
static bool is_everywhere(const struct image *im, const struct image *o)
{
	for (size_t i = 0; i < o->n_bad; i++)
		if (o->bad[i].first == UNIT_ALL && !is_lost(im, o->bad[i].plane))
			return false;
	return true;
}

/* As deep as the rule makes chunks of such pages, and no deeper than a run of usual size. */
static int overview_grid(struct image *o, const struct image *im, struct err *err)
{
	const uint64_t *chunk = im->grid.chunk;
	uint64_t shape[3] = { chunk[AXIS_Z], chunk[AXIS_Y], chunk[AXIS_X] };
	if (im->grid.rule == GRID_GIVEN)
		return look_grid(o, shape, err);
	int rc = look_grid(o, NULL, err);
	if (rc != 0)
		return rc;
	enum grid_rule rule = o->grid.rule;
	shape[0] = min_u64(min_u64(shape[0], im->pyramid.depth), o->grid.chunk[AXIS_Z]);
	/* Levels have the sides that the rule for the full size gives. */
	memcpy(&shape[1], &im->pyramid.level[o->first_level].chunk[AXIS_Y], 2 * sizeof(*shape));
	while ((rc = look_grid(o, shape, err)) == 0 && shape[0] > 1 &&
	       grid_band_bytes_worst(&o->grid) > BAND_MAX)
		shape[0] /= 2;
	o->grid.rule = rule;
	return rc;
}

/* Made from it, the level must not ask for more memory than the image does anyway. */
static bool is_small(const struct image *im, const struct image *o)
{
	uint64_t band = max_u64(PIECE_MAX, grid_band_bytes_worst(&im->grid));
	uint64_t unit = max_u64(PIECE_MAX, im->unit_bytes_max);
	return grid_band_bytes_worst(&o->grid) <= band && o->unit_bytes_max <= unit;
}

/* `*yes`: the level is its. */
static int examine(struct image *im, struct image *o, const struct overview_search *s, bool *yes,
		   struct err *err)
{
	/* The same pages for whoever asks, so that all decide alike. */
	struct look_samples samples = *s->samples;
	samples.all = false;
	int rc = look_samples(o, &samples, err);
	if (rc == 0)
		rc = overview_grid(o, im, err);
	if (rc != 0)
		return rc;
	bool everywhere = is_everywhere(im, o);
	*yes = everywhere && is_small(im, o);
	if (!everywhere)
		image_warn(im, "level %u is computed, for not all planes have it stored: %s",
			   o->first_level, o->n_warnings > 0 ? o->warnings[0] : "");
	else if (!*yes)
		image_warn(im,
			   "level %u is computed, for its stored overview takes too much "
			   "memory: its strips or tiles are large",
			   o->first_level);
	for (size_t i = 0; *yes && i < o->n_warnings; i++)
		image_warn(im, "stored overviews of level %u: %s", o->first_level, o->warnings[i]);
	return 0;
}

static int add_overview(struct image *im, struct image *o, struct err *err)
{
	struct image **more =
		reallocarray(im->overviews, im->n_overviews + 1U, sizeof(struct image *));
	if (more == NULL)
		return err_oom(err);
	im->overviews = more;
	more[im->n_overviews++] = o;
	return 0;
}

static int try_level(struct image *im, unsigned level, const struct overview_search *s,
		     struct list *l, struct err *err)
{
	size_t at = find_level(l, &im->pyramid.level[level]);
	if (at == l->n)
		return 0;
	struct image *o = overview_new(im, level, &l->page[at]);
	if (o == NULL)
		return err_oom(err);
	l->used[at] = true;
	bool yes = false;
	int rc = examine(im, o, s, &yes, err);
	if (rc == 0 && yes)
		rc = add_overview(im, o, err);
	if (rc != 0 || !yes)
		overview_done(o);
	return rc;
}

/* Levels of an overview: `first` and the n - 1 after it, as they are asked for. */
static int overview_levels(struct image *o, const struct level *first, unsigned n,
			   const struct scan_options *opts, struct err *err)
{
	struct ladder ladder = { .n = n };
	for (unsigned k = 0; k < n; k++)
		for (size_t i = 0; i < 3; i++)
			ladder.mag[k][i] = first[k].mag[i] / first->mag[i];
	return pyramid_of_ladder(&o->grid, &ladder, look_page_bytes(o), opts->pyramid.preview,
				 &o->pyramid, err);
}

/* The levels from this one to below `end`, as the overview makes them; they keep their places in the ladder. */
static int take_levels(struct image *im, struct image *o, unsigned end,
		       const struct scan_options *opts, struct err *err)
{
	struct level *first = &im->pyramid.level[o->first_level];
	int rc = overview_levels(o, first, end - o->first_level, opts, err);
	for (unsigned k = 0; rc == 0 && k < o->pyramid.n; k++) {
		struct level as = o->pyramid.level[k], *l = &first[k];
		memcpy(as.mag, l->mag, sizeof(as.mag));
		memcpy(as.step, l->step, sizeof(as.step));
		*l = as;
		if (k == 0)
			l->made = LEVEL_OVERVIEW;
	}
	return rc;
}

static void warn_unused(struct image *im, const struct list *l, const char *path)
{
	struct text CLEANUP(text_done) sizes = { 0 };
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++)
		if (!l->used[i] && n++ < 4)
			text_addf(&sizes, "%s%u x %u", n > 1 ? ", " : "", l->page[i].width,
				  l->page[i].height);
	if (l->n == 0 && !l->failed)
		image_warn(im, "--overviews use: '%s' has no stored overview of its first plane",
			   path);
	else if (n > 0 && !sizes.oom)
		image_warn(im, "stored overviews that fit no level are not used: %s%s", sizes.s,
			   n > 4 ? ", .." : "");
}

int overviews_take(struct image *im, const struct overview_search *s, struct err *err)
{
	CLEANUP(freep) struct list *l = calloc(1, sizeof(*l));
	if (l == NULL || list_overviews(s, im, l) != 0)
		return err_oom(err);
	int rc = 0;
	for (unsigned k = 1; rc == 0 && k < im->pyramid.n; k++)
		rc = try_level(im, k, s, l, err);
	if (rc == 0 && im->n_overviews > 0)
		im->pyramid.own = im->overviews[0]->first_level;
	for (unsigned i = 0; rc == 0 && i < im->n_overviews; i++) {
		unsigned end =
			i + 1 < im->n_overviews ? im->overviews[i + 1]->first_level : im->pyramid.n;
		rc = take_levels(im, im->overviews[i], end, s->opts, err);
	}
	if (rc == 0)
		warn_unused(im, l, s->d->files[s->plane->file].path);
	return rc;
}
