/* NIH Image's stacks: a header with the number of planes, which lie behind one page. */
#pragma once

#include "meta/told.h"

told_reader told_nih;
