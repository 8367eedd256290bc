/* One level of the pyramid from the one before: windows of voxels to one voxel each, a row at a time. */
#pragma once

#include "codec/base.h"
#include "codec/dtype.h"
#include "codec/reduce_method.h"

/* Voxels of a window along each axis: 1, 2 or 4. */
struct reduce_step {
	uint8_t z, y, x;
};

/* The voxel that stands at i >= n beyond the end of an axis of n > 0 voxels: mirrored with its edge, over
 * and over where n is small. i < n is itself. */
static inline uint64_t reduce_mirror(uint64_t i, uint64_t n)
{
	uint64_t j = i % (2 * n);
	return j < n ? j : 2 * n - 1 - j;
}

/* ceil(n_in / step.x) voxels to `dst`, from step.z * step.y rows of n_in voxels each: rows[z * step.y + y].
 * Windows that reach beyond n_in are mirrored in x; in z and y the caller passes mirrored rows.
 * Any alignment; dst shares no byte with a row. `nearest` reads rows[0] alone, the others may be NULL.
 *
 * The order of a window is y fastest, then x, then z. Floats: NaN is left out of the window by all methods
 * but `nearest`, and the result is NaN where nothing is left; -0.0 is below 0.0 for median, min and max, and
 * equal to it for mode. The bits of the result (but for those of a NaN) are the same on every processor. */
void reduce_row(enum reduce_method m, enum dtype t, void *dst, const void *const *rows,
		struct reduce_step step, uint64_t n_in);

/* The same kernels are there once for each instruction set, and reduce_row takes the best that the processor
 * has. For tests and measurements: the i-th of those that it has, the best first; NULL behind the last. */
struct reduce_version;
const struct reduce_version *reduce_version(unsigned i);
const char *reduce_version_name(const struct reduce_version *v);
void reduce_row_by(const struct reduce_version *v, enum reduce_method m, enum dtype t, void *dst,
		   const void *const *rows, struct reduce_step step, uint64_t n_in);
