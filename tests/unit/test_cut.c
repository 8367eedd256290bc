#include "codec/cut.h"
#include "tests/unit/run_suite.h"

#include <check.h>
#include <string.h>

static uint64_t seed = 88172645463325252;

static uint64_t pick(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 11) % n;
}

struct shape {
	uint64_t nz, ny, nx;
	size_t size;
};

/* Bytes that a side spans, and one more, so that nothing may be written behind it. */
static uint64_t span(const struct cut_side *s, const struct shape *n)
{
	if (n->nz == 0 || n->ny == 0 || n->nx == 0)
		return 1;
	return (n->nz - 1) * s->stride_z + (n->ny - 1) * s->stride_y + (n->nx - 1) * s->stride_x +
	       n->size + 1;
}

/* Rows and planes with a gap of 0 or more; pixels of 1 .. 5 samples. */
static struct cut_side random_side(const struct shape *n)
{
	static const uint64_t gaps[] = { 0, 0, 0, 1, 3, 8, 17 };
	struct cut_side s = { .stride_x = n->size * (1 + pick(5)) };
	if (pick(3) == 0)
		s.stride_x = n->size;
	s.stride_y = n->nx * s.stride_x + gaps[pick(ARRAY_SIZE(gaps))];
	s.stride_z = n->ny * s.stride_y + gaps[pick(ARRAY_SIZE(gaps))];
	return s;
}

static struct shape random_shape(void)
{
	struct shape n = { pick(4), pick(7), pick(40), (size_t)1 << pick(4) };
	if (pick(50) == 0)
		n.nx = 3000 + pick(9000);
	return n;
}

/* Exactly `n` bytes at an address as odd as `shift`, so that a sanitizer sees every step beyond. */
static uint8_t *bytes(uint64_t n, uint64_t shift, uint8_t **base)
{
	*base = malloc(n + shift);
	ck_assert_ptr_nonnull(*base);
	uint8_t *p = *base + shift;
	for (uint64_t i = 0; i < n; i++)
		p[i] = (uint8_t)pick(256);
	return p;
}

static void naive(uint8_t *dst, const struct cut_side *d, const uint8_t *src,
		  const struct cut_side *s, const struct shape *n)
{
	for (uint64_t z = 0; z < n->nz; z++)
		for (uint64_t y = 0; y < n->ny; y++)
			for (uint64_t x = 0; x < n->nx; x++)
				for (uint64_t i = 0; i < n->size; i++)
					dst[z * d->stride_z + y * d->stride_y + x * d->stride_x +
					    i] = src[z * s->stride_z + y * s->stride_y +
						     x * s->stride_x + i];
}

static void copy_once(const struct shape *n, const struct cut_side *d, const struct cut_side *s)
{
	CLEANUP(freep) uint8_t *a = NULL;
	CLEANUP(freep) uint8_t *b = NULL;
	uint64_t len = span(d, n);
	const uint8_t *src = bytes(span(s, n), pick(9), &a);
	uint8_t *dst = bytes(len, pick(9), &b);
	CLEANUP(freep) uint8_t *want = malloc(len);
	ck_assert_ptr_nonnull(want);
	memcpy(want, dst, len);
	naive(want, d, src, s, n);
	cut_copy(dst, d, src, s, n->nz, n->ny, n->nx, n->size);
	ck_assert_msg(memcmp(dst, want, len) == 0, "%ju x %ju x %ju of %zu", (uintmax_t)n->nz,
		      (uintmax_t)n->ny, (uintmax_t)n->nx, n->size);
}

START_TEST(copies)
{
	for (int i = 0; i < 20000; i++) {
		struct shape n = random_shape();
		struct cut_side d = random_side(&n), s = random_side(&n);
		copy_once(&n, &d, &s);
	}
}
END_TEST

/* Every size and number of samples, both ways, with odd rows. */
START_TEST(every_stride)
{
	for (size_t size = 1; size <= 8; size *= 2) {
		for (uint64_t samples = 1; samples <= 9; samples++) {
			struct shape n = { 2, 3, 101, size };
			struct cut_side packed = { 3 * 101 * size, 101 * size, size };
			struct cut_side pixels = { packed.stride_z * samples,
						   packed.stride_y * samples, size * samples };
			copy_once(&n, &packed, &pixels);
			copy_once(&n, &pixels, &packed);
			copy_once(&n, &pixels, &pixels);
		}
	}
}
END_TEST

/* Neighbouring planes of one buffer: the last byte of one side touches the first of the other. */
START_TEST(within_one_buffer)
{
	uint8_t buffer[48], want[48];
	for (size_t i = 0; i < sizeof(buffer); i++)
		buffer[i] = (uint8_t)i;
	memcpy(want, buffer, sizeof(want));
	memcpy(want, want + 24, 24);
	struct cut_side side = { 24, 6, 2 };
	cut_copy(buffer, &side, buffer + 24, &side, 1, 4, 3, 2);
	ck_assert_mem_eq(buffer, want, sizeof(want));
}
END_TEST

static void fill_once(const struct shape *n, const struct cut_side *d, bool same)
{
	uint8_t voxel[8];
	for (size_t i = 0; i < sizeof(voxel); i++)
		voxel[i] = same ? 0xa5 : (uint8_t)pick(256);
	CLEANUP(freep) uint8_t *a = NULL;
	uint64_t len = span(d, n);
	uint8_t *dst = bytes(len, pick(9), &a);
	CLEANUP(freep) uint8_t *want = malloc(len);
	ck_assert_ptr_nonnull(want);
	memcpy(want, dst, len);
	struct cut_side still = { 0, 0, 0 };
	naive(want, d, voxel, &still, n);
	cut_fill(dst, d, n->nz, n->ny, n->nx, voxel, n->size);
	ck_assert_msg(memcmp(dst, want, len) == 0, "%ju x %ju x %ju of %zu", (uintmax_t)n->nz,
		      (uintmax_t)n->ny, (uintmax_t)n->nx, n->size);
}

START_TEST(fills)
{
	for (int i = 0; i < 20000; i++) {
		struct shape n = random_shape();
		struct cut_side d = random_side(&n);
		fill_once(&n, &d, pick(2) == 0);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cut");
	TCase *t = tcase_create("cut");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, copies);
	tcase_add_test(t, every_stride);
	tcase_add_test(t, within_one_buffer);
	tcase_add_test(t, fills);
	suite_add_tcase(s, t);
	return run_suite(s);
}
