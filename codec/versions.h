/* The TIFF side of `ngffuse -V`. */
#pragma once

#include "codec/text.h"

/* "libtiff 4.5.0, zlib 1.2.13"; appended. */
void tiff_versions(struct text *t);
