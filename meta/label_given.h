/* A label that an option names: a source of its own beside the image's. Internal to the scan. */
#pragma once

#include "meta/label_find.h"
#include "meta/scan.h"

/* Scans it, adds its files to `d` and it to the labels of `of`. opts: those of the image. Errors say which
 * option; -EINVAL where it is no single image. */
int label_given(struct dataset *d, const struct scan_label *label, const struct scan_options *opts,
		struct image *of, struct found_labels *labels, struct err *err);
