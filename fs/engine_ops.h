/* The answers of a dataset to the store's questions. */
#pragma once

#include "fs/produce.h"
#include "fs/workers.h"

/* The costliest run of level 0, of an image and of each of its overviews. */
struct leaves {
	struct run_cost own;
	struct run_cost *overviews; /* NULL: not weighed, or there are none */
};

struct engine_parts {
	struct engine *engine;
	struct plant plant;
	struct workers *workers;
	pthread_mutex_t oversized, lost;
	uint64_t budget;		       /* 0: not chosen yet */
	uint64_t ordinary, pass, largest_slot; /* what the images need that were looked at */
	bool lazy;		/* some images are looked at later: their needs are weighed then */
	uint64_t look_least;	/* reserved for a first look, which is enough for most */
	uint64_t *sample_needs; /* of each image, once that is known; before, 0 */
	struct leaves *leaves;	/* of each image, likewise */
};

extern const struct store_ops engine_ops; /* ctx: struct engine_parts */

/* Smallest reservations of an image's costliest jobs, and its largest chunk, its overviews' included. */
struct needs {
	uint64_t ordinary, pass, slot;
};

/* Memory of *leaves is the caller's. -ENOMEM. */
int engine_weigh(const struct image *im, struct leaves *leaves, struct needs *n);
