/* Which levels an image has: their mags, voxels of level 0 that one of theirs spans, by the rules of the
 * WEBKNOSSOS library or by factors that the user gives. Pure arithmetic. */
#pragma once

#include "codec/base.h"

enum sampling_mode {
	SAMPLING_ANISOTROPIC,
	SAMPLING_ISOTROPIC,
	SAMPLING_CONSTANT_Z,
	SAMPLING_EXPLICIT,
};

/* Mags are powers of two up to MAG_MAX. Then no ladder has more than 63 levels: the list of factors, what its
 * last one adds, and level 0; those of the other modes grow in their largest entry or in one that follows it. */
#define MAG_MAX ((uint64_t)1 << 31)

enum { LEVELS_MAX = 64, FACTORS_MAX = 31 };

struct ladder_options {
	enum sampling_mode mode;
	uint8_t factors[FACTORS_MAX]
		       [3]; /* explicit: z, y, x from level to level; the last repeats */
	unsigned n_factors;
	uint64_t max_mag[3]; /* z, y, x; [0] 0: by the image's size */
};

struct ladder {
	unsigned n;		     /* levels, the full size among them */
	uint64_t mag[LEVELS_MAX][3]; /* z, y, x; [0]: 1, 1, 1 */
};

/* size, voxel: z, y, x; a voxel size that is no number above 0 counts as 1. An image without z has size 1
 * there. -EINVAL: --max-mag cannot be reached, a factor 1,1,1, a size or mag beyond MAG_MAX. */
struct err;
int ladder_make(const uint64_t size[3], const double voxel[3], bool has_z,
		const struct ladder_options *o, struct ladder *out, struct err *err);

/* As WEBKNOSSOS writes mags, x-y-z: "2-2-1"; one number where all agree. */
struct text;
void ladder_mag(struct text *t, const uint64_t mag[3]);
