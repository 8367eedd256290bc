#include "meta/chunk_source.h"

bool level_is_sampled(const struct image *im, unsigned level)
{
	return level > 0 &&
	       (im->method == REDUCE_NEAREST || im->pyramid.level[level].made == LEVEL_PREVIEW);
}

void chunk_source_box(const struct image *im, unsigned level, uint64_t chunk, struct level_box *out)
{
	const struct level *l = &im->pyramid.level[level];
	struct grid_chunk c;
	level_chunk_at(l, chunk, &c);
	for (int a = 0; a < AXIS_COUNT; a++) {
		uint64_t mag = a < AXIS_Z ? 1 : l->mag[a - AXIS_Z];
		out->lo[a] = c.lo[a];
		out->hi[a] = c.hi[a];
		if (level_is_sampled(im, level)) {
			out->lo[a] *= mag;
			out->hi[a] = min_u64(out->hi[a] * mag, im->grid.size[a]);
		} else {
			pyramid_source(&im->pyramid, level, (enum axis)a, &out->lo[a], &out->hi[a]);
		}
	}
}

static void planes_of(const struct image *im, const struct level_box *b, uint64_t *first,
		      uint64_t *n)
{
	uint64_t samples = im->grid.size[AXIS_C] / im->n_c;
	*first = image_plane(im, b->lo[AXIS_T], b->lo[AXIS_C] / samples, b->lo[AXIS_Z]);
	*n = b->hi[AXIS_Z] - b->lo[AXIS_Z];
}

void chunk_source_planes(const struct image *im, unsigned level, uint64_t chunk, uint64_t *first,
			 uint64_t *n)
{
	struct level_box b;
	chunk_source_box(im, level, chunk, &b);
	planes_of(im, &b, first, n);
}

uint64_t plane_part_of(const struct image *im, uint64_t plane, uint64_t unit, uint64_t n,
		       struct plane_part *out)
{
	const struct tiff_page *k = &im->kind;
	*out = (struct plane_part){
		.plane = plane, .y1 = k->height, .x1 = k->width, .sample = UNIT_ALL
	};
	if (unit == UNIT_ALL)
		return 1;
	uint64_t per_sample = (uint64_t)k->units_x * k->units_y, at = unit % per_sample;
	uint64_t row = at / k->units_x, column = at % k->units_x;
	bool whole = column == 0 && n >= k->units_x;
	uint64_t columns = min_u64(n, k->units_x - column);
	uint64_t rows = whole ? min_u64(n / k->units_x, k->units_y - row) : 1;
	out->y0 = row * k->unit_h;
	out->y1 = out->y0 + rows * k->unit_h;
	out->x0 = column * k->unit_w;
	out->x1 = out->x0 + columns * k->unit_w;
	if (k->planar)
		out->sample = unit / per_sample;
	return rows * columns;
}

/* Do lo .. hi - 1 and at .. end - 1 meet, in one that a level of this mag keeps? */
static bool meets(uint64_t lo, uint64_t hi, uint64_t at, uint64_t end, uint64_t mag)
{
	uint64_t first = max_u64(lo, ceil_div(at, mag) * mag);
	return first < hi && first < end;
}

bool chunk_needs(const struct image *im, unsigned level, uint64_t chunk,
		 const struct plane_part *part)
{
	static const uint64_t ones[3] = { 1, 1, 1 };
	const uint64_t *mag = level_is_sampled(im, level) ? im->pyramid.level[level].mag : ones;
	uint64_t samples = im->grid.size[AXIS_C] / im->n_c;
	struct level_box b;
	uint64_t first, n;
	chunk_source_box(im, level, chunk, &b);
	planes_of(im, &b, &first, &n);
	if (part->plane < first || part->plane >= first + n ||
	    (b.lo[AXIS_Z] + part->plane - first) % mag[0] != 0)
		return false;
	if (part->sample != UNIT_ALL && part->sample != b.lo[AXIS_C] % samples)
		return false;
	return meets(b.lo[AXIS_Y], b.hi[AXIS_Y], part->y0, part->y1, mag[1]) &&
	       meets(b.lo[AXIS_X], b.hi[AXIS_X], part->x0, part->x1, mag[2]);
}
