/* The voxels of a ladder: for each level above 0 up to that of its run the open run, which comes together from
 * runs of the level before, and what is kept of those for windows that lie across two. */
#pragma once

#include "fs/produce.h"

struct blocks;

/* Bytes of the blocks of a run of this level, whichever, and of what reducing works with. */
uint64_t blocks_bytes(const struct image *im, unsigned level);
uint64_t blocks_scratch_bytes(const struct image *im, unsigned level);

/* NULL: out of memory. */
struct blocks *blocks_new(struct pool *pool, const struct image *im, unsigned level);
void blocks_free(struct blocks *b);

/* Does a TASK_REDUCE. 0 or an errno value. */
int blocks_reduce(struct blocks *b, const struct task *t);

/* Voxels of the open run of a level: its box, samples one after another, z, y, x. */
const void *blocks_voxels(const struct blocks *b, unsigned level);
