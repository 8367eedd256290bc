/* The path of a label below `labels/`: "nuclei", "original/0". */
#pragma once

#include "codec/err.h"

/* Components that a path may have. */
enum { LABEL_DEPTH = 4 };

/* -EINVAL with what would be right: an empty path, too many components, a component that is no safe name
 * of a folder in a Zarr hierarchy (".", ".zattrs", "zarr.json", "labels", what an id must not have, ..). */
int label_path_check(const char *path, struct err *err);

/* Component by component, numbers by their value: labels of one folder lie side by side. 0: equal. */
int label_path_compare(const char *a, const char *b);

/* Components of a path. */
unsigned label_path_depth(const char *path);

/* Length of the first `depth` components; 0 for none. */
size_t label_path_prefix(const char *path, unsigned depth);

/* The component that follows the first `depth`, and its length; not ended by 0. */
const char *label_path_component(const char *path, unsigned depth, size_t *len);

/* The first `depth` components of both are the same, and there are so many. */
bool label_path_shares(const char *a, const char *b, unsigned depth);
