#include "tests/unit/golden_ladder.h"
#include "tests/unit/run_suite.h"

#include <math.h>

/* Takes one word, the next begins behind the blank. */
static const char *word(const char **s, char out[200])
{
	size_t n = strcspn(*s, " ");
	ck_assert_uint_lt(n, 200);
	memcpy(out, *s, n);
	out[n] = '\0';
	*s += n + ((*s)[n] == ' ');
	return out;
}

/* The numbers of one level, z first where there is one, are those of voxel by bits. */
static void equal_bits(const struct table *t, const char *text, const double *v, int n)
{
	for (int i = 0; i < n; i++) {
		size_t len = strcspn(text, ",");
		double want;
		ck_assert(text_to_double(text, len, &want));
		ck_assert_msg(memcmp(&want, &v[i], sizeof(want)) == 0, "row %s: %.17g, not %.17g",
			      cell(t, "id"), v[i], want);
		text += len + (text[len] == ',');
	}
	ck_assert_int_eq(*text, '\0');
}

static void check_levels(const struct table *t, const struct ladder *l, const uint64_t size[3],
			 const double voxel[3], bool has_z)
{
	const char *mags = cell(t, "mags"), *shapes = cell(t, "shapes_zyx");
	const char *scales = cell(t, "scales_zyx"), *moves = cell(t, "translations_zyx");
	int skip = has_z ? 0 : 1;
	for (unsigned k = 0; k < l->n; k++) {
		char one[200];
		struct text CLEANUP(text_done) name = { 0 };
		ladder_mag(&name, l->mag[k]);
		ck_assert_str_eq(name.s, word(&mags, one));
		double shape[3], scale[3], move[3];
		for (int a = 0; a < 3; a++) {
			shape[a] = (double)ceil_div(size[a], l->mag[k][a]);
			scale[a] = voxel[a] * (double)l->mag[k][a];
			move[a] = voxel[a] * (double)(l->mag[k][a] - 1) / 2;
		}
		equal_bits(t, word(&shapes, one), shape + skip, 3 - skip);
		equal_bits(t, word(&scales, one), scale + skip, 3 - skip);
		if (k > 0)
			equal_bits(t, word(&moves, one), move + skip, 3 - skip);
		else
			ck_assert_str_eq(word(&moves, one), "-");
	}
	ck_assert_int_eq(*mags, '\0');
}

static void check_row(const struct table *t)
{
	uint64_t size[3] = { value(t, "size_z"), value(t, "size_y"), value(t, "size_x") };
	double voxel[3] = { real(cell(t, "voxel_z")), real(cell(t, "voxel_y")),
			    real(cell(t, "voxel_x")) };
	struct ladder_options o = { .mode = mode_of(cell(t, "mode")) };
	const char *max_mag = cell(t, "max_mag");
	if (strcmp(max_mag, "default") != 0)
		mag_of(max_mag, strlen(max_mag), o.max_mag);
	factors_of(cell(t, "factors_zyx"), &o);
	bool has_z = strcmp(cell(t, "dims"), "zyx") == 0;
	struct ladder l;
	struct err err = { 0 };
	int rc = ladder_make(size, voxel, has_z, &o, &l, &err);
	if (strcmp(cell(t, "mags"), "-") == 0) {
		ck_assert_msg(rc == -EINVAL, "row %s is not refused", cell(t, "id"));
		return;
	}
	ck_assert_msg(rc == 0, "row %s: %s", cell(t, "id"), err.msg);
	check_levels(t, &l, size, voxel, has_z);
}

START_TEST(every_row)
{
	struct table t;
	if (!table_open(&t, "ladder.tsv"))
		return;
	size_t rows = 0;
	for (; table_row(&t); rows++)
		check_row(&t);
	ck_assert_uint_eq(rows, 117);
	free(t.text);
}
END_TEST

static void refused(const uint64_t size[3], const double voxel[3], const struct ladder_options *o,
		    const char *sentence)
{
	struct ladder l = { .n = 77 };
	struct err err = { 0 };
	ck_assert_int_eq(ladder_make(size, voxel, true, o, &l, &err), -EINVAL);
	ck_assert_msg(strstr(err.msg, sentence) != NULL, "%s", err.msg);
	ck_assert_uint_eq(l.n, 77);
	ck_assert_int_eq(ladder_make(size, voxel, true, o, &l, NULL), -EINVAL);
}

START_TEST(refusals)
{
	uint64_t size[3] = { 500, 8000, 10000 };
	double voxel[3] = { 25, 11.24, 11.24 };
	struct ladder_options o = { .max_mag = { 1, 8, 8 } };
	refused(size, voxel, &o, "--max-mag 8-8-1 cannot be reached from 4-4-1");
	o = (struct ladder_options){ .max_mag = { 4, 4, 3 } };
	refused(size, voxel, &o, "3 is no power of two");
	o = (struct ladder_options){ .max_mag = { MAG_MAX * 2, 4, 4 } };
	refused(size, voxel, &o, "is no power of two up to 2147483648");
	o = (struct ladder_options){ .mode = SAMPLING_EXPLICIT };
	refused(size, voxel, &o, "1,1,1");
	uint64_t huge[3] = { 1, 1, (uint64_t)1 << 40 };
	o = (struct ladder_options){ .mode = SAMPLING_ISOTROPIC };
	refused(huge, voxel, &o, "too large");
}
END_TEST

/* Unknown sizes count as 1. */
START_TEST(voxels_that_are_no_numbers)
{
	static const double odd[] = { 0, -3, (double)INFINITY, (double)NAN };
	uint64_t size[3] = { 50, 800, 800 };
	struct ladder_options o = { .mode = SAMPLING_ANISOTROPIC };
	struct ladder want, l;
	ck_assert_int_eq(ladder_make(size, (double[]){ 1, 1, 1 }, true, &o, &want, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		double voxel[3] = { odd[i], 1, odd[i] };
		ck_assert_int_eq(ladder_make(size, voxel, true, &o, &l, NULL), 0);
		ck_assert_uint_eq(l.n, want.n);
		ck_assert_int_eq(memcmp(l.mag, want.mag, l.n * sizeof(l.mag[0])), 0);
	}
}
END_TEST

/* The longest ladders that options can ask for. */
START_TEST(long_ladders)
{
	uint64_t size[3] = { 500, 8000, 10000 };
	struct ladder_options o = { .mode = SAMPLING_EXPLICIT, .n_factors = FACTORS_MAX };
	for (unsigned i = 0; i < FACTORS_MAX; i++)
		memcpy(o.factors[i], (uint8_t[]){ 2, 1, 1 }, 3);
	memcpy(o.factors[FACTORS_MAX - 1], (uint8_t[]){ 1, 1, 2 }, 3);
	for (int a = 0; a < 3; a++)
		o.max_mag[a] = MAG_MAX;
	struct ladder l;
	ck_assert_int_eq(ladder_make(size, (double[]){ 1, 1, 1 }, true, &o, &l, NULL), 0);
	ck_assert_uint_eq(l.n, 1 + FACTORS_MAX - 1 + 31);
	ck_assert_uint_eq(l.mag[l.n - 1][2], MAG_MAX);
	static const double voxels[][3] = { { 1, 1, 1 }, { 1e300, 1, 1e-300 }, { 1, 1e9, 1e-9 } };
	for (size_t i = 0; i < ARRAY_SIZE(voxels); i++) {
		o.mode = SAMPLING_ANISOTROPIC;
		ck_assert_int_eq(ladder_make(size, voxels[i], true, &o, &l, NULL), 0);
		const uint64_t *last = l.mag[l.n - 1];
		ck_assert_uint_eq(max_u64(last[0], max_u64(last[1], last[2])), MAG_MAX);
		for (unsigned k = 1; k < l.n; k++)
			for (int a = 0; a < 3; a++)
				ck_assert_uint_eq(l.mag[k][a] % l.mag[k - 1][a], 0);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ladder");
	TCase *t = tcase_create("ladder");
	tcase_add_test(t, every_row);
	tcase_add_test(t, refusals);
	tcase_add_test(t, voxels_that_are_no_numbers);
	tcase_add_test(t, long_ladders);
	suite_add_tcase(s, t);
	return run_suite(s);
}
