#include <math.h>
#include <string.h>

#include "meta/told_sizes.h"
#include "tests/unit/run_suite.h"

/* Sizes of z, y, x as told, and what they come to; 0: not told, or not believed. */
static const struct {
	struct told_size told[3];
	const char *unit;
	double want[3];
	unsigned bad;
} rows[] = {
	{ { { 0, NULL, NULL } }, NULL, { 0 }, 0 },
	{ { { 2, "micrometer", NULL }, { 0.25, "micrometer", NULL }, { 0.5, "micrometer", NULL } },
	  "micrometer",
	  { 2, 0.25, 0.5 },
	  0 },
	/* The unit of x, and powers of ten that are exact. */
	{ { { 30, "micrometer", NULL }, { 4, "nanometer", NULL }, { 4, "nanometer", NULL } },
	  "nanometer",
	  { 30000, 4, 4 },
	  0 },
	{ { { 30, "nanometer", NULL }, { 4, "micrometer", NULL }, { 4, "micrometer", NULL } },
	  "micrometer",
	  { 0.03, 4, 4 },
	  0 },
	{ { { 2, "nanometer", NULL }, { 7, "angstrom", NULL }, { 7, "angstrom", NULL } },
	  "angstrom",
	  { 20, 7, 7 },
	  0 },
	/* Whole metres and inches are nobody's unit. */
	{ { { 0, NULL, NULL }, { 2e-6, "meter", NULL }, { 1e-6, "meter", NULL } },
	  "micrometer",
	  { 0, 2, 1 },
	  0 },
	{ { { 0, NULL, NULL }, { 0, NULL, NULL }, { 2, "inch", NULL } },
	  "micrometer",
	  { 0, 0, 50800 },
	  0 },
	/* Without x the last that is told. */
	{ { { 5, "millimeter", NULL }, { 0, NULL, NULL }, { 0, NULL, NULL } },
	  "millimeter",
	  { 5, 0, 0 },
	  0 },
	/* What cannot be true. */
	{ { { -1, "micrometer", NULL },
	    { (double)NAN, "micrometer", NULL },
	    { HUGE_VAL, "micrometer", NULL } },
	  NULL,
	  { 0 },
	  3 },
	{ { { 1e-7, "nanometer", NULL }, { 1.5, "kilometer", NULL }, { 1, "micrometer", NULL } },
	  "micrometer",
	  { 0, 0, 1 },
	  2 },
	{ { { 1, "furlong", NULL }, { 1, "nanometer", NULL }, { 0, NULL, NULL } },
	  "nanometer",
	  { 0, 1, 0 },
	  1 },
};

START_TEST(settled)
{
	struct told_size s[3];
	memcpy(s, rows[_i].told, sizeof(s));
	const char *unit = "";
	ck_assert_uint_eq(told_sizes_settle(s, &unit), rows[_i].bad);
	ck_assert_pstr_eq(unit, rows[_i].unit);
	for (int a = 0; a < 3; a++)
		ck_assert_double_eq(s[a].value, rows[_i].want[a]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("told_sizes");
	TCase *tc = tcase_create("told_sizes");
	tcase_add_loop_test(tc, settled, 0, ARRAY_SIZE(rows));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
