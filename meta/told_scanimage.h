/* ScanImage's files: lines of a program's settings say how many channels, slices and frames the pages are. */
#pragma once

#include "meta/told.h"

told_reader told_scanimage;
