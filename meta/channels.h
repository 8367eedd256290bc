/* Labels, colours and windows of an image's channels. Internal to the first look. */
#pragma once

#include "meta/scan.h"

/* Fills im->channels (grid.size[AXIS_C] of them) and rgb; kind, dtype and grid are known. Without windows
 * that need a sample. -EINVAL where an option has a wrong number of items or a wrong one. */
int channels_make(struct image *im, const struct scan_options *opts, struct err *err);
