/* Tags 50838 and 50839 of ImageJ: blocks of labels, colours and values to show. Internal to told_imagej*.c. */
#pragma once

#include "meta/told_imagej_facts.h"

/* Fills the channels that the image has. What is malformed tells nothing, which a note says. -ENOMEM, or as
 * reading. */
int imagej_blob(const struct told_source *s, const struct imagej *j, struct told *out,
		struct told_image *im, struct err *err);
