/* Zeiss LSM: the main chain holds images, each with all its channels as planes of samples, and mostly a
 * thumbnail behind each. Offsets of strips are stored modulo 2^32, and the byte counts of LZW strips are those of their
 * decoded voxels. */
#pragma once

#include "meta/told.h"

told_reader told_lsm;
