/* NDTiff, of Micro-Manager and Pycro-Manager: NDTiff.index says in which file and where each plane's pixels lie.
 * Positions, tiles of a grid and whatever else is no t, c or z make images. The source is the index, not a TIFF. In
 * a dataset with a stored pyramid only the index in `Full resolution` tells planes; those in the folders Downsampled_x2 ..
 * beside it tell the same ones smaller, and are not to be asked. */
#pragma once

#include "meta/told.h"

told_reader told_ndtiff;
