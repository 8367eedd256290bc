/* Voxel sizes: units as files and people write them, resolution tags and when they are nonsense. */
#pragma once

#include "codec/tiff.h"

/* The NGFF space unit that a word means ("um", "nm", "micron" -> ..); NULL: no unit. */
const char *voxel_unit(const char *word, size_t len);

/* True for the units that OME-NGFF allows for space axes. */
bool voxel_unit_is_ngff(const char *unit);

/* Seconds in the unit of time that a word means ("ms", "min", "microseconds" -> ..); 0: no unit. */
double voxel_seconds(const char *word, size_t len);

/* Size of a pixel from tags 282, 283, 296, in the unit that suits it (nanometer below 0.1 um, else
 * micrometer); false where the tags are absent or nonsense (dpi values, 1/1, the writers' defaults);
 * then *why is a static text for `info` ("72 dpi is a printer's number"). */
bool voxel_from_tags(const struct tiff_page *p, double *x, double *y, const char **unit,
		     const char **why);

/* Shortest decimal that reads back to the same double, C locale; out has at least 32 bytes. Not finite: "0". */
void voxel_print(double v, char *out, size_t n);
