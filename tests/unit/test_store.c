/* The store's deterministic driver: seeds, plays (store_plays.h), and faults planted
 * on purpose.
 * NGFFUSE_SEEDS=A-B chooses the seeds (default 1-10000). */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/unit/run_suite.h"
#include "tests/unit/store_plays.h"
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
	TCase *planted = tcase_create("planted");
	tcase_set_timeout(planted, 0);
	tcase_add_loop_test(planted, planted_fault_is_found, FAULT_NONE + 1, FAULT_COUNT);
	suite_add_tcase(s, c);
	suite_add_tcase(s, planted);
	suite_add_tcase(s, store_plays());
	return run_suite(s);
}
