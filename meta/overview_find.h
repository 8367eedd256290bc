/* Stored overviews: pages that show a plane smaller, in the SubIFDs of its page or behind it in the main chain. */
#pragma once

#include "codec/tiff.h"

enum { OVERVIEWS_MAX = 32 }; /* of one plane; further ones are not found */

typedef void each_overview(void *ctx, const struct tiff_page *page);

/* Those of the plane whose page is `plane`, pages in SubIFDs first. `alone`: no other plane lies in the file, so that
 * all of its chain may hold them; else what lies between it and the next one. What is malformed is passed over; errors
 * are the reader's. */
int overviews_each(const struct reader *r, const struct tiff_page *plane, bool alone,
		   each_overview *one, void *ctx, struct err *err);

/* From the page of a plane (in *page) to its overview of the size and kind of `want`. -ENOENT: there is none, or more
 * than one that could be it. */
int overview_find(const struct reader *r, const struct tiff_page *want, bool alone,
		  struct tiff_page *page, struct err *err);
