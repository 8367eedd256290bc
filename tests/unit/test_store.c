/* The store's deterministic driver: seeds, plays of one subject each, and faults planted on purpose.
 * NGFFUSE_SEEDS=A-B chooses the seeds (default 1-10000). */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/unit/run_suite.h"
#include "tests/unit/store_world.h"

static void seeds_wanted(uint64_t *from, uint64_t *to)
{
	*from = 1;
	*to = 10000;
	const char *env = getenv("NGFFUSE_SEEDS");
	if (env == NULL)
		return;
	char *end;
	*from = strtoull(env, &end, 10);			 /* lint-ok: a test's */
	*to = *end == '-' ? strtoull(end + 1, NULL, 10) : *from; /* lint-ok: a test's */
}

START_TEST(every_seed_holds)
{
	uint64_t from, to;
	seeds_wanted(&from, &to);
	for (uint64_t seed = from; seed <= to; seed++) {
		const char *why = world_play(seed, FAULT_NONE);
		ck_assert_msg(why == NULL, "seed %llu: %s", (unsigned long long)seed, why);
	}
	printf("store driver: seeds %llu-%llu hold; %llu allocations failed\n",
	       (unsigned long long)from, (unsigned long long)to, (unsigned long long)world_refused);
}
END_TEST

/* One pass over everything beside clients that never cease: readers of level 0, or of smaller passes. */
struct rush {
	unsigned level;
	bool beside_passes;
};

static void rush_init(struct world *w, uint64_t seed, const struct rush *r)
{
	*w = (struct world){ .rng = seed, .seed = seed, .tick_at = UINT64_MAX };
	w->now = 1000 * ms;
	w->threads = 2;
	w->fetchers = 4;
	w->images = 1;
	w->levels = r->level;
	w->runs = 32;
	for (unsigned l = 0; l <= w->levels; l++) {
		w->children[l] = l == w->levels ? 16 : 2;
		w->chunks_of[l] = 1;
	}
	w->pieces = 2;
	w->units = 1;
	w->max_hang = 1;
	w->pass_leaves = r->beside_passes ? 1 : 2;
	w->blocks = 20 * 4096;
	w->cost = (struct run_cost){
		.band = 50 * 4096, .raw = 4096, .lane = 4096, .slot = 4096, .pieces = 2, .chunks = 1
	};
	w->n_clients = 33;
}

/* Client 0 wants the pass; the others ask again as soon as they are answered. */
static void rush_ask(struct world *w, struct client *c, const struct rush *r)
{
	bool first = c == &w->clients[0];
	*c = (struct client){ .w = w, .used = true, .cancel_at = UINT64_MAX, .act_at = UINT64_MAX };
	c->key.level = first ? r->level : r->beside_passes ? 1 : 0;
	c->key.index = first ? 0 : draw(w, source_runs(w, c->key.level));
	c->kind = WAIT_TAKE;
	world_ask(c);
}

/* Virtual time until the pass has answered, at most `most`. */
static uint64_t play_rush(uint64_t seed, const struct rush *r, uint64_t most)
{
	struct world *w = calloc(1, sizeof(*w));
	ck_assert_ptr_nonnull(w);
	rush_init(w, seed, r);
	world_open(w, 100, 256);
	uint64_t start = w->now;
	for (unsigned i = w->n_clients; i-- > 0;)
		rush_ask(w, &w->clients[i], r);
	world_work(w);
	while (w->clients[0].waiting && w->now - start < most && w->why == NULL) {
		ck_assert(world_step(w));
		for (unsigned i = 1; i < w->n_clients; i++)
			if (!w->clients[i].waiting)
				rush_ask(w, &w->clients[i], r);
		store_drop_caches(w->store); /* so that there is always something to do */
	}
	uint64_t took = w->now - start;
	for (unsigned i = 0; i < w->n_clients; i++)
		w->clients[i].open = false;
	if (w->why == NULL)
		world_run_out(w);
	ck_assert_msg(w->why == NULL, "seed %llu: %s", (unsigned long long)seed, w->why);
	store_free(w->store);
	free(w);
	return took;
}

START_TEST(no_pass_waits_for_ever)
{
	static const struct rush rushes[] = { { 2, false }, { 2, true } };
	for (uint64_t seed = 1; seed <= 5; seed++) {
		uint64_t took = play_rush(seed, &rushes[_i], 60000 * ms);
		ck_assert_msg(took < 60000 * ms, "seed %llu: a pass is starved",
			      (unsigned long long)seed);
	}
}
END_TEST

static const char *const fault_names[FAULT_COUNT] = {
	[FAULT_NO_LANDING_ZONE] = "no landing zone",
	[FAULT_NO_PIN_QUARTER] = "no quarter for pins",
	[FAULT_NO_TICK] = "no tick",
	[FAULT_LATE_RUN_TABLE] = "stopped jobs stay joinable",
	[FAULT_NO_LAST_HAND] = "a given back hand admits nobody",
	[FAULT_FULL_SLOTS] = "room for all wanted chunks at once",
	[FAULT_LOST_WAITER] = "a cancelled flight stays in the table",
};

/* Plays seeds until one shows the fault; a broken store may also crash, so it runs in a child. */
static bool child_finds(enum store_fault f)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		for (uint64_t seed = 1; seed <= 20000; seed++) {
			const char *why = world_play(seed, f);
			if (why == NULL)
				continue;
			printf("planted: %s: found by seed %llu: %s\n", fault_names[f],
			       (unsigned long long)seed, why);
			fflush(stdout);
			_exit(1);
		}
		_exit(0);
	}
	int status = 0;
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	if (WIFSIGNALED(status))
		printf("planted: %s: crashed\n", fault_names[f]);
	return status != 0;
}

START_TEST(planted_fault_is_found)
{
	enum store_fault f = (enum store_fault)_i;
	ck_assert_msg(child_finds(f), "planted and not found: %s", fault_names[f]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store");
	TCase *c = tcase_create("driver");
	tcase_set_timeout(c, 0);
	tcase_add_test(c, every_seed_holds);
	tcase_add_loop_test(c, no_pass_waits_for_ever, 0, 2);
	tcase_add_loop_test(c, planted_fault_is_found, FAULT_NONE + 1, FAULT_COUNT);
	suite_add_tcase(s, c);
	return run_suite(s);
}
