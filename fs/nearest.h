/* The word that somebody probably meant: edit distance over a list of candidates. */
#pragma once

#include "codec/base.h"

struct nearest {
	const char *asked;
	size_t len;
	const char *word; /* the best so far; NULL: nothing is near */
	size_t distance;  /* twice the edits, less for a common beginning */
};

/* `asked` is the caller's and has `len` bytes. */
void nearest_init(struct nearest *n, const char *asked, size_t len);

/* `word` is static text. The first of equally near ones stands. */
void nearest_offer(struct nearest *n, const char *word);
