/* status.json: valid whatever the names are, always of one size; and `status`, which reads it. */
#include "fs/log.h"
#include "fs/status.h"

#include "made_dataset.h"
#include "tests/unit/run_suite.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static double number(const cJSON *o, const char *name)
{
	const cJSON *item = cJSON_GetObjectItem(o, name);
	ck_assert_msg(cJSON_IsNumber(item), "no number %s", name);
	return item->valuedouble;
}

static const struct file_in_use in_use = { true, 0, 17 };

/* Makes the text, checks its size and parses it. */
static cJSON *made(const struct dataset *d, const struct store_stats *stats, struct text *t)
{
	ck_assert_int_eq(status_text(d, stats, &in_use, "7.41, x", t), 0);
	ck_assert_uint_eq(t->len, STATUS_SIZE);
	ck_assert_uint_eq(strlen(t->s), STATUS_SIZE);
	const char *end = NULL;
	cJSON *o = cJSON_ParseWithOpts(t->s, &end, true);
	ck_assert_ptr_nonnull(o);
	return o;
}

START_TEST(all_counters)
{
	struct dataset d;
	made_dataset(&d, 2, 3);
	struct store_stats stats = { .level[0] = { 1, 2, 3, 4, 5, 6, 7 },
				     .level[3] = { 31, 32, 33, 34, 35, 36, 37 },
				     .level[4] = { .evicted = 1 },
				     .level[63] = { .hits = 5 },
				     .planes_decoded = 8,
				     .strips_decoded = 9,
				     .bytes_fetched = 10,
				     .memory_now = 11,
				     .memory_peak = 12,
				     .budget = 13,
				     .reserved = 14,
				     .pinned = 15,
				     .cached = 16,
				     .parked = 17,
				     .queued = 18,
				     .running = 19,
				     .longest_ms = 20,
				     .longest = { 1, 0, 21 } };
	struct text t = { 0 };
	cJSON *o = made(&d, &stats, &t);
	const cJSON *level = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "levels"), 0);
	ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(o, "levels")), 3);
	static const char *const of_level[] = { "made",	   "remade", "hits", "joined",
						"evicted", "failed", "bytes" };
	for (size_t i = 0; i < ARRAY_SIZE(of_level); i++)
		ck_assert_double_eq(number(level, of_level[i]), (double)i + 1);
	ck_assert_double_eq(number(level, "level"), 0);
	level = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "levels"), 1);
	ck_assert_double_eq(number(level, "level"), 3);
	for (size_t i = 0; i < ARRAY_SIZE(of_level); i++)
		ck_assert_double_eq(number(level, of_level[i]), (double)i + 31);
	level = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "levels"), 2);
	ck_assert_double_eq(number(level, "level"), 63);
	ck_assert_ptr_null(cJSON_GetObjectItem(o, "pass"));
	ck_assert_double_eq(number(o, "planes_decoded"), 8);
	ck_assert_double_eq(number(o, "strips_decoded"), 9);
	ck_assert_double_eq(number(o, "bytes_fetched"), 10);
	const cJSON *memory = cJSON_GetObjectItem(o, "memory");
	static const char *const of_memory[] = { "now",	     "peak",   "budget",
						 "reserved", "pinned", "cached" };
	for (size_t i = 0; i < ARRAY_SIZE(of_memory); i++)
		ck_assert_double_eq(number(memory, of_memory[i]), (double)i + 11);
	ck_assert_double_eq(number(o, "parked"), 17);
	ck_assert_double_eq(number(o, "queue"), 18);
	ck_assert_double_eq(number(o, "running"), 19);
	const cJSON *longest = cJSON_GetObjectItem(o, "longest");
	ck_assert_double_eq(number(longest, "ms"), 20);
	ck_assert_double_eq(number(longest, "index"), 21);
	ck_assert_str_eq(cJSON_GetObjectItem(longest, "image")->valuestring, "em_1");
	ck_assert_str_eq(cJSON_GetObjectItem(longest, "file")->valuestring, d.files[0].path);
	ck_assert_double_eq(number(longest, "file_ms"), 17);
	ck_assert_double_eq(number(o, "images_total"), 2);
	ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(o, "images")), 2);
	ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(o, "errors")), 0);
	ck_assert(cJSON_IsString(cJSON_GetObjectItem(o, "version")));
	cJSON_Delete(o);
	text_done(&t);
	made_done(&d);
}
END_TEST

START_TEST(first_look_waits)
{
	struct dataset d;
	made_dataset(&d, 1, 3);
	d.images[0].state = IMAGE_UNSEEN;
	struct store_stats stats = { .longest_ms = 5, .longest = { 0, STORE_FIRST_LOOK, 0 } };
	struct text t = { 0 };
	cJSON *o = made(&d, &stats, &t);
	ck_assert(
		cJSON_IsTrue(cJSON_GetObjectItem(cJSON_GetObjectItem(o, "longest"), "first_look")));
	const cJSON *im = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "images"), 0);
	ck_assert_str_eq(cJSON_GetObjectItem(im, "state")->valuestring, "unseen");
	cJSON_Delete(o);
	text_done(&t);
	made_done(&d);
}
END_TEST

/* Names and sentences that are no UTF-8, hold quotes, or are as long as they can be. */
START_TEST(hostile_names)
{
	struct dataset d;
	made_dataset(&d, 1, 3);
	static char id[] = "a\"\\\x01\xff\xed\xa0\x80/b";
	d.images[0].id = id;
	FILE *null = freopen("/dev/null", "w", stderr);
	ck_assert_ptr_nonnull(null);
	char what[400], msg[400];
	for (int i = 0; i < 40; i++) {
		memset(what, '"', sizeof(what));
		memset(msg, i % 2 ? '\\' : '\x02', sizeof(msg));
		snprintf(what, 16, "%d", i);
		what[strlen(what)] = '"';
		what[sizeof(what) - 1] = msg[sizeof(msg) - 1] = '\0';
		log_problem("damage", what, msg);
	}
	struct store_stats stats = { 0 };
	struct text t = { 0 };
	cJSON *o = made(&d, &stats, &t);
	ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(o, "errors")), 32);
	ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(o, "images")), 1);
	cJSON_Delete(o);
	text_done(&t);
	made_done(&d);
}
END_TEST

START_TEST(images_that_do_not_fit)
{
	struct dataset d;
	made_dataset(&d, 400, 1);
	struct store_stats stats = { 0 };
	struct text t = { 0 };
	cJSON *o = made(&d, &stats, &t);
	ck_assert_double_eq(number(o, "images_total"), 400);
	int shown = cJSON_GetArraySize(cJSON_GetObjectItem(o, "images"));
	ck_assert_int_gt(shown, 50);
	ck_assert_int_lt(shown, 400);
	cJSON_Delete(o);
	text_done(&t);
	made_done(&d);
}
END_TEST

/* Puts text where a mount would have it and runs `status` on it. */
static int read_back(const char *text, bool json, char **printed, struct err *err)
{
	char root[] = "/tmp/ngffuse-status-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(root));
	char folder[100], path[100];
	snprintf(folder, sizeof(folder), "%s/.ngffuse", root);
	snprintf(path, sizeof(path), "%s/.ngffuse/status.json", root);
	if (text != NULL) {
		ck_assert_int_eq(mkdir(folder, 0700), 0);
		FILE *f = fopen(path, "w");
		ck_assert_ptr_nonnull(f);
		fputs(text, f);
		fclose(f);
	}
	size_t n = 0;
	FILE *out = open_memstream(printed, &n);
	ck_assert_ptr_nonnull(out);
	struct options o = { .mountpoint = root, .json = json };
	int code = status_run(&o, out, err);
	fclose(out);
	unlink(path);
	rmdir(folder);
	rmdir(root);
	return code;
}

START_TEST(run)
{
	struct dataset d;
	made_dataset(&d, 1, 3);
	struct store_stats stats = { .level[0] = { .made = 12, .bytes = 3 * MiB } };
	struct text t = { 0 };
	struct err err = { 0 };
	char *s = NULL;
	ck_assert_int_eq(status_text(&d, &stats, &in_use, NULL, &t), 0);
	ck_assert_int_eq(read_back(t.s, false, &s, &err), 0);
	ck_assert_ptr_nonnull(strstr(s, "12 chunks made (3 MiB)"));
	free(s);
	ck_assert_int_eq(read_back(t.s, true, &s, &err), 0);
	ck_assert_uint_lt(strlen(s), STATUS_SIZE / 2);
	cJSON *o = cJSON_Parse(s);
	ck_assert_ptr_nonnull(o);
	cJSON_Delete(o);
	free(s);
	text_done(&t);

	ck_assert_int_eq(status_text(&d, &stats, &in_use, NULL, &t), 0);
	ck_assert_int_eq(read_back(t.s, false, &s, &err), 0);
	ck_assert_ptr_null(strstr(s, "preview"));
	free(s);
	text_done(&t);
	d.images[0].pyramid.level[3].made = d.images[0].pyramid.level[4].made = LEVEL_PREVIEW;
	ck_assert_int_eq(status_text(&d, &stats, &in_use, NULL, &t), 0);
	ck_assert_int_eq(read_back(t.s, false, &s, &err), 0);
	ck_assert_msg(strstr(s, "preview   em: level 3, 4\n") != NULL, "%s", s);
	free(s);
	text_done(&t);

	stats.pass = true;
	stats.pass_run = (struct store_key){ 0, 2, 0 };
	stats.pass_fetched = 1 * MiB;
	d.images[0].pyramid.level[2].stored = 4 * MiB;
	ck_assert_int_eq(status_text(&d, &stats, &in_use, NULL, &t), 0);
	ck_assert_int_eq(read_back(t.s, false, &s, &err), 0);
	ck_assert_msg(strstr(s, "pass      em.zarr: level 2, 1 MiB read, 25 %\n") != NULL, "%s", s);
	free(s);
	text_done(&t);
	stats.pass = false;

	stats.level[3].failed = 1;
	ck_assert_int_eq(status_text(&d, &stats, &in_use, NULL, &t), 0);
	ck_assert_int_eq(read_back(t.s, false, &s, &err), 1);
	ck_assert_int_eq(err.code, 0);
	ck_assert_ptr_nonnull(strstr(s, "1 failed"));
	free(s);
	text_done(&t);
	made_done(&d);
}
END_TEST

START_TEST(no_mount)
{
	struct err err = { 0 };
	char *s = NULL;
	ck_assert_int_eq(read_back(NULL, false, &s, &err), 1);
	ck_assert_int_eq(err.code, ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "no ngffuse is mounted at /tmp/"));
	free(s);
	err = (struct err){ 0 };
	ck_assert_int_eq(read_back("[1, 2", false, &s, &err), 1);
	ck_assert_int_eq(err.code, EBADMSG);
	free(s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("status");
	TCase *t = tcase_create("status");
	suite_add_tcase(s, t);
	tcase_add_test(t, all_counters);
	tcase_add_test(t, first_look_waits);
	tcase_add_test(t, hostile_names);
	tcase_add_test(t, images_that_do_not_fit);
	tcase_add_test(t, run);
	tcase_add_test(t, no_mount);
	return run_suite(s);
}
