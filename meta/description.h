/* What a file says of its planes in ways that no reader told_*.c follows yet: ScanImage and NIH Image. It may confirm what
 * the pages show; where it would change which planes there are, or their order, the source is refused. */
#pragma once

#include "codec/tiff.h"

/* Checks the first page of a file with n_pages pages of one kind. 0: the pages are the planes, in
 * order, along one axis, which becomes z. -ENOTSUP with a sentence that names the kind
 * and what it claims; -EIO from reading. */
int description_check(const struct reader *r, const struct tiff_page *first, uint32_t n_pages,
		      struct err *err);
