/* The JSON documents of a mount: Zarr v2 and v3 group and array metadata, OME-NGFF 0.4 and 0.5
 * attributes, consolidated metadata. The same bytes for the same source and options, at every mount.
 * Sources: Zarr v2 and v3 core specifications, OME-NGFF 0.4 and 0.5 (schemas in the tests). */
#pragma once

#include "meta/tree.h"

/* The text of a document node (NODE_ROOT_DOC, NODE_IMAGE_DOC, NODE_ARRAY_DOC, NODE_GROUP_DOC,
 * NODE_LAYER_DOC), appended to `out`. Its
 * image must be READY (-EAGAIN before its first look, or that of a label it tells of; -EIO where it is BAD); for the root, whose attributes show
 * an only image, that one must have been looked at. -ENOMEM; -ENOENT for a document that the node has not;
 * -ENOTSUP for a codec that the format does not know (zlib in v3). */
int document_make(const struct tree *t, const struct node *n, struct text *out);
