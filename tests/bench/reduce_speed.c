/* Speed of the reductions: GB of input a second of processor time, on one core, for each method, type and
 * instruction set. The voxels are noise, for mode small labels; they lie in the processor's caches.
 *
 *	reduce_speed [MILLISECONDS]	time for each number, default 20 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec/reduce.h"

enum { ROWS = 32, ROW = 2048, PLANES = 2 };

static union {
	uint8_t bytes[PLANES * ROWS * ROW * sizeof(uint64_t)];
	float f32[PLANES * ROWS * ROW];
	double f64[PLANES * ROWS * ROW];
} voxels;

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Floats are multiples of 1/16, integers any bytes; for mode one of four values. */
static void fill(enum dtype t, bool labels)
{
	uint64_t seed = 88172645463325252;
	for (size_t i = 0; i < (size_t)PLANES * ROWS * ROW; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		uint64_t v = labels ? (seed >> 20) % 4 : seed;
		if (t == DTYPE_F32)
			voxels.f32[i] = (float)(v % 65536) / 16;
		else if (t == DTYPE_F64)
			voxels.f64[i] = (double)(v % 65536) / 16;
		else
			memcpy(voxels.bytes + i * dtype_size(t), &v, dtype_size(t));
	}
}

static void all_rows(const struct reduce_version *v, enum reduce_method m, enum dtype t,
		     struct reduce_step step)
{
	static uint8_t out[ROW * sizeof(uint64_t)];
	size_t row = ROW * dtype_size(t);
	for (size_t plane = 0; plane < PLANES; plane += step.z) {
		for (size_t y = 0; y < ROWS; y += step.y) {
			const void *rows[16];
			for (size_t i = 0; i < (size_t)step.z * step.y; i++)
				rows[i] = voxels.bytes +
					  ((plane + i / step.y) * ROWS + y + i % step.y) * row;
			reduce_row_by(v, m, t, out, rows, step, ROW);
		}
	}
}

static double speed(const struct reduce_version *v, enum reduce_method m, enum dtype t,
		    struct reduce_step step, double least)
{
	double best = 0;
	for (int round = 0; round < 3; round++) {
		double start = seconds(), took;
		uint64_t n = 0;
		do {
			all_rows(v, m, t, step);
			n++;
		} while ((took = seconds() - start) < least / 3);
		double now = (double)(n * PLANES * ROWS * ROW * dtype_size(t)) / took / 1e9;
		best = now > best ? now : best;
	}
	return best;
}

static void table(const struct reduce_version *v, struct reduce_step step, double least)
{
	printf("%s, windows of %d x %d x %d:\n        ", reduce_version_name(v), step.z, step.y,
	       step.x);
	for (int t = 0; t < DTYPE_COUNT; t++)
		printf("%8s", dtype_v3((enum dtype)t));
	for (int m = 0; m < REDUCE_COUNT; m++) {
		printf("\n%8s", reduce_method_name((enum reduce_method)m));
		for (int t = 0; t < DTYPE_COUNT; t++) {
			fill((enum dtype)t, m == REDUCE_MODE);
			printf("%8.1f",
			       speed(v, (enum reduce_method)m, (enum dtype)t, step, least));
			fflush(stdout);
		}
	}
	printf("\n\n");
}

int main(int argc, char **argv)
{
	static const struct reduce_step steps[] = { { 2, 2, 2 }, { 1, 2, 2 }, { 2, 4, 4 } };
	double ms = argc == 2 ? strtod(argv[1], NULL) : 20;
	if (argc > 2 || !(ms > 0)) {
		fprintf(stderr, "usage: reduce_speed [MILLISECONDS]\n");
		return 2;
	}
	const struct reduce_version *v;
	for (size_t s = 0; s < ARRAY_SIZE(steps); s++)
		for (unsigned i = 0; (v = reduce_version(i)) != NULL; i++)
			table(v, steps[s], ms / 1000);
	return 0;
}
