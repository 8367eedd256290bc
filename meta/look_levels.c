#include "meta/look_levels.h"

#include "meta/lost.h"
#include "meta/overviews.h"
#include "meta/tree.h"
#include "meta/wk_doc.h"

#include <errno.h>
#include <inttypes.h>

/* Stored bytes of a page with all its interleaved samples, as the pages looked at have it. */
static uint64_t stored_page(const struct image *im)
{
	const struct tiff_page *p = &im->kind;
	uint64_t h = p->tiled ? ceil_div(p->height, p->unit_h) * p->unit_h : p->height;
	uint64_t w = p->tiled ? ceil_div(p->width, p->unit_w) * p->unit_w : p->width;
	double bytes = im->stored_share * (double)h * (double)w *
		       (double)(im->grid.layout.samples * dtype_size(im->stored));
	return bytes < (double)INT64_MAX ? (uint64_t)bytes : INT64_MAX;
}

/* A median or mean of ids is an id that is not there. */
static enum reduce_method method_of(const struct image *im, const struct scan_options *opts)
{
	if (opts->segmentation && !opts->method_given)
		return REDUCE_MODE;
	bool makes_ids = opts->method == REDUCE_MEDIAN || opts->method == REDUCE_MEAN;
	bool unfit = im->label != NULL && (!opts->method_given || makes_ids);
	return unfit ? REDUCE_MODE : opts->method;
}

/* Chunks that have no number could not be shown. */
static int check_numbers(const struct dataset *d, const struct image *im, struct err *err)
{
	const struct pyramid *p = &im->pyramid;
	struct tree t;
	unsigned most = 0;
	tree_init(&t, d, false, false);
	if (tree_fits(&t, im))
		return 0;
	for (unsigned i = 1; i < p->n; i++)
		if (level_chunk_count(&p->level[i]) > level_chunk_count(&p->level[most]))
			most = i;
	return err_set(err, EOVERFLOW,
		       "level %u has %" PRIu64 " chunks, more than can be numbered beside %zu "
		       "images: a larger --chunk-shape",
		       most, level_chunk_count(&p->level[most]), d->n_images);
}

static void count_lost(const struct dataset *d, struct image *im)
{
	uint64_t all = 0;
	bool more;
	lost_begin(d, im);
	uint64_t n = lost_chunks(im, &more);
	for (unsigned i = 1; i < im->pyramid.n; i++)
		all += level_chunk_count(&im->pyramid.level[i]);
	if (n > 0)
		image_warn(im,
			   "what cannot be read takes %s%" PRIu64 " of %" PRIu64
			   " chunks of the coarser levels with it: --damaged fill shows the fill "
			   "value in its place",
			   more ? "at least " : "", n, all);
}

int look_grid(struct image *im, const uint64_t chunk[3], struct err *err)
{
	const struct tiff_page *p = &im->kind;
	struct grid_layout layout = {
		.tiled = p->tiled,
		/* What must be made to voxels (packed bits, ids that are floats) is like what is decompressed. */
		.compressed = p->compression != TIFF_COMPRESSION_NONE || tiff_is_widened(p) ||
			      p->fill_order == 2 || im->stored != im->dtype,
		.unit_h = p->unit_h,
		.unit_w = p->unit_w,
		.samples = p->planar ? 1 : p->samples,
	};
	im->has_c = im->has_c || p->samples > 1;
	uint64_t size[AXIS_COUNT] = { im->n_t, 0, im->n_z, p->height, p->width };
	if (!mul_u64(im->n_c, p->samples, &size[AXIS_C]))
		return err_set(err, EOVERFLOW, "too many channels");
	int rc = grid_make(size, dtype_size(im->dtype), &layout, chunk, &im->grid, err);
	if (rc != 0)
		return rc;
	im->encode.dtype = im->dtype;
	return 0;
}

/* As deep as the rule makes chunks of such pages, so that a run is no more than the rule allows. */
static int overview_grid(struct image *o, const struct image *of, const struct level *first,
			 struct err *err)
{
	const uint64_t *chunk = &first->chunk[AXIS_Z];
	if (of->grid.rule == GRID_GIVEN)
		return look_grid(o, chunk, err);
	int rc = look_grid(o, NULL, err);
	if (rc != 0)
		return rc;
	enum grid_rule rule = o->grid.rule;
	const uint64_t shape[3] = { min_u64(chunk[0], o->grid.chunk[AXIS_Z]), chunk[1], chunk[2] };
	rc = look_grid(o, shape, err);
	o->grid.rule = rule;
	return rc;
}

int look_overview_levels(struct image *o, const struct image *of, const struct level *first,
			 unsigned n, const struct scan_options *opts, struct err *err)
{
	struct ladder ladder = { .n = n };
	for (unsigned k = 0; k < n; k++)
		for (size_t i = 0; i < 3; i++)
			ladder.mag[k][i] = first[k].mag[i] / first->mag[i];
	int rc = overview_grid(o, of, first, err);
	return rc != 0 ? rc
		       : pyramid_of_ladder(&o->grid, &ladder, stored_page(o), opts->pyramid.preview,
					   &o->pyramid, err);
}

int look_levels(const struct dataset *d, struct image *im, const struct scan_options *opts,
		const struct overview_search *overviews, struct err *err)
{
	pyramid_done(&im->pyramid);
	im->method = method_of(im, opts);
	int rc = pyramid_make(&im->grid, im->voxel, im->has_z, stored_page(im), &opts->pyramid,
			      &im->pyramid, err);
	if (rc == 0 && overviews != NULL)
		rc = overviews_take(im, overviews, err);
	if (rc == 0)
		rc = check_numbers(d, im, err);
	if (rc == 0)
		count_lost(d, im);
	return rc == 0 && d->layer != NULL ? wk_check(d, im, err) : rc;
}
