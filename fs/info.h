/* `ngffuse info`: what would be mounted, where each fact came from, what was left out. */
#pragma once

#include "fs/options.h"
#include "fs/predict.h"

#include <stdio.h>

/* Prints a dataset whose images were all looked at, as words or (o->json) as JSON. Returns the exit
 * code: 1 where an image is unusable or a plane is damaged, or printing failed. `budget`: bytes. `measured`: for each
 * image what opening its coarsest level takes; NULL: without times. */
int info_print(const struct dataset *d, uint64_t budget, const struct prediction *measured,
	       const struct options *o, FILE *out);

/* One image and its labels as in `info --json`, without levels, for status.json: a cJSON object that the caller
 * deletes; NULL: out of memory. An image that was not looked at has no more than its id and state. */
struct cJSON;
struct cJSON *info_image(const struct dataset *d, const struct image *im);
