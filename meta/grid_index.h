/* Places in a box of t,c,z,y,x: an index on each axis, or one number in C order. Only for meta/grid*.c and
 * meta/pyramid.c. */
#pragma once

#include "meta/grid.h"

static inline uint64_t index_count(const uint64_t n[AXIS_COUNT])
{
	uint64_t all = 1;
	for (int a = 0; a < AXIS_COUNT; a++)
		all *= n[a];
	return all;
}

static inline void index_split(uint64_t linear, const uint64_t n[AXIS_COUNT],
			       uint64_t index[AXIS_COUNT])
{
	for (int a = AXIS_COUNT - 1; a >= 0; a--) {
		index[a] = linear % n[a];
		linear /= n[a];
	}
}

static inline uint64_t index_join(const uint64_t n[AXIS_COUNT], const uint64_t index[AXIS_COUNT])
{
	uint64_t linear = 0;
	for (int a = 0; a < AXIS_COUNT; a++)
		linear = linear * n[a] + index[a];
	return linear;
}
