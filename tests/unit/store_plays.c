/* Plays of one subject each, in worlds where nothing fails and only those ask whom the play needs. */
#include "tests/unit/store_plays.h"

#include "tests/unit/store_world.h"

enum { UNIT = 4096 };

static struct world *calm_world(uint64_t seed, unsigned levels, unsigned leaves)
{
	struct world *w = calloc(1, sizeof(*w));
	ck_assert_ptr_nonnull(w);
	*w = (struct world){ .rng = seed, .seed = seed, .now = 1000 * ms, .tick_at = UINT64_MAX };
	w->threads = 2;
	w->fetchers = 4;
	w->images = 1;
	w->levels = levels;
	w->runs = leaves;
	for (unsigned l = 0; l <= levels; l++) {
		w->children[l] = 2;
		w->chunks_of[l] = 1;
	}
	w->pieces = 2;
	w->units = 1;
	w->max_hang = 1;
	w->pass_leaves = 1000;
	w->blocks = 20 * UNIT;
	w->cost = (struct run_cost){
		.band = 50 * UNIT, .raw = UNIT, .lane = UNIT, .slot = UNIT, .pieces = 2, .chunks = 1
	};
	w->n_clients = MAX_CLIENTS;
	return w;
}

static struct client *ask(struct world *w, unsigned i, unsigned level, uint64_t index,
			  enum wait_kind kind)
{
	struct client *c = &w->clients[i];
	*c = (struct client){ .w = w, .key = { 0, level, index }, .kind = kind, .used = true };
	c->keeps = true;
	c->cancel_at = c->act_at = UINT64_MAX;
	c->handle.key = c->key;
	world_ask(c);
	world_work(w);
	return c;
}

static void go_on_for(struct world *w, uint64_t ns)
{
	uint64_t end = w->now + ns;
	while (w->now < end && w->why == NULL && world_step(w))
		;
}

static void go_on_until_opened(struct world *w, unsigned n)
{
	while (w->opened < n && w->why == NULL)
		ck_assert(world_step(w));
}

static void end(struct world *w)
{
	if (w->why == NULL)
		world_run_out(w);
	const char *why = world_close(w);
	ck_assert_msg(why == NULL, "%s", why);
}

static bool pass_runs(struct world *w)
{
	struct store_stats stats;
	store_stats(w->store, &stats);
	return stats.pass;
}

static uint64_t strips(struct world *w)
{
	struct store_stats stats;
	store_stats(w->store, &stats);
	return stats.strips_decoded;
}

/* One job beside clients that never cease, on just the memory that is needed. */
struct rush {
	unsigned level, pass_leaves, blocks, others;
};

/* Client 0 wants the job; the others ask again as soon as they are answered. */
static void rush_ask(struct world *w, unsigned i, const struct rush *r)
{
	unsigned level = i == 0 ? r->level : r->others;
	ask(w, i, level, i == 0 ? 0 : draw(w, source_runs(w, level)), WAIT_TAKE);
}

/* Virtual time until the job has answered, at most `most`. */
static uint64_t play_rush(uint64_t seed, const struct rush *r, uint64_t most)
{
	struct world *w = calm_world(seed, r->level, 32);
	w->children[r->level] = 16;
	w->pass_leaves = r->pass_leaves;
	w->blocks = r->blocks * UNIT;
	w->n_clients = 33;
	world_open(w, 100, 256);
	uint64_t start = w->now;
	for (unsigned i = w->n_clients; i-- > 0;)
		rush_ask(w, i, r);
	while (w->clients[0].waiting && w->now - start < most && w->why == NULL) {
		ck_assert(world_step(w));
		for (unsigned i = 1; i < w->n_clients; i++)
			if (!w->clients[i].waiting)
				rush_ask(w, i, r);
		store_drop_caches(w->store); /* so that there is always something to do */
	}
	uint64_t took = w->now - start;
	end(w);
	return took;
}

START_TEST(nobody_waits_for_ever)
{
	static const struct rush rushes[] = {
		{ 2, 2, 20, 0 }, /* a pass beside readers */
		{ 2, 1, 20, 1 }, /* beside smaller passes */
		{ 1, 1000, 100,
		  0 }, /* an ordinary job beside smaller ones, several of which fit at once */
	};
	for (uint64_t seed = 1; seed <= 5; seed++) {
		uint64_t took = play_rush(seed, &rushes[_i], 60000 * ms);
		ck_assert_msg(took < 60000 * ms, "seed %llu: a job is starved",
			      (unsigned long long)seed);
	}
}
END_TEST

/* The cheapest first; but one that eight have overtaken goes before all. */
START_TEST(passes_take_turns)
{
	struct world *w = calm_world(1, 2, 64);
	w->children[2] = 8;
	w->pass_leaves = 1;
	world_open(w, 200, 256);
	ask(w, 0, 1, 0, WAIT_TAKE);
	ask(w, 1, 2, 3, WAIT_TAKE);
	for (unsigned i = 1; i <= 12; i++)
		ask(w, 1 + i, 1, i, WAIT_TAKE);
	go_on_until_opened(w, 14);
	for (unsigned i = 0; i < 14; i++)
		ck_assert_uint_eq(w->order[i].level, i == 9 ? 2 : 1);
	end(w);
}
END_TEST

/* What a pass needs is not kept from readers before it has waited for a while. */
START_TEST(memory_is_set_aside_late)
{
	struct world *w = calm_world(1, 2, 32);
	w->pass_leaves = 2;
	world_open(w, 100, 256);
	ask(w, 0, 0, 0, WAIT_TAKE);
	ask(w, 1, 2, 0, WAIT_TAKE);
	ask(w, 2, 0, 5, WAIT_TAKE);
	struct store_stats stats;
	store_stats(w->store, &stats);
	ck_assert_uint_eq(stats.running, 2);
	ck_assert_uint_eq(stats.queued, 1);
	ck_assert(!stats.pass);
	end(w);
}
END_TEST

/* Half a second after the last one has left. */
START_TEST(a_pass_lingers)
{
	struct world *w = calm_world(1, 2, 128);
	w->children[2] = 64;
	w->pass_leaves = 2;
	world_open(w, 400, 256);
	struct client *c = ask(w, 0, 2, 0, WAIT_TAKE);
	go_on_for(w, 200 * ms);
	store_cancel(w->store, c->serial);
	go_on_for(w, 400 * ms);
	ck_assert(pass_runs(w));
	c = ask(w, 1, 2, 0, WAIT_TAKE);
	go_on_for(w, 700 * ms);
	ck_assert(pass_runs(w));
	ck_assert_uint_eq(w->opened, 1);
	store_cancel(w->store, c->serial);
	go_on_for(w, 400 * ms);
	ck_assert(pass_runs(w));
	go_on_for(w, 300 * ms);
	ck_assert(!pass_runs(w));
	end(w);
}
END_TEST

/* Coarse chunks that a pass will come by wait for it, finer ones do not; and where a run is loaded that holds such a
 * chunk, whoever waits for it waits no longer for the pass. */
START_TEST(waiting_for_a_pass)
{
	struct world *w = calm_world(1, 5, 16);
	w->children[1] = w->children[2] = w->children[3] = 1;
	w->children[5] = 8;
	w->pass_leaves = 2;
	world_open(w, 400, 256);
	ask(w, 0, 4, 3, WAIT_OPEN);
	while (w->clients[0].waiting)
		ck_assert(world_step(w));
	store_drop_caches(w->store);
	ask(w, 1, 5, 0, WAIT_TAKE);
	go_on_until_opened(w, 2);
	const struct client *under_loaded = ask(w, 2, 3, 6, WAIT_TAKE);
	ask(w, 3, 3, 12, WAIT_TAKE);
	ask(w, 4, 2, 12, WAIT_TAKE);
	go_on_until_opened(w, 3);
	ck_assert_uint_eq(w->order[2].level, 2);
	go_on_until_opened(w, 4);
	ck_assert_uint_eq(w->order[3].level, 3);
	ck_assert(pass_runs(w) && under_loaded->waiting);
	go_on_for(w, 60000 * ms);
	ck_assert_uint_eq(w->opened, 4);
	end(w);
}
END_TEST

static bool loads_from(const struct world *w, unsigned level)
{
	for (unsigned i = 0; i < 2 * w->threads; i++)
		if (w->busy[i].taken && w->busy[i].task.kind == TASK_REDUCE &&
		    w->busy[i].task.from == level)
			return true;
	return false;
}

/* Also one that ends with the run that is being loaded. */
START_TEST(waiting_for_what_is_loaded)
{
	struct world *w = calm_world(1, 5, 16);
	w->children[1] = w->children[2] = w->children[3] = 1;
	w->children[5] = 8;
	w->pass_leaves = 2;
	world_open(w, 400, 256);
	ask(w, 0, 3, 7, WAIT_OPEN);
	while (w->clients[0].waiting)
		ck_assert(world_step(w));
	ck_assert(!ask(w, 3, 2, 7, WAIT_OPEN)->waiting); /* the coarser one is loaded */
	store_drop_caches(w->store);
	ask(w, 1, 5, 0, WAIT_TAKE);
	while (!loads_from(w, 3))
		ck_assert(world_step(w));
	ask(w, 2, 4, 3, WAIT_TAKE);
	go_on_for(w, 60000 * ms);
	ck_assert_uint_eq(w->opened, 2);
	end(w);
}
END_TEST

/* A job of level 0 that waits for memory gets the band that a ladder has decoded for itself. */
START_TEST(a_band_for_who_waits)
{
	struct world *w = calm_world(1, 1, 16);
	w->children[1] = 16;
	w->blocks = 200 * UNIT;
	world_open(w, 100, 256);
	ask(w, 0, 1, 0, WAIT_TAKE);
	go_on_until_opened(w, 1);
	const struct client *reader = ask(w, 1, 0, 5, WAIT_TAKE);
	go_on_for(w, 60000 * ms);
	ck_assert(!reader->waiting);
	ck_assert_uint_eq(strips(w), 16 * 2);
	end(w);
}
END_TEST

/* What a job of a coarse level makes on its way is kept, also after its last waiter has left; and what is kept is
 * not decoded again. */
START_TEST(what_is_made_is_kept)
{
	enum { CHUNKS = 6 };
	struct world *w = calm_world(1, 2, 4);
	w->chunks_of[0] = w->chunks_of[1] = w->chunks_of[2] = w->cost.chunks = CHUNKS;
	world_open(w, 1000, 256);
	ask(w, 0, 2, 0, WAIT_TAKE);
	go_on_for(w, 60000 * ms);
	uint64_t all = strips(w);
	ck_assert_uint_eq(all, 8);
	for (unsigned k = 0; k < CHUNKS; k++)
		ck_assert(!ask(w, 0, 2, k, WAIT_TAKE)->waiting);
	for (unsigned k = 0; k < 2 * CHUNKS; k++)
		ck_assert(!ask(w, k, 1, k, WAIT_OPEN)->waiting);
	store_drop_caches(w->store); /* but what is pinned */
	ck_assert(ask(w, 99, 2, 0, WAIT_TAKE)->waiting);
	go_on_for(w, 60000 * ms);
	ck_assert_uint_eq(strips(w), all);

	for (unsigned k = 0; k < 2 * CHUNKS; k++)
		store_unpin(w->store, &w->clients[k].handle);
	store_drop_caches(w->store);
	ask(w, 0, 0, 0, WAIT_TAKE); /* its band stays */
	go_on_for(w, 60000 * ms);
	ask(w, 0, 1, 0, WAIT_TAKE);
	go_on_for(w, 60000 * ms);
	ck_assert_uint_eq(strips(w), all + 4);
	end(w);
}
END_TEST

/* Two runs in reading order start the third one, where that leaves half of the memory free. */
START_TEST(reading_ahead)
{
	static const unsigned budgets[] = { 200, 1000 };
	for (unsigned i = 0; i < 2; i++) {
		struct world *w = calm_world(1, 0, 4);
		world_open(w, budgets[i], 256);
		for (unsigned run = 0; run < 2; run++) {
			ask(w, 0, 0, run, WAIT_TAKE);
			go_on_for(w, 1000 * ms);
		}
		ck_assert_uint_eq(strips(w), i == 0 ? 2 * 2 : 3 * 2);
		end(w);
	}
}
END_TEST

TCase *store_plays(void)
{
	TCase *c = tcase_create("plays");
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, nobody_waits_for_ever, 0, 3);
	tcase_add_test(c, passes_take_turns);
	tcase_add_test(c, memory_is_set_aside_late);
	tcase_add_test(c, a_pass_lingers);
	tcase_add_test(c, waiting_for_a_pass);
	tcase_add_test(c, waiting_for_what_is_loaded);
	tcase_add_test(c, a_band_for_who_waits);
	tcase_add_test(c, what_is_made_is_kept);
	tcase_add_test(c, reading_ahead);
	return c;
}
