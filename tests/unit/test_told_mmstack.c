/* Planes of Micro-Manager's MMStack files, from the index map or, after a crash, from each page; and its summary. */
#include "meta/told_mmstack.h"

#include "codec/text.h"
#include "meta/told_mm_summary.h"
#include "tests/unit/made_source.h"
#include "tests/unit/run_suite.h"

enum { MAX_ENTRIES = 32, SIDE = 4 };

struct entry {
	uint32_t c, z, t, p;
};

static struct made file;
static struct made_source src;
static struct told told;
static struct err err;
static size_t ifds[MAX_ENTRIES];

static void word(size_t at, uint64_t v)
{
	made_put(&file, at, v, 4);
}

/* Puts c, z, t and p in place of the '#'s. */
static void fill(struct text *out, const char *s, const struct entry *e)
{
	const uint32_t v[] = { e->c, e->z, e->t, e->p };
	for (size_t k = 0; *s != '\0'; s++) {
		if (*s == '#')
			text_addf(out, "%u", v[k++]);
		else
			text_addn(out, s, 1);
	}
}

/* Header, summary, and a page for each entry. plane_json: of every page; NULL: no metadata. */
static void write_pages(bool big, const char *summary, const struct entry *e, size_t n,
			const char *plane_json)
{
	static const uint8_t pixels[SIDE * SIDE];
	made_begin(&file, big, false);
	word(32, 2355492);
	word(36, strlen(summary));
	memcpy(file.b + 40, summary, strlen(summary));
	file.n = 40 + strlen(summary) + strlen(summary) % 2;
	for (size_t i = 0; i < n; i++) {
		struct text CLEANUP(text_done) json = { 0 };
		size_t at = made_data(&file, pixels, sizeof(pixels));
		struct made_list l = made_page(SIDE, SIDE, at, sizeof(pixels));
		if (plane_json != NULL) {
			fill(&json, plane_json, &e[i]);
			made_set(&l, (struct made_tag){ .tag = 51123,
							.type = 2,
							.count = json.len + 1,
							.bytes = json.s });
		}
		ifds[i] = made_ifd(&file, l.t);
	}
}

static void write_map(const struct entry *e, size_t n)
{
	word(8, 54773648);
	word(12, file.n);
	word(file.n, 3453623);
	word(file.n + 4, n);
	file.n += 8;
	for (size_t i = 0; i < n; i++, file.n += 20) {
		word(file.n, e[i].c);
		word(file.n + 4, e[i].z);
		word(file.n + 8, e[i].t);
		word(file.n + 12, e[i].p);
		word(file.n + 16, ifds[i]);
	}
}

static int tell(const char *name)
{
	made_source_close(&src);
	told_done(&told);
	told = (struct told){ 0 };
	err = (struct err){ 0 };
	made_source_open(&src, name, file.b, file.n);
	return told_mmstack(&src.s, &told, &err);
}

static void must_tell(const char *name, size_t n_images, uint64_t t, uint64_t c, uint64_t z)
{
	int rc = tell(name);
	ck_assert_msg(rc == 1, "%d %s %s", rc, err.msg, told.notes.s);
	ck_assert_uint_eq(told.n_images, n_images);
	for (size_t i = 0; i < n_images; i++) {
		ck_assert_uint_eq(told.images[i].n[TOLD_T], t);
		ck_assert_uint_eq(told.images[i].n[TOLD_C], c);
		ck_assert_uint_eq(told.images[i].n[TOLD_Z], z);
	}
	ck_assert(told.n_files == 1 && told.files[0] == NULL);
}

static void is_plane(size_t image, const struct entry *e, size_t ifd)
{
	const struct told_plane *p = told_plane(&told.images[image], e->t, e->c, e->z);
	ck_assert_int_eq(p->where, TOLD_IFD);
	ck_assert_uint_eq(p->at, ifds[ifd]);
}

static uint64_t count_gaps(size_t image)
{
	uint64_t n = 0;
	for (uint64_t i = 0; i < told_n_planes(&told.images[image]); i++)
		n += told.images[image].planes[i].where == TOLD_GAP;
	return n;
}

static const struct entry order[] = { { 1, 0, 0, 0 }, { 0, 0, 0, 0 }, { 0, 2, 0, 0 },
				      { 1, 2, 0, 0 }, { 0, 1, 1, 0 }, { 1, 1, 0, 0 } };

START_TEST(planes_lie_where_the_map_says)
{
	for (int big = 0; big < 2; big++) {
		write_pages(big, "{\"Slices\":3,\"Channels\":2,\"Frames\":2,\"Positions\":1}",
			    order, ARRAY_SIZE(order), NULL);
		write_map(order, ARRAY_SIZE(order));
		must_tell("a.tif", 1, 2, 2, 3);
		for (size_t i = 0; i < ARRAY_SIZE(order); i++)
			is_plane(0, &order[i], i);
		ck_assert_uint_eq(count_gaps(0), 12 - ARRAY_SIZE(order));
		ck_assert_str_eq(told.kind, "Micro-Manager");
		ck_assert_ptr_null(told.images[0].key);
		ck_assert_ptr_null(told.run);
	}
}
END_TEST

START_TEST(sizes_are_those_announced_or_more)
{
	write_pages(false, "{\"Slices\":1,\"Channels\":3,\"Frames\":50}", order, ARRAY_SIZE(order),
		    NULL);
	write_map(order, ARRAY_SIZE(order));
	must_tell("a.tif", 1, 50, 3, 3);
	is_plane(0, &order[4], 4);
	write_pages(false, "{\"Slices\":\"many\",\"Channels\":-1}", order, ARRAY_SIZE(order), NULL);
	write_map(order, ARRAY_SIZE(order));
	must_tell("a.tif", 1, 2, 2, 3);
	/* "Until I stop it". */
	write_pages(false, "{\"Frames\":999999999,\"Channels\":2}", order, ARRAY_SIZE(order), NULL);
	write_map(order, ARRAY_SIZE(order));
	must_tell("a.tif", 1, 2, 2, 3);
	ck_assert(made_notes(&told, "too many to be true"));
}
END_TEST

START_TEST(a_map_beyond_reason_tells_nothing)
{
	static const struct entry far[] = { { 0, 0, 0, 0 }, { 0, 1u << 31, 0, 0 } };
	write_pages(false, "{}", far, ARRAY_SIZE(far), NULL);
	write_map(far, ARRAY_SIZE(far));
	ck_assert_int_eq(tell("a.tif"), 0);
	ck_assert(made_notes(&told, "too many"));
}
END_TEST

START_TEST(positions_are_images)
{
	static const struct entry e[] = { { 0, 0, 0, 2 }, { 0, 0, 1, 0 }, { 0, 0, 0, 0 } };
	static const struct {
		const char *summary, *first, *second;
	} rows[] = {
		{ "{}", "Pos0", "Pos2" },
		{ "{\"StagePositions\":[{\"Label\":\"left\"},{\"Label\":\"mid\"},{\"Label\":"
		  "\"\\u00b5\"}]}",
		  "left", "\xc2\xb5" },
		{ "{\"InitialPositionList\":[{\"Label\":\"a\",\"X\":{\"Label\":\"no\"}},{},{"
		  "\"Label\":\"b\"}]}",
		  "Pos0", "Pos2" },
		{ "{\"StagePositions\":[],\"InitialPositionList\":[{\"Label\":\"a\"},{\"Label\":"
		  "\"c\"},"
		  "{\"Label\":\"b\"}]}",
		  "a", "b" },
		{ "{\"StagePositions\":[{\"Label\":\"x\"},{\"Label\":\"y\"},{\"Label\":\"x\"}]}",
		  "Pos0", "Pos2" },
		{ "{\"StagePositions\":[{\"Label\":\"Pos2\"}]}", "Pos2", "Pos2 without a name" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		write_pages(false, rows[i].summary, e, ARRAY_SIZE(e), NULL);
		write_map(e, ARRAY_SIZE(e));
		must_tell("a_MMStack_1.ome.tif", 2, 2, 1, 1);
		ck_assert_str_eq(told.images[0].key, rows[i].first);
		ck_assert_str_eq(told.images[1].key, rows[i].second);
		is_plane(0, &e[1], 1);
		is_plane(0, &e[2], 2);
		is_plane(1, &e[0], 0);
		ck_assert_uint_eq(count_gaps(1), 1);
	}
}
END_TEST

/* One of several files holds one position alone, and yet says which. */
START_TEST(files_of_one_run_share_keys)
{
	static const struct entry e[] = { { 0, 0, 0, 0 } };
	static const char summary[] =
		"{\"Prefix\":\"run\",\"UUID\":\"12\",\"Positions\":4,\"Frames\":9}";
	write_pages(false, summary, e, 1, NULL);
	write_map(e, 1);
	must_tell("run_MMStack_Pos0.ome.tif", 1, 9, 1, 1);
	ck_assert_str_eq(told.images[0].key, "Pos0");
	char *run = strdup(told.run);
	must_tell("run_MMStack_Pos0_1.ome.tif", 1, 9, 1, 1);
	ck_assert_str_eq(told.run, run);
	must_tell("ran_MMStack_Pos0.ome.tif", 1, 9, 1, 1);
	ck_assert_str_ne(told.run, run);
	write_pages(false, "{\"Prefix\":\"run\",\"UUID\":\"13\",\"Positions\":4}", e, 1, NULL);
	write_map(e, 1);
	must_tell("run_MMStack_Pos0.ome.tif", 1, 1, 1, 1);
	ck_assert_str_ne(told.run, run);
	free(run);
}
END_TEST

static const char plane_json[] =
	"{\"ChannelIndex\":#,\"x\":[{\"SliceIndex\":7}],\"SliceIndex\":#,"
	"\"FrameIndex\":#,\"PositionIndex\":#,\"PixelSizeUm\":0.65,\"BitDepth\":12}";

START_TEST(after_a_crash_the_pages_say_it)
{
	write_pages(false, "{\"Slices\":3,\"Channels\":2,\"Frames\":4}", order, ARRAY_SIZE(order),
		    plane_json);
	must_tell("a.tif", 1, 4, 2, 3);
	ck_assert_int_eq(mmstack_is_one(&src.reader, &src.first.file, NULL), 1);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		is_plane(0, &order[i], i);
	ck_assert(made_notes(&told, "no index map"));
	/* The header is there, but what it points to is not. */
	word(8, 54773648);
	word(12, 40);
	must_tell("a.tif", 1, 4, 2, 3);
	word(12, file.n - 4);
	must_tell("a.tif", 1, 4, 2, 3);
	word(12, 1u << 31);
	must_tell("a.tif", 1, 4, 2, 3);
	/* A map that is cut off. */
	write_map(order, ARRAY_SIZE(order));
	file.n -= 4;
	must_tell("a.tif", 1, 4, 2, 3);
	ck_assert(made_notes(&told, "no index map"));
	file.n += 4;
	must_tell("a.tif", 1, 4, 2, 3);
	ck_assert(!made_notes(&told, "no index map"));
}
END_TEST

START_TEST(pages_that_say_too_little_tell_nothing)
{
	write_pages(false, "{}", order, ARRAY_SIZE(order), NULL);
	ck_assert_int_eq(tell("a.tif"), 0);
	ck_assert(made_notes(&told, "neither an index map nor the pages"));
	write_pages(false, "{}", order, ARRAY_SIZE(order), "{\"ChannelIndex\":#,\"SliceIndex\":#}");
	ck_assert_int_eq(tell("a.tif"), 0);
	write_pages(false, "{}", order, ARRAY_SIZE(order),
		    "{\"ChannelIndex\":0,\"SliceIndex\":0,\"FrameIndex\":0}");
	ck_assert_int_eq(tell("a.tif"), 0);
	ck_assert(made_notes(&told, "same plane"));
}
END_TEST

START_TEST(other_files_are_left_alone)
{
	static const uint8_t pixels[64];
	for (int bigtiff = 0; bigtiff < 2; bigtiff++) {
		made_begin(&file, false, bigtiff);
		size_t at = made_data(&file, pixels, sizeof(pixels));
		struct made_list l = made_page(8, 8, at, sizeof(pixels));
		made_ifd(&file, l.t);
		ck_assert_int_eq(tell("a.tif"), 0);
		ck_assert_ptr_null(told.notes.s);
		ck_assert_int_eq(mmstack_is_one(&src.reader, &src.first.file, NULL), 0);
	}
}
END_TEST

/* NDTiff has the summary elsewhere; without its index the order of its pages says nothing. */
START_TEST(ndtiff_without_its_index_is_refused)
{
	write_pages(false, "{}", order, ARRAY_SIZE(order), NULL);
	word(8, 483729);
	word(12, 2);
	word(16, 2355492);
	word(32, 0);
	ck_assert_int_eq(tell("a_NDTiffStack.tif"), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.msg, "NDTiff.index"));
	word(16, 1);
	word(20, 2355492);
	ck_assert_int_eq(tell("a_NDTiffStack.tif"), -ENOTSUP);
	word(20, 0);
	ck_assert_int_eq(tell("a_NDTiffStack.tif"), 0);
	write_pages(false, "{}", order, 1, NULL);
	word(8, 483729);
	word(16, 2355492);
	word(32, 0);
	ck_assert_int_eq(tell("a_NDTiffStack.tif"), 0);
}
END_TEST

static void near(double a, double b)
{
	ck_assert_double_eq_tol(a, b, 1e-12);
}

START_TEST(facts_come_from_the_summary)
{
	write_pages(
		false,
		"{\"PixelSize_um\":0.5,\"z-step_um\":-2,\"Interval_ms\":1500,\"BitDepth\":14,"
		"\"Channels\":2,"
		"\"ChNames\":[\"DAPI\",\"caf\\u00e9\\n\",\"more\"],\"ChColors\":[-13421569,65280],"
		"\"ChContrastMin\":[5,0],\"ChContrastMax\":[700,\"900.5\"]}",
		order, ARRAY_SIZE(order), plane_json);
	write_map(order, ARRAY_SIZE(order));
	must_tell("a.tif", 1, 2, 2, 3);
	const struct told_image *im = &told.images[0];
	near(im->size[0].value, 2);
	near(im->size[1].value, 0.5);
	near(im->size[2].value, 0.5);
	ck_assert_str_eq(im->size[0].unit, "micrometer");
	near(im->time_step, 1.5);
	ck_assert_uint_eq(im->bits, 14);
	ck_assert_uint_eq(im->n_channels, 2);
	ck_assert_str_eq(im->channels[0].name, "DAPI");
	ck_assert_str_eq(im->channels[1].name, "caf\xc3\xa9\xef\xbf\xbd");
	ck_assert_str_eq(im->channels[0].color, "3333FF");
	ck_assert_str_eq(im->channels[1].color, "00FF00");
	near(im->channels[0].start, 5);
	near(im->channels[0].end, 700);
	near(im->channels[1].end, 900.5);
}
END_TEST

START_TEST(the_first_plane_tells_what_the_summary_does_not)
{
	write_pages(false, "{\"PixelSize_um\":0}", order, ARRAY_SIZE(order), plane_json);
	write_map(order, ARRAY_SIZE(order));
	must_tell("a.tif", 1, 2, 2, 3);
	near(told.images[0].size[2].value, 0.65);
	near(told.images[0].size[0].value, 0);
	ck_assert_ptr_null(told.images[0].size[0].unit);
	ck_assert_uint_eq(told.images[0].bits, 12);
	ck_assert_uint_eq(told.images[0].n_channels, 0);
}
END_TEST

/* What is cut off, or of another type, tells less, and the planes stay. */
START_TEST(broken_summaries_tell_less)
{
	static const char *const bad[] = { "",
					   "{",
					   "[1,2]",
					   "{\"PixelSize_um\":",
					   "{\"PixelSize_um\" 3}",
					   "{\"ChNames\":[1,{\"a\":[]},null,[]]}",
					   "{\"ChNames\":{}}",
					   "{\"PixelSize_um\":\"x\",\"ChColors\":[1.5]}",
					   "{\"Prefix\":[\"a\"]}",
					   "{\"StagePositions\":[1,[2]]}",
					   "{\"a\":\"\\",
					   "{\"a\":\"\\u12" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		write_pages(false, bad[i], order, ARRAY_SIZE(order), NULL);
		write_map(order, ARRAY_SIZE(order));
		must_tell("a.tif", 1, 2, 2, 3);
		near(told.images[0].size[2].value, 0);
		is_plane(0, &order[3], 3);
	}
	write_pages(false, "{\"PixelSize_um\":3, \"Slices\":9, \"x", order, ARRAY_SIZE(order),
		    NULL);
	write_map(order, ARRAY_SIZE(order));
	must_tell("a.tif", 1, 2, 2, 9);
	/* A length that reaches past the end. */
	word(36, file.n);
	must_tell("a.tif", 1, 2, 2, 3);
}
END_TEST

START_TEST(metadata_txt_tells_facts)
{
	static const char text[] =
		"{\n\"Summary\": { \"z-step_um\": 3, \"Interval_ms\": 20, \"ChNames\": [\"a\", "
		"\"b\"] },\n"
		"\"Coords-Default/img_0.tif\": { \"Frame\": 0 },\n"
		"\"Metadata-Default/img_0.tif\": { \"PixelSizeUm\": 0.25, \"BitDepth\": 16, \"cut";
	const uint64_t n[] = { 1, 2, 3 };
	struct told t = { 0 };
	struct told_image *im = told_add_image(&t, n, NULL);
	ck_assert_int_eq(mm_metadata_tell(text, strlen(text), im), 1);
	near(im->size[0].value, 3);
	near(im->size[1].value, 0.25);
	near(im->time_step, 0.02);
	ck_assert_uint_eq(im->n_channels, 2);
	ck_assert_str_eq(im->channels[1].name, "b");
	/* Nothing is told twice. */
	ck_assert_int_eq(mm_metadata_tell(text, strlen(text), im), 1);
	told_done(&t);
	im = told_add_image(&t, n, NULL);
	ck_assert_int_eq(mm_metadata_tell("{\"Other\":{\"z-step_um\":3}}", 25, im), 0);
	ck_assert_int_eq(mm_metadata_tell("", 0, im), 0);
	near(im->size[0].value, 0);
	told_done(&t);
}
END_TEST

static int64_t failing_pread(void *ctx, void *buf, size_t n, uint64_t off)
{
	if (off >= 8 && off != file.n)
		return -EIO;
	const struct reader_bytes *b = ctx;
	memcpy(buf, b->bytes + off, n);
	return (int64_t)n;
}

START_TEST(failing_storage_is_passed_on)
{
	write_pages(false, "{}", order, ARRAY_SIZE(order), plane_json);
	write_map(order, ARRAY_SIZE(order));
	must_tell("a.tif", 1, 2, 2, 3);
	struct reader bad = { failing_pread, &src.bytes, file.n };
	struct told t = { 0 };
	src.s.r = &bad;
	ck_assert_int_eq(told_mmstack(&src.s, &t, &err), -EIO);
	told_done(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("told_mmstack");
	TCase *c = tcase_create("told_mmstack");
	tcase_add_test(c, planes_lie_where_the_map_says);
	tcase_add_test(c, sizes_are_those_announced_or_more);
	tcase_add_test(c, a_map_beyond_reason_tells_nothing);
	tcase_add_test(c, positions_are_images);
	tcase_add_test(c, files_of_one_run_share_keys);
	tcase_add_test(c, after_a_crash_the_pages_say_it);
	tcase_add_test(c, pages_that_say_too_little_tell_nothing);
	tcase_add_test(c, other_files_are_left_alone);
	tcase_add_test(c, ndtiff_without_its_index_is_refused);
	tcase_add_test(c, facts_come_from_the_summary);
	tcase_add_test(c, the_first_plane_tells_what_the_summary_does_not);
	tcase_add_test(c, broken_summaries_tell_less);
	tcase_add_test(c, metadata_txt_tells_facts);
	tcase_add_test(c, failing_storage_is_passed_on);
	suite_add_tcase(s, c);
	return run_suite(s);
}
