#include <check.h>
#include <errno.h>

#include "tests/unit/run_suite.h"
#include "tests/unit/tiff_fixture.h"

START_TEST(table_shorter_than_the_page)
{
	struct made_list l = made_page(1000, 900000, 8, 1000);
	made_num(&l, 278, 3, 1);
	struct tiff_page p = must_read(&l);
	ck_assert_int_eq(unit_of(&p, 0).state, TIFF_UNIT_STORED);
	static struct tiff_unit u[1000];
	ck_assert_int_eq(tiff_units_read(&r, &p, 0, 1000, u, &err), 0);
	ck_assert_int_eq(u[1].state, TIFF_UNIT_DAMAGED);
	ck_assert_int_eq(u[999].state, TIFF_UNIT_DAMAGED);
	ck_assert_int_eq(unit_of(&p, 800000).state, TIFF_UNIT_DAMAGED);
	/* Offsets for all, counts for one. */
	l = made_page(64, 64, 8, 2048);
	made_num(&l, 278, 3, 32);
	made_set(&l, (struct made_tag){
			     .tag = 273, .type = 4, .count = 2, .many = (uint64_t[]){ 8, 2056 } });
	p = must_read(&l);
	ck_assert_int_eq(unit_of(&p, 0).state, TIFF_UNIT_STORED);
	ck_assert_int_eq(unit_of(&p, 1).state, TIFF_UNIT_DAMAGED);
}
END_TEST

START_TEST(sparse_and_damaged_units)
{
	static const struct {
		unsigned compression;
		uint64_t offset, count;
		enum tiff_unit_state state;
		uint64_t get; /* the count that is given; 0: not looked at */
		bool mended;
	} rows[] = {
		{ 1, 0, 0, TIFF_UNIT_SPARSE, 0, false },
		{ 5, 0, 0, TIFF_UNIT_SPARSE, 0, false },
		{ 1, 0, 4096, TIFF_UNIT_DAMAGED, 0, false },
		{ 8, 0, 100, TIFF_UNIT_DAMAGED, 0, false },
		{ 1, 7, 4096, TIFF_UNIT_DAMAGED, 0, false },
		{ 1, 8, 4096, TIFF_UNIT_STORED, 4096, false },
		{ 1, 8, 4100, TIFF_UNIT_STORED, 4096, false },
		{ 1, 8, 0, TIFF_UNIT_STORED, 4096, true },
		{ 1, 8, 100, TIFF_UNIT_STORED, 4096, true },
		{ 1, 8, UINT32_MAX, TIFF_UNIT_STORED, 4096, true },
		{ 8, 8, 0, TIFF_UNIT_DAMAGED, 0, false },
		{ 8, 8, 100, TIFF_UNIT_STORED, 100, false },
		{ 8, 8, 1 << 20, TIFF_UNIT_DAMAGED, 0, false },
		{ 50000, 8, UINT32_MAX, TIFF_UNIT_DAMAGED, 0, false },
		{ 1, 1 << 30, 4096, TIFF_UNIT_DAMAGED, 0, false },
		{ 5, 1 << 30, 4096, TIFF_UNIT_DAMAGED, 0, false },
		/* The strip would reach into the IFD behind it. */
		{ 1, 100, 4000, TIFF_UNIT_DAMAGED, 0, false },
		{ 1, 100, 4096, TIFF_UNIT_STORED, 4096, false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct made_list l = made_page(64, 64, rows[i].offset, rows[i].count);
		made_num(&l, 259, 3, rows[i].compression);
		struct tiff_unit u = only_unit(&l);
		ck_assert_msg(u.state == rows[i].state, "row %zu: %d", i, (int)u.state);
		if (rows[i].get != 0)
			ck_assert_uint_eq(u.count, rows[i].get);
		bool said = u.state == TIFF_UNIT_DAMAGED || rows[i].mended;
		ck_assert_msg((u.why != NULL) == said, "row %zu", i);
	}
}
END_TEST

START_TEST(header_of_bigtiff_is_no_strip)
{
	struct made_list l = made_page(8, 8, 15, 64);
	struct tiff_page p;
	made_begin(&file, false, true);
	made_data(&file, pixels, 200);
	made_ifd(&file, l.t);
	ck_assert_int_eq(read_first(&p), 0);
	ck_assert_int_eq(unit_of(&p, 0).state, TIFF_UNIT_DAMAGED);
}
END_TEST

START_TEST(wrong_count_does_not_reach_into_the_next_strip)
{
	struct made_list l = made_page(64, 64, 8, 0);
	made_num(&l, 278, 3, 32);
	made_set(&l, (struct made_tag){
			     .tag = 273, .type = 4, .count = 2, .many = (uint64_t[]){ 8, 1000 } });
	made_set(&l, (struct made_tag){
			     .tag = 279, .type = 4, .count = 2, .many = (uint64_t[]){ 0, 0 } });
	struct tiff_page p = must_read(&l);
	ck_assert_int_eq(unit_of(&p, 0).state, TIFF_UNIT_DAMAGED);
	ck_assert_int_eq(unit_of(&p, 1).state, TIFF_UNIT_STORED);
	/* Alone, and as one of two, a strip is judged alike. */
	struct tiff_unit u[2];
	ck_assert_int_eq(tiff_units_read(&r, &p, 0, 2, u, &err), 0);
	ck_assert(u[0].state == TIFF_UNIT_DAMAGED && u[1].state == TIFF_UNIT_STORED);
}
END_TEST

START_TEST(wrong_count_does_not_reach_into_the_next_page)
{
	/* The first IFD, 4000 of its strip's 4096 bytes, the second IFD. */
	static const uint8_t zero[4200];
	made_begin(&file, false, false);
	struct made_list l = made_page(64, 64, 200, 4000);
	made_ifd(&file, l.t);
	made_data(&file, zero, 4200 - file.n);
	made_ifd(&file, l.t);
	made_data(&file, zero, sizeof(zero));
	struct tiff_page p;
	ck_assert_int_eq(read_first(&p), 0);
	ck_assert_uint_eq(p.next_ifd, 4200);
	ck_assert_int_eq(unit_of(&p, 0).state, TIFF_UNIT_DAMAGED);
}
END_TEST

START_TEST(file_that_ends_in_its_strip)
{
	/* 4000 of 4096 bytes, and the IFD before them. */
	made_begin(&file, false, false);
	struct made_list l = made_page(64, 64, 200, 4096);
	made_ifd(&file, l.t);
	file.n = 4200;
	struct tiff_page p;
	ck_assert_int_eq(read_first(&p), 0);
	ck_assert_int_eq(unit_of(&p, 0).state, TIFF_UNIT_DAMAGED);
	file.n = 4296;
	ck_assert_int_eq(read_first(&p), 0);
	ck_assert_int_eq(unit_of(&p, 0).state, TIFF_UNIT_STORED);
}
END_TEST

START_TEST(page_without_byte_counts)
{
	struct made_list l = base();
	made_drop(&l, 279);
	struct tiff_unit u = only_unit(&l);
	ck_assert(u.state == TIFF_UNIT_STORED && u.count == 4096 && u.why != NULL);
	made_num(&l, 259, 3, 8);
	u = only_unit(&l);
	ck_assert(u.state == TIFF_UNIT_STORED && u.offset == 8 && u.count == file.n - 8);
	made_num(&l, 278, 3, 32);
	made_set(&l, (struct made_tag){
			     .tag = 273, .type = 4, .count = 2, .many = (uint64_t[]){ 8, 1000 } });
	struct tiff_page p = must_read(&l);
	ck_assert_uint_eq(unit_of(&p, 0).count, 992);
	ck_assert_uint_eq(unit_of(&p, 1).count, file.n - 1000);
	l = base();
	made_drop(&l, 279);
	made_num(&l, 273, 4, 0);
	ck_assert_int_eq(only_unit(&l).state, TIFF_UNIT_DAMAGED);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tiff_tables");
	TCase *c = tcase_create("tiff_tables");
	tcase_add_test(c, table_shorter_than_the_page);
	tcase_add_test(c, sparse_and_damaged_units);
	tcase_add_test(c, header_of_bigtiff_is_no_strip);
	tcase_add_test(c, wrong_count_does_not_reach_into_the_next_strip);
	tcase_add_test(c, wrong_count_does_not_reach_into_the_next_page);
	tcase_add_test(c, file_that_ends_in_its_strip);
	tcase_add_test(c, page_without_byte_counts);
	suite_add_tcase(s, c);
	return run_suite(s);
}
