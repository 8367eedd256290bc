/* Levels of single voxels of level 0 (`nearest`, previews): of each plane that is kept the strips, tiles or rows that
 * hold a row that is kept, decoded one group after another into a scratch, and from there the voxels. */
#include <errno.h>
#include <string.h>

#include "codec/cut.h"
#include "fs/produce_reading.h"

/* Rows without a decoder are read with what lies between them where that is no more. */
static const uint64_t span_bytes = 256 * KiB;

/* How the rows of a run fall into pieces: groups of rows of level 0 that are decoded together. */
struct groups {
	struct level_box box;
	uint64_t mag[3], height;
	uint64_t x0, x1; /* columns that are decoded */
	uint64_t unit;	 /* rows of a strip or tile; 0: rows need no decoder */
	uint64_t rows;	 /* unit 0: rows of the level in a group */
	uint64_t n;	 /* groups of a plane */
	uint64_t most;	 /* rows of level 0 in a group, at most */
	uint64_t pixel;
};

static void groups_in(const struct image *im, unsigned level, const struct level_box *box,
		      struct groups *g)
{
	const struct level *l = &im->pyramid.level[level];
	const struct tiff_page *k = &im->kind;
	*g = (struct groups){ .box = *box, .height = im->grid.size[AXIS_Y] };
	for (int i = 0; i < 3; i++)
		g->mag[i] = l->mag[i];
	g->pixel = im->grid.layout.samples * im->grid.voxel;
	uint64_t y0 = g->box.lo[AXIS_Y], y1 = g->box.hi[AXIS_Y], width = im->grid.size[AXIS_X];
	bool raw = image_raw_rows(im, k);
	/* Strips are decoded whole. */
	g->x0 = k->tiled || raw ? g->box.lo[AXIS_X] * g->mag[2] : 0;
	g->x1 = k->tiled || raw ? (g->box.hi[AXIS_X] - 1) * g->mag[2] + 1 : width;
	if (raw) {
		uint64_t apart = max_u64(1, g->mag[1] * width * g->pixel);
		g->rows = min_u64(y1 - y0, max_u64(1, span_bytes / apart));
		g->n = ceil_div(y1 - y0, g->rows);
		g->most = (g->rows - 1) * g->mag[1] + 1;
	} else {
		g->unit = max_u64(1, min_u64(k->unit_h, g->height));
		g->n = g->mag[1] >= g->unit
			       ? y1 - y0
			       : (y1 - 1) * g->mag[1] / g->unit - y0 * g->mag[1] / g->unit + 1;
		g->most = g->unit;
	}
}

static void groups_of(const struct image *im, unsigned level, uint64_t run, struct groups *g)
{
	struct level_box box;
	level_run_box(&im->pyramid.level[level], run, &box);
	groups_in(im, level, &box, g);
}

/* Rows of the level that the group holds, and the rows of level 0 that are decoded for them. */
static void group_at(const struct groups *g, uint64_t i, uint64_t rows[2], uint64_t span[2])
{
	uint64_t y0 = g->box.lo[AXIS_Y], y1 = g->box.hi[AXIS_Y], mag = g->mag[1];
	if (g->unit == 0) {
		rows[0] = y0 + i * g->rows;
		rows[1] = min_u64(rows[0] + g->rows, y1);
		span[0] = rows[0] * mag;
		span[1] = (rows[1] - 1) * mag + 1;
		return;
	}
	uint64_t u = (mag >= g->unit ? y0 + i : y0) * mag / g->unit + (mag >= g->unit ? 0 : i);
	span[0] = u * g->unit;
	span[1] = min_u64(span[0] + g->unit, g->height);
	rows[0] = max_u64(y0, ceil_div(span[0], mag));
	rows[1] = min_u64(y1, ceil_div(span[1], mag));
}

static uint64_t scratch_bytes(const struct groups *g)
{
	return g->most * (g->x1 - g->x0) * g->pixel;
}

/* g: the run's, or one like it. */
static void cost_of(const struct image *im, unsigned level, uint64_t run, const struct groups *g,
		    struct run_cost *out)
{
	const struct level *l = &im->pyramid.level[level];
	const struct encode_spec *spec = image_encode(im, level);
	uint64_t n[AXIS_COUNT], raw = level_chunk_bytes(l), scratch = pool_round(scratch_bytes(g));
	for (int a = 0; a < AXIS_COUNT; a++)
		n[a] = g->box.hi[a] - g->box.lo[a];
	*out = (struct run_cost){ .in_place = image_raw_rows(im, &im->kind) };
	out->band = pool_round(n[AXIS_Z] * n[AXIS_Y] * n[AXIS_X] * n[AXIS_C] * l->voxel);
	out->slot = pool_round(encode_bound(spec, raw));
	out->lane = spec->codec == CODEC_NONE ? 0 : pool_round(raw);
	if (out->in_place) {
		out->raw = scratch;
	} else {
		out->raw = produce_raw_bytes(im, (g->x1 - g->x0) * g->pixel, g->most);
		out->lane = max_u64(out->lane, scratch + pool_round(im->unit_bytes_max));
	}
	out->pieces = (uint32_t)(n[AXIS_Z] * g->n);
	out->chunks = (uint32_t)level_run_chunks(l, run);
	out->decoded = out->pieces * scratch_bytes(g);
	out->pass = out->decoded > PASS_DECODES;
}

void produce_sampled_cost(const struct image *im, unsigned level, uint64_t run,
			  struct run_cost *out)
{
	struct groups g;
	groups_of(im, level, run, &g);
	cost_of(im, level, run, &g, out);
}

/* Does a full run that is not the first on y lie in one strip or tile more than that one, as it begins further down in
 * one? It cannot be more than one. Where that is not found out soon, yes. */
static bool some_touch_one_more(const struct level *l, const struct groups *g)
{
	enum { SOON = 1 << 16 };
	uint64_t rows = g->box.hi[AXIS_Y] - g->box.lo[AXIS_Y], step = rows * g->mag[1];
	if (g->unit == 0 || g->mag[1] >= g->unit || step % g->unit == 0)
		return false;
	uint64_t span = (rows - 1) * g->mag[1] % g->unit, full = l->size[AXIS_Y] / rows;
	for (uint64_t i = 1; i < min_u64(full, SOON); i++)
		if (i * step % g->unit + span >= g->unit)
			return true;
	return full > SOON;
}

unsigned produce_sampled_costs(const struct image *im, unsigned level,
			       struct run_cost out[SAMPLED_COSTS])
{
	const struct level *l = &im->pyramid.level[level];
	unsigned n = 0;
	for (unsigned corner = 0; corner < 8; corner++) {
		uint64_t at[3], run = 0;
		for (int i = 0; i < 3; i++) {
			at[i] = (corner >> i & 1) != 0 ? l->runs[AXIS_Z + i] - 1 : 0;
			run = run * l->runs[AXIS_Z + i] + at[i];
		}
		struct groups g;
		groups_of(im, level, run, &g);
		cost_of(im, level, run, &g, &out[n++]);
		if (at[1] == 0 && some_touch_one_more(l, &g)) {
			g.n++;
			cost_of(im, level, run, &g, &out[n++]);
		}
	}
	return n;
}

void produce_sampled_decodes(const struct image *im, unsigned level, uint64_t *bytes,
			     uint64_t *units)
{
	const struct level *l = &im->pyramid.level[level];
	const struct tiff_page *k = &im->kind;
	struct level_box all = { { 0 }, { 0 } };
	struct groups g;
	memcpy(all.hi, l->size, sizeof(all.hi));
	groups_in(im, level, &all, &g);
	uint64_t groups = l->size[AXIS_Z] * l->runs[AXIS_C] * g.n;
	uint64_t across = k->tiled ? ceil_div(g.x1 - g.x0, max_u64(1, k->unit_w)) : 1;
	*units = groups * across * ceil_div(g.most, max_u64(1, k->unit_h));
	/* Tiles are decoded whole. */
	*bytes = k->tiled ? *units * k->unit_h * k->unit_w * g.pixel : groups * scratch_bytes(&g);
}

struct sampled {
	const struct image *im;
	struct groups g;
	uint64_t rows[2];
	struct piece piece;
	uint64_t z; /* in the run */
};

static void sampled_at(const struct plant *p, const struct task *t, struct sampled *s)
{
	const struct image *im = dataset_image(p->data, t->key.image);
	uint64_t span[2], samples = im->grid.size[AXIS_C] / im->n_c;
	s->im = im;
	groups_of(im, t->key.level, t->key.index, &s->g);
	uint64_t n = max_u64(1, s->g.n);
	s->z = t->piece / n;
	group_at(&s->g, t->piece % n, s->rows, span);
	const struct level_box *b = &s->g.box;
	s->piece = (struct piece){
		.plane = image_plane(im, b->lo[AXIS_T], b->lo[AXIS_C] / samples,
				     (b->lo[AXIS_Z] + s->z) * s->g.mag[0]),
		.sample_c = b->lo[AXIS_C] % samples,
		.y0 = span[0],
		.y1 = span[1],
		.x0 = s->g.x0,
		.x1 = s->g.x1,
		.row_bytes = (s->g.x1 - s->g.x0) * s->g.pixel,
	};
}

/* Every mag-th voxel of every mag-th row, from the scratch into the band. */
static void take_voxels(const struct sampled *s, const struct task *t)
{
	const struct groups *g = &s->g;
	const struct level_box *b = &g->box;
	uint64_t n_y = b->hi[AXIS_Y] - b->lo[AXIS_Y], n_x = b->hi[AXIS_X] - b->lo[AXIS_X];
	uint64_t voxel = s->im->grid.voxel, row = n_x * g->pixel;
	uint8_t *to = (uint8_t *)t->band + (s->z * n_y + s->rows[0] - b->lo[AXIS_Y]) * row;
	const uint8_t *from = s->piece.out +
			      (s->rows[0] * g->mag[1] - s->piece.y0) * s->piece.row_bytes +
			      (b->lo[AXIS_X] * g->mag[2] - g->x0) * g->pixel;
	const struct cut_side dst = { 0, row, g->pixel };
	const struct cut_side src = { 0, g->mag[1] * s->piece.row_bytes, g->mag[2] * g->pixel };
	for (uint64_t c = 0; c < g->pixel; c += voxel)
		cut_copy(to + c, &dst, from + c, &src, 1, s->rows[1] - s->rows[0], n_x, voxel);
}

/* Into t->raw what the piece needs, or the piece into the scratch and from there into the band. */
static int fetch(const struct plant *p, struct task *t, struct sampled *s, enum file_wait wait)
{
	struct run_cost cost;
	struct fetched *fetched;
	produce_sampled_cost(s->im, t->key.level, t->key.index, &cost);
	if (cost.in_place) {
		s->piece.out = pool_get(p->pool, scratch_bytes(&s->g));
		if (s->piece.out == NULL) {
			t->error = ENOMEM;
			return -ENOMEM;
		}
	}
	int e = produce_fetch_piece(p, t, &s->piece, &cost, wait, &fetched);
	t->raw = fetched;
	if (e < 0)
		t->error = -e;
	if (t->decoded) {
		take_voxels(s, t);
		t->planes = s->piece.y0 == 0;
	}
	if (cost.in_place)
		pool_put(p->pool, STEAL(s->piece.out), scratch_bytes(&s->g));
	return e;
}

void produce_sampled_fetch(const struct plant *p, struct task *t, enum file_wait wait)
{
	struct sampled s;
	if (store_task_stopped(t))
		return;
	sampled_at(p, t, &s);
	fetch(p, t, &s, wait);
}

static void decode_piece(const struct plant *p, struct bench *b, struct task *t, struct sampled *s)
{
	struct err err = { 0 };
	s->piece.out = pool_get(p->pool, scratch_bytes(&s->g));
	if (s->piece.out == NULL) {
		t->error = ENOMEM;
		return;
	}
	t->planes = s->piece.y0 == 0;
	if (produce_piece(p, b, t, t->key.image, &s->piece, t->raw, &err) == -ENOMEM)
		t->error = ENOMEM;
	else
		take_voxels(s, t);
	pool_put(p->pool, s->piece.out, scratch_bytes(&s->g));
}

void produce_sampled_decode(const struct plant *p, struct bench *b, struct task *t)
{
	struct sampled s;
	sampled_at(p, t, &s);
	bool stopped = store_task_stopped(t);
	if (!t->fetched && !stopped && fetch(p, t, &s, FILE_NOWAIT) < 0)
		return;
	if (!t->decoded && !stopped)
		decode_piece(p, b, t, &s);
	fetched_free(STEAL(t->raw));
}
