/* Which files are labels, of which image and under which path; and what a label must be beside its image. */
#include "meta/label_colors.h"
#include "meta/label_look.h"
#include "meta/scan.h"
#include "tests/unit/run_suite.h"
#include "tests/unit/tiny_tree.h"

#include <errno.h>

static struct dataset *d;
static struct err err;
static struct scan_options opts;
static struct scan_label given[4];

static void setup(void)
{
	tiny_enter();
	d = NULL;
	err = (struct err){ 0 };
	opts = (struct scan_options){ .labels = given };
}

static void teardown(void)
{
	dataset_free(d);
	tiny_leave();
}

static void give(const char *path, const char *source)
{
	given[opts.n_labels++] =
		(struct scan_label){ (char *)(uintptr_t)path, (char *)(uintptr_t)source };
}

static int try_scan(const char *source)
{
	dataset_free(d);
	d = NULL;
	return dataset_scan(source, &opts, &d, &err);
}

static void refused(const char *source, const char *part, const char *other)
{
	ck_assert_int_eq(try_scan(source), -EINVAL);
	ck_assert_msg(strstr(err.msg, part) != NULL, "'%s' lacks '%s'", err.msg, part);
	ck_assert_msg(strstr(err.msg, other) != NULL, "'%s' lacks '%s'", err.msg, other);
}

/* "em em/labels/original/0", and that labels and images know each other. */
static void ids_are(const char *source, const char *want)
{
	ck_assert_msg(try_scan(source) == 0, "%s", err.msg);
	char got[512] = "";
	size_t labels = 0;
	for (size_t i = 0; i < d->n_images; i++) {
		const struct image *im = &d->images[i];
		size_t n = strlen(got);
		snprintf(got + n, sizeof(got) - n, "%s%s", i > 0 ? " " : "", im->id);
		ck_assert_int_eq(im->label != NULL, i >= dataset_shown(d));
		labels += im->n_labels;
		if (im->label == NULL)
			continue;
		const struct image *of = &d->images[im->parent];
		ck_assert_ptr_null(of->label);
		ck_assert(i >= of->first_label && i < of->first_label + of->n_labels);
		ck_assert_str_eq(im->id + strlen(of->id) + strlen("/labels/"), im->label);
	}
	ck_assert_str_eq(got, want);
	ck_assert_uint_eq(labels, d->n_labels);
	for (size_t i = 0; i < dataset_shown(d); i++)
		ck_assert_uint_eq(dataset_find(d, d->images[i].id, strlen(d->images[i].id)), i);
}

static void series(const char *folder, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		tiny_pages(PAGES(GRAY(8, 6)), "%s/s_%03u.tif", folder, i);
}

static void one(const char *path)
{
	tiny_pages(PAGES(GRAY(8, 6)), "%s", path);
}

static bool warned(size_t image, const char *part)
{
	const struct image *im = &d->images[image];
	for (size_t i = 0; i < im->n_warnings; i++)
		if (strstr(im->warnings[i], part) != NULL)
			return true;
	return false;
}

static bool left_out(const char *path, const char *why)
{
	for (size_t i = 0; i < d->n_left_out; i++)
		if (strcmp(d->left_out[i].path, path) == 0 &&
		    strstr(d->left_out[i].why, why) != NULL)
			return true;
	return false;
}

static const char *first_file(size_t image)
{
	return d->files[d->images[image].planes[0].file].path;
}

START_TEST(beside_the_files_or_their_folder)
{
	series("em", 3);
	series("em/labels", 3);
	ids_are("em", "em em/labels/original/0");
	ck_assert(d->one_image);
	ck_assert_uint_eq(d->n_files, 6);
	ck_assert_str_eq(first_file(0), "s_000.tif");
	ck_assert_str_eq(first_file(1), "labels/s_000.tif");
	series("cube/raw", 3);
	series("cube/labels", 3);
	ids_are("cube", "cube cube/labels/original/0");
	series("deep/a/b", 3);
	series("deep/labels/nuclei", 3);
	ids_are("deep", "deep deep/labels/nuclei");
}
END_TEST

START_TEST(paths)
{
	series("em", 3);
	series("em/labels/cells", 3);
	series("em/labels/organs/er", 2);
	one("em/labels/organs/golgi/all.ome.tif");
	one("em/labels/one/spine 2.tif");
	ids_are("em", "em em/labels/cells em/labels/one/spine 2 em/labels/organs/er "
		      "em/labels/organs/golgi/all");
	/* Numbers count by their value, and a folder that numbers begin comes as a whole. */
	series("n", 2);
	series("n/labels/s10", 2);
	series("n/labels/s9/x", 2);
	series("n/labels/s9/a", 2);
	ids_are("n", "n n/labels/s9/a n/labels/s9/x n/labels/s10");
	/* Files that are no series have names of their own. */
	series("two", 2);
	one("two/labels/cells.tif");
	one("two/labels/nuclei.tif");
	ids_are("two", "two two/labels/cells two/labels/nuclei");
	one("lone/x.tif");
	one("lone/labels/cells.tif");
	ids_are("lone", "lone lone/labels/original/0");
	/* What is no safe name becomes one. */
	series("odd", 2);
	series("odd/labels/a:b", 2);
	series("odd/labels/labels", 2);
	series("odd/labels/zarr.json", 2);
	ids_are("odd", "odd odd/labels/a_b odd/labels/labels_ odd/labels/zarr.json_");
}
END_TEST

START_TEST(each_image_its_own)
{
	series("top/b", 3);
	series("top/b/labels", 3);
	series("top/a", 3);
	series("top/a/labels/cells", 3);
	series("top/a/labels/axons", 3);
	series("top/c", 3);
	ids_are("top", "a b c a/labels/axons a/labels/cells b/labels/original/0");
	ck_assert(!d->one_image);
	ck_assert_uint_eq(d->images[0].n_labels, 2);
	ck_assert_uint_eq(d->images[2].n_labels, 0);
	ck_assert_str_eq(first_file(3), "a/labels/axons/s_000.tif");
	/* The image of the folder itself comes before those below it. */
	series("own", 3);
	series("own/more", 3);
	series("own/labels", 3);
	ids_are("own", "more own own/labels/original/0");
}
END_TEST

START_TEST(not_said_whose)
{
	series("several/a", 3);
	series("several/b", 3);
	series("several/labels/a", 3);
	ids_are("several", "a b labels_a");
	ck_assert_ptr_nonnull(strstr(d->hint, "labels/a lies beside 2 images"));
	series("alone/labels", 3);
	ids_are("alone", "alone");
	ck_assert_ptr_null(d->hint);
	series("labels", 3);
	ids_are("labels", "labels_");
}
END_TEST

START_TEST(beside_a_pattern)
{
	series("em/ch0", 3);
	series("em/ch1", 3);
	series("em/labels", 3);
	series("em/labels/cells/x", 3);
	opts.pattern = "ch{c}/s_{z}.tif";
	ids_are("em", "em em/labels/cells/x em/labels/original/0");
	ck_assert_uint_eq(d->images[0].n_c, 2);
	ck_assert_uint_eq(d->images[0].n_gaps, 0);
	opts.pattern = "labels/s_{z}.tif";
	ids_are("em", "em");
	ck_assert_str_eq(first_file(0), "labels/s_000.tif");
	opts.pattern = "{i}/s_{z}.tif";
	ids_are("em", "ch0 ch1");
	ck_assert(left_out("labels", "beside several images"));
	series("flat", 3);
	series("flat/labels/deep/er", 3);
	opts.pattern = "s_{z}.tif";
	ids_are("flat", "flat flat/labels/deep/er");
}
END_TEST

START_TEST(a_label_that_is_no_use_is_left_out_alone)
{
	series("em", 3);
	series("em/labels/cells", 3);
	series("em/labels/cells/more", 3);
	ids_are("em", "em em/labels/cells");
	ck_assert(left_out("labels/cells/more/s_000.tif", "inside another"));
	ck_assert(warned(0, "it would lie inside the label cells"));
	ck_assert_uint_eq(d->n_files, 6);
	/* labels/a/b.tif and labels/a/b/ have one name. */
	series("same", 3);
	one("same/labels/a/b.tif");
	series("same/labels/a/b", 3);
	ids_are("same", "same same/labels/a/b");
	ck_assert(warned(0, "has the same name"));
	/* Two numbers vary and nothing says what they are. */
	series("vague", 3);
	for (unsigned i = 0; i < 6; i++)
		tiny_pages(PAGES(GRAY(8, 6)), "vague/labels/%u_%u_7.tif", i / 3, i % 3 * 2);
	series("vague/labels/good", 3);
	ids_are("vague", "vague vague/labels/good");
	ck_assert(left_out("labels", "names say too little"));
	ck_assert(warned(0, "label left out: vague/labels"));
}
END_TEST

START_TEST(given_by_option)
{
	series("em", 3);
	series("em/labels", 3);
	series("other/seg", 3);
	one("other/nuclei.tif");
	give("cells/all", "other/seg/");
	give("nuclei", "other/nuclei.tif");
	ids_are("em", "em em/labels/cells/all em/labels/nuclei em/labels/original/0");
	ck_assert_str_eq(first_file(1), "other/seg/s_000.tif");
	ck_assert_str_eq(first_file(2), "other/nuclei.tif");
	/* Opened from the folder that was found at the scan. */
	ck_assert_int_eq(rename("other", "moved"), 0);
	for (size_t i = 0; i < d->n_files; i++) {
		int fd = dataset_open(d, &d->files[i], true);
		ck_assert_msg(fd >= 0, "%s: %s", d->files[i].path, strerror(-fd));
		close(fd);
	}
	for (size_t i = 0; i < d->n_images; i++)
		ck_assert_msg(dataset_look(d, i, &opts, false, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(try_scan("em"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "--label cells/all: other/seg/: no such file"));
}
END_TEST

START_TEST(options_that_do_not_fit)
{
	series("em", 3);
	series("em/labels/cells", 3);
	series("seg", 3);
	series("seg/labels", 3);
	series("two/a", 3);
	series("two/b", 3);
	give("x", "two");
	refused("em", "--label x: two holds 2 images", "a and b");
	opts.n_labels = 0;
	give("x", "seg");
	refused("em", "--label x: seg holds 2 images", "labels_");
	refused("two", "--label", "holds 2");
	opts.n_labels = 0;
	give("cells", "seg/labels");
	refused("em", "'cells'", "there is a label of this name already");
	opts.n_labels = 0;
	give("cells/a", "seg/labels");
	refused("em", "'cells/a'", "cannot lie inside another");
	opts.n_labels = 0;
	give("a", "seg/labels");
	give("a", "em/labels/cells");
	refused("em", "'a'", "given twice");
}
END_TEST

START_TEST(the_fingerprint_and_the_mount_point)
{
	series("em", 3);
	series("seg", 3);
	ids_are("em", "em");
	uint64_t before = d->fingerprint;
	give("a", "seg");
	ids_are("em", "em em/labels/a");
	ck_assert_uint_ne(d->fingerprint, before);
	before = d->fingerprint;
	one("seg/s_003.tif");
	ids_are("em", "em em/labels/a");
	ck_assert_uint_ne(d->fingerprint, before);
	series("seg/mnt", 3);
	opts.mountpoint = "seg/mnt";
	ids_are("em", "em em/labels/a");
}
END_TEST

/* ---- the first look ---- */

/* Looks at the image and its label, and holds them against each other. */
static int look(const char *source)
{
	ck_assert_msg(try_scan(source) == 0, "%s", err.msg);
	ck_assert_uint_eq(d->n_images, 2);
	for (size_t i = 0; i < 2; i++) {
		int rc = dataset_look(d, i, &opts, false, &err);
		if (rc != 0)
			return rc;
		if (i == 0)
			image_publish(&d->images[0], IMAGE_READY);
	}
	return label_check(d, &d->images[1], &opts, &err);
}

static void does_not_fit(const char *source, const char *own, const char *its)
{
	ck_assert_int_eq(look(source), -EINVAL);
	ck_assert_msg(strstr(err.msg, own) != NULL, "'%s' lacks '%s'", err.msg, own);
	ck_assert_msg(strstr(err.msg, its) != NULL, "'%s' lacks '%s'", err.msg, its);
	ck_assert_str_eq(d->images[1].why.msg, err.msg);
}

START_TEST(shapes_that_do_not_fit)
{
	series("deep", 3);
	series("deep/labels/a", 4);
	does_not_fit("deep", "z,y,x = 4 x 6 x 8", "its image z,y,x = 3 x 6 x 8");
	one("wide/a.tif");
	tiny_pages(PAGES(GRAY(9, 6)), "wide/labels/a.tif");
	does_not_fit("wide", "y,x = 6 x 9", "its image y,x = 6 x 8");
	one("rgb/a.tif");
	tiny_pages(PAGES({ .w = 8, .h = 6, .samples = 3, .photometric = 2 }), "rgb/labels/a.tif");
	does_not_fit("rgb", "c,y,x = 3 x 6 x 8", "its image y,x = 6 x 8");
	for (unsigned t = 0; t < 4; t++) {
		tiny_pages(PAGES(GRAY(8, 6)), "time/t%u.tif", t);
		if (t < 3)
			tiny_pages(PAGES(GRAY(8, 6)), "time/labels/t%u.tif", t);
	}
	does_not_fit("time", "t,y,x = 3 x 6 x 8", "its image t,y,x = 4 x 6 x 8");
	/* An image that is unusable has no usable label. */
	image_publish(&d->images[0], IMAGE_BAD);
	ck_assert_int_eq(label_check(d, &d->images[1], &opts, &err), -EINVAL);
}
END_TEST

START_TEST(it_takes_its_axes_and_voxels_from_its_image)
{
	opts.voxel_size[0] = opts.voxel_size[1] = 4;
	opts.voxel_size[2] = 40;
	opts.time_step = 2;
	for (unsigned i = 0; i < 12; i++) {
		tiny_pages(PAGES(GRAY(8, 6)), "em/t%u_c%u_z%u.tif", i / 6, i / 3 % 2, i % 3);
		if (i < 6)
			tiny_pages(PAGES({ .w = 8,
					   .h = 6,
					   .photometric = 1,
					   .bits = 16,
					   .unit = 3,
					   .num = 7,
					   .den = 1 }),
				   "em/labels/t%u_c0_z%u.tif", i / 3, i % 3);
		if (i < 3)
			tiny_pages(PAGES(GRAY(8, 6)), "one/labels/s_%u.tif", i);
		tiny_pages(PAGES(GRAY(8, 6)), "one/t%u_c%u_z%u.tif", i / 6, i / 3 % 2, i % 3);
	}
	ck_assert_msg(look("em") == 0, "%s", err.msg);
	const struct image *im = &d->images[1];
	ck_assert(im->has_t && !im->has_c && im->has_z);
	ck_assert_double_eq(im->voxel[0], 40);
	ck_assert_double_eq(im->voxel[2], 4);
	ck_assert_double_eq(im->time_step, 2);
	ck_assert_str_eq(im->unit, "nanometer");
	ck_assert_str_eq(im->voxel_from.text, "its image");
	ck_assert_uint_eq(im->n_warnings, 0);
	ck_assert_ptr_null(im->channels);
	ck_assert_msg(look("one") == 0, "%s", err.msg);
	im = &d->images[1];
	ck_assert(!im->has_t && !im->has_c && im->has_z);
	ck_assert(d->images[0].has_t);
}
END_TEST

/* The mags are those of the image, whatever the label's own chunks and tags are. */
START_TEST(as_many_levels)
{
	static const struct {
		enum reduce_method asked, got;
		bool given;
	} rows[] = { { REDUCE_MEDIAN, REDUCE_MODE, false },    { REDUCE_MEDIAN, REDUCE_MODE, true },
		     { REDUCE_MEAN, REDUCE_MODE, true },       { REDUCE_MODE, REDUCE_MODE, true },
		     { REDUCE_NEAREST, REDUCE_NEAREST, true }, { REDUCE_MAX, REDUCE_MAX, true },
		     { REDUCE_MIN, REDUCE_MIN, true } };
	opts.voxel_size[0] = opts.voxel_size[1] = 4;
	opts.voxel_size[2] = 40;
	for (unsigned z = 0; z < 9; z++) {
		tiny_pages(PAGES(GRAY(1000, 700)), "em/s_%u.tif", z);
		tiny_pages(PAGES({ .w = 1000,
				   .h = 700,
				   .photometric = 1,
				   .bits = 32,
				   .unit = 3,
				   .num = 1,
				   .den = 1 }),
			   "em/labels/s_%u.tif", z);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		opts.method = rows[i].asked;
		opts.method_given = rows[i].given;
		ck_assert_msg(look("em") == 0, "%s", err.msg);
		const struct pyramid *a = &d->images[0].pyramid, *b = &d->images[1].pyramid;
		ck_assert_int_eq(d->images[0].method, rows[i].asked);
		ck_assert_int_eq(d->images[1].method, rows[i].got);
		ck_assert_uint_gt(a->n, 3);
		ck_assert_uint_eq(a->n, b->n);
		for (unsigned k = 0; k < a->n; k++) {
			ck_assert_mem_eq(a->level[k].mag, b->level[k].mag, sizeof(a->level[k].mag));
			ck_assert_mem_eq(a->level[k].size, b->level[k].size,
					 sizeof(a->level[k].size));
		}
	}
	/* Looked at once more, it is the same. */
	ck_assert_int_eq(label_check(d, &d->images[1], &opts, &err), 0);
	ck_assert_uint_eq(d->images[0].pyramid.n, d->images[1].pyramid.n);
}
END_TEST

START_TEST(types)
{
	static const struct {
		uint16_t bits, format;
		const char *warning; /* NULL: none */
	} rows[] = { { 8, 1, NULL },	    { 16, 1, NULL },	 { 32, 1, NULL },
		     { 64, 1, "uint64: " }, { 8, 2, "below 0" }, { 32, 2, "below 0" },
		     { 64, 2, "int64: " } };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char folder[32];
		snprintf(folder, sizeof(folder), "em%zu", i);
		tiny_pages(PAGES(GRAY(8, 6)), "%s/a.tif", folder);
		tiny_pages(PAGES({ .w = 8,
				   .h = 6,
				   .photometric = 1,
				   .bits = rows[i].bits,
				   .format = rows[i].format }),
			   "%s/labels/a.tif", folder);
		ck_assert_msg(look(folder) == 0, "%s", err.msg);
		ck_assert_int_eq(d->images[1].n_warnings > 0, rows[i].warning != NULL);
		ck_assert(rows[i].warning == NULL || warned(1, rows[i].warning));
	}
}
END_TEST

static Suite *suite(void)
{
	const TTest *const tests[] = {
		beside_the_files_or_their_folder,
		paths,
		each_image_its_own,
		not_said_whose,
		beside_a_pattern,
		a_label_that_is_no_use_is_left_out_alone,
		given_by_option,
		options_that_do_not_fit,
		the_fingerprint_and_the_mount_point,
		shapes_that_do_not_fit,
		it_takes_its_axes_and_voxels_from_its_image,
		as_many_levels,
		types,
	};
	Suite *s = suite_create("label_scan");
	TCase *c = tcase_create("label_scan");
	tcase_add_checked_fixture(c, setup, teardown);
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	tiny_begin();
	int code = run_suite(suite());
	tiny_end();
	return code;
}
