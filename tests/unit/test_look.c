/* The first look at an image: kind, grid, voxel size, channels, warnings; and the real stacks. */
#include "meta/scan.h"
#include "tests/unit/run_suite.h"
#include "tests/unit/tiny_tree.h"

#include <errno.h>
#include <inttypes.h>

static struct dataset *d;
static struct err err;
static struct scan_options opts;

static void setup(void)
{
	tiny_enter();
	d = NULL;
	err = (struct err){ 0 };
	opts = (struct scan_options){ 0 };
}

static void teardown(void)
{
	dataset_free(d);
	tiny_leave();
}

static int look_at(const char *source, bool all)
{
	dataset_free(d);
	d = NULL;
	ck_assert_msg(dataset_scan(source, &opts, &d, &err) == 0, "%s", err.msg);
	err = (struct err){ 0 };
	return dataset_look(d, 0, &opts, all, &err);
}

static const struct image *look(const char *source)
{
	ck_assert_msg(look_at(source, false) == 0, "%s", err.msg);
	return &d->images[0];
}

static void bad(const char *source, int code, const char *part)
{
	ck_assert_int_eq(look_at(source, false), -code);
	ck_assert_int_eq(d->images[0].why.code, code);
	ck_assert_str_eq(d->images[0].why.msg, err.msg);
	ck_assert_msg(strstr(err.msg, part) != NULL, "'%s' lacks '%s'", err.msg, part);
	/* What was found stays. */
	ck_assert_int_eq(dataset_look(d, 0, &opts, false, &err), -code);
}

static bool warned(const struct image *im, const char *part)
{
	for (size_t i = 0; i < im->n_warnings; i++)
		if (strstr(im->warnings[i], part) != NULL)
			return true;
	return false;
}

static void series(const char *folder, const struct tiny_page *pages, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		tiny_pages(pages, "%s/s_%03u.tif", folder, i);
}

static void sizes_are(const struct image *im, const char *want)
{
	char got[128];
	const uint64_t *s = im->grid.size;
	snprintf(got, sizeof(got), "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, s[0],
		 s[1], s[2], s[3], s[4]);
	ck_assert_str_eq(got, want);
}

START_TEST(kind_grid_and_layout)
{
	series("src", PAGES({ .w = 40, .h = 30, .photometric = 1, .bits = 16 }), 5);
	const struct image *im = look("src");
	sizes_are(im, "1 1 5 30 40");
	ck_assert_int_eq(im->dtype, DTYPE_U16);
	ck_assert_uint_eq(im->grid.voxel, 2);
	ck_assert_uint_eq(im->unit_bytes_max, 0); /* raw rows */
	ck_assert(!im->grid.layout.compressed && !im->grid.layout.tiled);
	ck_assert_uint_eq(im->grid.layout.samples, 1);
	ck_assert_int_eq(im->grid.rule, GRID_RAW);
	ck_assert(im->stored_share > 0.99 && im->stored_share < 1.01);
	ck_assert_uint_eq(im->kind.offsets.count, 0);
	ck_assert_uint_eq(im->n_warnings, 1); /* the voxel size */
	ck_assert_int_eq(dataset_look(d, 0, &opts, true, &err), 0);
	opts.chunk_shape[0] = 2;
	opts.chunk_shape[1] = opts.chunk_shape[2] = 16;
	im = look("src");
	ck_assert_uint_eq(im->grid.chunk[AXIS_Z], 2);
	ck_assert_uint_eq(im->grid.chunk[AXIS_X], 16);
}
END_TEST

START_TEST(chunks_without_z_have_no_depth)
{
	tiny_pages(PAGES(GRAY(40, 30)), "one/a.tif");
	opts.chunk_shape[0] = 5;
	opts.chunk_shape[1] = opts.chunk_shape[2] = 16;
	const struct image *im = look("one");
	ck_assert(!im->has_z);
	ck_assert_uint_eq(im->grid.chunk[AXIS_Z], 1);
	ck_assert_uint_eq(im->grid.chunk[AXIS_Y], 16);
	ck_assert_uint_gt(im->pyramid.n, 1);
	for (unsigned k = 0; k < im->pyramid.n; k++)
		ck_assert_uint_eq(level_chunk_bytes(&im->pyramid.level[k]), 16 * 16);
}
END_TEST

START_TEST(the_majority_of_three_decides)
{
	series("src", PAGES(GRAY(8, 6)), 9);
	tiny_pages(PAGES(GRAY(9, 6)), "src/s_000.tif");
	const struct image *im = look("src");
	sizes_are(im, "1 1 9 6 8");
	ck_assert(warned(im, "1 of 9 pages looked at cannot be planes"));
	ck_assert(warned(im, "s_000.tif: 9 x 6 uint8"));
	tiny_pages(PAGES({ .w = 8, .h = 6, .photometric = 1, .bits = 16 }), "src/s_008.tif");
	bad("src", EBADMSG, "--group none");
	ck_assert_ptr_nonnull(strstr(err.msg, "'s_000.tif' is 9 x 6 uint8"));
	ck_assert_ptr_nonnull(strstr(err.msg, "'s_008.tif' is 8 x 6 uint16"));
	tiny_pages(PAGES(GRAY(8, 6)), "two/s_0.tif");
	tiny_pages(PAGES(GRAY(8, 7)), "two/s_1.tif");
	bad("two", EBADMSG, "s_1.tif");
}
END_TEST

START_TEST(a_damaged_file_is_replaced_by_its_neighbour)
{
	series("src", PAGES(GRAY(8, 6)), 9);
	tiny_pages(PAGES(GRAY(9, 6)), "src/s_001.tif");
	tiny_bytes("src/s_000.tif", "II*\0\x08\0\0\0\xff\xff", 10);
	tiny_bytes("src/s_004.tif", "", 0);
	const struct image *im = look("src");
	sizes_are(im, "1 1 9 6 8");
	/* All of them. */
	for (unsigned i = 0; i < 9; i++) {
		char path[32];
		snprintf(path, sizeof(path), "none/s_%u.tif", i);
		tiny_bytes(path, "", 0);
	}
	bad("none", EBADMSG, "s_0.tif");
}
END_TEST

START_TEST(unsupported_pages_have_a_sentence)
{
	series("src", PAGES({ .w = 8, .h = 6, .photometric = 1, .compression = 34712 }), 3);
	bad("src", ENOTSUP, "34712");
	ck_assert_ptr_nonnull(strstr(err.msg, "s_000.tif: "));
	series("b", PAGES(GRAY(8, 6)), 5);
	tiny_pages(PAGES({ .w = 8, .h = 6, .photometric = 1, .compression = 34712 }),
		   "b/s_003.tif");
	ck_assert(warned(look("b"), "34712"));
}
END_TEST

START_TEST(all_files_or_a_sample)
{
	series("src", PAGES(GRAY(8, 6)), 300);
	tiny_pages(PAGES(GRAY(9, 6)), "src/s_001.tif");
	const struct image *im = look("src");
	ck_assert(!warned(im, "s_001.tif"));
	double share = im->stored_share;
	ck_assert_int_eq(look_at("src", true), 0);
	im = &d->images[0];
	ck_assert(warned(im, "1 of 300 pages"));
	ck_assert(warned(im, "s_001.tif"));
	ck_assert_double_eq(im->stored_share, share);
}
END_TEST

START_TEST(pages_beyond_the_first_are_told)
{
	series("src", PAGES(GRAY(8, 6)), 9);
	tiny_pages(PAGES(GRAY(8, 6), GRAY(8, 6), GRAY(8, 6)), "src/s_003.tif");
	/* A stored overview is no plane that is lost. */
	tiny_pages(PAGES(GRAY(8, 6), { .w = 4, .h = 3, .photometric = 1, .subfile = 1 }),
		   "src/s_005.tif");
	const struct image *im = look("src");
	ck_assert(warned(im, "1 of 9 files looked at have several pages"));
	ck_assert(warned(im, "s_003.tif: 3 pages"));
	ck_assert_uint_eq(im->n_damaged, 0);
}
END_TEST

START_TEST(colours_that_differ_are_named)
{
	series("src", PAGES(GRAY(8, 6)), 9);
	tiny_pages(PAGES({ .w = 8, .h = 6, .photometric = 0 }), "src/s_003.tif");
	tiny_pages(PAGES({ .w = 8, .h = 6, .photometric = 3 }), "src/s_005.tif");
	const struct image *im = look("src");
	ck_assert(warned(im, "s_003.tif: WhiteIsZero"));
	ck_assert(warned(im, "s_005.tif: 8 x 6 uint8 (palette)"));
	ck_assert_uint_eq(im->n_damaged, 1);
}
END_TEST

START_TEST(claims_beyond_the_stored_bytes_are_told)
{
	struct tiny_page page = {
		.w = 1024, .h = 1024, .photometric = 1, .compression = 8, .count = 1000
	};
	tiny_pages(PAGES(page), "src/a.tif");
	ck_assert(!warned(look("src"), "stored bytes"));
	page.count = 900;
	tiny_pages(PAGES(page), "src/a.tif");
	ck_assert(warned(look("src"), "1 of 1 strips: too few stored bytes"));
}
END_TEST

START_TEST(mended_byte_counts_are_told)
{
	series("src", PAGES(GRAY(8, 6)), 3);
	tiny_pages(PAGES({ .w = 8, .h = 6, .photometric = 1, .count = 7 }), "src/s_002.tif");
	const struct image *im = look("src");
	ck_assert(warned(im, "s_002.tif: 1 of 1 strips: its byte count is wrong"));
	ck_assert_uint_eq(im->n_damaged, 0);
}
END_TEST

START_TEST(damaged_strips_are_told)
{
	series("src", PAGES(GRAY(8, 6)), 3);
	tiny_pages(PAGES({ .w = 8, .h = 6, .photometric = 1, .far_strip = 1000000 }),
		   "src/s_002.tif");
	ck_assert(warned(look("src"), "s_002.tif: 1 of 1 strips"));
}
END_TEST

START_TEST(voxel_size_by_option)
{
	series("src", PAGES(GRAY(8, 6)), 3);
	opts.voxel_size[0] = 4;
	opts.voxel_size[1] = 5;
	opts.voxel_size[2] = 40;
	opts.time_step = 2.5;
	const struct image *im = look("src");
	ck_assert_double_eq(im->voxel[0], 40);
	ck_assert_double_eq(im->voxel[1], 5);
	ck_assert_double_eq(im->voxel[2], 4);
	ck_assert_str_eq(im->unit, "nanometer");
	ck_assert_double_eq(im->time_step, 2.5);
	ck_assert_str_eq(im->voxel_from.text, "option --voxel-size");
	ck_assert_uint_eq(im->n_warnings, 0);
	opts.unit = "um";
	ck_assert_str_eq(look("src")->unit, "micrometer");
	opts.unit = "furlong";
	bad("src", EINVAL, "furlong");
	opts.unit = NULL;
	opts.voxel_size[2] = 0;
	bad("src", EINVAL, "X,Y,Z");
	tiny_pages(PAGES(GRAY(8, 6)), "flat.tif");
	im = look("flat.tif");
	ck_assert_double_eq(im->voxel[2], 4);
	ck_assert_uint_eq(im->n_warnings, 0);
}
END_TEST

START_TEST(voxel_size_by_tags)
{
	/* 2500000 per cm: 4 nm. */
	series("src",
	       PAGES({ .w = 8, .h = 6, .photometric = 1, .unit = 3, .num = 2500000, .den = 1 }), 3);
	const struct image *im = look("src");
	ck_assert_str_eq(im->unit, "nanometer");
	ck_assert_double_eq_tol(im->voxel[2], 4, 1e-12);
	ck_assert_double_eq_tol(im->voxel[1], 4, 1e-12);
	ck_assert_double_eq_tol(im->voxel[0], 4, 1e-12);
	ck_assert(warned(im, "z spacing unknown, taken as x: --voxel-size X,Y,Z"));
	ck_assert_ptr_nonnull(strstr(im->voxel_from.text, "s_000.tif"));
	series("dpi", PAGES({ .w = 8, .h = 6, .photometric = 1, .unit = 2, .num = 72, .den = 1 }),
	       3);
	im = look("dpi");
	ck_assert_str_eq(im->unit, "");
	ck_assert_double_eq(im->voxel[0], 1);
	ck_assert(warned(im, "voxel size unknown"));
	ck_assert_int_eq(strncmp(im->voxel_from.text, "not stated", 10), 0);
}
END_TEST

START_TEST(levels)
{
	series("src", PAGES({ .w = 300, .h = 200, .photometric = 1, .bits = 16 }), 5);
	opts.voxel_size[0] = opts.voxel_size[1] = 4;
	opts.voxel_size[2] = 10;
	opts.unit = "nanometer";
	opts.method = REDUCE_MODE;
	const struct image *im = look("src");
	const struct pyramid *p = &im->pyramid;
	ck_assert_int_eq(im->method, REDUCE_MODE);
	ck_assert_uint_eq(p->n, 3);
	static const uint64_t mags[3][3] = { { 1, 1, 1 }, { 1, 2, 2 }, { 2, 4, 4 } };
	for (unsigned k = 0; k < p->n; k++) {
		ck_assert_int_eq(memcmp(p->level[k].mag, mags[k], sizeof(mags[k])), 0);
		ck_assert_int_eq(p->level[k].made, k == 0 ? LEVEL_STORED : LEVEL_TRUE);
	}
	/* Nothing compressed: what is read for a run is what is decoded. */
	ck_assert_uint_eq(p->level[2].decoded, 5 * 200 * 300 * 2);
	ck_assert_uint_eq(p->level[2].stored, 5 * 200 * 300 * 2);
	/* A second look takes the place of the first. */
	ck_assert_int_eq(dataset_look(d, 0, &opts, false, &err), 0);
	ck_assert_uint_eq(p->n, 3);
	opts.pyramid.ladder = (struct ladder_options){ .max_mag = { 1, 1, 1 } };
	ck_assert_uint_eq(look("src")->pyramid.n, 1);
	opts.pyramid.ladder = (struct ladder_options){ .max_mag = { 1, 8, 8 } };
	bad("src", EINVAL, "--max-mag 8-8-1 cannot be reached from 4-4-1");
	opts.pyramid = (struct pyramid_options){ .preview = PREVIEW_ALWAYS };
	ck_assert_uint_eq(image_previews(look("src")), 2);
	tiny_pages(PAGES({ .w = 300, .h = 200, .photometric = 2, .samples = 3 }), "rgb.tif");
	opts = (struct scan_options){ 0 };
	im = look("rgb.tif");
	ck_assert_uint_eq(im->pyramid.n, 3);
	ck_assert_uint_eq(im->pyramid.level[1].run_chunks[AXIS_C], 3);
	ck_assert_uint_eq(im->pyramid.level[1].stored, 3 * 200 * 300);
}
END_TEST

START_TEST(chunks_beyond_node_numbers)
{
	series("src", PAGES(GRAY(400, 400)), 1);
	for (size_t a = 0; a < 3; a++)
		opts.chunk_shape[a] = 1;
	ck_assert_int_eq(look_at("src", false), 0);
	/* Numbers of that many images leave 17 bits for the chunks of one. */
	size_t n = d->n_images;
	d->n_images = (size_t)1 << 30;
	int rc = dataset_look(d, 0, &opts, false, &err);
	d->n_images = n;
	ck_assert_int_eq(rc, -EOVERFLOW);
	ck_assert_msg(strstr(err.msg, "level 0 has 160000 chunks") != NULL, "%s", err.msg);
}
END_TEST

START_TEST(one_channel)
{
	series("src", PAGES(GRAY(8, 6)), 3);
	const struct image *im = look("src");
	ck_assert(!im->has_c);
	ck_assert_str_eq(im->channels[0].label, "src");
	ck_assert_str_eq(im->channels[0].color, "FFFFFF");
	ck_assert(im->channels[0].has_window);
	ck_assert_double_eq(im->channels[0].start, 0);
	ck_assert_double_eq(im->channels[0].end, 255);
	series("b", PAGES({ .w = 8, .h = 6, .photometric = 1, .bits = 16 }), 3);
	im = look("b");
	ck_assert(!im->channels[0].has_window);
	ck_assert_double_eq(im->channels[0].max, 65535);
	opts.windows = "100-5000";
	im = look("b");
	ck_assert(im->channels[0].has_window);
	ck_assert_double_eq(im->channels[0].start, 100);
	ck_assert_double_eq(im->channels[0].end, 5000);
	opts.windows = "100-70000";
	bad("b", EINVAL, "uint16");
	opts.windows = "9-3";
	bad("b", EINVAL, "--windows");
	opts.windows = "-5:12.5";
	series("f", PAGES({ .w = 8, .h = 6, .photometric = 1, .bits = 32, .format = 3 }), 3);
	im = look("f");
	ck_assert_double_eq(im->channels[0].start, -5);
	ck_assert_double_eq(im->channels[0].end, 12.5);
}
END_TEST

START_TEST(channels_by_name)
{
	for (unsigned i = 0; i < 3; i++)
		tiny_pages(PAGES(GRAY(8, 6)), "src/x_ch%02u.tif", i);
	const struct image *im = look("src");
	ck_assert(im->has_c);
	sizes_are(im, "1 3 1 6 8");
	ck_assert_str_eq(im->channels[1].label, "ch01");
	ck_assert_str_eq(im->channels[0].color, "FF0000");
	ck_assert_str_eq(im->channels[2].color, "0000FF");
	opts.channel_names = "DAPI,GFP,other";
	opts.channel_colors = NULL;
	im = look("src");
	ck_assert_str_eq(im->channels[0].label, "DAPI");
	ck_assert_str_eq(im->channels[0].color, "0000FF");
	ck_assert_str_eq(im->channels[1].color, "00FF00");
	ck_assert_str_eq(im->channels[2].color, "0000FF");
	opts.channel_colors = "ff00aa,00FF00,123456";
	im = look("src");
	ck_assert_str_eq(im->channels[0].color, "FF00AA");
	opts.channel_names = "a,b";
	bad("src", EINVAL, "--channel-names has 2 items, the image has 3 channels");
	opts.channel_names = NULL;
	opts.channel_colors = "red,00FF00,123456";
	bad("src", EINVAL, "'red'");
	opts.channel_colors = NULL;
	opts.windows = "0-1";
	bad("src", EINVAL, "--windows has 1 item,");
}
END_TEST

START_TEST(samples_are_channels)
{
	tiny_pages(PAGES({ .w = 8, .h = 6, .photometric = 2, .samples = 3 }), "rgb.tif");
	const struct image *im = look("rgb.tif");
	ck_assert(im->has_c && im->rgb);
	sizes_are(im, "1 3 1 6 8");
	ck_assert_uint_eq(im->grid.layout.samples, 3);
	ck_assert_str_eq(im->channels[0].label, "red");
	ck_assert_str_eq(im->channels[2].label, "blue");
	ck_assert_str_eq(im->channels[1].color, "00FF00");
	tiny_pages(PAGES({ .w = 8, .h = 6, .photometric = 2, .samples = 4 }), "rgba.tif");
	im = look("rgba.tif");
	ck_assert_str_eq(im->channels[3].label, "alpha");
	ck_assert_str_eq(im->channels[3].color, "FFFFFF");
	tiny_pages(PAGES({ .w = 8, .h = 6, .photometric = 1, .samples = 2 }), "two.tif");
	im = look("two.tif");
	ck_assert(!im->rgb);
	ck_assert_str_eq(im->channels[1].label, "channel 1");
	ck_assert_str_eq(im->channels[0].color, "00FF00");
	tiny_pages(PAGES({ .w = 8, .h = 6, .photometric = 1, .samples = 2, .planar = 2 }),
		   "planar.tif");
	im = look("planar.tif");
	sizes_are(im, "1 2 1 6 8");
	ck_assert_uint_eq(im->grid.layout.samples, 1);
	ck_assert_uint_eq(im->unit_bytes_max, 0); /* raw rows */
	tiny_pages(PAGES({ .w = 8, .h = 6, .photometric = 2, .samples = 3 }), "many/a_ch0.tif");
	tiny_pages(PAGES({ .w = 8, .h = 6, .photometric = 2, .samples = 3 }), "many/a_ch1.tif");
	im = look("many");
	sizes_are(im, "1 6 1 6 8");
	ck_assert_str_eq(im->channels[4].label, "ch1 green");
}
END_TEST

START_TEST(values_are_as_stored_and_said_so)
{
	tiny_pages(PAGES({ .w = 8, .h = 6, .photometric = 0, .orientation = 6 }), "a.tif");
	const struct image *im = look("a.tif");
	ck_assert(warned(im, "WhiteIsZero"));
	ck_assert(warned(im, "orientation 6"));
	ck_assert_uint_eq(im->orientation, 6);
	sizes_are(im, "1 1 1 6 8");
	tiny_pages(PAGES({ .w = 8, .h = 6, .photometric = 1, .bits = 64 }), "b.tif");
	ck_assert(warned(look("b.tif"), "uint64"));
}
END_TEST

/* Reads plane 0's image against every file of a folder: what image_page_read says of it. */
static int read_page(const struct image *im, uint64_t z, struct tiff_page *page)
{
	const struct plane *p = &im->planes[image_plane(im, 0, 0, z)];
	const struct source_file *f = &d->files[p->file];
	CLEANUP(closep) int fd = dataset_open(d, f, true);
	ck_assert_int_ge(fd, 0);
	struct reader r = reader_fd(&fd, f->size);
	err = (struct err){ 0 };
	return image_page_read(d, im, p, &r, page, &err);
}

START_TEST(pages_are_checked_when_read)
{
	series("src", PAGES(GRAY(8, 6)), 5);
	tiny_pages(PAGES(GRAY(9, 6)), "src/s_001.tif");
	tiny_pages(PAGES({ .w = 8, .h = 6, .photometric = 1, .bits = 16 }), "src/s_003.tif");
	const struct image *im = look("src");
	struct tiff_page page;
	ck_assert_int_eq(read_page(im, 0, &page), 0);
	ck_assert_uint_eq(page.width, 8);
	ck_assert_uint_eq(page.offsets.count, 1);
	ck_assert_int_eq(read_page(im, 1, &page), -EBADMSG);
	ck_assert_str_eq(err.msg, "the page is 9 x 6 uint8, its image is 8 x 6 uint8");
	ck_assert_int_eq(read_page(im, 3, &page), -EBADMSG);
	tiny_pages(PAGES(GRAY(8, 6), GRAY(8, 6), GRAY(8, 6)), "m.tif");
	im = look("m.tif");
	ck_assert_int_eq(read_page(im, 2, &page), 0);
	ck_assert_uint_eq(page.next_ifd, 0);
	struct plane beyond = { .file = 0, .page = 3 }, gap = { .file = PLANE_GAP };
	struct reader none = { 0 };
	ck_assert_int_eq(image_page_read(d, im, &gap, &none, &page, &err), -ENOENT);
	CLEANUP(closep) int fd = dataset_open(d, &d->files[0], true);
	struct reader r = reader_fd(&fd, d->files[0].size);
	ck_assert_int_eq(image_page_read(d, im, &beyond, &r, &page, &err), -EBADMSG);
}
END_TEST

START_TEST(descriptions_of_unknown_axes_are_refused)
{
	static const char shape[] = "{\"shape\": [2, 3, 6, 8]}";
	struct tiny_page told = { .w = 8, .h = 6, .photometric = 1, .description = shape };
	struct tiny_page page = { .w = 8, .h = 6, .photometric = 1 };
	tiny_pages(PAGES(told, page, page, page, page, page), "x/hyper_0.tif");
	tiny_pages(PAGES(told, page, page, page, page, page), "x/hyper_1.tif");
	bad("x", ENOTSUP, "hyper_0.tif: ");
	opts.pattern = "hyper_{z}.tif";
	ck_assert(warned(look("x"), "--pattern decides"));
}
END_TEST

/* What the real stacks must give. */
static const struct {
	const char *path, *sizes, *axes;
	enum dtype dtype;
} stacks[] = {
	{ "em_fibsem_medulla", "1 1 10 520 520", "zyx", DTYPE_U8 },
	{ "em_fibsem_cube_with_labels/raw", "1 1 16 250 250", "zyx", DTYPE_U8 },
	{ "em_fibsem_cube_with_labels/labels", "1 1 16 250 250", "zyx", DTYPE_U32 },
	{ "mouse_brain_u16", "1 1 30 193 271", "zyx", DTYPE_U16 },
	{ "webknossos_color_tiff", "1 1 6 265 265", "zyx", DTYPE_U8 },
	{ "channels_by_filename", "1 3 1 167 439", "cyx", DTYPE_U8 },
	{ "membrane_timelapse_u16", "1 1 5 256 256", "zyx", DTYPE_U16 },
	{ "ndtiff_v2_multichannel", "5 2 1 32 32", "tcyx", DTYPE_U16 },
	{ "ome_4d_series", "7 1 5 167 439", "tzyx", DTYPE_I8 },
	{ "ome_multifile_companion", "1 1 5 24 18", "zyx", DTYPE_U8 },
};

static char shared[4096];

START_TEST(real_stacks)
{
	char path[4200], axes[AXIS_COUNT + 1] = "";
	snprintf(path, sizeof(path), "%s/stacks/%s", shared, stacks[_i].path);
	const char *want = stacks[_i].sizes;
	int rc = look_at(path, true);
	ck_assert_msg(rc == 0, "%s", err.msg);
	ck_assert_uint_eq(d->n_images, 1);
	const struct image *im = &d->images[0];
	sizes_are(im, want);
	ck_assert_int_eq(im->dtype, stacks[_i].dtype);
	enum axis list[AXIS_COUNT];
	unsigned n = image_axes(im, list);
	for (unsigned i = 0; i < n; i++)
		axes[i] = "tczyx"[list[i]];
	ck_assert_str_eq(axes, stacks[_i].axes);
	ck_assert_uint_eq(im->n_gaps, 0);
	for (size_t i = 0; i < im->n_warnings; i++)
		printf("  %s\n", im->warnings[i]);
}
END_TEST

START_TEST(a_folder_of_real_stacks)
{
	char path[4200];
	snprintf(path, sizeof(path), "%s/stacks/em_fibsem_cube_with_labels", shared);
	ck_assert_int_eq(look_at(path, false), 0);
	ck_assert_uint_eq(d->n_images, 2);
	ck_assert_uint_eq(d->n_labels, 1);
	ck_assert_str_eq(d->images[0].id, "em_fibsem_cube_with_labels");
	ck_assert_str_eq(d->images[1].label, "original/0");
}
END_TEST

/* ---- what is read at once, in whatever order ---- */

static void backwards(void *ctx, size_t n, each_one *one, void *arg)
{
	unsigned *calls = ctx;
	*calls += n > 1;
	while (n > 0)
		one(arg, --n);
}

/* All that a user is told, of files, images and what was left out. */
static void tell_all(struct text *t)
{
	for (size_t i = 0; i < d->n_files; i++)
		text_addf(t, "%s %u %d\n", d->files[i].path, d->files[i].n_pages,
			  d->files[i].trouble);
	for (size_t i = 0; i < d->n_left_out; i++)
		text_addf(t, "%s: %s\n", d->left_out[i].path, d->left_out[i].why);
	for (size_t i = 0; i < d->n_images; i++) {
		const struct image *im = &d->images[i];
		int rc = dataset_look(d, i, &opts, i % 2 == 0, &err);
		text_addf(t, "%s: %d %s\n", im->id, rc, rc != 0 ? err.msg : "");
		text_addf(t, "%" PRIu64 " %" PRIu64 " %.9f\n", im->n_damaged, im->unit_bytes_max,
			  im->stored_share);
		for (size_t k = 0; k < im->n_warnings; k++)
			text_addf(t, "%s\n", im->warnings[k]);
	}
	ck_assert(!t->oom);
}

static void make_all_kinds(void)
{
	series("src/a", PAGES(GRAY(8, 6)), 40);
	for (unsigned i = 2; i < 40; i += 7) {
		tiny_pages(PAGES(GRAY(9 + i, 6)), "src/a/s_%03u.tif", i);
		tiny_pages(PAGES(GRAY(8, 6), GRAY(8, 6)), "src/a/s_%03u.tif", i + 1);
	}
	tiny_bytes("src/a/s_000.tif", "no TIFF at all", 14);
	tiny_bytes("src/a/s_039.tif", "", 0);
	ck_assert_int_eq(symlink("nowhere", "src/a/s_040.tif"), 0);
	series("src/b", PAGES(GRAY(8, 6), GRAY(8, 6), GRAY(4, 3)), 9);
	series("src/c", PAGES(GRAY(8, 6), GRAY(8, 6)), 9);
	tiny_pages(PAGES(GRAY(7, 7), GRAY(7, 7), GRAY(7, 7)), "src/c/s_003.tif");
	tiny_pages(PAGES(GRAY(30, 20), GRAY(20, 30)), "src/d/apart.tif");
	tiny_pages(PAGES(GRAY(8, 6)), "src/e/s_0.tif");
	tiny_pages(PAGES(GRAY(8, 7)), "src/e/s_1.tif");
}

START_TEST(the_order_of_reading_does_not_show)
{
	unsigned calls = 0;
	struct text CLEANUP(text_done) forwards = { 0 }, other = { 0 };
	make_all_kinds();
	opts.gaps = GAPS_FILL;
	ck_assert_msg(dataset_scan("src", &opts, &d, &err) == 0, "%s", err.msg);
	tell_all(&forwards);
	ck_assert_uint_gt(d->n_images, 12); /* two folders fall into files or pages */
	ck_assert_uint_gt(d->n_left_out, 0);
	dataset_free(d);
	d = NULL;
	opts.each = (struct each){ .run = backwards, .ctx = &calls };
	ck_assert_msg(dataset_scan("src", &opts, &d, &err) == 0, "%s", err.msg);
	tell_all(&other);
	ck_assert_uint_gt(calls, 10);
	ck_assert_str_eq(forwards.s, other.s);
	ck_assert_ptr_nonnull(strstr(other.s, "s_002.tif: 11 x 6 uint8; "));
}
END_TEST

static Suite *suite(bool have_shared)
{
	const TTest *const tests[] = {
		kind_grid_and_layout,
		chunks_without_z_have_no_depth,
		the_majority_of_three_decides,
		a_damaged_file_is_replaced_by_its_neighbour,
		unsupported_pages_have_a_sentence,
		all_files_or_a_sample,
		damaged_strips_are_told,
		mended_byte_counts_are_told,
		pages_beyond_the_first_are_told,
		colours_that_differ_are_named,
		claims_beyond_the_stored_bytes_are_told,
		voxel_size_by_option,
		voxel_size_by_tags,
		levels,
		chunks_beyond_node_numbers,
		one_channel,
		channels_by_name,
		samples_are_channels,
		values_are_as_stored_and_said_so,
		pages_are_checked_when_read,
		descriptions_of_unknown_axes_are_refused,
		the_order_of_reading_does_not_show,
	};
	Suite *s = suite_create("look");
	TCase *c = tcase_create("look");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	if (have_shared) {
		tcase_add_loop_test(c, real_stacks, 0, ARRAY_SIZE(stacks));
		tcase_add_test(c, a_folder_of_real_stacks);
	}
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	const char *given = getenv("NGFFUSE_SHARED");
	bool have = realpath(given != NULL ? given : "../shared", shared) != NULL;
	if (have) {
		char stacks_path[4200];
		snprintf(stacks_path, sizeof(stacks_path), "%s/stacks", shared);
		have = access(stacks_path, R_OK) == 0;
	}
	if (!have)
		printf("skipped: the real stacks (no %s; set NGFFUSE_SHARED)\n",
		       given != NULL ? given : "../shared");
	tiny_begin();
	int code = run_suite(suite(have));
	tiny_end();
	return code;
}
