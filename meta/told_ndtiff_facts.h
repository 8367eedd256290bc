/* What is known of an NDTiff dataset beside its planes. Internal to meta/told_ndtiff*.c. */
#pragma once

#include "meta/told_ndtiff_axes.h"

/* Fills the facts of `im`, which has none and is as all images of the dataset are. Errors as of reading; what is broken or
 * not there tells nothing. */
int nd_facts(const struct told_source *s, const struct nd_index *x, const struct nd_axes *a,
	     struct told_image *im, struct err *err);
