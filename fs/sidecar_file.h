/* Reading the file of a side-car. Internal to fs/sidecar*.c. */
#pragma once

#include "codec/err.h"

struct stat;

/* Reads the one at `path` below the folder `at` (or AT_FDCWD), which is called `shown`. 1: *s and *n are what is in it, at
 * most one byte more than JSON_MAX_BYTES, freed by the caller, and *st is its state. 0: there is none. -errno with the
 * sentence, which begins with `shown`. */
int sidecar_read(int at, const char *path, const char *shown, char **s, size_t *n, struct stat *st,
		 struct err *err);
