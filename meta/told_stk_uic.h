/* MetaMorph's tags UIC1 to UIC4. Internal to meta/told_stk*.c. */
#pragma once

#include "meta/told.h"

struct stk {
	uint64_t n; /* planes */
	/* Of each plane; NULL: not told. */
	double *distance; /* to the plane before, micrometer; 0: none */
	int64_t *created; /* milliseconds */
	double *absolute; /* z, micrometer */
	double *wave;	  /* nanometer; 0: none */
	bool scaled;	  /* low and high are to be shown */
	double low, high;
	double calibration[2]; /* x, y, in `unit`; 0: not told */
	const char *unit;      /* OME-NGFF's; NULL: none */
};

/* 1; 0: the planes cannot be read. Errors as of reading. `out` begins as { 0 } and is to be given to stk_done in every
 * case. s->first->uic2 is there. */
int stk_read(const struct told_source *s, struct stk *out, struct err *err);
void stk_done(struct stk *k);
