/* The layers of a WEBKNOSSOS dataset: each channel and time point of an image, and of each of its labels, is one.
 * Their names, and those of their mags. Pure. */
#pragma once

#include "meta/image.h"

/* Names are shorter than this. */
enum { LAYER_NAME = 256, LAYER_BASE_MAX = 160 };

/* Layers that an image may have, labels not counted: its JSON names each with all mags. */
enum { LAYERS_MAX = 1000 };

struct layer {
	uint32_t image; /* or the label that it shows */
	uint64_t part;	/* time point * channels + channel */
};

/* What WEBKNOSSOS takes as the name of a layer, and what has no other meaning in a dataset. -EINVAL. */
int layer_check(const char *name, struct err *err);

/* Any text as a name that WEBKNOSSOS takes. */
void layer_clean(const char *s, char out[LAYER_NAME]);

/* Names the layers of all images `layer`, and those of labels after their paths. -ENOMEM. */
int layers_name(struct dataset *d, const char *layer, struct err *err);

/* Layers that an image, or a label, makes; the image must be READY, a label need not. */
uint64_t layer_parts(const struct image *im);

/* Is there more than one layer in the dataset of this image? It is READY. */
bool layers_several(const struct image *im);

/* "color__channel1_timepoint0": a suffix only for an axis that has more than one. */
void layer_name(const struct dataset *d, const struct layer *l, char name[LAYER_NAME]);

/* In the dataset of image number `image`, which is READY: by name, and by position. */
bool layer_find(const struct dataset *d, uint32_t image, const char *name, struct layer *out);
bool layer_at(const struct dataset *d, uint32_t image, uint64_t k, struct layer *out);

/* "2-2-1", x-y-z; one number where all agree. */
void layer_mag_name(const uint64_t mag[3], char name[LAYER_NAME]);
