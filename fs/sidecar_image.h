/* Facts of one image from the side-car beside its file, in a folder of files. */
#pragma once

#include "fs/options.h"

/* Reads the side-car of the image, where it has one, into *own (fresh; options_done, also after an error), and lets its
 * facts take the place of those in *scan, which then points into *own. `o`: the options of the command line, which
 * overrides it; NULL: no side-car is read. Keys that are no facts of one image are passed over with a warning. -errno with a
 * sentence that begins with the side-car's path. */
int sidecar_image(const struct options *o, const struct dataset *d, struct image *im,
		  struct options *own, struct scan_options *scan, struct err *err);
