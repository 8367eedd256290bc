/* Parts of the same images, told by several files. */
#pragma once

#include "meta/told.h"

/* Adds what `from` tells to `to`: its files, its places, and its planes to those of the image with the same key (or
 * number, where there are no keys), or as further images. Planes that are known stay. `from` loses its texts.
 * from->files[i] NULL stands for `name`. -ENOMEM, -EOVERFLOW. */
int told_join(struct told *to, struct told *from, const char *name, struct err *err);

/* Cuts off time points at the end that no plane was written of, and says so. */
void told_trim(struct told *t);
