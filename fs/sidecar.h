/* The side-car: a file that lies beside the files it is about and gives values of options, `ngffuse.json` in a folder or
 * STEM.ngffuse.json beside one file. The command line overrides it key by key. */
#pragma once

#include "fs/options.h"

/* Reads the side-car of o->source, where there is one, into the options; every value goes through its option's
 * setter. -errno with the sentence; *usage: what it says is wrong, as a wrong option is, and file, line and key stand in
 * front. `err` is not NULL. */
int sidecar_load(struct options *o, bool *usage, struct err *err);

/* The same from a text of n bytes, which is called `path`. Labels are relative to the path's folder. -EINVAL, -EFBIG,
 * -ENOMEM. */
int sidecar_take(struct options *o, const char *path, const char *s, size_t n, struct err *err);
