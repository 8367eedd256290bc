/* Every item is done once, whoever does it; many at a time where they wait; threads end with the call. */
#include "fs/crowd.h"
#include "tests/unit/run_suite.h"

#include <check.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 1000 };

static struct crowd crowd;
static unsigned char done[MANY]; /* plain: no two threads may touch one */
static atomic_uint now, most, total;
static useconds_t wait_us;

static void setup(void)
{
	crowd = (struct crowd){ 0 };
	memset(done, 0, sizeof(done));
	now = most = total = 0;
	wait_us = 0;
}

static void one(void *arg, size_t i)
{
	ck_assert_ptr_eq(arg, done);
	unsigned n = atomic_fetch_add(&now, 1) + 1;
	for (unsigned m = atomic_load(&most); m < n;)
		if (atomic_compare_exchange_weak(&most, &m, n))
			break;
	if (wait_us > 0)
		usleep(wait_us); /* what storage does */
	done[i]++;
	atomic_fetch_add(&total, 1);
	atomic_fetch_sub(&now, 1);
}

static void do_all(size_t n)
{
	struct each e = crowd_each(&crowd);
	each_run(&e, n, one, done);
	ck_assert_uint_eq(total, n);
	for (size_t i = 0; i < MANY; i++)
		ck_assert_uint_eq(done[i], i < n);
}

START_TEST(nothing_to_do)
{
	do_all(0);
	crowd.slow = true;
	do_all(0);
}
END_TEST

START_TEST(one_after_another_without)
{
	struct each none = { 0 };
	each_run(&none, 10, one, done);
	ck_assert_uint_eq(total, 10);
	ck_assert_uint_eq(most, 1);
}
END_TEST

START_TEST(many_wait_together)
{
	wait_us = 10000;
	do_all(MANY);
	ck_assert(crowd.slow);
	/* Some threads may have begun late. */
	ck_assert_uint_gt(most, CROWD_MAX / 2);
	ck_assert_uint_le(most, CROWD_MAX);
}
END_TEST

START_TEST(few_items_are_few_threads)
{
	crowd.slow = true;
	wait_us = 10000;
	do_all(3);
	ck_assert_uint_le(most, 3);
	setup();
	crowd.slow = true;
	do_all(1);
	ck_assert_uint_eq(most, 1);
}
END_TEST

START_TEST(what_is_known_to_be_slow_is_met_by_all)
{
	crowd.slow = true;
	do_all(MANY);
}
END_TEST

/* A small limit of descriptors is not used up. */
START_TEST(few_descriptors)
{
	struct rlimit r = { 32, 32 };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
	crowd.slow = true;
	wait_us = 2000;
	do_all(100);
	ck_assert_uint_le(most, 4);
	ck_assert_uint_ge(most, 2);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they need address space */
/* There is no room for another stack: the caller does it all. */
START_TEST(no_thread_can_be_started)
{
	struct rlimit r = { 1, 1 };
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &r), 0);
	crowd.slow = true;
	do_all(100);
	ck_assert_uint_eq(most, 1);
}
END_TEST
#endif

int main(void)
{
	Suite *s = suite_create("crowd");
	TCase *t = tcase_create("crowd");
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, nothing_to_do);
	tcase_add_test(t, one_after_another_without);
	tcase_add_test(t, many_wait_together);
	tcase_add_test(t, few_items_are_few_threads);
	tcase_add_test(t, what_is_known_to_be_slow_is_met_by_all);
	tcase_add_test(t, few_descriptors);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they need address space */
	tcase_add_test(t, no_thread_can_be_started);
#endif
	return run_suite(s);
}
