/* The log: what is written, how often, and what is remembered. */
#include "fs/log.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Everything that `body` writes to stderr. Caller frees. */
static char *caught(void (*body)(void))
{
	FILE *file = tmpfile();
	ck_assert_ptr_nonnull(file);
	fflush(stderr);
	int old = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
	body();
	fflush(stderr);
	dup2(old, STDERR_FILENO);
	close(old);
	fseek(file, 0, SEEK_END);
	long n = ftell(file);
	rewind(file);
	char *s = calloc(1, (size_t)n + 1);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(fread(s, 1, (size_t)n, file), (size_t)n);
	fclose(file);
	return s;
}

static void repeat(void)
{
	for (int i = 0; i < 150; i++)
		log_problem("damage", "a.tif", "strip 17: LZW: corrupt data");
	log_problem("damage", "b.tif", "strip 17: LZW: corrupt data");
	log_problem("io", "", "no space");
	log_line("mounted %s", "here");
}

START_TEST(counts)
{
	char *s = caught(repeat);
	ck_assert_str_eq(s, "ngffuse: a.tif: strip 17: LZW: corrupt data\n"
			    "ngffuse: a.tif: strip 17: LZW: corrupt data (10 times)\n"
			    "ngffuse: a.tif: strip 17: LZW: corrupt data (100 times)\n"
			    "ngffuse: b.tif: strip 17: LZW: corrupt data\n"
			    "ngffuse: no space\n"
			    "ngffuse: mounted here\n");
	free(s);
	struct log_entry e[32];
	ck_assert_uint_eq(log_recent(e), 3);
	ck_assert_str_eq(e[0].what, "a.tif");
	ck_assert_str_eq(e[0].kind, "damage");
	ck_assert_uint_eq(e[0].count, 150);
	ck_assert_int_gt(e[0].time, 1600000000);
	ck_assert_str_eq(e[2].msg, "no space");
	ck_assert_uint_eq(e[2].count, 1);
}
END_TEST

static void many(void)
{
	char what[32];
	for (int i = 0; i < 40; i++) {
		snprintf(what, sizeof(what), "%d.tif", i);
		log_problem("damage", what, "bad");
	}
	/* 20 is remembered still and moves to the end. */
	log_problem("damage", "20.tif", "bad");
}

START_TEST(last_ones_stay)
{
	free(caught(many));
	struct log_entry e[32];
	ck_assert_uint_eq(log_recent(e), 32);
	ck_assert_str_eq(e[0].what, "8.tif");
	ck_assert_str_eq(e[11].what, "19.tif");
	ck_assert_str_eq(e[12].what, "21.tif");
	ck_assert_str_eq(e[30].what, "39.tif");
	ck_assert_str_eq(e[31].what, "20.tif");
	ck_assert_uint_eq(e[31].count, 2);
}
END_TEST

static void muted_then_again(void)
{
	log_mute(true);
	log_problem("damage", "a.tif", "bad");
	log_problem("damage", "b.tif", "bad");
	log_mute(false);
	for (int i = 0; i < 9; i++)
		log_problem("damage", "a.tif", "bad");
}

START_TEST(what_was_muted_is_told_when_it_comes_again)
{
	char *s = caught(muted_then_again);
	ck_assert_str_eq(s, "ngffuse: a.tif: bad\n"
			    "ngffuse: a.tif: bad (10 times)\n");
	free(s);
}
END_TEST

static void odd(void)
{
	char long_text[600];
	memset(long_text, 'x', sizeof(long_text));
	long_text[254] = '\xc3';
	long_text[255] = '\xa4';
	long_text[sizeof(long_text) - 1] = '\0';
	log_problem("a-kind-with-a-long-name", "a\nb\x1b[2J\xff", long_text);
}

START_TEST(lines_stay_lines)
{
	char *s = caught(odd);
	ck_assert_ptr_nonnull(strstr(s, "a\xef\xbf\xbd"
					"b\xef\xbf\xbd[2J\xef\xbf\xbd: xxx"));
	ck_assert_ptr_eq(strchr(s, '\n'), s + strlen(s) - 1);
	ck_assert_ptr_null(strchr(s, '\x1b'));
	free(s);
	struct log_entry e[32];
	ck_assert_uint_eq(log_recent(e), 1);
	ck_assert_str_eq(e[0].kind, "a-kind-with-a-l");
	/* Cut before the two bytes that no longer fit whole. */
	ck_assert_uint_eq(strlen(e[0].msg), 254);
}
END_TEST

static void *writer(void *arg)
{
	for (int i = 0; i < 500; i++) {
		char what[32];
		snprintf(what, sizeof(what), "%d-%d", (int)(uintptr_t)arg, i % 7);
		log_problem("damage", what, "bad");
		log_problem("damage", "shared", "bad");
	}
	return NULL;
}

static void threads(void)
{
	pthread_t t[4];
	for (uintptr_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, writer, (void *)i), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

START_TEST(many_threads)
{
	free(caught(threads));
	struct log_entry e[32];
	size_t n = log_recent(e), shared = 0;
	ck_assert_uint_eq(n, 29);
	for (size_t i = 0; i < n; i++)
		if (strcmp(e[i].what, "shared") == 0)
			shared += e[i].count;
	ck_assert_uint_eq(shared, 2000);
}
END_TEST

static void muted_then_not(void)
{
	log_mute(true);
	log_problem("image", "em", "no planes");
	log_mute(false);
	log_problem("damage", "a.tif", "bad");
}

START_TEST(muted_is_remembered)
{
	char *s = caught(muted_then_not);
	ck_assert_str_eq(s, "ngffuse: a.tif: bad\n");
	free(s);
	struct log_entry e[32];
	ck_assert_uint_eq(log_recent(e), 2);
}
END_TEST

static void muted_then_told(void)
{
	log_problem("damage", "a.tif", "bad");
	log_mute(true);
	log_problem("image", "em", "no planes");
	log_forget();
	log_problem("damage", "a.tif", "bad");
	log_problem("damage", "b.tif", "bad");
	log_tell();
	log_problem("damage", "c.tif", "bad");
}

START_TEST(told_once_and_what_was_forgotten_never)
{
	char *s = caught(muted_then_told);
	ck_assert_str_eq(s, "ngffuse: a.tif: bad\n"
			    "ngffuse: b.tif: bad\n"
			    "ngffuse: c.tif: bad\n");
	free(s);
	struct log_entry e[32];
	ck_assert_uint_eq(log_recent(e), 3);
}
END_TEST

static void quiet(void)
{
	log_to_syslog();
	log_problem("damage", "a.tif", "bad");
	log_line("end");
}

START_TEST(syslog_is_not_stderr)
{
	char *s = caught(quiet);
	ck_assert_str_eq(s, "");
	free(s);
	struct log_entry e[32];
	ck_assert_uint_eq(log_recent(e), 1);
}
END_TEST

/* Each test runs in a process of its own, so each begins with an empty log. */
int main(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("log");
	suite_add_tcase(s, t);
	tcase_add_test(t, counts);
	tcase_add_test(t, last_ones_stay);
	tcase_add_test(t, lines_stay_lines);
	tcase_add_test(t, many_threads);
	tcase_add_test(t, muted_is_remembered);
	tcase_add_test(t, what_was_muted_is_told_when_it_comes_again);
	tcase_add_test(t, told_once_and_what_was_forgotten_never);
	tcase_add_test(t, syslog_is_not_stderr);
	SRunner *r = srunner_create(s);
	srunner_set_fork_status(r, CK_FORK);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
