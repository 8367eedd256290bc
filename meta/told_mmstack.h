/* Micro-Manager's MMStack files: an index map says at which IFD each plane lies; after a crash, each IFD says
 * which plane it is. Files PREFIX_MMStack*.tif of one acquisition share told.run: each tells the images of which it
 * holds planes, in their full sizes, so that images of the same key are one. Time points at the end that were
 * announced and never written are gaps here; who joins the files cuts them off. */
#pragma once

#include "meta/told.h"

told_reader told_mmstack;

/* Whether a file is one of those that told_mmstack asks: it has a summary, which a crash leaves, too. 1, 0, or as the
 * reader. */
int mmstack_is_one(const struct reader *r, const struct tiff_header *h, struct err *err);
