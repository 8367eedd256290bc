/* Chunks of the levels above 0: nobody makes them yet. */
#pragma once

#include <errno.h>

#include "fs/store.h"

/* True: answered, with EIO, which belongs to READ alone. */
static inline bool coarse_refuse(struct store *s, const struct get *g)
{
	if (g->key.level == 0 || g->key.level == STORE_FIRST_LOOK)
		return false;
	struct answer a = { ANSWER_FAILED, EIO, NULL, store_bound(s, g->key) };
	g->done(g->data, &a);
	return true;
}
