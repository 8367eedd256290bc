#include "meta/grid_shape.h"

enum {
	TILE_MIN = 128, /* sides between which a tile is a good chunk */
	TILE_MAX = 512,
	STRIP_MIN = 64,
	SIDE = 256,
	SIDE_MAX = 1024,
	DEPTH_MAX = 32,
	STRIPS_MIN = 4, /* fewer strips a page: the page is read as a whole anyway */
};

#define BAND_MAX  (32 * MiB)
#define CHUNK_MAX (1 * MiB)

uint64_t grid_unit_rows(const struct grid_layout *l, uint64_t height)
{
	if (l->tiled)
		return l->unit_h;
	return l->compressed ? min_u64(l->unit_h, height) : 1;
}

/* Voxels of the whole units that the chunk which begins at lo touches; 0 where there is none. */
static uint64_t span(uint64_t lo, uint64_t chunk, uint64_t unit, uint64_t size, bool tiled)
{
	if (lo >= size)
		return 0;
	uint64_t end = ceil_div(min_u64(lo + chunk, size), unit) * unit;
	return (tiled ? end : min_u64(end, size)) - lo / unit * unit;
}

/* Runs of one chunk each, where chunk % unit is not 0. A chunk touches as many units as the first one,
 * or one more; the first that touches one more is number unit / (chunk % unit). */
static uint64_t worst_span(uint64_t chunk, uint64_t unit, uint64_t size, bool tiled)
{
	uint64_t rest = unit == 0 ? 0 : chunk % unit;
	uint64_t more = rest == 0 ? 0 : unit / rest * chunk;
	return max_u64(span(0, chunk, unit, size, tiled), span(more, chunk, unit, size, tiled));
}

/* chunk < 2^31 and unit < 2^32, so nothing here overflows. */
static struct grid_axis axis(uint64_t chunk, uint64_t unit, uint64_t size, bool tiled)
{
	uint64_t run = min_u64(chunk / max_u64(1, gcd_u64(chunk, unit)) * unit, size);
	if (run > 4 * max_u64(chunk, unit)) {
		return (struct grid_axis){
			.run_chunks = 1,
			.band = worst_span(chunk, unit, size, tiled),
			.border_twice = true,
		};
	}
	return (struct grid_axis){
		.run_chunks = ceil_div(run, chunk),
		.band = tiled ? ceil_div(run, unit) * unit : run,
	};
}

struct grid_axis grid_axis_y(const struct grid_layout *l, uint64_t chunk, uint64_t size)
{
	return axis(chunk, grid_unit_rows(l, size), size, l->tiled);
}

struct grid_axis grid_axis_x(const struct grid_layout *l, uint64_t chunk, uint64_t size)
{
	if (l->tiled)
		return axis(chunk, l->unit_w, size, true);
	return (struct grid_axis){ .run_chunks = ceil_div(size, chunk), .band = size };
}

static uint64_t tile_side(uint64_t tile)
{
	if (tile < TILE_MIN)
		return ceil_div(TILE_MIN, tile) * tile;
	if (tile <= TILE_MAX)
		return tile;
	for (uint64_t d = TILE_MAX; d >= TILE_MIN; d--)
		if (tile % d == 0)
			return d;
	return TILE_MAX;
}

static enum grid_rule rule_of(const struct grid_layout *l, uint64_t height)
{
	if (l->tiled)
		return GRID_TILES;
	if (!l->compressed)
		return GRID_RAW;
	uint64_t rows = grid_unit_rows(l, height);
	return rows <= TILE_MAX && ceil_div(height, rows) >= STRIPS_MIN ? GRID_SHORT_STRIPS
									: GRID_TALL_STRIPS;
}

static void set_sides(enum grid_rule rule, const struct grid_layout *l, uint64_t height,
		      uint64_t chunk[AXIS_COUNT])
{
	chunk[AXIS_Y] = chunk[AXIS_X] = SIDE;
	if (rule == GRID_TILES) {
		chunk[AXIS_Y] = tile_side(l->unit_h);
		chunk[AXIS_X] = tile_side(l->unit_w);
	} else if (rule == GRID_SHORT_STRIPS) {
		uint64_t rows = grid_unit_rows(l, height);
		rows += rows % 2 == 1 ? rows : 0;
		chunk[AXIS_Y] = ceil_div(STRIP_MIN, rows) * rows;
	}
}

static bool band_fits(const uint64_t size[AXIS_COUNT], size_t voxel, const struct grid_layout *l,
		      const uint64_t chunk[AXIS_COUNT], uint64_t depth)
{
	uint64_t band = depth * voxel;
	return mul_u64(band, l->samples, &band) &&
	       mul_u64(band, grid_axis_y(l, chunk[AXIS_Y], size[AXIS_Y]).band, &band) &&
	       mul_u64(band, grid_axis_x(l, chunk[AXIS_X], size[AXIS_X]).band, &band) &&
	       band <= BAND_MAX;
}

static uint64_t depth_of(const uint64_t size[AXIS_COUNT], size_t voxel, const struct grid_layout *l,
			 const uint64_t chunk[AXIS_COUNT])
{
	uint64_t most = min_u64(DEPTH_MAX, pow2_at_least(size[AXIS_Z]));
	uint64_t side = chunk[AXIS_Y] * chunk[AXIS_X] * voxel;
	uint64_t depth = 1;
	while (2 * depth <= most && 2 * depth * side <= CHUNK_MAX &&
	       band_fits(size, voxel, l, chunk, 2 * depth))
		depth *= 2;
	return depth;
}

/* A page that is decoded as a whole for every run: larger chunks cost no more. */
static void widen(const uint64_t most[AXIS_COUNT], size_t voxel, uint64_t chunk[AXIS_COUNT])
{
	for (;;) {
		uint64_t y = min_u64(2 * chunk[AXIS_Y], min_u64(SIDE_MAX, most[AXIS_Y]));
		uint64_t x = min_u64(2 * chunk[AXIS_X], min_u64(SIDE_MAX, most[AXIS_X]));
		if ((y == chunk[AXIS_Y] && x == chunk[AXIS_X]) ||
		    chunk[AXIS_Z] * y * x * voxel > CHUNK_MAX)
			return;
		chunk[AXIS_Y] = y;
		chunk[AXIS_X] = x;
	}
}

enum grid_rule grid_shape_auto(const uint64_t size[AXIS_COUNT], size_t voxel,
			       const struct grid_layout *l, uint64_t chunk[AXIS_COUNT])
{
	uint64_t most[AXIS_COUNT] = {
		[AXIS_Y] = pow2_at_least(size[AXIS_Y]),
		[AXIS_X] = pow2_at_least(size[AXIS_X]),
	};
	enum grid_rule rule = rule_of(l, size[AXIS_Y]);
	set_sides(rule, l, size[AXIS_Y], chunk);
	chunk[AXIS_Y] = min_u64(chunk[AXIS_Y], most[AXIS_Y]);
	chunk[AXIS_X] = min_u64(chunk[AXIS_X], most[AXIS_X]);
	chunk[AXIS_Z] = depth_of(size, voxel, l, chunk);
	if (rule == GRID_TALL_STRIPS)
		widen(most, voxel, chunk);
	return rule;
}
