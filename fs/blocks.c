#include "fs/blocks.h"

#include <errno.h>
#include <string.h>

#include "codec/cut.h"
#include "codec/reduce_box.h"

struct block {
	bool open; /* some of its run has come */
	struct reduce_box box;
	void *voxels, *kept;
	uint64_t voxels_bytes, kept_bytes; /* allocated */
};

struct blocks {
	struct pool *pool;
	const struct image *im;
	unsigned level;
	struct block at[]; /* of levels 0 .. level; 0 is not used */
};

/* How a run of this level comes together from those of the level before; `run` may be any. */
static void box_of(const struct image *im, unsigned level, uint64_t run, struct reduce_box *out)
{
	const struct pyramid *p = &im->pyramid;
	const struct level *l = &p->level[level], *before = &p->level[level - 1];
	struct level_box box;
	struct run_span span;
	level_run_box(l, run, &box);
	pyramid_under(p, level, run, level - 1, &span);
	*out = (struct reduce_box){
		.method = im->method,
		.dtype = im->dtype,
		.step = { (uint8_t)l->step[0], (uint8_t)l->step[1], (uint8_t)l->step[2] },
		.samples = box.hi[AXIS_C] - box.lo[AXIS_C],
	};
	for (int i = 0; i < BOX_AXES; i++) {
		int a = AXIS_Z + i;
		uint64_t most = before->run_chunks[a] * before->chunk[a];
		out->size[i] = before->size[a];
		out->lo[i] = box.lo[a];
		out->hi[i] = box.hi[a];
		out->from_lo[i] = span.first[a] * most;
		out->from_hi[i] = min_u64((span.first[a] + span.n[a]) * most, before->size[a]);
		out->from_most[i] = min_u64(most, before->size[a]);
	}
}

/* The first run is as large as any, but for one that mirrors back: that takes one more run of each axis before
 * it, and is one voxel thick there. */
static void largest_box(const struct image *im, unsigned level, struct reduce_box *out)
{
	uint64_t n = level_run_count(&im->pyramid.level[level]);
	struct reduce_box last;
	box_of(im, level, 0, out);
	box_of(im, level, n - 1, &last);
	for (int a = 0; a < BOX_AXES; a++) {
		uint64_t span = last.from_hi[a] - last.from_lo[a];
		if (span > out->from_hi[a] - out->from_lo[a])
			out->from_hi[a] = out->from_lo[a] + span;
	}
}

uint64_t blocks_bytes(const struct image *im, unsigned level)
{
	uint64_t sum = 0;
	for (unsigned k = 1; k <= level; k++) {
		struct reduce_box b;
		largest_box(im, k, &b);
		sum += pool_round(reduce_box_bytes(&b)) + pool_round(reduce_box_kept_bytes(&b));
	}
	return sum;
}

uint64_t blocks_scratch_bytes(const struct image *im, unsigned level)
{
	uint64_t most = 0;
	for (unsigned k = 1; k <= level; k++) {
		struct reduce_box b;
		largest_box(im, k, &b);
		most = max_u64(most, pool_round(reduce_box_scratch_bytes(&b)));
	}
	return most;
}

static bool block_init(struct pool *pool, const struct image *im, unsigned level, struct block *b)
{
	struct reduce_box box;
	largest_box(im, level, &box);
	b->voxels_bytes = reduce_box_bytes(&box);
	b->kept_bytes = reduce_box_kept_bytes(&box);
	b->voxels = pool_get(pool, b->voxels_bytes);
	b->kept = b->kept_bytes == 0 ? NULL : pool_get(pool, b->kept_bytes);
	return b->voxels != NULL && (b->kept_bytes == 0 || b->kept != NULL);
}

struct blocks *blocks_new(struct pool *pool, const struct image *im, unsigned level)
{
	struct blocks *b = calloc(1, sizeof(*b) + (level + 1) * sizeof(b->at[0]));
	if (b == NULL)
		return NULL;
	b->pool = pool;
	b->im = im;
	b->level = level;
	bool ok = true;
	for (unsigned k = 1; k <= level; k++)
		ok &= block_init(pool, im, k, &b->at[k]);
	if (ok)
		return b;
	blocks_free(b);
	return NULL;
}

void blocks_free(struct blocks *b)
{
	if (b == NULL)
		return;
	for (unsigned k = 1; k <= b->level; k++) {
		pool_put(b->pool, b->at[k].voxels, b->at[k].voxels_bytes);
		pool_put(b->pool, b->at[k].kept, b->at[k].kept_bytes);
	}
	free(b);
}

const void *blocks_voxels(const struct blocks *b, unsigned level)
{
	return b->at[level].voxels;
}

static void set_box(struct reduce_source *s, const struct level_box *box)
{
	for (int i = 0; i < BOX_AXES; i++) {
		s->lo[i] = box->lo[AXIS_Z + i];
		s->hi[i] = box->hi[AXIS_Z + i];
	}
}

/* A band holds whole strips or tiles, of which the run may be a part. */
static void band_source(const struct blocks *b, const struct task *t, struct reduce_source *s)
{
	struct band_box band;
	struct level_box box;
	uint64_t voxel = b->im->grid.voxel;
	produce_band_box(b->im, t->path[0], RUN_WHOLE, &band);
	level_run_box(&b->im->pyramid.level[0], t->path[0], &box);
	set_box(s, &box);
	s->stride_c = voxel;
	s->stride_x = band.n_c * voxel;
	s->stride_y = (band.x1 - band.x0) * s->stride_x;
	s->stride_z = (band.y1 - band.y0) * s->stride_y;
	s->voxels = (const uint8_t *)t->band + (s->lo[BOX_Y] - band.y0) * s->stride_y +
		    (s->lo[BOX_X] - band.x0) * s->stride_x;
}

/* The open run of a level, or one that was loaded. */
static void block_source(const struct blocks *b, unsigned level, uint64_t run, const void *voxels,
			 struct reduce_source *s)
{
	struct level_box box;
	level_run_box(&b->im->pyramid.level[level], run, &box);
	set_box(s, &box);
	s->voxels = voxels;
	s->stride_x = b->im->grid.voxel;
	s->stride_y = (s->hi[BOX_X] - s->lo[BOX_X]) * s->stride_x;
	s->stride_z = (s->hi[BOX_Y] - s->lo[BOX_Y]) * s->stride_y;
	s->stride_c = (s->hi[BOX_Z] - s->lo[BOX_Z]) * s->stride_z;
}

/* A chunk that is cached, into its place among the voxels of its run. */
static int put_chunk(struct blocks *b, const struct load *o, const struct level_box *box, void *raw)
{
	const struct level *l = &b->im->pyramid.level[o->key.level];
	const struct encode_spec *spec = image_encode(b->im, o->key.level);
	uint64_t raw_bytes = level_chunk_bytes(l), voxel = l->voxel;
	const void *voxels = o->bytes;
	struct grid_chunk c;
	level_chunk_at(l, o->key.index, &c);
	if (spec->codec != CODEC_NONE) {
		struct err err;
		int e = encode_undo(spec, o->bytes, o->len, raw, raw_bytes, &err);
		if (e < 0)
			return -e;
		voxels = raw;
	}
	uint64_t row = (box->hi[AXIS_X] - box->lo[AXIS_X]) * voxel;
	uint64_t plane = (box->hi[AXIS_Y] - box->lo[AXIS_Y]) * row;
	uint64_t sample = (box->hi[AXIS_Z] - box->lo[AXIS_Z]) * plane;
	const struct cut_side from = { l->chunk[AXIS_Y] * l->chunk[AXIS_X] * voxel,
				       l->chunk[AXIS_X] * voxel, voxel };
	const struct cut_side to = { plane, row, voxel };
	uint8_t *at =
		(uint8_t *)b->at[o->key.level].voxels + (c.lo[AXIS_C] - box->lo[AXIS_C]) * sample +
		(c.lo[AXIS_Z] - box->lo[AXIS_Z]) * plane + (c.lo[AXIS_Y] - box->lo[AXIS_Y]) * row +
		(c.lo[AXIS_X] - box->lo[AXIS_X]) * voxel;
	cut_copy(at, &to, voxels, &from, c.hi[AXIS_Z] - c.lo[AXIS_Z], c.hi[AXIS_Y] - c.lo[AXIS_Y],
		 c.hi[AXIS_X] - c.lo[AXIS_X], voxel);
	return 0;
}

static int load_run(struct blocks *b, const struct task *t)
{
	const struct level *l = &b->im->pyramid.level[t->from];
	uint64_t raw_bytes = level_chunk_bytes(l);
	struct level_box box;
	level_run_box(l, t->path[t->from], &box);
	bool encoded = image_encode(b->im, t->from)->codec != CODEC_NONE;
	void *raw = encoded ? pool_get(b->pool, raw_bytes) : NULL;
	if (encoded && raw == NULL)
		return ENOMEM;
	int e = 0;
	for (uint32_t i = 0; i < t->n_loads && e == 0; i++)
		e = put_chunk(b, &t->loads[i], &box, raw);
	pool_put(b->pool, raw, raw_bytes);
	return e;
}

static void add(struct blocks *b, unsigned level, uint64_t run, const struct reduce_source *s,
		void *scratch)
{
	struct block *at = &b->at[level];
	if (!at->open)
		box_of(b->im, level, run, &at->box);
	at->open = true;
	reduce_box_add(&at->box, s, at->voxels, at->kept, scratch);
}

int blocks_reduce(struct blocks *b, const struct task *t)
{
	uint64_t bytes = blocks_scratch_bytes(b->im, b->level);
	/* What chunks are decoded into is given back before the scratch is taken: a lane has room for one. */
	int e = t->from == 0 ? 0 : load_run(b, t);
	if (e != 0)
		return e;
	void *scratch = pool_get(b->pool, bytes);
	if (scratch == NULL)
		return ENOMEM;
	for (unsigned k = t->from; k < b->level && k <= t->to; k++) {
		struct reduce_source s;
		if (k == 0)
			band_source(b, t, &s);
		else
			block_source(b, k, t->path[k], b->at[k].voxels, &s);
		add(b, k + 1, t->path[k + 1], &s, scratch);
		b->at[k].open = false;
	}
	if (t->to == b->level)
		b->at[b->level].open = false;
	pool_put(b->pool, scratch, bytes);
	return 0;
}
