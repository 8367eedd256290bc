/* Planes of NDTiff from its index, and what lies beside it. */
#include "meta/told_ndtiff.h"

#include <stdio.h>
#include <time.h>

#include "codec/text.h"
#include "tests/corpus/sha256.h"
#include "tests/unit/made_source.h"
#include "tests/unit/run_suite.h"

static struct text idx; /* the index that is written */
static struct made_source src;
static struct told told;
static struct err err;

static void begin(void)
{
	text_done(&idx);
}

static void put_u32(uint32_t v)
{
	char b[4];
	for (unsigned i = 0; i < 4; i++)
		b[i] = (char)(v >> 8 * i);
	text_addn(&idx, b, 4);
}

static void put_text(const char *s)
{
	put_u32((uint32_t)strlen(s));
	text_add(&idx, s);
}

struct kind {
	uint32_t w, h, type, compression, meta_at, meta_size;
};

static const struct kind gray16 = { 32, 16, 1, 0, 0, 0 };

static void put_kind(const char *axes, const char *name, uint32_t at, const struct kind *k)
{
	put_text(axes);
	put_text(name);
	put_u32(at);
	put_u32(k->w);
	put_u32(k->h);
	put_u32(k->type);
	put_u32(k->compression);
	put_u32(k->meta_at);
	put_u32(k->meta_size);
	put_u32(0);
}

static void put(const char *axes, uint32_t at)
{
	put_kind(axes, "a_NDTiffStack.tif", at, &gray16);
}

/* With up to three files beside the index. */
static int tell_with(const struct made_beside *more)
{
	struct made_beside files[5] = { { "NDTiff.index", idx.s != NULL ? idx.s : "", idx.len } };
	for (size_t i = 0; more != NULL && more[i].path != NULL; i++)
		files[i + 1] = more[i];
	told_done(&told);
	told = (struct told){ 0 };
	err = (struct err){ 0 };
	made_source_of_files(&src, "NDTiff.index", files);
	return told_ndtiff(&src.s, &told, &err);
}

static void must_tell(size_t n_images, uint64_t t, uint64_t c, uint64_t z)
{
	int rc = tell_with(NULL);
	ck_assert_msg(rc == 1, "%d %s %s", rc, err.msg, told.notes.s);
	ck_assert_uint_eq(told.n_images, n_images);
	for (size_t i = 0; i < n_images; i++) {
		ck_assert_uint_eq(told.images[i].n[TOLD_T], t);
		ck_assert_uint_eq(told.images[i].n[TOLD_C], c);
		ck_assert_uint_eq(told.images[i].n[TOLD_Z], z);
	}
}

static void is_at(size_t image, uint64_t t, uint64_t c, uint64_t z, uint64_t at)
{
	const struct told_plane *p = told_plane(&told.images[image], t, c, z);
	ck_assert_int_eq(p->where, at == 0 ? TOLD_GAP : TOLD_BARE);
	ck_assert_uint_eq(p->at, at);
}

START_TEST(axes_have_many_names)
{
	static const char *const rows[][3] = { { "time", "channel", "z" },
					       { "t", "c", "slice" },
					       { "Frame", "CHANNEL", "Z" } };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin();
		for (uint32_t k = 0; k < 8; k++) {
			struct text CLEANUP(text_done) axes = { 0 };
			text_addf(&axes, "{\"%s\":%u, \"%s\": %u,\"%s\":%u}", rows[i][2], k & 1,
				  rows[i][0], k >> 1 & 1, rows[i][1], k >> 2);
			put(axes.s, 100 + k);
		}
		must_tell(1, 2, 2, 2);
		for (uint32_t k = 0; k < 8; k++)
			is_at(0, k >> 1 & 1, k >> 2, k & 1, 100 + k);
		ck_assert_ptr_null(told.images[0].key);
		ck_assert_uint_eq(told.n_files, 1);
		ck_assert_str_eq(told.files[0], "a_NDTiffStack.tif");
		ck_assert_str_eq(told.kind, "NDTiff");
	}
}
END_TEST

START_TEST(numbers_may_be_negative_and_missing)
{
	begin();
	put("{\"z\":-2}", 100);
	put("{\"z\":1}", 200);
	put("{}", 300);
	put("{\"z\":-2}", 400); /* once more: it counts */
	must_tell(1, 1, 1, 4);
	is_at(0, 0, 0, 0, 400);
	is_at(0, 0, 0, 1, 0);
	is_at(0, 0, 0, 2, 300);
	is_at(0, 0, 0, 3, 200);
}
END_TEST

START_TEST(texts_are_ranked_by_appearance)
{
	begin();
	put("{\"channel\":\"GFP\",\"time\":5}", 100);
	put("{\"channel\":\"D\\u0041PI\",\"time\":5}", 200);
	put("{\"channel\":\"GFP\",\"time\":6}", 300);
	put("{\"time\":6}", 400);
	must_tell(1, 2, 3, 1);
	is_at(0, 0, 0, 0, 100);
	is_at(0, 0, 1, 0, 200);
	is_at(0, 1, 0, 0, 300);
	is_at(0, 1, 2, 0, 400);
	ck_assert_uint_eq(told.images[0].n_channels, 3);
	ck_assert_str_eq(told.images[0].channels[0].name, "GFP");
	ck_assert_str_eq(told.images[0].channels[1].name, "DAPI");
	ck_assert_str_eq(told.images[0].channels[2].name, "0");
}
END_TEST

START_TEST(tiles_and_positions_are_images)
{
	begin();
	put("{\"column\":1,\"row\":0,\"z\":0}", 100);
	put("{\"column\":0,\"row\":0,\"z\":1}", 200);
	put("{\"column\":-1,\"row\":1,\"z\":1}", 300);
	put("{\"column\":0,\"row\":0,\"z\":0}", 400);
	must_tell(3, 1, 1, 2);
	ck_assert_str_eq(told.images[0].key, "row0-column0");
	ck_assert_str_eq(told.images[1].key, "row0-column1");
	ck_assert_str_eq(told.images[2].key, "row1-column-1");
	is_at(0, 0, 0, 0, 400);
	is_at(0, 0, 0, 1, 200);
	is_at(1, 0, 0, 0, 100);
	is_at(1, 0, 0, 1, 0);
	is_at(2, 0, 0, 1, 300);
	begin();
	put("{\"camera\":\"left\",\"Position\":\"A1\"}", 100);
	put("{\"camera\":\"right\",\"Position\":\"A1\"}", 200);
	put("{\"camera\":\"left\",\"Position\":\"A2\"}", 300);
	put("{\"camera\":\"right\",\"Position\":\"A2\"}", 400);
	must_tell(4, 1, 1, 1);
	ck_assert_str_eq(told.images[0].key, "A1-cameraleft");
	ck_assert_str_eq(told.images[3].key, "A2-cameraright");
	is_at(1, 0, 0, 0, 200);
	is_at(2, 0, 0, 0, 300);
	/* Two axes of one meaning. */
	begin();
	put("{\"z\":0,\"slice\":0}", 100);
	put("{\"z\":0,\"slice\":1}", 200);
	put("{\"z\":1,\"slice\":1}", 300);
	must_tell(2, 1, 1, 2);
	ck_assert_str_eq(told.images[1].key, "slice1");
	is_at(1, 0, 0, 0, 200);
}
END_TEST

START_TEST(files_are_found_again)
{
	begin();
	put_kind("{\"z\":0}", "b.tif", 100, &gray16);
	put_kind("{\"z\":1}", "a.tif", 100, &gray16);
	put_kind("{\"z\":2}", "b.tif", 900, &gray16);
	must_tell(1, 1, 1, 3);
	ck_assert_uint_eq(told.n_files, 2);
	ck_assert_str_eq(told.files[told.images[0].planes[0].file], "b.tif");
	ck_assert_str_eq(told.files[told.images[0].planes[1].file], "a.tif");
	ck_assert_str_eq(told.files[told.images[0].planes[2].file], "b.tif");
}
END_TEST

/* What is not stored as the first page of its file would be read as it. */
START_TEST(other_pixels_are_claimed_and_lost)
{
	static const struct kind odd[] = { { 32, 17, 1, 0, 0, 0 }, { 16, 16, 1, 0, 0, 0 },
					   { 32, 16, 0, 0, 0, 0 }, { 32, 16, 2, 0, 0, 0 },
					   { 32, 16, 1, 1, 0, 0 }, { 32, 16, 9, 0, 0, 0 } };
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		begin();
		put_kind("{\"z\":0}", "a.tif", 1000, &odd[i]);
		put_kind("{\"z\":1}", "a.tif", 100, &gray16);
		put_kind("{\"z\":2}", "b.tif", 100, &gray16);
		must_tell(1, 1, 1, 3);
		const struct told_plane *p = told.images[0].planes;
		ck_assert(p[0].where == TOLD_IFD && p[0].at == 0);
		ck_assert(p[1].where == TOLD_BARE && p[2].where == TOLD_BARE);
		ck_assert(made_notes(&told, "1 planes are compressed, or of another size"));
	}
	static const struct kind bits12 = { 32, 16, 4, 0, 0, 0 };
	begin();
	put_kind("{\"z\":0}", "a.tif", 100, &bits12);
	put_kind("{\"z\":1}", "a.tif", 2000, &gray16);
	must_tell(1, 1, 1, 2);
	ck_assert_uint_eq(told.images[0].bits, 12);
	is_at(0, 0, 0, 1, 2000);
}
END_TEST

START_TEST(an_index_that_breaks_off_tells_what_it_has)
{
	begin();
	put("{\"z\":0}", 100);
	put("{\"z\":1}", 200);
	size_t whole = idx.len;
	put("{\"z\":2}", 300);
	for (size_t len = whole + 1; len < idx.len; len++) {
		struct text cut = { .s = idx.s, .len = len };
		struct text all = idx;
		idx = cut;
		must_tell(1, 1, 1, 2);
		ck_assert(made_notes(&told, "after 2 planes"));
		idx = all;
	}
	must_tell(1, 1, 1, 3);
	ck_assert_ptr_null(told.notes.s);
}
END_TEST

START_TEST(records_that_do_not_fit_end_it)
{
	static const char *const axes[] = { "",
					    "[]",
					    "{\"z\":",
					    "{\"z\":1.5}",
					    "{\"z\":null}",
					    "{\"z\":{}}",
					    "{\"z\":99999999999}",
					    "{\"\":1}",
					    "{\"z\":1e3}",
					    "{\"z\":-}" };
	for (size_t i = 0; i < ARRAY_SIZE(axes); i++) {
		begin();
		put("{\"z\":0}", 100);
		put(axes[i], 200);
		put("{\"z\":5}", 300);
		must_tell(1, 1, 1, 1);
		ck_assert(made_notes(&told, "after 1 planes"));
		is_at(0, 0, 0, 0, 100);
	}
	static const struct kind none[] = { { 0, 1, 1, 0, 0, 0 },
					    { 1, 0, 1, 0, 0, 0 },
					    { 1u << 31, 1, 1, 0, 0, 0 } };
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		begin();
		put_kind("{}", "a", 1, &none[i]);
		ck_assert_int_eq(tell_with(NULL), 0);
		ck_assert(made_notes(&told, "no planes"));
	}
	begin();
	ck_assert_int_eq(tell_with(NULL), 0);
}
END_TEST

START_TEST(too_many_axes_end_it)
{
	struct text CLEANUP(text_done) axes = { 0 };
	for (int i = 0; i < 33; i++)
		text_addf(&axes, "%s\"a%d\":1", i > 0 ? "," : "{", i);
	text_add(&axes, "}");
	begin();
	put("{\"z\":0}", 100);
	put(axes.s, 200);
	must_tell(1, 1, 1, 1);
}
END_TEST

START_TEST(scattered_planes_are_refused)
{
	begin();
	put("{\"time\":-2147483648}", 100);
	put("{\"time\":2147483647}", 200);
	ck_assert_int_eq(tell_with(NULL), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.msg, "scattered"));
	/* Nothing is allocated for 65536 images of 16 million planes each either. */
	begin();
	for (uint32_t i = 0; i < 1 << 16; i++) {
		struct text CLEANUP(text_done) axes = { 0 };
		text_addf(&axes, "{\"row\":%u,\"time\":%u}", i, i * 256);
		put(axes.s, 100);
	}
	ck_assert_int_eq(tell_with(NULL), -ENOTSUP);
}
END_TEST

static void near(double a, double b)
{
	ck_assert_double_eq_tol(a, b, 1e-12);
}

/* Head and summary of a file of version 2 or 3, and the metadata of two planes at 500 and 600. */
static size_t write_head(char *b, bool v3, const char *summary)
{
	const uint32_t words[] = { 483729, 2, 2355492, (uint32_t)strlen(summary) },
		       words3[] = { 483729, 3, 1, 2355492, (uint32_t)strlen(summary) };
	memset(b, 0, 700);
	memcpy(b, "II*\0", 4);
	const uint32_t *w = v3 ? words3 : words;
	size_t n = v3 ? 5 : 4;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < 4; k++)
			b[8 + 4 * i + k] = (char)(w[i] >> 8 * k);
	memcpy(b + 8 + 4 * n, summary, strlen(summary));
	memcpy(b + 500, "{\"Channel\":\"GFP\",\"PixelSizeUm\":0.3}", 35);
	memcpy(b + 600, "{\"A\":{\"Channel\":\"x\"},\"Channel\":\"DAPI\"}", 39);
	return 700;
}

START_TEST(facts_lie_beside_the_index)
{
	static const char display[] = "{\"All channel settings\":{\"x\":1},"
				      "\"DAPI\":{\"Min\":7,\"Max\":800,\"Color\":-13421569},"
				      "\"GFP\":{\"Max\":9.5,\"Gamma\":1,\"Color\":65280}}";
	static const struct kind first = { 32, 16, 1, 0, 500, 35 },
				 second = { 32, 16, 1, 0, 600, 39 };
	for (int v3 = 0; v3 < 2; v3++) {
		char head[700];
		size_t n = write_head(head, v3,
				      "{\"PixelSize_um\":0.5,\"z-step_um\":2,\"Interval_ms\":250,"
				      "\"ChNames\":[\"no\",\"no\",\"third\"]}");
		begin();
		put_kind("{\"channel\":0,\"row\":0}", "a.tif", 100, &first);
		put_kind("{\"channel\":1,\"row\":0}", "a.tif", 300, &second);
		put_kind("{\"channel\":2,\"row\":1}", "a.tif", 400, &gray16);
		const struct made_beside files[] = { { "a.tif", head, n },
						     { v3 ? "../display_settings.txt"
							  : "display_settings.txt",
						       display, strlen(display) },
						     { 0 } };
		ck_assert_int_eq(tell_with(files), 1);
		ck_assert_uint_eq(told.n_images, 2);
		for (size_t i = 0; i < 2; i++) {
			const struct told_image *im = &told.images[i];
			near(im->size[0].value, 2);
			near(im->size[1].value, 0.5);
			near(im->size[2].value, 0.5);
			near(im->time_step, 0.25);
			ck_assert_uint_eq(im->n_channels, 3);
			ck_assert_str_eq(im->channels[0].name, "GFP");
			ck_assert_str_eq(im->channels[0].color, "00FF00");
			near(im->channels[0].end, 9.5);
			ck_assert_str_eq(im->channels[1].name, "DAPI");
			ck_assert_str_eq(im->channels[1].color, "3333FF");
			near(im->channels[1].start, 7);
			near(im->channels[1].end, 800);
			ck_assert_str_eq(im->channels[2].name, "third");
		}
	}
}
END_TEST

START_TEST(the_first_plane_tells_the_size_of_a_pixel)
{
	static const struct kind first = { 32, 16, 1, 0, 500, 35 };
	char head[700];
	size_t n = write_head(head, false, "{\"PixelSize_um\":0}");
	begin();
	put_kind("{\"z\":0}", "a.tif", 100, &first);
	const struct made_beside files[] = { { "a.tif", head, n }, { 0 } };
	ck_assert_int_eq(tell_with(files), 1);
	near(told.images[0].size[2].value, 0.3);
	ck_assert_str_eq(told.images[0].channels[0].name, "GFP");
	/* Cut off inside. */
	for (size_t len = 0; len < n; len += 7) {
		const struct made_beside less[] = { { "a.tif", head, len }, { 0 } };
		ck_assert_int_eq(tell_with(less), 1);
	}
	/* Nobody reads inside other files. */
	struct made_beside all[] = { { "NDTiff.index", idx.s, idx.len },
				     { "a.tif", head, n },
				     { 0 } };
	told_done(&told);
	made_source_of_files(&src, "NDTiff.index", all);
	src.s.beside_at = NULL;
	ck_assert_int_eq(told_ndtiff(&src.s, &told, &err), 1);
	near(told.images[0].size[2].value, 0);
}
END_TEST

START_TEST(rgb_has_its_samples_as_channels)
{
	static const struct kind rgb = { 32, 16, 2, 0, 0, 0 };
	char head[700];
	const struct made_beside files[] = {
		{ "a.tif", head, write_head(head, false, "{\"ChNames\":[\"a\"]}") }, { 0 }
	};
	begin();
	put_kind("{\"z\":0}", "a.tif", 100, &rgb);
	ck_assert_int_eq(tell_with(files), 1);
	ck_assert_uint_eq(told.images[0].n_channels, 0);
	ck_assert_uint_eq(told.images[0].bits, 0);
}
END_TEST

static int only_the_index(void *ctx, const char *path, size_t max, char **out, size_t *len)
{
	return strcmp(path, "NDTiff.index") == 0 ? made_beside_all(ctx, path, max, out, len) : -EIO;
}

START_TEST(failing_storage_is_passed_on)
{
	begin();
	put("{\"z\":0}", 100);
	struct made_beside files[] = { { "NDTiff.index", idx.s, idx.len }, { 0 } };
	made_source_of_files(&src, "NDTiff.index", files);
	src.failing = -EIO;
	told_done(&told);
	ck_assert_int_eq(told_ndtiff(&src.s, &told, &err), -EIO);
	src.failing = 0;
	src.s.beside = only_the_index;
	told_done(&told);
	ck_assert_int_eq(told_ndtiff(&src.s, &told, &err), -EIO);
	ck_assert_ptr_nonnull(strstr(err.msg, "display_settings.txt"));
}
END_TEST

START_TEST(a_million_records_take_no_time)
{
	enum { N = 1000000 };
	begin();
	for (uint32_t i = 0; i < N; i++) {
		char axes[100], name[40];
		snprintf(axes, sizeof(axes),
			 "{\"row\":%u,\"column\":%u,\"z\":%d,\"time\":%u,\"channel\":\"c%u\"}",
			 i / 100000, i / 10000 % 10, (int)(i / 20 % 50) - 25, i / 1000 % 10,
			 i / 10 % 2);
		snprintf(name, sizeof(name), "a_NDTiffStack_%u.tif", i % 3 * 1000 + i / 1000);
		put_kind(axes, name, 100 + i % 1000 * 1024, &gray16);
	}
	struct timespec from, to;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	must_tell(100, 10, 2, 50);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	double seconds =
		(double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
	printf("%d records: %.2f s\n", N, seconds);
	/* Sanitizers take their part. */
	ck_assert_double_lt(seconds, 20);
}
END_TEST

/* ---- the real datasets ---- */

static char *slurp(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		return NULL;
	char *b = malloc(1 << 20);
	ck_assert_ptr_nonnull(b);
	*len = fread(b, 1, 1 << 20, f);
	fclose(f);
	return b;
}

static char *shared(const char *name, size_t *len)
{
	const char *dir = getenv("NGFFUSE_SHARED");
	char path[4096];
	snprintf(path, sizeof(path), "%s/stacks/%s", dir != NULL ? dir : "../shared", name);
	char *b = slurp(path, len);
	if (b == NULL)
		printf("skipped: no %s (set NGFFUSE_SHARED)\n", path);
	return b;
}

/* The plane's row in planes.tsv, which was made with another reader. */
static bool is_listed(const char *table, const char *stack, const char *where, const char *sum)
{
	char row[300];
	snprintf(row, sizeof(row), "\n%s\t%s\t%s\t", stack, where, sum);
	return strstr(table, row) != NULL;
}

/* 32 x 32 of 16 bits at the plane's place; zeros where nothing claims it. */
static void sum_plane(const struct told_plane *p, const char *tif, size_t n, char hex[65])
{
	enum { BYTES = 32 * 32 * 2 };
	static const char zeros[BYTES];
	ck_assert(p->where == TOLD_GAP || (p->where == TOLD_BARE && p->at + BYTES <= n));
	sha256_hex(p->where == TOLD_GAP ? zeros : tif + p->at, BYTES, hex);
}

START_TEST(real_channels)
{
	size_t n_index, n_tif, n_table, n_display;
	CLEANUP(freep)
	char *index = shared("ndtiff_v2_multichannel/Full resolution/NDTiff.index", &n_index);
	if (index == NULL)
		return;
	CLEANUP(freep)
	char *tif = shared("ndtiff_v2_multichannel/Full resolution/ndtiffv2.0_test_NDTiffStack.tif",
			   &n_tif);
	CLEANUP(freep) char *table = shared("planes.tsv", &n_table);
	CLEANUP(freep)
	char *display = shared("ndtiff_v2_multichannel/display_settings.txt", &n_display);
	ck_assert(tif != NULL && table != NULL && display != NULL);
	table[n_table] = '\0';
	const struct made_beside files[] = { { "ndtiffv2.0_test_NDTiffStack.tif", tif, n_tif },
					     { "../display_settings.txt", display, n_display },
					     { 0 } };
	begin();
	text_addn(&idx, index, n_index);
	ck_assert_int_eq(tell_with(files), 1);
	const struct told_image *im = &told.images[0];
	ck_assert(told.n_images == 1 && im->n[TOLD_T] == 5 && im->n[TOLD_C] == 2 &&
		  im->n[TOLD_Z] == 1);
	for (uint64_t k = 0; k < 10; k++) {
		char where[40], hex[65];
		snprintf(where, sizeof(where), "c=%d t=%d", (int)(k % 2), (int)(k / 2));
		sum_plane(told_plane(im, k / 2, k % 2, 0), tif, n_tif, hex);
		ck_assert_msg(is_listed(table, "ndtiff_v2_multichannel", where, hex), "%s %s",
			      where, hex);
	}
	near(im->size[2].value, 1);
	ck_assert_str_eq(im->channels[0].name, "DAPI");
	ck_assert_str_eq(im->channels[0].color, "3333FF");
	ck_assert_str_eq(im->channels[1].name, "FITC");
	ck_assert_str_eq(im->channels[1].color, "66FF00");
	near(im->channels[1].end, 65535);
}
END_TEST

START_TEST(real_tiles)
{
	size_t n_index, n_tif, n_table;
	CLEANUP(freep)
	char *index = shared("ndtiff_v2_stitched_pyramid/Full resolution/NDTiff.index", &n_index);
	if (index == NULL)
		return;
	CLEANUP(freep)
	char *tif = shared("ndtiff_v2_stitched_pyramid/Full "
			   "resolution/ndtiffv2.0_stitched_test_NDTiffStack.tif",
			   &n_tif);
	CLEANUP(freep) char *table = shared("planes.tsv", &n_table);
	ck_assert(tif != NULL && table != NULL);
	table[n_table] = '\0';
	begin();
	text_addn(&idx, index, n_index);
	ck_assert_int_eq(tell_with(NULL), 1);
	ck_assert_uint_eq(told.n_images, 2);
	for (size_t i = 0; i < 2; i++) {
		char where[40], hex[65];
		snprintf(where, sizeof(where), "c=0 l=%zu r=%zu", i, i);
		sum_plane(told.images[i].planes, tif, n_tif, hex);
		ck_assert_msg(is_listed(table, "ndtiff_v2_stitched_pyramid", where, hex), "%s %s",
			      where, hex);
	}
	ck_assert_str_eq(told.images[0].key, "row0-column0");
	ck_assert_str_eq(told.images[1].key, "row1-column1");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("told_ndtiff");
	TCase *c = tcase_create("told_ndtiff");
	tcase_set_timeout(c, 120);
	tcase_add_test(c, axes_have_many_names);
	tcase_add_test(c, numbers_may_be_negative_and_missing);
	tcase_add_test(c, texts_are_ranked_by_appearance);
	tcase_add_test(c, tiles_and_positions_are_images);
	tcase_add_test(c, files_are_found_again);
	tcase_add_test(c, other_pixels_are_claimed_and_lost);
	tcase_add_test(c, an_index_that_breaks_off_tells_what_it_has);
	tcase_add_test(c, records_that_do_not_fit_end_it);
	tcase_add_test(c, too_many_axes_end_it);
	tcase_add_test(c, scattered_planes_are_refused);
	tcase_add_test(c, facts_lie_beside_the_index);
	tcase_add_test(c, the_first_plane_tells_the_size_of_a_pixel);
	tcase_add_test(c, rgb_has_its_samples_as_channels);
	tcase_add_test(c, failing_storage_is_passed_on);
	tcase_add_test(c, a_million_records_take_no_time);
	tcase_add_test(c, real_channels);
	tcase_add_test(c, real_tiles);
	suite_add_tcase(s, c);
	return run_suite(s);
}
