#include "fs/produce.h"

#include <errno.h>
#include <string.h>

#include "codec/cut.h"
#include "fs/blocks.h"

/* A decode task is about this many voxel bytes, at least one row of strips or tiles. */
static const uint64_t task_bytes = MiB;

/* One read of a row's part costs as much as reading and copying this much; in narrower pages the band of
 * the whole run costs no more than the chunk. */
static const uint64_t lone_row_bytes = 6 * KiB;

/* A piece of a lone chunk is so much of its rows, with what lies between its parts of them. */
static const uint64_t lone_bytes = 2 * MiB;

/* Tags and tables of a page beside its strips, and strips that noise made longer. */
static const uint64_t tags_bytes = 128 * KiB;

bool bench_init(struct bench *b)
{
	b->decoder = unit_decoder_new();
	b->encoder = encoder_new();
	if (b->decoder != NULL && b->encoder != NULL)
		return true;
	bench_done(b);
	return false;
}

void bench_done(struct bench *b)
{
	unit_decoder_free(b->decoder);
	encoder_free(b->encoder);
	*b = (struct bench){ 0 };
}

static uint64_t page_row_bytes(const struct image *im)
{
	return max_u64(1, (uint64_t)im->kind.width * im->grid.layout.samples * im->grid.voxel);
}

bool produce_lone_pays(const struct image *im)
{
	return image_raw_rows(im, &im->kind) && page_row_bytes(im) > lone_row_bytes;
}

void produce_band_box(const struct image *im, uint64_t run, uint32_t lone, struct band_box *out)
{
	struct grid_run r;
	grid_run_at(&im->grid, run, &r);
	*out = (struct band_box){ r.t, r.c0, r.n_c, r.z0, r.z1, r.by0, r.by1, r.bx0, r.bx1 };
	if (lone == RUN_WHOLE)
		return;
	struct grid_chunk c;
	grid_chunk_at(&im->grid, grid_run_chunk(&im->grid, run, lone), &c);
	out->y0 = c.lo[AXIS_Y];
	out->y1 = c.hi[AXIS_Y];
	out->x0 = c.lo[AXIS_X];
	out->x1 = c.hi[AXIS_X];
}

static uint64_t band_row_bytes(const struct image *im, const struct band_box *b)
{
	return (b->x1 - b->x0) * b->n_c * im->grid.voxel;
}

/* Rows of a piece: whole strips or tiles. A chunk alone is read plane by plane, in pages that are very wide by
 * parts. */
static uint64_t piece_rows(const struct image *im, const struct band_box *b, bool lone)
{
	uint64_t rows = b->y1 - b->y0;
	if (lone)
		return min_u64(rows, max_u64(1, lone_bytes / page_row_bytes(im)));
	uint64_t unit =
		im->grid.layout.compressed || im->grid.layout.tiled ? im->grid.layout.unit_h : 1;
	uint64_t fit = max_u64(1, task_bytes / max_u64(1, band_row_bytes(im, b)));
	return min_u64(rows, max_u64(unit, fit / unit * unit));
}

uint64_t produce_decode_scratch(const struct image *im)
{
	return image_raw_rows(im, &im->kind)
		       ? 0
		       : pool_round(unit_stored_max(&im->kind)) + pool_round(im->unit_bytes_max);
}

/* Room for the rows of a lone chunk that are read at once, with what lies between them. */
static uint64_t gather_bytes(const struct image *im, uint64_t rows)
{
	uint64_t page_row = page_row_bytes(im);
	return page_row > lone_bytes / 2 ? 0 : pool_round(min_u64(lone_bytes, rows * page_row));
}

/* Stored bytes of a piece between its fetch and its decoding. Compressed data that is much longer than its voxels
 * is read again while it is decoded. */
uint64_t produce_raw_bytes(const struct image *im, uint64_t row_bytes, uint64_t rows)
{
	uint64_t piece = row_bytes * rows / im->grid.voxel * dtype_size(im->stored);
	return pool_round(max_u64(unit_stored_max(&im->kind), piece + piece / 2)) + tags_bytes;
}

void produce_cost(const struct image *im, uint64_t run, uint32_t lone, struct run_cost *out)
{
	struct band_box b;
	bool alone = lone != RUN_WHOLE;
	produce_band_box(im, run, lone, &b);
	uint64_t planes = b.z1 - b.z0, rows = b.y1 - b.y0, row_bytes = band_row_bytes(im, &b);
	uint64_t at_once = piece_rows(im, &b, alone);
	uint64_t raw = grid_chunk_bytes(&im->grid);
	*out = (struct run_cost){ .band = pool_round(planes * rows * row_bytes) };
	out->slot = pool_round(encode_bound(&im->encode, raw));
	uint64_t encode_scratch = im->encode.codec == CODEC_NONE ? 0 : pool_round(raw);
	out->in_place = image_raw_rows(im, &im->kind);
	out->raw = !out->in_place ? produce_raw_bytes(im, row_bytes, at_once)
		   : alone	  ? gather_bytes(im, at_once)
				  : 0;
	out->lane = max_u64(out->in_place ? 0 : pool_round(im->unit_bytes_max), encode_scratch);
	out->pieces = (uint32_t)(planes * ceil_div(rows, at_once));
	out->chunks = (uint32_t)grid_run_chunks(&im->grid, run);
}

static void piece_at(const struct image *im, const struct task *t, struct piece *out)
{
	struct band_box b;
	bool alone = t->lone != RUN_WHOLE;
	produce_band_box(im, t->key.index, t->lone, &b);
	uint64_t rows = b.y1 - b.y0, step = piece_rows(im, &b, alone);
	uint64_t per_plane = max_u64(1, ceil_div(rows, step));
	uint64_t z = t->piece / per_plane, y = t->piece % per_plane * step;
	uint64_t samples = im->grid.size[AXIS_C] / im->n_c;
	uint64_t row_bytes = band_row_bytes(im, &b);
	*out = (struct piece){
		.plane = image_plane(im, b.t, b.c0 / samples, b.z0 + z),
		.sample_c = b.c0 % samples,
		.y0 = b.y0 + y,
		.y1 = b.y0 + min_u64(rows, y + step),
		.x0 = b.x0,
		.x1 = b.x1,
		.out = (uint8_t *)t->band + (z * rows + y) * row_bytes,
		.row_bytes = row_bytes,
		.gather = alone ? gather_bytes(im, step) : 0,
	};
}

/* Into t->raw what a piece needs, or the piece into the band. */
static int fetch(const struct plant *p, struct task *t, const struct piece *piece,
		 enum file_wait wait)
{
	struct run_cost cost;
	struct fetched *fetched;
	produce_cost(dataset_image(p->data, t->key.image), t->key.index, t->lone, &cost);
	int e = produce_fetch_piece(p, t, piece, &cost, wait, &fetched);
	t->raw = fetched;
	if (e < 0)
		t->error = -e;
	if (t->decoded)
		t->planes = piece->y0 == 0;
	return e;
}

void produce_fetch(const struct plant *p, struct task *t)
{
	struct piece piece;
	if (t->key.level > 0) {
		produce_sampled_fetch(p, t, FILE_WAIT);
		return;
	}
	piece_at(dataset_image(p->data, t->key.image), t, &piece);
	if (!store_task_stopped(t))
		fetch(p, t, &piece, FILE_WAIT);
}

void produce_decode(const struct plant *p, struct bench *b, struct task *t)
{
	struct piece piece;
	struct err err = { 0 };
	if (t->key.level > 0) {
		produce_sampled_decode(p, b, t);
		return;
	}
	piece_at(dataset_image(p->data, t->key.image), t, &piece);
	bool stopped = store_task_stopped(t);
	if (!t->fetched && !stopped && fetch(p, t, &piece, FILE_NOWAIT) < 0)
		return;
	if (!t->decoded && !stopped) {
		t->planes = piece.y0 == 0;
		if (produce_piece(p, b, t, t->key.image, &piece, t->raw, &err) == -ENOMEM)
			t->error = ENOMEM;
	}
	fetched_free(STEAL(t->raw));
}

/* The voxels that a chunk is cut from: those at the lower ends, and bytes from one to the next. */
struct voxels {
	const uint8_t *at;
	uint64_t lo[AXIS_COUNT];
	uint64_t stride_c, stride_z, stride_y, stride_x;
};

static void voxels_of_band(const struct image *im, const struct task *t, struct voxels *out)
{
	struct band_box b;
	produce_band_box(im, grid_run_of(&im->grid, t->key.index), t->lone, &b);
	uint64_t row = band_row_bytes(im, &b);
	*out = (struct voxels){ .at = t->band,
				.lo = { b.t, b.c0, b.z0, b.y0, b.x0 },
				.stride_c = im->grid.voxel,
				.stride_z = row * (b.y1 - b.y0),
				.stride_y = row,
				.stride_x = b.n_c * im->grid.voxel };
}

/* Of a ladder's block, samples one after another; of a sampled run, pixels of all samples. */
static void voxels_of_level(const struct image *im, const struct task *t, struct voxels *out)
{
	const struct level *l = &im->pyramid.level[t->key.level];
	struct level_box b;
	level_run_box(l, level_run_of(l, t->key.index), &b);
	uint64_t n[AXIS_COUNT], pixel = l->voxel;
	for (int a = 0; a < AXIS_COUNT; a++)
		n[a] = b.hi[a] - b.lo[a];
	if (t->blocks == NULL)
		pixel *= n[AXIS_C];
	*out = (struct voxels){ .at = t->blocks != NULL ? blocks_voxels(t->blocks, t->key.level)
							: t->band };
	memcpy(out->lo, b.lo, sizeof(out->lo));
	out->stride_x = pixel;
	out->stride_y = n[AXIS_X] * pixel;
	out->stride_z = n[AXIS_Y] * out->stride_y;
	out->stride_c = t->blocks != NULL ? n[AXIS_Z] * out->stride_z : l->voxel;
}

static void cut_chunk(const struct image *im, const struct task *t, const struct level *l,
		      void *out)
{
	struct voxels v;
	struct grid_chunk c;
	level_chunk_at(l, t->key.index, &c);
	if (t->key.level == 0)
		voxels_of_band(im, t, &v);
	else
		voxels_of_level(im, t, &v);
	uint64_t n[AXIS_COUNT];
	for (int a = 0; a < AXIS_COUNT; a++)
		n[a] = c.hi[a] - c.lo[a];
	bool whole = n[AXIS_Z] == l->chunk[AXIS_Z] && n[AXIS_Y] == l->chunk[AXIS_Y] &&
		     n[AXIS_X] == l->chunk[AXIS_X];
	if (!whole)
		memset(out, 0, level_chunk_bytes(l));
	struct cut_side src = { v.stride_z, v.stride_y, v.stride_x };
	struct cut_side dst = { l->chunk[AXIS_Y] * l->chunk[AXIS_X] * l->voxel,
				l->chunk[AXIS_X] * l->voxel, l->voxel };
	const uint8_t *from = v.at + (c.lo[AXIS_C] - v.lo[AXIS_C]) * v.stride_c +
			      (c.lo[AXIS_Z] - v.lo[AXIS_Z]) * v.stride_z +
			      (c.lo[AXIS_Y] - v.lo[AXIS_Y]) * v.stride_y +
			      (c.lo[AXIS_X] - v.lo[AXIS_X]) * v.stride_x;
	cut_copy(out, &dst, from, &src, n[AXIS_Z], n[AXIS_Y], n[AXIS_X], l->voxel);
}

/* Moves the encoding to a buffer of its own size where that is a smaller class. */
static void *shrink(const struct plant *p, void *bytes, uint64_t cap, uint64_t len)
{
	if (pool_round(len) == pool_round(cap))
		return bytes;
	void *smaller = pool_get(p->pool, len);
	if (smaller != NULL)
		memcpy(smaller, bytes, len);
	pool_put(p->pool, bytes, cap);
	return smaller;
}

void produce_encode(const struct plant *p, struct bench *b, struct task *t)
{
	const struct image *im = dataset_image(p->data, t->key.image);
	const struct level *l = &im->pyramid.level[t->key.level];
	const struct encode_spec *spec = image_encode(im, t->key.level);
	uint64_t raw_bytes = level_chunk_bytes(l), cap = encode_bound(spec, raw_bytes);
	void *raw = pool_get(p->pool, raw_bytes);
	if (raw == NULL) {
		t->error = ENOMEM;
		return;
	}
	cut_chunk(im, t, l, raw);
	if (spec->codec == CODEC_NONE) {
		t->bytes = raw;
		t->len = raw_bytes;
		t->capacity = pool_round(raw_bytes);
		return;
	}
	struct err err;
	size_t len = 0;
	void *out = pool_get(p->pool, cap);
	int r = out == NULL ? -ENOMEM
			    : encode(b->encoder, spec, raw, raw_bytes, out, cap, &len, &err);
	pool_put(p->pool, raw, raw_bytes);
	if (r < 0) {
		pool_put(p->pool, out, cap);
		t->error = -r;
		return;
	}
	t->bytes = shrink(p, out, cap, len);
	t->len = len;
	t->capacity = pool_round(len);
	if (t->bytes == NULL)
		t->error = ENOMEM;
}

void produce_ladder_cost(const struct image *im, unsigned level, uint64_t run,
			 const struct run_cost *leaf, struct run_cost *out)
{
	const struct level *l = &im->pyramid.level[level];
	const struct encode_spec *spec = image_encode(im, level);
	*out = *leaf;
	out->ladder = true;
	out->pieces = 0;
	out->chunks = (uint32_t)level_run_chunks(l, run);
	/* Chunks of all levels below are made in these slots, too. */
	uint64_t most = 0;
	for (unsigned k = 1; k <= level; k++)
		most = max_u64(most, level_chunk_bytes(&im->pyramid.level[k]));
	out->slot = pool_round(encode_bound(spec, most));
	out->lane = max_u64(out->lane, blocks_scratch_bytes(im, level));
	if (spec->codec != CODEC_NONE)
		out->lane = max_u64(out->lane, pool_round(most));
	out->blocks = blocks_bytes(im, level);
	out->pass = l->pass;
	out->decoded = l->decoded;
}

void produce_open(const struct plant *p, struct task *t)
{
	t->bytes = blocks_new(p->pool, dataset_image(p->data, t->key.image), t->key.level);
	t->error = t->bytes == NULL ? ENOMEM : 0;
}

void produce_reduce(struct task *t)
{
	t->error = blocks_reduce(t->blocks, t);
}
