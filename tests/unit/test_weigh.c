/* What an image is said to need is enough for each of its runs, whichever class of job it becomes. */
#include "fs/engine_ops.h"
#include "tests/unit/made_dataset.h"
#include "tests/unit/run_suite.h"

#include "meta/chunk_source.h"

static uint64_t seed;

/* 0 .. n-1 (xorshift64*). */
static uint64_t pick(uint64_t n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return ((seed * 0x2545f4914f6cdd1d) >> 33) % n;
}

struct shape {
	uint64_t z, y, x;
	uint32_t rows, columns; /* of a strip or tile; columns 0: strips */
	uint64_t chunk[3];	/* z 0: by the rule */
	bool raw;
};

/* An image of bytes whose levels above 0 are all single voxels. */
static void image_of(const struct shape *s, struct image *im)
{
	struct plane *none = NULL;
	made_image(im, none, (uint32_t)s->z);
	pyramid_done(&im->pyramid);
	bool tiled = s->columns != 0;
	uint32_t width = tiled ? s->columns : (uint32_t)s->x;
	struct tiff_page *k = &im->kind;
	k->width = (uint32_t)s->x;
	k->height = (uint32_t)s->y;
	k->tiled = tiled;
	k->unit_w = width;
	k->unit_h = s->rows;
	k->units_x = tiled ? (uint32_t)ceil_div(s->x, width) : 1;
	k->units_y = (uint32_t)ceil_div(s->y, s->rows);
	if (s->raw)
		k->compression = TIFF_COMPRESSION_NONE;
	im->stored = im->dtype;
	im->unit_bytes_max = s->raw ? 0 : (uint64_t)s->rows * width;
	uint64_t size[AXIS_COUNT] = { 1, 1, s->z, s->y, s->x };
	struct grid_layout layout = { .tiled = tiled,
				      .compressed = !s->raw,
				      .unit_h = s->rows,
				      .unit_w = width,
				      .samples = 1 };
	struct pyramid_options levels = { .preview = PREVIEW_ALWAYS };
	struct err err = { 0 };
	const uint64_t *given = s->chunk[0] != 0 ? s->chunk : NULL;
	int e = grid_make(size, 1, &layout, given, &im->grid, &err);
	ck_assert_msg(e == 0, "%s", err.msg);
	e = pyramid_make(&im->grid, im->voxel, true, MiB, &levels, &im->pyramid, &err);
	ck_assert_msg(e == 0, "%s", err.msg);
}

/* How many runs are of the class that the first run of their level is not of. */
static uint64_t check_runs(const struct image *im)
{
	struct leaves leaves = { 0 };
	struct run_cost first, c;
	struct needs n;
	uint64_t others = 0;
	ck_assert_int_eq(engine_weigh(im, &leaves, &n), 0);
	for (unsigned k = 1; k < im->pyramid.n; k++) {
		const struct level *l = &im->pyramid.level[k];
		ck_assert(level_is_sampled(im, k));
		produce_sampled_cost(im, k, 0, &first);
		for (uint64_t run = 0; run < level_run_count(l); run++) {
			produce_sampled_cost(im, k, run, &c);
			others += c.pass != first.pass;
			ck_assert_uint_le(c.slot, n.slot);
			ck_assert_msg(
				store_least(&c) <= (c.pass ? n.pass : n.ordinary),
				"level %u, run %llu of %llu, %s: %llu, weighed %llu", k,
				(unsigned long long)run, (unsigned long long)level_run_count(l),
				c.pass ? "a pass" : "no pass", (unsigned long long)store_least(&c),
				(unsigned long long)(c.pass ? n.pass : n.ordinary));
		}
	}
	return others;
}

/* Runs of level 0 and chunks of them alone; how many of these need more than their run. */
static uint64_t check_chunks(const struct image *im)
{
	struct leaves leaves = { 0 };
	struct run_cost whole, lone;
	struct needs n;
	uint64_t dearer = 0;
	ck_assert_int_eq(engine_weigh(im, &leaves, &n), 0);
	for (uint64_t run = 0; run < grid_run_count(&im->grid); run++) {
		produce_cost(im, run, RUN_WHOLE, &whole);
		ck_assert_uint_le(store_least(&whole), n.ordinary);
		for (uint32_t k = 0; produce_lone_pays(im) && k < whole.chunks; k++) {
			produce_cost(im, run, k, &lone);
			dearer += store_least(&lone) > store_least(&whole);
			ck_assert_uint_le(lone.slot, n.slot);
			ck_assert_uint_le(store_least(&lone), n.ordinary);
		}
	}
	return dearer;
}

static uint64_t check(const struct shape *s)
{
	struct image im;
	image_of(s, &im);
	uint64_t others = check_runs(&im);
	check_chunks(&im);
	pyramid_done(&im.pyramid);
	return others;
}

/* 23 planes of tiles of 154 x 2927: of level 1 the first run takes 11 rows of tiles, the second one 12. */
START_TEST(runs_that_touch_more_tiles)
{
	const struct shape s = { 23, 3291, 6743, 154, 2927, { 31, 820, 1494 }, false };
	ck_assert_uint_gt(check(&s), 0);
}
END_TEST

/* The first run is a pass, the last one, which is smaller, is none. */
START_TEST(runs_that_are_smaller)
{
	const struct shape s = { 34, 9000, 9000, 900, 0, { 16, 1024, 1024 }, false };
	ck_assert_uint_gt(check(&s), 0);
}
END_TEST

/* Of a chunk alone whole rows of the page are held beside its own columns. */
START_TEST(chunks_that_need_more_than_their_run)
{
	const struct shape s = { 2, 4096, 8000, 34, 0, { 1, 4096, 7968 }, true };
	struct image im;
	image_of(&s, &im);
	ck_assert_uint_gt(check_chunks(&im), 0);
	pyramid_done(&im.pyramid);
}
END_TEST

static void random_shape(struct shape *s)
{
	bool tiled = pick(3) == 0;
	*s = (struct shape){
		.z = pick(60) + 1,
		.y = pick(9000) + 1,
		.x = pick(9000) + 1,
		.rows = (uint32_t)pick(3000) + 1,
		.columns = tiled ? (uint32_t)pick(3000) + 1 : 0,
		.raw = !tiled && pick(3) == 0,
	};
	if (pick(2) == 0)
		return;
	s->chunk[0] = pick(32) + 1;
	s->chunk[1] = pick(1500) + 50;
	s->chunk[2] = pick(1500) + 50;
}

START_TEST(random_shapes)
{
	uint64_t others = 0;
	seed = 0x9e3779b97f4a7c15;
	for (unsigned i = 0; i < 2000; i++) {
		struct shape s;
		random_shape(&s);
		others += check(&s) != 0;
	}
	ck_assert_uint_gt(others, 100);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("weigh");
	TCase *c = tcase_create("weigh");
	tcase_set_timeout(c, 120);
	tcase_add_test(c, runs_that_touch_more_tiles);
	tcase_add_test(c, runs_that_are_smaller);
	tcase_add_test(c, chunks_that_need_more_than_their_run);
	tcase_add_test(c, random_shapes);
	suite_add_tcase(s, c);
	return run_suite(s);
}
