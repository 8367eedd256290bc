#include "codec/cut.h"

#include <assert.h>
#include <string.h>

/* Chunks are little-endian and voxels in memory native: what is cut is never swapped. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian machines only");

#define INLINE static inline __attribute__((always_inline))

/* One row, voxel by voxel. With `size` and the strides constants of the caller, each copy is a load
 * and a store. */
INLINE void row_strided(uint8_t *dst, uint64_t dx, const uint8_t *src, uint64_t sx, uint64_t nx,
			size_t size)
{
	for (uint64_t x = 0; x < nx; x++)
		memcpy(dst + x * dx, src + x * sx, size);
}

/* Picking one sample out of pixels of 2, 3 or 4 is what images ask for; the rest is left general. */
INLINE void row_sized(uint8_t *dst, uint64_t dx, const uint8_t *src, uint64_t sx, uint64_t nx,
		      size_t size)
{
	if (dx == size && sx == 2 * size)
		row_strided(dst, size, src, 2 * size, nx, size);
	else if (dx == size && sx == 3 * size)
		row_strided(dst, size, src, 3 * size, nx, size);
	else if (dx == size && sx == 4 * size)
		row_strided(dst, size, src, 4 * size, nx, size);
	else
		row_strided(dst, dx, src, sx, nx, size);
}

static void row_copy(uint8_t *dst, uint64_t dx, const uint8_t *src, uint64_t sx, uint64_t nx,
		     size_t size)
{
	switch (size) {
	case 1:
		row_sized(dst, dx, src, sx, nx, 1);
		break;
	case 2:
		row_sized(dst, dx, src, sx, nx, 2);
		break;
	case 4:
		row_sized(dst, dx, src, sx, nx, 4);
		break;
	default:
		row_sized(dst, dx, src, sx, nx, 8);
		break;
	}
}

UNUSED static bool is_size(size_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

struct block {
	uint64_t nz, ny, nx;
	struct cut_side d, s;
};

static bool one_row(const struct block *b)
{
	return b->ny == 1 ||
	       (b->d.stride_y == b->nx * b->d.stride_x && b->s.stride_y == b->nx * b->s.stride_x);
}

/* Rows that follow each other without a gap on both sides become one long row; then planes too. */
static void join_rows(struct block *b)
{
	if (!one_row(b))
		return;
	b->nx *= b->ny;
	b->ny = b->nz;
	b->nz = 1;
	b->d.stride_y = b->d.stride_z;
	b->s.stride_y = b->s.stride_z;
	if (one_row(b)) {
		b->nx *= b->ny;
		b->ny = 1;
	}
}

void cut_copy(void *dst, const struct cut_side *d, const void *src, const struct cut_side *s,
	      uint64_t nz, uint64_t ny, uint64_t nx, size_t size)
{
	assert(is_size(size));
	struct block b = { nz, ny, nx, *d, *s };
	join_rows(&b);
	bool whole = b.d.stride_x == size && b.s.stride_x == size;
	for (uint64_t z = 0; z < b.nz; z++) {
		uint8_t *to = (uint8_t *)dst + z * b.d.stride_z;
		const uint8_t *from = (const uint8_t *)src + z * b.s.stride_z;
		for (uint64_t y = 0; y < b.ny; y++) {
			if (whole)
				memcpy(to, from, b.nx * size);
			else
				row_copy(to, b.d.stride_x, from, b.s.stride_x, b.nx, size);
			to += b.d.stride_y;
			from += b.s.stride_y;
		}
	}
}

static bool all_bytes_equal(const uint8_t *voxel, size_t size)
{
	for (size_t i = 1; i < size; i++)
		if (voxel[i] != voxel[0])
			return false;
	return true;
}

/* n bytes of repeated voxels: what is done is copied on, from a stretch that stays in the cache. */
static void row_repeat(uint8_t *dst, uint64_t n, const uint8_t *voxel, size_t size)
{
	uint64_t done = min_u64(n, size);
	memcpy(dst, voxel, done);
	while (done < n) {
		uint64_t more = min_u64(min_u64(done, 4 * KiB), n - done);
		memcpy(dst + done, dst, more);
		done += more;
	}
}

void cut_fill(void *dst, const struct cut_side *d, uint64_t nz, uint64_t ny, uint64_t nx,
	      const void *voxel, size_t size)
{
	assert(is_size(size));
	struct block b = { nz, ny, nx, *d, *d };
	join_rows(&b);
	const uint8_t *v = voxel;
	bool same = all_bytes_equal(v, size);
	for (uint64_t z = 0; z < b.nz; z++) {
		uint8_t *to = (uint8_t *)dst + z * b.d.stride_z;
		for (uint64_t y = 0; y < b.ny; y++, to += b.d.stride_y) {
			if (b.d.stride_x != size)
				row_copy(to, b.d.stride_x, v, 0, b.nx, size);
			else if (same)
				memset(to, v[0], b.nx * size);
			else
				row_repeat(to, b.nx * size, v, size);
		}
	}
}
