/* Chunks of the levels above the full size that cannot be made, because a voxel under them cannot be read: one
 * damaged plane takes a layer of each level with it. */
#pragma once

#include "meta/image.h"

/* Units of one plane that cannot be read: `n` from `first` on, or the whole plane (first: UNIT_ALL). */
struct lost_units {
	uint64_t plane, first, n;
};

/* Counts anew, of an image whose levels are known (those from stored overviews included): files that cannot be read, and im->bad. Nothing is lost where
 * the dataset fills what is damaged. */
void lost_begin(const struct dataset *d, struct image *im);

/* -> chunks that were not lost before; 0 without memory. Bounded: what would take long is left out. One thread at a
 * time for each image. */
uint64_t lost_add(struct image *im, const struct lost_units *u);

/* How many there are of the image and its overviews, `more`: at least; any thread. */
uint64_t lost_chunks(const struct image *im, bool *more);

void lost_free(struct lost *l);
