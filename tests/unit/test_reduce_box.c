/* Boxes that come one after another make what the whole level would: random sizes, steps, boxes and strides, against
 * one reduction of the whole array. NGFFUSE_SEEDS=A-B chooses the seeds (default 1-3000). */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "codec/reduce_box.h"
#include "tests/unit/run_suite.h"

static uint64_t state;

static uint64_t draw(uint64_t n)
{
	state += 0x9e3779b97f4a7c15ULL;
	uint64_t x = state;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return (x ^ (x >> 31)) % n;
}

/* A level of u2 voxels: samples, z, y, x. */
struct level {
	uint64_t n[BOX_AXES], samples;
	uint16_t *voxels;
};

static uint64_t at(const struct level *l, uint64_t c, uint64_t z, uint64_t y, uint64_t x)
{
	return ((c * l->n[BOX_Z] + z) * l->n[BOX_Y] + y) * l->n[BOX_X] + x;
}

static void level_new(struct level *l)
{
	uint64_t n = l->samples * l->n[BOX_Z] * l->n[BOX_Y] * l->n[BOX_X];
	l->voxels = malloc(n * sizeof(*l->voxels));
	ck_assert_ptr_nonnull(l->voxels);
	for (uint64_t i = 0; i < n; i++)
		l->voxels[i] = (uint16_t)draw(50);
}

/* One voxel of the next level, by a window of rows of one voxel each: only the kernel is shared. */
static uint16_t one_voxel(const struct reduce_box *b, const struct level *l, uint64_t c,
			  const uint64_t p[BOX_AXES])
{
	uint16_t rows[16][4], out;
	const void *pointers[16];
	unsigned n = 0;
	for (uint64_t dz = 0; dz < b->step.z; dz++)
		for (uint64_t dy = 0; dy < b->step.y; dy++, n++) {
			uint64_t z = reduce_mirror(p[BOX_Z] * b->step.z + dz, l->n[BOX_Z]);
			uint64_t y = reduce_mirror(p[BOX_Y] * b->step.y + dy, l->n[BOX_Y]);
			for (uint64_t dx = 0; dx < b->step.x; dx++)
				rows[n][dx] = l->voxels[at(
					l, c, z, y,
					reduce_mirror(p[BOX_X] * b->step.x + dx, l->n[BOX_X]))];
			pointers[n] = rows[n];
		}
	reduce_row(b->method, b->dtype, &out, pointers, b->step, b->step.x);
	return out;
}

/* A copy of a box of the level, exactly as large, of interleaved or separate samples. */
static void *copy_of(const struct level *l, struct reduce_source *s, bool interleaved)
{
	uint64_t n[BOX_AXES], voxel = sizeof(uint16_t);
	for (int a = 0; a < BOX_AXES; a++)
		n[a] = s->hi[a] - s->lo[a];
	s->stride_x = interleaved ? voxel * l->samples : voxel;
	s->stride_y = s->stride_x * n[BOX_X];
	s->stride_z = s->stride_y * n[BOX_Y];
	s->stride_c = interleaved ? voxel : s->stride_z * n[BOX_Z];
	uint8_t *copy = malloc(l->samples * n[BOX_Z] * n[BOX_Y] * n[BOX_X] * voxel);
	ck_assert_ptr_nonnull(copy);
	for (uint64_t c = 0; c < l->samples; c++)
		for (uint64_t z = 0; z < n[BOX_Z]; z++)
			for (uint64_t y = 0; y < n[BOX_Y]; y++)
				for (uint64_t x = 0; x < n[BOX_X]; x++)
					memcpy(copy + c * s->stride_c + z * s->stride_z +
						       y * s->stride_y + x * s->stride_x,
					       &l->voxels[at(l, c, s->lo[BOX_Z] + z,
							     s->lo[BOX_Y] + y, s->lo[BOX_X] + x)],
					       voxel);
	s->voxels = copy;
	return copy;
}

/* The boxes that lie below, of `run` voxels on each axis, in order. */
static void add_all(const struct reduce_box *b, const struct level *l, const uint64_t run[BOX_AXES],
		    bool interleaved, void *out)
{
	void *kept = malloc(reduce_box_kept_bytes(b)),
	     *scratch = malloc(reduce_box_scratch_bytes(b));
	for (uint64_t z = b->from_lo[BOX_Z]; z < b->from_hi[BOX_Z]; z += run[BOX_Z])
		for (uint64_t y = b->from_lo[BOX_Y]; y < b->from_hi[BOX_Y]; y += run[BOX_Y])
			for (uint64_t x = b->from_lo[BOX_X]; x < b->from_hi[BOX_X];
			     x += run[BOX_X]) {
				struct reduce_source s = { .lo = { z, y, x } };
				for (int a = 0; a < BOX_AXES; a++)
					s.hi[a] = min_u64(s.lo[a] + run[a], b->from_hi[a]);
				void *copy = copy_of(l, &s, interleaved);
				reduce_box_add(b, &s, out, kept, scratch);
				free(copy);
			}
	free(kept);
	free(scratch);
}

/* On one axis: a level, boxes of it, and a box of the next level as meta/pyramid.c has them. */
static void draw_axis(struct reduce_box *b, int a, uint64_t step, uint64_t *n, uint64_t *run)
{
	*n = 1 + draw(step == 4 ? 45 : 30);
	*run = 1 + draw(9);
	uint64_t size = ceil_div(*n, step), each = *run / gcd_u64(*run, step);
	uint64_t above = each * (1 + draw(3));
	if (*run >= *n) {
		*run = *n;
		above = size;
	}
	b->lo[a] = draw(ceil_div(size, above)) * above;
	b->hi[a] = min_u64(b->lo[a] + above, size);
	bool back = step == 4 && *n % 4 == 1 && b->hi[a] == size && b->lo[a] + 1 == size &&
		    b->lo[a] > 0;
	b->from_lo[a] = (b->lo[a] * step - (back ? 2 : 0)) / *run * *run;
	b->from_hi[a] = min_u64(b->hi[a] * step, *n);
	b->from_most[a] = *run;
	b->size[a] = *n;
}

static void play(uint64_t seed)
{
	state = seed * 0x2545f4914f6cdd1dULL;
	const uint8_t steps[] = { 1, 2, 2, 4 };
	struct reduce_box b = { .method = (enum reduce_method)draw(REDUCE_COUNT),
				.dtype = DTYPE_U16,
				.step = { steps[draw(4)], steps[draw(4)], steps[draw(4)] },
				.samples = 1 + draw(3) };
	struct level l = { .samples = b.samples };
	uint64_t run[BOX_AXES];
	draw_axis(&b, BOX_Z, b.step.z, &l.n[BOX_Z], &run[BOX_Z]);
	draw_axis(&b, BOX_Y, b.step.y, &l.n[BOX_Y], &run[BOX_Y]);
	draw_axis(&b, BOX_X, b.step.x, &l.n[BOX_X], &run[BOX_X]);
	level_new(&l);
	uint64_t bytes = reduce_box_bytes(&b);
	uint16_t *out = malloc(bytes);
	ck_assert_ptr_nonnull(out);
	memset(out, 0xee, bytes);
	add_all(&b, &l, run, draw(2) != 0, out);
	uint64_t i = 0, p[BOX_AXES];
	for (uint64_t c = 0; c < b.samples; c++)
		for (p[0] = b.lo[0]; p[0] < b.hi[0]; p[0]++)
			for (p[1] = b.lo[1]; p[1] < b.hi[1]; p[1]++)
				for (p[2] = b.lo[2]; p[2] < b.hi[2]; p[2]++, i++)
					ck_assert_msg(
						out[i] == one_voxel(&b, &l, c, p),
						"seed %llu: sample %llu, voxel %llu,%llu,%llu",
						(unsigned long long)seed, (unsigned long long)c,
						(unsigned long long)p[0], (unsigned long long)p[1],
						(unsigned long long)p[2]);
	ck_assert_uint_eq(i * sizeof(*out), bytes);
	free(out);
	free(l.voxels);
}

START_TEST(boxes_make_the_level)
{
	uint64_t from = 1, to = 3000;
	const char *env = getenv("NGFFUSE_SEEDS");
	if (env != NULL) {
		char *end;
		from = strtoull(env, &end, 10);			       /* lint-ok: a test's */
		to = *end == '-' ? strtoull(end + 1, NULL, 10) : from; /* lint-ok: a test's */
	}
	for (uint64_t seed = from; seed <= to; seed++)
		play(seed);
	printf("reduce_box: seeds %llu-%llu hold\n", (unsigned long long)from,
	       (unsigned long long)to);
}
END_TEST

START_TEST(sizes_that_do_not_fit)
{
	const struct reduce_box b = { .dtype = DTYPE_U8,
				      .step = { 2, 2, 2 },
				      .samples = 3,
				      .hi = { UINT64_MAX / 2, UINT64_MAX / 2, 7 },
				      .from_hi = { UINT64_MAX, UINT64_MAX, 13 },
				      .from_most = { 1, 3, 13 } };
	ck_assert_uint_eq(reduce_box_bytes(&b), UINT64_MAX);
	ck_assert_uint_eq(reduce_box_kept_bytes(&b), UINT64_MAX);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reduce_box");
	TCase *c = tcase_create("reduce_box");
	tcase_set_timeout(c, 0);
	tcase_add_test(c, boxes_make_the_level);
	tcase_add_test(c, sizes_that_do_not_fit);
	suite_add_tcase(s, c);
	return run_suite(s);
}
