/* Stored overviews as levels: which are taken, who makes which level, and what is counted as lost with them. */
#include "meta/chunk_source.h"
#include "meta/lost.h"
#include "meta/overviews.h"
#include "tests/unit/run_suite.h"
#include "tests/unit/tiny_tree.h"

#include <errno.h>

#define OVERVIEW(w_, h_)                                                                           \
	{                                                                                          \
		.w = (w_), .h = (h_), .photometric = 1, .subfile = 1                               \
	}

static struct dataset *d;
static struct err err;
static struct scan_options opts;

static void setup(void)
{
	tiny_enter();
	d = NULL;
	err = (struct err){ 0 };
	opts = (struct scan_options){ .use_overviews = true };
	opts.pyramid.ladder =
		(struct ladder_options){ .mode = SAMPLING_CONSTANT_Z, .max_mag = { 1, 16, 16 } };
}

static void teardown(void)
{
	dataset_free(d);
	tiny_leave();
}

static struct image *look(const char *source)
{
	dataset_free(d);
	d = NULL;
	ck_assert_msg(dataset_scan(source, &opts, &d, &err) == 0, "%s", err.msg);
	ck_assert_msg(dataset_look(d, 0, &opts, false, &err) == 0, "%s", err.msg);
	return &d->images[0];
}

static bool warned(const struct image *im, const char *part)
{
	for (size_t i = 0; i < im->n_warnings; i++)
		if (strstr(im->warnings[i], part) != NULL)
			return true;
	return false;
}

static void made(const struct image *im, const char *letters)
{
	static const char of[] = { [LEVEL_STORED] = 's',
				   [LEVEL_TRUE] = 't',
				   [LEVEL_PREVIEW] = 'p',
				   [LEVEL_OVERVIEW] = 'o' };
	ck_assert_uint_eq(im->pyramid.n, strlen(letters));
	for (unsigned k = 0; k < im->pyramid.n; k++)
		ck_assert_msg(of[im->pyramid.level[k].made] == letters[k], "level %u", k);
}

/* Mags 2 and 8 are stored: 4 is made from 2, 16 from 8. */
static void make_four(void)
{
	for (int z = 0; z < 4; z++)
		tiny_pages(PAGES(GRAY(200, 101), OVERVIEW(100, 51), OVERVIEW(25, 13)), "s/s_%d.tif",
			   z);
}

START_TEST(levels_and_their_makers)
{
	make_four();
	const struct image *im = look("s");
	made(im, "sotot");
	ck_assert_uint_eq(im->pyramid.own, 1);
	ck_assert_uint_eq(im->n_overviews, 2);
	ck_assert_uint_eq(d->n_left_out, 0);
	static const struct {
		uint32_t image;
		unsigned level;
	} want[] = { { 0, 0 }, { 1, 0 }, { 1, 1 }, { 2, 0 }, { 2, 1 } };
	for (unsigned k = 0; k < 5; k++) {
		struct maker m = image_maker(d, 0, k);
		ck_assert_uint_eq(m.image, want[k].image);
		ck_assert_uint_eq(m.level, want[k].level);
		const struct image *by = dataset_image(d, m.image);
		const struct level *l = &by->pyramid.level[m.level], *shown = &im->pyramid.level[k];
		ck_assert_uint_eq(by->first_level + m.level, k);
		ck_assert_int_eq(memcmp(l->size, shown->size, sizeof(l->size)), 0);
		ck_assert_int_eq(memcmp(l->chunk, shown->chunk, sizeof(l->chunk)), 0);
		ck_assert_int_eq(memcmp(l->chunks, shown->chunks, sizeof(l->chunks)), 0);
		ck_assert_uint_eq(shown->mag[1], UINT64_C(1) << k);
		ck_assert_ptr_eq(by->planes, im->planes);
	}
	ck_assert_ptr_null(dataset_image(d, 3));
	ck_assert_ptr_null(dataset_image(d, UINT32_MAX));
	/* A second look takes the place of the first. */
	ck_assert_int_eq(dataset_look(d, 0, &opts, true, &err), 0);
	made(im, "sotot");
	ck_assert_uint_eq(im->n_overviews, 2);
	opts.use_overviews = false;
	made(look("s"), "stttt");
	ck_assert_uint_eq(d->images[0].n_overviews, 0);
	ck_assert_uint_gt(d->n_left_out, 0);
	/* The numbers of several images' overviews do not meet. */
	opts.use_overviews = true;
	opts.group_none = true;
	look("s");
	ck_assert_uint_eq(d->n_images, 4);
	ck_assert_int_eq(dataset_look(d, 3, &opts, false, &err), 0);
	ck_assert_uint_eq(image_maker(d, 3, 4).image, 3 + 2 * 4);
	ck_assert_ptr_eq(dataset_image(d, 3 + 2 * 4), d->images[3].overviews[1]);
	ck_assert_ptr_null(dataset_image(d, 1 + 4));
}
END_TEST

START_TEST(chunks_are_no_deeper_than_theirs)
{
	make_four();
	opts.chunk_shape[0] = 3;
	opts.chunk_shape[1] = opts.chunk_shape[2] = 16;
	const struct image *im = look("s");
	for (unsigned k = 0; k < im->pyramid.n; k++)
		ck_assert_uint_eq(im->pyramid.level[k].chunk[AXIS_Z], 3);
	opts.chunk_shape[0] = 0;
	im = look("s");
	for (unsigned k = 1; k < im->pyramid.n; k++) {
		ck_assert_uint_le(im->pyramid.level[k].chunk[AXIS_Z], im->grid.chunk[AXIS_Z]);
		ck_assert_uint_eq(im->pyramid.level[k].chunk[AXIS_X], im->grid.chunk[AXIS_X]);
	}
}
END_TEST

START_TEST(what_does_not_fit)
{
	tiny_pages(PAGES(GRAY(200, 101), OVERVIEW(100, 50)), "floor.tif");
	made(look("floor.tif"), "stttt");
	ck_assert(warned(&d->images[0], "fit no level are not used: 100 x 50"));
	tiny_pages(PAGES(GRAY(200, 101)), "none.tif");
	made(look("none.tif"), "stttt");
	ck_assert(warned(&d->images[0], "'none.tif' has no stored overview of its first plane"));
	make_four();
	tiny_pages(PAGES(GRAY(200, 101), OVERVIEW(25, 13)), "s/s_2.tif");
	made(look("s"), "sttot");
	ck_assert(warned(&d->images[0], "level 1 is computed, for not all planes have it stored"));
	ck_assert(warned(&d->images[0], "s_2.tif: it has no stored overview of 100 x 51"));
	/* A file that cannot be read has none, and no plane either. */
	tiny_bytes("s/s_2.tif", "no TIFF at all", 14);
	made(look("s"), "sotot");
}
END_TEST

START_TEST(lost_with_them)
{
	make_four();
	opts.chunk_shape[0] = 1;
	opts.chunk_shape[1] = opts.chunk_shape[2] = 16;
	look("s");
	struct image *im = &d->images[0];
	bool more;
	ck_assert_uint_eq(lost_chunks(im, &more), 0);
	/* Of mag 2: all chunks of the plane, and those of mag 4 above them. */
	uint64_t n = lost_add(im->overviews[0], &(struct lost_units){ 1, UNIT_ALL, 1 });
	ck_assert_uint_eq(n, 7 * 4 + 4 * 2);
	/* The plane itself: no coarser level is made of it. */
	ck_assert_uint_eq(lost_add(im, &(struct lost_units){ 1, UNIT_ALL, 1 }), 0);
	ck_assert_uint_eq(lost_chunks(im, &more), n);
	ck_assert(!more);
	/* A whole file takes all of them. */
	d->files[im->planes[3].file].trouble = ENODATA;
	lost_begin(d, im);
	ck_assert_uint_eq(lost_chunks(im, &more), 7 * 4 + 4 * 2 + 2 * 1 + 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("overviews");
	TCase *c = tcase_create("overviews");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, levels_and_their_makers);
	tcase_add_test(c, chunks_are_no_deeper_than_theirs);
	tcase_add_test(c, what_does_not_fit);
	tcase_add_test(c, lost_with_them);
	suite_add_tcase(s, c);
	return run_suite(s);
}
