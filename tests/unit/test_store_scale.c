/* What a request costs must not grow with how many wait, nor with how much is damaged: counted in the
 * questions that the store asks while its lock is held. */
#include <check.h>
#include <errno.h>
#include <stdio.h>

#include "fs/store_task.h"
#include "tests/unit/run_suite.h"

enum { RUN_CHUNKS = 16 };

static struct {
	unsigned needs, now;
	uint64_t failed;
} asked;

static uint64_t run_of(UNUSED void *ctx, const struct store_key *chunk, uint32_t *k)
{
	*k = (uint32_t)(chunk->index % RUN_CHUNKS);
	return chunk->index / RUN_CHUNKS;
}

static uint64_t chunk_of(UNUSED void *ctx, const struct store_key *run, uint32_t k)
{
	return run->index * RUN_CHUNKS + k;
}

static void cost(void *ctx, UNUSED const struct store_key *run, UNUSED uint32_t lone,
		 struct run_cost *out)
{
	const uint64_t *band = ctx;
	*out = (struct run_cost){ .band = *band, .slot = MiB, .pieces = 1, .chunks = RUN_CHUNKS };
}

static bool lone_pays(UNUSED void *ctx, UNUSED const struct store_key *chunk)
{
	return false;
}

static uint64_t bound(UNUSED void *ctx, UNUSED const struct store_key *chunk, bool *exact)
{
	*exact = true;
	return MiB;
}

static void planes(UNUSED void *ctx, const struct store_key *chunk, uint64_t *first, uint64_t *n)
{
	*first = chunk->index / RUN_CHUNKS;
	*n = 1;
}

static bool needs(UNUSED void *ctx, const struct store_key *chunk, const struct spot *spot)
{
	asked.needs++;
	return spot->plane == chunk->index / RUN_CHUNKS &&
	       (spot->unit == SPOT_ALL || spot->unit % RUN_CHUNKS == chunk->index % RUN_CHUNKS);
}

static uint64_t now(UNUSED void *ctx)
{
	asked.now++;
	return 1000000000;
}

static bool dying(UNUSED void *ctx, UNUSED int pid)
{
	return false;
}

static void wake_workers(UNUSED void *ctx, UNUSED unsigned n)
{
}

static void wake_clock(UNUSED void *ctx)
{
}

static void give_back(UNUSED void *ctx, UNUSED void *buf, UNUSED uint64_t size)
{
}

static uint64_t runs(UNUSED void *ctx, UNUSED const struct store_key *run)
{
	return UINT64_MAX;
}

static void drop_raw(UNUSED void *ctx, UNUSED void *raw)
{
}

static const struct store_ops ops = { .run_of = run_of,
				      .chunk_of = chunk_of,
				      .runs = runs,
				      .cost = cost,
				      .lone_pays = lone_pays,
				      .bound = bound,
				      .planes = planes,
				      .needs = needs,
				      .now = now,
				      .dying = dying,
				      .wake_workers = wake_workers,
				      .wake_pass_workers = wake_workers,
				      .wake_fetchers = wake_workers,
				      .wake_clock = wake_clock,
				      .give_back = give_back,
				      .drop_raw = drop_raw };

static void done(UNUSED void *data, const struct answer *a)
{
	asked.failed += a->kind == ANSWER_FAILED;
}

static void get(struct store *s, uint64_t index)
{
	struct get g = { .key = { 0, 0, index }, .kind = WAIT_TAKE, .done = done };
	store_get(s, &g);
}

static struct store *new_store(uint64_t *band)
{
	struct store_config c = {
		.budget = 128 * MiB, .largest_slot = MiB, .threads = 2, .spots_max = 256
	};
	asked.needs = asked.now = 0;
	asked.failed = 0;
	return store_new(&c, &ops, band);
}

/* Ends what is under way, so that the store can be freed. */
static void end(struct store *s, struct task *t)
{
	store_shutdown(s);
	if (t != NULL) {
		t->error = EIO;
		store_task_done(s, t);
	}
	struct task more;
	while (store_task_take(s, CLASS_FG, &more)) {
		more.error = EIO;
		store_task_done(s, &more);
	}
	store_free(s);
}

START_TEST(gets_behind_many)
{
	uint64_t band = 16 * MiB;
	struct store *s = new_store(&band);
	for (uint64_t i = 0; i < 4000; i++)
		get(s, i * RUN_CHUNKS);
	asked.now = 0;
	for (uint64_t i = 4000; i < 4100; i++)
		get(s, i * RUN_CHUNKS);
	printf("100 requests behind 4000: the time was asked %u times\n", asked.now);
	ck_assert_uint_lt(asked.now, 100 * 150);
	end(s, NULL);
}
END_TEST

START_TEST(reports_of_a_ruined_plane)
{
	uint64_t band = 16 * MiB;
	struct store *s = new_store(&band);
	struct task t;
	for (uint64_t i = 0; i < 1000; i++)
		get(s, i * RUN_CHUNKS + 1);
	ck_assert(store_task_take(s, CLASS_FG, &t));
	asked.needs = 0;
	for (uint64_t unit = 0; unit < 60000; unit++) {
		struct spot spot = { 0, t.key.index, unit * RUN_CHUNKS + 2 };
		store_report(s, &t, &spot, EIO, 0);
	}
	printf("60000 strips reported: %.1f questions each\n", asked.needs / 60000.0);
	ck_assert_uint_lt(asked.needs, 60000 * 32);
	asked.needs = 0;
	get(s, t.key.index * RUN_CHUNKS + 3);
	ck_assert_uint_le(asked.needs, 256);
	end(s, &t);
}
END_TEST

/* What does not fit into the memory of strips still counts for the job that found it. */
START_TEST(forgotten_strips_fail_their_chunks)
{
	uint64_t band = MiB;
	struct store *s = new_store(&band);
	struct task t;
	get(s, 5);
	ck_assert(store_task_take(s, CLASS_FG, &t));
	ck_assert_int_eq(t.kind, TASK_PREPARE);
	t.bytes = NULL;
	store_task_done(s, &t);
	ck_assert(store_task_take(s, CLASS_FG, &t));
	for (uint64_t unit = 0; unit < 300; unit++) {
		struct spot spot = { 0, 0, unit * RUN_CHUNKS + 2 };
		store_report(s, &t, &spot, EIO, 0);
	}
	struct spot last = { 0, 0, 5 };
	store_report(s, &t, &last, EIO, 0);
	ck_assert(!store_known_bad(s, &t, &last));
	ck_assert_uint_eq(asked.failed, 0);
	store_task_done(s, &t);
	ck_assert(!store_task_take(s, CLASS_FG, &t));
	ck_assert_uint_eq(asked.failed, 1);
	end(s, NULL);
}
END_TEST

/* One that asks for more than there is fails, and those behind it go on. */
START_TEST(a_job_that_never_fits)
{
	uint64_t band = 200 * MiB;
	struct store *s = new_store(&band);
	get(s, 0);
	ck_assert_uint_eq(asked.failed, 1);
	band = MiB;
	get(s, RUN_CHUNKS);
	struct task t;
	ck_assert(store_task_take(s, CLASS_FG, &t));
	ck_assert_uint_eq(t.key.index, 1);
	end(s, &t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store_scale");
	TCase *tc = tcase_create("scale");
	tcase_add_test(tc, gets_behind_many);
	tcase_add_test(tc, reports_of_a_ruined_plane);
	tcase_add_test(tc, forgotten_strips_fail_their_chunks);
	tcase_add_test(tc, a_job_that_never_fits);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
