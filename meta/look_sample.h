/* A sample of an image's pages against its kind: who differs, how large the units are, how well they are
 * compressed. Internal to the first look. */
#pragma once

#include "meta/each.h"
#include "meta/look_plane.h"

struct look_samples {
	const struct dataset *d;
	const uint32_t *planes; /* planes of the image that something claims, in order */
	uint64_t n;
	bool all; /* every plane, not at most 64 */
	const struct each *each;
};

/* Sets unit_bytes_max and stored_share, adds warnings. Errors: -ENOMEM. */
int look_samples(struct image *im, const struct look_samples *s, struct err *err);
