#include <errno.h>
#include <string.h>

#include "meta/told_join.h"
#include "tests/unit/run_suite.h"

static struct err err;

/* An image of t x c x z planes, called `key`, in told `t`. */
static struct told_image *image(struct told *t, uint64_t nt, uint64_t nc, uint64_t nz,
				const char *key)
{
	struct told_image *im = told_add_image(t, (const uint64_t[]){ nt, nc, nz }, &err);
	ck_assert_ptr_nonnull(im);
	if (key != NULL)
		ck_assert_ptr_nonnull(im->key = strdup(key));
	return im;
}

static uint32_t file(struct told *t, const char *path)
{
	uint32_t number = 0;
	ck_assert_int_eq(told_add_file(t, path, &number), 0);
	return number;
}

static void claim(struct told_image *im, uint64_t t, uint64_t c, uint64_t z, uint32_t of,
		  uint64_t at)
{
	*told_plane(im, t, c, z) = (struct told_plane){ of, TOLD_PAGE, at };
}

static void is(const struct told *told, const struct told_image *im, uint64_t t, uint64_t c,
	       uint64_t z, const char *path, uint64_t at)
{
	const struct told_plane *p = told_plane(im, t, c, z);
	ck_assert_int_eq(p->where, TOLD_PAGE);
	ck_assert_pstr_eq(told->files[p->file], path);
	ck_assert_uint_eq(p->at, at);
}

/* Two files of one image: the second holds later times and more z; what both claim stays the first's. */
START_TEST(parts_of_one_image)
{
	struct told CLEANUP(told_done) a = { 0 };
	struct told CLEANUP(told_done) b = { 0 };
	struct told_image *x = image(&a, 2, 2, 2, "Pos0");
	uint32_t own = file(&a, NULL);
	claim(x, 0, 0, 0, own, 3);
	claim(x, 1, 1, 1, own, 7);
	struct told_image *y = image(&b, 3, 2, 4, "Pos0");
	uint32_t theirs = file(&b, NULL);
	claim(y, 0, 0, 0, theirs, 90);
	claim(y, 2, 1, 3, theirs, 91);
	told_note(&b, "a word");
	ck_assert_int_eq(told_join(&a, &b, "b.tif", &err), 0);
	ck_assert_uint_eq(a.n_images, 1);
	x = &a.images[0];
	ck_assert_uint_eq(x->n[TOLD_T], 3);
	ck_assert_uint_eq(x->n[TOLD_C], 2);
	ck_assert_uint_eq(x->n[TOLD_Z], 4);
	is(&a, x, 0, 0, 0, NULL, 3);
	is(&a, x, 1, 1, 1, NULL, 7);
	is(&a, x, 2, 1, 3, "b.tif", 91);
	ck_assert_int_eq(told_plane(x, 2, 0, 0)->where, TOLD_GAP);
	ck_assert_str_eq(a.notes.s, "a word\n");
}
END_TEST

/* Images by their keys, whatever their order; a new one comes with its facts; places are counted on. */
START_TEST(images_of_several_keys)
{
	struct told CLEANUP(told_done) a = { 0 };
	struct told CLEANUP(told_done) b = { 0 };
	claim(image(&a, 1, 1, 2, "P0"), 0, 0, 0, file(&a, NULL), 1);
	ck_assert_ptr_nonnull(a.places = calloc(1, sizeof(*a.places)));
	a.n_places = 1;
	struct told_image *new = image(&b, 1, 1, 1, "P1");
	new->time_step = 2.5;
	*told_plane(new, 0, 0, 0) = (struct told_plane){ file(&b, "c.tif"), TOLD_PLACE, 0 };
	claim(image(&b, 1, 1, 2, "P0"), 0, 0, 1, 0, 9);
	ck_assert_ptr_nonnull(b.places = calloc(1, sizeof(*b.places)));
	b.n_places = 1;
	b.places[0].skip = 77;
	ck_assert_int_eq(told_join(&a, &b, "b.tif", &err), 0);
	ck_assert_uint_eq(a.n_images, 2);
	is(&a, &a.images[0], 0, 0, 0, NULL, 1);
	is(&a, &a.images[0], 0, 0, 1, "c.tif", 9);
	ck_assert_str_eq(a.images[1].key, "P1");
	ck_assert_double_eq(a.images[1].time_step, 2.5);
	const struct told_plane *p = told_plane(&a.images[1], 0, 0, 0);
	ck_assert_int_eq(p->where, TOLD_PLACE);
	ck_assert_uint_eq(a.places[p->at].skip, 77);
}
END_TEST

START_TEST(too_many)
{
	struct told CLEANUP(told_done) a = { 0 };
	struct told CLEANUP(told_done) b = { 0 };
	image(&a, 1, 1, TOLD_MAX_PLANES, NULL);
	image(&b, 2, 1, 1, NULL);
	ck_assert_int_eq(told_join(&a, &b, "b.tif", &err), -EOVERFLOW);
}
END_TEST

START_TEST(stopped_runs)
{
	struct told CLEANUP(told_done) t = { 0 };
	uint32_t own = file(&t, NULL);
	claim(image(&t, 5, 1, 2, "Pos1"), 2, 0, 1, own, 0);
	image(&t, 3, 1, 1, NULL);
	told_trim(&t);
	ck_assert_uint_eq(t.images[0].n[TOLD_T], 3);
	ck_assert_ptr_nonnull(
		strstr(t.notes.s, "5 time points are announced, 3 were written of Pos1"));
	/* Of nothing one stays. */
	ck_assert_uint_eq(t.images[1].n[TOLD_T], 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("told_join");
	TCase *tc = tcase_create("told_join");
	tcase_add_test(tc, parts_of_one_image);
	tcase_add_test(tc, images_of_several_keys);
	tcase_add_test(tc, too_many);
	tcase_add_test(tc, stopped_runs);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
