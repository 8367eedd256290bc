/* The strict reader of JSON: what it takes, in which order, with which lines; and each refusal. */
#include "meta/json_read.h"
#include "tests/unit/run_suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was read, written anew without blanks, so that a test compares texts. */
static void show(const struct json_tree *t, size_t *at, char *to, size_t room)
{
	const struct json_value *v = &t->v[(*at)++];
	size_t len = strlen(to);
	const char *key = v->key != NULL ? v->key : "", *colon = v->key != NULL ? ":" : "";
	const char *text = v->text != NULL	    ? v->text
			   : v->type == JSON_ARRAY  ? "["
			   : v->type == JSON_OBJECT ? "{"
						    : json_type_name(v->type);
	snprintf(to + len, room - len, "%s%s%s", key, colon, text);
	for (uint32_t i = 0; i < v->n; i++) {
		if (i > 0)
			snprintf(to + strlen(to), room - strlen(to), ",");
		show(t, at, to, room);
	}
	ck_assert_uint_eq(v->next, *at);
	len = strlen(to);
	if (v->type == JSON_ARRAY || v->type == JSON_OBJECT)
		snprintf(to + len, room - len, "%s", v->type == JSON_ARRAY ? "]" : "}");
}

/* The text stands at the end of its memory, so that a sanitizer sees a read behind it. */
static int read_exactly(const char *s, size_t n, struct json_tree *t, struct json_fault *f,
			struct err *err)
{
	char *copy = malloc(n > 0 ? n : 1);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, s, n);
	int rc = json_read(copy, n, t, f, err);
	free(copy);
	return rc;
}

static const struct {
	const char *text, *shown;
} good[] = {
	{ "{}", "{}" },
	{ " [ ] ", "[]" },
	{ "7", "7" },
	{ "\xef\xbb\xbf{\"a\":1}", "{a:1}" },
	{ "{\"b\": 1, \"a\": [true, false, null], \"\": {\"c\": \"d\"}}",
	  "{b:1,a:[true,false,null],:{c:d}}" },
	{ "[0, -0, 10, 0.5, -1.25e-9, 1E+3, 18446744073709551615, 1.00]",
	  "[0,-0,10,0.5,-1.25e-9,1E+3,18446744073709551615,1.00]" },
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
	{ "\"\\u0041\\u00b5\\u212B\\ud83d\\uDE00\"", "A\xc2\xb5\xe2\x84\xab\xf0\x9f\x98\x80" },
	{ "\"\xc2\xb5m \xf0\x9f\x98\x80\x7f\"", "\xc2\xb5m \xf0\x9f\x98\x80\x7f" },
	{ "{\"a\":{\"x\":1},\"b\":{\"x\":1}}", "{a:{x:1},b:{x:1}}" },
	{ "[[[]],[],{}]", "[[[]],[],{}]" },
	{ "\t{\r\n\"a\"\n:\n1\n}\n", "{a:1}" },
};

START_TEST(takes)
{
	struct json_tree t;
	struct json_fault f;
	struct err err = { 0 };
	char shown[400] = "";
	size_t at = 0;
	int rc = read_exactly(good[_i].text, strlen(good[_i].text), &t, &f, &err);
	ck_assert_msg(rc == 0, "%s: %s", good[_i].text, err.msg);
	show(&t, &at, shown, sizeof(shown));
	ck_assert_str_eq(shown, good[_i].shown);
	ck_assert_uint_eq(at, t.n);
	json_tree_done(&t);
}
END_TEST

/* What is wrong, on which line, in the value of which key, and a word of the sentence. */
static const struct {
	const char *text;
	unsigned line;
	const char *key, *word;
} bad[] = {
	{ "", 1, "", "a value is expected, not the end of the text" },
	{ "\n\n", 3, "", "the end of the text" },
	{ "{", 1, "", "a key in double quotes" },
	{ "[1", 1, "", "',' or ']' is expected" },
	{ "{\n\"a\": 1\n\"b\": 2}", 3, "", "',' or '}' behind \"a\" is expected, not '\"'" },
	{ "{\"a\": 1,}", 1, "", "a key in double quotes is expected, not '}'" },
	{ "[1,]", 1, "", "a value is expected, not ']'" },
	{ "[,1]", 1, "", "a value" },
	{ "{a: 1}", 1, "", "a key in double quotes is expected, not 'a'" },
	{ "{'a': 1}", 1, "", "double quotes" },
	{ "{\"a\" 1}", 1, "a", "':'" },
	{ "{\"a\":\n}", 2, "a", "a value is expected, not '}'" },
	{ "{\"a\": [1,\n2,\n3 4]}", 3, "a", "',' or ']'" },
	{ "{\"a\": 1, // one\n}", 1, "", "JSON has no comments" },
	{ "# x\n{}", 1, "", "JSON has no comments" },
	{ "{\"a\": nul}", 1, "a", "a value is expected, not 'n'" },
	{ "{\"a\": True}", 1, "a", "not 'T'" },
	{ "{\"a\": truetrue}", 1, "", "behind \"a\"" },
	{ "{\"a\": NaN}", 1, "a", "a value" },
	{ "{\"a\": 01}", 1, "a", "zeros in front" },
	{ "{\"a\": +1}", 1, "a", "without +" },
	{ "{\"a\": -}", 1, "a", "a number" },
	{ "{\"a\": 1.}", 1, "a", "a number" },
	{ "{\"a\": 1e}", 1, "a", "a number" },
	{ "{\"a\": .5}", 1, "a", "not '.'" },
	{ "{\"a\": 0x10}", 1, "", "not 'x'" },
	{ "{\"a\": \"b\n\"}", 1, "a", "no end on its line" },
	{ "{\"a\": \"b", 1, "a", "no end" },
	{ "{\"a\": \"\x01\"}", 1, "a", "\\u0001" },
	{ "{\"a\": \"\\x41\"}", 1, "a", "behind a backslash is expected, not 'x'" },
	{ "{\"a\": \"\\u12g4\"}", 1, "a", "four hexadecimal digits" },
	{ "{\"a\": \"\\u12", 1, "a", "four hexadecimal digits" },
	{ "{\"a\": \"\\", 1, "a", "behind a backslash" },
	{ "{\"a\": \"\\ud83d\"}", 1, "a", "surrogates" },
	{ "{\"a\": \"\\ud83d\\u0041\"}", 1, "a", "surrogates" },
	{ "{\"a\": \"\\ude00\"}", 1, "a", "surrogates" },
	{ "{\"a\": \"\\u0000\"}", 1, "a", "\\u0000" },
	{ "{\"a\": \"\xb5m\"}", 1, "a", "0xb5 is no UTF-8" },
	{ "{\"a\": \"\xc0\x80\"}", 1, "a", "no UTF-8" },
	{ "{\"a\": \"\xed\xa0\x80\"}", 1, "a", "no UTF-8" },
	{ "{\"a\": \"\xe2\x82\"}", 1, "a", "no UTF-8" },
	{ "{\"a\": \x80}", 1, "a", "the byte 0x80" },
	{ "{} {}", 1, "", "nothing more is expected, not '{'" },
	{ "{\"a\": 1,\n\"b\": 2,\n\"a\": 3}", 3, "a",
	  "the key stands here a second time, first on line 1" },
	{ "{\"o\": {\n\"a\": 1,\n\"\\u0061\": 3}}", 3, "o", "\"a\" stands here a second time" },
	{ "[{\n\"b\": 1, \"c\": 1,\n\"b\": 2,\n\"c\": 2}]", 3, "b",
	  "a second time, first on line 2" },
	{ "\xef\xbb", 1, "", "the byte 0xef" },
};

START_TEST(refuses)
{
	struct json_tree t;
	struct json_fault f;
	struct err err = { 0 };
	ck_assert_int_eq(read_exactly(bad[_i].text, strlen(bad[_i].text), &t, &f, &err), -EINVAL);
	ck_assert_int_eq(err.code, EINVAL);
	ck_assert_msg(strstr(err.msg, bad[_i].word) != NULL, "%s: %s", bad[_i].text, err.msg);
	ck_assert_msg(f.line == bad[_i].line, "%s: line %u", bad[_i].text, (unsigned)f.line);
	ck_assert_str_eq(f.key, bad[_i].key);
	ck_assert_ptr_null(t.v);
	ck_assert_ptr_null(t.strings);
}
END_TEST

START_TEST(counts_lines)
{
	static const char text[] = "\n{\n\t\"a\": 1, \"b\":\r\n 2,\n\"c\": [\n5,\n\n6]\n}";
	static const unsigned lines[] = { 2, 3, 3, 5, 6, 8 };
	struct json_tree t;
	struct json_fault f;
	ck_assert_int_eq(json_read(text, sizeof(text) - 1, &t, &f, NULL), 0);
	ck_assert_uint_eq(t.n, 6);
	for (size_t i = 0; i < t.n; i++)
		ck_assert_uint_eq(t.v[i].line, lines[i]);
	json_tree_done(&t);
}
END_TEST

/* n times `open`, n times `close`. */
static int read_nested(size_t n, const char *open, const char *close, struct err *err)
{
	char text[400] = "";
	struct json_tree t;
	struct json_fault f;
	for (size_t i = 0; i < 2 * n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s",
			 i < n ? open : close);
	int rc = read_exactly(text, strlen(text), &t, &f, err);
	json_tree_done(&t);
	return rc;
}

START_TEST(is_bounded)
{
	struct err err = { 0 };
	ck_assert_int_eq(read_nested(JSON_MAX_DEPTH, "[", "]", &err), 0);
	ck_assert_int_eq(read_nested(JSON_MAX_DEPTH + 1, "[", "]", &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "brackets"));
	/* A million closed ones are not deep, and are read. */
	size_t n = JSON_MAX_BYTES;
	char *text = malloc(n + 1);
	ck_assert_ptr_nonnull(text);
	text[0] = '[';
	for (size_t i = 1; i + 1 < n; i++)
		text[i] = i % 2 == 1 ? '1' : ',';
	text[n - 2] = ' ';
	text[n - 1] = ']';
	text[n - 3] = '1';
	text[n] = ' ';
	struct json_tree t;
	struct json_fault f;
	ck_assert_int_eq(json_read(text, n, &t, &f, &err), 0);
	ck_assert_uint_eq(t.v[0].n, n / 2 - 1);
	json_tree_done(&t);
	ck_assert_int_eq(json_read(text, n + 1, &t, &f, &err), -EFBIG);
	free(text);
}
END_TEST

/* A long key is cut between two characters. */
START_TEST(cuts_the_key)
{
	char text[200] = "{\"x";
	for (int i = 0; i < 40; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "\xc2\xb5");
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "\": x}");
	struct json_tree t;
	struct json_fault f;
	ck_assert_int_eq(json_read(text, strlen(text), &t, &f, NULL), -EINVAL);
	ck_assert_uint_eq(strlen(f.key), 63);
	ck_assert_int_eq(memcmp(f.key + 61, "\xc2\xb5", 2), 0);
	snprintf(text, sizeof(text), "{\"xx");
	for (int i = 0; i < 40; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "\xc2\xb5");
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "\": x}");
	ck_assert_int_eq(json_read(text, strlen(text), &t, &f, NULL), -EINVAL);
	ck_assert_uint_eq(strlen(f.key), 62);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("json_read");
	TCase *t = tcase_create("json_read");
	tcase_add_loop_test(t, takes, 0, (int)ARRAY_SIZE(good));
	tcase_add_loop_test(t, refuses, 0, (int)ARRAY_SIZE(bad));
	tcase_add_test(t, counts_lines);
	tcase_add_test(t, is_bounded);
	tcase_add_test(t, cuts_the_key);
	suite_add_tcase(s, t);
	return run_suite(s);
}
