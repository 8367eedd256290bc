/* Rectangles of voxels from one buffer to another: units into a band, a band into a chunk. */
#pragma once

#include "codec/base.h"

/* A 3-D block inside a buffer; strides in bytes. */
struct cut_side {
	uint64_t stride_z, stride_y; /* from plane to plane, from row to row */
	uint64_t stride_x; /* from voxel to voxel: size of a voxel, or of a pixel of S samples */
};

/* Copies nz x ny x nx voxels of `size` bytes (1, 2, 4, 8) from src to dst, which may have any
 * alignment and share no byte. Bytes between the voxels of dst are left alone. */
void cut_copy(void *dst, const struct cut_side *d, const void *src, const struct cut_side *s,
	      uint64_t nz, uint64_t ny, uint64_t nx, size_t size);

/* Sets nz x ny x nx voxels to `voxel` (size bytes). */
void cut_fill(void *dst, const struct cut_side *d, uint64_t nz, uint64_t ny, uint64_t nx,
	      const void *voxel, size_t size);
