/* What stands between reduce.c and the kernels of one instruction set. Only for codec/reduce*.[ch].
 *
 * A row is done in blocks of as many windows as fill REDUCE_COLUMN bytes. The voxels of a block are sorted
 * into columns, one for each place in the window and in the order of the window: column k holds the k-th
 * voxel of every window. So a kernel is loops over columns, of constant length and without a branch, which
 * compilers vectorise, and knows neither the shape of the window nor the edges. */
#pragma once

#include "codec/reduce.h"

enum { REDUCE_COLUMN = 256, REDUCE_WINDOW = 64 };

/* n columns, one behind the other, to one column of results; the columns are used up. n: 2, 4 .. 64. */
typedef void reduce_block(void *out, void *columns, unsigned n);

struct reduce_call {
	void *dst;
	const void *const *rows;
	uint64_t n_in;
	struct reduce_step step;
	reduce_block *block;
};

typedef void reduce_all(const struct reduce_call *c);

struct reduce_version {
	const char *name;
	reduce_all *row[4]; /* for voxels of 1, 2, 4, 8 bytes */
	reduce_block *block[REDUCE_COUNT][DTYPE_COUNT];
};

extern const struct reduce_version reduce_baseline; /* what the compiler takes by itself */
#ifdef __x86_64__
extern const struct reduce_version reduce_sse42, reduce_avx2, reduce_avx512;
#endif
