/* What the attributes of Image and Pixels say. */
#pragma once

#include "meta/ome_xml.h"

/* Of an Image; -ENOMEM. */
int ome_image_named(struct ome_image *im, const char **atts);

/* Of its Pixels. -EBADMSG: sizes or an order that cannot be read; -ENOMEM. */
int ome_image_pixels(struct ome_image *im, const char **atts, struct err *err);
