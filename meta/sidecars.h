/* Files that lie beside single files of a folder and give facts of the images in them: STEM.ngffuse.json. What is in them
 * is for fs/ to read; here they find their images. */
#pragma once

#include "meta/image.h"

/* Adds one. `path` is taken over; st NULL: it could not be examined. -ENOMEM. */
struct stat;
int sidecars_add(struct dataset *d, char *path, const struct stat *st);

/* The path of the side-car beside the file at `path`. Appended. */
void sidecars_path(const char *path, struct text *t);

/* Sets the `sidecar` of images that lie in one file with such a file beside it, and leaves the others out. -ENOMEM. */
int sidecars_match(struct dataset *d, struct err *err);

void sidecars_free(struct dataset *d);
