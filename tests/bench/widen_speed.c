/* Speed of making narrow samples to voxels: GB of voxels a second of processor time, on one core, for each width. The
 * packed samples are noise and lie at the end of the voxels' room, as after a decompression.
 *
 *	widen_speed [MILLISECONDS]	time for each number, default 50 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec/widen.h"

enum { ROWS = 64, ROW = 2048, VOXELS = ROWS * ROW };

static uint32_t voxels[VOXELS];

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fill(uint8_t *b, size_t n)
{
	uint64_t seed = 88172645463325252;
	for (size_t i = 0; i < n; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		b[i] = (uint8_t)(seed >> 24);
	}
}

static double speed(const struct widen *w, size_t voxel, double least)
{
	uint64_t packed = ROWS * widen_row_bytes(w->bits, ROW);
	uint8_t *from = (uint8_t *)voxels + VOXELS * voxel - packed;
	double best = 0;
	fill(from, packed);
	for (int round = 0; round < 3; round++) {
		double start = seconds(), took;
		uint64_t n = 0;
		do {
			widen_rows(w, from, ROWS, ROW, voxels);
			n++;
		} while ((took = seconds() - start) < least / 3);
		double now = (double)(n * VOXELS * voxel) / took / 1e9;
		best = now > best ? now : best;
	}
	return best;
}

int main(int argc, char **argv)
{
	static const unsigned bits[] = { 1,  2,	 3,  4,	 5,  6,	 7,  9,	 10, 11,
					 12, 13, 14, 15, 17, 20, 23, 24, 28, 31 };
	double ms = argc == 2 ? strtod(argv[1], NULL) : 50;
	if (argc > 2 || !(ms > 0)) {
		fprintf(stderr, "usage: widen_speed [MILLISECONDS]\n");
		return 2;
	}
	printf("        unsigned  signed  big-endian\n");
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		struct widen w = { .bits = bits[i] };
		size_t voxel = bits[i] > 16 ? 4 : bits[i] > 8 ? 2 : 1;
		printf("%2u bit  %8.2f", bits[i], speed(&w, voxel, ms / 1000));
		w.is_signed = true;
		printf("%8.2f", speed(&w, voxel, ms / 1000));
		w.big_endian = true;
		printf("%12.2f\n", speed(&w, voxel, ms / 1000));
	}
	for (unsigned b = 16; b <= 24; b += 8) {
		struct widen w = { .bits = b, .is_float = true };
		printf("float%u %8.2f", b, speed(&w, sizeof(float), ms / 1000));
		w.big_endian = true;
		printf("%20.2f\n", speed(&w, sizeof(float), ms / 1000));
	}
	return 0;
}
