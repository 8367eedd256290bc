/* The hash of all that documents and bytes follow from. */
#pragma once

#include "meta/image.h"

/* Sets d->fingerprint from the program, its libraries, `options` (NULL: none) and path, size and mtime of each
 * file; no device or inode numbers, which change with a remount. Its low 32 bits are not 0. */
int fingerprint_set(struct dataset *d, const char *options, struct err *err);
