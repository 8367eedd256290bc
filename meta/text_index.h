/* Numbers for texts: each that was not there gets the next one, from 0. */
#pragma once

#include "codec/base.h"

struct text_index {
	void *root;
	uint32_t n;
};

/* The number of the len bytes at `text`, which may hold NULs. -ENOMEM. */
int text_index_add(struct text_index *x, const char *text, size_t len, uint32_t *number);

void text_index_done(struct text_index *x);
