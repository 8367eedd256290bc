/* From drafts and found labels to the images of a dataset: their names and order, the files that they need,
 * their permissions. */
#pragma once

#include "meta/draft.h"
#include "meta/label_find.h"
#include "meta/scan.h"

/* The images of the drafts and labels become the dataset's, which has none yet. -EINVAL: names that cannot be
 * given, a label that lies beside no image; -ENOMEM. What was not taken stays with its owner. */
int publish(struct dataset *d, struct drafts *ds, struct found_labels *labels,
	    const struct scan_options *opts, struct err *err);
