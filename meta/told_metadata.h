/* Micro-Manager's slices img_*, one file a plane: their names say which planes they are, `metadata.txt` beside them
 * everything else. */
#pragma once

#include "meta/told.h"

told_reader told_metadata;
