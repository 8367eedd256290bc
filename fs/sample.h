/* The sample of an image's voxels: it decides codec `auto` and the display windows. Bounded by counts,
 * never by time or memory settings, so that it is the same at every mount. */
#pragma once

#include "fs/produce.h"

/* What is reserved for a sample in any case; planes are read together as far as that goes. */
#define SAMPLE_USUAL (20 * MiB)

/* Looks at the middle of at most eight planes (8 MiB decoded, at least one strip or tile each) of image
 * `image`, sets windows of channels that have none and, with `codec_auto`, the codec. Damaged parts are
 * left out; where nothing could be read, and where one compressed strip or tile exceeds 64 MiB decoded, windows
 * span the type's range and codec `auto` is none. -ENOMEM. */
int sample_image(const struct plant *p, struct bench *b, struct image *im, uint32_t image,
		 bool codec_auto, const struct each *each, struct err *err);

/* Bytes that the sample of an image may hold at a time, where that is more than usual. */
uint64_t sample_needs(const struct image *im);
