/* Stored overviews: pages that show a plane smaller, in the SubIFDs of its page or behind it in the main chain. They
 * are never planes; with --overviews use they are levels, where they have the size that the ladder asks for. */
#pragma once

#include "meta/look_sample.h"
#include "meta/scan.h"

/* From the page of a plane (in *page) to its stored overview of the size and kind of `want`. `alone`: no other plane
 * lies in the file, so that the whole of its chain may hold it. -ENOENT: there is none, or more than one that
 * could be it. */
int overview_find(const struct reader *r, const struct tiff_page *want, bool alone,
		  struct tiff_page *page, struct err *err);

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
