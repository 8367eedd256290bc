/* The methods by which voxels of one level become a voxel of the next, and what they are called. */
#pragma once

#include "codec/base.h"

enum reduce_method {
	REDUCE_MEDIAN,
	REDUCE_MEAN,
	REDUCE_MODE,
	REDUCE_NEAREST,
	REDUCE_MIN,
	REDUCE_MAX,
};

enum { REDUCE_COUNT = REDUCE_MAX + 1 };

/* "median" .. as `--interpolation-mode` takes it. */
const char *reduce_method_name(enum reduce_method m);

/* False and *ret untouched where no method has that name. */
bool reduce_method_parse(const char *text, enum reduce_method *ret);
