/* Voxel size and time step of an image, each from whoever says it first: option or side-car, what its files tell, tags.
 * Internal to the first look. */
#pragma once

#include "meta/scan.h"

/* Sets voxel, unit, time_step and where they are from. `kind` is known; `tagged`: path of the file whose tags it has.
 * -EINVAL: an option does not fit. */
int look_voxel(struct image *im, const char *tagged, const struct scan_options *opts,
	       struct err *err);
