/* What else is known of an Image: title, voxel size, times, significant bits; and whether it fits its pages. */
#pragma once

#include "meta/told_ome_planes.h"

/* -ENOMEM. */
int ome_facts(struct ome_layout *l, size_t i, const struct ome_first_page *first,
	      struct told_image *out);
