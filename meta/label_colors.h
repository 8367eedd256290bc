/* Colours of a label's ids: from its palette, else by a rule that gives an id the same colour everywhere. */
#pragma once

#include "codec/reader.h"
#include "meta/image.h"

/* Ids whose colours are listed at most. */
enum { LABEL_COLORS = 1024 };

struct label_colors {
	uint8_t *palette; /* three bytes an entry; NULL: none */
	uint32_t n_palette;
	bool complete; /* `ids` are all that the label has */
	int64_t ids[LABEL_COLORS];
	size_t n;
};

/* Begins with the palette of im->kind, whose file r reads. An unusable one is told in *note (code not 0), and
 * leaves the rule. -ENOMEM. */
int label_colors_begin(struct image *im, const struct reader *r, struct err *note);
void label_colors_free(struct label_colors *c);

/* Adds an id that the label has, once. False: it does not fit any more, and the list will not be complete. */
bool label_colors_add(struct label_colors *c, int64_t id);

/* How many ids the document lists, and the i-th with its colour. A list that lacks ids is worse than none:
 * napari shows what is listed alone. So there are ids only where they are all known: those added to a complete
 * list, or all that one byte can have. 0 is the background and has no colour. */
size_t label_colors_count(const struct image *im);
int64_t label_color(const struct image *im, size_t i, uint8_t rgb[3]);
