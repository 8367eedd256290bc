/* The same work on many items that mostly wait for storage, in whatever way the caller can do that: nothing here
 * knows threads. */
#pragma once

#include "codec/base.h"

/* Does item i: touches nothing that another item does. */
typedef void each_one(void *arg, size_t i);

struct each {
	/* Calls one(arg, i) for every i < n, on as many threads as it likes, and returns when all are done. NULL:
	 * one after another. */
	void (*run)(void *ctx, size_t n, each_one *one, void *arg);
	void *ctx;
};

static inline void each_run(const struct each *e, size_t n, each_one *one, void *arg)
{
	if (e->run != NULL) {
		e->run(e->ctx, n, one, arg);
		return;
	}
	for (size_t i = 0; i < n; i++)
		one(arg, i);
}
