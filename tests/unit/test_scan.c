/* From folders and files to images, planes and ids. */
#include "meta/scan.h"
#include "tests/unit/tiny_tree.h"

#include "meta/mounts.h"
#include "tests/unit/run_suite.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/sysmacros.h>
#include <time.h>

static struct dataset *d;
static struct err err;

static void setup(void)
{
	tiny_enter();
	d = NULL;
	err = (struct err){ 0 };
}

static void teardown(void)
{
	dataset_free(d);
	tiny_leave();
}

static int scan_with(const char *source, const struct scan_options *opts)
{
	dataset_free(d);
	d = NULL;
	return dataset_scan(source, opts, &d, &err);
}

static void scan(const char *source)
{
	struct scan_options opts = { 0 };
	ck_assert_msg(scan_with(source, &opts) == 0, "%s", err.msg);
}

static void refused(const char *source, const struct scan_options *opts, int code, const char *part)
{
	struct scan_options none = { 0 };
	int rc = scan_with(source, opts != NULL ? opts : &none);
	ck_assert_int_eq(rc, -code);
	ck_assert_ptr_null(d);
	ck_assert_msg(strstr(err.msg, part) != NULL, "'%s' lacks '%s'", err.msg, part);
}

/* "t,c,z" with - for an axis that is not there. */
static void shape_is(size_t i, const char *want)
{
	ck_assert_uint_lt(i, d->n_images);
	const struct image *im = &d->images[i];
	char got[64], t[16] = "-", c[16] = "-", z[16] = "-";
	if (im->has_t)
		snprintf(t, sizeof(t), "%" PRIu64, im->n_t);
	if (im->has_c)
		snprintf(c, sizeof(c), "%" PRIu64, im->n_c);
	if (im->has_z)
		snprintf(z, sizeof(z), "%" PRIu64, im->n_z);
	ck_assert(im->has_t || im->n_t == 1);
	ck_assert(im->has_c || im->n_c == 1);
	ck_assert(im->has_z || im->n_z == 1);
	snprintf(got, sizeof(got), "%s,%s,%s", t, c, z);
	ck_assert_msg(strcmp(got, want) == 0, "%s: %s, wanted %s (%s)", im->id, got, want,
		      im->how != NULL ? im->how : "");
}

static void ids_are(const char *want)
{
	char got[512] = "";
	for (size_t i = 0; i < d->n_images; i++) {
		size_t n = strlen(got);
		snprintf(got + n, sizeof(got) - n, "%s%s", i > 0 ? " " : "", d->images[i].id);
	}
	ck_assert_str_eq(got, want);
}

/* "path#page" of a plane, "gap" where nothing claims it. */
static const char *plane(size_t image, uint64_t t, uint64_t c, uint64_t z)
{
	static char text[256];
	const struct image *im = &d->images[image];
	ck_assert(t < im->n_t && c < im->n_c && z < im->n_z);
	const struct plane *p = &im->planes[image_plane(im, t, c, z)];
	if (p->file == PLANE_GAP)
		return "gap";
	ck_assert_uint_lt(p->file, d->n_files);
	snprintf(text, sizeof(text), "%s#%u", d->files[p->file].path, p->page);
	return text;
}

static bool left_out(const char *path, const char *why)
{
	for (size_t i = 0; i < d->n_left_out; i++)
		if (strcmp(d->left_out[i].path, path) == 0 &&
		    strstr(d->left_out[i].why, why) != NULL)
			return true;
	return false;
}

static bool warned(size_t image, const char *part)
{
	const struct image *im = &d->images[image];
	for (size_t i = 0; i < im->n_warnings; i++)
		if (strstr(im->warnings[i], part) != NULL)
			return true;
	return false;
}

static void series(const char *fmt_folder, const char *base, unsigned first, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		tiny_pages(PAGES(GRAY(8, 6)), "%s/%s%03u.tif", fmt_folder, base, first + i);
}

START_TEST(a_folder_of_slices)
{
	series("src", "em_", 7, 5);
	scan("src");
	ids_are("src");
	ck_assert(d->one_image);
	shape_is(0, "-,-,5");
	ck_assert_uint_eq(d->n_files, 5);
	ck_assert_str_eq(plane(0, 0, 0, 0), "em_007.tif#0");
	ck_assert_str_eq(plane(0, 0, 0, 4), "em_011.tif#0");
	ck_assert_uint_eq(d->images[0].n_gaps, 0);
	for (size_t i = 0; i < d->n_files; i++) {
		ck_assert_ptr_null(d->files[i].page_ifds);
		ck_assert_uint_eq(d->files[i].n_pages, 1);
		ck_assert_int_eq(d->files[i].trouble, 0);
	}
	int fd = dataset_open(d, &d->files[0], true);
	ck_assert_int_ge(fd, 0);
	close(fd);
}
END_TEST

START_TEST(the_source_has_many_spellings)
{
	series("data/run 5", "s_", 0, 3);
	ck_assert_int_eq(symlink("data/run 5", "link"), 0);
	static const char *const spellings[][2] = {
		{ "data/run 5", "run 5" },
		{ "data/run 5/", "run 5" },
		{ "data/run 5//", "run 5" },
		{ "link", "link" },
		{ "data/../data/run 5", "run 5" },
		{ "data/run 5/.", "run 5" },
		{ "data/run 5/./../run 5", "run 5" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		scan(spellings[i][0]);
		ids_are(spellings[i][1]);
		shape_is(0, "-,-,3");
		ck_assert_str_eq(d->source, spellings[i][0]);
	}
	ck_assert_int_eq(chdir("data/run 5"), 0);
	scan(".");
	ids_are("run 5");
	scan("./");
	ids_are("run 5");
	scan("..");
	ids_are("data");
	ck_assert_int_eq(chdir("../.."), 0);
	/* The descriptor, not the path, is what files are opened by. */
	scan("data/run 5");
	ck_assert_int_eq(rename("data", "moved"), 0);
	int fd = dataset_open(d, &d->files[0], true);
	ck_assert_int_ge(fd, 0);
	close(fd);
}
END_TEST

START_TEST(the_source_is_a_file)
{
	tiny_pages(PAGES(GRAY(8, 6), GRAY(8, 6), GRAY(8, 6)), "dir/stack.ome.tif");
	tiny_pages(PAGES(GRAY(8, 6)), "dir/a_1.tif");
	tiny_pages(PAGES(GRAY(8, 6)), "dir/a_2.tif");
	tiny_pages(PAGES(GRAY(8, 6)), "dir/photo.tif");
	tiny_pages(PAGES(GRAY(8, 6), GRAY(8, 6)), "dir/no suffix");
	scan("dir/stack.ome.tif");
	ids_are("stack");
	shape_is(0, "-,-,3");
	ck_assert_uint_eq(d->n_files, 1);
	ck_assert_uint_eq(d->files[0].n_pages, 3);
	ck_assert_str_eq(d->files[0].path, "stack.ome.tif");
	scan("dir/a_1.tif");
	shape_is(0, "-,-,1");
	ids_are("a_1");
	ck_assert_uint_eq(d->n_files, 1);
	scan("dir/photo.tif");
	shape_is(0, "-,-,-");
	ids_are("photo");
	scan("dir/no suffix");
	shape_is(0, "-,-,2");
	ids_are("no suffix");
	ck_assert_int_eq(chdir("dir"), 0);
	scan("photo.tif");
	ids_are("photo");
	ck_assert_int_eq(chdir(".."), 0);
	ck_assert_int_eq(symlink("dir/photo.tif", "l.tif"), 0);
	scan("l.tif");
	ids_are("l");
}
END_TEST

START_TEST(folders_of_folders)
{
	series("src/b2", "x_", 0, 3);
	series("src/b10/deep", "DAPI_", 0, 3);
	series("src/b10/deep", "GFP_", 0, 3);
	series("src/thumbs", "x_", 0, 3);
	series("src/.hidden", "x_", 0, 3);
	series("src/out.zarr/0", "x_", 0, 3);
	tiny_pages(PAGES(GRAY(8, 6)), "src/a.tif");
	scan("src");
	ck_assert(!d->one_image);
	ids_are("src b2 b10_deep_DAPI b10_deep_GFP");
	ck_assert_str_eq(plane(1, 0, 0, 1), "b2/x_001.tif#0");
	ck_assert(left_out("out.zarr", "Zarr"));
	struct scan_options opts = { .name = "n" };
	refused("src", &opts, EINVAL, "--name");
}
END_TEST

START_TEST(a_folder_that_all_share_goes)
{
	series("src/data/a", "x_", 0, 3);
	series("src/data/b", "x_", 0, 3);
	scan("src");
	ids_are("a b");
	series("src/data", "y_", 0, 3);
	scan("src");
	ids_are("data_a data_b data");
	/* One image has the source's name wherever it lies. */
	series("lone/x/y", "z_", 0, 3);
	scan("lone");
	ids_are("lone");
	struct scan_options opts = { .name = "em:1" };
	ck_assert_int_eq(scan_with("lone", &opts), 0);
	ids_are("em_1");
}
END_TEST

START_TEST(folders_end_at_depth_four_and_circles_end)
{
	series("src/1/2/3/4", "x_", 0, 3);
	series("src/1/2/3/4/5", "y_", 0, 3);
	ck_assert_int_eq(symlink("../..", "src/1/up"), 0);
	ck_assert_int_eq(symlink("4", "src/1/2/3/same"), 0);
	scan("src");
	ck_assert_uint_eq(d->n_images, 1);
	ck_assert_uint_eq(d->n_files, 3);
	ck_assert(left_out("1/2/3/4/5", "deep"));
}
END_TEST

START_TEST(ids_differ_without_regard_to_case)
{
	series("src/A", "x_", 0, 3);
	series("src/a", "x_", 0, 3);
	series("src/a_2", "x_", 0, 3);
	scan("src");
	ck_assert_uint_eq(d->n_images, 3);
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < i; k++)
			ck_assert_int_ne(strcasecmp(d->images[i].id, d->images[k].id), 0);
	ids_are("A a_2 a_2_2");
	ck_assert_uint_eq(d->images[0].n_warnings, 0);
	ck_assert_uint_ge(d->images[2].n_warnings, 1);
	ck_assert_str_eq(d->images[2].warnings[0],
			 "another image has the name a_2: this one begins with a_2/x_000.tif");
}
END_TEST

START_TEST(what_is_no_file_is_never_opened)
{
	series("src", "s_", 0, 4);
	ck_assert_int_eq(mkfifo("src/s_004.tif", 0644), 0);
	ck_assert_int_eq(mkdir("src/s_005.tif", 0755), 0);
	scan("src");
	shape_is(0, "-,-,4");
	ck_assert(left_out("s_004.tif", "neither"));
	/* A FIFO that takes a file's place later is refused, too, and hangs nobody. */
	ck_assert_int_eq(unlink("src/s_000.tif"), 0);
	ck_assert_int_eq(mkfifo("src/s_000.tif", 0644), 0);
	ck_assert_int_lt(dataset_open(d, &d->files[0], true), 0);
}
END_TEST

START_TEST(the_mount_point_is_not_entered)
{
	series("src", "s_", 0, 3);
	series("src/mnt", "x_", 0, 3);
	struct scan_options opts = { .mountpoint = "src/mnt" };
	ck_assert_int_eq(scan_with("src", &opts), 0);
	ck_assert_uint_eq(d->n_images, 1);
	opts.mountpoint = "src/not there";
	ck_assert_int_eq(scan_with("src", &opts), 0);
	ck_assert_uint_eq(d->n_images, 2);
	/* A mount over the source itself. */
	opts.mountpoint = "src/mnt/..";
	ck_assert_int_eq(scan_with("src", &opts), 0);
	ck_assert_uint_eq(d->n_images, 2);
}
END_TEST

START_TEST(mounts_of_ngffuse_are_known)
{
	dev_t dev = 0;
	ck_assert(mounts_line("36 35 0:52 / /mnt/a\\040b ro,nosuid - fuse.ngffuse ngffuse ro\n",
			      &dev));
	ck_assert(dev == makedev(0, 52));
	ck_assert(mounts_line("36 35 7:3 / /m ro shared:9 master:1 - fuse.ngffuse x ro\n", &dev));
	ck_assert(dev == makedev(7, 3));
	ck_assert(!mounts_line("36 35 0:52 / /mnt ro - fuse.sshfs host: ro\n", &dev));
	ck_assert(!mounts_line("36 - fuse.ngffuse x ro\n", &dev));
	ck_assert(!mounts_line("", &dev));
}
END_TEST

START_TEST(damaged_files_keep_their_place)
{
	series("src", "s_", 0, 9);
	tiny_bytes("src/s_003.tif", "", 0);
	tiny_bytes("src/s_004.tif", "II*", 3);
	tiny_bytes("src/s_000.tif", "this is no TIFF at all", 22);
	ck_assert_int_eq(unlink("src/s_005.tif"), 0);
	ck_assert_int_eq(symlink("nothing", "src/s_005.tif"), 0);
	scan("src");
	shape_is(0, "-,-,9");
	ck_assert_uint_eq(d->images[0].n_gaps, 0);
	size_t bad = 0;
	for (size_t i = 0; i < d->n_files; i++)
		bad += d->files[i].trouble != 0;
	ck_assert_uint_eq(bad, 4);
	ck_assert(warned(0, "4 damaged files"));
	ck_assert(warned(0, "s_003.tif (an empty file)"));
	ck_assert_uint_eq(d->images[0].mode, 0444);
}
END_TEST

START_TEST(damaged_files_alone_are_no_image)
{
	series("src", "s_", 0, 3);
	tiny_bytes("src/sub/x.tif", "", 0);
	tiny_bytes("src/sub/y.tif", "no TIFF, this", 13);
	scan("src");
	ck_assert_uint_eq(d->n_images, 1);
	ck_assert(left_out("sub/x.tif", "empty"));
	ck_assert(left_out("sub/y.tif", "not a TIFF"));
}
END_TEST

START_TEST(gaps)
{
	series("src", "s_", 0, 12);
	ck_assert_int_eq(unlink("src/s_006.tif"), 0);
	scan("src");
	shape_is(0, "-,-,12");
	ck_assert_uint_eq(d->images[0].n_gaps, 1);
	ck_assert_str_eq(plane(0, 0, 0, 6), "gap");
	ck_assert_str_eq(plane(0, 0, 0, 7), "s_007.tif#0");
	struct scan_options opts = { .gaps = GAPS_CLOSE };
	ck_assert_int_eq(scan_with("src", &opts), 0);
	shape_is(0, "-,-,11");
	opts.gaps = GAPS_ERROR;
	refused("src", &opts, EINVAL, "src");
}
END_TEST

START_TEST(channels_and_times)
{
	for (unsigned t = 0; t < 2; t++)
		for (unsigned c = 0; c < 3; c++)
			for (unsigned z = 0; z < 4; z++)
				tiny_pages(PAGES(GRAY(8, 6)), "src/x_t%02u_ch%02u_z%03u.tif", t, c,
					   z);
	scan("src");
	shape_is(0, "2,3,4");
	ck_assert_str_eq(plane(0, 1, 2, 3), "x_t01_ch02_z003.tif#0");
	ck_assert_str_eq(plane(0, 0, 1, 2), "x_t00_ch01_z002.tif#0");
	ck_assert_ptr_nonnull(d->images[0].channel_labels);
	ck_assert_str_eq(d->images[0].channel_labels[2], "ch02");
}
END_TEST

START_TEST(pages_of_one_file)
{
	tiny_pages(PAGES(GRAY(8, 6), GRAY(8, 6), GRAY(8, 6), GRAY(8, 6)), "src/stack.tif");
	scan("src");
	ids_are("src");
	shape_is(0, "-,-,4");
	ck_assert_str_eq(plane(0, 0, 0, 3), "stack.tif#3");
	ck_assert_ptr_nonnull(d->files[0].page_ifds);
	ck_assert_uint_eq(d->files[0].n_pages, 4);
	ck_assert_uint_lt(d->files[0].page_ifds[0], d->files[0].page_ifds[3]);
}
END_TEST

START_TEST(overviews_and_masks_are_no_planes)
{
	tiny_pages(PAGES(GRAY(64, 48), { .w = 32, .h = 24, .photometric = 1, .subfile = 1 },
			 { .w = 16, .h = 12, .photometric = 1, .subfile = 1 },
			 { .w = 64, .h = 48, .photometric = 4, .bits = 1, .subfile = 4 }),
		   "src/cog.tif");
	scan("src");
	shape_is(0, "-,-,-");
	ck_assert_uint_eq(d->n_images, 1);
	ck_assert(left_out("cog.tif, page 1 to 2", "overview"));
	ck_assert(left_out("cog.tif, page 3", "mask"));
	/* Nothing but reduced pages: they are what there is. */
	tiny_pages(PAGES({ .w = 32, .h = 24, .photometric = 1, .subfile = 1 }), "b/only.tif");
	scan("b");
	ck_assert_uint_eq(d->n_images, 1);
	/* The image behind its thumbnail, in every file. */
	for (unsigned i = 0; i < 5; i++)
		tiny_pages(PAGES({ .w = 4, .h = 3, .photometric = 1, .subfile = 1 }, GRAY(64, 48)),
			   "c/s_%u.tif", i);
	scan("c");
	shape_is(0, "-,-,5");
	for (size_t i = 0; i < d->n_files; i++)
		ck_assert_uint_eq(d->files[i].n_pages, 1);
	for (size_t i = 0; i < d->n_files; i++)
		ck_assert_ptr_nonnull(d->files[i].page_ifds);
}
END_TEST

START_TEST(pages_of_several_kinds)
{
	/* A pyramid without tags. */
	tiny_pages(PAGES(GRAY(64, 48), GRAY(32, 24), GRAY(16, 12)), "a/p.tif");
	scan("a");
	ck_assert_uint_eq(d->n_images, 1);
	shape_is(0, "-,-,-");
	ck_assert(left_out("p.tif, page 1 to 2", "overview"));
	/* Two pages alike and one that is not. */
	tiny_pages(PAGES(GRAY(10, 10), GRAY(64, 48), GRAY(64, 48)), "b/q.tif");
	scan("b");
	ck_assert_uint_eq(d->n_images, 1);
	shape_is(0, "-,-,2");
	ck_assert_str_eq(plane(0, 0, 0, 0), "q.tif#0");
	ck_assert(left_out("q.tif, page 0", "another size"));
	/* Two unlike pages: two images. */
	tiny_pages(PAGES(GRAY(10, 30), GRAY(64, 48)), "c/r.tif");
	scan("c");
	ids_are("r_0 r_1");
	ck_assert_str_eq(plane(0, 0, 0, 0), "r.tif#0");
	ck_assert_str_eq(plane(1, 0, 0, 0), "r.tif#1");
	ck_assert_uint_eq(d->n_files, 1);
	shape_is(1, "-,-,-");
	/* Full pages with an overview each. */
	tiny_pages(PAGES(GRAY(64, 48), GRAY(32, 24), GRAY(64, 48), GRAY(32, 24)), "d/s.tif");
	scan("d");
	ids_are("d");
	shape_is(0, "-,-,2");
}
END_TEST

START_TEST(numbered_files_of_several_pages)
{
	const struct tiny_page *three = PAGES(GRAY(8, 6), GRAY(8, 6), GRAY(8, 6));
	static const char *const names[][2] = {
		{ "t/x_t%02u.tif", "4,-,3" },
		{ "c/x_ch%02u.tif", "-,4,3" },
		{ "z/x_z%02u.tif", "-,3,4" },
		{ "u/x_%02u.tif", "4,-,3" },
	};
	for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
		for (unsigned i = 0; i < 4; i++) {
			char path[64];
			snprintf(path, sizeof(path),
				 k == 0	  ? "t/x_t%02u.tif"
				 : k == 1 ? "c/x_ch%02u.tif"
				 : k == 2 ? "z/x_z%02u.tif"
					  : "u/x_%02u.tif",
				 i);
			tiny_pages(three, "%s", path);
		}
		char folder[2] = { names[k][0][0], '\0' };
		scan(folder);
		ck_assert_uint_eq(d->n_images, 1);
		shape_is(0, names[k][1]);
	}
	ck_assert_str_eq(plane(0, 3, 0, 2), "x_03.tif#2");
	scan("z");
	ck_assert_str_eq(plane(0, 0, 2, 3), "x_z03.tif#2");
	for (unsigned i = 0; i < 4; i++)
		tiny_pages(PAGES(GRAY(8, 6), GRAY(8, 6), GRAY(8, 6), GRAY(8, 6), GRAY(8, 6)),
			   "five/x_z%02u.tif", i);
	refused("five", NULL, EINVAL, "--pattern 'x_z{z}.tif#{t}'");
	for (unsigned i = 0; i < 4; i++)
		for (unsigned c = 0; c < 2; c++)
			tiny_pages(three, "cu/x_ch%u_%u.tif", c, i);
	scan("cu");
	shape_is(0, "4,2,3");
	ck_assert_str_eq(plane(0, 3, 1, 2), "x_ch1_3.tif#2");
}
END_TEST

START_TEST(files_that_do_not_fit_together)
{
	tiny_pages(PAGES(GRAY(8, 6), GRAY(8, 6), GRAY(8, 6)), "src/x_0.tif");
	tiny_pages(PAGES(GRAY(8, 6), GRAY(8, 6)), "src/x_1.tif");
	tiny_pages(PAGES(GRAY(8, 6), GRAY(8, 6), GRAY(8, 6)), "src/x_2.tif");
	tiny_bytes("src/x_3.tif", "", 0);
	scan("src");
	ids_are("x_0 x_1 x_2");
	shape_is(0, "-,-,3");
	shape_is(1, "-,-,2");
	ck_assert(warned(0, "x_1.tif differ"));
	ck_assert(left_out("x_3.tif", "empty"));
	/* Equal counts of another size. */
	tiny_pages(PAGES(GRAY(8, 6), GRAY(8, 6)), "b/x_0.tif");
	tiny_pages(PAGES(GRAY(9, 6), GRAY(9, 6)), "b/x_1.tif");
	scan("b");
	ids_are("x_0 x_1");
	/* Overviews are listed once, though the files are read twice. */
	tiny_pages(
		PAGES(GRAY(8, 6), GRAY(8, 6), { .w = 4, .h = 3, .photometric = 1, .subfile = 1 }),
		"c/x_0.tif");
	tiny_pages(PAGES(GRAY(9, 6), GRAY(9, 6)), "c/x_1.tif");
	scan("c");
	ids_are("x_0 x_1");
	ck_assert_uint_eq(d->n_left_out, 1);
	/* One slice among many with a page more is still a slice. */
	series("e", "s_", 0, 7);
	tiny_pages(PAGES(GRAY(8, 6), GRAY(8, 6)), "e/s_006.tif");
	scan("e");
	shape_is(0, "-,-,7");
	ck_assert(warned(0, "s_006.tif has 2 pages"));
}
END_TEST

START_TEST(a_chain_that_is_cut_off_is_told)
{
	struct stat st;
	tiny_pages(PAGES(GRAY(8, 6)), "one.tif");
	ck_assert_int_eq(stat("one.tif", &st), 0);
	tiny_pages(PAGES(GRAY(8, 6), GRAY(8, 6), GRAY(8, 6)), "a.tif");
	ck_assert_int_eq(truncate("a.tif", st.st_size), 0);
	scan("a.tif");
	ck_assert_uint_eq(d->n_images, 1);
	ck_assert_uint_eq(d->images[0].n_warnings, 1);
	ck_assert_msg(strstr(d->images[0].warnings[0], "a.tif: its chain of pages is broken "
						       "after 1") != NULL,
		      "%s", d->images[0].warnings[0]);
	ck_assert_uint_eq(d->files[0].cut_after, 1);
}
END_TEST

START_TEST(a_stack_cut_in_parts)
{
	const struct tiny_page *three = PAGES(GRAY(8, 6), GRAY(8, 6), GRAY(8, 6));
	tiny_pages(three, "src/x_0.tif");
	tiny_pages(three, "src/x_1.tif");
	tiny_pages(PAGES(GRAY(8, 6)), "src/x_2.tif");
	scan("src");
	ids_are("x_0 x_1 x_2");
	/* As large as a classic TIFF gets, with holes. */
	ck_assert_int_eq(truncate("src/x_0.tif", 2000000000), 0);
	ck_assert_int_eq(truncate("src/x_1.tif", 2000000000), 0);
	scan("src");
	ids_are("src");
	shape_is(0, "-,-,7");
	ck_assert_str_eq(plane(0, 0, 0, 4), "x_1.tif#1");
	ck_assert_str_eq(plane(0, 0, 0, 6), "x_2.tif#0");
}
END_TEST

START_TEST(an_unreadable_file_among_files_of_pages)
{
	const struct tiny_page *three = PAGES(GRAY(8, 6), GRAY(8, 6), GRAY(8, 6));
	for (unsigned i = 0; i < 5; i++)
		tiny_pages(three, "src/x_t%u.tif", i);
	tiny_bytes("src/x_t1.tif", "nonsense here", 13);
	scan("src");
	shape_is(0, "5,-,3");
	ck_assert_str_eq(plane(0, 1, 0, 2), "x_t1.tif#2");
	ck_assert_uint_eq(d->images[0].n_gaps, 0);
	ck_assert(warned(0, "x_t1.tif"));
}
END_TEST

START_TEST(patterns)
{
	series("src/c0", "s_", 0, 4);
	series("src/c1", "s_", 0, 4);
	struct scan_options opts = { .pattern = "c{c}/s_{z}.tif" };
	ck_assert_msg(scan_with("src", &opts) == 0, "%s", err.msg);
	ids_are("src");
	shape_is(0, "-,2,4");
	ck_assert_str_eq(plane(0, 0, 1, 2), "c1/s_002.tif#0");
	opts.pattern = "c{i}/s_{z}.tif";
	ck_assert_int_eq(scan_with("src", &opts), 0);
	ck_assert_uint_eq(d->n_images, 2);
	shape_is(0, "-,-,4");
	opts.pattern = "q{z}.tif";
	refused("src", &opts, EINVAL, "c0/s_000.tif");
	opts.pattern = "q{z.tif";
	refused("src", &opts, EINVAL, "");
}
END_TEST

START_TEST(pages_by_pattern)
{
	const struct tiny_page *six =
		PAGES(GRAY(8, 6), GRAY(8, 6), GRAY(8, 6), GRAY(8, 6), GRAY(8, 6), GRAY(8, 6));
	tiny_pages(six, "src/x_0.tif");
	tiny_pages(six, "src/x_1.tif");
	struct scan_options opts = { .pattern = "x_{t}.tif#{z,c=2}" };
	ck_assert_msg(scan_with("src", &opts) == 0, "%s", err.msg);
	shape_is(0, "2,2,3");
	ck_assert_str_eq(plane(0, 1, 1, 2), "x_1.tif#5");
	ck_assert_str_eq(plane(0, 0, 0, 1), "x_0.tif#2");
	opts.pattern = "x_{t}.tif#{z,c=4}";
	refused("src", &opts, EINVAL, "multiple of the 4");
	/* z goes on through pages, the last file may be shorter. */
	tiny_pages(PAGES(GRAY(8, 6)), "src/x_2.tif");
	opts.pattern = "x_{z}.tif";
	ck_assert_msg(scan_with("src", &opts) == 0, "%s", err.msg);
	shape_is(0, "-,-,13");
	ck_assert_str_eq(plane(0, 0, 0, 7), "x_1.tif#1");
	ck_assert_str_eq(plane(0, 0, 0, 12), "x_2.tif#0");
	opts.pattern = "x_{t}.tif#{z}";
	refused("src", &opts, EINVAL, "x_2.tif");
	opts.pattern = "x_0.tif#{t,z=3}";
	ck_assert_msg(scan_with("src/x_0.tif", &opts) == 0, "%s", err.msg);
	shape_is(0, "2,-,3");
}
END_TEST

START_TEST(group_none_makes_images)
{
	series("src", "s_", 0, 3);
	struct scan_options opts = { .group_none = true };
	ck_assert_int_eq(scan_with("src", &opts), 0);
	ids_are("s_000 s_001 s_002");
	shape_is(0, "-,-,-");
}
END_TEST

START_TEST(errors_name_the_source)
{
	refused("no such", NULL, ENOENT, "no such: no such file or folder");
	ck_assert_int_eq(symlink("gone", "dangling"), 0);
	refused("dangling", NULL, ENOENT, "dangling: a link");
	ck_assert_int_eq(mkdir("empty", 0755), 0);
	refused("empty", NULL, ENOENT, "empty: the folder is empty");
	tiny_bytes("other/a.png", "x", 1);
	tiny_bytes("other/b.PNG", "x", 1);
	tiny_bytes("other/sub/notes", "x", 1);
	refused("other", NULL, ENOENT, "2 .png");
	ck_assert_ptr_nonnull(strstr(err.msg, "1 folder"));
	tiny_bytes("zero.tif", "", 0);
	refused("zero.tif", NULL, EINVAL, "zero.tif: the file is empty");
	tiny_bytes("text.tif", "just some text", 14);
	refused("text.tif", NULL, EINVAL, "text.tif: not a TIFF");
	refused("text.tif/x", NULL, ENOTDIR, "text.tif/x");
	ck_assert_int_eq(mkfifo("fifo", 0644), 0);
	refused("fifo", NULL, EINVAL, "fifo: neither");
	tiny_bytes("alone/x.tif", "", 0);
	refused("alone", NULL, ENOENT, "x.tif (an empty file)");
	struct scan_options opts = { .unit = "nm" };
	refused("alone", &opts, EINVAL, "--voxel-size");
	for (unsigned a = 0; a < 3; a++)
		for (unsigned b = 0; b < 4; b++)
			tiny_pages(PAGES(GRAY(8, 6)), "two/exp%u_%03u.tif", a, b);
	refused("two", NULL, EINVAL, "two");
	ck_assert_ptr_nonnull(strstr(err.msg, "--pattern"));
	if (geteuid() != 0) {
		ck_assert_int_eq(mkdir("locked", 0), 0);
		refused("locked", NULL, EACCES, "no permission");
	}
}
END_TEST

static const struct image *image_of(const char *id)
{
	for (size_t i = 0; i < d->n_images; i++)
		if (strcmp(d->images[i].id, id) == 0)
			return &d->images[i];
	ck_abort_msg("no image %s", id);
}

/* Whoever may not pass a folder gets nothing from below it. */
START_TEST(permissions_of_folders)
{
	series("src/open", "s_", 0, 3);
	series("src/own", "s_", 0, 3);
	series("src/ours", "s_", 0, 3);
	series("src/ours/deep", "s_", 0, 3);
	series("src/links", "s_", 0, 3);
	ck_assert_int_eq(chmod("src/own", 0700), 0);
	ck_assert_int_eq(chmod("src/ours", 0750), 0);
	ck_assert_int_eq(chmod("src/ours/deep", 0705), 0);
	ck_assert_int_eq(chmod("src/links/s_001.tif", 0604), 0);
	scan("src");
	ck_assert_uint_eq(d->n_images, 5);
	ck_assert_uint_eq(image_of("open")->mode, 0444);
	ck_assert_uint_eq(image_of("own")->mode, 0400);
	ck_assert_uint_eq(image_of("ours")->mode, 0440);
	ck_assert_uint_eq(image_of("ours_deep")->mode, 0400);
	ck_assert_uint_eq(image_of("links")->mode, 0404);
	ck_assert_int_eq(chmod("src/own", 0755), 0);
}
END_TEST

/* As those may read them who may read every file. */
START_TEST(owners_of_files)
{
	series("src/hers", "s_", 0, 3);
	series("src/both", "s_", 0, 3);
	series("src/groups", "s_", 0, 3);
	for (int i = 0; i < 3; i++) {
		char path[64];
		snprintf(path, sizeof(path), "src/hers/s_%03d.tif", i);
		ck_assert_int_eq(chmod(path, 0640), 0);
		if (chown(path, 1234, 4321) != 0)
			return; /* for root alone */
		snprintf(path, sizeof(path), "src/both/s_%03d.tif", i);
		ck_assert_int_eq(chmod(path, 0640), 0);
		ck_assert_int_eq(chown(path, (uid_t)(1234 + i), 4321), 0);
		snprintf(path, sizeof(path), "src/groups/s_%03d.tif", i);
		ck_assert_int_eq(chmod(path, 0640), 0);
		ck_assert_int_eq(chown(path, 1234, (gid_t)(4321 + i)), 0);
	}
	scan("src");
	ck_assert_uint_eq(d->n_images, 3);
	ck_assert_uint_eq(image_of("hers")->uid, 1234);
	ck_assert_uint_eq(image_of("hers")->gid, 4321);
	ck_assert_uint_eq(image_of("hers")->mode, 0440);
	ck_assert_uint_eq(image_of("both")->uid, 0);
	ck_assert_uint_eq(image_of("both")->gid, 4321);
	ck_assert_uint_eq(image_of("both")->mode, 0440);
	ck_assert_uint_eq(image_of("groups")->uid, 1234);
	ck_assert_uint_eq(image_of("groups")->mode, 0400);
}
END_TEST

START_TEST(permissions_and_times)
{
	series("src", "s_", 0, 3);
	ck_assert_int_eq(chmod("src/s_001.tif", 0640), 0);
	const struct timespec old[2] = { { .tv_sec = 1000000000, .tv_nsec = 5 },
					 { .tv_sec = 1000000000, .tv_nsec = 5 } };
	const struct timespec new[2] = { { .tv_sec = 1500000000, .tv_nsec = 7 },
					 { .tv_sec = 1500000000, .tv_nsec = 7 } };
	ck_assert_int_eq(utimensat(AT_FDCWD, "src/s_000.tif", old, 0), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, "src/s_001.tif", new, 0), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, "src/s_002.tif", old, 0), 0);
	scan("src");
	struct stat st;
	ck_assert_int_eq(stat("src", &st), 0);
	ck_assert_uint_eq(d->images[0].mode, 0440);
	ck_assert_int_eq(d->images[0].mtime_ns, INT64_C(1500000000000000007));
	ck_assert_int_eq(d->mtime_ns, d->images[0].mtime_ns);
	ck_assert_uint_eq(d->uid, st.st_uid);
	ck_assert_uint_eq(d->mode, st.st_mode & 0777);
	ck_assert_int_eq(d->files[0].mtime_ns, INT64_C(1000000000000000005));
	ck_assert_int_eq(stat("src/s_000.tif", &st), 0);
	ck_assert_uint_eq(d->files[0].ino, st.st_ino);
	ck_assert_uint_eq(d->files[0].dev, st.st_dev);
	ck_assert_uint_eq(d->files[0].size, (uint64_t)st.st_size);
}
END_TEST

START_TEST(the_fingerprint_follows_source_and_options)
{
	series("src", "s_", 0, 3);
	struct scan_options opts = { .fingerprint_options = "codec=none" };
	ck_assert_int_eq(scan_with("src", &opts), 0);
	uint64_t a = d->fingerprint;
	ck_assert_uint_ne((uint32_t)a, 0);
	ck_assert_int_eq(rename("src", "other"), 0);
	ck_assert_int_eq(scan_with("other", &opts), 0);
	ck_assert_uint_eq(d->fingerprint, a);
	opts.fingerprint_options = "codec=zstd";
	ck_assert_int_eq(scan_with("other", &opts), 0);
	ck_assert_uint_ne(d->fingerprint, a);
	opts.fingerprint_options = "codec=none";
	const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	ck_assert_int_eq(utimensat(AT_FDCWD, "other/s_001.tif", times, 0), 0);
	ck_assert_int_eq(scan_with("other", &opts), 0);
	ck_assert_uint_ne(d->fingerprint, a);
}
END_TEST

START_TEST(many_files_are_scanned_quickly)
{
	const unsigned n = 20000;
	for (unsigned i = 0; i < n; i++)
		tiny_pages(PAGES(GRAY(2, 2)), "src/em_%06u.tif", i);
	struct timespec a, b;
	clock_gettime(CLOCK_MONOTONIC, &a);
	scan("src");
	clock_gettime(CLOCK_MONOTONIC, &b);
	shape_is(0, "-,-,20000");
	double s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	printf("%u files scanned in %.3f s\n", n, s);
	ck_assert_double_lt(s, 5);
}
END_TEST

static Suite *suite(void)
{
	const TTest *const tests[] = {
		a_folder_of_slices,
		the_source_has_many_spellings,
		the_source_is_a_file,
		folders_of_folders,
		a_folder_that_all_share_goes,
		folders_end_at_depth_four_and_circles_end,
		ids_differ_without_regard_to_case,
		what_is_no_file_is_never_opened,
		the_mount_point_is_not_entered,
		mounts_of_ngffuse_are_known,
		damaged_files_keep_their_place,
		damaged_files_alone_are_no_image,
		gaps,
		channels_and_times,
		pages_of_one_file,
		overviews_and_masks_are_no_planes,
		pages_of_several_kinds,
		numbered_files_of_several_pages,
		files_that_do_not_fit_together,
		a_chain_that_is_cut_off_is_told,
		a_stack_cut_in_parts,
		an_unreadable_file_among_files_of_pages,
		patterns,
		pages_by_pattern,
		group_none_makes_images,
		errors_name_the_source,
		permissions_and_times,
		permissions_of_folders,
		owners_of_files,
		the_fingerprint_follows_source_and_options,
		many_files_are_scanned_quickly,
	};
	Suite *s = suite_create("scan");
	TCase *c = tcase_create("scan");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
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
