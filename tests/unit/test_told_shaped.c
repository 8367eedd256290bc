/* Axes and planes by tifffile's descriptions: by pages, behind one page, several images, and what fits nothing. */
#include "meta/told_shaped.h"

#include <stdio.h>

#include "tests/unit/made_source.h"
#include "tests/unit/run_suite.h"

enum { W = 4, H = 3, PLANE = W * H, MAX_PAGES = 24 };

static struct made file;
static struct made_source src;
static struct told told;
static struct err err;

struct made_shaped_page {
	const char *text;
	unsigned planes; /* that lie one behind another from here on; 0: 1 */
	unsigned w;	 /* 0: W */
	unsigned subfile;
};

struct made_shaped {
	struct made_shaped_page p[MAX_PAGES];
	unsigned pages; /* 0: 1 */
	unsigned samples, planar, compression;
	bool broken; /* the chain, behind the last page */
	const char *name;
};

/* IFDs first, then pixels. */
static void make(const struct made_shaped *k)
{
	unsigned pages = k->pages != 0 ? k->pages : 1, samples = k->samples != 0 ? k->samples : 1;
	uint64_t at = 16384;
	made_begin(&file, false, false);
	for (unsigned i = 0; i < pages; i++) {
		const struct made_shaped_page *p = &k->p[i];
		unsigned w = p->w != 0 ? p->w : W, bytes = w * H * samples;
		struct made_list l = made_page(w, H, at, bytes);
		uint64_t offsets[] = { at, at + w * H, at + 2 * w * H },
			 counts[] = { w * H, w * H, w * H };
		made_num(&l, 277, 3, samples);
		made_num(&l, 262, 3, samples == 3 ? 2 : 1);
		if (p->subfile != 0)
			made_num(&l, 254, 4, p->subfile);
		if (k->compression != 0)
			made_num(&l, 259, 3, k->compression);
		if (k->planar != 0) {
			made_num(&l, 284, 3, 2);
			made_set(&l, (struct made_tag){
					     .tag = 273, .type = 4, .count = 3, .many = offsets });
			made_set(&l, (struct made_tag){
					     .tag = 279, .type = 4, .count = 3, .many = counts });
		}
		if (p->text != NULL)
			made_set(&l, (struct made_tag){ .tag = 270,
							.type = 2,
							.count = strlen(p->text) + 1,
							.bytes = p->text });
		made_ifd(&file, l.t);
		at += (uint64_t)bytes * (p->planes != 0 ? p->planes : 1);
	}
	ck_assert_uint_lt(file.n, 16384);
	file.n = at;
	if (k->broken)
		made_cut(&file);
}

static int ask(const struct made_shaped *k)
{
	made_source_close(&src);
	told_done(&told);
	err = (struct err){ 0 };
	make(k);
	made_source_open(&src, k->name != NULL ? k->name : "a.tif", file.b, file.n);
	int rc = told_shaped(&src.s, &told, &err);
	ck_assert(!told.notes.oom);
	if (rc != 1)
		ck_assert_uint_eq(told.n_images + told.n_files + told.n_places, 0);
	return rc;
}

static struct told_image *must_tell(const struct made_shaped *k, size_t images)
{
	int rc = ask(k);
	ck_assert_msg(rc == 1, "%d %s %s", rc, err.msg, told.notes.s != NULL ? told.notes.s : "");
	ck_assert_uint_eq(told.n_images, images);
	ck_assert_uint_eq(told.n_files, 1);
	ck_assert_ptr_null(told.files[0]);
	return told.images;
}

static void sizes_are(const struct told_image *im, uint64_t t, uint64_t c, uint64_t z)
{
	ck_assert_msg(im->n[TOLD_T] == t && im->n[TOLD_C] == c && im->n[TOLD_Z] == z,
		      "%d x %d x %d", (int)im->n[TOLD_T], (int)im->n[TOLD_C], (int)im->n[TOLD_Z]);
}

static void plane_is(const struct told_image *im, uint64_t t, uint64_t c, uint64_t z,
		     enum told_where where, uint64_t at)
{
	const struct told_plane *p = told_plane(im, t, c, z);
	ck_assert_msg(p->where == where && p->at == at && p->file == 0, "%d %d %d: %d %d", (int)t,
		      (int)c, (int)z, (int)p->where, (int)p->at);
}

/* Sizes, and how far apart planes are along t, c, z. */
static const struct {
	const char *text;
	unsigned pages;
	uint64_t n[TOLD_AXES], step[TOLD_AXES];
} shapes[] = {
	{ "{\"shape\": [5, 3, 4]}", 5, { 1, 1, 5 }, { 0, 0, 1 } },
	{ "{\"shape\": [5, 3, 4], \"axes\": \"ZYX\"}", 5, { 1, 1, 5 }, { 0, 0, 1 } },
	{ "{\"shape\": [5, 3, 4], \"axes\": \"TYX\"}", 5, { 5, 1, 1 }, { 1, 0, 0 } },
	{ "{\"shape\": [5, 3, 4], \"axes\": \"CYX\"}", 5, { 1, 5, 1 }, { 0, 1, 0 } },
	{ "{\"shape\": [5, 3, 4], \"axes\": \"QYX\"}", 5, { 1, 1, 5 }, { 0, 0, 1 } },
	{ "{\"shape\": [5, 3, 4], \"axes\": \"qyx\"}", 5, { 1, 1, 5 }, { 0, 0, 1 } },
	{ "{\"shape\": [2, 3, 4, 3, 4], \"axes\": \"TZCYX\"}", 24, { 2, 4, 3 }, { 12, 1, 4 } },
	{ "{\"axes\": \"CTZYX\", \"shape\": [2, 3, 4, 3, 4]}", 24, { 3, 2, 4 }, { 4, 12, 1 } },
	{ "{\"shape\": [2, 3, 4, 3, 4], \"axes\": \"ZCTYX\"}", 24, { 4, 3, 2 }, { 1, 4, 12 } },
	{ "{\"shape\": [2, 3, 3, 4], \"axes\": \"QTYX\"}", 6, { 3, 1, 2 }, { 1, 0, 3 } },
	{ "{\"shape\": [1, 1, 5, 1, 3, 4]}", 5, { 1, 1, 5 }, { 0, 0, 1 } },
	{ "{\"shape\": [5, 3, 4, 1]}", 5, { 1, 1, 5 }, { 0, 0, 1 } },
	{ "{\"shape\": [5, 3, 4], \"axes\": \"ZYXS\"}", 5, { 1, 1, 5 }, { 0, 0, 1 } },
	{ "shape=(5, 3, 4)", 5, { 1, 1, 5 }, { 0, 0, 1 } },
	{ "shape=(5,3,4)", 5, { 1, 1, 5 }, { 0, 0, 1 } },
	{ "{\"a\": {\"shape\": [1]}, \"b\": [1, 2], \"shape\": [5, 3, 4], \"axes\": 3, \"d\": NaN}",
	  5,
	  { 1, 1, 5 },
	  { 0, 0, 1 } },
};

START_TEST(shapes_of_pages)
{
	struct made_shaped k = { .p[0].text = shapes[_i].text,
				 .pages = shapes[_i].pages,
				 .compression = 5 };
	struct told_image *im = must_tell(&k, 1);
	const uint64_t *n = shapes[_i].n, *step = shapes[_i].step;
	sizes_are(im, n[TOLD_T], n[TOLD_C], n[TOLD_Z]);
	for (uint64_t t = 0; t < n[TOLD_T]; t++)
		for (uint64_t c = 0; c < n[TOLD_C]; c++)
			for (uint64_t z = 0; z < n[TOLD_Z]; z++)
				plane_is(im, t, c, z, TOLD_PAGE,
					 t * step[TOLD_T] + c * step[TOLD_C] + z * step[TOLD_Z]);
	ck_assert_uint_eq(told.notes.len, 0);
}
END_TEST

START_TEST(axes_that_are_there_with_one_plane)
{
	struct told_image *im = must_tell(
		&(struct made_shaped){ .p[0].text =
					       "{\"shape\": [1, 1, 3, 4], \"axes\": \"TZYX\"}" },
		1);
	sizes_are(im, 1, 1, 1);
	ck_assert(im->has[TOLD_T] && im->has[TOLD_Z] && !im->has[TOLD_C]);
	/* That there is one plane is no news. */
	static const char *const plain[] = { "{\"shape\": [3, 4]}",
					     "{\"shape\": [3, 4], \"axes\": \"YX\"}",
					     "{\"shape\": [1, 1, 3, 4]}", "shape=(3, 4)" };
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		ck_assert_int_eq(ask(&(struct made_shaped){ .p[0].text = plain[i] }), 0);
		ck_assert_uint_eq(told.notes.len, 0);
	}
}
END_TEST

START_TEST(samples_are_no_planes)
{
	for (unsigned planar = 0; planar < 2; planar++) {
		const char *text = planar ? "shape=(2, 3, 3, 4)" : "{\"shape\": [2, 3, 4, 3]}";
		struct made_shaped k = {
			.p[0].text = text, .pages = 2, .samples = 3, .planar = planar
		};
		struct told_image *im = must_tell(&k, 1);
		sizes_are(im, 1, 1, 2);
		plane_is(im, 0, 0, 1, TOLD_PAGE, 1);
	}
	struct made_shaped one = { .p[0].text = "{\"shape\": [3, 4, 3]}", .samples = 3 };
	ck_assert_int_eq(ask(&one), 0);
}
END_TEST

START_TEST(planes_behind_one_page)
{
	struct made_shaped k = { .p[0] = { .text = "{\"shape\": [2, 5, 3, 4], \"axes\": \"TZYX\", "
						   "\"truncated\": true}",
					   .planes = 10 } };
	struct told_image *im = must_tell(&k, 1);
	sizes_are(im, 2, 1, 5);
	plane_is(im, 0, 0, 0, TOLD_BEHIND, 0);
	plane_is(im, 1, 0, 3, TOLD_BEHIND, 8 * PLANE);
	/* Also where nothing says that pages were left out. */
	k.p[0].text = "{\"shape\": [10, 3, 4]}";
	im = must_tell(&k, 1);
	sizes_are(im, 1, 1, 10);
	plane_is(im, 0, 0, 9, TOLD_BEHIND, 9 * PLANE);
	k.compression = 5;
	ck_assert_int_eq(ask(&k), 0);
	ck_assert(made_notes(&told, "compressed"));
}
END_TEST

START_TEST(several_images)
{
	struct made_shaped k = {
		.p = { { .text = "{\"shape\": [2, 3, 4]}" },
		       { 0 },
		       { .text = "{\"shape\": [3, 7], \"name\": \"other\"}", .w = 7 },
		       { .text = "{\"shape\": [3, 3, 4], \"axes\": \"TYX\", \"truncated\": true}",
			 .planes = 3 },
		       { .text = "{\"shape\": [2, 3, 4]}" },
		       { 0 } },
		.pages = 6,
	};
	struct told_image *im = must_tell(&k, 4);
	sizes_are(&im[0], 1, 1, 2);
	plane_is(&im[0], 0, 0, 1, TOLD_PAGE, 1);
	sizes_are(&im[1], 1, 1, 1);
	plane_is(&im[1], 0, 0, 0, TOLD_PAGE, 2);
	sizes_are(&im[2], 3, 1, 1);
	for (uint64_t i = 0; i < 3; i++) {
		plane_is(&im[2], i, 0, 0, TOLD_PLACE, i);
		ck_assert_uint_eq(told.places[i].ifd, src.ifds[3]);
		ck_assert_uint_eq(told.places[i].skip, i * PLANE);
	}
	plane_is(&im[3], 0, 0, 1, TOLD_PAGE, 5);
}
END_TEST

START_TEST(planes_behind_a_broken_chain_are_claimed)
{
	struct made_shaped k = {
		.p[0].text = "{\"shape\": [5, 3, 4]}", .pages = 3, .compression = 5, .broken = true
	};
	struct told_image *im = must_tell(&k, 1);
	sizes_are(im, 1, 1, 5);
	plane_is(im, 0, 0, 2, TOLD_PAGE, 2);
	plane_is(im, 0, 0, 4, TOLD_PAGE, 4);
	ck_assert_uint_eq(told.notes.len, 0);
	/* The second image of two. */
	k.p[0].text = "{\"shape\": [2, 3, 4]}";
	k.p[2].text = "{\"shape\": [3, 3, 4], \"axes\": \"TYX\"}";
	im = must_tell(&k, 2);
	sizes_are(&im[1], 3, 1, 1);
	plane_is(&im[1], 0, 0, 0, TOLD_PAGE, 2);
	plane_is(&im[1], 2, 0, 0, TOLD_PAGE, 4);
	/* These never had pages of their own. */
	k.p[2].text = NULL;
	k.p[0].text = "{\"shape\": [5, 3, 4], \"truncated\": true}";
	ck_assert_int_eq(ask(&k), 0);
	k.p[0].text = "{\"shape\": [70000, 3, 4]}";
	ck_assert_int_eq(ask(&k), 0);
}
END_TEST

START_TEST(images_of_one_page_each)
{
	struct made_shaped k = {
		.p = { { .text = "{\"shape\": [2, 3, 4], \"truncated\": true}", .planes = 2 },
		       { .text = "{\"shape\": [2, 3, 4], \"truncated\": true}", .planes = 2 } },
		.pages = 2
	};
	struct told_image *im = must_tell(&k, 2);
	plane_is(&im[0], 0, 0, 1, TOLD_BEHIND, PLANE);
	plane_is(&im[1], 0, 0, 1, TOLD_PLACE, 1);
	/* Nor are the pages of one the planes of another where nothing says so. */
	k.p[0].text = k.p[1].text = "{\"shape\": [2, 3, 4]}";
	im = must_tell(&k, 2);
	plane_is(&im[0], 0, 0, 1, TOLD_BEHIND, PLANE);
}
END_TEST

START_TEST(overviews_and_strangers_are_no_images)
{
	struct made_shaped k = {
		.p = { { .text = "{\"shape\": [2, 3, 4]}" },
		       { 0 },
		       { .text = "{\"shape\": [3, 2]}", .w = 2, .subfile = 1 },
		       { .w = 9 } },
		.pages = 4,
	};
	struct told_image *im = must_tell(&k, 1);
	sizes_are(im, 1, 1, 2);
}
END_TEST

static const struct {
	struct made_shaped k;
	const char *note;
} misfits[] = {
	{ { .p[0].text = "{\"shape\": [5, 3, 4]}", .pages = 3, .compression = 5 }, "compressed" },
	{ { .p[0].text = "{\"shape\": [3, 3, 4]}", .pages = 5 }, "page 3 of 5 belongs to none" },
	{ { .p[0].text = "{\"shape\": [5, 4, 3]}", .pages = 5 }, "sizes of its pages are others" },
	{ { .p[0].text = "{\"shape\": [5, 3, 4, 3]}", .pages = 5 }, "sizes of its pages" },
	{ { .p[0].text = "{\"shape\": [5, 3, 4], \"truncated\": true}",
	    .pages = 5,
	    .compression = 5 },
	  "compressed" },
	{ { .p[0].text = "{\"shape\": [9000000, 3, 4]}" }, "no room" },
	{ { .p[0].text = "{\"shape\": [4000000000, 4000000000, 4000000000, 3, 4]}" }, "no room" },
	/* Two unknown axes, but not of these pages. */
	{ { .p[0].text = "{\"shape\": [2, 2, 3, 4]}", .pages = 5 }, "page 4 of 5" },
	{ { .p = { { .text = "{\"shape\": [3, 4]}" }, { .text = "{\"shape\": [3, 5]}" } },
	    .pages = 2 },
	  "page 1 of 2" },
};

START_TEST(shapes_that_do_not_fit)
{
	ck_assert_int_eq(ask(&misfits[_i].k), 0);
	ck_assert_msg(made_notes(&told, misfits[_i].note), "%s",
		      told.notes.s != NULL ? told.notes.s : "");
}
END_TEST

static const char *const others[] = {
	NULL,
	"",
	"{",
	"{}",
	"{\"shape\": 5}",
	"{\"shape\": [5]}",
	"{\"shape\": []}",
	"{\"shape\": [0, 3, 4]}",
	"{\"shape\": [-5, 3, 4]}",
	"{\"shape\": [5.5, 3, 4]}",
	"{\"shape\": [\"a\", 3, 4]}",
	"{\"shape\": [5, 3, 4",
	"{\"shape\": [1,1,1,1,1,1,1,1,1,1,1,1,1,1,5,3,4]}",
	"{\"shape\": [5, 3, 4], \"shape\": [5, 3, 4]}",
	"[5, 3, 4]",
	"shape=5, 3, 4",
	"shape=(5, 3, 4",
	"shape=(5, 3, x)",
	"shape=()",
	"shape=(4)",
	"shape=(99999999999999999999999, 3, 4)",
	"\"shape\": [5, 3, 4]",
	"ImageJ=1\n",
};

START_TEST(other_texts)
{
	ck_assert_int_eq(ask(&(struct made_shaped){ .p[0].text = others[_i], .pages = 5 }), 0);
	ck_assert_uint_eq(told.notes.len, 0);
}
END_TEST

static const struct {
	struct made_shaped k;
	const char *want, *lacks;
} unclear[] = {
	{ { .p[0].text = "{\"shape\": [4, 5, 3, 4]}", .pages = 20 },
	  "4 x 5 planes, and does not say which axes they are: --pattern 'a.tif#{t,z=5}'",
	  NULL },
	{ { .p[0].text = "{\"shape\": [2, 1, 3, 4, 3, 4]}", .pages = 24, .name = "n{1}\xff.tif" },
	  "'n{{1}}\xef\xbf\xbd.tif#{t,c=3,z=4}'",
	  NULL },
	{ { .p[0].text = "{\"shape\": [4, 5, 3, 4], \"axes\": \"QIYX\"}", .pages = 20 },
	  "'a.tif#{t,z=5}'",
	  NULL },
	{ { .p[0].text = "{\"shape\": [4, 5, 3, 4], \"axes\": \"ZZYX\"}", .pages = 20 },
	  "'a.tif#{z,t=5}'",
	  NULL },
	{ { .p[0].text = "{\"shape\": [4, 5, 3, 4], \"axes\": \"QZYX\"}", .pages = 20 },
	  "'a.tif#{t,z=5}'",
	  NULL },
	{ { .p[0].text = "{\"shape\": [2, 2, 5, 3, 4], \"axes\": \"QIZYX\"}", .pages = 20 },
	  "'a.tif#{t,c=2,z=5}'",
	  NULL },
	{ { .p[0].text = "{\"shape\": [2, 2, 2, 2, 3, 4]}", .pages = 16 },
	  "2 x 2 x 2 x 2 planes",
	  "--pattern" },
	/* No page is a plane. */
	{ { .p[0] = { .text = "{\"shape\": [4, 5, 3, 4]}", .planes = 20 } },
	  "4 x 5 planes",
	  "--pattern" },
};

START_TEST(axes_without_names)
{
	ck_assert_int_eq(ask(&unclear[_i].k), -EINVAL);
	ck_assert_int_eq(err.code, EINVAL);
	ck_assert_msg(strstr(err.msg, unclear[_i].want) != NULL, "%s", err.msg);
	if (unclear[_i].lacks != NULL)
		ck_assert_msg(strstr(err.msg, unclear[_i].lacks) == NULL, "%s", err.msg);
}
END_TEST

/* Many small promises must not become a large one. */
START_TEST(claims_add_up)
{
	struct made_shaped k = { .pages = 4 };
	for (unsigned i = 0; i < k.pages; i++)
		k.p[i].text = "{\"shape\": [60000, 3, 4], \"truncated\": true}";
	ck_assert_int_eq(ask(&k), 0);
	k.pages = 1;
	sizes_are(must_tell(&k, 1), 1, 1, 60000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("told_shaped");
	TCase *tc = tcase_create("told_shaped");
	tcase_add_loop_test(tc, shapes_of_pages, 0, ARRAY_SIZE(shapes));
	tcase_add_test(tc, axes_that_are_there_with_one_plane);
	tcase_add_test(tc, samples_are_no_planes);
	tcase_add_test(tc, planes_behind_one_page);
	tcase_add_test(tc, several_images);
	tcase_add_test(tc, planes_behind_a_broken_chain_are_claimed);
	tcase_add_test(tc, images_of_one_page_each);
	tcase_add_test(tc, overviews_and_strangers_are_no_images);
	tcase_add_loop_test(tc, shapes_that_do_not_fit, 0, ARRAY_SIZE(misfits));
	tcase_add_loop_test(tc, other_texts, 0, ARRAY_SIZE(others));
	tcase_add_loop_test(tc, axes_without_names, 0, ARRAY_SIZE(unclear));
	tcase_add_test(tc, claims_add_up);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
