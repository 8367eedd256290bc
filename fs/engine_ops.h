/* The answers of a dataset to the store's questions. */
#pragma once

#include "fs/produce.h"
#include "fs/workers.h"

struct engine_parts {
	struct engine *engine;
	struct plant plant;
	struct workers *workers;
	pthread_mutex_t oversized, lost;
	uint64_t budget;		       /* 0: not chosen yet */
	uint64_t ordinary, pass, largest_slot; /* what the images need that were looked at */
	bool lazy;		 /* some images are looked at later: their needs are weighed then */
	uint64_t look_least;	 /* reserved for a first look, which is enough for most */
	uint64_t *sample_needs;	 /* of each image, once that is known; before, 0 */
	struct run_cost *leaves; /* of each image the costliest run of level 0, likewise */
};

extern const struct store_ops engine_ops; /* ctx: struct engine_parts */

/* Smallest reservations of an image's costliest jobs, and its largest chunk. */
struct needs {
	uint64_t ordinary, pass, slot;
};

void engine_weigh(const struct image *im, struct run_cost *leaf, struct needs *n);
