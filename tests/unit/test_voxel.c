/* Units as people write them, resolution tags that say nothing, and numbers that read back. */
#include "meta/voxel.h"
#include "tests/unit/run_suite.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *word, *unit;
} words[] = {
	{ "um", "micrometer" },
	{ "\xc2\xb5m", "micrometer" },
	{ "\xce\xbcm", "micrometer" },
	{ "\xb5m", "micrometer" },
	{ "\\u00B5m", "micrometer" },
	{ "\\u03BCm", "micrometer" },
	{ "\xc2\xb5", "micrometer" },
	{ "u", "micrometer" },
	{ "mu", "micrometer" },
	{ "micron", "micrometer" },
	{ "Microns", "micrometer" },
	{ "micrometre", "micrometer" },
	{ "micrometres", "micrometer" },
	{ "MICROMETERS", "micrometer" },
	{ "nm", "nanometer" },
	{ " nm ", "nanometer" },
	{ "\"nm\"", "nanometer" },
	{ "nanometres", "nanometer" },
	{ "NM", "nanometer" },
	{ "\xc3\x85", "angstrom" },
	{ "\xe2\x84\xab", "angstrom" },
	{ "\xc5", "angstrom" },
	{ "\x81", "angstrom" },
	{ "A", "angstrom" },
	{ "ang", "angstrom" },
	{ "Angstroms", "angstrom" },
	{ "pm", "picometer" },
	{ "Pm", "petameter" },
	{ "PM", "picometer" },
	{ "mm", "millimeter" },
	{ "Mm", "megameter" },
	{ "MM", "millimeter" },
	{ "cm", "centimeter" },
	{ "('cm',)", "centimeter" },
	{ "dm", "decimeter" },
	{ "m", "meter" },
	{ "metre", "meter" },
	{ "fm", "femtometer" },
	{ "km", "kilometer" },
	{ "in", "inch" },
	{ "inch", "inch" },
	{ "Inches", "inch" },
	{ "INCHES", "inch" },
	{ "\"", "inch" },
	{ "ft", "foot" },
	{ "feet", "foot" },
	{ "yards", "yard" },
	{ "mi", "mile" },
	{ "yoctometer", "yoctometer" },
	{ "parsec", "parsec" },
	{ "", NULL },
	{ " ", NULL },
	{ "pixel", NULL },
	{ "pixels", NULL },
	{ "px", NULL },
	{ "voxel", NULL },
	{ "reference frame", NULL },
	{ "gray value", NULL },
	{ "unknown", NULL },
	{ "none", NULL },
	{ "null", NULL },
	{ "degree", NULL },
	{ "thou", NULL },
	{ "pt", NULL },
	{ "n m", NULL },
	{ "umm", NULL },
	{ "(", NULL },
	{ "()", NULL },
	{ "('", NULL },
	{ "('cm", NULL },
	{ "micrometermicrometermicrometermicrometermicrometer", NULL },
};

START_TEST(units)
{
	const char *unit = voxel_unit(words[_i].word, strlen(words[_i].word));
	if (words[_i].unit == NULL)
		ck_assert_msg(unit == NULL, "%s -> %s", words[_i].word, unit);
	else
		ck_assert_msg(unit != NULL && strcmp(unit, words[_i].unit) == 0, "%s -> %s",
			      words[_i].word, unit != NULL ? unit : "none");
	if (unit != NULL)
		ck_assert(voxel_unit_is_ngff(unit));
}
END_TEST

static const struct {
	const char *word;
	double seconds;
} times[] = {
	{ "s", 1 },
	{ " sec ", 1 },
	{ "secs", 1 },
	{ "Seconds", 1 },
	{ "ms", 1e-3 },
	{ "msec", 1e-3 },
	{ "MS", 1e-3 },
	{ "Ms", 1e6 },
	{ "milliseconds", 1e-3 },
	{ "us", 1e-6 },
	{ "\xc2\xb5s", 1e-6 },
	{ "ns", 1e-9 },
	{ "das", 10 },
	{ "ds", 0.1 },
	{ "attosecond", 1e-18 },
	{ "min", 60 },
	{ "minutes", 60 },
	{ "h", 3600 },
	{ "hrs", 3600 },
	{ "days", 86400 },
	{ "", 0 },
	{ "frame", 0 },
	{ "um", 0 },
	{ "milli", 0 },
	{ "a word that is longer than any unit of time could be", 0 },
};

START_TEST(units_of_time)
{
	double got = voxel_seconds(times[_i].word, strlen(times[_i].word));
	ck_assert_msg(fabs(got - times[_i].seconds) <= 1e-12 * times[_i].seconds, "'%s': %g",
		      times[_i].word, got);
}
END_TEST

START_TEST(units_end_where_the_length_says)
{
	ck_assert_str_eq(voxel_unit("nmx", 2), "nanometer");
	ck_assert_ptr_null(voxel_unit("nm", 0));
	ck_assert_str_eq(voxel_unit("nm\0\0", 4), "nanometer");
}
END_TEST

static const struct {
	const char *word, *unit;
	double factor;
} length_words[] = {
	{ "um", "micrometer", 1 },
	{ "cm", "centimeter", 1 },
	{ "\"", "inch", 1 },
	{ "thou", "micrometer", 25.4 },
	{ "Mil", "micrometer", 25.4 },
	{ "mils", "micrometer", 25.4 },
	{ " pt", "micrometer", 352.77777777777777 },
	{ "li", "micrometer", 2116.6666666666665 },
	{ "pixel", NULL, 1 },
	{ "", NULL, 1 },
};

START_TEST(lengths_that_have_no_name)
{
	double factor = 0;
	const char *word = length_words[_i].word, *unit = voxel_length(word, strlen(word), &factor);
	ck_assert_pstr_eq(unit, length_words[_i].unit);
	ck_assert_double_eq_tol(factor, length_words[_i].factor, 1e-12);
}
END_TEST

static const struct {
	const char *word;
	double value, seconds; /* value in that unit; 0: no unit */
} durations[] = {
	{ "s", 2, 2 },
	{ "sec", 2, 2 },
	{ "Seconds", 2, 2 },
	{ "ms", 3, 0.003 },
	{ "msec", 1.1, 0.0011 },
	{ "Ms", 3, 3e6 },
	{ "MS", 3, 0.003 },
	{ "\xc2\xb5s", 7, 7e-6 },
	{ "\\u00B5s", 7, 7e-6 },
	{ "us", 1, 1e-6 },
	{ "ns", 3, 3e-9 },
	{ "min", 3, 180 },
	{ "minutes", 3, 180 },
	{ "mins", 3, 180 },
	{ "h", 3, 10800 },
	{ "hr", 3, 10800 },
	{ "hrs", 3, 10800 },
	{ "Hours", 3, 10800 },
	{ "d", 1, 86400 },
	{ "days", 1, 86400 },
	{ "millisecond", 5, 0.005 },
	{ "yottasecond", 1, 1e24 },
	{ "yoctosecond", 1, 1e-24 },
	{ "ks", 1, 1000 },
	{ "frame", 1, 0 },
	{ "m", 1, 0 },
	{ "pixel", 1, 0 },
	{ "", 1, 0 },
};

START_TEST(durations_in_seconds)
{
	double factor = voxel_seconds(durations[_i].word, strlen(durations[_i].word));
	if (durations[_i].seconds > 0)
		ck_assert_msg(factor > 0, "%s", durations[_i].word);
	else
		ck_assert_double_eq(factor, 0);
	if (factor > 0)
		ck_assert_double_eq(voxel_convert(durations[_i].value, factor),
				    durations[_i].seconds);
}
END_TEST

START_TEST(sizes_that_were_cut_to_a_rational)
{
	static const struct {
		struct tiff_rational r;
		double size;
	} cut[] = {
		{ { 58823, 1000000 }, 17 },
		{ { 90909, 1000000 }, 11 },
		{ { 166666, 1000000 }, 6 },
		{ { 20000, 1000000 }, 50 },
		{ { 666666, 1000000 }, 1.5 },
		{ { 30769230, 1000000 }, 0.0325 },
		{ { 2834, 1000000 }, 352.85815102328866 },
		{ { 1, 1 }, 1 },
		{ { 0, 1000000 }, 0 },
		{ { 5, 0 }, 0 },
		{ { UINT32_MAX, 1 }, 2.328306437e-10 },
		{ { 10000, UINT32_MAX }, 429500 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cut); i++)
		ck_assert_double_eq(voxel_from_resolution(&cut[i].r, 1), cut[i].size);
	const struct tiff_rational per_cm = { 58823, 10 };
	ck_assert_double_eq(voxel_from_resolution(&per_cm, 10000), 1.7);
}
END_TEST

START_TEST(ngff_units)
{
	ck_assert(voxel_unit_is_ngff("micrometer"));
	ck_assert(voxel_unit_is_ngff("zettameter"));
	ck_assert(!voxel_unit_is_ngff("um"));
	ck_assert(!voxel_unit_is_ngff("Micrometer"));
	ck_assert(!voxel_unit_is_ngff("pixel"));
	ck_assert(!voxel_unit_is_ngff("second"));
	ck_assert(!voxel_unit_is_ngff(""));
}
END_TEST

static const struct {
	struct tiff_rational x, y;
	unsigned unit;
	double want_x, want_y; /* 0: refused */
	const char *name;
} tags[] = {
	/* Slide scanners and electron microscopes. */
	{ { 2500000, 1 }, { 2500000, 1 }, 3, 4, 4, "nanometer" },
	{ { 20000, 1 }, { 20000, 1 }, 3, 0.5, 0.5, "micrometer" },
	{ { 100000, 1 }, { 100000, 1 }, 3, 0.1, 0.1, "micrometer" },
	{ { 199900, 1 }, { 199900, 1 }, 3, 50.025, 50.025, "nanometer" },
	{ { 58823, 1 }, { 58823, 1 }, 3, 0.17, 0.17, "micrometer" },
	{ { 588235, 10 }, { 588235, 10 }, 3, 0.17, 0.17, "micrometer" },
	{ { 90909, 10 }, { 166666, 10 }, 3, 1.1, 0.6, "micrometer" },
	{ { 25400, 1 }, { 25400, 1 }, 2, 1, 1, "micrometer" },
	{ { 50800, 1 }, { 25400, 1 }, 2, 0.5, 1, "micrometer" },
	{ { 149411, 1 }, { 149411, 1 }, 2, 0.17, 0.17, "micrometer" },
	{ { 30769230, 100 }, { 30769230, 100 }, 3, 32.5, 32.5, "nanometer" },
	{ { 1000, 3 }, { 1000, 3 }, 3, 30, 30, "micrometer" },
	/* Absent, zero, one. */
	{ { 0, 0 }, { 0, 0 }, 2, 0, 0, NULL },
	{ { 0, 1000 }, { 0, 1000 }, 3, 0, 0, NULL },
	{ { 0, 1000000 }, { 0, 1000000 }, 3, 0, 0, NULL },
	{ { 5, 0 }, { 5, 0 }, 3, 0, 0, NULL },
	{ { 2500000, 1 }, { 0, 0 }, 3, 0, 0, NULL },
	{ { 1, 1 }, { 1, 1 }, 3, 0, 0, NULL },
	{ { 7, 7 }, { 7, 7 }, 2, 0, 0, NULL },
	/* No unit. */
	{ { 2500000, 1 }, { 2500000, 1 }, 1, 0, 0, NULL },
	{ { 2500000, 1 }, { 2500000, 1 }, 7, 0, 0, NULL },
	/* Printers and screens. */
	{ { 72, 1 }, { 72, 1 }, 2, 0, 0, NULL },
	{ { 720090, 10000 }, { 720090, 10000 }, 2, 0, 0, NULL },
	{ { 300, 1 }, { 300, 1 }, 2, 0, 0, NULL },
	{ { 9600, 1 }, { 9600, 1 }, 2, 0, 0, NULL },
	{ { 1200, 1 }, { 1200, 1 }, 2, 0, 0, NULL },
	{ { 2834, 100 }, { 2834, 100 }, 3, 0, 0, NULL },
	{ { 11811, 100 }, { 11811, 100 }, 3, 0, 0, NULL },
	{ { 300, 1 }, { 300, 1 }, 3, 0, 0, NULL },
	{ { 72, 1 }, { 72, 1 }, 3, 0, 0, NULL },
	/* The default of OME writers: 1 um a pixel, and only exactly that. */
	{ { 10000, 1 }, { 10000, 1 }, 3, 0, 0, NULL },
	{ { 4294960000, 429496 }, { 4294960000, 429496 }, 3, 0, 0, NULL },
	{ { 10100, 1 }, { 10100, 1 }, 3, 0.9901, 0.9901, "micrometer" },
	/* Too large, too small, too uneven. */
	{ { 113, 1 }, { 113, 1 }, 3, 0, 0, NULL },
	{ { 15, 1 }, { 15, 1 }, 2, 0, 0, NULL },
	{ { 40000, 1 }, { 8000, 1 }, 3, 0, 0, NULL },
	{ { 40000, 1 }, { 15000, 1 }, 3, 0.25, 0.66667, "micrometer" },
};

START_TEST(resolution_tags)
{
	struct tiff_page p = { .x_resolution = tags[_i].x,
			       .y_resolution = tags[_i].y,
			       .resolution_unit = (uint16_t)tags[_i].unit };
	double x = -1, y = -1;
	const char *unit = NULL, *why = NULL;
	bool ok = voxel_from_tags(&p, &x, &y, &unit, &why);
	if (tags[_i].name == NULL) {
		ck_assert_msg(!ok, "%d: %.17g %.17g %s", _i, x, y, unit);
		ck_assert_ptr_nonnull(why);
		ck_assert_uint_gt(strlen(why), 5);
		return;
	}
	ck_assert_msg(ok, "%d: %s", _i, why);
	ck_assert_str_eq(unit, tags[_i].name);
	ck_assert_msg(fabs(x - tags[_i].want_x) < 1e-12 * x &&
			      fabs(y - tags[_i].want_y) < 1e-12 * y,
		      "%d: %.17g %.17g", _i, x, y);
}
END_TEST

static const struct {
	double v;
	const char *text;
} numbers[] = {
	{ 0, "0" },
	{ -0.0, "0" },
	{ 1, "1" },
	{ -1, "-1" },
	{ 500, "500" },
	{ 25, "25" },
	{ 11.24, "11.24" },
	{ 0.1, "0.1" },
	{ 0.1 + 0.2, "0.30000000000000004" },
	{ 352.85815102328866, "352.85815102328866" },
	{ 7e-7, "7e-07" },
	{ 0.0001, "0.0001" },
	{ 1.0 / 3, "0.3333333333333333" },
	{ 1e14, "100000000000000" },
	{ 1e22, "1e+22" },
	{ 9007199254740993.0, "9007199254740992" },
	{ 18446744073709551615.0, "1.8446744073709552e+19" },
	{ 65535, "65535" },
	{ 16777216, "16777216" },
};

START_TEST(printed_numbers)
{
	char s[32];
	voxel_print(numbers[_i].v, s, sizeof(s));
	ck_assert_str_eq(s, numbers[_i].text);
}
END_TEST

START_TEST(numbers_that_are_none)
{
	char s[32];
	voxel_print((double)NAN, s, sizeof(s));
	ck_assert_str_eq(s, "0");
	voxel_print((double)INFINITY, s, sizeof(s));
	ck_assert_str_eq(s, "0");
	voxel_print(-(double)INFINITY, s, sizeof(s));
	ck_assert_str_eq(s, "0");
}
END_TEST

START_TEST(any_number_reads_back)
{
	uint64_t state = 88172645463325252;
	for (int i = 0; i < 100000; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		double v;
		memcpy(&v, &state, sizeof(v));
		if (i % 2)
			v = (double)(state % 1000000000) / 1000;
		char s[32];
		voxel_print(v, s, sizeof(s));
		double back = strtod(s, NULL);
		if (isfinite(v))
			ck_assert_msg(!(back < v) && !(back > v), "%s", s);
		ck_assert_uint_eq(strspn(s, "-+0123456789.e"), strlen(s));
	}
	char s[32];
	voxel_print(DBL_MAX, s, sizeof(s));
	ck_assert_str_eq(s, "1.7976931348623157e+308");
	voxel_print(-DBL_TRUE_MIN, s, sizeof(s));
	ck_assert_str_eq(s, "-5e-324");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("voxel");
	TCase *tc = tcase_create("voxel");
	tcase_set_timeout(tc, 60);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, units, 0, ARRAY_SIZE(words));
	tcase_add_loop_test(tc, units_of_time, 0, ARRAY_SIZE(times));
	tcase_add_test(tc, units_end_where_the_length_says);
	tcase_add_loop_test(tc, lengths_that_have_no_name, 0, ARRAY_SIZE(length_words));
	tcase_add_loop_test(tc, durations_in_seconds, 0, ARRAY_SIZE(durations));
	tcase_add_test(tc, sizes_that_were_cut_to_a_rational);
	tcase_add_test(tc, ngff_units);
	tcase_add_loop_test(tc, resolution_tags, 0, ARRAY_SIZE(tags));
	tcase_add_loop_test(tc, printed_numbers, 0, ARRAY_SIZE(numbers));
	tcase_add_test(tc, numbers_that_are_none);
	tcase_add_test(tc, any_number_reads_back);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
