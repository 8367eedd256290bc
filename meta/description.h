/* What a file says about its planes: ImageJ, OME, shaped and the other kinds. In this version a
 * description may only confirm what the IFDs show; where it would change which planes there are, or
 * their order, the source is refused. */
#pragma once

#include "codec/tiff.h"

/* Checks the first page of a file with n_pages pages of one kind. 0: the pages are the planes, in
 * order, along one axis, which becomes z. -ENOTSUP with a sentence that names the kind
 * and what it claims ("OME-XML claims 7 x 5 planes (T, Z)"); -EIO from reading. note->msg, which
 * is empty before, says what was ignored although it is there. */
int description_check(const struct reader *r, const struct tiff_page *first, uint32_t n_pages,
		      struct err *note, struct err *err);
