/* How runs lie on one axis, and the chunk shape of the rule `auto`. Only for meta/grid*.c and their
 * tests. Arguments are checked by grid_make: no zero anywhere. */
#pragma once

#include "meta/grid.h"

struct grid_axis {
	uint64_t run_chunks; /* chunks of a full run */
	uint64_t band;	     /* voxels of the whole units under the costliest run */
	bool border_twice;
};

struct grid_axis grid_axis_y(const struct grid_layout *l, uint64_t chunk, uint64_t size);
struct grid_axis grid_axis_x(const struct grid_layout *l, uint64_t chunk, uint64_t size);

/* Rows that belong together when a band is reckoned: rows of a strip, 1 for raw strips, a tile's height. */
uint64_t grid_unit_rows(const struct grid_layout *l, uint64_t height);

/* Sets z, y and x of chunk. */
enum grid_rule grid_shape_auto(const uint64_t size[AXIS_COUNT], size_t voxel,
			       const struct grid_layout *l, uint64_t chunk[AXIS_COUNT]);
