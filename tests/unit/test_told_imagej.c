/* Axes, planes and facts of ImageJ's stacks: by pages, behind one page, and where lines and pages disagree. */
#include <stdio.h>

#include "tests/unit/made_imagej.h"
#include "tests/unit/run_suite.h"

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

#define HYPER "ImageJ=1.53t\nimages=24\nchannels=2\nslices=3\nframes=4\nhyperstack=true\n"

START_TEST(hyperstack_of_pages)
{
	struct told_image *im = must_tell(&(struct made_stack){ .text = HYPER, .pages = 24 });
	sizes_are(im, 4, 2, 3);
	for (uint64_t t = 0; t < 4; t++)
		for (uint64_t c = 0; c < 2; c++)
			for (uint64_t z = 0; z < 3; z++)
				plane_is(im, t, c, z, TOLD_PAGE, c + 2 * (z + 3 * t));
	ck_assert_uint_eq(told.notes.len, 0);
	ck_assert_uint_eq(im->n_channels, 2);
}
END_TEST

START_TEST(hyperstack_behind_one_page)
{
	for (int big = 0; big < 2; big++) {
		for (unsigned strips = 0; strips <= H; strips += H) {
			struct told_image *im = must_tell(&(struct made_stack){
				.text = HYPER, .planes = 24, .strips = strips, .big = big });
			sizes_are(im, 4, 2, 3);
			plane_is(im, 0, 0, 0, TOLD_BEHIND, 0);
			plane_is(im, 0, 1, 0, TOLD_BEHIND, PLANE);
			plane_is(im, 0, 0, 1, TOLD_BEHIND, 2 * PLANE);
			plane_is(im, 3, 1, 2, TOLD_BEHIND, 23 * PLANE);
			ck_assert_uint_eq(told.notes.len, 0);
		}
	}
}
END_TEST

/* As tifffile writes it where more is written behind the stack. */
START_TEST(planes_behind_the_first_of_several_pages)
{
	struct told_image *im =
		must_tell(&(struct made_stack){ .text = HYPER, .planes = 24, .pages = 2 });
	sizes_are(im, 4, 2, 3);
	plane_is(im, 3, 1, 2, TOLD_BEHIND, 23 * PLANE);
}
END_TEST

START_TEST(a_cut_file_keeps_its_planes)
{
	struct told_image *im = must_tell(
		&(struct made_stack){ .text = HYPER, .planes = 24, .cut = 3 * PLANE + 1 });
	sizes_are(im, 4, 2, 3);
	plane_is(im, 3, 1, 2, TOLD_BEHIND, 23 * PLANE);
}
END_TEST

START_TEST(planes_behind_a_broken_chain_are_claimed)
{
	struct made_stack k = { .text = HYPER, .pages = 20, .compression = 5, .broken = true };
	struct told_image *im = must_tell(&k);
	sizes_are(im, 4, 2, 3);
	plane_is(im, 3, 1, 0, TOLD_PAGE, 19);
	plane_is(im, 3, 0, 1, TOLD_PAGE, 20);
	plane_is(im, 3, 1, 2, TOLD_PAGE, 23);
	ck_assert_uint_eq(told.notes.len, 0);
	/* A page that is no plane has no number. */
	k.thumbnail = 3;
	im = must_tell(&k);
	sizes_are(im, 4, 2, 3);
	plane_is(im, 0, 0, 1, TOLD_PAGE, 3);
	plane_is(im, 3, 0, 0, TOLD_PAGE, 19);
	plane_is(im, 3, 1, 0, TOLD_PAGE, 20);
	/* As many as that were never there. */
	k.thumbnail = 0;
	k.text = "ImageJ=1\nimages=70000\nslices=70000\n";
	im = must_tell(&k);
	sizes_are(im, 1, 1, 20);
	/* Lines that contradict one another. */
	k.text = "ImageJ=1\nimages=23\nslices=12\nframes=2\n";
	im = must_tell(&k);
	sizes_are(im, 1, 1, 20);
	k.broken = false;
	k.text = HYPER;
	im = must_tell(&k);
	sizes_are(im, 1, 1, 20);
}
END_TEST

static const struct {
	struct made_stack k;
	const char *why;
} alone[] = {
	{ { .text = HYPER, .planes = 24, .compression = 5 }, "compressed" },
	{ { .text = HYPER, .planes = 24, .strips = H, .gap = 1 }, "strips" },
	/* A description that was copied from a larger file. */
	{ { .text = HYPER, .late = true }, "other parts of the file" },
	{ { .text = HYPER, .planes = 5, .late = true }, "other parts of the file" },
	{ { .text = "ImageJ=1\nimages=9000000\nslices=9000000\n" }, "no room" },
	{ { .text = "ImageJ=1\nslices=99999999999\nframes=99999999999\nchannels=99999999999" },
	  "no room" },
};

START_TEST(a_page_alone)
{
	struct told_image *im = must_tell(&alone[_i].k);
	sizes_are(im, 1, 1, 1);
	plane_is(im, 0, 0, 0, TOLD_PAGE, 0);
	ck_assert_msg(made_notes(&told, alone[_i].why), "%s", told.notes.s);
	ck_assert(made_notes(&told, "there is 1 page"));
}
END_TEST

static const struct {
	const char *text;
	unsigned pages;
	uint64_t t, c, z;
	const char *note;
} counts[] = {
	{ "ImageJ=1.53t\n", 1, 1, 1, 1, NULL },
	{ "ImageJ=1.53t", 1, 1, 1, 1, NULL },
	{ "SCIFIO=0.41\nimages=6\nchannels=2\nslices=3\n", 6, 1, 2, 3, NULL },
	{ "ImageJ=1\nimages=5\nframes=5\n", 5, 5, 1, 1, NULL },
	{ "ImageJ=1\nimages=5\n", 5, 1, 1, 5, NULL },
	{ "ImageJ=1\r\nimages=6\r\nchannels=2\r\nslices=3\r\n", 6, 1, 2, 3, NULL },
	{ "ImageJ=1\nslices= 3 \nchannels=2", 6, 1, 2, 3, NULL },
	/* The number of planes is right, or neither is. */
	{ "ImageJ=1\nimages=6\nchannels=2\nslices=2\n", 6, 1, 1, 6, "6 pages; taken as z" },
	{ "ImageJ=1\nimages=9\nchannels=2\nslices=2\n", 6, 1, 1, 6, "1 x 2 x 2 planes" },
	{ "ImageJ=1\n", 3, 1, 1, 3, "3 pages" },
	/* What is no number counts as absent. */
	{ "ImageJ=1\nslices=two\nchannels=0\nframes=-3\n", 1, 1, 1, 1, NULL },
	{ "ImageJ=1\nslices=2.5\nimages=3\n", 3, 1, 1, 3, NULL },
	/* Keys begin lines. */
	{ "ImageJ=1\nxslices=3\nslicesx=3\n", 1, 1, 1, 1, NULL },
};

START_TEST(sizes_by_lines_and_pages)
{
	struct told_image *im = must_tell(&(struct made_stack){
		.text = counts[_i].text, .pages = counts[_i].pages, .compression = 5 });
	sizes_are(im, counts[_i].t, counts[_i].c, counts[_i].z);
	if (counts[_i].note == NULL)
		ck_assert_uint_eq(told.notes.len, 0);
	else
		ck_assert_msg(made_notes(&told, counts[_i].note), "%s", told.notes.s);
	for (uint64_t z = 0; counts[_i].c == 1 && z < counts[_i].z; z++)
		plane_is(im, 0, 0, z, TOLD_PAGE, z);
}
END_TEST

START_TEST(overviews_are_no_planes)
{
	struct told_image *im = must_tell(&(struct made_stack){
		.text = "ImageJ=1\nimages=4\nchannels=2\nslices=2\n", .pages = 5, .thumbnail = 3 });
	sizes_are(im, 1, 2, 2);
	plane_is(im, 0, 0, 0, TOLD_PAGE, 0);
	plane_is(im, 0, 1, 0, TOLD_PAGE, 1);
	plane_is(im, 0, 0, 1, TOLD_PAGE, 3);
	plane_is(im, 0, 1, 1, TOLD_PAGE, 4);
	ck_assert_uint_eq(told.notes.len, 0);
}
END_TEST

START_TEST(fewer_pages_of_the_kind)
{
	struct told_image *im =
		must_tell(&(struct made_stack){ .text = "ImageJ=1\nimages=5\nslices=5\n",
						.pages = 6,
						.thumbnail = 2,
						.compression = 5 });
	sizes_are(im, 1, 1, 5);
	plane_is(im, 0, 0, 1, TOLD_PAGE, 2);
	im = must_tell(&(struct made_stack){ .text = "ImageJ=1\nimages=6\nslices=3\n",
					     .pages = 6,
					     .thumbnail = 2,
					     .compression = 5 });
	sizes_are(im, 1, 1, 5);
	ck_assert(made_notes(&told, "5 pages"));
}
END_TEST

START_TEST(colour_stacks)
{
	struct told_image *im = must_tell(&(struct made_stack){
		.text = "ImageJ=1\nimages=4\nslices=4\n", .pages = 4, .samples = 3 });
	sizes_are(im, 1, 1, 4);
	ck_assert_uint_eq(im->n_channels, 3);
	/* Some writers count the samples as channels. */
	im = must_tell(&(struct made_stack){
		.text = "ImageJ=1\nimages=12\nchannels=3\nslices=4\n", .pages = 4, .samples = 3 });
	sizes_are(im, 1, 1, 4);
	ck_assert_uint_eq(im->n_channels, 3);
	ck_assert_uint_eq(told.notes.len, 0);
	im = must_tell(&(struct made_stack){
		.text = "ImageJ=1\nimages=4\nchannels=3\nslices=4\n", .planes = 4, .samples = 3 });
	sizes_are(im, 1, 1, 4);
	plane_is(im, 0, 0, 3, TOLD_BEHIND, 3 * 3 * PLANE);
	/* Here they are channels of their own. */
	im = must_tell(&(struct made_stack){
		.text = "ImageJ=1\nimages=6\nchannels=3\nslices=2\n", .pages = 6, .samples = 3 });
	sizes_are(im, 1, 3, 2);
	ck_assert_uint_eq(im->n_channels, 9);
}
END_TEST

START_TEST(orders_of_axes)
{
	static const struct {
		const char *order;
		uint64_t c, z, t; /* how far apart planes are along them */
	} orders[] = {
		{ "czt", 1, 2, 6 },  { "zct", 3, 1, 6 },  { "ctz", 1, 8, 2 }, { "tcz", 4, 8, 1 },
		{ "ztc", 12, 1, 3 }, { "tzc", 12, 4, 1 }, { "ZCT", 3, 1, 6 }, { "xyzct", 3, 1, 6 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		char text[200];
		snprintf(text, sizeof(text), HYPER "order=%s\n", orders[i].order);
		struct told_image *im =
			must_tell(&(struct made_stack){ .text = text, .pages = 24 });
		sizes_are(im, 4, 2, 3);
		plane_is(im, 3, 1, 2, TOLD_PAGE, 3 * orders[i].t + orders[i].c + 2 * orders[i].z);
		plane_is(im, 1, 1, 0, TOLD_PAGE, orders[i].t + orders[i].c);
		ck_assert_uint_eq(told.notes.len, 0);
	}
	static const char *const wrong[] = { "ccz", "zc", "", "abc", "cztt" };
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		char text[200];
		snprintf(text, sizeof(text), HYPER "order=%s\n", wrong[i]);
		struct told_image *im =
			must_tell(&(struct made_stack){ .text = text, .pages = 24 });
		plane_is(im, 0, 0, 1, TOLD_PAGE, 2);
		ck_assert(made_notes(&told, "order of axes"));
	}
}
END_TEST

START_TEST(other_kinds)
{
	static const char *const texts[] = { NULL,	    "",		"ImageJ",
					     " ImageJ=1\n", "imagej=1", "<OME>ImageJ=1\n</OME>" };
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		ck_assert_int_eq(ask(&(struct made_stack){ .text = texts[i] }), 0);
		ck_assert_uint_eq(told.n_images, 0);
	}
	const struct told_source none = { .name = "a.ome" };
	struct told nothing = { 0 };
	ck_assert_int_eq(told_imagej(&none, &nothing, &err), 0);
}
END_TEST

/* Lines after "ImageJ=1", resolutions and tag 296; what is told. Sizes 0: none. */
static const struct {
	const char *text;
	struct tiff_rational x, y;
	unsigned resolution_unit;
	double size[3]; /* z, y, x */
	const char *unit[3], *from;
} lengths[] = {
	{ "unit=cm\nyunit=nm\n",
	  { 500000, 1000000 },
	  { 142857, 1000000 },
	  1,
	  { 0, 7, 2 },
	  { NULL, "nanometer", "centimeter" },
	  NULL },
	{ "unit=('cm',)\nyunit=('nm',)\n",
	  { 200000, 1000000 },
	  { 166666, 1000000 },
	  1,
	  { 0, 6, 5 },
	  { NULL, "nanometer", "centimeter" },
	  NULL },
	{ "images=2\nslices=2\nunit=\\u03BCm\nzunit=pm\nspacing=-3\n",
	  { 20000, 1000000 },
	  { 20000, 1000000 },
	  1,
	  { 3, 50, 50 },
	  { "picometer", "micrometer", "micrometer" },
	  NULL },
	{ "images=2\nslices=2\nunit=micron\nspacing=0.7\n",
	  { 2834, 1000000 },
	  { 2834, 1000000 },
	  1,
	  { 0.7, 352.85815102328866, 352.85815102328866 },
	  { "micrometer", "micrometer", "micrometer" },
	  NULL },
	/* Absent: 1 of a unit that is there, for images with z. */
	{ "images=2\nslices=2\nunit=micron\n",
	  { 1, 1 },
	  { 1, 1 },
	  1,
	  { 1, 1, 1 },
	  { "micrometer", "micrometer", "micrometer" },
	  "assumed (ImageJ omits 1.0)" },
	{ "images=2\nslices=2\nunit=micron\nzunit=thou\n",
	  { 1, 1 },
	  { 1, 1 },
	  1,
	  { 25.4, 1, 1 },
	  { "micrometer", "micrometer", "micrometer" },
	  "assumed (ImageJ omits 1.0)" },
	{ "unit=micron\n",
	  { 1, 1 },
	  { 1, 1 },
	  1,
	  { 0, 1, 1 },
	  { NULL, "micrometer", "micrometer" },
	  NULL },
	{ "images=2\nslices=2\nunit=um\n",
	  { 0, 1000000 },
	  { 0, 1000000 },
	  1,
	  { 0, 0, 0 },
	  { NULL, NULL, NULL },
	  NULL },
	{ "unit=cm\nyunit=mm\n", { 0, 0 }, { 5, 0 }, 1, { 0, 0, 0 }, { NULL, NULL, NULL }, NULL },
	/* No unit: z is told in pixels; and 296 counts for nothing but the one writer who counts on a centimeter. */
	{ "images=2\nslices=2\nspacing=2\n",
	  { 1, 2 },
	  { 1, 2 },
	  3,
	  { 2, 0, 0 },
	  { "", NULL, NULL },
	  NULL },
	{ "unit=pixel\n", { 1, 2 }, { 1, 2 }, 2, { 0, 0, 0 }, { NULL, NULL, NULL }, NULL },
	{ "unit= \n", { 1, 1 }, { 1, 1 }, 1, { 0, 0, 0 }, { NULL, NULL, NULL }, NULL },
	{ "unit=um\n",
	  { 58823, 10 },
	  { 58823, 10 },
	  3,
	  { 0, 1.7, 1.7 },
	  { NULL, "micrometer", "micrometer" },
	  NULL },
	{ "unit=micron\n",
	  { 58823, 10 },
	  { 58823, 10 },
	  3,
	  { 0, 0.00017, 0.00017 },
	  { NULL, "micrometer", "micrometer" },
	  NULL },
	{ "unit=inch\n",
	  { 300, 1 },
	  { 300, 1 },
	  2,
	  { 0, 1 / 300., 1 / 300. },
	  { NULL, "inch", "inch" },
	  NULL },
	{ "zunit=nm\ntunit=um\nyunit=mm\n",
	  { 2, 1 },
	  { 2, 1 },
	  1,
	  { 0, 0.5, 0 },
	  { NULL, "millimeter", NULL },
	  NULL },
	{ "images=2\nslices=2\nunit=um\nspacing=0\n",
	  { 2, 1 },
	  { 2, 1 },
	  1,
	  { 0, 0.5, 0.5 },
	  { NULL, "micrometer", "micrometer" },
	  NULL },
	{ "images=2\nslices=2\nunit=um\nspacing=NaN\n",
	  { 2, 1 },
	  { 2, 1 },
	  1,
	  { 0, 0.5, 0.5 },
	  { NULL, "micrometer", "micrometer" },
	  NULL },
};

START_TEST(voxel_sizes)
{
	for (int big = 0; big < 2; big++) {
		char text[300];
		snprintf(text, sizeof(text), "ImageJ=1\n%s", lengths[_i].text);
		struct told_image *im = must_tell(
			&(struct made_stack){ .text = text,
					      .planes = 2,
					      .x = lengths[_i].x,
					      .y = lengths[_i].y,
					      .resolution_unit = lengths[_i].resolution_unit,
					      .big = big });
		for (int a = 0; a < 3; a++) {
			ck_assert_double_eq(im->size[a].value, lengths[_i].size[a]);
			ck_assert_pstr_eq(im->size[a].unit, lengths[_i].unit[a]);
		}
		ck_assert_pstr_eq(im->size[0].from, lengths[_i].from);
		ck_assert_uint_eq(told.notes.len, 0);
	}
}
END_TEST

static const struct {
	const char *text;
	double step;
	const char *note;
} steps[] = {
	{ "frames=2\nfinterval=3\ntunit=min\n", 180, NULL },
	{ "frames=2\nfinterval=3\ntunit=hr\nfps=2\n", 10800, NULL },
	{ "frames=2\nfinterval=0.25\n", 0.25, NULL },
	{ "frames=2\nfinterval=3\ntunit=msec\n", 0.003, NULL },
	{ "frames=2\nfinterval=3\ntunit=pixel\n", 0, NULL },
	{ "frames=2\nfinterval=-1.2345678\nfps=4\n", 0, NULL },
	{ "frames=2\nfinterval=0\nfps=4\n", 0, NULL },
	{ "frames=2\nfps=4\n", 0.25, NULL },
	{ "frames=2\nfps=0\n", 0, NULL },
	{ "slices=2\nfps=4\n", 0, NULL },
	{ "slices=2\nfinterval=2\n", 2, "they may be time points" },
	{ "frames=2\n", 0, NULL },
};

START_TEST(time_steps)
{
	char text[300];
	snprintf(text, sizeof(text), "ImageJ=1\nimages=2\n%s", steps[_i].text);
	struct told_image *im = must_tell(&(struct made_stack){ .text = text, .planes = 2 });
	ck_assert_double_eq(im->time_step, steps[_i].step);
	if (steps[_i].note != NULL)
		ck_assert(made_notes(&told, steps[_i].note));
	else
		ck_assert_uint_eq(told.notes.len, 0);
}
END_TEST

static const struct {
	const char *text;
	double low, high;
	const char *note;
} windows[] = {
	{ "min=706.0\nmax=5846.0\n", 706, 5846, NULL },
	{ "min=-3.5\nmax=1e3\n", -3.5, 1000, NULL },
	{ "min=0.0\nmax=0.0\n", 0, 0, NULL },
	{ "min=5\nmax=2\n", 0, 0, NULL },
	{ "min=5\n", 0, 0, NULL },
	{ "min=0\nmax=Infinity\n", 0, 0, NULL },
	{ "images=2\nchannels=2\nmin=1\nmax=2\n", 0, 0, NULL },
	{ "cf=0\nc0=-32768.0\nc1=1.0\nmin=1\nmax=9\n", 1, 9, "calibrated" },
	{ "cf=20\nmin=1\nmax=9\n", 1, 9, NULL },
};

START_TEST(values_to_show)
{
	char text[300];
	snprintf(text, sizeof(text), "ImageJ=1\n%s", windows[_i].text);
	struct told_image *im = must_tell(&(struct made_stack){ .text = text, .planes = 2 });
	ck_assert_double_eq(im->channels[0].start, windows[_i].low);
	ck_assert_double_eq(im->channels[0].end, windows[_i].high);
	if (windows[_i].note != NULL)
		ck_assert(made_notes(&told, windows[_i].note));
	else
		ck_assert_uint_eq(told.notes.len, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("told_imagej");
	TCase *tc = tcase_create("told_imagej");
	tcase_add_test(tc, hyperstack_of_pages);
	tcase_add_test(tc, hyperstack_behind_one_page);
	tcase_add_test(tc, planes_behind_the_first_of_several_pages);
	tcase_add_test(tc, a_cut_file_keeps_its_planes);
	tcase_add_test(tc, planes_behind_a_broken_chain_are_claimed);
	tcase_add_loop_test(tc, a_page_alone, 0, ARRAY_SIZE(alone));
	tcase_add_loop_test(tc, sizes_by_lines_and_pages, 0, ARRAY_SIZE(counts));
	tcase_add_test(tc, overviews_are_no_planes);
	tcase_add_test(tc, fewer_pages_of_the_kind);
	tcase_add_test(tc, colour_stacks);
	tcase_add_test(tc, orders_of_axes);
	tcase_add_test(tc, other_kinds);
	tcase_add_loop_test(tc, voxel_sizes, 0, ARRAY_SIZE(lengths));
	tcase_add_loop_test(tc, time_steps, 0, ARRAY_SIZE(steps));
	tcase_add_loop_test(tc, values_to_show, 0, ARRAY_SIZE(windows));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
