/* Planes of MetaMorph's STK behind one page, their axis and what the tags say. */
#include "meta/told_stk.h"

#include <stdio.h>

#include "codec/text.h"
#include "tests/corpus/sha256.h"
#include "tests/unit/made_source.h"
#include "tests/unit/run_suite.h"

enum { SIDE = 8, PLANE = SIDE * SIDE, MAX_PLANES = 16, ENTRIES = 8 };

static struct made file;
static struct made_source src;
static struct told told;
static struct err err;

struct plane {
	uint32_t z_num, z_den, day, ms, wave;
	int32_t abs_num;
};

struct stk_file {
	struct plane p[MAX_PLANES];
	uint32_t n;
	uint64_t count; /* of UIC2 where it is another */
	bool waves, absolute;
	uint32_t uic1[ENTRIES][2];
	uint32_t n_uic1;
	uint64_t compression, rows; /* 0: none, all */
	const char *description;
	bool big;
};

static void put4(uint64_t v)
{
	made_put(&file, file.n, v, 4);
	file.n += 4;
}

static struct made_tag at_offset(uint16_t tag, uint16_t type, uint64_t count, size_t at)
{
	return (struct made_tag){
		.tag = tag, .type = type, .count = count, .value = at, .at = true
	};
}

static void put_uic4(const struct stk_file *k)
{
	/* What lies before the depths is passed over: labels, positions, and the one that has 8 bytes a plane. */
	static const uint16_t before[] = { 28, 46, 41 };
	made_put(&file, file.n, 37, 2);
	file.n += 2;
	for (uint32_t i = 0; i < k->n; i++) {
		put4(i);
		file.n += i;
	}
	for (size_t b = 0; b < ARRAY_SIZE(before); b++) {
		made_put(&file, file.n, before[b], 2);
		file.n += 2 + (before[b] == 28 ? 16 : before[b] == 46 ? 8 : 4) * (size_t)k->n;
	}
	made_put(&file, file.n, 40, 2);
	file.n += 2;
	for (uint32_t i = 0; i < k->n; i++) {
		put4((uint32_t)k->p[i].abs_num);
		put4(10);
	}
	file.n += 2;
}

/* Planes of 8 x 8 from byte 8 on, whose voxels are their numbers, then the tags. */
static void write_stk(const struct stk_file *k)
{
	made_begin(&file, k->big, false);
	for (uint32_t i = 0; i < k->n; i++)
		memset(file.b + 8 + i * PLANE, (int)i, PLANE);
	file.n = 8 + (size_t)k->n * PLANE;
	uint64_t rows = k->rows != 0 ? k->rows : SIDE, strips = SIDE / rows, offsets[SIDE],
		 counts[SIDE];
	for (uint64_t i = 0; i < strips; i++) {
		offsets[i] = 8 + i * rows * SIDE;
		counts[i] = rows * SIDE;
	}
	struct made_list l = made_page(SIDE, SIDE, 8, PLANE);
	made_set(&l, (struct made_tag){ .tag = 273, .type = 4, .count = strips, .many = offsets });
	made_num(&l, 278, 4, rows);
	made_set(&l, (struct made_tag){ .tag = 279, .type = 4, .count = strips, .many = counts });
	if (k->compression != 0)
		made_num(&l, 259, 3, k->compression);
	if (k->description != NULL)
		made_set(&l, (struct made_tag){ .tag = 270,
						.type = 2,
						.count = strlen(k->description) + 1,
						.bytes = k->description });
	made_set(&l, at_offset(33628, 4, k->n_uic1, file.n));
	for (uint32_t i = 0; i < k->n_uic1; i++) {
		put4(k->uic1[i][0]);
		put4(k->uic1[i][1]);
	}
	made_set(&l, at_offset(33629, 5, k->count != 0 ? k->count : k->n, file.n));
	for (uint32_t i = 0; i < k->n; i++) {
		put4(k->p[i].z_num);
		put4(k->p[i].z_den);
		put4(k->p[i].day);
		put4(k->p[i].ms);
		put4(0);
		put4(0);
	}
	if (k->waves)
		made_set(&l, at_offset(33630, 5, k->n, file.n));
	for (uint32_t i = 0; i < k->n; i++) {
		put4(k->p[i].wave);
		put4(10);
	}
	if (k->absolute)
		made_set(&l, at_offset(33631, 4, k->n, file.n));
	put_uic4(k);
	made_ifd(&file, l.t);
}

static int tell(void)
{
	made_source_close(&src);
	told_done(&told);
	told = (struct told){ 0 };
	err = (struct err){ 0 };
	made_source_open(&src, "a.stk", file.b, file.n);
	return told_stk(&src.s, &told, &err);
}

static void must_tell(const struct stk_file *k, uint64_t t, uint64_t c, uint64_t z)
{
	write_stk(k);
	int rc = tell();
	ck_assert_msg(rc == 1, "%d %s %s", rc, err.msg, told.notes.s);
	ck_assert_uint_eq(told.n_images, 1);
	const struct told_image *im = &told.images[0];
	ck_assert_msg(im->n[TOLD_T] == t && im->n[TOLD_C] == c && im->n[TOLD_Z] == z, "%d %d %d",
		      (int)im->n[TOLD_T], (int)im->n[TOLD_C], (int)im->n[TOLD_Z]);
	ck_assert(told.n_files == 1 && told.files[0] == NULL);
	for (uint64_t i = 0; i < told_n_planes(im); i++) {
		ck_assert_int_eq(im->planes[i].where, TOLD_BEHIND);
		ck_assert_uint_eq(im->planes[i].at, i * PLANE);
		ck_assert_uint_eq(file.b[8 + im->planes[i].at], i);
	}
}

static void near(double a, double b)
{
	ck_assert_double_eq_tol(a, b, 1e-12);
}

START_TEST(planes_lie_behind_the_first)
{
	struct stk_file k = { .n = 5 };
	for (int big = 0; big < 2; big++)
		for (uint64_t rows = 1; rows <= SIDE; rows *= 2) {
			k.big = big;
			k.rows = rows;
			must_tell(&k, 1, 1, 5);
			ck_assert_str_eq(told.kind, "STK");
			ck_assert_ptr_null(told.notes.s);
		}
	k.n = 1;
	must_tell(&k, 1, 1, 1);
}
END_TEST

START_TEST(the_axis_is_what_differs)
{
	/* Distances, but for the first. */
	struct stk_file z = { .n = 3,
			      .p = { { .z_den = 1 },
				     { .z_num = 3, .z_den = 2 },
				     { .z_num = 3, .z_den = 2, .ms = 5 } } };
	must_tell(&z, 1, 1, 3);
	near(told.images[0].size[0].value, 1.5);
	ck_assert_str_eq(told.images[0].size[0].unit, "micrometer");
	/* Depths, here downwards. */
	struct stk_file absolute = { .n = 3,
				     .absolute = true,
				     .p = { { .abs_num = 5, .ms = 1 },
					    { .abs_num = -20, .ms = 2 },
					    { .abs_num = -45, .ms = 3 } } };
	must_tell(&absolute, 1, 1, 3);
	near(told.images[0].size[0].value, 2.5);
	absolute.big = true;
	must_tell(&absolute, 1, 1, 3);
	near(told.images[0].size[0].value, 2.5);
	absolute.absolute = false;
	must_tell(&absolute, 3, 1, 1);
	near(told.images[0].time_step, 0.001);
	/* A depth twice, and times around midnight. */
	struct stk_file t = { .n = 3,
			      .absolute = true,
			      .p = { { .day = 7, .ms = 86399000 },
				     { .day = 8, .ms = 1000 },
				     { .day = 8, .ms = 3000 } } };
	must_tell(&t, 3, 1, 1);
	near(told.images[0].time_step, 2);
	ck_assert_ptr_null(told.images[0].size[0].unit);
	t.p[2].ms = 9000;
	must_tell(&t, 3, 1, 1);
	near(told.images[0].time_step, 0);
	t.p[2].ms = 1000;
	must_tell(&t, 1, 1, 3);
}
END_TEST

START_TEST(wavelengths_are_channels)
{
	struct stk_file c = { .n = 2,
			      .waves = true,
			      .p = { { .wave = 4885, .ms = 1 }, { .wave = 5250, .ms = 2 } } };
	must_tell(&c, 1, 2, 1);
	ck_assert_uint_eq(told.images[0].n_channels, 2);
	ck_assert_str_eq(told.images[0].channels[0].name, "488.5 nm");
	ck_assert_str_eq(told.images[0].channels[1].name, "525 nm");
	c.p[1].wave = 0;
	must_tell(&c, 2, 1, 1);
	ck_assert_ptr_null(told.images[0].channels[0].name);
	c.p[1].wave = 4885;
	must_tell(&c, 2, 1, 1);
	ck_assert_str_eq(told.images[0].channels[0].name, "488.5 nm");
	c.n = 9;
	for (uint32_t i = 0; i < 9; i++)
		c.p[i] = (struct plane){ .wave = 4000 + i };
	must_tell(&c, 1, 1, 9);
}
END_TEST

START_TEST(distances_that_vary_are_no_size)
{
	struct stk_file z = { .n = 3,
			      .p = { { .z_num = 9, .z_den = 1 },
				     { .z_num = 100, .z_den = 1 },
				     { .z_num = 101, .z_den = 1 } } };
	must_tell(&z, 1, 1, 3);
	near(told.images[0].size[0].value, 100.5);
	z.p[2].z_num = 110;
	must_tell(&z, 1, 1, 3);
	ck_assert_ptr_null(told.images[0].size[0].unit);
}
END_TEST

/* 3/4 and 4/4 um a pixel, the unit's name behind them; at the end of the file. */
static void add_calibration(const char *unit)
{
	size_t at = file.n;
	put4(3);
	put4(4);
	put4(4);
	put4(4);
	put4(strlen(unit) + 1);
	memcpy(file.b + file.n, unit, strlen(unit) + 1);
	file.n += strlen(unit) + 1;
	/* Entries 1 to 4 of UIC1, which lies behind the planes: its offset is known. */
	size_t uic1 = 8 + 2 * PLANE;
	const uint64_t v[][2] = { { 3, 1 }, { 4, at }, { 5, at + 8 }, { 6, at + 16 } };
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		made_put(&file, uic1 + 8 * (3 + i), v[i][0], 4);
		made_put(&file, uic1 + 8 * (3 + i) + 4, v[i][1], 4);
	}
}

START_TEST(facts_of_uic1)
{
	static const struct stk_file k = { .n = 2,
					   .n_uic1 = 7,
					   .uic1 = { { 0, 0 }, { 1, 10 }, { 2, 900 } } };
	write_stk(&k);
	add_calibration("um");
	ck_assert_int_eq(tell(), 1);
	const struct told_image *im = &told.images[0];
	near(im->size[2].value, 0.75);
	near(im->size[1].value, 1);
	ck_assert_str_eq(im->size[2].unit, "micrometer");
	near(im->channels[0].start, 10);
	near(im->channels[0].end, 900);
	write_stk(&k);
	add_calibration("");
	ck_assert_int_eq(tell(), 1);
	ck_assert_ptr_null(told.images[0].size[2].unit);
	/* Scaled for each plane; a unit that does not end; offsets that lead nowhere. */
	struct stk_file l = k;
	l.uic1[0][1] = 1;
	write_stk(&l);
	add_calibration("um");
	ck_assert_int_eq(tell(), 1);
	near(told.images[0].channels[0].end, 0);
	for (uint32_t i = 3; i < 7; i++) {
		l.uic1[i][0] = i;
		l.uic1[i][1] = i == 3 ? 1 : UINT32_MAX;
	}
	must_tell(&l, 1, 1, 2);
	ck_assert_ptr_null(told.images[0].size[2].unit);
}
END_TEST

static const char metaseries[] =
	"<MetaData><prop id=\"spatial-calibration-state\" type=\"bool\" value=\"on\"/>"
	"<prop id=\"spatial-calibration-x\" type=\"float\" value=\"0.5\"/>"
	"<prop id=\"spatial-calibration-y\" type=\"float\" value=\"0.25\"/>"
	"<prop id=\"spatial-calibration-units\" type=\"string\" value=\"um\"/>"
	"<prop id=\"image-name\" type=\"string\" value=\"GFP\"/></MetaData>";

START_TEST(facts_of_metaseries)
{
	struct stk_file k = { .n = 2, .description = metaseries };
	must_tell(&k, 1, 1, 2);
	near(told.images[0].size[2].value, 0.5);
	near(told.images[0].size[1].value, 0.25);
	ck_assert_str_eq(told.images[0].channels[0].name, "GFP");
	/* Cut off anywhere it tells less. */
	for (size_t len = 0; len < sizeof(metaseries); len += 5) {
		char cut[sizeof(metaseries)];
		memcpy(cut, metaseries, len);
		cut[len] = '\0';
		k.description = cut;
		must_tell(&k, 1, 1, 2);
	}
	k.description = "<MetaData><prop id=\"spatial-calibration-state\" value=\"off\"/>"
			"<prop id=\"spatial-calibration-x\"/><prop id=\"image-name\"><a "
			"value=\"b\"/></MetaData>";
	must_tell(&k, 1, 1, 2);
	ck_assert_ptr_null(told.images[0].size[2].unit);
	ck_assert_ptr_null(told.images[0].channels[0].name);
}
END_TEST

START_TEST(compressed_files_have_one_plane)
{
	struct stk_file k = { .n = 3, .compression = 5 };
	must_tell(&k, 1, 1, 1);
	ck_assert(made_notes(&told, "only the first of 3 planes can be read: it is compressed"));
}
END_TEST

START_TEST(planes_past_the_end_stay_claimed)
{
	struct stk_file k = { .n = 3 };
	write_stk(&k);
	/* The first page's strip is moved to the end of the file. */
	for (size_t i = file.n; i < file.n + PLANE; i++)
		file.b[i] = 0;
	size_t ifd = 0;
	memcpy(&ifd, file.b + 4, 4);
	made_put(&file, ifd + 2 + 12 * 5 + 8, file.n, 4);
	file.n += PLANE;
	ck_assert_int_eq(tell(), 1);
	ck_assert_uint_eq(told.images[0].n[TOLD_Z], 3);
	ck_assert_uint_eq(told.images[0].planes[2].at, 2 * PLANE);
}
END_TEST

START_TEST(tables_that_are_cut_off_tell_nothing)
{
	struct stk_file k = { .n = 3, .count = 400 };
	write_stk(&k);
	ck_assert_int_eq(tell(), 0);
	ck_assert(made_notes(&told, "400 planes"));
}
END_TEST

START_TEST(pages_of_their_own_are_planes)
{
	struct stk_file k = { .n = 3 };
	write_stk(&k);
	struct made_list l = made_page(SIDE, SIDE, 8, PLANE);
	made_ifd(&file, l.t);
	ck_assert_int_eq(tell(), 0);
	made_begin(&file, false, false);
	file.n = 8 + PLANE;
	made_ifd(&file, l.t);
	ck_assert_int_eq(tell(), 0);
	ck_assert_ptr_null(told.notes.s);
}
END_TEST

static int64_t failing_pread(void *ctx, void *buf, size_t n, uint64_t off)
{
	(void)ctx, (void)buf, (void)n, (void)off;
	return -EIO;
}

START_TEST(failing_storage_is_passed_on)
{
	struct stk_file k = { .n = 3 };
	must_tell(&k, 1, 1, 3);
	src.reader.pread = failing_pread;
	told_done(&told);
	ck_assert_int_eq(told_stk(&src.s, &told, &err), -EIO);
}
END_TEST

/* ---- a real file ---- */

/* tifffile 2026.3.3 over both planes, as stacks.tsv of the shared data says. */
static const char movie_sum[] = "069bec491308c73a0aa57bafeab955f55249f0e84c32128499e7546ae707a762";

START_TEST(a_real_movie)
{
	const char *dir = getenv("NGFFUSE_SHARED");
	char path[4096], hex[65];
	snprintf(path, sizeof(path), "%s/tiff/files/valid/test_images--movie.stk",
		 dir != NULL ? dir : "../shared");
	FILE *f = fopen(path, "rb");
	if (f == NULL) {
		printf("skipped: no %s (set NGFFUSE_SHARED)\n", path);
		return;
	}
	file.n = fread(file.b, 1, sizeof(file.b), f);
	fclose(f);
	ck_assert_int_eq(tell(), 1);
	const struct told_image *im = &told.images[0];
	ck_assert(im->n[TOLD_T] == 2 && im->n[TOLD_C] == 1 && im->n[TOLD_Z] == 1);
	near(im->time_step, 0.864);
	ck_assert_ptr_null(im->size[2].unit);
	struct tiff_unit u;
	ck_assert_int_eq(tiff_units_read(&src.reader, &src.first, 0, 1, &u, NULL), 0);
	enum { BYTES = 20 * 20 * 2 };
	uint8_t both[2 * BYTES];
	for (size_t i = 0; i < 2; i++) {
		ck_assert(u.offset + im->planes[i].at + BYTES <= file.n);
		memcpy(both + i * BYTES, file.b + u.offset + im->planes[i].at, BYTES);
	}
	sha256_hex(both, sizeof(both), hex);
	ck_assert_str_eq(hex, movie_sum);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("told_stk");
	TCase *c = tcase_create("told_stk");
	tcase_add_test(c, planes_lie_behind_the_first);
	tcase_add_test(c, the_axis_is_what_differs);
	tcase_add_test(c, wavelengths_are_channels);
	tcase_add_test(c, distances_that_vary_are_no_size);
	tcase_add_test(c, facts_of_uic1);
	tcase_add_test(c, facts_of_metaseries);
	tcase_add_test(c, compressed_files_have_one_plane);
	tcase_add_test(c, planes_past_the_end_stay_claimed);
	tcase_add_test(c, tables_that_are_cut_off_tell_nothing);
	tcase_add_test(c, pages_of_their_own_are_planes);
	tcase_add_test(c, failing_storage_is_passed_on);
	tcase_add_test(c, a_real_movie);
	suite_add_tcase(s, c);
	return run_suite(s);
}
