#include <errno.h>

#include "tests/unit/failing.h"
#include "tests/unit/store_checks.h"

uint64_t world_refused;

static bool memory_fails(void *ctx)
{
	struct world *w = ctx;
	bool fails = draw(w, 1000) < w->no_memory;
	world_refused += fails;
	return fails;
}

static unsigned crew(const struct world *w)
{
	return 2 * w->threads + w->fetchers;
}

/* To ask the store would be in vain. */
static bool nothing_for(const struct world *w, unsigned i)
{
	const struct store *s = w->store;
	if (i < w->threads)
		return list_empty(&s->ready[CLASS_FG]) && list_empty(&s->ready[CLASS_AHEAD]);
	if (i < 2 * w->threads)
		return list_empty(&s->ready[CLASS_PASS]);
	return list_empty(&s->fetchable[CLASS_FG]) && list_empty(&s->fetchable[CLASS_PASS]) &&
	       list_empty(&s->fetchable[CLASS_AHEAD]);
}

static bool take(struct world *w, unsigned i, struct task *t)
{
	if (i < w->threads)
		return store_task_take(w->store, CLASS_FG, t) ||
		       store_task_take(w->store, CLASS_AHEAD, t);
	if (i < 2 * w->threads)
		return store_task_take(w->store, CLASS_PASS, t);
	return store_fetch_take(w->store, t);
}

static bool take_checked(struct world *w, unsigned i, struct task *t)
{
	if (nothing_for(w, i))
		return false;
	if (w->levels == 0 || i >= 2 * w->threads)
		return take(w, i, t);
	struct quiet before = checks_before_offer(w);
	bool taken = take(w, i, t);
	checks_after_offer(w, &before, taken ? t : NULL);
	return taken;
}

/* Taking a task and bringing it back may answer somebody, and the others go on meanwhile: who does it is taken, but
 * not due. */
void world_work(struct world *w)
{
	for (unsigned i = 0; i < crew(w); i++) {
		struct busy *b = &w->busy[i];
		if (b->taken)
			continue;
		b->taken = true;
		b->until = UINT64_MAX;
		struct task t;
		bool taken = take_checked(w, i, &t);
		if (taken) {
			b->task = t;
			task_begin(w, &t);
			b->until = w->now + draw(w, 20 * ms) +
				   (draw(w, 200) == 0 ? draw(w, w->max_hang) : 0);
		}
		b->taken = taken;
	}
}

static void finish(struct world *w, struct busy *b)
{
	struct task t = b->task;
	bool offered = t.kind == TASK_ENCODE && t.flight == NULL && t.key.level == 1;
	b->until = UINT64_MAX;
	task_finish(w, &t);
	b->taken = false;
	struct quiet before = { 0 };
	if (offered)
		before = checks_before_offer(w);
	store_task_done(w->store, &t);
	if (offered)
		checks_after_offer(w, &before, NULL);
}

static void play_one(struct world *w);

static void check_refusal(struct world *w, const struct client *c, const struct answer *a)
{
	bool only_damage = w->io_errors == 0 && w->encoder_errors == 0 && w->no_memory == 0;
	if (only_damage && a->error == EIO && c->key.level != STORE_FIRST_LOOK &&
	    !source_damaged(w, &c->key))
		fault(w, "a chunk that is not over damage was refused");
}

static void check_bytes(struct world *w, const struct client *c, const struct answer *a)
{
	const struct stamp *s = (const void *)a->bytes;
	if (c->key.level == STORE_FIRST_LOOK)
		return;
	if (a->len != source_length(w, &c->key))
		fault(w, "a wrong size");
	if (s != NULL && (s->key.index != c->key.index || s->key.image != c->key.image ||
			  s->key.level != c->key.level))
		fault(w, "bytes of another chunk");
	if (source_damaged(w, &c->key))
		fault(w, "a chunk over damage was served");
	bool size_only = c->kind == WAIT_LOOK || c->kind == WAIT_ATTR;
	if (s == NULL && !size_only)
		fault(w, "no bytes");
}

static void done(void *data, const struct answer *a)
{
	struct client *c = data;
	struct world *w = c->w;
	c->answers++;
	if (!c->waiting)
		fault(w, "an answer to a request that does not wait");
	if (a->kind == ANSWER_BYTES)
		check_bytes(w, c, a);
	if (a->kind == ANSWER_FAILED)
		check_refusal(w, c, a);
	if (a->kind == ANSWER_BOUND && c->kind != WAIT_LOOK)
		fault(w, "a bound for a request that is no look");
	/* Writing the reply takes a while, and the others go on. */
	if (w->depth < MAX_DEPTH && chance(w, w->hold)) {
		w->depth++;
		for (unsigned n = 1 + (unsigned)draw(w, 6); n > 0; n--)
			play_one(w);
		w->depth--;
		if (a->kind == ANSWER_BYTES)
			check_bytes(w, c, a);
	}
	c->waiting = false;
	if ((c->kind == WAIT_OPEN || c->kind == WAIT_READ) && a->kind != ANSWER_CANCELLED &&
	    c->reads_left > 0) {
		c->open = true;
		c->act_at = w->now + draw(w, 200 * ms);
	} else if (c->kind == WAIT_OPEN || c->kind == WAIT_READ) {
		c->open = true;
		c->reads_left = 0;
		c->act_at = w->now + draw(w, 50 * ms);
	} else if (c->kind == WAIT_LOOK && a->kind == ANSWER_BOUND && chance(w, 70)) {
		c->kind = WAIT_OPEN;
		c->act_at = w->now + draw(w, 700 * ms);
		c->open = true;
		c->reads_left = 1;
	}
}

static bool runs_as_pass(struct world *w, const struct store_key *chunk)
{
	struct store_key run = *chunk;
	struct run_cost c;
	if (chunk->level == STORE_FIRST_LOOK)
		return false;
	run.index /= source_chunks(w, chunk->level);
	source_ops.cost(w, &run, RUN_WHOLE, &c);
	return c.pass;
}

void world_ask(struct client *c)
{
	struct world *w = c->w;
	struct get g = { .key = c->key, .kind = c->kind, .done = done, .data = c };
	g.handle = c->kind == WAIT_OPEN || c->kind == WAIT_READ ? &c->handle : NULL;
	g.serial = c->serial = store_serial(w->store);
	c->waiting = true;
	c->answers = 0;
	bool is_pass = runs_as_pass(w, &c->key);
	if (chance(w, 2))
		store_interrupt(w->store, c->serial, (int)draw(w, 10) + 1);
	if (c->kind == WAIT_READ)
		store_read(w->store, &c->handle, &g);
	else
		store_get(w->store, &g);
	if (is_pass && g.kind == WAIT_LOOK && c->waiting && c->serial == g.serial)
		fault(w, "a look waits for a pass");
}

static void new_request(struct world *w, struct client *c)
{
	*c = (struct client){ .w = w, .used = true };
	c->key.image = (uint32_t)draw(w, w->images);
	c->key.level = w->levels > 0 && chance(w, 60) ? (uint32_t)draw(w, w->levels + 1) : 0;
	c->key.index = draw(w, source_runs(w, c->key.level) * source_chunks(w, c->key.level));
	c->kind = (enum wait_kind)draw(w, 5);
	if (c->kind == WAIT_READ)
		c->kind = WAIT_OPEN;
	if (chance(w, 3)) {
		c->key.level = STORE_FIRST_LOOK;
		c->key.index = 0;
		c->kind = WAIT_TAKE;
	}
	c->keeps = chance(w, w->keep);
	c->reads_left = (unsigned)draw(w, 5);
	c->cancel_at = chance(w, 30) ? w->now + draw(w, 100 * ms) : UINT64_MAX;
	c->act_at = UINT64_MAX;
	c->handle.key = c->key;
	world_ask(c);
}

/* What an open file does next: another read, or its end. */
static void act(struct world *w, struct client *c)
{
	c->act_at = UINT64_MAX;
	if (c->reads_left > 0) {
		c->reads_left--;
		c->kind = c->answers == 0 ? WAIT_OPEN : WAIT_READ;
		world_ask(c);
		return;
	}
	if (c->keeps)
		return;
	store_unpin(w->store, &c->handle);
	c->open = false;
}

static void start_client(struct world *w)
{
	for (unsigned i = 0; i < w->n_clients && !w->running_out; i++) {
		struct client *c = &w->clients[i];
		if (!c->waiting && !c->open) {
			new_request(w, c);
			return;
		}
	}
}

/* What is being fetched or waits to be decoded is part of what is reserved. */
static bool raws_are_reserved(struct world *w)
{
	uint64_t n = (uint64_t)w->raws;
	for (unsigned i = 2 * w->threads; i < crew(w); i++)
		n += w->busy[i].taken && w->busy[i].until != UINT64_MAX;
	return w->cost.in_place || n * w->cost.raw <= w->store->reserved;
}

static void after_event(struct world *w)
{
	w->events++;
	if (!raws_are_reserved(w))
		fault(w, "more is fetched than was reserved");
	const char *why = store_check(w->store, false);
	if (why != NULL)
		fault(w, why);
	checks_after_event(w);
}

/* The earliest thing that is due; false: only new requests could happen. */
static bool advance(struct world *w, uint64_t *due)
{
	uint64_t t = w->tick_at;
	for (unsigned i = 0; i < crew(w); i++)
		if (w->busy[i].taken && w->busy[i].until < t)
			t = w->busy[i].until;
	for (unsigned i = 0; i < w->n_clients; i++) {
		const struct client *c = &w->clients[i];
		if (c->waiting && c->cancel_at < t)
			t = c->cancel_at;
		if (!c->waiting && c->open && c->act_at < t)
			t = c->act_at;
	}
	*due = t;
	return t != UINT64_MAX;
}

static void do_due(struct world *w)
{
	if (w->tick_at <= w->now) {
		w->tick_at = UINT64_MAX;
		w->depth += MAX_DEPTH; /* the clock's replies are short */
		uint64_t next = store_tick(w->store);
		w->depth -= MAX_DEPTH;
		if (next != UINT64_MAX && w->now + next < w->tick_at)
			w->tick_at = w->now + next;
		return;
	}
	for (unsigned i = 0; i < crew(w); i++)
		if (w->busy[i].taken && w->busy[i].until <= w->now) {
			finish(w, &w->busy[i]);
			return;
		}
	for (unsigned i = 0; i < w->n_clients; i++) {
		struct client *c = &w->clients[i];
		if (c->waiting && c->cancel_at <= w->now) {
			c->cancel_at = UINT64_MAX;
			store_cancel(w->store, c->serial);
			return;
		}
		if (!c->waiting && c->open && c->act_at <= w->now) {
			act(w, c);
			return;
		}
	}
}

static void play_one(struct world *w)
{
	uint64_t due;
	if (chance(w, 40)) {
		w->now += draw(w, 2 * ms);
		start_client(w);
	} else if (draw(w, 300) == 0) {
		store_drop_caches(w->store);
	} else if (advance(w, &due)) {
		w->now = due > w->now ? due : w->now;
		do_due(w);
	}
	world_work(w);
	after_event(w);
}

bool world_step(struct world *w)
{
	uint64_t due;
	if (!advance(w, &due))
		return false;
	w->now = due > w->now ? due : w->now;
	do_due(w);
	world_work(w);
	after_event(w);
	return true;
}

void world_run_out(struct world *w)
{
	uint64_t due, limit = w->events + 200000;
	unsigned idle_ticks = 0;
	w->running_out = true;
	for (unsigned i = 0; i < w->n_clients; i++)
		w->clients[i].cancel_at = UINT64_MAX;
	while (w->why == NULL && advance(w, &due) && w->events < limit && idle_ticks < 200) {
		bool only_tick = due == w->tick_at;
		world_step(w);
		idle_ticks = only_tick ? idle_ticks + 1 : 0;
	}
	for (unsigned i = 0; i < w->n_clients; i++)
		if (w->clients[i].waiting)
			fault(w, "a waiter was never answered");
}

/* In the midst of everything; what is out still comes back. */
static void shut_down(struct world *w)
{
	w->depth += MAX_DEPTH; /* the end's replies are short */
	store_shutdown(w->store);
	w->depth -= MAX_DEPTH;
	for (unsigned i = 0; i < w->n_clients; i++)
		if (w->clients[i].waiting)
			fault(w, "somebody still waits after the end");
	after_event(w);
}

static const uint64_t factors[] = { 100, 100, 100, 105, 130, 200, 1000 };

static void world_init(struct world *w, uint64_t seed)
{
	*w = (struct world){ .rng = seed * 0x2545f4914f6cdd1dULL,
			     .seed = seed,
			     .tick_at = UINT64_MAX };
	static const unsigned threads[] = { 1, 2, 8 };
	w->now = 1000 * ms;
	w->threads = threads[draw(w, 3)];
	static const unsigned fetchers[] = { 1, 4, 32 };
	w->fetchers = fetchers[draw(w, 3)];
	static const unsigned colds[] = { 0, 20, 100 };
	w->cold = colds[draw(w, 3)];
	w->images = 1 + (unsigned)draw(w, 2);
	w->runs = 1 + (unsigned)draw(w, 10);
	w->levels = chance(w, 40) ? 0 : (unsigned)draw(w, MAX_LEVELS);
	if (w->levels > 0)
		w->runs = 1 + (unsigned)draw(w, 40);
	w->chunks_of[0] = 1 + (unsigned)draw(w, 16);
	for (unsigned l = 1; l <= w->levels; l++) {
		w->children[l] = 1 + (unsigned)draw(w, 4);
		w->chunks_of[l] = 1 + (unsigned)draw(w, 6);
	}
	w->pieces = 1 + (unsigned)draw(w, 6);
	w->units = 1 + (unsigned)draw(w, 4);
	w->exact = chance(w, 30);
	w->lone = chance(w, 30);
	static const unsigned rates[] = { 0, 0, 20, 200 };
	w->damage = rates[draw(w, 4)];
	w->io_errors = rates[draw(w, 4)];
	w->encoder_errors = chance(w, 20) ? 50 : 0;
	static const unsigned holds[] = { 0, 0, 10, 40 };
	w->hold = holds[draw(w, 4)];
	w->keep = chance(w, 50) ? 30 : 0;
	static const unsigned failing[] = { 0, 0, 2, 50 };
	w->no_memory = failing[seed % 4];
	w->max_hang = 5000 * ms;
	uint64_t unit = 4096; /* large beside a page of the size memo */
	w->cost.band = (1 + draw(w, 200)) * unit;
	w->cost.in_place = chance(w, 30);
	w->cost.raw = w->cost.in_place && chance(w, 50) ? 0 : (1 + draw(w, 20)) * unit;
	w->cost.lane = (1 + draw(w, 30)) * unit;
	w->cost.slot = (1 + draw(w, 40)) * unit;
	w->cost.pieces = w->pieces;
	w->cost.chunks = w->chunks_of[0];
	w->blocks = (1 + draw(w, 60)) * unit;
	static const unsigned leaves[] = { 1, 3, 8, 1000 };
	w->pass_leaves = leaves[draw(w, 4)];
	w->n_clients = 5 + (unsigned)draw(w, MAX_CLIENTS - 5);
}

static struct world *broken;

/* The largest of the smallest reservations of ordinary jobs and of passes. */
static void largest(struct world *w, uint64_t *ordinary, uint64_t *pass)
{
	*ordinary = *pass = 0;
	for (unsigned level = 0; level <= w->levels; level++)
		for (uint64_t r = 0; r < source_runs(w, level); r++) {
			struct store_key run = { 0, level, r };
			struct run_cost c;
			source_ops.cost(w, &run, RUN_WHOLE, &c);
			uint64_t *most = c.pass ? pass : ordinary;
			*most = max_u64(*most, store_least(&c));
		}
}

void world_open(struct world *w, uint64_t factor, unsigned spots_max)
{
	uint64_t ordinary, pass;
	largest(w, &ordinary, &pass);
	uint64_t need = store_budget_needed(ordinary, pass, w->cost.slot);
	struct store_config config = { .budget = need + need * (factor - 100) / 100 / 4096 * 4096,
				       .largest_slot = w->cost.slot,
				       .ordinary = ordinary,
				       .threads = w->threads,
				       .fetchers = w->fetchers,
				       .spots_max = spots_max };
	w->store = store_new(&config, &source_ops, w);
}

const char *world_close(struct world *w)
{
	if (w->why == NULL) {
		for (unsigned i = 0; i < w->n_clients; i++)
			store_unpin(w->store, &w->clients[i].handle);
		store_drop_caches(w->store);
		const char *why = store_check(w->store, true);
		if (why != NULL)
			fault(w, why);
	}
	failing_choose(NULL, NULL);
	const char *why = w->why;
	if (why == NULL) {
		store_free(w->store);
		if (w->buffers != 0)
			why = "buffers were lost";
		free(w);
	} else {
		broken = w; /* left as it is, but not lost: the leak checker looks on */
	}
	return why;
}

const char *world_play(uint64_t seed, enum store_fault planted)
{
	struct world *w = calloc(1, sizeof(*w));
	if (w == NULL)
		return "out of memory";
	world_init(w, seed);
	uint64_t factor = factors[draw(w, ARRAY_SIZE(factors))];
	world_open(w, factor, chance(w, 30) ? (unsigned)draw(w, 3) : 256);
	if (w->no_memory != 0)
		failing_choose(memory_fails, w);
	store_plant(w->store, planted);
	unsigned events = 50 + (unsigned)draw(w, 250);
	for (unsigned i = 0; i < events && w->why == NULL; i++)
		play_one(w);
	if (w->why == NULL && chance(w, 10))
		shut_down(w);
	if (w->why == NULL)
		world_run_out(w);
	return world_close(w);
}
