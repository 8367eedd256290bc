/* The one door to libfuse's low-level interface, so that all files see the same version of it. */
#pragma once

#define FUSE_USE_VERSION 312

#include <fuse_lowlevel.h>
