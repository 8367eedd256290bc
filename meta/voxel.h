/* Voxel sizes: units as files and people write them, resolution tags and when they are nonsense. */
#pragma once

#include "codec/tiff.h"

/* The NGFF space unit that a word means ("um", "nm", "micron" -> ..); NULL: no unit. */
const char *voxel_unit(const char *word, size_t len);

/* As voxel_unit, and also lengths that OME-NGFF has no name for ("thou", "mil", "pt", "li"): a value in them is one in
 * the unit after voxel_convert by *factor, which is 1 for all others. */
const char *voxel_length(const char *word, size_t len, double *factor);

/* How many seconds a unit of time has ("ms", "min", "hours", and the names of OME-NGFF); 0: no unit. */
double voxel_seconds(const char *word, size_t len);

/* value * factor (above 0), without the error that a factor like 0.001 has of its own: 3 ms are 0.003 s. */
double voxel_convert(double value, double factor);

/* True for the units that OME-NGFF allows for space axes. */
bool voxel_unit_is_ngff(const char *unit);

/* Size of a pixel from tags 282, 283, 296, in the unit that suits it (nanometer below 0.1 um, else
 * micrometer); false where the tags are absent or nonsense (dpi values, 1/1, the writers' defaults);
 * then *why is a static text for `info` ("72 dpi is a printer's number"). */
bool voxel_from_tags(const struct tiff_page *p, double *x, double *y, const char **unit,
		     const char **why);

/* Size of a pixel of which r->num fit on r->den lengths of `unit`: the decimal with the fewest digits that a writer may
 * have cut or rounded to r; 0 where there is none. */
double voxel_from_resolution(const struct tiff_rational *r, double unit);

/* Shortest decimal that reads back to the same double, C locale; out has at least 32 bytes. Not finite: "0". */
void voxel_print(double v, char *out, size_t n);
