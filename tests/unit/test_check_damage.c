/* Damage as `check` gathers it: in any order, counted once, taken plane by plane. */
#include "fs/check_damage.h"
#include "tests/unit/run_suite.h"

static struct check_damages all;

static void add(uint32_t image, uint64_t plane, uint64_t unit, const char *why)
{
	struct err err;
	err_set(&err, 1, "%s", why);
	const struct check_place at = { image, plane };
	const struct found f = { .unit = unit, .units = 100, .err = &err };
	ck_assert_int_eq(check_damages_add(&all, &at, &f), 0);
}

static void take(uint32_t image, uint64_t plane, struct check_damages *out)
{
	const struct check_place end = { image, plane };
	ck_assert_int_eq(check_damages_take(&all, &end, out), 0);
}

START_TEST(counts_each_strip_once)
{
	struct check_damages out;
	static const uint64_t units[] = { 50, 51, 10, 11, 52, 11, 12, 9, 50, 70, 10, 8 };
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		add(0, 3, units[i], units[i] == 8 ? "the first" : "another");
	take(0, 4, &out);
	ck_assert_uint_eq(out.n, 1);
	ck_assert_uint_eq(out.list[0].n, 9);
	ck_assert_uint_eq(out.list[0].of, 100);
	ck_assert_uint_eq(out.list[0].first, 8);
	ck_assert_str_eq(out.list[0].why, "the first");
	check_damages_done(&out);
}
END_TEST

START_TEST(what_is_wrong_with_the_plane_counts_more)
{
	struct check_damages out;
	add(0, 0, 0, "a strip");
	add(0, 0, SPOT_ALL, "the plane");
	add(0, 0, 1, "a strip");
	take(1, 0, &out);
	ck_assert_uint_eq(out.n, 1);
	ck_assert(out.list[0].whole);
	ck_assert_uint_eq(out.list[0].n, 0);
	ck_assert_str_eq(out.list[0].why, "the plane");
	check_damages_done(&out);
}
END_TEST

START_TEST(is_taken_in_order)
{
	struct check_damages out;
	static const struct check_place places[] = {
		{ 1, 7 }, { 0, 9 }, { 1, 2 }, { 2, 0 }, { 0, 1 }
	};
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		add(places[i].image, places[i].plane, 5, "w");
	take(1, 7, &out);
	ck_assert_uint_eq(out.n, 3);
	ck_assert_uint_eq(out.list[0].at.plane, 1);
	ck_assert_uint_eq(out.list[1].at.plane, 9);
	ck_assert_uint_eq(out.list[2].at.plane, 2);
	check_damages_done(&out);
	ck_assert_uint_eq(all.n, 2);
	take(3, 0, &out);
	ck_assert_uint_eq(out.n, 2);
	ck_assert_uint_eq(out.list[0].at.image, 1);
	ck_assert_uint_eq(out.list[1].at.image, 2);
	check_damages_done(&out);
}
END_TEST

/* Each second strip of a hostile page: memory stays bounded, and it says so. */
START_TEST(many_strips)
{
	struct check_damages out;
	for (uint64_t i = 0; i < 100000; i++)
		add(0, 0, 2 * i, "w");
	take(0, 1, &out);
	ck_assert(out.list[0].more);
	ck_assert_uint_eq(out.list[0].n, 65536);
	check_damages_done(&out);
}
END_TEST

static void teardown(void)
{
	check_damages_done(&all);
}

int main(void)
{
	Suite *s = suite_create("check_damage");
	TCase *c = tcase_create("check_damage");
	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_test(c, counts_each_strip_once);
	tcase_add_test(c, what_is_wrong_with_the_plane_counts_more);
	tcase_add_test(c, is_taken_in_order);
	tcase_add_test(c, many_strips);
	suite_add_tcase(s, c);
	return run_suite(s);
}
