/* The attributes that make a Zarr group an OME-NGFF image: multiscales, omero or image-label, and what is not as
 * stored. */
#pragma once

#include "meta/image.h"
#include "meta/json.h"

/* Adds an image's (a label's) attributes to `obj`. `folder`: put before the paths of its arrays ("em.zarr"); NULL: none.
 * v3: OME-NGFF 0.5, where they stand under `ome`. */
void ngff_image(struct json *j, cJSON *obj, const struct dataset *d, const struct image *im,
		const char *folder, bool v3);

/* Adds the attributes of an image's group `labels`: the paths of its labels, but not of those that are
 * unusable, which a reader that follows the list would fail on. */
void ngff_labels(struct json *j, cJSON *obj, const struct dataset *d, const struct image *im,
		 bool v3);

/* A channel's display window as omero has it: min, max, start, end. */
void ngff_window(const struct channel *ch, double out[4]);

/* One of its ends, exact where a double is not. */
void ngff_window_number(struct json *j, cJSON *obj, const char *key, double v, enum dtype t);
