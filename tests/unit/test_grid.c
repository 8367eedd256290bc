#include "tests/unit/golden_table.h"
#include "tests/unit/run_suite.h"

static void check_wide(const struct grid *g)
{
	uint64_t rows = min_u64(g->chunk[AXIS_Y], g->size[AXIS_Y]);
	uint64_t column = rows * g->chunk[AXIS_X] * g->voxel * g->layout.samples;
	uint64_t k = 1;
	while ((k + 1) * column <= 32 * MiB)
		k++;
	ck_assert_uint_eq(g->run_chunks[AXIS_X], k);
	ck_assert_uint_eq(g->runs[AXIS_X], ceil_div(g->chunks[AXIS_X], k));
	if (g->runs[AXIS_X] < 2)
		return;
	struct grid_run first, second, last;
	grid_run_at(g, 0, &first);
	grid_run_at(g, 1, &second);
	grid_run_at(g, g->runs[AXIS_X] - 1, &last);
	ck_assert_uint_eq(first.x0, 0);
	ck_assert_uint_eq(first.x1, second.x0);
	ck_assert_uint_eq(last.x1, g->size[AXIS_X]);
	ck_assert_uint_eq(second.bx0, second.x0);
	ck_assert_uint_eq(second.bx1, second.x1);
	ck_assert_uint_eq(second.by0, 0);
	ck_assert_uint_eq(second.by1, rows);
	uint64_t band = (first.z1 - first.z0) * k * column;
	ck_assert_uint_eq(grid_band_bytes(g, &first), band);
	ck_assert_uint_eq(grid_band_bytes_worst(g), band);
}

static uint64_t units_of(const struct grid *g, uint64_t run)
{
	struct grid_run r;
	grid_run_at(g, run, &r);
	uint64_t y0, y1, x0, x1;
	grid_run_units(g, &r, &y0, &y1, &x0, &x1);
	return (r.z1 - r.z0) * (y1 - y0) * (x1 - x0);
}

struct worst {
	uint64_t units, rows, cols, bytes;
};

/* Over the runs of the first layer. */
static struct worst worst_of(const struct grid *g)
{
	struct worst w = { 0 };
	for (uint64_t i = 0; i < g->runs[AXIS_Y] * g->runs[AXIS_X]; i++) {
		struct grid_run r;
		grid_run_at(g, i, &r);
		w.units = max_u64(w.units, units_of(g, i));
		w.rows = max_u64(w.rows, r.by1 - r.by0);
		w.cols = max_u64(w.cols, r.bx1 - r.bx0);
		w.bytes = max_u64(w.bytes, grid_band_bytes(g, &r));
	}
	return w;
}

static const char *const rule_names[] = {
	[GRID_GIVEN] = "given",	       [GRID_TILES] = "tiles",	    [GRID_RAW] = "raw",
	[GRID_SHORT_STRIPS] = "short", [GRID_TALL_STRIPS] = "tall",
};

static uint64_t full_run(const struct grid *g, enum axis a)
{
	return min_u64(g->run_chunks[a] * g->chunk[a], g->size[a]);
}

#define EQUAL(what, name)                                                                          \
	do {                                                                                       \
		uint64_t is_ = (what), want_ = value(t, name);                                     \
		ck_assert_msg(is_ == want_, "row %s, %s: %" PRIu64 ", expected %" PRIu64,          \
			      cell(t, "id"), name, is_, want_);                                    \
	} while (0)

static void check_shape_row(const struct table *t)
{
	struct grid g;
	make_row(t, &g);
	ck_assert_str_eq(rule_names[g.rule], cell(t, "rule"));
	EQUAL(g.chunk[AXIS_Z], "cz");
	EQUAL(g.chunk[AXIS_Y], "cy");
	EQUAL(g.chunk[AXIS_X], "cx");
	EQUAL(grid_chunk_bytes(&g), "chunk_bytes");
	EQUAL(g.chunks[AXIS_Z], "grid_z");
	EQUAL(g.chunks[AXIS_Y], "grid_y");
	EQUAL(g.chunks[AXIS_X], "grid_x");
	EQUAL(g.chunks[AXIS_C], "grid_c");
	EQUAL(full_run(&g, AXIS_Y), "run_voxels_y");
	EQUAL(min_u64(g.run_chunks[AXIS_Y], g.chunks[AXIS_Y]), "run_chunks_y");
	EQUAL(g.run_chunks[AXIS_C], "run_chunks_c");
	EQUAL(g.border_twice, "border_twice");
	struct grid_run first;
	grid_run_at(&g, 0, &first);
	EQUAL(first.z1 - first.z0, "planes_first_run");
	struct worst w = worst_of(&g);
	EQUAL(units_of(&g, 0), "units_first_run");
	EQUAL(w.units, "units_worst_run");
	EQUAL(w.rows, "band_rows_worst");
	ck_assert_uint_eq(w.bytes, grid_band_bytes_worst(&g));
	if (is_wide(&g)) {
		check_wide(&g);
		return;
	}
	EQUAL(full_run(&g, AXIS_X), "run_voxels_x");
	EQUAL(min_u64(g.run_chunks[AXIS_X], g.chunks[AXIS_X]), "run_chunks_x");
	EQUAL(grid_run_chunks(&g, 0), "run_chunks");
	EQUAL(w.cols, "band_cols_worst");
	EQUAL(grid_band_bytes(&g, &first), "band_bytes_first");
	EQUAL(w.bytes, "band_bytes_worst");
}

START_TEST(chunk_shapes)
{
	struct table t;
	if (!table_open(&t, "chunk_shape.tsv"))
		return;
	size_t rows = 0;
	for (; table_row(&t); rows++)
		check_shape_row(&t);
	ck_assert_uint_eq(rows, 175);
	free(t.text);
}
END_TEST

START_TEST(level_zero_of_runs)
{
	struct table table;
	if (!table_open(&table, "runs.tsv"))
		return;
	size_t rows = 0;
	while (table_row(&table)) {
		const struct table *t = &table;
		if (value(t, "level") != 0)
			continue;
		rows++;
		struct grid g;
		make_row(t, &g);
		uint64_t chunk[3], run[3];
		triple(cell(t, "chunk_zyx"), chunk);
		triple(cell(t, "run_zyx"), run);
		for (int i = 0; i < 3; i++)
			ck_assert_uint_eq(g.chunk[AXIS_Z + i], chunk[i]);
		ck_assert_uint_eq(full_run(&g, AXIS_Z), run[0]);
		ck_assert_uint_eq(full_run(&g, AXIS_Y), run[1]);
		if (is_wide(&g)) {
			check_wide(&g);
			continue;
		}
		ck_assert_uint_eq(full_run(&g, AXIS_X), run[2]);
		ck_assert_msg(grid_band_bytes_worst(&g) == value(t, "run_bytes"), "case %s",
			      cell(t, "case"));
	}
	ck_assert_uint_eq(rows, 59);
	free(table.text);
}
END_TEST

/* Cases of the rule that need no table. */
static struct grid grid_of(uint64_t z, uint64_t y, uint64_t x, size_t voxel, struct grid_layout l)
{
	uint64_t size[AXIS_COUNT] = { 1, l.samples, z, y, x };
	struct grid g;
	struct err err = { 0 };
	ck_assert_msg(grid_make(size, voxel, &l, NULL, &g, &err) == 0, "%s", err.msg);
	return g;
}

static void check_chunk(const struct grid *g, enum grid_rule rule, uint64_t z, uint64_t y,
			uint64_t x)
{
	ck_assert_int_eq(g->rule, rule);
	ck_assert_uint_eq(g->chunk[AXIS_T], 1);
	ck_assert_uint_eq(g->chunk[AXIS_C], 1);
	ck_assert_uint_eq(g->chunk[AXIS_Z], z);
	ck_assert_uint_eq(g->chunk[AXIS_Y], y);
	ck_assert_uint_eq(g->chunk[AXIS_X], x);
}

START_TEST(each_rule)
{
	struct grid g =
		grid_of(128, 2048, 2048, 1, (struct grid_layout){ false, false, 4, 2048, 1 });
	check_chunk(&g, GRID_RAW, 16, 256, 256);
	g = grid_of(33, 130, 150, 1, (struct grid_layout){ false, true, 13, 150, 1 });
	check_chunk(&g, GRID_SHORT_STRIPS, 32, 78, 256);
	g = grid_of(1000, 20000, 20000, 2, (struct grid_layout){ false, true, 20000, 20000, 1 });
	check_chunk(&g, GRID_TALL_STRIPS, 1, 512, 512);
	ck_assert_uint_eq(grid_run_count(&g), 1000);
	g = grid_of(128, 20000, 20000, 1, (struct grid_layout){ true, true, 8336, 8336, 1 });
	check_chunk(&g, GRID_TILES, 1, 512, 512);
	ck_assert_uint_eq(grid_band_bytes_worst(&g), (uint64_t)25008 * 25008);
	g = grid_of(50, 5000, 5000, 2, (struct grid_layout){ true, false, 48, 1024, 1 });
	check_chunk(&g, GRID_TILES, 4, 144, 512);
}
END_TEST

START_TEST(wide_raw_planes)
{
	static const uint64_t widths[] = { 16384, 65536, 65537, 1000000, 40000000 };
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		for (uint32_t samples = 1; samples <= 3; samples += 2) {
			struct grid_layout l = { false, false, 8, (uint32_t)widths[i], samples };
			struct grid g = grid_of(4, 300, widths[i], 2, l);
			bool wide = 256 * widths[i] * 2 * samples > 32 * MiB;
			ck_assert_int_eq(is_wide(&g), wide);
			ck_assert_int_eq(g.runs[AXIS_X] > 1, wide);
			if (wide)
				check_wide(&g);
			l.compressed = true;
			g = grid_of(4, 300, widths[i], 2, l);
			ck_assert_uint_eq(g.runs[AXIS_X], 1);
		}
	}
	/* One column alone is more than 32 MiB: a run has that one. */
	uint64_t size[AXIS_COUNT] = { 1, 1, 1, 9000, 20000 };
	uint64_t given[3] = { 1, 8192, 8192 };
	struct grid_layout l = { false, false, 1, 20000, 1 };
	struct grid g;
	ck_assert_int_eq(grid_make(size, 2, &l, given, &g, NULL), 0);
	ck_assert_uint_eq(g.run_chunks[AXIS_X], 1);
	ck_assert_uint_eq(g.runs[AXIS_X], 3);
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

static void random_grid(struct grid *g)
{
	bool large = pick(4) == 0;
	uint64_t side = large ? 3000 : 50;
	uint32_t samples = (uint32_t)pick(3) + 1;
	uint64_t size[AXIS_COUNT] = {
		pick(2) + 1, samples * (pick(2) + 1), pick(5) + 1, pick(side) + 1, pick(side) + 1,
	};
	struct grid_layout l = {
		.tiled = pick(2) == 0,
		.compressed = pick(3) != 0,
		.unit_h = (uint32_t)pick(large ? 700 : 24) + 1,
		.unit_w = (uint32_t)pick(large ? 700 : 24) + 1,
		.samples = samples,
	};
	uint64_t given[3] = { pick(4) + 1, pick(20) + 1, pick(20) + 1 };
	struct err err = { 0 };
	int rc = grid_make(size, 1 + pick(8), &l, large ? NULL : given, g, &err);
	ck_assert_msg(rc == 0, "%s", err.msg);
}

static uint64_t voxels_of(const struct grid_chunk *c)
{
	uint64_t n = 1;
	for (int a = 0; a < AXIS_COUNT; a++)
		n *= c->hi[a] - c->lo[a];
	return n;
}

static bool chunk_lies_right(const struct grid *g, const struct grid_chunk *c)
{
	for (int a = 0; a < AXIS_COUNT; a++)
		if (c->index[a] >= g->chunks[a] || c->lo[a] != c->index[a] * g->chunk[a] ||
		    c->lo[a] >= c->hi[a] || c->hi[a] > g->size[a])
			return false;
	return true;
}

/* Checks that are made for each chunk go through one assertion: Check's are slow. */
static void check_chunks(const struct grid *g)
{
	uint64_t voxels = 0, wrong = UINT64_MAX;
	for (uint64_t i = 0; i < grid_chunk_count(g); i++) {
		struct grid_chunk c;
		grid_chunk_at(g, i, &c);
		uint64_t run = grid_run_of(g, i);
		bool ok = grid_chunk_linear(g, c.index) == i && chunk_lies_right(g, &c) &&
			  run < grid_run_count(g) &&
			  grid_run_chunk(g, run, grid_chunk_in_run(g, i)) == i;
		if (!ok)
			wrong = min_u64(wrong, i);
		voxels += voxels_of(&c);
	}
	ck_assert_msg(wrong == UINT64_MAX, "chunk %" PRIu64, wrong);
	uint64_t all = 1;
	for (int a = 0; a < AXIS_COUNT; a++)
		all *= g->size[a];
	ck_assert_uint_eq(voxels, all);
}

static bool is_inside(const struct grid_run *r, const struct grid_chunk *c)
{
	return c->lo[AXIS_T] == r->t && c->lo[AXIS_C] >= r->c0 && c->hi[AXIS_C] <= r->c0 + r->n_c &&
	       c->lo[AXIS_Z] == r->z0 && c->hi[AXIS_Z] == r->z1 && c->lo[AXIS_Y] >= r->y0 &&
	       c->hi[AXIS_Y] <= r->y1 && c->lo[AXIS_X] >= r->x0 && c->hi[AXIS_X] <= r->x1;
}

/* The chunks of one run: each once, in order, and together exactly the run's voxels. */
static void check_run_chunks(const struct grid *g, uint64_t run, const struct grid_run *r,
			     uint8_t *seen)
{
	uint64_t voxels = 0, before = 0, wrong = UINT64_MAX;
	for (uint64_t k = 0; k < grid_run_chunks(g, run); k++) {
		uint64_t i = grid_run_chunk(g, run, k);
		if (i >= grid_chunk_count(g))
			ck_abort_msg("run %" PRIu64 " has a chunk outside", run);
		struct grid_chunk c;
		grid_chunk_at(g, i, &c);
		bool ok = (k == 0 || i > before) && seen[i] == 0 && grid_run_of(g, i) == run &&
			  grid_chunk_in_run(g, i) == k && is_inside(r, &c);
		if (!ok)
			wrong = min_u64(wrong, k);
		before = i;
		seen[i] = 1;
		voxels += voxels_of(&c);
	}
	ck_assert_msg(wrong == UINT64_MAX, "run %" PRIu64 ", chunk %" PRIu64, run, wrong);
	ck_assert_uint_eq(voxels, (r->z1 - r->z0) * (r->y1 - r->y0) * (r->x1 - r->x0) * r->n_c);
}

static void check_band(const struct grid *g, const struct grid_run *r)
{
	const struct grid_layout *l = &g->layout;
	ck_assert(r->by0 <= r->y0 && r->by1 >= r->y1 && r->bx0 <= r->x0 && r->bx1 >= r->x1);
	if (l->tiled) {
		ck_assert_uint_eq(r->by0 % l->unit_h, 0);
		ck_assert_uint_eq(r->by1 % l->unit_h, 0);
		ck_assert_uint_eq(r->bx0 % l->unit_w, 0);
		ck_assert_uint_eq(r->bx1 % l->unit_w, 0);
		ck_assert(r->y0 - r->by0 < l->unit_h && r->by1 - r->y1 < l->unit_h);
		ck_assert(r->x0 - r->bx0 < l->unit_w && r->bx1 - r->x1 < l->unit_w);
	} else if (l->compressed) {
		ck_assert_uint_eq(r->by0 % l->unit_h, 0);
		ck_assert(r->by1 % l->unit_h == 0 || r->by1 == g->size[AXIS_Y]);
		ck_assert(r->y0 - r->by0 < l->unit_h && r->by1 - r->y1 < l->unit_h);
		ck_assert(r->bx0 == 0 && r->bx1 == g->size[AXIS_X]);
	} else {
		ck_assert(r->by0 == r->y0 && r->by1 == r->y1 && r->bx0 == r->x0 && r->bx1 == r->x1);
	}
	uint64_t uy0, uy1, ux0, ux1;
	grid_run_units(g, r, &uy0, &uy1, &ux0, &ux1);
	ck_assert(uy0 * l->unit_h <= r->y0 && (uy0 + 1) * l->unit_h > r->y0);
	ck_assert(uy1 * l->unit_h >= r->y1 && (uy1 - 1) * l->unit_h < r->y1);
	if (l->tiled)
		ck_assert(ux0 * l->unit_w == r->bx0 && ux1 * l->unit_w == r->bx1);
	else
		ck_assert(ux0 == 0 && ux1 == 1);
}

/* Where nothing is decoded twice each unit of the first layer belongs to one run; else some unit to two. */
static void check_owners(const struct grid *g)
{
	const struct grid_layout *l = &g->layout;
	if (!l->tiled && !l->compressed) {
		ck_assert(!g->border_twice);
		return;
	}
	uint64_t across = l->tiled ? ceil_div(g->size[AXIS_X], l->unit_w) : 1;
	uint64_t down = ceil_div(g->size[AXIS_Y], l->unit_h);
	CLEANUP(freep) uint8_t *owners = calloc(down, across);
	ck_assert_ptr_nonnull(owners);
	uint8_t most = 0;
	for (uint64_t run = 0; run < g->runs[AXIS_Y] * g->runs[AXIS_X]; run++) {
		struct grid_run r;
		grid_run_at(g, run, &r);
		uint64_t uy0, uy1, ux0, ux1;
		grid_run_units(g, &r, &uy0, &uy1, &ux0, &ux1);
		for (uint64_t y = uy0; y < uy1; y++)
			for (uint64_t x = ux0; x < ux1; x++)
				most = (uint8_t)max_u64(most, ++owners[y * across + x]);
	}
	ck_assert_msg((most > 1) == g->border_twice, "%u runs share a unit", most);
	for (uint64_t u = 0; u < down * across; u++)
		ck_assert_uint_ge(owners[u], 1);
}

START_TEST(random_grids)
{
	seed = 20240229 + (uint64_t)_i;
	for (int n = 0; n < 600; n++) {
		struct grid g;
		random_grid(&g);
		check_chunks(&g);
		check_owners(&g);
		CLEANUP(freep) uint8_t *seen = calloc(grid_chunk_count(&g), 1);
		ck_assert_ptr_nonnull(seen);
		uint64_t worst = 0, chunks = 0;
		for (uint64_t run = 0; run < grid_run_count(&g); run++) {
			struct grid_run r;
			grid_run_at(&g, run, &r);
			check_run_chunks(&g, run, &r, seen);
			check_band(&g, &r);
			worst = max_u64(worst, grid_band_bytes(&g, &r));
			chunks += grid_run_chunks(&g, run);
		}
		ck_assert_uint_eq(chunks, grid_chunk_count(&g));
		ck_assert_uint_eq(worst, grid_band_bytes_worst(&g));
	}
}
END_TEST

/* The costliest run by formula against all runs one by one. */
START_TEST(every_small_axis)
{
	for (uint32_t unit = 1; unit <= 14; unit++) {
		for (uint64_t chunk = 1; chunk <= 14; chunk++) {
			for (uint64_t n = 1; n <= 90; n++) {
				struct grid_layout l = { _i != 0, true, unit, unit, 1 };
				uint64_t size[AXIS_COUNT] = { 1, 1, 1, n, n };
				struct grid g;
				if (grid_make(size, 1, &l, (uint64_t[]){ 1, chunk, chunk }, &g,
					      NULL) != 0)
					ck_abort();
				uint64_t worst = worst_of(&g).bytes;
				if (worst != grid_band_bytes_worst(&g))
					ck_abort_msg("unit %u, chunk %" PRIu64 ", size %" PRIu64,
						     unit, chunk, n);
			}
		}
	}
}
END_TEST

static void refused(const uint64_t size[AXIS_COUNT], const struct grid_layout *l,
		    const uint64_t *given, int code, const char *sentence)
{
	struct err err = { 0 };
	struct grid g = { .voxel = 77 };
	ck_assert_int_eq(grid_make(size, 2, l, given, &g, &err), -code);
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.msg, sentence) != NULL, "%s", err.msg);
	ck_assert_uint_eq(g.voxel, 77);
	ck_assert_int_eq(grid_make(size, 2, l, given, &g, NULL), -code);
}

START_TEST(refusals)
{
	struct grid_layout l = { false, true, 10, 100, 1 };
	uint64_t size[AXIS_COUNT] = { 1, 1, 10, 100, 100 };
	refused(size, &l, (uint64_t[]){ 1, 0, 1 }, EINVAL, "--chunk-shape 1,0,1 has a zero");
	refused(size, &l, (uint64_t[]){ 300, 1024, 513 }, EINVAL, "at most 300 MiB");
	refused(size, &l, (uint64_t[]){ UINT64_MAX, UINT64_MAX, 2 }, EINVAL, "at most 300 MiB");
	struct grid g;
	ck_assert_int_eq(grid_make(size, 2, &l, (uint64_t[]){ 300, 1024, 512 }, &g, NULL), 0);
	ck_assert_uint_eq(grid_chunk_bytes(&g), 300 * MiB);
	uint64_t empty[AXIS_COUNT] = { 1, 1, 0, 100, 100 };
	refused(empty, &l, NULL, EINVAL, "has no grid");
	struct grid_layout flat = { true, true, 0, 16, 1 }, pairs = { false, true, 10, 100, 2 };
	refused(size, &flat, NULL, EINVAL, "has no grid");
	refused(size, &pairs, NULL, EINVAL, "has no grid");
	uint64_t huge[AXIS_COUNT] = { 1, 1, (uint64_t)1 << 31, (uint64_t)1 << 15,
				      (uint64_t)1 << 16 };
	refused(huge, &l, NULL, EOVERFLOW, "2^62");
	huge[AXIS_X] >>= 1; /* 2^62 bytes */
	ck_assert_int_eq(grid_make(huge, 2, &l, NULL, &g, NULL), 0);
	uint64_t endless[AXIS_COUNT] = { UINT64_MAX, UINT64_MAX, 3, 3, 3 };
	refused(endless, &l, NULL, EOVERFLOW, "2^62");
	struct grid_layout large_tiles = { true, true, UINT32_MAX, UINT32_MAX, 1 };
	refused(size, &large_tiles, NULL, EOVERFLOW, "tiles of 4294967295 x 4294967295");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("grid");
	TCase *t = tcase_create("grid");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, chunk_shapes);
	tcase_add_test(t, level_zero_of_runs);
	tcase_add_test(t, each_rule);
	tcase_add_test(t, wide_raw_planes);
	tcase_add_loop_test(t, random_grids, 0, 4);
	tcase_add_loop_test(t, every_small_axis, 0, 2);
	tcase_add_test(t, refusals);
	suite_add_tcase(s, t);
	return run_suite(s);
}
