/* Lengths that files tell, in one unit for all axes. Mixed units confuse readers. */
#pragma once

#include "meta/told.h"

/* Brings the sizes s[0..2] (z, y, x; value 0: not told) to one unit, that of the last one that is told where it is
 * metric and no whole metre, else micrometer, by powers of ten; those that cannot be true (not finite, below 1e-6 nm,
 * above 1 km) become 0. Returns how many did; the unit, NULL where nothing is left, in *unit. */
unsigned told_sizes_settle(struct told_size s[3], const char **unit);
