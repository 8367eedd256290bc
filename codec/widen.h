/* Samples that no voxel type has as they are stored, made to voxels of the next wider type: packed bits of any width up
 * to 31, numbers of three bytes, float16 and float24. Nothing is scaled; floats keep their exact value. Plain C.
 * Source: TIFF 6.0 (BitsPerSample, "rows end on a byte"), IEEE 754 binary16, Adobe DNG 1.4 (24-bit floats). */
#pragma once

#include "codec/base.h"

struct widen {
	unsigned bits; /* of a stored sample: 1..31; of a float 16 or 24 */
	bool is_float; /* to float; else to the unsigned type of 1, 2 or 4 bytes that holds the bits */
	bool is_signed; /* integers: the sign is drawn into the wider type */
	bool big_endian; /* of 16 and 24 bits; other widths are a stream of bits, the highest first */
};

/* Bytes of a packed row of n samples. */
static inline uint64_t widen_row_bytes(unsigned bits, uint64_t n)
{
	return n / 8 * bits + (n % 8 * bits + 7) / 8;
}

/* `rows` packed rows of n samples each, which lie one after another, into rows * n voxels. `packed` may be the
 * last bytes of `out`: nothing is written over that was not read before. `out` is aligned for the voxel's type. */
void widen_rows(const struct widen *w, const uint8_t *packed, uint64_t rows, uint64_t n, void *out);
