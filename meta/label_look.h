/* What a segmentation must be beside its image, seen at its first look. */
#pragma once

#include "meta/scan.h"

/* Sets the type in which a label's ids are served: that of its files, and uint32 for floats. */
void label_dtype(struct image *im);

/* Holds a label that was looked at against its image, which was, too: the same z, y and x, no channels, as many
 * times or one. It gets the image's axes but c (t only where both have it), its voxels' size and with that its
 * levels. -EINVAL with both shapes; -ENOMEM. The sentence is in `why`, too. */
int label_check(const struct dataset *d, struct image *im, const struct scan_options *opts,
		struct err *err);
