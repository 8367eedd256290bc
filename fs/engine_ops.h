/* The answers of a dataset to the store's questions. */
#pragma once

#include "fs/produce.h"
#include "fs/workers.h"

struct engine_parts {
	struct engine *engine;
	struct plant plant;
	struct workers *workers;
	uint64_t budget, largest_slot;
	bool lazy;	      /* some images are looked at later: their needs are weighed then */
	struct run_cost look; /* of a first look */
};

extern const struct store_ops engine_ops; /* ctx: struct engine_parts */

/* Smallest reservation of the costliest run of an image. */
uint64_t engine_least(const struct image *im, uint64_t *slot);
