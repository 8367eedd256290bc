/* tifffile's files: a description of each image's shape on its first page. */
#pragma once

#include "meta/told.h"

told_reader told_shaped;
