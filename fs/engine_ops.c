#include "fs/engine_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "fs/blocks.h"
#include "fs/clock.h"
#include "meta/chunk_source.h"

static const struct image *image_of(const struct engine_parts *p, const struct store_key *key)
{
	return dataset_image(p->plant.data, key->image);
}

static const struct level *level_of(const struct engine_parts *p, const struct store_key *key)
{
	return &image_of(p, key)->pyramid.level[key->level];
}

static uint64_t run_of(void *ctx, const struct store_key *chunk, uint32_t *k)
{
	const struct level *l = level_of(ctx, chunk);
	*k = (uint32_t)level_chunk_in_run(l, chunk->index);
	return level_run_of(l, chunk->index);
}

static uint64_t chunk_of(void *ctx, const struct store_key *run, uint32_t k)
{
	return level_run_chunk(level_of(ctx, run), run->index, k);
}

/* The budget was chosen so that an image's largest run fits, which holds as much as its sample. */
static uint64_t look_needs(const struct engine_parts *p, uint32_t image)
{
	return max_u64(p->look_least, min_u64(pool_round(p->sample_needs[image]), p->budget / 2));
}

static uint64_t runs(void *ctx, const struct store_key *run)
{
	return level_run_count(level_of(ctx, run));
}

static const struct run_cost *leaf_of(const struct engine_parts *p, uint32_t image)
{
	size_t n = p->plant.data->n_images;
	const struct leaves *l = &p->leaves[image % n];
	return image < n ? &l->own : &l->overviews[image / n - 1];
}

static void cost(void *ctx, const struct store_key *run, uint32_t lone, struct run_cost *out)
{
	const struct engine_parts *p = ctx;
	if (run->level == STORE_FIRST_LOOK)
		*out = (struct run_cost){ .lane = look_needs(p, run->image) };
	else if (run->level == 0)
		produce_cost(image_of(p, run), run->index, lone, out);
	else if (level_is_sampled(image_of(p, run), run->level))
		produce_sampled_cost(image_of(p, run), run->level, run->index, out);
	else
		produce_ladder_cost(image_of(p, run), run->level, run->index,
				    leaf_of(p, run->image), out);
}

static bool lone_pays(void *ctx, const struct store_key *chunk)
{
	return chunk->level == 0 && produce_lone_pays(image_of(ctx, chunk));
}

static uint64_t bound(void *ctx, const struct store_key *chunk, bool *exact)
{
	const struct image *im = image_of(ctx, chunk);
	const struct encode_spec *spec = image_encode(im, chunk->level);
	*exact = encode_size_known(spec);
	return encode_bound(spec, level_chunk_bytes(&im->pyramid.level[chunk->level]));
}

static void planes(void *ctx, const struct store_key *chunk, uint64_t *first, uint64_t *n)
{
	chunk_source_planes(image_of(ctx, chunk), chunk->level, chunk->index, first, n);
}

static bool needs(void *ctx, const struct store_key *chunk, const struct spot *spot)
{
	_Static_assert(SPOT_ALL == UNIT_ALL, "the store's word for a whole plane");
	const struct image *im = image_of(ctx, chunk);
	struct plane_part part;
	if (spot->image != chunk->image)
		return false;
	plane_part_of(im, spot->plane, spot->unit, 1, &part);
	return chunk_needs(im, chunk->level, chunk->index, &part);
}

static void descend(void *ctx, const struct store_key *run, unsigned from, uint64_t *path)
{
	const struct pyramid *p = &image_of(ctx, run)->pyramid;
	for (unsigned k = from; k > 0; k--) {
		struct run_span under;
		pyramid_under(p, k, path[k], k - 1, &under);
		path[k - 1] = run_span_at(&under, &p->level[k - 1], 0);
	}
}

static unsigned advance(void *ctx, const struct store_key *run, unsigned from, uint64_t *path)
{
	const struct pyramid *p = &image_of(ctx, run)->pyramid;
	for (unsigned k = from; k < run->level; k++) {
		struct run_span under;
		pyramid_under(p, k + 1, path[k + 1], k, &under);
		uint64_t next = run_span_find(&under, &p->level[k], path[k]) + 1;
		if (next < run_span_count(&under)) {
			path[k] = run_span_at(&under, &p->level[k], next);
			descend(ctx, run, k, path);
			return k;
		}
	}
	return run->level;
}

static uint64_t above(void *ctx, const struct store_key *run)
{
	return pyramid_above(&image_of(ctx, run)->pyramid, run->level, run->index);
}

static uint32_t chunks(void *ctx, const struct store_key *run)
{
	return (uint32_t)level_run_chunks(level_of(ctx, run), run->index);
}

static uint64_t now(UNUSED void *ctx)
{
	return clock_ns();
}

/* SIGKILL is pending for the process, as proc(5) shows it: also after a signal that ends it by default. A
 * process that is gone needs no answer either. */
static bool dying(UNUSED void *ctx, int pid)
{
	char path[40], buf[4096];
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) /* with hidepid a process that lives may be invisible */
		return errno == ENOENT && kill(pid, 0) < 0 && errno == ESRCH;
	int64_t n = read(fd, buf, sizeof(buf) - 1);
	if (n <= 0)
		return errno == ESRCH;
	buf[n] = '\0';
	static const char *const fields[] = { "\nSigPnd:", "\nShdPnd:" };
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *at = strstr(buf, fields[i]);
		if (at == NULL)
			continue;
		uint64_t set =
			strtoull(at + strlen(fields[i]), NULL, 16); /* lint-ok: the kernel's */
		if ((set & 0x100) != 0)
			return true;
	}
	return false;
}

static void wake_workers(void *ctx, unsigned n)
{
	const struct engine_parts *p = ctx;
	workers_wake(p->workers, n);
}

static void wake_pass_workers(void *ctx, unsigned n)
{
	const struct engine_parts *p = ctx;
	workers_wake_pass(p->workers, n);
}

static void wake_fetchers(void *ctx, unsigned n)
{
	const struct engine_parts *p = ctx;
	workers_wake_fetchers(p->workers, n);
}

static void wake_clock(void *ctx)
{
	const struct engine_parts *p = ctx;
	workers_wake_clock(p->workers);
}

static void give_back(void *ctx, void *buf, uint64_t size)
{
	const struct engine_parts *p = ctx;
	pool_put(p->plant.pool, buf, size);
}

static void drop_raw(UNUSED void *ctx, void *raw)
{
	fetched_free(raw);
}

static void drop_blocks(UNUSED void *ctx, void *blocks)
{
	blocks_free(blocks);
}

const struct store_ops engine_ops = {
	run_of,	      chunk_of,		 runs,		cost,	    lone_pays, bound,	 planes,
	needs,	      descend,		 advance,	above,	    chunks,    now,	 dying,
	wake_workers, wake_pass_workers, wake_fetchers, wake_clock, give_back, drop_raw, drop_blocks
};

/* The costliest run of level 0. The first run is as deep as any; the costliest rows and columns are found among the
 * first few of each axis and the last. */
static void costliest_leaf(const struct image *im, struct run_cost *out)
{
	uint64_t n = grid_run_count(&im->grid);
	produce_cost(im, 0, RUN_WHOLE, out);
	for (uint64_t i = 1; i < n && i < 4096; i++) {
		struct run_cost c;
		produce_cost(im, i, RUN_WHOLE, &c);
		out->band = max_u64(out->band, c.band);
		out->raw = max_u64(out->raw, c.raw);
		out->lane = max_u64(out->lane, c.lane);
	}
	out->band = max_u64(out->band, pool_round(grid_band_bytes_worst(&im->grid)));
}

static void weigh(const struct run_cost *c, struct needs *n)
{
	uint64_t *most = c->pass ? &n->pass : &n->ordinary;
	*most = max_u64(*most, store_least(c));
	n->slot = max_u64(n->slot, c->slot);
}

static void weigh_levels(const struct image *im, struct run_cost *leaf, struct needs *n)
{
	costliest_leaf(im, leaf);
	weigh(leaf, n);
	if (produce_lone_pays(im)) { /* no chunk alone costs more than the first */
		struct run_cost lone;
		produce_cost(im, 0, 0, &lone);
		weigh(&lone, n);
	}
	for (unsigned k = 1; k < im->pyramid.own; k++) {
		struct run_cost c[SAMPLED_COSTS];
		unsigned n_c = 1;
		if (level_is_sampled(im, k))
			n_c = produce_sampled_costs(im, k, c);
		else
			produce_ladder_cost(im, k, 0, leaf, &c[0]);
		for (unsigned i = 0; i < n_c; i++)
			weigh(&c[i], n);
	}
}

int engine_weigh(const struct image *im, struct leaves *leaves, struct needs *n)
{
	*n = (struct needs){ 0 };
	weigh_levels(im, &leaves->own, n);
	if (im->n_overviews > 0) {
		struct run_cost *more =
			reallocarray(leaves->overviews, im->n_overviews, sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		leaves->overviews = more;
	}
	for (unsigned i = 0; i < im->n_overviews; i++)
		weigh_levels(im->overviews[i], &leaves->overviews[i], n);
	return 0;
}
