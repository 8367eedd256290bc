#include "meta/pyramid.h"

#include "codec/err.h"
#include "meta/grid_index.h"
#include "meta/grid_shape.h"

#include <errno.h>
#include <string.h>

enum { DEPTH_MOST = 32 };

#define OPEN_MAX       (64 * MiB)  /* runs of all levels together, where that is possible */
#define JOB_MAX	       (256 * MiB) /* what an ordinary job decodes */
#define PREVIEW_DECODE (8 * GiB)
#define PREVIEW_READ   (2 * GiB)

/* Nothing here overflows but for sums of costs, which stay at the largest number. */
__extension__ typedef unsigned __int128 wide;

static uint64_t narrow(wide v)
{
	return v > UINT64_MAX ? UINT64_MAX : (uint64_t)v;
}

/* Sum of floor((a * i + b) / m) over i in 0 .. n-1: lattice points under a line, by Euclid's steps. */
static wide floor_sum(wide n, wide m, wide a, wide b)
{
	wide sum = 0;
	while (n > 0 && m > 0) {
		sum += n * (n - 1) / 2 * (a / m) + n * (b / m);
		a %= m;
		b %= m;
		wide top = a * n + b;
		n = top / m;
		b = top % m;
		wide old = m;
		m = a;
		a = old;
	}
	return sum;
}

/* Voxels of one axis that are decoded for the first n runs(0), each of which takes whole units. */
static wide decoded_span(uint64_t run, uint64_t unit, uint64_t size, bool tiled, uint64_t n)
{
	uint64_t end = min_u64(n * run, size), whole = size / unit * unit;
	/* Upper ends: of run i the unit that (i + 1) * run falls into is the last. */
	wide units = floor_sum(n - 1, unit, run, (wide)run + unit - 1) + ceil_div(end, unit);
	units -= floor_sum(n, unit, run, 0);
	wide sum = units * unit;
	/* A last strip is as short as the page makes it. */
	uint64_t last = n - min_u64(n, whole / run);
	if (!tiled)
		sum -= (wide)last * (ceil_div(size, unit) * unit - size);
	return sum;
}

static uint64_t decoded_rows(const struct grid *g, const struct level *zero, uint64_t rows)
{
	const struct grid_layout *l = &g->layout;
	uint64_t unit = grid_unit_rows(l, g->size[AXIS_Y]), run = zero->run[AXIS_Y];
	return narrow(decoded_span(run, unit, g->size[AXIS_Y], l->tiled, ceil_div(rows, run)));
}

static uint64_t decoded_columns(const struct grid *g, const struct level *zero, uint64_t columns)
{
	const struct grid_layout *l = &g->layout;
	uint64_t run = zero->run[AXIS_X];
	if (!l->tiled)
		return columns;
	return narrow(decoded_span(run, l->unit_w, g->size[AXIS_X], true, ceil_div(columns, run)));
}

/* Voxels of a page that is decoded once. */
static uint64_t page_voxels(const struct grid *g)
{
	const struct grid_layout *l = &g->layout;
	uint64_t h = l->tiled ? l->unit_h : 1, w = l->tiled ? l->unit_w : 1;
	wide rows = (wide)ceil_div(g->size[AXIS_Y], h) * h;
	wide columns = (wide)ceil_div(g->size[AXIS_X], w) * w;
	return max_u64(1, narrow(rows * columns));
}

static void set_cost(const struct grid *g, const struct level *zero, uint64_t page, struct level *l)
{
	for (int i = 0; i < 3; i++)
		l->source[i] = min_u64(l->run[AXIS_Z + i] * l->mag[i], g->size[AXIS_Z + i]);
	uint64_t plane = narrow((wide)decoded_rows(g, zero, l->source[1]) *
				decoded_columns(g, zero, l->source[2]));
	uint64_t voxels = narrow((wide)plane * l->source[0]);
	l->decoded = narrow((wide)voxels * g->voxel * g->layout.samples);
	l->stored = narrow((wide)voxels * page / page_voxels(g));
	l->pass = l->made != LEVEL_STORED && l->decoded > JOB_MAX;
}

static void set_counts(struct level *l)
{
	for (int a = 0; a < AXIS_COUNT; a++) {
		l->chunks[a] = ceil_div(l->size[a], l->chunk[a]);
		l->runs[a] = ceil_div(l->chunks[a], l->run_chunks[a]);
	}
}

static void set_level_zero(const struct grid *g, struct level *l)
{
	*l = (struct level){ .mag = { 1, 1, 1 }, .step = { 1, 1, 1 }, .voxel = g->voxel };
	for (int a = 0; a < AXIS_COUNT; a++) {
		l->size[a] = g->size[a];
		l->chunk[a] = g->chunk[a];
		l->run_chunks[a] = g->run_chunks[a];
		l->run[a] = min_u64(g->run_chunks[a] * g->chunk[a], g->size[a]);
	}
	l->run_bytes = grid_band_bytes_worst(g);
	set_counts(l);
}

/* Whole runs of the level before and whole chunks, or the whole axis where they have covered that. */
static uint64_t run_voxels(const struct level *before, enum axis a, uint64_t step, uint64_t chunk,
			   uint64_t size)
{
	uint64_t below = before->run[a];
	if (below >= before->size[a])
		return size;
	uint64_t each = below / max_u64(1, gcd_u64(below, step)), run;
	if (!mul_u64(chunk / max_u64(1, gcd_u64(chunk, each)), each, &run))
		return size;
	return min_u64(run, size);
}

static uint64_t chunk_depth(const struct grid *g, uint64_t depth, uint64_t planes)
{
	if (g->rule == GRID_GIVEN)
		return g->chunk[AXIS_Z];
	return min_u64(min_u64(g->chunk[AXIS_Z], depth), pow2_at_least(planes));
}

static void set_level(const struct grid *g, const struct level *before, const uint64_t mag[3],
		      uint64_t depth, struct level *l)
{
	*l = (struct level){ .voxel = g->voxel, .made = LEVEL_TRUE };
	memcpy(l->chunk, g->chunk, sizeof(l->chunk));
	for (enum axis a = AXIS_T; a <= AXIS_C; a++) {
		l->size[a] = g->size[a];
		l->run[a] = l->run_chunks[a] = g->run_chunks[a];
	}
	for (int i = 0; i < 3; i++) {
		enum axis a = (enum axis)(AXIS_Z + i);
		l->mag[i] = mag[i];
		l->step[i] = mag[i] / before->mag[i];
		l->size[a] = ceil_div(g->size[a], mag[i]);
		if (a == AXIS_Z)
			l->chunk[a] = chunk_depth(g, depth, l->size[a]);
		l->run[a] = run_voxels(before, a, l->step[i], l->chunk[a], l->size[a]);
		l->run_chunks[a] = ceil_div(l->run[a], l->chunk[a]);
	}
	l->run_bytes = l->run[AXIS_C] * l->run[AXIS_Z] * l->run[AXIS_Y] * l->run[AXIS_X] * l->voxel;
	set_counts(l);
}

/* All levels above 0 with chunks at most that deep; yields the bytes of one run of each level. */
static uint64_t set_levels(const struct grid *g, const struct ladder *ladder, uint64_t depth,
			   struct level *l)
{
	wide sum = l[0].run_bytes;
	for (unsigned k = 1; k < ladder->n; k++) {
		set_level(g, &l[k - 1], ladder->mag[k], depth, &l[k]);
		sum += l[k].run_bytes;
	}
	return narrow(sum);
}

/* One layer of chunks a run, and those one plane deep, so that a picture costs few planes. */
static void make_preview(const struct grid *g, struct level *l)
{
	l->made = LEVEL_PREVIEW;
	if (g->rule != GRID_GIVEN)
		l->chunk[AXIS_Z] = 1;
	l->run_chunks[AXIS_Z] = 1;
	set_counts(l);
}

static void choose_previews(const struct grid *g, enum preview preview, struct pyramid *p)
{
	bool cheap = preview == PREVIEW_ALWAYS;
	for (unsigned k = 1; k < p->n && preview != PREVIEW_NEVER; k++) {
		struct level *l = &p->level[k];
		cheap = cheap || l->decoded > PREVIEW_DECODE || l->stored > PREVIEW_READ;
		if (cheap)
			make_preview(g, l);
	}
}

int pyramid_of_ladder(const struct grid *g, const struct ladder *ladder, uint64_t page,
		      enum preview preview, struct pyramid *out, struct err *err)
{
	struct pyramid p = { .n = ladder->n, .own = ladder->n };
	p.level = calloc(ladder->n, sizeof(*p.level));
	if (p.level == NULL)
		return err_oom(err);
	set_level_zero(g, &p.level[0]);
	p.depth = DEPTH_MOST;
	p.open_bytes = set_levels(g, ladder, p.depth, p.level);
	while (g->rule != GRID_GIVEN && p.open_bytes > OPEN_MAX && p.depth > 1) {
		p.depth /= 2;
		p.open_bytes = set_levels(g, ladder, p.depth, p.level);
	}
	if (g->rule == GRID_GIVEN)
		p.depth = 0;
	for (unsigned k = 0; k < p.n; k++)
		set_cost(g, &p.level[0], page, &p.level[k]);
	choose_previews(g, preview, &p);
	*out = p;
	return 0;
}

int pyramid_make(const struct grid *g, const double voxel[3], bool has_z, uint64_t page,
		 const struct pyramid_options *o, struct pyramid *out, struct err *err)
{
	struct ladder ladder;
	int rc = ladder_make(&g->size[AXIS_Z], voxel, has_z, &o->ladder, &ladder, err);
	return rc != 0 ? rc : pyramid_of_ladder(g, &ladder, page, o->preview, out, err);
}

void pyramid_done(struct pyramid *p)
{
	free(p->level);
	*p = (struct pyramid){ 0 };
}

uint64_t level_chunk_count(const struct level *l)
{
	return index_count(l->chunks);
}

uint64_t level_run_count(const struct level *l)
{
	return index_count(l->runs);
}

uint64_t level_chunk_bytes(const struct level *l)
{
	return index_count(l->chunk) * l->voxel;
}

void level_chunk_at(const struct level *l, uint64_t linear, struct grid_chunk *out)
{
	index_split(linear, l->chunks, out->index);
	for (int a = 0; a < AXIS_COUNT; a++) {
		out->lo[a] = out->index[a] * l->chunk[a];
		out->hi[a] = min_u64(out->lo[a] + l->chunk[a], l->size[a]);
	}
}

uint64_t level_run_of(const struct level *l, uint64_t chunk)
{
	uint64_t index[AXIS_COUNT];
	index_split(chunk, l->chunks, index);
	for (int a = 0; a < AXIS_COUNT; a++)
		index[a] /= l->run_chunks[a];
	return index_join(l->runs, index);
}

/* The chunks of a run: the first on each axis, and how many. */
static void run_extent(const struct level *l, uint64_t run, uint64_t first[AXIS_COUNT],
		       uint64_t n[AXIS_COUNT])
{
	index_split(run, l->runs, first);
	for (int a = 0; a < AXIS_COUNT; a++) {
		first[a] *= l->run_chunks[a];
		n[a] = min_u64(l->run_chunks[a], l->chunks[a] - first[a]);
	}
}

void level_run_box(const struct level *l, uint64_t run, struct level_box *out)
{
	uint64_t first[AXIS_COUNT], n[AXIS_COUNT];
	run_extent(l, run, first, n);
	for (int a = 0; a < AXIS_COUNT; a++) {
		out->lo[a] = first[a] * l->chunk[a];
		out->hi[a] = min_u64(out->lo[a] + n[a] * l->chunk[a], l->size[a]);
	}
}

uint64_t level_run_chunks(const struct level *l, uint64_t run)
{
	uint64_t first[AXIS_COUNT], n[AXIS_COUNT];
	run_extent(l, run, first, n);
	return index_count(n);
}

uint64_t level_run_chunk(const struct level *l, uint64_t run, uint64_t k)
{
	uint64_t first[AXIS_COUNT], n[AXIS_COUNT], index[AXIS_COUNT];
	run_extent(l, run, first, n);
	index_split(k, n, index);
	for (int a = 0; a < AXIS_COUNT; a++)
		index[a] += first[a];
	return index_join(l->chunks, index);
}

uint64_t level_chunk_in_run(const struct level *l, uint64_t chunk)
{
	uint64_t first[AXIS_COUNT], n[AXIS_COUNT], index[AXIS_COUNT];
	run_extent(l, level_run_of(l, chunk), first, n);
	index_split(chunk, l->chunks, index);
	for (int a = 0; a < AXIS_COUNT; a++)
		index[a] -= first[a];
	return index_join(n, index);
}

/* A last voxel that stands alone in its run mirrors voxels of the run before it, where a step of 4 leaves one
 * voxel over. */
static bool mirrors_back(uint64_t step, uint64_t size_before, uint64_t size, uint64_t lo,
			 uint64_t hi)
{
	return step == 4 && size_before % 4 == 1 && hi == size && lo + 1 == hi && lo > 0;
}

/* Voxels lo .. hi - 1 of a run -> those of the runs one level down that it is made from. */
static void one_level_down(const struct level *l, const struct level *before, int a, uint64_t *lo,
			   uint64_t *hi)
{
	uint64_t step = a < AXIS_Z ? 1 : l->step[a - AXIS_Z];
	uint64_t run = before->run_chunks[a] * before->chunk[a];
	uint64_t back = mirrors_back(step, before->size[a], l->size[a], *lo, *hi) ? 2 : 0;
	*lo = (*lo * step - back) / run * run;
	*hi = min_u64(*hi * step, before->size[a]);
}

void pyramid_source(const struct pyramid *p, unsigned level, enum axis a, uint64_t *lo,
		    uint64_t *hi)
{
	for (unsigned k = level; k > 0; k--) {
		const struct level *l = &p->level[k], *before = &p->level[k - 1];
		uint64_t step = a < AXIS_Z ? 1 : l->step[a - AXIS_Z];
		bool back = mirrors_back(step, before->size[a], l->size[a], *lo, *hi);
		*lo = *lo * step - (back ? 2 : 0);
		*hi = min_u64(*hi * step, before->size[a]);
	}
}

void pyramid_under(const struct pyramid *p, unsigned level, uint64_t run, unsigned below,
		   struct run_span *out)
{
	const struct level *l = &p->level[level], *under = &p->level[below];
	struct level_box box;
	level_run_box(l, run, &box);
	for (int a = 0; a < AXIS_COUNT; a++) {
		uint64_t lo = box.lo[a], hi = box.hi[a];
		uint64_t voxels = under->run_chunks[a] * under->chunk[a];
		if (l->made == LEVEL_PREVIEW) {
			uint64_t mag = a < AXIS_Z ? 1 : l->mag[a - AXIS_Z];
			lo *= mag;
			hi = min_u64((hi - 1) * mag + 1, under->size[a]);
		}
		for (unsigned k = level; k > below && l->made != LEVEL_PREVIEW; k--)
			one_level_down(&p->level[k], &p->level[k - 1], a, &lo, &hi);
		out->first[a] = lo / voxels;
		out->n[a] = ceil_div(hi, voxels) - out->first[a];
	}
}

uint64_t run_span_count(const struct run_span *s)
{
	return index_count(s->n);
}

uint64_t run_span_at(const struct run_span *s, const struct level *l, uint64_t k)
{
	uint64_t index[AXIS_COUNT];
	index_split(k, s->n, index);
	for (int a = 0; a < AXIS_COUNT; a++)
		index[a] += s->first[a];
	return index_join(l->runs, index);
}

bool run_span_has(const struct run_span *s, const struct level *l, uint64_t run)
{
	uint64_t index[AXIS_COUNT];
	index_split(run, l->runs, index);
	for (int a = 0; a < AXIS_COUNT; a++)
		if (index[a] < s->first[a] || index[a] - s->first[a] >= s->n[a])
			return false;
	return true;
}

uint64_t run_span_find(const struct run_span *s, const struct level *l, uint64_t run)
{
	uint64_t index[AXIS_COUNT];
	index_split(run, l->runs, index);
	for (int a = 0; a < AXIS_COUNT; a++)
		index[a] -= s->first[a];
	return index_join(s->n, index);
}

uint64_t pyramid_above(const struct pyramid *p, unsigned level, uint64_t run)
{
	const struct level *l = &p->level[level], *next = &p->level[level + 1];
	struct level_box box;
	uint64_t index[AXIS_COUNT];
	level_run_box(l, run, &box);
	for (int a = 0; a < AXIS_COUNT; a++) {
		uint64_t step = a < AXIS_Z ? 1 : next->step[a - AXIS_Z];
		index[a] = box.lo[a] / step / (next->run_chunks[a] * next->chunk[a]);
	}
	return index_join(next->runs, index);
}
