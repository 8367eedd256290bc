/* How far `check` is, on standard error: a bar on a terminal, else a line now and then. */
#pragma once

#include "fs/check_plan.h"

struct check_progress {
	const struct dataset *data;
	bool terminal, drawn;
	uint64_t began, told; /* ns */
	uint64_t all;	      /* bytes of all planes; 0: not all images were looked at yet */
};

void check_progress_begin(struct check_progress *p, const struct dataset *d);

/* All planes before `at` are done, and so many bytes. */
void check_progress_show(struct check_progress *p, const struct check_place *at, uint64_t bytes,
			 uint64_t damaged);

/* Before something else is printed, and at the end. */
void check_progress_clear(struct check_progress *p);
