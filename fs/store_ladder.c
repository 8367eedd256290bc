/* A run of a coarser level: its leaves (runs of level 0) one after another into a band, from there into open
 * blocks, one a level; a block is complete with the last leaf below it, then it goes into the next one and its
 * chunks are encoded. One leaf may be decoded ahead. What is reduced waits until the chunks of the blocks that
 * were completed before have landed. Runs whose chunks are all cached already are loaded in place of their
 * leaves. */
#include <errno.h>
#include <string.h>

#include "fs/store_core.h"

enum block_stage { BLOCKS_NONE, BLOCKS_FREE, BLOCKS_REDUCE };

/* Spots that a leaf could not read, until its blocks are the open ones. */
struct spots {
	struct spot *at;
	size_t n, cap;
};

struct ladder {
	void *blocks;
	bool busy; /* their TASK_OPEN or TASK_REDUCE is out */
	enum block_stage stage;
	/* Leaves: the oldest, how many are under way, and for each where it lies and the highest level that ends
	 * with it. */
	unsigned oldest, n_leaves;
	uint64_t path[LEAVES][STORE_LEVELS];
	unsigned ends[LEAVES];
	struct spots spots[LEAVES];
	/* The next leaf; `fresh`: runs of levels up to this one begin with it. */
	uint64_t next[STORE_LEVELS];
	unsigned fresh;
	bool at_end;
	/* What is reduced now: level `from` (0: the oldest leaf) up to `ends_now`. */
	uint64_t now[STORE_LEVELS];
	unsigned from, ends_now;
	struct entry *band; /* in place of the leaf's own; held by a hand */
	struct load *loads;
	uint32_t n_loads;
	/* Chunks to emit: of the runs now[level], levels emit_level .. emit_top. */
	unsigned emit_level, emit_top;
	uint32_t emit_k;
	uint8_t *failed[STORE_LEVELS]; /* chunks of the open runs that cannot be made, a bit each */
	bool all_failed;	       /* there was no memory to remember which */
};

/* So that the hands held while chunks are loaded stay few. */
enum { LOADS_MAX = 4096 };

bool ladder_new(struct store *s, struct job *j)
{
	if (!j->cost.ladder)
		return true;
	j->ladder = calloc(1, sizeof(*j->ladder));
	if (j->ladder == NULL)
		return false;
	j->ladder->next[j->run.level] = j->run.index;
	s->ops->descend(s->ctx, &j->run, j->run.level, j->ladder->next);
	j->ladder->fresh = j->run.level - 1;
	return true;
}

static void give_hands_back(struct store *s, struct ladder *l)
{
	for (uint32_t i = 0; i < l->n_loads; i++)
		cache_hand_back(s, l->loads[i].entry);
	free(STEAL(l->loads));
	l->n_loads = 0;
	if (l->band != NULL)
		cache_hand_back(s, STEAL(l->band));
}

void ladder_free(struct store *s, struct job *j)
{
	struct ladder *l = STEAL(j->ladder);
	if (l == NULL)
		return;
	give_hands_back(s, l);
	for (unsigned i = 0; i < LEAVES; i++)
		free(l->spots[i].at);
	for (unsigned i = 0; i < STORE_LEVELS; i++)
		free(l->failed[i]);
	spend_blocks(s, l->blocks);
	free(l);
}

unsigned ladder_oldest(const struct job *j)
{
	return j->ladder->oldest;
}

static struct store_key run_at(const struct job *j, const uint64_t *path, unsigned level)
{
	return (struct store_key){ j->run.image, level, path[level] };
}

/* Bad spots. */

void ladder_remember(struct job *j, unsigned leaf, const struct spot *spot)
{
	struct spots *p = &j->ladder->spots[leaf];
	if (p->n == p->cap) {
		size_t cap = p->cap * 2 + 8;
		struct spot *more = realloc(p->at, cap * sizeof(*more));
		if (more == NULL) {
			j->ladder->all_failed = true;
			return;
		}
		p->at = more;
		p->cap = cap;
	}
	p->at[p->n++] = *spot;
}

static void mark_failed(struct store *s, struct job *j, unsigned level, const struct spots *spots)
{
	struct ladder *l = j->ladder;
	struct store_key run = run_at(j, l->now, level), key = run;
	uint32_t n = s->ops->chunks(s->ctx, &run);
	if (l->failed[level] == NULL)
		l->failed[level] = calloc(1, n / 8 + 1);
	if (l->failed[level] == NULL) {
		l->all_failed = true;
		return;
	}
	for (uint32_t k = 0; k < n; k++) {
		key.index = s->ops->chunk_of(s->ctx, &run, k);
		for (size_t i = 0; i < spots->n && !bit_is_set(l->failed[level], k); i++)
			if (s->ops->needs(s->ctx, &key, &spots->at[i]))
				bit_set(l->failed[level], k);
	}
}

/* The runs that hold the leaf are the open ones now. */
static void take_spots(struct store *s, struct job *j, unsigned leaf)
{
	struct spots *p = &j->ladder->spots[leaf];
	for (unsigned level = 1; level <= j->run.level && p->n > 0; level++)
		mark_failed(s, j, level, p);
	p->n = 0;
}

/* Leaves. */

/* All chunks of a run, each with a hand; false: some are not cached. */
static bool load(struct store *s, struct job *j, unsigned level)
{
	struct ladder *l = j->ladder;
	struct store_key run = run_at(j, l->next, level), key = run;
	uint32_t n = s->ops->chunks(s->ctx, &run);
	if (n == 0 || n > LOADS_MAX)
		return false;
	for (uint32_t k = 0; k < n; k++) {
		key.index = s->ops->chunk_of(s->ctx, &run, k);
		if (cache_find(s, &key, false) == NULL)
			return false;
	}
	l->loads = calloc(n, sizeof(*l->loads));
	if (l->loads == NULL)
		return false;
	for (; l->n_loads < n; l->n_loads++) {
		struct load *o = &l->loads[l->n_loads];
		key.index = s->ops->chunk_of(s->ctx, &run, l->n_loads);
		o->entry = cache_find(s, &key, false);
		o->key = key;
		o->bytes = o->entry->bytes;
		o->len = o->entry->len;
		cache_hand(s, o->entry);
	}
	return true;
}

static bool is_cached(struct store *s, const struct job *j, unsigned level)
{
	struct store_key run = run_at(j, j->ladder->next, level), first = run;
	if (level == 0)
		return cache_find(s, &run, true) != NULL;
	first.index = s->ops->chunk_of(s->ctx, &run, 0);
	return cache_find(s, &first, false) != NULL;
}

/* The next leaf, or a run that begins with it, may be cached: what cannot be known before its turn has come,
 * for a hand held longer than a task might be what others wait for. */
static bool may_be_cached(struct store *s, const struct job *j)
{
	for (unsigned level = 0; level <= j->ladder->fresh; level++)
		if (is_cached(s, j, level))
			return true;
	return false;
}

/* On from the run of this level; returns the highest level that ends with it. */
static unsigned go_on(struct store *s, struct job *j, unsigned level)
{
	struct ladder *l = j->ladder;
	unsigned ends = s->ops->advance(s->ctx, &j->run, level, l->next);
	l->at_end = ends == j->run.level;
	l->fresh = ends;
	return ends;
}

static void reduce_next(struct store *s, struct job *j, unsigned from)
{
	struct ladder *l = j->ladder;
	memcpy(l->now, l->next, sizeof(l->now));
	l->from = from;
	l->ends_now = go_on(s, j, from);
	l->stage = BLOCKS_REDUCE;
}

/* In place of the next leaf: a run whose chunks are all cached, the largest there is, or a cached band. */
static bool use_cached(struct store *s, struct job *j)
{
	struct ladder *l = j->ladder;
	for (unsigned level = l->fresh; level >= 1; level--)
		if (load(s, j, level)) {
			reduce_next(s, j, level);
			return true;
		}
	struct store_key run = run_at(j, l->next, 0);
	struct entry *e = cache_find(s, &run, true);
	if (e == NULL)
		return false;
	l->band = e;
	cache_hand(s, e);
	reduce_next(s, j, 0);
	return true;
}

static void start_leaf(struct store *s, struct job *j, unsigned i)
{
	struct ladder *l = j->ladder;
	struct store_key run = run_at(j, l->next, 0);
	struct run_cost cost;
	s->ops->cost(s->ctx, &run, RUN_WHOLE, &cost);
	leaf_start(&j->leaf[i], &run, cost.pieces);
	memcpy(l->path[i], l->next, sizeof(l->next));
	l->ends[i] = go_on(s, j, 0);
	l->n_leaves++;
}

static bool emits(const struct ladder *l)
{
	return l->emit_level <= l->emit_top && l->emit_top > 0;
}

static bool blocks_are_free(const struct job *j)
{
	return j->ladder->stage == BLOCKS_FREE && !emits(j->ladder) && j->slots_out == 0;
}

static void reduce_leaf(struct store *s, struct job *j)
{
	struct ladder *l = j->ladder;
	unsigned i = l->oldest;
	memcpy(l->now, l->path[i], sizeof(l->now));
	l->from = 0;
	l->ends_now = l->ends[i];
	l->stage = BLOCKS_REDUCE;
	take_spots(s, j, i);
}

void ladder_step(struct store *s, struct job *j)
{
	struct ladder *l = j->ladder;
	while (!l->at_end && l->n_leaves < j->bands) {
		if (may_be_cached(s, j)) {
			if (l->n_leaves > 0 || !blocks_are_free(j))
				break;
			if (use_cached(s, j))
				return;
		}
		start_leaf(s, j, (l->oldest + l->n_leaves) % j->bands);
	}
	if (l->n_leaves > 0 && j->leaf[l->oldest].state == LEAF_DONE && blocks_are_free(j))
		reduce_leaf(s, j);
}

void ladder_start(struct store *s, struct job *j)
{
	ladder_step(s, j);
}

bool ladder_emits_the_last(const struct job *j)
{
	const struct ladder *l = j->ladder;
	return j->state == JOB_RUN && l->at_end && l->n_leaves == 0 && l->stage == BLOCKS_FREE;
}

bool ladder_ended(const struct job *j)
{
	const struct ladder *l = j->ladder;
	return l->at_end && l->n_leaves == 0 && blocks_are_free(j) && j->tasks_out == 0;
}

/* Tasks. */

static unsigned prepares(const struct job *j)
{
	unsigned n = 0;
	for (unsigned i = 0; i < LEAVES; i++)
		n += j->leaf[i].state == LEAF_PREPARE;
	return n;
}

static bool reduce_ready(const struct ladder *l)
{
	return l->stage == BLOCKS_REDUCE;
}

unsigned ladder_ready(const struct job *j)
{
	const struct ladder *l = j->ladder;
	bool opens = l->stage == BLOCKS_NONE && !l->busy;
	unsigned encodes = emits(l) ? j->slots - j->slots_out : 0;
	return opens + (reduce_ready(l) && !l->busy) + encodes + prepares(j) + decode_ready(j);
}

/* The next chunk to emit that somebody waits for or that there is room for. */
static bool emit_next(struct store *s, struct job *j, struct task *t)
{
	struct ladder *l = j->ladder;
	for (; l->emit_level <= l->emit_top; l->emit_level++, l->emit_k = 0) {
		struct store_key run = run_at(j, l->now, l->emit_level);
		uint32_t n = s->ops->chunks(s->ctx, &run);
		uint8_t *failed = l->failed[run.level];
		while (l->emit_k < n) {
			uint32_t k = l->emit_k++;
			struct store_key key = run;
			key.index = s->ops->chunk_of(s->ctx, &run, k);
			if (run.level == j->run.level)
				bit_set(j->emitted, k);
			struct flight *f = flight_find(s, &key);
			bool bad = l->all_failed || (failed != NULL && bit_is_set(failed, k)) ||
				   bad_for_chunk(s, &key) != 0; /* of a band that was cached */
			if (f != NULL && f->state == FLIGHT_MAKE)
				continue;
			if (f != NULL && bad)
				flight_fail(s, f, ANSWER_FAILED, EIO);
			if (bad || (f == NULL && cache_find(s, &key, false) != NULL))
				continue;
			if (f == NULL &&
			    (s->closed ||
			     (key.level == 1 && !cache_make_room_for_offer(s, j->cost.slot))))
				continue;
			t->key = key;
			t->piece = k;
			t->blocks = l->blocks;
			if (f != NULL && f->job != j) {
				job_lost_flight(s, f->job);
				f->job = j;
				j->linger_until = 0;
			}
			job_make(j, f, t);
			return true;
		}
		free(STEAL(l->failed[run.level]));
	}
	l->emit_top = 0;
	return false;
}

static void issue_reduce(struct job *j, struct task *t)
{
	struct ladder *l = j->ladder;
	t->kind = TASK_REDUCE;
	t->blocks = l->blocks;
	t->band = l->band != NULL ? l->band->bytes : j->leaf[l->oldest].band;
	t->path = l->now;
	t->from = l->from;
	t->to = l->ends_now;
	t->loads = l->loads;
	t->n_loads = l->n_loads;
	l->busy = true;
}

static bool issue_prepare(struct job *j, struct task *t)
{
	for (unsigned i = 0; i < LEAVES; i++) {
		if (j->leaf[i].state != LEAF_PREPARE)
			continue;
		j->leaf[i].state = LEAF_FREE; /* until its band is there */
		t->kind = TASK_PREPARE;
		t->leaf = i;
		return true;
	}
	return false;
}

bool ladder_issue(struct store *s, struct job *j, struct task *t)
{
	struct ladder *l = j->ladder;
	if (l->stage == BLOCKS_NONE && !l->busy) {
		t->kind = TASK_OPEN;
		l->busy = true;
		return true;
	}
	if (reduce_ready(l) && !l->busy) {
		issue_reduce(j, t);
		return true;
	}
	if (emits(l) && j->slots > j->slots_out && emit_next(s, j, t))
		return true;
	if (issue_prepare(j, t))
		return true;
	if (decode_ready(j) > 0) {
		decode_issue(j, t);
		return true;
	}
	job_lost_flight(s, j); /* the last chunk of a block was none to emit: what now? */
	return false;
}

/* A job of level 0 that waits for its turn has the band of its run, if there is memory for both. */
static void offer_band(struct store *s, struct job *j, struct leaf *leaf)
{
	const struct job *q = run_find(s, &leaf->run);
	if (q == NULL || q->state != JOB_QUEUED || leaf->hole || leaf->band == NULL ||
	    cache_find(s, &leaf->run, true) != NULL || !cache_make_room(s, j->cost.band))
		return;
	if (cache_add(s, &leaf->run, LIST_BANDS, leaf->band, j->cost.band, j->cost.band) == NULL)
		return;
	s->charge += j->cost.band;
	leaf->band = NULL;
	s->admit = true;
}

/* Runs below the one that was loaded will not be met: who waits for their chunks waits for another job. */
static void send_away(struct store *s, struct job *j)
{
	struct link kept;
	list_init(&kept);
	for (struct link *e; (e = list_first(&j->wanted)) != NULL;) {
		struct flight *f = CONTAINER(e, struct flight, in_job);
		list_remove(&f->in_job);
		if (f->key.level >= j->ladder->from || pass_for(s, &f->key) == j) {
			list_append(&kept, &f->in_job);
			continue;
		}
		f->job = NULL;
		if (job_attach(s, f) == NULL)
			flight_fail(s, f, ANSWER_FAILED, ENOMEM);
		job_lost_flight(s, j);
	}
	list_splice(&j->wanted, &kept);
}

static void reduce_done(struct store *s, struct job *j)
{
	struct ladder *l = j->ladder;
	if (l->from == 0 && l->band == NULL) {
		struct leaf *leaf = &j->leaf[l->oldest];
		offer_band(s, j, leaf);
		leaf->state = LEAF_FREE;
		l->oldest = (l->oldest + 1) % j->bands;
		l->n_leaves--;
	}
	give_hands_back(s, l);
	l->stage = BLOCKS_FREE;
	l->emit_level = l->from + 1;
	l->emit_top = l->ends_now > l->from ? l->ends_now : 0;
	l->emit_k = 0;
	if (l->from > 1 && s->pass == j)
		send_away(s, j);
}

void ladder_task_done(struct store *s, struct job *j, struct task *t)
{
	struct ladder *l = j->ladder;
	switch (t->kind) {
	case TASK_OPEN:
		l->busy = false;
		l->blocks = t->bytes;
		l->stage = t->error == 0 ? BLOCKS_FREE : BLOCKS_NONE;
		break;
	case TASK_PREPARE:
		j->leaf[t->leaf].state = LEAF_DECODE;
		if (j->leaf[t->leaf].pieces == 0)
			j->leaf[t->leaf].state = LEAF_DONE;
		break;
	case TASK_REDUCE:
		l->busy = false;
		if (j->state == JOB_RUN && t->error == 0)
			reduce_done(s, j);
		else
			give_hands_back(s, l);
		break;
	case TASK_LOOK:
	case TASK_FETCH:
	case TASK_DECODE:
	case TASK_ENCODE:
		break;
	}
}

bool ladder_open_at(const struct job *j, unsigned level, uint64_t run, const uint64_t *above)
{
	const struct ladder *l = j->ladder;
	const uint64_t *at = l->n_leaves > 0 ? l->path[l->oldest] : l->next;
	if (l->stage == BLOCKS_REDUCE)
		at = l->now;
	else if (l->at_end && l->n_leaves == 0)
		return false;
	for (unsigned i = j->run.level; i > level; i--)
		if (above[i] != at[i])
			return above[i] > at[i];
	return run >= at[level];
}
