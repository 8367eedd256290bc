/* What makes a folder a dataset of WEBKNOSSOS (https://docs.webknossos.org/webknossos/data/concepts.html): its
 * datasource-properties.json, and arrays in the order c,x,y,z. */
#pragma once

#include "meta/json.h"
#include "meta/tree.h"

/* Has WEBKNOSSOS layers of this type, and mags like this image's? -EINVAL with the sentence. */
int wk_check(const struct dataset *d, const struct image *im, struct err *err);

/* Of the dataset of an image that is READY; of labels those that are. */
void wk_properties(struct json *j, cJSON *obj, const struct dataset *d, const struct image *im);

/* The .zarray of a level: [1, X, Y, Z], or [X, Y, Z] in VIEW_XYZ. */
void wk_array(struct json *j, cJSON *obj, enum tree_view which, const struct image *im,
	      uint32_t level);
