/* What Channel elements say: how many pages lie along c, names, colours. */
#pragma once

#include "meta/told_ome_planes.h"

/* Of the Image number `i`; SizeC counts samples. Where XML and page differ, the page is right, which a note says. */
uint64_t ome_pages_along_c(struct ome_layout *l, size_t i, const struct ome_first_page *first);

/* Names and colours of an image that was added. -ENOMEM. */
int ome_channels(const struct ome_layout *l, size_t i, const struct ome_first_page *first,
		 struct told_image *out);
