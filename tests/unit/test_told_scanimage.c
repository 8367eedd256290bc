/* Channels, slices, frames and volumes by ScanImage's settings. */
#include "meta/told_scanimage.h"

#include <stdio.h>

#include "tests/unit/made_source.h"
#include "tests/unit/run_suite.h"

enum { SIDE = 2 };

static struct made file;
static struct made_source src;
static struct told told;
static struct err err;

static void set_text(struct made_list *l, uint16_t tag, const char *text)
{
	if (text != NULL)
		made_set(l,
			 (struct made_tag){
				 .tag = tag, .type = 2, .count = strlen(text) + 1, .bytes = text });
}

static bool broken; /* the chain, behind the last page */

static int ask(const char *software, const char *description, unsigned pages, unsigned reduced)
{
	static const uint8_t pixels[SIDE * SIDE];
	made_source_close(&src);
	told_done(&told);
	err = (struct err){ 0 };
	made_begin(&file, false, false);
	made_data(&file, pixels, sizeof(pixels));
	for (unsigned i = 0; i < pages; i++) {
		struct made_list l = made_page(SIDE, SIDE, 8, sizeof(pixels));
		if (i == 0) {
			set_text(&l, 305, software);
			set_text(&l, 270, description);
		}
		if (reduced == i + 1)
			made_num(&l, 254, 4, 1);
		made_ifd(&file, l.t);
	}
	if (broken)
		made_cut(&file);
	made_source_open(&src, "a.tif", file.b, file.n);
	int rc = told_scanimage(&src.s, &told, &err);
	ck_assert(!told.notes.oom);
	if (rc != 1)
		ck_assert_uint_eq(told.n_images, 0);
	return rc;
}

static struct told_image *must_tell(const char *software, const char *description, unsigned pages)
{
	int rc = ask(software, description, pages, 0);
	ck_assert_msg(rc == 1, "%d %s %s", rc, err.msg, told.notes.s != NULL ? told.notes.s : "");
	ck_assert_str_eq(told.kind, "ScanImage");
	ck_assert_uint_eq(told.n_images, 1);
	return told.images;
}

/* Settings of the newer kind; texts NULL: no such line. */
struct settings {
	const char *channels, *frames, *slices, *more;
};

static const char *lines(const struct settings *k)
{
	static char text[1000];
	const char *const keys[] = { "SI.hChannels.channelSave", "SI.hStackManager.framesPerSlice",
				     "SI.hStackManager.actualNumSlices" };
	const char *const values[] = { k->channels, k->frames, k->slices };
	int n = snprintf(text, sizeof(text), "SI.VERSION_MAJOR = 2018\n");
	for (int i = 0; i < 3; i++)
		if (values[i] != NULL)
			n += snprintf(text + n, sizeof(text) - (size_t)n, "%s = %s\n", keys[i],
				      values[i]);
	if (k->more != NULL)
		snprintf(text + n, sizeof(text) - (size_t)n, "%s", k->more);
	return text;
}

static const struct {
	struct settings k;
	unsigned pages;
	uint64_t n[TOLD_AXES];		       /* t, c, z */
	uint64_t frames, frame, volume, slice; /* how far apart pages are, without c */
	unsigned left_out;
} rows[] = {
	/* One slice: frames are t. */
	{ { "1", "inf", NULL, NULL }, 7, { 7, 1, 1 }, 7, 1, 0, 0, 0 },
	{ { "[1;2]", "Inf", "1", NULL }, 8, { 4, 2, 1 }, 4, 2, 0, 0, 0 },
	{ { "[1 3]", "4", "1", NULL }, 8, { 4, 2, 1 }, 4, 2, 0, 0, 0 },
	{ { "2", "4", NULL, NULL }, 4, { 4, 1, 1 }, 4, 1, 0, 0, 0 },
	/* One frame: slices are z. */
	{ { "[1;2]", "1", "5", NULL }, 10, { 1, 2, 5 }, 1, 0, 0, 2, 0 },
	{ { "1", "1", NULL, NULL }, 6, { 1, 1, 6 }, 1, 0, 0, 1, 0 },
	/* Frames inside each slice. */
	{ { "[1;2]", "3", "2", NULL }, 12, { 3, 2, 2 }, 3, 2, 0, 6, 0 },
	{ { "[1;2]", "3", NULL, NULL }, 12, { 3, 2, 2 }, 3, 2, 0, 6, 0 },
	/* Volumes. */
	{ { "1", "1", "3", NULL }, 12, { 4, 1, 3 }, 1, 0, 3, 1, 0 },
	{ { "[1;2]", "2", "3", NULL }, 24, { 4, 2, 3 }, 2, 2, 12, 4, 0 },
	{ { "1", "1", "3",
	    "SI.hFastZ.enable = true\nSI.hStackManager.numFramesPerVolumeWithFlyback = 4\n" },
	  12,
	  { 3, 1, 3 },
	  1,
	  0,
	  4,
	  1,
	  3 },
	{ { "1", "1", "3", "SI.hFastZ.enable = 1\nSI.hFastZ.numFramesPerVolume = 4\n" },
	  12,
	  { 3, 1, 3 },
	  1,
	  0,
	  4,
	  1,
	  3 },
	{ { "1", "1", "3", "SI.hFastZ.enable = false\nSI.hFastZ.numFramesPerVolume = 4\n" },
	  12,
	  { 4, 1, 3 },
	  1,
	  0,
	  3,
	  1,
	  0 },
	/* Stopped early. */
	{ { "1", "1", "3", NULL }, 11, { 3, 1, 3 }, 1, 0, 3, 1, 2 },
	{ { "[1;2]", "3", "4", NULL }, 17, { 3, 2, 2 }, 3, 2, 0, 6, 5 },
	{ { "[1;2]", "30", "4", NULL }, 17, { 8, 2, 1 }, 8, 2, 0, 0, 1 },
	/* Only means were stored. */
	{ { "1", "10", "6", "SI.hScan2D.logAverageFactor = 10\n" }, 6, { 1, 1, 6 }, 1, 0, 0, 1, 0 },
	{ { "1", "10", "2", "SI.hScan2D.logAverageFactor = 5\n" }, 4, { 2, 1, 2 }, 2, 1, 0, 2, 0 },
	/* Numbers that are none. */
	{ { "1", "0", "-1", NULL }, 4, { 4, 1, 1 }, 4, 1, 0, 0, 0 },
	{ { "1", "2.5", "[]", NULL }, 4, { 4, 1, 1 }, 4, 1, 0, 0, 0 },
	{ { "1", NULL, NULL, NULL }, 4, { 4, 1, 1 }, 4, 1, 0, 0, 0 },
	{ { "1", NULL, "4", NULL }, 4, { 1, 1, 4 }, 1, 0, 0, 1, 0 },
	{ { "1", "inf", NULL, NULL }, 1, { 1, 1, 1 }, 1, 0, 0, 0, 0 },
};

START_TEST(pages_by_settings)
{
	struct told_image *im = must_tell(lines(&rows[_i].k), NULL, rows[_i].pages);
	const uint64_t *n = rows[_i].n;
	ck_assert_msg(im->n[TOLD_T] == n[0] && im->n[TOLD_C] == n[1] && im->n[TOLD_Z] == n[2],
		      "%d x %d x %d", (int)im->n[TOLD_T], (int)im->n[TOLD_C], (int)im->n[TOLD_Z]);
	for (uint64_t t = 0; t < n[0]; t++)
		for (uint64_t c = 0; c < n[1]; c++)
			for (uint64_t z = 0; z < n[2]; z++) {
				const struct told_plane *p = told_plane(im, t, c, z);
				ck_assert_int_eq(p->where, TOLD_PAGE);
				ck_assert_uint_eq(p->file, 0);
				ck_assert_uint_eq(p->at,
						  c + t % rows[_i].frames * rows[_i].frame +
							  t / rows[_i].frames * rows[_i].volume +
							  z * rows[_i].slice);
			}
	char left[40];
	snprintf(left, sizeof(left), "%u of %u pages", rows[_i].left_out, rows[_i].pages);
	ck_assert(made_notes(&told, left) == (rows[_i].left_out != 0));
}
END_TEST

static const struct {
	struct settings k;
	unsigned pages;
	uint64_t n[TOLD_AXES];
	uint64_t last; /* page of the last plane */
} cuts[] = {
	/* As many frames as were announced; without a number as many as the pages reach into. */
	{ { "[1;2]", "4", "1", NULL }, 5, { 4, 2, 1 }, 7 },
	{ { "[1;2]", "inf", NULL, NULL }, 5, { 3, 2, 1 }, 5 },
	{ { "[1;2]", "1", "5", NULL }, 3, { 1, 2, 5 }, 9 },
	{ { "[1;2]", "3", "2", NULL }, 7, { 3, 2, 2 }, 11 },
	{ { "1", "3", NULL, NULL }, 4, { 3, 1, 2 }, 5 },
	/* The volume that was begun is whole. */
	{ { "1", "1", "3", NULL }, 10, { 4, 1, 3 }, 11 },
	{ { "1", "1", "3", NULL }, 9, { 3, 1, 3 }, 8 },
	/* Nobody knows whether the way back was stored, or so many were never there. */
	{ { "1", "1", "3",
	    "SI.hFastZ.enable = true\nSI.hStackManager.numFramesPerVolumeWithFlyback = 4\n" },
	  7,
	  { 2, 1, 3 },
	  5 },
	{ { "1", "70000", "1", NULL }, 5, { 5, 1, 1 }, 4 },
};

START_TEST(planes_behind_a_broken_chain_are_claimed)
{
	broken = true;
	struct told_image *im = must_tell(lines(&cuts[_i].k), NULL, cuts[_i].pages);
	broken = false;
	const uint64_t *n = cuts[_i].n;
	ck_assert_msg(im->n[TOLD_T] == n[0] && im->n[TOLD_C] == n[1] && im->n[TOLD_Z] == n[2],
		      "%d x %d x %d", (int)im->n[TOLD_T], (int)im->n[TOLD_C], (int)im->n[TOLD_Z]);
	const struct told_plane *last = told_plane(im, n[0] - 1, n[1] - 1, n[2] - 1);
	ck_assert_int_eq(last->where, TOLD_PAGE);
	ck_assert_uint_eq(last->at, cuts[_i].last);
}
END_TEST

START_TEST(lines_in_descriptions)
{
	struct told_image *im =
		must_tell(NULL,
			  "frameNumbers = 1\r\nscanimage.SI.hChannels.channelSave = [1;2]\r\n"
			  "scanimage.SI.hStackManager.framesPerSlice = 1\r\n",
			  6);
	ck_assert_uint_eq(im->n[TOLD_C], 2);
	ck_assert_uint_eq(im->n[TOLD_Z], 3);
	/* Software of another program. */
	im = must_tell("SIP 3",
		       "scanimage.SI.hChannels.channelSave = [1;2]\n"
		       "scanimage.SI.hStackManager.framesPerSlice = inf",
		       6);
	ck_assert_uint_eq(im->n[TOLD_T], 3);
}
END_TEST

static const struct {
	const char *text;
	unsigned pages;
	uint64_t n[TOLD_AXES]; /* zeros: not told */
} older[] = {
	{ "scanimage.SI4.channelsSave = [1;2]\nscanimage.SI4.stackNumSlices = 3\n"
	  "scanimage.SI4.acqNumFrames = 4\n",
	  24,
	  { 4, 2, 3 } },
	{ "scanimage.SI5.channelsSave = 1\nscanimage.SI5.stackNumSlices = 3\n"
	  "scanimage.SI5.acqNumFrames = 4\n",
	  12,
	  { 4, 1, 3 } },
	{ "state.acq.numberOfChannelsSave=2\rstate.acq.numberOfZSlices=3\r"
	  "state.acq.numberOfFrames=4\r",
	  24,
	  { 4, 2, 3 } },
	/* Means of frames, and what was stopped early. */
	{ "state.acq.numberOfChannelsSave=2\rstate.acq.numberOfZSlices=3\r"
	  "state.acq.numberOfFrames=4\r",
	  6,
	  { 1, 2, 3 } },
	{ "state.acq.numberOfChannelsSave=2\rstate.acq.numberOfZSlices=3\r"
	  "state.acq.numberOfFrames=4\r",
	  20,
	  { 0 } },
	{ "state.acq.numberOfChannelsSave=100000\r", 2, { 0 } },
	{ "state.acq.x=1\r", 2, { 0 } },
	{ "scanimage.SI5.channelsSave = 1\nscanimage.SI5.acqNumFrames = inf\n", 12, { 0 } },
};

START_TEST(older_settings)
{
	int rc = ask(NULL, older[_i].text, older[_i].pages, 0);
	ck_assert_int_eq(rc, older[_i].n[0] != 0);
	for (int a = 0; rc == 1 && a < TOLD_AXES; a++)
		ck_assert_uint_eq(told.images[0].n[a], older[_i].n[a]);
	ck_assert(made_notes(&told, "taken as z") == (rc == 0));
}
END_TEST

START_TEST(other_texts)
{
	static const char *const channels[] = { "[]", "[1:4]", "none", "" };
	for (size_t i = 0; i < ARRAY_SIZE(channels); i++) {
		ck_assert_int_eq(
			ask(lines(&(struct settings){ .channels = channels[i] }), NULL, 4, 0), 0);
		ck_assert(made_notes(&told, "does not tell which channels"));
	}
	ck_assert_int_eq(ask("SI.x = 1", NULL, 1, 0), 0);
	ck_assert_uint_eq(told.notes.len, 0);
	/* Fewer pages than channels. */
	ck_assert_int_eq(ask(lines(&(struct settings){ .channels = "[1;2;3]" }), NULL, 2, 0), 0);
	ck_assert(made_notes(&told, "does not fit 2 pages"));
	ck_assert_int_eq(ask(NULL, NULL, 2, 0), 0);
	ck_assert_int_eq(ask("SIP", "state", 2, 0), 0);
	ck_assert_int_eq(ask("x SI.hChannels.channelSave = 1", "", 2, 0), 0);
	ck_assert_uint_eq(told.notes.len, 0);
}
END_TEST

START_TEST(overviews_are_no_frames)
{
	const struct settings k = { .channels = "[1;2]", .frames = "inf" };
	ck_assert_int_eq(ask(lines(&k), NULL, 5, 2), 1);
	const struct told_image *im = told.images;
	ck_assert_uint_eq(im->n[TOLD_T], 2);
	ck_assert_uint_eq(told_plane(im, 0, 1, 0)->at, 2);
	ck_assert_uint_eq(told_plane(im, 1, 1, 0)->at, 4);
	ck_assert_uint_eq(told.notes.len, 0);
}
END_TEST

START_TEST(facts)
{
	const char *more =
		"SI.hStackManager.stackZStepSize = -2.5\nSI.hRoiManager.scanFrameRate = 4\n";
	struct told_image *im =
		must_tell(lines(&(struct settings){ "[2;4]", "1", "3", more }), NULL, 6);
	ck_assert_double_eq(im->size[0].value, 2.5);
	ck_assert_str_eq(im->size[0].unit, "micrometer");
	ck_assert_double_eq(im->size[1].value, 0);
	ck_assert_uint_eq(im->n_channels, 2);
	ck_assert_str_eq(im->channels[0].name, "channel 2");
	ck_assert_str_eq(im->channels[1].name, "channel 4");
	/* Of volumes nobody knows how far apart they are. */
	im = must_tell(lines(&(struct settings){ "1", "1", "3", more }), NULL, 6);
	ck_assert_double_eq(im->time_step, 0);
	im = must_tell(lines(&(struct settings){ "1", "inf", "1", more }), NULL, 6);
	ck_assert_double_eq(im->time_step, 0.25);
	ck_assert_double_eq(im->size[0].value, 0);
}
END_TEST

static int64_t failing_read(UNUSED void *ctx, UNUSED void *buf, UNUSED size_t n,
			    UNUSED uint64_t off)
{
	return -EIO;
}

START_TEST(failing_storage)
{
	must_tell(lines(&(struct settings){ .channels = "1" }), NULL, 2);
	src.reader.pread = failing_read;
	struct told t = { 0 };
	ck_assert_int_eq(told_scanimage(&src.s, &t, &err), -EIO);
	ck_assert_int_eq(err.code, EIO);
	told_done(&t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("told_scanimage");
	TCase *tc = tcase_create("told_scanimage");
	tcase_add_loop_test(tc, pages_by_settings, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(tc, planes_behind_a_broken_chain_are_claimed, 0, ARRAY_SIZE(cuts));
	tcase_add_test(tc, lines_in_descriptions);
	tcase_add_loop_test(tc, older_settings, 0, ARRAY_SIZE(older));
	tcase_add_test(tc, other_texts);
	tcase_add_test(tc, overviews_are_no_frames);
	tcase_add_test(tc, facts);
	tcase_add_test(tc, failing_storage);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
