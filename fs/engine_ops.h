/* The answers of a dataset to the store's questions. */
#pragma once

#include "fs/produce.h"
#include "fs/workers.h"

struct engine_parts {
	struct engine *engine;
	struct plant plant;
	struct workers *workers;
	pthread_mutex_t oversized;
	uint64_t budget; /* 0: not chosen yet */
	uint64_t least, largest_slot;
	bool lazy;		/* some images are looked at later: their needs are weighed then */
	uint64_t look_least;	/* reserved for a first look, which is enough for most */
	uint64_t *sample_needs; /* of each image, once that is known; before, 0 */
};

extern const struct store_ops engine_ops; /* ctx: struct engine_parts */

/* Smallest reservation of the costliest run of an image. */
uint64_t engine_least(const struct image *im, uint64_t *slot);
