/* Every kernel, in every instruction set that the processor has, against a plain reckoning of one window
 * after the other, and against the computed cases. NGFFUSE_SEEDS=A-B chooses the seeds of the random rows
 * (default 1-1000). */
#include <check.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "codec/reduce.h"
#include "tests/unit/run_suite.h"

enum { MAX_ROWS = 16, MAX_WINDOW = 64 };

static uint64_t state, seed_now;

static uint64_t pick(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % n;
}

static void seed(uint64_t s)
{
	seed_now = s;
	state = (s + 1) * 0x9e3779b97f4a7c15;
	for (int i = 0; i < 4; i++)
		pick(2);
}

/* --- the reckoning: integers in 128 bits, floats in the operations of their type */

__extension__ typedef __int128 wide;

struct voxel {
	wide i;
	double f;
	const uint8_t *at;
};

struct window {
	enum dtype t;
	unsigned n;
	struct voxel v[MAX_WINDOW];
};

static struct voxel voxel_at(enum dtype t, const uint8_t *at)
{
	uint64_t bits = 0;
	size_t size = dtype_size(t);
	struct voxel v = { .at = at };
	memcpy(&bits, at, size);
	if (t == DTYPE_F32) {
		float f;
		memcpy(&f, at, sizeof(f));
		v.f = (double)f;
	} else if (t == DTYPE_F64) {
		memcpy(&v.f, at, sizeof(v.f));
	} else {
		v.i = (wide)bits;
		if (dtype_is_signed(t) && (bits >> (8 * size - 1)) != 0)
			v.i -= (wide)1 << (8 * size);
	}
	return v;
}

static void put_int(enum dtype t, wide i, uint8_t *out)
{
	uint64_t bits = (uint64_t)i;
	memcpy(out, &bits, dtype_size(t));
}

static void put_float(enum dtype t, double f, uint8_t *out)
{
	float narrow = (float)f;
	memcpy(out, t == DTYPE_F32 ? (void *)&narrow : (void *)&f, dtype_size(t));
}

static double plus(enum dtype t, double a, double b)
{
	return t == DTYPE_F32 ? (double)((float)a + (float)b) : a + b;
}

static double over(enum dtype t, double a, double b)
{
	return t == DTYPE_F32 ? (double)((float)a / (float)b) : a / b;
}

static int compare(const void *a, const void *b)
{
	const struct voxel *v = a, *w = b;
	if (v->i != w->i)
		return v->i < w->i ? -1 : 1;
	if (v->f != w->f)
		return v->f < w->f ? -1 : 1;
	return (signbit(w->f) != 0) - (signbit(v->f) != 0);
}

static void median(struct window *w, uint8_t *out)
{
	qsort(w->v, w->n, sizeof(w->v[0]), compare);
	const struct voxel *a = &w->v[(w->n - 1) / 2], *b = &w->v[w->n / 2];
	if (a == b)
		memcpy(out, a->at, dtype_size(w->t));
	else if (dtype_is_float(w->t))
		put_float(w->t, over(w->t, plus(w->t, a->f, b->f), 2), out);
	else
		put_int(w->t, (a->i + b->i) / 2, out);
}

static void mean(const struct window *w, uint8_t *out)
{
	wide sum = w->v[0].i, n = w->n;
	double f = w->v[0].f;
	for (unsigned k = 1; k < w->n; k++) {
		sum += w->v[k].i;
		f = plus(w->t, f, w->v[k].f);
	}
	wide twice = 2 * sum + n, floor = twice / (2 * n) - (twice % (2 * n) < 0);
	if (dtype_is_float(w->t))
		put_float(w->t, over(w->t, f, w->n), out);
	else
		put_int(w->t, floor, out);
}

static void mode(const struct window *w, uint8_t *out)
{
	unsigned most = 0;
	for (unsigned k = 0; k < w->n; k++) {
		unsigned count = 0;
		for (unsigned j = 0; j < w->n; j++)
			count += w->v[j].i == w->v[k].i && w->v[j].f == w->v[k].f;
		if (count > most)
			memcpy(out, w->v[k].at, dtype_size(w->t));
		most = count > most ? count : most;
	}
}

static void leave_out_nans(struct window *w)
{
	unsigned n = 0;
	for (unsigned k = 0; k < w->n; k++)
		if (!isnan(w->v[k].f))
			w->v[n++] = w->v[k];
	w->n = n;
}

static void reckon(enum reduce_method m, struct window *w, uint8_t *out)
{
	memcpy(out, w->v[0].at, dtype_size(w->t));
	if (m == REDUCE_NEAREST)
		return;
	leave_out_nans(w);
	if (w->n == 0)
		put_float(w->t, (double)NAN, out);
	else if (m == REDUCE_MEDIAN)
		median(w, out);
	else if (m == REDUCE_MEAN)
		mean(w, out);
	else if (m == REDUCE_MODE)
		mode(w, out);
	else {
		qsort(w->v, w->n, sizeof(w->v[0]), compare);
		memcpy(out, w->v[m == REDUCE_MAX ? w->n - 1 : 0].at, dtype_size(w->t));
	}
}

/* --- one row */

struct sample {
	enum reduce_method m;
	enum dtype t;
	struct reduce_step step;
	uint64_t n_in, n_out;
	uint8_t *base[MAX_ROWS]; /* what was allocated, ends with the row */
	const void *rows[MAX_ROWS];
};

static uint64_t beyond(uint64_t i, uint64_t n)
{
	bool back = false;
	for (; i >= n; i -= n)
		back = !back;
	return back ? n - 1 - i : i;
}

static void reckon_row(const struct sample *s, uint8_t *out)
{
	size_t size = dtype_size(s->t);
	for (uint64_t i = 0; i < s->n_out; i++) {
		struct window w = { .t = s->t };
		for (unsigned z = 0; z < s->step.z; z++)
			for (unsigned x = 0; x < s->step.x; x++)
				for (unsigned y = 0; y < s->step.y; y++)
					w.v[w.n++] = voxel_at(
						s->t,
						(const uint8_t *)s->rows[z * s->step.y + y] +
							beyond(i * s->step.x + x, s->n_in) * size);
		reckon(s->m, &w, out + i * size);
	}
}

static bool same(enum dtype t, const uint8_t *a, const uint8_t *b)
{
	if (memcmp(a, b, dtype_size(t)) == 0)
		return true;
	return dtype_is_float(t) && isnan(voxel_at(t, a).f) && isnan(voxel_at(t, b).f);
}

/* One voxel at a time, without an assertion for each: Check writes down where every one of them stands. */
static void agree(const struct sample *s, const uint8_t *got, const uint8_t *want, const char *who)
{
	size_t size = dtype_size(s->t);
	for (uint64_t i = 0; i < s->n_out; i++) {
		if (same(s->t, got + i * size, want + i * size))
			continue;
		uint64_t a = 0, b = 0;
		memcpy(&a, got + i * size, size);
		memcpy(&b, want + i * size, size);
		ck_abort_msg(
			"seed %ju, %s: %s of %s by %d,%d,%d, voxel %ju of %ju: %#jx, wanted %#jx",
			(uintmax_t)seed_now, who, reduce_method_name(s->m), dtype_v3(s->t),
			s->step.z, s->step.y, s->step.x, (uintmax_t)i, (uintmax_t)s->n_out,
			(uintmax_t)a, (uintmax_t)b);
	}
}

/* The result in a buffer of exactly its size, at any address. */
static uint8_t *result_room(size_t bytes, size_t shift)
{
	uint8_t *p = malloc(bytes + shift);
	ck_assert_ptr_nonnull(p);
	memset(p, 0xa5, bytes + shift);
	return p;
}

static void check_sample(const struct sample *s)
{
	size_t bytes = s->n_out * dtype_size(s->t);
	CLEANUP(freep) uint8_t *want = result_room(bytes, 0);
	reckon_row(s, want);
	const struct reduce_version *v;
	for (unsigned i = 0; (v = reduce_version(i)) != NULL; i++) {
		size_t shift = pick(17);
		CLEANUP(freep) uint8_t *got = result_room(bytes, shift);
		reduce_row_by(v, s->m, s->t, got + shift, s->rows, s->step, s->n_in);
		agree(s, got + shift, want, reduce_version_name(v));
	}
	size_t shift = pick(17);
	CLEANUP(freep) uint8_t *got = result_room(bytes, shift);
	reduce_row(s->m, s->t, got + shift, s->rows, s->step, s->n_in);
	agree(s, got + shift, want, "the best's");
}

/* --- random rows */

enum kind { FEW, ANY, SPECIAL, CLOSE, NAN_MANY, NAN_SOME, KINDS };

static uint64_t special_int(size_t size)
{
	uint64_t sign = (uint64_t)1 << (8 * size - 1);
	const uint64_t values[] = { 0, 1, 2, UINT64_MAX, UINT64_MAX - 1, sign, sign - 1, sign + 1 };
	return values[pick(ARRAY_SIZE(values))];
}

static double special_float(enum dtype t)
{
	bool f32 = t == DTYPE_F32;
	double largest = f32 ? (double)FLT_MAX : DBL_MAX;
	double smallest = f32 ? (double)FLT_TRUE_MIN : DBL_TRUE_MIN;
	const double values[] = { 0,	      -0.0,	1,	  -1,	     (double)INFINITY,
				  largest,    -largest, smallest, -smallest, -(double)INFINITY,
				  (double)NAN };
	return values[pick(ARRAY_SIZE(values))];
}

static void random_float(enum dtype t, enum kind kind, uint8_t *to)
{
	double f = (double)pick(4) - 1.5;
	if (kind == SPECIAL)
		f = special_float(t);
	else if (kind == CLOSE || (kind == NAN_SOME && pick(40) != 0))
		f = 1000 + (double)pick(100000) / 7;
	else if (kind == NAN_SOME || (kind == NAN_MANY && pick(8) != 0))
		f = pick(2) == 0 ? (double)NAN : -(double)NAN;
	put_float(t, f, to);
}

static void random_voxel(enum dtype t, enum kind kind, uint8_t *to)
{
	size_t size = dtype_size(t);
	uint64_t v = (pick((uint64_t)1 << 32) << 32) ^ pick((uint64_t)1 << 50);
	if (dtype_is_float(t) && kind != ANY) {
		random_float(t, kind, to);
		return;
	}
	if (kind == FEW)
		v = (v % 4 - 2) * (uint64_t)0x0101010101010101;
	else if (kind == SPECIAL)
		v = special_int(size);
	else if (kind != ANY)
		v = v % 50 - 25;
	memcpy(to, &v, size);
}

static void sample_rows(struct sample *s, enum kind kind)
{
	size_t size = dtype_size(s->t);
	s->n_out = (s->n_in + s->step.x - 1) / s->step.x;
	for (unsigned r = 0; r < (unsigned)s->step.z * s->step.y; r++) {
		size_t shift = pick(17);
		s->base[r] = malloc(s->n_in * size + shift);
		ck_assert_ptr_nonnull(s->base[r]);
		for (uint64_t i = 0; i < s->n_in; i++)
			random_voxel(s->t, kind, s->base[r] + shift + i * size);
		s->rows[r] = s->base[r] + shift;
		if (r > 0 && pick(8) == 0)
			s->rows[r] = s->rows[pick(r)];
	}
}

static void sample_done(struct sample *s)
{
	for (unsigned r = 0; r < MAX_ROWS; r++)
		free(s->base[r]);
}

static struct reduce_step nth_step(unsigned i)
{
	return (struct reduce_step){ (uint8_t)(1 << i / 9), (uint8_t)(1 << i / 3 % 3),
				     (uint8_t)(1 << i % 3) };
}

/* Short rows, and rows about as long as the kernels' blocks. */
START_TEST(every_step)
{
	static const uint64_t lengths[] = {
		1, 2, 3, 5, 31, 67, 129, 255, 256, 257, 513, 1023, 1025
	};
	seed((uint64_t)_i);
	for (unsigned i = 0; i < REDUCE_COUNT * DTYPE_COUNT; i++) {
		struct sample s = { .m = (enum reduce_method)(i / DTYPE_COUNT),
				    .t = (enum dtype)(i % DTYPE_COUNT),
				    .step = nth_step((unsigned)_i) };
		for (enum kind kind = 0; kind < KINDS; kind++) {
			s.n_in = lengths[pick(ARRAY_SIZE(lengths))];
			sample_rows(&s, kind);
			check_sample(&s);
			sample_done(&s);
			memset(s.base, 0, sizeof(s.base));
		}
	}
}
END_TEST

static void seeds_wanted(uint64_t *from, uint64_t *to)
{
	*from = 1;
	*to = 1000;
	const char *env = getenv("NGFFUSE_SEEDS");
	if (env == NULL)
		return;
	char *end;
	*from = strtoull(env, &end, 10);			 /* lint-ok: a test's */
	*to = *end == '-' ? strtoull(end + 1, NULL, 10) : *from; /* lint-ok: a test's */
}

START_TEST(random_rows)
{
	uint64_t from, to;
	seeds_wanted(&from, &to);
	for (uint64_t i = from; i <= to; i++) {
		seed(i);
		struct sample s = { .m = (enum reduce_method)pick(REDUCE_COUNT),
				    .t = (enum dtype)pick(DTYPE_COUNT),
				    .step = nth_step((unsigned)pick(27)),
				    .n_in = 1 + pick(pick(20) == 0 ? 2000 : 300) };
		sample_rows(&s, (enum kind)pick(KINDS));
		check_sample(&s);
		sample_done(&s);
	}
	printf("reduce: seeds %ju-%ju hold\n", (uintmax_t)from, (uintmax_t)to);
}
END_TEST

START_TEST(nearest_reads_one_row)
{
	static const uint16_t row[] = { 7, 8, 9, 10, 11 };
	const void *rows[16] = { row };
	uint16_t out[3] = { 0 };
	reduce_row(REDUCE_NEAREST, DTYPE_U16, out, rows, (struct reduce_step){ 4, 4, 2 }, 5);
	ck_assert_uint_eq(out[0], 7);
	ck_assert_uint_eq(out[1], 9);
	ck_assert_uint_eq(out[2], 11);
}
END_TEST

START_TEST(mirror)
{
	static const uint64_t of_3[] = { 0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0 };
	for (uint64_t i = 0; i < ARRAY_SIZE(of_3); i++)
		ck_assert_uint_eq(reduce_mirror(i, 3), of_3[i]);
	for (uint64_t i = 0; i < 8; i++)
		ck_assert_uint_eq(reduce_mirror(i, 1), 0);
}
END_TEST

START_TEST(names)
{
	enum reduce_method m = REDUCE_MIN;
	for (int i = 0; i < REDUCE_COUNT; i++) {
		ck_assert(reduce_method_parse(reduce_method_name((enum reduce_method)i), &m));
		ck_assert_int_eq((int)m, i);
	}
	ck_assert(!reduce_method_parse("Median", &m));
	ck_assert(!reduce_method_parse("", &m));
	ck_assert(!reduce_method_parse("mediant", &m));
	ck_assert_int_eq((int)m, REDUCE_MAX);
}
END_TEST

START_TEST(versions)
{
	const struct reduce_version *v;
	printf("reduce: instruction sets");
	for (unsigned i = 0; (v = reduce_version(i)) != NULL; i++)
		printf(" %s", reduce_version_name(v));
	printf("\n");
	ck_assert_ptr_nonnull(reduce_version(0));
}
END_TEST

/* --- the computed cases */

struct block {
	uint64_t n[3];
	uint8_t *voxels;
};

static bool read_file(const char *name, uint8_t *to, size_t size, size_t *ret_len)
{
	const char *dir = getenv("NGFFUSE_SHARED");
	char path[4096];
	snprintf(path, sizeof(path), "%s/golden/reduce/%s", dir != NULL ? dir : "../shared", name);
	FILE *f = fopen(path, "re");
	if (f == NULL) {
		printf("skipped: no %s (%s); NGFFUSE_SHARED names the folder\n", path,
		       strerror(errno));
		return false;
	}
	*ret_len = fread(to, 1, size, f);
	fclose(f);
	return true;
}

static uint64_t number(char **at)
{
	uint64_t n = 0;
	for (; **at >= '0' && **at <= '9'; (*at)++)
		n = n * 10 + (uint64_t)(**at - '0');
	if (**at != '\0')
		(*at)++;
	return n;
}

static enum dtype dtype_of(const char *name)
{
	for (int t = 0; t < DTYPE_COUNT; t++)
		if (strcmp(dtype_v2((enum dtype)t) + 1, name) == 0)
			return (enum dtype)t;
	ck_abort_msg("no type %s", name);
}

static struct block smaller(const struct reduce_version *v, enum reduce_method m, enum dtype t,
			    const struct block *in, struct reduce_step step)
{
	struct block out = { { ceil_div(in->n[0], step.z), ceil_div(in->n[1], step.y),
			       ceil_div(in->n[2], step.x) },
			     NULL };
	size_t size = dtype_size(t), row = in->n[2] * size;
	out.voxels = result_room(out.n[0] * out.n[1] * out.n[2] * size, 0);
	for (uint64_t i = 0; i < out.n[0] * out.n[1]; i++) {
		const void *rows[MAX_ROWS];
		for (unsigned r = 0; r < (unsigned)step.z * step.y; r++) {
			uint64_t z = i / out.n[1] * step.z + r / step.y;
			uint64_t y = i % out.n[1] * step.y + r % step.y;
			rows[r] = in->voxels + (reduce_mirror(z, in->n[0]) * in->n[1] +
						reduce_mirror(y, in->n[1])) *
						       row;
		}
		reduce_row_by(v, m, t, out.voxels + i * out.n[2] * size, rows, step, in->n[2]);
	}
	return out;
}

static void play_case(const struct reduce_version *v, char **cell)
{
	static uint8_t want[MiB];
	size_t len, want_len;
	char name[16], *shape = cell[3], *steps = cell[4];
	enum reduce_method m;
	ck_assert_msg(reduce_method_parse(cell[1], &m), "%s", cell[1]);
	enum dtype t = dtype_of(cell[2]);
	struct block b = { .voxels = result_room(MiB, 0) };
	for (size_t a = 0; a < 3; a++)
		b.n[a] = number(&shape);
	snprintf(name, sizeof(name), "%s.in", cell[0]);
	ck_assert(read_file(name, b.voxels, MiB, &len));
	ck_assert_uint_eq(len, b.n[0] * b.n[1] * b.n[2] * dtype_size(t));
	while (*steps != '\0') {
		uint8_t z = (uint8_t)number(&steps), y = (uint8_t)number(&steps);
		struct block next =
			smaller(v, m, t, &b, (struct reduce_step){ z, y, (uint8_t)number(&steps) });
		free(b.voxels);
		b = next;
	}
	snprintf(name, sizeof(name), "%s.out", cell[0]);
	ck_assert(read_file(name, want, sizeof(want), &want_len));
	ck_assert_uint_eq(want_len, b.n[0] * b.n[1] * b.n[2] * dtype_size(t));
	for (size_t i = 0; i < want_len; i += dtype_size(t))
		ck_assert_msg(same(t, b.voxels + i, want + i), "case %s (%s), %s: byte %zu",
			      cell[0], cell[7], reduce_version_name(v), i);
	free(b.voxels);
}

START_TEST(computed_cases)
{
	static char table[64 * KiB];
	size_t len;
	if (!read_file("cases.tsv", (uint8_t *)table, sizeof(table) - 1, &len))
		return;
	unsigned n = 0;
	char *rest = table;
	strsep(&rest, "\n");
	for (char *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0'; n++) {
		char *cell[8];
		for (size_t i = 0; i < ARRAY_SIZE(cell); i++)
			ck_assert_ptr_nonnull(cell[i] = strsep(&line, "\t"));
		const struct reduce_version *v;
		for (unsigned i = 0; (v = reduce_version(i)) != NULL; i++)
			play_case(v, cell);
	}
	printf("reduce: %u computed cases\n", n);
	ck_assert_uint_gt(n, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reduce");
	TCase *t = tcase_create("reduce");
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, every_step, 0, 27);
	tcase_add_test(t, random_rows);
	tcase_add_test(t, nearest_reads_one_row);
	tcase_add_test(t, mirror);
	tcase_add_test(t, names);
	tcase_add_test(t, versions);
	tcase_add_test(t, computed_cases);
	suite_add_tcase(s, t);
	return run_suite(s);
}
