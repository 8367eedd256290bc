/* The header of an LSM, and what it says beside the planes. Internal to meta/told_lsm*.c. */
#pragma once

#include "meta/told.h"

struct lsm_header {
	bool known;	     /* else all is 0 */
	uint64_t z, t, p, m; /* at least 1 */
	uint32_t data_type, scan_type;
	double voxel[3];	 /* x, y, z in metres; as stored */
	double interval;	 /* seconds; as stored */
	uint64_t colors, stamps; /* where these blocks begin; 0: nowhere */
};

/* Errors as of reading. */
int lsm_header_read(const struct told_source *s, struct lsm_header *out, struct err *err);

/* Fills the facts of an image that has none. Errors as of reading. */
int lsm_facts(const struct told_source *s, const struct lsm_header *h, struct told_image *im,
	      struct err *err);
