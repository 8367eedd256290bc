/* NIH Image's stacks behind one page; and that FluoView's pages come with a note. */
#include "meta/told_nih.h"

#include "meta/told_fluoview.h"
#include "tests/unit/made_source.h"
#include "tests/unit/run_suite.h"

enum { SIDE = 4, PLANE = SIDE * SIDE, FIRST = 2048, COUNT_AT = 260 };

static struct made file;
static struct made_source src;
static struct told told;
static struct err err;

struct made_nih {
	unsigned told, there; /* planes */
	unsigned pages, numbers, compression;
	bool big, fluoview;
	bool broken; /* the chain, behind the last page */
};

static void make(const struct made_nih *k)
{
	made_source_close(&src);
	told_done(&told);
	err = (struct err){ 0 };
	made_begin(&file, k->big, false);
	uint8_t header[512] = { 0 };
	header[COUNT_AT] = (uint8_t)(k->told >> 8);
	header[COUNT_AT + 1] = (uint8_t)k->told;
	size_t at = made_data(&file, header, sizeof(header));
	for (unsigned i = 0; i < k->pages; i++) {
		struct made_list l = made_page(SIDE, SIDE, FIRST + i * PLANE, PLANE);
		if (k->compression != 0)
			made_num(&l, 259, 3, k->compression);
		if (k->fluoview)
			made_num(&l, 34361, 1, 1);
		else
			made_set(&l, (struct made_tag){ .tag = 43314,
							.type = 3,
							.count = k->numbers,
							.value = at,
							.at = true });
		made_ifd(&file, l.t);
	}
	ck_assert_uint_lt(file.n, FIRST);
	file.n = FIRST + k->there * PLANE;
	if (k->broken)
		made_cut(&file);
	made_source_open(&src, "a.tif", file.b, file.n);
}

static int ask(const struct made_nih *k)
{
	make(k);
	return told_nih(&src.s, &told, &err);
}

START_TEST(planes_behind_one_page)
{
	for (int big = 0; big < 2; big++) {
		ck_assert_int_eq(ask(&(struct made_nih){ .told = 300,
							 .there = 300,
							 .pages = 1,
							 .numbers = 256,
							 .big = big }),
				 1);
		ck_assert_str_eq(told.kind, "NIH Image");
		const struct told_image *im = told.images;
		ck_assert_uint_eq(told_n_planes(im), 300);
		ck_assert_uint_eq(im->n[TOLD_Z], 300);
		for (uint64_t z = 0; z < 300; z++) {
			ck_assert_int_eq(im->planes[z].where, TOLD_BEHIND);
			ck_assert_uint_eq(im->planes[z].at, z * PLANE);
		}
	}
	/* A file that was cut keeps its planes. */
	ck_assert_int_eq(
		ask(&(struct made_nih){ .told = 5, .there = 3, .pages = 1, .numbers = 256 }), 1);
	ck_assert_uint_eq(told.images[0].n[TOLD_Z], 5);
}
END_TEST

START_TEST(pages_are_planes)
{
	static const struct made_nih rows[] = {
		{ .told = 1, .there = 1, .pages = 1, .numbers = 256 },
		{ .told = 0, .there = 1, .pages = 1, .numbers = 256 },
		{ .told = 3, .there = 3, .pages = 3, .numbers = 256 },
		{ .told = 3, .there = 1, .pages = 1, .numbers = 100 },
		{ .told = 3, .there = 1, .pages = 1, .numbers = 256, .fluoview = true },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_int_eq(ask(&rows[i]), 0);
		ck_assert_uint_eq(told.notes.len + told.n_images, 0);
	}
	ck_assert_int_eq(
		ask(&(struct made_nih){
			.told = 3, .there = 3, .pages = 1, .numbers = 256, .compression = 5 }),
		0);
	ck_assert(
		made_notes(&told, "3 planes, but there is 1 page, and its voxels are compressed"));
}
END_TEST

START_TEST(pages_behind_a_broken_chain_are_claimed)
{
	static const struct made_nih cut = {
		.told = 5, .there = 3, .pages = 3, .numbers = 256, .compression = 5, .broken = true
	};
	ck_assert_int_eq(ask(&cut), 1);
	const struct told_image *im = told.images;
	ck_assert_uint_eq(im->n[TOLD_Z], 5);
	for (uint64_t z = 0; z < 5; z++) {
		ck_assert_int_eq(im->planes[z].where, TOLD_PAGE);
		ck_assert_uint_eq(im->planes[z].at, z);
	}
	ck_assert_uint_eq(told.notes.len, 0);
}
END_TEST

START_TEST(fluoview_is_noted)
{
	make(&(struct made_nih){ .there = 3, .pages = 3, .fluoview = true });
	ck_assert_int_eq(told_fluoview(&src.s, &told, &err), 0);
	ck_assert(made_notes(&told, "34361"));
	make(&(struct made_nih){ .there = 1, .pages = 1, .fluoview = true });
	ck_assert_int_eq(told_fluoview(&src.s, &told, &err), 0);
	ck_assert_uint_eq(told.notes.len, 0);
	make(&(struct made_nih){ .there = 3, .pages = 3, .numbers = 256 });
	ck_assert_int_eq(told_fluoview(&src.s, &told, &err), 0);
	ck_assert_uint_eq(told.notes.len, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("told_nih");
	TCase *tc = tcase_create("told_nih");
	tcase_add_test(tc, planes_behind_one_page);
	tcase_add_test(tc, pages_are_planes);
	tcase_add_test(tc, pages_behind_a_broken_chain_are_claimed);
	tcase_add_test(tc, fluoview_is_noted);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
