/* Labels, colours and values to show in tags 50838 and 50839. */
#include <stdio.h>

#include "tests/unit/made_imagej.h"
#include "tests/unit/run_suite.h"

enum { BLOB = 1 << 15, ITEMS = 64 };

static struct {
	uint8_t b[BLOB];
	size_t n;
	uint64_t lengths[ITEMS];
	size_t n_lengths;
	bool big;
	size_t next; /* of the header */
} blob;

static void blob_put(size_t at, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		blob.b[at + i] = (uint8_t)(v >> 8 * (blob.big ? n - 1 - i : i));
}

static void blob_begin(bool big, unsigned types)
{
	memset(&blob, 0, sizeof(blob));
	blob.big = big;
	blob.n = blob.lengths[0] = 4 + 8 * (size_t)types;
	blob.n_lengths = 1;
	blob_put(0, 0x494a494a, 4);
	blob.next = 4;
}

static void blob_type(uint32_t type, uint32_t n)
{
	blob_put(blob.next, type, 4);
	blob_put(blob.next + 4, n, 4);
	blob.next += 8;
}

static void blob_item(const void *bytes, size_t n)
{
	memcpy(blob.b + blob.n, bytes, n);
	blob.n += n;
	blob.lengths[blob.n_lengths++] = n;
}

static void blob_text(const char *s)
{
	size_t n = strlen(s);
	for (size_t i = 0; i < n; i++)
		blob_put(blob.n + 2 * i, (uint8_t)s[i], 2);
	blob.n += 2 * n;
	blob.lengths[blob.n_lengths++] = 2 * n;
}

static void blob_ranges(const double *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t bits;
		memcpy(&bits, &v[i], 8);
		blob_put(blob.n + 8 * i, bits, 8);
	}
	blob.n += 8 * n;
	blob.lengths[blob.n_lengths++] = 8 * n;
}

enum { LUTS = 0x6c757473, RANGES = 0x72616e67, LABELS = 0x6c61626c, INFO = 0x696e666f };

static struct told_image *tell_blob(const char *text, unsigned planes)
{
	return must_tell(&(struct made_stack){ .text = text,
					       .planes = planes,
					       .big = blob.big,
					       .blob = blob.b,
					       .blob_n = blob.n,
					       .lengths = blob.lengths,
					       .n_lengths = blob.n_lengths });
}

#define TWO_BY_TWO "ImageJ=1\nimages=4\nchannels=2\nslices=2\nmode=composite\n"

/* A ramp from one colour to another. */
static void ramp(uint8_t lut[768], const unsigned from[3], const unsigned to[3])
{
	for (unsigned p = 0; p < 3; p++)
		for (unsigned i = 0; i < 256; i++)
			lut[256 * p + i] = (uint8_t)((from[p] * (255 - i) + to[p] * i) / 255);
}

START_TEST(blocks_of_both_byte_orders)
{
	static const unsigned black[3] = { 0, 0, 0 }, cyan[3] = { 0, 255, 255 },
			      orange[3] = { 255, 128, 0 };
	static const double ranges[] = { 10, 200, -5, 0.5 };
	uint8_t lut[768];
	for (int big = 0; big < 2; big++) {
		blob_begin(big, 5);
		blob_type(INFO, 1);
		blob_type(LABELS, 4);
		blob_type(RANGES, 1);
		blob_type(LUTS, 2);
		blob_type(0x12345678, 1);
		blob_text("what the microscope said");
		blob_text("c:1/2 z:1/2 - DAPI\nmore");
		blob_text("c:2/2 z:1/2 - GFP \xb5");
		blob_text("x");
		blob_text("y");
		blob_ranges(ranges, 4);
		ramp(lut, black, cyan);
		blob_item(lut, sizeof(lut));
		ramp(lut, black, orange);
		blob_item(lut, sizeof(lut));
		blob_item("?", 1);
		struct told_image *im = tell_blob(TWO_BY_TWO, 4);
		ck_assert_uint_eq(told.notes.len, 0);
		ck_assert_str_eq(im->channels[0].name, "DAPI");
		ck_assert_str_eq(im->channels[1].name, "GFP \xc2\xb5");
		ck_assert_str_eq(im->channels[0].color, "00FFFF");
		ck_assert_str_eq(im->channels[1].color, "FF8000");
		ck_assert_double_eq(im->channels[0].start, 10);
		ck_assert_double_eq(im->channels[0].end, 200);
		ck_assert_double_eq(im->channels[1].start, -5);
		ck_assert_double_eq(im->channels[1].end, 0.5);
	}
}
END_TEST

START_TEST(labels_follow_the_order_of_planes)
{
	blob_begin(true, 1);
	blob_type(LABELS, 4);
	blob_text("first");
	blob_text("z");
	blob_text("second");
	blob_text("z");
	struct told_image *im = tell_blob(TWO_BY_TWO "order=zct\n", 4);
	ck_assert_str_eq(im->channels[0].name, "first");
	ck_assert_str_eq(im->channels[1].name, "second");
}
END_TEST

static const struct {
	const char *labels[2];
	const char *names[2];
} label_rows[] = {
	{ { "c:1/2 - a", "c:2/2 - b" }, { "a", "b" } },
	{ { "c:1/2 z:1/1 t:1/4 - a", "z:1/2 b" }, { "a", "b" } },
	{ { "c:1/2", "c:2/2" }, { NULL, NULL } },
	{ { "c:1/2 - ", "c:2/2 - b" }, { NULL, "b" } },
	{ { "c:x/2 - a", "cz" }, { "c:x/2 - a", "cz" } },
	{ { "c:1- a", "c:1/ a" }, { "c:1- a", "c:1/ a" } },
	{ { "same", "same" }, { NULL, NULL } },
	{ { "img_c1.tif", "img_c2.tif" }, { NULL, NULL } },
	{ { "c:1/2 - a.lsm #1", "b" }, { "a.lsm #1", "b" } },
	{ { "gain 1.5", "gain 2.5" }, { "gain 1.5", "gain 2.5" } },
	{ { "\n", "b\r\nc" }, { NULL, "b" } },
	{ { "a\tb", "c" },
	  { "a\xef\xbf\xbd"
	    "b",
	    "c" } },
};

START_TEST(labels_as_names)
{
	blob_begin(false, 1);
	blob_type(LABELS, 2);
	for (int i = 0; i < 2; i++)
		blob_text(label_rows[_i].labels[i]);
	struct told_image *im = tell_blob("ImageJ=1\nimages=2\nchannels=2\n", 2);
	for (int i = 0; i < 2; i++)
		ck_assert_pstr_eq(im->channels[i].name, label_rows[_i].names[i]);
}
END_TEST

START_TEST(labels_beyond_the_basic_plane)
{
	static const uint16_t pair[] = { 0xd83d, 0xde00, 'x' }, lone[] = { 0xd83d, 'y', 0xde00 };
	blob_begin(true, 1);
	blob_type(LABELS, 2);
	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; k < 3; k++)
			blob_put(blob.n + 2 * k, i == 0 ? pair[k] : lone[k], 2);
		blob.n += 6;
		blob.lengths[blob.n_lengths++] = 6;
	}
	struct told_image *im = tell_blob("ImageJ=1\nimages=2\nchannels=2\n", 2);
	ck_assert_str_eq(im->channels[0].name, "\xf0\x9f\x98\x80x");
	ck_assert_ptr_nonnull(strstr(im->channels[1].name, "y"));
	ck_assert_ptr_nonnull(strstr(im->channels[1].name, "\xef\xbf\xbd"));
}
END_TEST

START_TEST(labels_of_one_channel_name_slices)
{
	blob_begin(true, 1);
	blob_type(LABELS, 2);
	blob_text("first slice");
	blob_text("second slice");
	struct told_image *im = tell_blob("ImageJ=1\nimages=2\nslices=2\n", 2);
	ck_assert_ptr_null(im->channels[0].name);
	/* Nor do those that are too few. */
	im = tell_blob(TWO_BY_TWO, 4);
	ck_assert_ptr_null(im->channels[0].name);
}
END_TEST

START_TEST(colours_of_maps)
{
	static const unsigned black[3] = { 0, 0, 0 }, white[3] = { 255, 255, 255 },
			      blue[3] = { 0, 0, 255 }, gray[3] = { 100, 100, 100 };
	static const struct {
		const unsigned *from, *to;
		const char *mode, *color;
		bool inverted;
	} maps[] = {
		{ black, white, "composite", "FFFFFF", false },
		{ white, black, "composite", "FFFFFF", true },
		{ black, gray, "color", "FFFFFF", false },
		{ black, blue, "color", "0000FF", false },
		{ blue, black, "color", "0000FF", true },
		{ white, blue, "color", "FFFFFF", true },
		{ black, blue, "grayscale", "", false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		uint8_t lut[768];
		char text[100];
		blob_begin(true, 1);
		blob_type(LUTS, 1);
		ramp(lut, maps[i].from, maps[i].to);
		blob_item(lut, sizeof(lut));
		snprintf(text, sizeof(text), "ImageJ=1\nmode=%s\n", maps[i].mode);
		struct told_image *im = tell_blob(text, 1);
		if (maps[i].from == white && maps[i].to == blue)
			/* The brightest is white: the most colourful one names it. */
			ck_assert_str_eq(im->channels[0].color, "0000FF");
		else
			ck_assert_str_eq(im->channels[0].color, maps[i].color);
		ck_assert(made_notes(&told, "bright to dark") == maps[i].inverted);
	}
}
END_TEST

/* "Fire": from black by blue, red and yellow to white. */
START_TEST(maps_that_end_in_white)
{
	uint8_t lut[768];
	for (unsigned i = 0; i < 256; i++) {
		lut[i] = (uint8_t)(i < 128 ? 2 * i : 255);
		lut[256 + i] = (uint8_t)(i < 128 ? 0 : 2 * (i - 128) + 1);
		lut[512 + i] = (uint8_t)(i < 192 ? 0 : 4 * (i - 192) + 3);
	}
	blob_begin(true, 1);
	blob_type(LUTS, 1);
	blob_item(lut, sizeof(lut));
	struct told_image *im = tell_blob("ImageJ=1\n", 1);
	/* Full saturation, and the brightest of those, the first. */
	ck_assert_str_eq(im->channels[0].color, "FF0100");
}
END_TEST

START_TEST(ranges_come_before_min_and_max)
{
	static const double ranges[] = { 3, 4 }, wrong[] = { 4, 3 };
	blob_begin(true, 1);
	blob_type(RANGES, 1);
	blob_ranges(ranges, 2);
	struct told_image *im = tell_blob("ImageJ=1\nmin=1\nmax=2\n", 1);
	ck_assert_double_eq(im->channels[0].start, 3);
	blob_begin(true, 1);
	blob_type(RANGES, 1);
	blob_ranges(wrong, 2);
	im = tell_blob("ImageJ=1\nmin=1\nmax=2\n", 1);
	ck_assert_double_eq(im->channels[0].start, 1);
}
END_TEST

/* Each breaks a well-formed block in one way. */
START_TEST(broken_blocks)
{
	static const double ranges[] = { 3, 4 };
	for (int how = 0; how < 9; how++) {
		blob_begin(true, 2);
		blob_type(INFO, 1);
		blob_type(RANGES, 1);
		blob_text("info");
		blob_ranges(ranges, 2);
		switch (how) {
		case 0:
			break;
		case 1: /* no magic */
			blob.b[0] = 0;
			break;
		case 2: /* the other byte order */
			memcpy(blob.b, "JIJI", 4);
			break;
		case 3: /* the header has another length */
			blob.lengths[0] = 4;
			break;
		case 4:
			blob.lengths[0] = 1000;
			break;
		case 5: /* an item reaches out of the tag */
			blob.lengths[1] = BLOB * 4;
			break;
		case 6: /* more items than lengths */
			blob_put(8, 1000, 4);
			break;
		case 7:
			blob.n_lengths = 2;
			break;
		case 8:
			blob.n -= 1;
			break;
		}
		struct told_image *im = tell_blob("ImageJ=1\n", 1);
		ck_assert_msg(made_notes(&told, "50839") == (how != 0), "%d", how);
		ck_assert_double_eq(im->channels[0].start, how == 0 ? 3 : 0);
	}
}
END_TEST

static int64_t failing_read(void *ctx, void *buf, size_t n, uint64_t off)
{
	const uint64_t *from = ctx;
	if (off >= *from)
		return -EIO;
	struct reader r = reader_mem(&src.bytes);
	return r.pread(r.ctx, buf, n, off);
}

START_TEST(failing_storage)
{
	static const double ranges[] = { 3, 4 };
	blob_begin(true, 1);
	blob_type(RANGES, 1);
	blob_ranges(ranges, 2);
	tell_blob("ImageJ=1\nimages=2\nslices=2\n", 2);
	uint64_t from = src.first.imagej.offset;
	src.reader = (struct reader){ .pread = failing_read, .ctx = &from, .size = file.n };
	struct told t = { 0 };
	ck_assert_int_eq(told_imagej(&src.s, &t, &err), -EIO);
	ck_assert_int_eq(err.code, EIO);
	told_done(&t);
	from = 0;
	ck_assert_int_eq(told_imagej(&src.s, &t, &err), -EIO);
	told_done(&t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("told_imagej_blob");
	TCase *tc = tcase_create("told_imagej_blob");
	tcase_add_test(tc, blocks_of_both_byte_orders);
	tcase_add_test(tc, labels_follow_the_order_of_planes);
	tcase_add_loop_test(tc, labels_as_names, 0, ARRAY_SIZE(label_rows));
	tcase_add_test(tc, labels_beyond_the_basic_plane);
	tcase_add_test(tc, labels_of_one_channel_name_slices);
	tcase_add_test(tc, colours_of_maps);
	tcase_add_test(tc, maps_that_end_in_white);
	tcase_add_test(tc, ranges_come_before_min_and_max);
	tcase_add_test(tc, broken_blocks);
	tcase_add_test(tc, failing_storage);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
