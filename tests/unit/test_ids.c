/* Ids that were written as floats. */
#include "codec/ids.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "tests/unit/run_suite.h"

START_TEST(whole_numbers)
{
	const double f8[] = { 0, -0.0, 1, 16777217, 2147483648.0, 4294967295.0 };
	const float f4[] = { 0, -0.0F, 1, 16777216, 2147483648.0F, 4294967040.0F };
	const uint32_t want8[] = { 0, 0, 1, 16777217, 2147483648U, 4294967295U };
	const uint32_t want4[] = { 0, 0, 1, 16777216, 2147483648U, 4294967040U };
	uint32_t got[6];
	ck_assert_int_eq(ids_from_floats(DTYPE_F64, f8, 6, got, NULL), 0);
	ck_assert_mem_eq(got, want8, sizeof(got));
	ck_assert_int_eq(ids_from_floats(DTYPE_F32, f4, 6, got, NULL), 0);
	ck_assert_mem_eq(got, want4, sizeof(got));
	ck_assert_int_eq(ids_from_floats(DTYPE_F32, f4, 0, got, NULL), 0);
}
END_TEST

START_TEST(in_their_place_and_unaligned)
{
	const double f8[] = { 7, 4294967295.0, 0, 12 };
	const uint32_t want[] = { 7, 4294967295U, 0, 12 };
	uint8_t bytes[sizeof(f8) + 1];
	for (size_t shift = 0; shift < 2; shift++) {
		memcpy(bytes + shift, f8, sizeof(f8));
		ck_assert_int_eq(ids_from_floats(DTYPE_F64, bytes + shift, 4, bytes + shift, NULL),
				 0);
		ck_assert_mem_eq(bytes + shift, want, sizeof(want));
	}
}
END_TEST

static const double no_ids[] = { 0.5,	-1,	     -1e-300,	       4294967296.0,
				 1e300, (double)NAN, (double)INFINITY, -(double)INFINITY };

START_TEST(what_is_no_id)
{
	double f8[] = { 1, 2, no_ids[_i], 3 };
	float f4[] = { 1, 2, (float)no_ids[_i], 3 };
	uint32_t got[4];
	struct err err = { 0 };
	ck_assert_int_eq(ids_from_floats(DTYPE_F64, f8, 4, got, &err), -ERANGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "(number 2) is no id"));
	ck_assert_int_eq(ids_from_floats(DTYPE_F64, f8, 2, got, &err), 0);
	/* -1e-300 is -0 as a float, which is an id. */
	if (f4[2] < 0 || f4[2] > 0 || isnan(f4[2]))
		ck_assert_int_eq(ids_from_floats(DTYPE_F32, f4, 4, got, &err), -ERANGE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ids");
	TCase *t = tcase_create("ids");
	tcase_add_test(t, whole_numbers);
	tcase_add_test(t, in_their_place_and_unaligned);
	tcase_add_loop_test(t, what_is_no_id, 0, sizeof(no_ids) / sizeof(no_ids[0]));
	suite_add_tcase(s, t);
	return run_suite(s);
}
