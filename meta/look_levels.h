/* The levels of an image: part of its first look, for a label once it was held against its image. */
#pragma once

#include "meta/scan.h"

struct overview_search;

/* Makes its grid from its kind, chunks of this shape or (NULL) by the rule. Errors as grid_make. */
int look_grid(struct image *im, const uint64_t chunk[3], struct err *err);

/* Makes its pyramid from its grid, voxels and stored_share, with what `overviews` finds (NULL: nothing is looked
 * for). -EOVERFLOW: a level has more chunks than can be numbered; -EINVAL: a mag that cannot be reached; -ENOMEM. */
int look_levels(const struct dataset *d, struct image *im, const struct scan_options *opts,
		const struct overview_search *overviews, struct err *err);

/* Grid and pyramid of `o`, whose level 0 and the n - 1 after it are those of `of` from `first` on: their sizes and
 * mags, with chunks of its own depth. Errors as grid_make, -ENOMEM. */
int look_overview_levels(struct image *o, const struct image *of, const struct level *first,
			 unsigned n, const struct scan_options *opts, struct err *err);
