/* Large buffers in size classes, recycled while busy and given back to the kernel when idle. Any thread.
 * What a buffer costs the budget is its class, pool_round(size). */
#pragma once

#include "codec/base.h"

struct pool;

struct pool *pool_new(void); /* NULL: out of memory */
void pool_free(struct pool *p);

/* At most so many bytes are kept for the next who asks; at first 32 MiB. They belong to no budget. */
void pool_limit(struct pool *p, uint64_t bytes);

/* The size class of n bytes: at most an eighth more. */
uint64_t pool_round(uint64_t n);

/* At least n bytes, contents undefined; NULL: out of memory. */
void *pool_get(struct pool *p, uint64_t n);
void pool_put(struct pool *p, void *buf, uint64_t n); /* NULL is fine */

/* Gives back what has been idle for five seconds. now: any clock, in ns. */
void pool_trim(struct pool *p, uint64_t now);
