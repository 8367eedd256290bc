/* The levels of an image: part of its first look, for a label once it was held against its image. */
#pragma once

#include "meta/scan.h"

struct overview_search;

/* Makes its pyramid from its grid, voxels and stored_share, with what `overviews` finds (NULL: nothing is looked
 * for). -EOVERFLOW: a level has more chunks than can be numbered; -EINVAL: a mag that cannot be reached; -ENOMEM. */
int look_levels(const struct dataset *d, struct image *im, const struct scan_options *opts,
		const struct overview_search *overviews, struct err *err);
