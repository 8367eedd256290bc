/* The made-up source of the store's driver, and the workers' tasks. */
#include <errno.h>

#include "tests/unit/failing.h"
#include "tests/unit/store_checks.h"

/* Plane = run of level 0 x pieces + piece; chunk k of a run needs the units that are k modulo
 * the smaller number of both, of each of its planes. */

unsigned source_chunks(const struct world *w, unsigned level)
{
	return level == STORE_FIRST_LOOK ? 1 : w->chunks_of[level];
}

uint64_t source_runs(const struct world *w, unsigned level)
{
	uint64_t n = w->runs;
	for (unsigned l = 1; l <= level; l++)
		n = ceil_div(n, w->children[l]);
	return n;
}

/* Runs of level `down` below run r of level `up`: from *first on, as many as are returned. */
uint64_t source_below(const struct world *w, unsigned up, uint64_t r, unsigned down,
		      uint64_t *first)
{
	uint64_t n = 1;
	for (unsigned l = down + 1; l <= up; l++)
		n *= w->children[l];
	*first = r * n;
	return min_u64(n, source_runs(w, down) - *first);
}

static bool needs_unit(const struct world *w, const struct store_key *chunk, uint64_t unit)
{
	unsigned n = source_chunks(w, chunk->level);
	uint64_t m = min_u64(n, w->units);
	return unit % m == chunk->index % n % m;
}

static uint64_t run_of(void *ctx, const struct store_key *chunk, uint32_t *k)
{
	const struct world *w = ctx;
	*k = (uint32_t)(chunk->index % source_chunks(w, chunk->level));
	return chunk->index / source_chunks(w, chunk->level);
}

static uint64_t chunk_of(void *ctx, const struct store_key *run, uint32_t k)
{
	const struct world *w = ctx;
	return run->index * source_chunks(w, run->level) + k;
}

static uint64_t runs(void *ctx, const struct store_key *run)
{
	return source_runs(ctx, run->level);
}

static uint64_t leaves_of(const struct world *w, const struct store_key *run)
{
	uint64_t first;
	return source_below(w, run->level, run->index, 0, &first);
}

static void cost(void *ctx, const struct store_key *run, uint32_t lone, struct run_cost *out)
{
	const struct world *w = ctx;
	*out = w->cost;
	if (run->level == STORE_FIRST_LOOK) {
		*out = (struct run_cost){ .lane = w->cost.lane };
	} else if (run->level > 0) {
		out->ladder = true;
		out->pieces = 0;
		out->chunks = source_chunks(w, run->level);
		out->blocks = run->level * w->blocks;
		out->decoded = leaves_of(w, run) * w->cost.band;
		out->pass = leaves_of(w, run) > w->pass_leaves;
	} else if (lone != RUN_WHOLE) {
		out->band = w->cost.band / 4 + 1;
	}
}

static bool lone_pays(void *ctx, const struct store_key *chunk)
{
	const struct world *w = ctx;
	return w->lone && chunk->level == 0;
}

static uint64_t bound(void *ctx, UNUSED const struct store_key *chunk, bool *exact)
{
	const struct world *w = ctx;
	*exact = w->exact;
	return w->cost.slot;
}

static void planes(void *ctx, const struct store_key *chunk, uint64_t *first, uint64_t *n)
{
	const struct world *w = ctx;
	uint64_t leaf;
	*n = w->pieces *
	     source_below(w, chunk->level, chunk->index / source_chunks(w, chunk->level), 0, &leaf);
	*first = leaf * w->pieces;
}

static bool needs(void *ctx, const struct store_key *chunk, const struct spot *spot)
{
	const struct world *w = ctx;
	uint64_t first, n;
	planes(ctx, chunk, &first, &n);
	return spot->image == chunk->image && spot->plane >= first && spot->plane < first + n &&
	       (spot->unit == SPOT_ALL || needs_unit(w, chunk, spot->unit));
}

static void descend(void *ctx, UNUSED const struct store_key *run, unsigned from, uint64_t *path)
{
	const struct world *w = ctx;
	for (unsigned l = from; l > 0; l--)
		path[l - 1] = path[l] * w->children[l];
}

static unsigned advance_run(void *ctx, const struct store_key *run, unsigned from, uint64_t *path)
{
	const struct world *w = ctx;
	for (unsigned l = from; l < run->level; l++) {
		uint64_t first, n = source_below(w, l + 1, path[l + 1], l, &first);
		if (path[l] + 1 < first + n) {
			path[l]++;
			descend(ctx, run, l, path);
			return l;
		}
	}
	return run->level;
}

static uint64_t above(void *ctx, const struct store_key *run)
{
	const struct world *w = ctx;
	return run->index / w->children[run->level + 1];
}

static uint32_t chunks(void *ctx, const struct store_key *run)
{
	return source_chunks(ctx, run->level);
}

static uint64_t now(void *ctx)
{
	const struct world *w = ctx;
	return w->now;
}

static bool dying(UNUSED void *ctx, int pid)
{
	return pid % 2 == 0;
}

static void wake_workers(UNUSED void *ctx, UNUSED unsigned n)
{
}

static void wake_clock(void *ctx)
{
	struct world *w = ctx;
	w->tick_at = w->tick_at < w->now + ms ? w->tick_at : w->now + ms;
}

static void lose(struct world *w, void *buf, uint64_t size)
{
	w->buffers--;
	w->bytes -= size;
	free(buf);
}

static void give_back(void *ctx, void *buf, uint64_t size)
{
	if (*(uint64_t *)buf != size)
		fault(ctx, "a buffer is given back as one of another size");
	lose(ctx, buf, *(uint64_t *)buf);
}

static void drop_raw(void *ctx, void *raw)
{
	struct world *w = ctx;
	const struct stamp *s = raw;
	w->raws--;
	lose(w, raw, s->size);
}

static void drop_blocks(void *ctx, void *blocks)
{
	const struct blocks *b = blocks;
	if (b->encodes > 0 || b->reduces)
		fault(ctx, "blocks freed although a task uses them");
	lose(ctx, blocks, b->size);
}

const struct store_ops source_ops = {
	run_of,	      chunk_of,	    runs,	  cost,	      lone_pays, bound,	   planes,
	needs,	      descend,	    advance_run,  above,      chunks,	 now,	   dying,
	wake_workers, wake_workers, wake_workers, wake_clock, give_back, drop_raw, drop_blocks
};

static void *buffer(struct world *w, const struct store_key *key, uint32_t lone, uint64_t size)
{
	struct stamp *s = failing_not(1, sizeof(*s));
	if (s != NULL) {
		*s = (struct stamp){ .size = size, .key = *key, .lone = lone };
		w->buffers++;
		w->bytes += size;
	}
	return s;
}

static bool same(const struct store_key *a, const struct store_key *b)
{
	return a->image == b->image && a->level == b->level && a->index == b->index;
}

/* Is a spot bad? Damage for good by hash; I/O errors come and go. */
static bool spot_damaged(const struct world *w, uint64_t plane, uint64_t unit)
{
	uint64_t h = (plane * 31 + unit + w->seed) * 0x9e3779b97f4a7c15ULL;
	return (h >> 40) % 1000 < w->damage;
}

/* A piece that a worker finds in memory, or that was fetched. */
static bool at_hand(struct world *w, struct task *t)
{
	const struct stamp *raw = t->raw;
	if (t->kind == TASK_FETCH && !w->cost.in_place && !chance(w, 5)) {
		t->raw = buffer(w, &t->key, t->piece, w->cost.raw);
		w->raws++;
		return false;
	}
	if (t->kind == TASK_FETCH || t->fetched) {
		if (raw != NULL && (raw->key.index != t->key.index || raw->lone != t->piece))
			fault(w, "what was fetched belongs to another piece");
		if (raw != NULL)
			drop_raw(w, t->raw);
		t->raw = NULL;
		return t->kind == TASK_DECODE || w->cost.in_place;
	}
	t->error = chance(w, w->cold) ? EAGAIN : 0;
	return t->error == 0;
}

static bool is_complete(const struct world *w, const struct stamp *band)
{
	return band->pieces == (1U << w->pieces) - 1;
}

static void decode(struct world *w, struct task *t)
{
	if (!at_hand(w, t))
		return;
	if (draw(w, 5000) == 0)
		t->error = ENOMEM;
	t->decoded = true;
	struct stamp *band = t->band;
	if (!same(&band->key, &t->key)) { /* a ladder's next leaf */
		if (band->key.level == 0 && !is_complete(w, band))
			fault(w, "a band is used again before it is complete");
		*band = (struct stamp){ .size = band->size, .key = t->key, .lone = t->lone };
	}
	if ((band->pieces >> t->piece & 1) != 0)
		fault(w, "a piece is decoded twice");
	band->pieces |= 1U << t->piece;
	uint64_t plane = t->key.index * w->pieces + t->piece;
	for (uint64_t unit = 0; unit < w->units; unit++) {
		struct spot spot = { t->key.image, plane, unit };
		bool damaged = spot_damaged(w, plane, unit), known, error;
		known = store_any_bad(w->store) && store_known_bad(w->store, t, &spot);
		error = !known && !damaged && draw(w, 1000) < w->io_errors;
		t->strips += !known;
		if (known || damaged || error)
			band->empty |= 1U << unit;
		if (!known && (damaged || error))
			store_report(w->store, t, &spot, EIO, damaged ? 0 : 1000 * ms);
	}
}

static void check_band(struct world *w, const struct task *t, uint64_t run)
{
	const struct stamp *band = t->band;
	if (band->key.index != run || band->key.image != t->key.image || band->key.level != 0)
		fault(w, "another run's band");
	if (!is_complete(w, band))
		fault(w, "an unfinished band");
}

static void check_cut_from_band(struct world *w, const struct task *t)
{
	const struct stamp *band = t->band;
	check_band(w, t, t->key.index / w->chunks_of[0]);
	if (band->lone != RUN_WHOLE && band->lone != t->piece)
		fault(w, "a chunk cut from the band of a lone chunk");
	for (uint64_t u = 0; u < w->units; u++)
		if (needs_unit(w, &t->key, u) && (band->empty >> u & 1) != 0)
			fault(w, "a chunk cut where the band is empty");
}

static void check_cut_from_block(struct world *w, const struct task *t)
{
	const struct blocks *b = t->blocks;
	unsigned level = t->key.level;
	if (b->level[level].run != t->key.index / source_chunks(w, level) ||
	    !b->level[level].complete)
		fault(w, "a chunk cut from a block that is not its own, or not complete");
	for (uint64_t u = 0; u < w->units; u++)
		if (needs_unit(w, &t->key, u) && (b->level[level].empty >> u & 1) != 0)
			fault(w, "a chunk cut where the block is empty");
}

uint64_t source_length(const struct world *w, const struct store_key *key)
{
	return w->exact ? w->cost.slot : (key->index * 7 + key->level) % w->cost.slot + 1;
}

static void encode(struct world *w, struct task *t)
{
	if (t->key.level == 0) {
		check_cut_from_band(w, t);
	} else {
		check_cut_from_block(w, t);
		((struct blocks *)t->blocks)->encodes--;
	}
	if (draw(w, 1000) < w->encoder_errors) {
		t->error = EIO;
		return;
	}
	t->len = source_length(w, &t->key);
	t->capacity = t->len;
	t->bytes = buffer(w, &t->key, RUN_WHOLE, t->capacity);
}

/* A child of the open run of this level. */
static void add_to_block(struct world *w, struct blocks *b, const struct task *t, unsigned level,
			 uint32_t empty)
{
	uint64_t first, n = source_below(w, level, t->path[level], level - 1, &first);
	if (!b->level[level].used || b->level[level].complete) {
		b->level[level].used = true;
		b->level[level].complete = false;
		b->level[level].run = t->path[level];
		b->level[level].children = 0;
		b->level[level].empty = b->level[level].cut = 0;
	}
	if (b->level[level].run != t->path[level] ||
	    t->path[level - 1] != first + b->level[level].children)
		fault(w, "a run comes out of its order");
	b->level[level].empty |= empty;
	b->level[level].complete = ++b->level[level].children == n;
}

static void reduce(struct world *w, struct task *t)
{
	struct blocks *b = t->blocks;
	uint32_t empty = 0;
	b->reduces = false;
	if (t->from == 0) {
		check_band(w, t, t->path[0]);
		empty = ((const struct stamp *)t->band)->empty;
	} else if (t->n_loads != source_chunks(w, t->from)) {
		fault(w, "a run is loaded in part");
	}
	for (uint32_t i = 0; i < t->n_loads; i++) {
		const struct stamp *s = t->loads[i].bytes;
		if (s->key.level != t->from ||
		    s->key.index != t->path[t->from] * source_chunks(w, t->from) + i)
			fault(w, "another chunk is loaded");
	}
	unsigned own = b->key.level;
	uint64_t first, n = source_below(w, t->from, t->path[t->from], 0, &first);
	b->leaves = first + n;
	for (unsigned l = t->from; l < own; l++) {
		if (l > t->from && !b->level[l].complete)
			fault(w, "a block is closed before its time");
		add_to_block(w, b, t, l + 1, l == t->from ? empty : b->level[l].empty);
		if (l + 1 > t->to)
			break;
	}
}

static void open_blocks(struct world *w, struct task *t)
{
	struct blocks *b = draw(w, 1000) == 0 ? NULL : failing_not(1, sizeof(*b));
	t->bytes = b;
	t->error = b == NULL ? ENOMEM : 0;
	if (b == NULL)
		return;
	if (w->opened < ARRAY_SIZE(w->order))
		w->order[w->opened] = t->key;
	w->opened++;
	*b = (struct blocks){ .size = t->key.level * w->blocks, .key = t->key };
	w->buffers++;
	w->bytes += b->size;
}

/* Each chunk is made once by one job. */
static void cut_once(struct world *w, uint32_t *cut, uint32_t k)
{
	if ((*cut >> k & 1) != 0)
		fault(w, "a job makes a chunk twice");
	*cut |= 1U << k;
}

static void begin_encode(struct world *w, struct task *t)
{
	struct blocks *b = t->blocks;
	struct stamp *band = t->band;
	if (b != NULL) {
		b->encodes++;
		cut_once(w, &b->level[t->key.level].cut, t->piece);
		return;
	}
	if (band->by != t->job->seq)
		band->cut = 0;
	band->by = t->job->seq;
	cut_once(w, &band->cut, t->piece);
}

/* What blocks are used for at the same time. */
void task_begin(struct world *w, struct task *t)
{
	struct blocks *b = t->blocks;
	if (b != NULL && (b->reduces || (t->kind == TASK_REDUCE && b->encodes > 0)))
		fault(w, "blocks are used while they change");
	if (t->kind == TASK_ENCODE)
		begin_encode(w, t);
	if (t->kind == TASK_REDUCE) {
		b->reduces = true;
		checks_before_reduce(w, t);
	}
}

void task_finish(struct world *w, struct task *t)
{
	switch (t->kind) {
	case TASK_LOOK:
		t->error = chance(w, 20) ? EIO : chance(w, 30) ? EAGAIN : 0;
		break;
	case TASK_PREPARE:
		t->bytes = draw(w, 2000) == 0 ? NULL : buffer(w, &t->key, t->lone, t->band_size);
		t->error = t->bytes == NULL ? ENOMEM : 0;
		break;
	case TASK_FETCH:
	case TASK_DECODE:
		decode(w, t);
		break;
	case TASK_ENCODE:
		encode(w, t);
		break;
	case TASK_OPEN:
		open_blocks(w, t);
		break;
	case TASK_REDUCE:
		reduce(w, t);
		break;
	}
}

bool source_damaged(struct world *w, const struct store_key *key)
{
	uint64_t first, n;
	planes(w, key, &first, &n);
	for (uint64_t p = first; p < first + n; p++)
		for (uint64_t u = 0; u < w->units; u++)
			if (needs_unit(w, key, u) && spot_damaged(w, p, u))
				return true;
	return false;
}

/* Where nothing else fails with EIO, a chunk that does lies over damage. */
