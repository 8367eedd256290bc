/* Stored overviews as levels, where they have the size that the ladder asks for. Internal to the first look, but for
 * what frees them. */
#pragma once

#include "meta/look_sample.h"
#include "meta/scan.h"

/* What overviews are looked for with. */
struct overview_search {
	const struct dataset *d;
	const struct plane *plane; /* whose overviews are tried */
	const struct scan_options *opts;
	const struct look_samples *samples; /* planes that must have them, too */
};

/* Replaces levels of a pyramid that was just made, and sets im->overviews: of each one that is stored the pages
 * serve, and the levels above are made from those. What does not fit is a warning. -ENOMEM. */
int overviews_take(struct image *im, const struct overview_search *s, struct err *err);

void overviews_free(struct image *im);
