/* What stat(2) says of a node. No I/O, no state. */
#pragma once

#include "meta/tree.h"

#include <sys/stat.h>

/* size: of a file; ignored for a directory. Times and owners are the sources', never "now". */
void attr_fill(const struct tree *t, const struct node *n, uint64_t size, struct stat *st);
