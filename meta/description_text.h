/* Descriptions of the line and JSON kinds: what they claim against the pages that there are. Each returns
 * 0 where the pages stand as they are, or -ENOTSUP with a sentence. */
#pragma once

#include "codec/tiff.h"

enum { DESCRIPTION_MAX_JSON = 1 << 20 };

/* ScanImage's lines "SI.x = value" or "state.x=value". */
int description_scanimage(const char *text, uint32_t n_pages, struct err *err);
