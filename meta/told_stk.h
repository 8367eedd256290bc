/* MetaMorph's STK: one IFD, behind whose strips those of all other planes lie, and tags that say what differs between
 * the planes. */
#pragma once

#include "meta/told.h"

told_reader told_stk;
