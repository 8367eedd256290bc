#include "meta/pyramid.h"

#include "codec/reduce.h"
#include "tests/unit/golden_ladder.h"
#include "tests/unit/run_suite.h"

static const char *const made_names[] = {
	[LEVEL_STORED] = "stored",
	[LEVEL_TRUE] = "true",
	[LEVEL_PREVIEW] = "preview",
};

static enum preview preview_of(const char *s)
{
	static const char *const names[] = { "auto", "never", "always" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(s, names[i]) == 0)
			return (enum preview)i;
	ck_abort_msg("no preview %s", s);
	return PREVIEW_AUTO;
}

static void pyramid_of(const struct table *t, const struct grid *g, struct pyramid *p)
{
	struct pyramid_options o = { .preview = preview_of(cell(t, "preview")) };
	o.ladder.mode = mode_of(cell(t, "mode"));
	factors_of(cell(t, "factors"), &o.ladder);
	double voxel[3];
	const char *s = cell(t, "voxel_xyz");
	for (int a = 2; a >= 0; a--) {
		size_t n = strcspn(s, ",");
		ck_assert(text_to_double(s, n, &voxel[a]));
		s += n + (s[n] == ',');
	}
	struct err err = { 0 };
	int rc = pyramid_make(g, voxel, true, value(t, "stored_bytes_per_page"), &o, p, &err);
	ck_assert_msg(rc == 0, "case %s: %s", cell(t, "case"), err.msg);
}

#define EQUAL(is, name)                                                                            \
	do {                                                                                       \
		uint64_t is_ = (is), want_ = value(t, name);                                       \
		ck_assert_msg(is_ == want_,                                                        \
			      "case %s level %s, %s: %" PRIu64 ", expected %" PRIu64,              \
			      cell(t, "case"), cell(t, "level"), name, is_, want_);                \
	} while (0)

static void equal_zyx(const struct table *t, const uint64_t *is, const char *name)
{
	uint64_t want[3];
	triple(cell(t, name), want);
	for (int a = 0; a < 3; a++)
		ck_assert_msg(is[a] == want[a],
			      "case %s level %s, %s, axis %d: %" PRIu64 ", expected %" PRIu64,
			      cell(t, "case"), cell(t, "level"), name, a, is[a], want[a]);
}

static void check_row(const struct table *t, const struct grid *g, const struct pyramid *p)
{
	ck_assert_uint_lt(value(t, "level"), p->n);
	const struct level *l = &p->level[value(t, "level")];
	uint64_t mag[3];
	mag_of(cell(t, "mag"), strlen(cell(t, "mag")), mag);
	ck_assert_int_eq(memcmp(l->mag, mag, sizeof(mag)), 0);
	equal_zyx(t, &l->size[AXIS_Z], "shape_zyx");
	equal_zyx(t, &l->chunk[AXIS_Z], "chunk_zyx");
	ck_assert_str_eq(made_names[l->made], cell(t, "made"));
	if (strcmp(cell(t, "depth_limit"), "-") == 0)
		ck_assert_uint_eq(p->depth, 0);
	else
		EQUAL(p->depth, "depth_limit");
	if (is_wide(g))
		return;
	equal_zyx(t, &l->run[AXIS_Z], "run_zyx");
	equal_zyx(t, l->source, "source_zyx");
	EQUAL(l->run_bytes, "run_bytes");
	EQUAL(p->open_bytes, "open_bytes_total");
	EQUAL(l->decoded, "decoded_bytes_run");
	EQUAL(l->stored, "stored_bytes_run");
	bool pass = strcmp(cell(t, "kind"), "pass") == 0;
	ck_assert_msg(l->pass == pass, "case %s level %s", cell(t, "case"), cell(t, "level"));
}

START_TEST(every_row)
{
	struct table t;
	if (!table_open(&t, "runs.tsv"))
		return;
	size_t rows = 0, compared = 0;
	unsigned levels = 0;
	struct grid g;
	struct pyramid p = { 0 };
	for (; table_row(&t); rows++) {
		if (value(&t, "level") == 0) {
			ck_assert_uint_eq(levels, p.n);
			pyramid_done(&p);
			make_row(&t, &g);
			pyramid_of(&t, &g, &p);
			levels = 0;
		}
		ck_assert_uint_eq(value(&t, "level"), levels++);
		check_row(&t, &g, &p);
		compared += !is_wide(&g);
	}
	ck_assert_uint_eq(levels, p.n);
	ck_assert_uint_eq(rows, 454);
	ck_assert_uint_gt(compared, 440);
	pyramid_done(&p);
	free(t.text);
}
END_TEST

static uint64_t seed;

/* 0 .. n-1 (xorshift64*). */
static uint64_t pick(uint64_t n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return ((seed * 0x2545f4914f6cdd1d) >> 33) % n;
}

static void random_options(struct pyramid_options *o)
{
	*o = (struct pyramid_options){ .preview = pick(4) == 0 ? PREVIEW_ALWAYS : PREVIEW_AUTO };
	o->ladder.mode = (enum sampling_mode)pick(4);
	o->ladder.n_factors = 1 + (unsigned)pick(4);
	for (unsigned i = 0; i < o->ladder.n_factors; i++) {
		for (int a = 0; a < 3; a++)
			o->ladder.factors[i][a] = 1 + (uint8_t)pick(2);
		o->ladder.factors[i][pick(3)] = 2;
	}
	uint64_t mag = (uint64_t)1 << pick(5);
	if (pick(2) == 0)
		o->ladder.max_mag[0] = o->ladder.max_mag[1] = o->ladder.max_mag[2] = mag;
}

/* Small shapes given by the user, or larger ones by the rule. */
static void random_pyramid(struct grid *g, struct pyramid *p)
{
	bool large = pick(4) == 0;
	uint64_t side = large ? 1500 : 60;
	uint32_t samples = (uint32_t)pick(3) + 1;
	uint64_t size[AXIS_COUNT] = {
		pick(2) + 1, samples * (pick(2) + 1), pick(20) + 1, pick(side) + 1, pick(side) + 1,
	};
	struct grid_layout l = {
		.tiled = pick(2) == 0,
		.compressed = pick(3) != 0,
		.unit_h = (uint32_t)pick(large ? 400 : 24) + 1,
		.unit_w = (uint32_t)pick(large ? 400 : 24) + 1,
		.samples = samples,
	};
	uint64_t given[3] = { pick(4) + 1, pick(12) + 1, pick(12) + 1 };
	struct err err = { 0 };
	int rc = grid_make(size, 1 + pick(8), &l, large ? NULL : given, g, &err);
	ck_assert_msg(rc == 0, "%s", err.msg);
	struct pyramid_options o;
	random_options(&o);
	double voxel[3];
	for (int a = 0; a < 3; a++)
		voxel[a] = (double)(10 + pick(40)) / 10;
	rc = pyramid_make(g, voxel, true, 1000, &o, p, &err);
	ck_assert_msg(rc == 0, "%s", err.msg);
}

/* Level 0 says what its grid says. */
static void check_level_zero(const struct grid *g, const struct level *l)
{
	ck_assert_uint_eq(level_chunk_count(l), grid_chunk_count(g));
	ck_assert_uint_eq(level_run_count(l), grid_run_count(g));
	ck_assert_uint_eq(level_chunk_bytes(l), grid_chunk_bytes(g));
	uint64_t wrong = UINT64_MAX;
	for (uint64_t i = 0; i < grid_chunk_count(g); i++) {
		struct grid_chunk a, b;
		grid_chunk_at(g, i, &a);
		level_chunk_at(l, i, &b);
		uint64_t run = grid_run_of(g, i), k = grid_chunk_in_run(g, i);
		if (memcmp(&a, &b, sizeof(a)) != 0 || level_run_of(l, i) != run ||
		    level_chunk_in_run(l, i) != k || level_run_chunk(l, run, k) != i)
			wrong = min_u64(wrong, i);
	}
	ck_assert_msg(wrong == UINT64_MAX, "chunk %" PRIu64, wrong);
}

static bool lies_in(const struct level_box *box, const struct grid_chunk *c)
{
	for (int a = 0; a < AXIS_COUNT; a++)
		if (c->lo[a] >= c->hi[a] || c->lo[a] < box->lo[a] || c->hi[a] > box->hi[a])
			return false;
	return true;
}

static uint64_t voxels_of(const uint64_t lo[AXIS_COUNT], const uint64_t hi[AXIS_COUNT])
{
	uint64_t n = 1;
	for (int a = 0; a < AXIS_COUNT; a++)
		n *= hi[a] - lo[a];
	return n;
}

/* Each chunk in one run, in order within it; a run's chunks are its box. One assertion: Check's are slow. */
static void check_runs(const struct level *l)
{
	uint64_t chunks = 0, voxels = 0;
	bool ok = true;
	for (uint64_t run = 0; run < level_run_count(l); run++) {
		struct level_box box;
		level_run_box(l, run, &box);
		uint64_t inside = 0, before = 0, n = level_run_chunks(l, run);
		for (uint64_t k = 0; k < n; k++) {
			uint64_t i = level_run_chunk(l, run, k);
			struct grid_chunk c;
			level_chunk_at(l, i, &c);
			ok = ok && i < level_chunk_count(l) && (k == 0 || i > before) &&
			     level_run_of(l, i) == run && level_chunk_in_run(l, i) == k &&
			     lies_in(&box, &c);
			inside += voxels_of(c.lo, c.hi);
			before = i;
		}
		ok = ok && inside == voxels_of(box.lo, box.hi);
		chunks += n;
		voxels += inside;
	}
	ck_assert(ok);
	ck_assert_uint_eq(chunks, level_chunk_count(l));
	uint64_t none[AXIS_COUNT] = { 0 };
	ck_assert_uint_eq(voxels, voxels_of(none, l->size));
}

static void check_sizes(const struct grid *g, const struct level *before, const struct level *l)
{
	for (int i = 0; i < 3; i++) {
		int a = AXIS_Z + i;
		ck_assert(l->step[i] == 1 || l->step[i] == 2 || l->step[i] == 4);
		ck_assert_uint_eq(l->mag[i], before->mag[i] * l->step[i]);
		ck_assert_uint_eq(l->size[a], ceil_div(g->size[a], l->mag[i]));
		ck_assert_uint_eq(l->size[a], ceil_div(before->size[a], l->step[i]));
		bool whole = l->run[a] == l->size[a];
		ck_assert(whole || l->run[a] * l->step[i] % before->run[a] == 0);
		ck_assert(whole || l->run[a] % l->chunk[a] == 0);
	}
	ck_assert_uint_eq(l->run_chunks[AXIS_C], g->layout.samples);
}

/* Voxels of level `below` that the box needs. */
static void box_below(const struct pyramid *p, unsigned k, unsigned below, struct level_box *box)
{
	const struct level *l = &p->level[k], *under = &p->level[below];
	for (int i = 0; i < 3; i++) {
		uint64_t step = l->mag[i] / under->mag[i];
		box->lo[AXIS_Z + i] *= step;
		box->hi[AXIS_Z + i] = min_u64(box->hi[AXIS_Z + i] * step, under->size[AXIS_Z + i]);
	}
}

/* A last voxel may mirror some of the run before its own, which then lies under both. */
static bool mirrors_back(const struct pyramid *p, unsigned k, unsigned below)
{
	bool back = false;
	for (unsigned i = below + 1; i <= k; i++)
		for (int a = 0; a < 3; a++)
			back |= p->level[i].step[a] == 4 &&
				p->level[i - 1].size[AXIS_Z + a] % 4 == 1;
	return back;
}

/* The runs of level `below` under those of level k are a partition of all, and cover the same voxels; or more, where
 * some mirror back. */
static void check_under(const struct pyramid *p, unsigned k, unsigned below)
{
	const struct level *l = &p->level[k], *under = &p->level[below];
	CLEANUP(freep) uint8_t *seen = calloc(level_run_count(under), 1);
	ck_assert_ptr_nonnull(seen);
	uint64_t all = 0, single = 0;
	bool ok = true, back = mirrors_back(p, k, below);
	for (uint64_t run = 0; run < level_run_count(l); run++) {
		struct run_span s;
		pyramid_under(p, k, run, below, &s);
		struct level_box box;
		level_run_box(l, run, &box);
		box_below(p, k, below, &box);
		uint64_t voxels = 0;
		for (uint64_t i = 0; i < run_span_count(&s); i++) {
			uint64_t child = run_span_at(&s, under, i);
			struct level_box b;
			level_run_box(under, child, &b);
			for (int a = 0; a < AXIS_COUNT; a++)
				ok = ok && (back || b.lo[a] >= box.lo[a]) && b.hi[a] <= box.hi[a];
			ok = ok && child < level_run_count(under) && (seen[child] == 0 || back) &&
			     run_span_has(&s, under, child) && run_span_find(&s, under, child) == i;
			single += seen[child]++ == 0;
			voxels += voxels_of(b.lo, b.hi);
			all++;
		}
		ok = ok && (voxels == voxels_of(box.lo, box.hi) ||
			    (back && voxels > voxels_of(box.lo, box.hi)));
		uint64_t beyond = run_span_at(&s, under, run_span_count(&s) - 1) + 1;
		ok = ok && !run_span_has(&s, under, beyond % level_run_count(under)) ==
				   (run_span_count(&s) < level_run_count(under));
	}
	ck_assert_msg(ok, "level %u over %u", k, below);
	ck_assert_uint_eq(single, level_run_count(under));
	ck_assert(back || all == single);
}

/* What a chunk is made from along an axis, window by window. */
static void reckon_source(const struct pyramid *p, unsigned k, int axis, uint64_t *lo, uint64_t *hi)
{
	for (; k > 0; k--) {
		uint64_t step = p->level[k].step[axis], n = p->level[k - 1].size[AXIS_Z + axis];
		uint64_t first = UINT64_MAX, last = 0;
		for (uint64_t i = *lo * step; i < *hi * step; i++) {
			first = min_u64(first, reduce_mirror(i, n));
			last = max_u64(last, reduce_mirror(i, n));
		}
		*lo = first;
		*hi = last + 1;
	}
}

static void check_source(const struct pyramid *p, unsigned k)
{
	const struct level *l = &p->level[k];
	for (int i = 0; i < 3; i++) {
		enum axis a = (enum axis)(AXIS_Z + i);
		for (uint64_t at = 0; at < l->size[a]; at += l->chunk[a]) {
			uint64_t lo = at, hi = min_u64(at + l->chunk[a], l->size[a]);
			uint64_t want_lo = lo, want_hi = hi;
			pyramid_source(p, k, a, &lo, &hi);
			reckon_source(p, k, i, &want_lo, &want_hi);
			ck_assert(lo == want_lo && hi == want_hi);
		}
	}
}

/* A preview's leaves hold each voxel that it shows. */
static void check_preview(const struct grid *g, const struct pyramid *p, unsigned k)
{
	const struct level *l = &p->level[k], *zero = &p->level[0];
	ck_assert_uint_eq(l->chunk[AXIS_Z], g->rule == GRID_GIVEN ? g->chunk[AXIS_Z] : 1);
	ck_assert_uint_eq(l->run_chunks[AXIS_Z], 1);
	for (uint64_t run = 0; run < level_run_count(l); run++) {
		struct level_box box, first, last;
		struct run_span s;
		level_run_box(l, run, &box);
		pyramid_under(p, k, run, 0, &s);
		level_run_box(zero, run_span_at(&s, zero, 0), &first);
		level_run_box(zero, run_span_at(&s, zero, run_span_count(&s) - 1), &last);
		bool ok = true;
		for (int a = 0; a < AXIS_COUNT; a++) {
			uint64_t mag = a < AXIS_Z ? 1 : l->mag[a - AXIS_Z];
			uint64_t from = box.lo[a] * mag, to = (box.hi[a] - 1) * mag;
			ok = ok && from >= first.lo[a] && from < first.hi[a];
			ok = ok && to >= last.lo[a] && to < last.hi[a];
		}
		ck_assert_msg(ok, "level %u run %" PRIu64, k, run);
	}
}

/* What is decoded for the first run, run(0) by run(0). */
static void check_cost(const struct grid *g, const struct pyramid *p, unsigned k)
{
	const struct level *l = &p->level[k];
	uint64_t bytes = 0;
	for (uint64_t run = 0; run < grid_run_count(g); run++) {
		struct grid_run r;
		grid_run_at(g, run, &r);
		if (r.t != 0 || r.c0 != 0 || r.z0 >= l->source[0] || r.y0 >= l->source[1] ||
		    r.x0 >= l->source[2])
			continue;
		ck_assert(r.z1 <= l->source[0] && r.y1 <= l->source[1] && r.x1 <= l->source[2]);
		bytes += grid_band_bytes(g, &r);
	}
	ck_assert_uint_eq(l->decoded, bytes);
}

static void check_pyramid(const struct grid *g, const struct pyramid *p)
{
	check_level_zero(g, &p->level[0]);
	for (unsigned k = 0; k < p->n; k++) {
		const struct level *l = &p->level[k];
		check_runs(l);
		check_cost(g, p, k);
		if (k > 0)
			check_sizes(g, l - 1, l);
		if (l->made == LEVEL_PREVIEW)
			check_preview(g, p, k);
		if (l->made == LEVEL_TRUE)
			check_source(p, k);
		for (unsigned j = 0; j < k && l->made == LEVEL_TRUE; j++)
			check_under(p, k, j);
	}
}

START_TEST(random_pyramids)
{
	seed = 20240301 + (uint64_t)_i;
	unsigned previews = 0, fours = 0;
	for (int n = 0; n < 300; n++) {
		struct grid g;
		struct pyramid p;
		random_pyramid(&g, &p);
		check_pyramid(&g, &p);
		for (unsigned k = 1; k < p.n; k++) {
			const struct level *l = &p.level[k];
			previews += l->made == LEVEL_PREVIEW;
			fours += l->step[0] == 4 || l->step[1] == 4 || l->step[2] == 4;
		}
		pyramid_done(&p);
	}
	ck_assert_uint_gt(previews, 50);
	ck_assert_uint_gt(fours, 0);
}
END_TEST

/* Where runs of all levels would take too much memory chunks are thinner than the runs of level 0, and runs of
 * the others hold several layers of them. */
START_TEST(thin_chunks)
{
	uint64_t size[AXIS_COUNT] = { 1, 1, 3000, 2048, 2048 };
	struct grid_layout layout = { false, true, 2048, 2048, 1 };
	struct grid g;
	struct pyramid p;
	struct pyramid_options o = { .preview = PREVIEW_NEVER };
	o.ladder.mode = SAMPLING_EXPLICIT;
	o.ladder.n_factors = 1;
	memcpy(o.ladder.factors[0], (uint8_t[]){ 2, 1, 1 }, 3);
	ck_assert_int_eq(grid_make(size, 1, &layout, NULL, &g, NULL), 0);
	ck_assert_int_eq(pyramid_make(&g, (double[]){ 1, 1, 1 }, true, 1000, &o, &p, NULL), 0);
	ck_assert_uint_eq(p.depth, 1);
	ck_assert_uint_gt(g.chunk[AXIS_Z], 1);
	ck_assert_uint_gt(p.level[1].run_chunks[AXIS_Z], 1);
	check_pyramid(&g, &p);
	pyramid_done(&p);
}
END_TEST

/* Sizes at the end of what a grid may have: no cost wraps around. */
START_TEST(huge)
{
	uint64_t size[AXIS_COUNT] = { 1, 1, (uint64_t)1 << 20, UINT32_MAX - 1, 1 << 10 };
	struct grid_layout l = { .tiled = true, .compressed = true, .unit_h = 999, .unit_w = 7 };
	l.samples = 1;
	uint64_t given[3] = { 1, 1, 1 };
	struct grid g;
	struct pyramid p;
	struct pyramid_options o = { .ladder.mode = SAMPLING_ISOTROPIC };
	ck_assert_int_eq(grid_make(size, 1, &l, given, &g, NULL), 0);
	ck_assert_int_eq(pyramid_make(&g, (double[]){ 1, 1, 1 }, true, UINT64_MAX, &o, &p, NULL),
			 0);
	for (unsigned k = 1; k < p.n; k++) {
		ck_assert_uint_ge(p.level[k].decoded, p.level[k - 1].decoded);
		ck_assert_uint_ge(p.level[k].stored, p.level[k - 1].stored);
		ck_assert(p.level[k].made == LEVEL_PREVIEW);
	}
	ck_assert_uint_eq(p.level[p.n - 1].stored, UINT64_MAX);
	pyramid_done(&p);
	ck_assert_ptr_null(p.level);
}
END_TEST

START_TEST(refusal)
{
	uint64_t size[AXIS_COUNT] = { 1, 1, 500, 800, 1000 };
	struct grid_layout l = { false, true, 10, 1000, 1 };
	struct grid g;
	struct pyramid p = { .n = 77 };
	struct pyramid_options o = { .ladder.max_mag = { 1, 8, 8 } };
	struct err err = { 0 };
	ck_assert_int_eq(grid_make(size, 1, &l, NULL, &g, NULL), 0);
	ck_assert_int_eq(pyramid_make(&g, (double[]){ 25, 11.24, 11.24 }, true, 1, &o, &p, &err),
			 -EINVAL);
	ck_assert_msg(strstr(err.msg, "--max-mag 8-8-1") != NULL, "%s", err.msg);
	ck_assert_uint_eq(p.n, 77);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pyramid");
	TCase *t = tcase_create("pyramid");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, every_row);
	tcase_add_loop_test(t, random_pyramids, 0, 4);
	tcase_add_test(t, thin_chunks);
	tcase_add_test(t, huge);
	tcase_add_test(t, refusal);
	suite_add_tcase(s, t);
	return run_suite(s);
}
