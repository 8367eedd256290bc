#include "codec/widen.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include "tests/unit/run_suite.h"

enum { MOST = 2100, ROWS = 3, GUARD = 16 };

static uint64_t seed = 1;

static uint32_t next_random(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33);
}

/* ---- integers: packed bit by bit ---- */

static uint32_t samples[ROWS * MOST];
static uint8_t packed[ROWS * MOST * 4];

static size_t pack(unsigned bits, size_t n, bool big_endian)
{
	size_t at = 0;
	memset(packed, 0, sizeof(packed));
	for (size_t i = 0; i < ROWS * n; i++) {
		samples[i] = (next_random() << 1 ^ next_random()) & (uint32_t)((1ull << bits) - 1);
		uint32_t v = samples[i];
		if (bits == 24 && !big_endian)
			v = __builtin_bswap32(v) >> 8;
		for (unsigned b = bits; b-- > 0; at++)
			packed[at / 8] |= (uint8_t)((v >> b & 1) << (7 - at % 8));
		if ((i + 1) % n == 0)
			at = (at + 7) / 8 * 8;
	}
	ck_assert_uint_eq(at / 8, ROWS * widen_row_bytes(bits, n));
	return at / 8;
}

static int64_t value_at(const uint8_t *b, size_t size, bool is_signed)
{
	uint64_t v = 0;
	memcpy(&v, b, size);
	unsigned up = (unsigned)(64 - 8 * size);
	return is_signed ? (int64_t)(v << up) >> up : (int64_t)v;
}

static void check_integers(const struct widen *w, size_t n, bool in_place)
{
	size_t size = w->bits > 16 ? 4 : w->bits > 8 ? 2 : 1, bytes = ROWS * n * size;
	size_t n_packed = pack(w->bits, n, w->big_endian);
	uint8_t *out = malloc(bytes + GUARD), *from = packed;
	ck_assert_ptr_nonnull(out);
	memset(out, 0xa5, bytes + GUARD);
	if (in_place) {
		from = out + bytes - n_packed;
		memcpy(from, packed, n_packed);
	}
	widen_rows(w, from, ROWS, n, out);
	for (size_t i = 0; i < ROWS * n; i++) {
		int64_t want = samples[i];
		if (w->is_signed && samples[i] >> (w->bits - 1) != 0)
			want -= (int64_t)1 << w->bits;
		/* An assertion that holds costs a microsecond. */
		if (value_at(out + i * size, size, w->is_signed) != want)
			ck_abort_msg("%u bits, %s, %zu samples, %s: sample %zu", w->bits,
				     w->is_signed ? "signed" : "unsigned", n,
				     in_place ? "in place" : "apart", i);
	}
	for (size_t i = 0; i < GUARD; i++)
		if (out[bytes + i] != 0xa5)
			ck_abort_msg("written beyond the end");
	free(out);
}

START_TEST(every_width_and_length)
{
	struct widen w = { .bits = (unsigned)_i };
	if (_i == 8 || _i == 16)
		return;
	for (unsigned k = 0; k < 8; k++) {
		w.is_signed = k & 1 && _i > 1;
		w.big_endian = k & 2;
		for (size_t n = 1; n < 40; n++)
			check_integers(&w, n, k & 4);
		for (size_t n = 1020; n < 1032; n++)
			check_integers(&w, n, k & 4);
		check_integers(&w, MOST, k & 4);
	}
}
END_TEST

/* Numbers of somebody else's making, so that packing and unpacking cannot be wrong together. */
START_TEST(known_bits)
{
	static const uint8_t twelve[] = { 0x12, 0x3a, 0xbc, 0xff, 0xf0 }, one[] = { 0xa5, 0x80 };
	static const uint8_t three[] = { 0x05, 0x39, 0x77 }; /* 0 1 2 3 4 5 6 7 */
	uint16_t wide[3];
	uint8_t out[9];
	widen_rows(&(struct widen){ .bits = 12 }, twelve, 1, 3, wide);
	ck_assert(wide[0] == 0x123 && wide[1] == 0xabc && wide[2] == 0xfff);
	widen_rows(&(struct widen){ .bits = 12, .is_signed = true }, twelve, 1, 3, wide);
	ck_assert(wide[0] == 0x123 && wide[1] == 0xfabc && wide[2] == 0xffff);
	widen_rows(&(struct widen){ .bits = 1 }, one, 1, 9, out);
	ck_assert_mem_eq(out, ((uint8_t[]){ 1, 0, 1, 0, 0, 1, 0, 1, 1 }), 9);
	widen_rows(&(struct widen){ .bits = 3 }, three, 1, 8, out);
	ck_assert_mem_eq(out, ((uint8_t[]){ 0, 1, 2, 3, 4, 5, 6, 7 }), 8);
	uint32_t triple;
	widen_rows(&(struct widen){ .bits = 24 }, (uint8_t[]){ 1, 2, 0x83 }, 1, 1, &triple);
	ck_assert_uint_eq(triple, 0x830201);
	widen_rows(&(struct widen){ .bits = 24, .is_signed = true, .big_endian = true },
		   (uint8_t[]){ 0x81, 2, 3 }, 1, 1, &triple);
	ck_assert_uint_eq(triple, 0xff810203);
}
END_TEST

/* ---- floats: by what their parts mean ---- */

static double meaning(uint32_t v, unsigned mantissa, int most)
{
	int exponent = (int)(v >> mantissa) & most, bias = most / 2;
	double part = (double)(v & ((1u << mantissa) - 1)), size = ldexp(1, (int)mantissa);
	double sign = v >> (mantissa + (most == 31 ? 5 : 7)) != 0 ? -1 : 1;
	if (exponent == most)
		return part == 0 ? sign * (double)INFINITY : (double)NAN;
	if (exponent == 0)
		return sign * ldexp(part / size, 1 - bias);
	return sign * ldexp(1 + part / size, exponent - bias);
}

static void check_float(uint32_t v, float got, unsigned mantissa, int most)
{
	double want = meaning(v, mantissa, most);
	uint32_t bits, payload = (v & ((1u << mantissa) - 1)) << (23 - mantissa);
	memcpy(&bits, &got, sizeof(bits));
	bool same_sign = bits >> 31 == v >> (mantissa + (most == 31 ? 5 : 7));
	bool same = isnan(want) ? isnan(got) && (bits & 0x7fffff) == payload : (double)got == want;
	if (!same || !same_sign)
		ck_abort_msg("%x: %a for %a", v, (double)got, want);
}

START_TEST(every_float16)
{
	static uint8_t from[2 << 16];
	static float to[1 << 16];
	for (int big = 0; big < 2; big++) {
		for (uint32_t v = 0; v < 1 << 16; v++) {
			from[2 * v + big] = (uint8_t)v;
			from[2 * v + 1 - big] = (uint8_t)(v >> 8);
		}
		widen_rows(&(struct widen){ .bits = 16, .is_float = true, .big_endian = big }, from,
			   1, 1 << 16, to);
		for (uint32_t v = 0; v < 1 << 16; v++)
			check_float(v, to[v], 10, 31);
	}
}
END_TEST

START_TEST(float24_of_every_exponent)
{
	enum { N = 1 << 16 };
	static uint8_t from[3 * N];
	static float to[N];
	for (int round = 0; round < 8; round++) {
		bool big = round & 1;
		uint32_t odd = next_random() | 1;
		for (uint32_t i = 0; i < N; i++) {
			/* All signs and exponents, each with 256 mantissas, 0 among them. */
			uint32_t v = (i & 0xff) << 16 | ((i >> 8) * odd & 0xffff);
			from[3 * i + (big ? 2 : 0)] = (uint8_t)v;
			from[3 * i + 1] = (uint8_t)(v >> 8);
			from[3 * i + (big ? 0 : 2)] = (uint8_t)(v >> 16);
		}
		widen_rows(&(struct widen){ .bits = 24, .is_float = true, .big_endian = big }, from,
			   1, N, to);
		for (uint32_t i = 0; i < N; i++)
			check_float((i & 0xff) << 16 | ((i >> 8) * odd & 0xffff), to[i], 16, 127);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("widen");
	TCase *c = tcase_create("widen");
	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, every_width_and_length, 1, 32);
	tcase_add_test(c, known_bits);
	tcase_add_test(c, every_float16);
	tcase_add_test(c, float24_of_every_exponent);
	suite_add_tcase(s, c);
	return run_suite(s);
}
