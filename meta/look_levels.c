#include "meta/look_levels.h"

#include "meta/look_grid.h"
#include "meta/lost.h"
#include "meta/overviews.h"
#include "meta/tree.h"
#include "meta/wk_doc.h"

#include <errno.h>
#include <inttypes.h>

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

int look_levels(const struct dataset *d, struct image *im, const struct scan_options *opts,
		const struct overview_search *overviews, struct err *err)
{
	pyramid_done(&im->pyramid);
	im->method = method_of(im, opts);
	int rc = pyramid_make(&im->grid, im->voxel, im->has_z, look_page_bytes(im), &opts->pyramid,
			      &im->pyramid, err);
	if (rc == 0 && overviews != NULL)
		rc = overviews_take(im, overviews, err);
	if (rc == 0)
		rc = check_numbers(d, im, err);
	if (rc == 0)
		count_lost(d, im);
	return rc == 0 && d->layer != NULL ? wk_check(d, im, err) : rc;
}
