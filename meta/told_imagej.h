/* ImageJ's stacks and hyperstacks, and those that SCIFIO writes in its way: lines in the first description say which
 * axes the planes have, which may lie behind one page. */
#pragma once

#include "meta/told.h"

told_reader told_imagej;
