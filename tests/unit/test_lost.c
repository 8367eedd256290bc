#include "meta/lost.h"

#include "meta/chunk_source.h"
#include "tests/unit/made_dataset.h"
#include "tests/unit/run_suite.h"

#include <errno.h>
#include <time.h>

static struct dataset data;

static void setup(void)
{
	made_dataset(&data, 1, 100);
}

static void teardown(void)
{
	lost_free(data.images[0].lost);
	made_done(&data);
}

static bool is_needed(const struct image *im, unsigned level, uint64_t chunk,
		      const struct lost_units *u)
{
	for (uint64_t i = 0; i < u->n; i++) {
		struct plane_part part;
		plane_part_of(im, u->plane, u->first == UNIT_ALL ? UNIT_ALL : u->first + i, 1,
			      &part);
		if (chunk_needs(im, level, chunk, &part))
			return true;
	}
	return false;
}

static uint64_t counted_one_by_one(const struct image *im, const struct lost_units *u, size_t n)
{
	uint64_t sum = 0;
	for (unsigned level = 1; level < im->pyramid.n; level++)
		for (uint64_t k = 0; k < level_chunk_count(&im->pyramid.level[level]); k++) {
			bool lost = false;
			for (size_t i = 0; i < n && !lost; i++)
				lost = is_needed(im, level, k, &u[i]);
			sum += lost;
		}
	return sum;
}

START_TEST(counts_what_a_look_at_every_chunk_counts)
{
	struct image *im = &data.images[0];
	const struct lost_units bad[] = {
		{ 3, 5, 1 },   { 3, 6, 1 },	    { 40, 0, 32 },
		{ 99, 31, 1 }, { 41, UNIT_ALL, 1 }, { 3, 5, 1 },
	};
	bool more;
	uint64_t sum = 0;
	ck_assert_uint_eq(lost_chunks(im, &more), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		sum += lost_add(im, &bad[i]);
		ck_assert_uint_eq(lost_chunks(im, &more), sum);
		ck_assert_uint_eq(sum, counted_one_by_one(im, bad, i + 1));
	}
	ck_assert(sum > 0 && !more);
}
END_TEST

START_TEST(begins_with_what_the_scan_knows)
{
	struct image *im = &data.images[0];
	bool more;
	data.files[7].trouble = ENODATA;
	lost_begin(&data, im);
	const struct lost_units plane = { 7, UNIT_ALL, 1 };
	ck_assert_uint_eq(lost_chunks(im, &more), counted_one_by_one(im, &plane, 1));
	data.fill_damaged = true;
	lost_begin(&data, im);
	ck_assert_uint_eq(lost_chunks(im, &more), 0);
}
END_TEST

/* Every other strip of large pages is bad: the count ends, and says so. */
START_TEST(gives_up_in_time)
{
	struct image *im = &data.images[0];
	uint64_t size[AXIS_COUNT] = { 1, 1, 100, 1 << 17, 1 << 17 };
	struct grid_layout layout = {
		.compressed = true, .unit_h = 16, .unit_w = 1 << 17, .samples = 1
	};
	struct pyramid_options levels = { .preview = PREVIEW_NEVER };
	struct err err = { 0 };
	uint64_t chunk[3] = { 1, 64, 64 };
	ck_assert_int_eq(grid_make(size, 1, &layout, chunk, &im->grid, &err), 0);
	pyramid_done(&im->pyramid);
	ck_assert_int_eq(
		pyramid_make(&im->grid, im->voxel, true, 512 * KiB, &levels, &im->pyramid, &err),
		0);
	im->kind.width = im->kind.height = im->kind.unit_w = 1 << 17;
	im->kind.unit_h = 16;
	im->kind.units_y = 1 << 13;
	struct timespec t0, t1;
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (uint64_t i = 0; i < 16384; i++)
		lost_add(im, &(struct lost_units){ i % 100, 2 * i % 8192, 1 });
	clock_gettime(CLOCK_MONOTONIC, &t1);
	bool more;
	ck_assert(lost_chunks(im, &more) > 0 && more);
	ck_assert_int_lt(t1.tv_sec - t0.tv_sec, 30);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lost");
	TCase *c = tcase_create("lost");
	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, counts_what_a_look_at_every_chunk_counts);
	tcase_add_test(c, begins_with_what_the_scan_knows);
	tcase_add_test(c, gives_up_in_time);
	suite_add_tcase(s, c);
	return run_suite(s);
}
