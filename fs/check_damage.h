/* Planes in which something cannot be read, while others are still being read. The caller locks. */
#pragma once

#include "fs/check_plan.h"

/* Strips or tiles from .. to of one plane. */
struct check_span {
	uint64_t from, to;
};

struct check_damage {
	struct check_place at;
	struct check_span
		*span; /* not in order before the plane is taken; NULL: the plane as a whole */
	size_t n_spans;
	bool whole, more; /* more: some of many are not counted */
	bool tiled;
	uint64_t first; /* strip or tile that `why` is about */
	uint64_t n, of; /* bad strips or tiles, once taken, of how many; 0: the plane as a whole */
	char *why;	/* in the decoder's words */
};

struct check_damages {
	struct check_damage *list;
	size_t n;
};

void check_damages_done(struct check_damages *d);

/* Notes what was found in the plane. -ENOMEM. */
int check_damages_add(struct check_damages *d, const struct check_place *at, const struct found *f);

/* Takes those of planes before `end` out, in order; *out is the caller's, freed by check_damages_done. -ENOMEM. */
int check_damages_take(struct check_damages *d, const struct check_place *end,
		       struct check_damages *out);
