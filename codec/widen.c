#include "codec/widen.h"

#include <string.h>

/* Samples that are widened at once. They are copied before, so that they may lie in what is written, and so that a
 * window of eight bytes may reach beyond the last of them. */
enum { BLOCK = 1024, GROUP = 8, WINDOW = 8, MAX_BITS = 32 };

struct block {
	_Alignas(16) uint8_t packed[BLOCK * MAX_BITS / 8 + WINDOW];
};

static inline ALWAYS_INLINE uint64_t window_at(const uint8_t *b)
{
	uint64_t v;
	memcpy(&v, b, sizeof(v));
	return __builtin_bswap64(v);
}

/* ---- eight samples lie in as many bytes as one has bits: each group begins on a byte ---- */

static inline ALWAYS_INLINE void groups_to_8(const uint8_t *in, uint8_t *out, size_t groups,
					     unsigned bits)
{
	const uint64_t mask = (1u << bits) - 1;
	for (size_t g = 0; g < groups; g++, in += bits, out += GROUP) {
		uint64_t w = window_at(in), v = 0;
		for (unsigned i = 0; i < GROUP; i++)
			v |= (w >> (64 - (i + 1) * bits) & mask) << 8 * i;
		memcpy(out, &v, sizeof(v));
	}
}

/* Two windows a group: eight samples of nine bits are more than 64. */
static inline ALWAYS_INLINE void groups_to_16(const uint8_t *in, uint16_t *out, size_t groups,
					      unsigned bits)
{
	const uint64_t mask = (1u << bits) - 1;
	for (size_t g = 0; g < groups; g++, in += bits, out += GROUP) {
		uint64_t w[2] = { window_at(in), window_at(in + bits / 2) << bits % 2 * 4 };
		for (size_t k = 0; k < 2; k++) {
			uint64_t v = 0;
			for (unsigned i = 0; i < 4; i++)
				v |= (w[k] >> (64 - (i + 1) * bits) & mask) << 16 * i;
			memcpy(out + 4 * k, &v, sizeof(v));
		}
	}
}

static inline ALWAYS_INLINE void groups_to_32(const uint8_t *in, uint32_t *out, size_t groups,
					      unsigned bits)
{
	for (size_t g = 0; g < groups; g++, in += bits, out += GROUP)
		for (unsigned i = 0; i < GROUP; i++)
			out[i] = (uint32_t)(window_at(in + (size_t)i * bits / 8) << i * bits % 8 >>
					    (64 - bits));
}

static void bits_1(const uint8_t *in, uint8_t *out, size_t groups)
{
	/* A byte eight times, of each copy another bit, and what is not 0 carries into the copy's highest bit. */
	const uint64_t copies = 0x0101010101010101, one_each = 0x0102040810204080,
		       carry = 0x7f7f7f7f7f7f7f7f;
	for (size_t g = 0; g < groups; g++) {
		uint64_t v = (((in[g] * copies & one_each) + carry) >> 7) & copies;
		memcpy(out + g * GROUP, &v, sizeof(v));
	}
}

static void bits_2(const uint8_t *in, uint8_t *out, size_t groups)
{
	for (size_t i = 0; i < groups * 2; i++) {
		out[4 * i] = in[i] >> 6;
		out[4 * i + 1] = in[i] >> 4 & 3;
		out[4 * i + 2] = in[i] >> 2 & 3;
		out[4 * i + 3] = in[i] & 3;
	}
}

static void bits_4(const uint8_t *in, uint8_t *out, size_t groups)
{
	for (size_t i = 0; i < groups * 4; i++) {
		out[2 * i] = in[i] >> 4;
		out[2 * i + 1] = in[i] & 15;
	}
}

/* A width that is known when compiled has shifts that are. */
#define WIDTH(n, to)                                                                               \
	case n:                                                                                    \
		groups_to_##to(in, out, groups, n);                                                \
		break

static void groups_widen(unsigned bits, const uint8_t *in, void *out, size_t groups)
{
	switch (bits) {
	case 1:
		bits_1(in, out, groups);
		break;
	case 2:
		bits_2(in, out, groups);
		break;
	case 4:
		bits_4(in, out, groups);
		break;
		WIDTH(3, 8);
		WIDTH(5, 8);
		WIDTH(6, 8);
		WIDTH(7, 8);
		WIDTH(9, 16);
		WIDTH(10, 16);
		WIDTH(11, 16);
		WIDTH(12, 16);
		WIDTH(13, 16);
		WIDTH(14, 16);
		WIDTH(15, 16);
	default:
		groups_to_32(in, out, groups, bits);
		break;
	}
}

/* ---- numbers of two and three bytes ---- */

static inline ALWAYS_INLINE uint32_t three_bytes(const uint8_t *in, bool big_endian)
{
	uint32_t v;
	memcpy(&v, in, sizeof(v));
	return big_endian ? __builtin_bswap32(v) >> 8 : v & 0xffffff;
}

static void triples_widen(const uint8_t *in, uint32_t *out, size_t n, bool big_endian)
{
	if (big_endian)
		for (size_t i = 0; i < n; i++)
			out[i] = three_bytes(in + 3 * i, true);
	else
		for (size_t i = 0; i < n; i++)
			out[i] = three_bytes(in + 3 * i, false);
}

/* A float with `mantissa` bits of mantissa below its exponent, which is `most` where all its bits are set, as the bits
 * of a float32. NaN keeps its payload. */
static inline ALWAYS_INLINE uint32_t float_bits(uint32_t rest, unsigned mantissa, uint32_t most)
{
	const uint32_t one = 1u << 23, rebias = (127 - most / 2) * one;
	uint32_t v = (rest << (23 - mantissa)) + rebias, tiny = v + one;
	/* Masks in place of branches, which would keep the loop from being vectorised. */
	uint32_t none = 0u - (rest >> mantissa == 0), full = 0u - (rest >> mantissa == most);
	float f, leading;
	/* Without an exponent there is no leading 1: it is put before the mantissa, and its value taken away. */
	memcpy(&leading, &(uint32_t){ rebias + one }, sizeof(leading));
	memcpy(&f, &tiny, sizeof(f));
	f -= leading;
	memcpy(&tiny, &f, sizeof(tiny));
	return (tiny & none) | ((v + (rebias & full)) & ~none);
}

static void halves_widen(const uint8_t *in, uint32_t *out, size_t n, bool big_endian)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t v;
		memcpy(&v, in + 2 * i, sizeof(v));
		out[i] = big_endian ? __builtin_bswap16(v) : v;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = float_bits(out[i] & 0x7fff, 10, 31) | (out[i] & 0x8000) << 16;
}

static void floats_24_widen(uint32_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		v[i] = float_bits(v[i] & 0x7fffff, 16, 127) | (v[i] & 0x800000) << 8;
}

/* ---- signs ---- */

#define SIGNED(name, type, wide)                                                                   \
	static void name(type *v, size_t n, unsigned bits)                                         \
	{                                                                                          \
		const unsigned up = 8 * sizeof(type) - bits;                                       \
		for (size_t i = 0; i < n; i++)                                                     \
			v[i] = (type)((wide)(type)(v[i] << up) >> up);                             \
	}

SIGNED(signed_8, uint8_t, int8_t)
SIGNED(signed_16, uint16_t, int16_t)
SIGNED(signed_32, uint32_t, int32_t)

static size_t voxel_bytes(const struct widen *w)
{
	return w->is_float || w->bits > 16 ? 4 : w->bits > 8 ? 2 : 1;
}

static void draw_signs(const struct widen *w, void *out, size_t n)
{
	if (voxel_bytes(w) == 1)
		signed_8(out, n, w->bits);
	else if (voxel_bytes(w) == 2)
		signed_16(out, n, w->bits);
	else
		signed_32(out, n, w->bits);
}

/* ---- rows ---- */

static void bits_widen(const struct widen *w, const uint8_t *in, uint8_t *out, size_t n)
{
	size_t groups = n / GROUP, left = n % GROUP;
	groups_widen(w->bits, in, out, groups);
	if (left == 0)
		return;
	uint32_t last[GROUP];
	groups_widen(w->bits, in + groups * w->bits, last, 1);
	memcpy(out + groups * GROUP * voxel_bytes(w), last, left * voxel_bytes(w));
}

static void block_widen(const struct widen *w, const uint8_t *in, void *out, size_t n)
{
	if (w->bits == 16) {
		halves_widen(in, out, n, w->big_endian);
	} else if (w->bits == 24) {
		triples_widen(in, out, n, w->big_endian);
		if (w->is_float)
			floats_24_widen(out, n);
	} else {
		bits_widen(w, in, out, n);
	}
	if (w->is_signed && !w->is_float)
		draw_signs(w, out, n);
}

void widen_rows(const struct widen *w, const uint8_t *packed, uint64_t rows, uint64_t n, void *out)
{
	struct block block;
	uint8_t *to = out;
	for (uint64_t y = 0; y < rows; y++) {
		for (uint64_t i = 0, part; i < n; i += part) {
			part = min_u64(n - i, BLOCK);
			size_t bytes = widen_row_bytes(w->bits, part);
			memcpy(block.packed, packed, bytes);
			block_widen(w, block.packed, to, part);
			packed += bytes;
			to += part * voxel_bytes(w);
		}
	}
}
