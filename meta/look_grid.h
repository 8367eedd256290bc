/* How the pages of an image make a grid of chunks. Internal to the first look. */
#pragma once

#include "meta/image.h"

/* Makes its grid from its kind, chunks of this shape (z, y, x) or (NULL) by the rule. Errors as grid_make. */
int look_grid(struct image *im, const uint64_t chunk[3], struct err *err);

/* Stored bytes of a page with all its interleaved samples, as the pages looked at have it. */
uint64_t look_page_bytes(const struct image *im);
