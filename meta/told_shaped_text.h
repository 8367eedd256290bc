/* The descriptions in which tifffile keeps the shape of arrays: JSON, or "shape=(..)" of its older versions. Internal to
 * told_shaped*.c. */
#pragma once

#include "meta/told.h"

enum { SHAPED_DIMS = 16 };

struct shaped {
	uint64_t size[SHAPED_DIMS]; /* slowest first, at least 1 */
	char axes[SHAPED_DIMS];	    /* letters in upper case; '?': not named */
	unsigned n;
	bool truncated; /* one page stands for all */
};

/* Whether a text begins as such a description does; most others end here. */
bool shaped_is_text(const char *text);

/* False: it is another text, or has sizes that are none. */
bool shaped_parse(const char *text, size_t len, struct shaped *out);

/* Cuts the sizes of a page off the end: Y,X or, with samples, Y,X,S or S,Y,X. False: they are others. */
bool shaped_cut_page(struct shaped *s, const struct tiff_page *p);
