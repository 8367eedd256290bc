/* Descriptions of the line and JSON kinds: what they claim against the pages that there are. Each returns
 * 0 where the pages stand as they are, or -ENOTSUP with a sentence. */
#pragma once

#include "codec/tiff.h"

enum { DESCRIPTION_MAX_JSON = 1 << 20 };

/* tifffile's {"shape": [..]} or shape=(..). JSON of another kind, and what is broken, stands aside; so does what
 * does not fit the pages, which *note says. */
int description_shaped(const char *text, size_t len, const struct reader *r,
		       const struct tiff_page *first, uint32_t n_pages, struct err *note,
		       struct err *err);

/* ScanImage's lines "SI.x = value" or "state.x=value". */
int description_scanimage(const char *text, uint32_t n_pages, struct err *err);
