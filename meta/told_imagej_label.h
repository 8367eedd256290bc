/* Names of channels from ImageJ's labels of planes. Internal to told_imagej*.c. */
#pragma once

#include "meta/told.h"

/* The first line of the UTF-16 label of n bytes at `off`, without what ImageJ puts in front ("c:1/3 z:1/5 - "), as
 * UTF-8; NULL: it is empty. -ENOMEM, or as reading. */
int imagej_label_read(const struct reader *r, uint64_t off, uint32_t n, bool big_endian, char **out,
		      struct err *err);

/* Takes names away that name no channels: all alike, or file names. */
void imagej_labels_settle(struct told_image *im);
