/* What a mount prints before it goes to the background: at most twelve lines. */
#pragma once

#include "fs/engine.h"
#include "fs/options.h"

#include <stdio.h>

enum { SUMMARY_IMAGES = 4 }; /* shown one by one; the rest is counted */

/* The images were looked at, or are UNSEEN where they are many. image_is_root: the mount point is the image, it
 * does not hold it. */
void summary_print(const struct engine *e, const struct options *o, bool image_is_root, FILE *out);

/* The same as text, for a budget in bytes and a number of workers. Appended. */
void summary_make(const struct dataset *d, uint64_t budget, unsigned threads,
		  const struct options *o, bool image_is_root, struct text *t);
