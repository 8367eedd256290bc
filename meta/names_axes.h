/* From values on the axes t, c, z to the planes of an image: order, steps, gaps. Internal to the
 * interpretation of names and patterns. */
#pragma once

#include "meta/names.h"

enum { SPOT_T, SPOT_C, SPOT_Z, SPOT_AXES };

/* A file and its values. */
struct name_spot {
	uint64_t v[SPOT_AXES];
	uint32_t entry;
};

struct name_spots {
	struct name_spot *spot; /* ascending by t, c, z; no two the same on the axes present */
	size_t n;
	bool present[SPOT_AXES];
	bool numbered[SPOT_AXES]; /* a missing value is a gap; else only the order counts */
	uint64_t *room;		  /* n values */
};

/* Sets members, axes (but labelled and token) and missing of an image that is all zero; the k-th member
 * is the k-th spot. -EINVAL: gaps that opts does not allow. */
int names_place(const struct name_spots *s, const char *const *entries,
		const struct name_options *opts, struct name_image *im, struct err *err);

/* Sorts v[n] and drops equal ones; how many are left. */
size_t names_distinct(uint64_t *v, size_t n);

/* Greatest common divisor of all differences of v[n], ascending and distinct; 1 where n < 2. `even`: all
 * differences are the same. */
uint64_t names_step(const uint64_t *v, size_t n, bool *even);
