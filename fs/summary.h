/* What a mount prints before it goes to the background: at most twelve lines. */
#pragma once

#include "fs/engine.h"
#include "fs/options.h"
#include "fs/predict.h"

#include <stdio.h>

enum { SUMMARY_IMAGES = 4 }; /* shown one by one; the rest is counted */

/* The images were looked at, or are UNSEEN where they are many. image_is_root: the mount point is the image, it
 * does not hold it. measure: how long the first view takes, where that may be long; starts the engine, which then serves
 * nobody else. */
void summary_print(struct engine *e, const struct options *o, bool image_is_root, bool measure,
		   FILE *out);

/* The same as text, for a budget in bytes and a number of workers. `view`: of the only image, or NULL. Appended. */
void summary_make(const struct dataset *d, uint64_t budget, unsigned threads,
		  const struct prediction *view, const struct options *o, bool image_is_root,
		  struct text *t);
