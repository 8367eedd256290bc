/* Where the strips of an LSM's pages really lie. Internal to meta/told_lsm*.c. */
#pragma once

#include "meta/told.h"

struct lsm_page {
	bool reduced; /* a thumbnail */
	bool lost;    /* nobody can say where its strips are */
	bool walked;  /* what follows is known */
	bool trusted; /* its byte counts are */
	uint64_t first,
		last; /* offsets of its first and last strip: as stored, and from lsm_unwrap on as they are */
	uint64_t inner; /* what strips between the two add to the offsets of the next ones */
	uint64_t skip;	/* what is added to its first one */
	uint64_t most;	/* bytes that its last strip has at most, however badly compressed */
};

/* Reads all pages of the main chain; their strips, too, where the file's size or its compression asks for it: then
 * *strips. Errors as of reading; the caller frees *out, s->n_pages of them. */
int lsm_pages_read(const struct told_source *s, struct lsm_page **out, bool *strips,
		   struct err *err);

/* Finds the true offsets. Pages are stored position by position, but were written time by time: `positions` and `times` are at
 * least 1. -ENOMEM. */
int lsm_unwrap(const struct told_source *s, struct lsm_page *pages, uint64_t positions,
	       uint64_t times);

/* Gives plane `p` the place of page k, which is added to out->places where its IFD does not say it all. `ends`: the
 * first offsets of all pages, ascending. -ENOMEM. */
int lsm_place(const struct told_source *s, const struct lsm_page *pages, uint32_t k,
	      const uint64_t *ends, size_t n_ends, struct told *out, struct told_plane *p);

/* For lsm_place. NULL: no memory. */
uint64_t *lsm_ends(const struct told_source *s, const struct lsm_page *pages, size_t *n);
