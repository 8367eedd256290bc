#include "codec/reduce_box.h"

#include <string.h>

#include "codec/cut.h"

/* Where what is kept of an axis lies: the last step - 1 planes of the boxes before, over all that comes in y and
 * x; the last step - 1 rows, of one box's planes and those kept; the last columns likewise. Index i of the kept
 * axis lies at i modulo step - 1. */
struct keep {
	bool on[BOX_AXES];
	uint64_t n[BOX_AXES];	   /* step - 1 */
	uint64_t offset[BOX_AXES]; /* bytes */
	uint64_t planes, rows;	   /* of one box with what is kept before it */
	uint64_t wide, high;	   /* of all that comes */
	uint64_t bytes;
};

static uint64_t step_of(const struct reduce_box *b, int axis)
{
	const uint8_t steps[BOX_AXES] = { b->step.z, b->step.y, b->step.x };
	return steps[axis];
}

/* Windows cross from one box to the next where those are no multiple of the step; and the mirrored edge reaches
 * back by more than its window where a step of 4 leaves one voxel over. */
static bool crosses(const struct reduce_box *b, int axis)
{
	uint64_t step = step_of(b, axis), most = b->from_most[axis];
	if (b->from_hi[axis] - b->from_lo[axis] <= most)
		return false;
	return most % step != 0 || (step == 4 && b->size[axis] % 4 == 1);
}

static uint64_t product(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	uint64_t ab, cd, all;
	return mul_u64(a, b, &ab) && mul_u64(c, d, &cd) && mul_u64(ab, cd, &all) ? all : UINT64_MAX;
}

static void keep_init(const struct reduce_box *b, struct keep *k)
{
	uint64_t voxel = dtype_size(b->dtype) * b->samples;
	*k = (struct keep){ 0 };
	for (int a = 0; a < BOX_AXES; a++) {
		k->on[a] = crosses(b, a);
		k->n[a] = k->on[a] ? step_of(b, a) - 1 : 0;
	}
	k->high = b->from_hi[BOX_Y] - b->from_lo[BOX_Y];
	k->wide = b->from_hi[BOX_X] - b->from_lo[BOX_X];
	k->planes = k->n[BOX_Z] + b->from_most[BOX_Z];
	k->rows = k->n[BOX_Y] + b->from_most[BOX_Y];
	const uint64_t bytes[BOX_AXES] = {
		product(voxel, k->n[BOX_Z], k->high, k->wide),
		product(voxel, k->planes, k->n[BOX_Y], k->wide),
		product(voxel, k->planes, product(1, 1, k->rows, k->n[BOX_X]), 1),
	};
	for (int a = 0; a < BOX_AXES; a++) {
		k->offset[a] = k->bytes;
		if (!add_u64(k->bytes, bytes[a], &k->bytes))
			k->bytes = UINT64_MAX;
	}
}

uint64_t reduce_box_bytes(const struct reduce_box *b)
{
	return product(dtype_size(b->dtype) * b->samples, b->hi[BOX_Z] - b->lo[BOX_Z],
		       b->hi[BOX_Y] - b->lo[BOX_Y], b->hi[BOX_X] - b->lo[BOX_X]);
}

uint64_t reduce_box_kept_bytes(const struct reduce_box *b)
{
	struct keep k;
	keep_init(b, &k);
	return k.bytes;
}

/* A row of one box with all that may be put before it. */
static uint64_t scratch_row(const struct reduce_box *b)
{
	return (b->from_most[BOX_X] + 8) * dtype_size(b->dtype);
}

uint64_t reduce_box_scratch_bytes(const struct reduce_box *b)
{
	return product(scratch_row(b), (uint64_t)b->step.z * b->step.y + 1, 1, 1);
}

/* One box that has come, and what is made with it. */
struct work {
	const struct reduce_box *b;
	const struct reduce_source *s;
	struct keep keep;
	uint8_t *kept, *scratch;
	size_t voxel;
	uint64_t lo[BOX_AXES], hi[BOX_AXES]; /* windows whose last voxel has come */
	uint64_t x0;	/* first voxel of a row that is needed, dropped windows included */
	uint64_t drop;	/* windows at the start of a row that are there for the mirror alone */
	bool assembles; /* rows are put together in the scratch */
};

/* The place of what is kept at index i. */
static uint64_t slot(uint64_t i, uint64_t n)
{
	return n == 0 ? 0 : i % n;
}

static uint8_t *kept_plane_row(const struct work *w, uint64_t c, uint64_t z, uint64_t y)
{
	const struct keep *k = &w->keep;
	uint64_t row =
		(c * k->n[BOX_Z] + slot(z, k->n[BOX_Z])) * k->high + (y - w->b->from_lo[BOX_Y]);
	return w->kept + k->offset[BOX_Z] + row * k->wide * w->voxel;
}

/* Planes and rows of a box are counted from the first kept one. */
static uint64_t plane_index(const struct work *w, uint64_t z)
{
	return z + w->keep.n[BOX_Z] - w->s->lo[BOX_Z];
}

static uint8_t *kept_row(const struct work *w, uint64_t c, uint64_t z, uint64_t y)
{
	const struct keep *k = &w->keep;
	uint64_t row = (c * k->planes + plane_index(w, z)) * k->n[BOX_Y] + slot(y, k->n[BOX_Y]);
	return w->kept + k->offset[BOX_Y] + row * k->wide * w->voxel;
}

static uint8_t *kept_columns(const struct work *w, uint64_t c, uint64_t z, uint64_t y)
{
	const struct keep *k = &w->keep;
	uint64_t row =
		(c * k->planes + plane_index(w, z)) * k->rows + (y + k->n[BOX_Y] - w->s->lo[BOX_Y]);
	return w->kept + k->offset[BOX_X] + row * k->n[BOX_X] * w->voxel;
}

static const uint8_t *own_row(const struct work *w, uint64_t c, uint64_t z, uint64_t y)
{
	const struct reduce_source *s = w->s;
	return (const uint8_t *)s->voxels + (z - s->lo[BOX_Z]) * s->stride_z +
	       (y - s->lo[BOX_Y]) * s->stride_y + c * s->stride_c;
}

/* The row's voxels from the box's first column on, bytes apart. */
static const uint8_t *row_at(const struct work *w, uint64_t c, uint64_t z, uint64_t y,
			     uint64_t *apart)
{
	uint64_t column = (w->s->lo[BOX_X] - w->b->from_lo[BOX_X]) * w->voxel;
	*apart = w->voxel;
	if (y < w->s->lo[BOX_Y])
		return kept_row(w, c, z, y) + column;
	if (z < w->s->lo[BOX_Z])
		return kept_plane_row(w, c, z, y) + column;
	*apart = w->s->stride_x;
	return own_row(w, c, z, y);
}

static void copy_voxels(void *dst, const void *src, uint64_t apart, uint64_t n, size_t voxel)
{
	const struct cut_side d = { 0, 0, voxel }, s = { 0, 0, apart };
	cut_copy(dst, &d, src, &s, 1, 1, n, voxel);
}

/* A row from x0 on, contiguous: where it lies, or in the scratch. */
static const void *row(const struct work *w, uint64_t c, uint64_t z, uint64_t y, void *scratch)
{
	uint64_t apart, lo = w->s->lo[BOX_X], hi = w->s->hi[BOX_X];
	const uint8_t *own = row_at(w, c, z, y, &apart);
	if (!w->assembles)
		return own + (w->x0 - lo) * w->voxel;
	uint8_t *at = scratch;
	for (uint64_t x = w->x0; x < lo; x++, at += w->voxel) {
		/* What is not kept belongs to a window that is dropped. */
		bool known = w->keep.n[BOX_X] > 0 && lo - x <= w->keep.n[BOX_X];
		const uint8_t *columns = known ? kept_columns(w, c, z, y) : NULL;
		if (known)
			memcpy(at, columns + slot(x, w->keep.n[BOX_X]) * w->voxel, w->voxel);
		else
			memset(at, 0, w->voxel);
	}
	uint64_t first = max_u64(w->x0, lo);
	copy_voxels(at, own + (first - lo) * apart, apart, hi - first, w->voxel);
	return scratch;
}

/* Windows that end with this box, and of those the ones that belong to the box that is made. */
static void choose_windows(struct work *w)
{
	const struct reduce_box *b = w->b;
	for (int a = 0; a < BOX_AXES; a++) {
		uint64_t step = step_of(b, a), end = w->s->hi[a];
		w->lo[a] = max_u64(w->s->lo[a] / step, b->lo[a]);
		w->hi[a] = end == b->size[a] ? ceil_div(end, step) : end / step;
		w->hi[a] = min_u64(w->hi[a], b->hi[a]);
	}
	uint64_t step = step_of(b, BOX_X);
	bool alone = step == 4 && w->hi[BOX_X] == ceil_div(b->size[BOX_X], 4) &&
		     b->size[BOX_X] % 4 == 1 && w->lo[BOX_X] + 1 == w->hi[BOX_X];
	w->drop = alone && w->lo[BOX_X] > 0;
	w->x0 = (w->lo[BOX_X] - w->drop) * step;
	w->assembles = w->s->stride_x != w->voxel || w->x0 < w->s->lo[BOX_X] || w->drop > 0;
}

static void reduce_one_row(const struct work *w, uint64_t c, uint64_t z, uint64_t y, void *out)
{
	const struct reduce_box *b = w->b;
	const void *rows[16];
	uint64_t n_in = min_u64(w->hi[BOX_X] * b->step.x, b->size[BOX_X]) - w->x0;
	uint8_t *scratch = w->scratch;
	for (uint64_t dz = 0; dz < b->step.z; dz++)
		for (uint64_t dy = 0; dy < b->step.y; dy++) {
			uint64_t sz = reduce_mirror(z * b->step.z + dz, b->size[BOX_Z]);
			uint64_t sy = reduce_mirror(y * b->step.y + dy, b->size[BOX_Y]);
			rows[dz * b->step.y + dy] = row(w, c, sz, sy, scratch);
			scratch += scratch_row(b);
		}
	if (w->drop == 0) {
		reduce_row(b->method, b->dtype, out, rows, b->step, n_in);
		return;
	}
	reduce_row(b->method, b->dtype, scratch, rows, b->step, n_in);
	memcpy(out, scratch + w->voxel, w->voxel);
}

static void reduce_rows(const struct work *w, uint8_t *box)
{
	const struct reduce_box *b = w->b;
	uint64_t nz = b->hi[BOX_Z] - b->lo[BOX_Z], ny = b->hi[BOX_Y] - b->lo[BOX_Y];
	uint64_t nx = b->hi[BOX_X] - b->lo[BOX_X];
	if (w->lo[BOX_X] >= w->hi[BOX_X])
		return;
	for (uint64_t c = 0; c < b->samples; c++)
		for (uint64_t z = w->lo[BOX_Z]; z < w->hi[BOX_Z]; z++)
			for (uint64_t y = w->lo[BOX_Y]; y < w->hi[BOX_Y]; y++) {
				uint64_t at = (c * nz + z - b->lo[BOX_Z]) * ny + y - b->lo[BOX_Y];
				at = at * nx + w->lo[BOX_X] - b->lo[BOX_X];
				reduce_one_row(w, c, z, y, box + at * w->voxel);
			}
}

/* First of the last n of lo .. hi - 1. */
static uint64_t last_from(uint64_t lo, uint64_t hi, uint64_t n)
{
	return hi - lo > n ? hi - n : lo;
}

/* The first plane and row of the box that was kept before, or its own first. */
static uint64_t first_known(const struct work *w, int axis)
{
	uint64_t lo = w->s->lo[axis], back = w->keep.n[axis];
	return lo - min_u64(back, lo - w->b->from_lo[axis]);
}

static void keep_columns(const struct work *w, uint64_t c)
{
	uint64_t lo = w->s->lo[BOX_X], hi = w->s->hi[BOX_X], n = w->keep.n[BOX_X], apart;
	for (uint64_t z = first_known(w, BOX_Z); z < w->s->hi[BOX_Z]; z++)
		for (uint64_t y = first_known(w, BOX_Y); y < w->s->hi[BOX_Y]; y++) {
			const uint8_t *from = row_at(w, c, z, y, &apart);
			uint8_t *to = kept_columns(w, c, z, y);
			for (uint64_t x = last_from(lo, hi, n); x < hi; x++)
				memcpy(to + slot(x, n) * w->voxel, from + (x - lo) * apart,
				       w->voxel);
		}
}

static void keep_rows(const struct work *w, uint64_t c)
{
	uint64_t lo = w->s->lo[BOX_Y], hi = w->s->hi[BOX_Y], apart;
	uint64_t wide = w->s->hi[BOX_X] - w->s->lo[BOX_X];
	uint64_t column = (w->s->lo[BOX_X] - w->b->from_lo[BOX_X]) * w->voxel;
	for (uint64_t z = first_known(w, BOX_Z); z < w->s->hi[BOX_Z]; z++)
		for (uint64_t y = last_from(lo, hi, w->keep.n[BOX_Y]); y < hi; y++) {
			const uint8_t *from = row_at(w, c, z, y, &apart);
			copy_voxels(kept_row(w, c, z, y) + column, from, apart, wide, w->voxel);
		}
}

static void keep_planes(const struct work *w, uint64_t c)
{
	uint64_t lo = w->s->lo[BOX_Z], hi = w->s->hi[BOX_Z], apart;
	uint64_t wide = w->s->hi[BOX_X] - w->s->lo[BOX_X];
	uint64_t column = (w->s->lo[BOX_X] - w->b->from_lo[BOX_X]) * w->voxel;
	for (uint64_t z = last_from(lo, hi, w->keep.n[BOX_Z]); z < hi; z++)
		for (uint64_t y = w->s->lo[BOX_Y]; y < w->s->hi[BOX_Y]; y++) {
			const uint8_t *from = row_at(w, c, z, y, &apart);
			copy_voxels(kept_plane_row(w, c, z, y) + column, from, apart, wide,
				    w->voxel);
		}
}

/* Columns first, then rows: each is taken with what was kept of the axes after it. */
static void keep_for_the_next(const struct work *w)
{
	for (uint64_t c = 0; c < w->b->samples; c++) {
		if (w->keep.on[BOX_X])
			keep_columns(w, c);
		if (w->keep.on[BOX_Y])
			keep_rows(w, c);
		if (w->keep.on[BOX_Z])
			keep_planes(w, c);
	}
}

void reduce_box_add(const struct reduce_box *b, const struct reduce_source *s, void *box,
		    void *kept, void *scratch)
{
	struct work w = { .b = b, .s = s, .kept = kept, .scratch = scratch };
	w.voxel = dtype_size(b->dtype);
	keep_init(b, &w.keep);
	choose_windows(&w);
	reduce_rows(&w, box);
	keep_for_the_next(&w);
}
