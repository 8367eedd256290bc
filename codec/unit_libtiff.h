/* Strips and tiles of the compressions that libtiff decodes for us. It sees a header of our own and the
 * stored bytes, never a file; what it complains about is damage. Only for codec/unit.c. */
#pragma once

#include "codec/tiff.h"

struct unit_handles; /* open TIFF handles by tags, a handful */

struct unit_handles *unit_handles_new(void); /* NULL: out of memory */
void unit_handles_free(struct unit_handles *h);

struct unit_job {
	const struct tiff_page *page;
	const struct reader_bytes *tables; /* JPEGTables or NULL */
	uint8_t *raw;
	size_t n_raw;
	uint32_t rows;
	void *out;
	size_t n_out;
};

/* Predictor, bit order and byte order are undone. -EBADMSG, -ENOTSUP, -ENOMEM. */
int unit_handles_decode(struct unit_handles *p, const struct unit_job *j, struct err *err);
