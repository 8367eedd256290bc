/* Side-cars: every key in each of its types, each error with its place, and who overrides whom. */
#include "fs/sidecar.h"
#include "tests/unit/run_suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char path[] = "src/ngffuse.json";

/* Options as of a command line of at most one option. */
static void begin(struct options *o, const char *option)
{
	char program[] = "ngffuse", source[] = "src", mountpoint[] = "mnt", word[100];
	char *argv[] = { program, source, mountpoint, word };
	struct err err = { 0 };
	snprintf(word, sizeof(word), "%s", option != NULL ? option : "");
	ck_assert_msg(options_parse(option != NULL ? 4 : 3, argv, o, &err) == 0, "%s", err.msg);
	o->source = o->mountpoint = NULL;
}

static int take(struct options *o, const char *text, struct err *err)
{
	int rc = sidecar_take(o, path, text, strlen(text), err);
	return rc == 0 ? options_check(o, err) : rc;
}

/* Both say the same, as far as documents and bytes go. */
static void same(const char *text, const char *option)
{
	struct options a, b;
	struct err err = { 0 };
	struct text CLEANUP(text_done) one = { 0 }, two = { 0 };
	begin(&a, NULL);
	begin(&b, option);
	int rc = sidecar_take(&a, path, text, strlen(text), &err);
	ck_assert_msg(rc == 0, "%s: %s", text, err.msg);
	options_fingerprint(&a, &one);
	options_fingerprint(&b, &two);
	ck_assert_msg(strcmp(one.s, two.s) == 0, "%s is not %s:\n%s\n%s", text, option, one.s,
		      two.s);
	options_done(&a);
	options_done(&b);
}

/* A value in JSON and the same as an option. */
static const struct {
	const char *key, *json, *value;
} values[] = {
	{ "name", "\"brain, left \\u00b5\"", "brain, left \xc2\xb5" },
	{ "voxel-size", "[4, 4.50, 4e1]", "4,4.5,40" },
	{ "voxel-size", "[4,4]", "4,4" },
	{ "voxel-size", "\"4,4,40\"", "4,4,40" },
	{ "unit", "\"nm\"", "nm" },
	{ "time-step", "0.25", "0.25" },
	{ "time-step", "\"0.25\"", "0.25" },
	{ "pattern", "\"{c}/{z:3}.tif\"", "{c}/{z:3}.tif" },
	{ "group", "\"none\"", "none" },
	{ "gaps", "\"close\"", "close" },
	{ "channel-names", "[\"DAPI\", \"GFP 2\"]", "DAPI,GFP 2" },
	{ "channel-names", "[\"a,b\", \"c\\\\d\"]", "a\\,b,c\\\\d" },
	{ "channel-names", "\"a,b\"", "a,b" },
	{ "channel-colors", "[\"0000ff\", \"#00FF00\"]", "0000ff,#00FF00" },
	{ "windows", "[[0, 255], [-1.5, 3e2], \"7-9\"]", "0:255,-1.5:3e2,7-9" },
	{ "windows", "\"0-255\"", "0-255" },
	{ "label", "[\"cells=/data/a\"]", "cells=/data/a" },
	{ "label", "\"cells=../a=b\"", "cells=src/../a=b" },
	{ "chunk-shape", "[8, 64, 256]", "8,64,256" },
	{ "chunk-shape", "64", "64" },
	{ "chunk-shape", "\"auto\"", "auto" },
	{ "codec", "\"blosc-zstd:3\"", "blosc-zstd:3" },
	{ "ngff", "\"0.5\"", "0.5" },
	{ "ngff", "0.5", "0.5" },
	{ "layout", "\"both\"", "both" },
	{ "layer-name", "\"em\"", "em" },
	{ "category", "\"segmentation\"", "segmentation" },
	{ "largest-segment-id", "18446744073709551615", "18446744073709551615" },
	{ "sampling-mode", "[[1, 2, 2], [2, 2, 2]]", "1,2,2:2,2,2" },
	{ "sampling-mode", "\"isotropic\"", "isotropic" },
	{ "max-mag", "16", "16" },
	{ "max-mag", "\"16-16-8\"", "16-16-8" },
	{ "interpolation-mode", "\"nearest\"", "nearest" },
	{ "preview", "\"never\"", "never" },
	{ "overviews", "\"use\"", "use" },
	{ "damaged", "\"fill\"", "fill" },
};

START_TEST(takes_values)
{
	char text[200], option[200];
	snprintf(text, sizeof(text), "{\"%s\": %s}", values[_i].key, values[_i].json);
	snprintf(option, sizeof(option), "--%s=%s", values[_i].key, values[_i].value);
	same(text, option);
}
END_TEST

/* Each row is tried above or is refused, and null says nothing. */
START_TEST(knows_all_rows)
{
	size_t n = 0;
	const struct option_row *rows = options_table(&n);
	for (size_t i = 0; i < n; i++) {
		char text[200];
		struct options o;
		struct err err = { 0 };
		size_t tried = 0;
		for (size_t k = 0; k < ARRAY_SIZE(values); k++)
			tried += strcmp(values[k].key, rows[i].name) == 0;
		ck_assert_msg((tried > 0) == (rows[i].side != SIDE_NOT), "%s", rows[i].name);
		snprintf(text, sizeof(text), "{\"$schema\": 7, \"%s\": null}", rows[i].name);
		begin(&o, NULL);
		int rc = take(&o, text, &err);
		ck_assert_int_eq(rc, rows[i].side != SIDE_NOT ? 0 : -EINVAL);
		ck_assert(rc == 0 || strstr(err.msg, "about the mount") != NULL);
		ck_assert_int_eq(o.given[i].by, GIVEN_NOT);
		options_done(&o);
	}
}
END_TEST

static const struct {
	const char *text, *sentence; /* with all that stands in front */
} bad[] = {
	{ "{\n\"name\": \"a\",\n\n\"voxel-sise\": 4}",
	  "src/ngffuse.json:4: \"voxel-sise\": unknown key; did you mean \"voxel-size\"?" },
	{ "{\"--unit\": \"nm\"}", ":1: \"--unit\": unknown key; did you mean \"unit\"?" },
	{ "{\"voxel_size\": 4}", "did you mean \"voxel-size\"?" },
	{ "{\"zzzzzzzzzz\": 4}", ":1: \"zzzzzzzzzz\": unknown key: keys are the long options" },
	{ "{\"\": 4}", ":1: \"\": unknown key" },
	{ "{\"memory\": \"1G\"}", ":1: \"memory\": a side-car cannot hold it" },
	{ "{\"threads\": 4}", ":1: \"threads\": a side-car cannot hold it" },
	{ "{\"foreground\": true}", ":1: \"foreground\": a side-car cannot hold it" },
	{ "{\"unit\": \"nm\",\n\"unit\": \"um\"}",
	  ":2: \"unit\": the key stands here a second time, first on line 1" },
	{ "{\"voxel-size\":\n [4, 4, 40}", ":2: \"voxel-size\": ',' or ']' is expected, not '}'" },
	{ "{\"voxel-size\": [4, 4, 40]\n\"unit\": \"nm\"}",
	  "src/ngffuse.json:2: ',' or '}' behind \"voxel-size\" is expected, not '\"'" },
	{ "\n[]", "src/ngffuse.json:2: one JSON object is expected, not an array" },
	{ "", "src/ngffuse.json:1: a value is expected, not the end of the text" },
	{ "{\"voxel-size\": true}",
	  ":1: \"voxel-size\": an array of numbers is expected, not true" },
	{ "{\"voxel-size\": 4}", "an array of numbers is expected, not a number" },
	{ "{\"voxel-size\": {\"x\": 4}}", "an array of numbers is expected, not an object" },
	{ "{\"voxel-size\": [4, \"4\", 40]}", "expected, not one with a string" },
	{ "{\"voxel-size\": [4, [4], 40]}", "expected, not one with an array" },
	{ "{\"voxel-size\": []}", ":1: \"voxel-size\": '' is no voxel size" },
	{ "{\"voxel-size\": [4, 0, 4]}", ":1: \"voxel-size\": '4,0,4' is no voxel size" },
	{ "{\"name\": 4}", "a string is expected, not a number" },
	{ "{\"name\": \"a/b\"}", ":1: \"name\": 'a/b' has a '/'" },
	{ "{\"time-step\": [1]}",
	  "a number is expected, not an array; a string as on the command line will do, too" },
	{ "{\"time-step\": false}", "a number is expected, not false" },
	{ "{\"time-step\": -1}", "'-1' is not a number of seconds" },
	{ "{\"channel-names\": [1]}", "an array of strings is expected, not one with a number" },
	{ "{\"channel-names\": []}", "\"channel-names\": the value is empty" },
	{ "{\"channel-colors\": [\"red\"]}", "'red' is no colour" },
	{ "{\"windows\": [0, 255]}", "pairs [START, END] is expected, not one with a number" },
	{ "{\"windows\": [[0, \"255\"]]}", "expected, not one with a string" },
	{ "{\"windows\": [[0, 2, 5]]}", "'0:2:5' is no window" },
	{ "{\"windows\": [[255, 0]]}", "'255:0' is no window" },
	{ "{\"windows\": [[]]}", "'' is no window" },
	{ "{\"sampling-mode\": [[1, 2, 3]]}", "'1,2,3' is no factor" },
	{ "{\"sampling-mode\": [1, 2, 2]}", "expected, not one with a number" },
	{ "{\"label\": [4]}",
	  "an array of strings PATH=SOURCE is expected, not one with a number" },
	{ "{\"label\": {}}", "expected, not an object" },
	{ "{\"label\": [\"cells\"]}", "'cells' is not PATH=SOURCE" },
	{ "{\"label\": [\"cells=\"]}", "'cells=' is not PATH=SOURCE" },
	{ "{\"chunk-shape\": [1.5, 2, 2]}", "'1.5,2,2' is no chunk shape" },
	{ "{\"largest-segment-id\": 1e3}", "'1e3' is no whole number" },
	{ "{\"unit\": \"parsek\", \"voxel-size\": [1, 1, 1]}",
	  ":1: \"unit\": 'parsek' is no unit" },
	{ "{\n\"unit\": \"nm\"}", ":2: \"unit\": --unit says nothing without --voxel-size" },
	{ "{\"codec\": \"zlib\",\n\"ngff\": 0.5}",
	  ":1: \"codec\": --codec zlib and --ngff 0.5 exclude each other" },
	{ "{\"group\": \"none\",\n\"pattern\": \"{i}.tif\"}",
	  ":1: \"group\": --group none and --pattern {i}.tif exclude each other" },
	{ "{\"unit\": \"\xb5m\"}", ":1: \"unit\": the byte 0xb5 is no UTF-8" },
};

START_TEST(tells_the_place)
{
	struct options o;
	struct err err = { 0 };
	begin(&o, NULL);
	ck_assert_int_eq(take(&o, bad[_i].text, &err), -EINVAL);
	ck_assert_int_eq(err.code, EINVAL);
	ck_assert_msg(strstr(err.msg, bad[_i].sentence) != NULL, "%s", err.msg);
	ck_assert_msg(strncmp(err.msg, path, sizeof(path) - 1) == 0, "%s", err.msg);
	ck_assert_ptr_null(strchr(err.msg, '\n'));
	options_done(&o);
}
END_TEST

static const struct {
	const char *option, *text, *as; /* both together say as much as this option */
} overridden[] = {
	{ "--voxel-size=1,1,1", "{\"voxel-size\": [2, 2, 2]}", "--voxel-size=1,1,1" },
	{ "--name=a", "{\"name\": \"b\"}", "--name=a" },
	{ "--label=a=/b", "{\"label\": [\"c=/d\", \"e=/f\"]}", "--label=a=/b" },
	{ "--group=none", "{\"pattern\": \"{z}.tif\"}", "--group=none" },
	{ "--pattern={z}.tif", "{\"group\": \"none\"}", "--pattern={z}.tif" },
	{ "--codec=none", "{\"codec\": \"zlib\"}", "--codec=none" },
	{ "--sampling-mode=isotropic", "{\"sampling-mode\": [[1, 2, 2]]}",
	  "--sampling-mode=isotropic" },
};

START_TEST(gives_way)
{
	struct options o, as;
	struct err err = { 0 };
	struct text CLEANUP(text_done) one = { 0 }, two = { 0 };
	begin(&o, overridden[_i].option);
	begin(&as, overridden[_i].as);
	ck_assert_msg(take(&o, overridden[_i].text, &err) == 0, "%s", err.msg);
	options_fingerprint(&o, &one);
	options_fingerprint(&as, &two);
	ck_assert_str_eq(one.s, two.s);
	options_done(&o);
	options_done(&as);
}
END_TEST

/* Keys of their own come together, and each knows where it is from. */
START_TEST(merges)
{
	struct options o;
	struct err err = { 0 };
	begin(&o, "--unit=um");
	ck_assert_int_eq(take(&o, "{\"unit\": \"nm\",\n\"voxel-size\": [4, 4, 40]}", &err), 0);
	ck_assert_str_eq(o.unit, "micrometer");
	ck_assert(o.voxel_size[2] == 40);
	ck_assert_int_eq(options_given(&o, "unit")->by, GIVEN_BY_LINE);
	ck_assert_uint_eq(options_given(&o, "unit")->line, 1);
	ck_assert_int_eq(options_given(&o, "voxel-size")->by, GIVEN_BY_SIDECAR);
	struct engine_config c = options_engine(&o, "");
	ck_assert_str_eq(c.scan.from.voxel, "side-car ngffuse.json, line 2");
	ck_assert_ptr_null(c.scan.from.unit);
	options_done(&o);
}
END_TEST

/* What is wrong is an error even where it has no effect; nothing else of the file stays. */
START_TEST(checks_what_is_overridden)
{
	struct options o;
	struct err err = { 0 };
	begin(&o, "--voxel-size=1,1,1");
	ck_assert_int_eq(take(&o, "{\"voxel-size\": [2, 2, 0]}", &err), -EINVAL);
	ck_assert(o.voxel_size[0] == 1);
	options_done(&o);
}
END_TEST

/* What only a dataset shows may lie in a side-car whatever the mount shows. */
START_TEST(holds_for_any_layout)
{
	struct options o;
	struct err err = { 0 };
	begin(&o, NULL);
	ck_assert_int_eq(take(&o, "{\"layer-name\": \"em\", \"largest-segment-id\": 7}", &err), 0);
	options_done(&o);
	begin(&o, "--layer-name=em");
	ck_assert_int_eq(take(&o, "{}", &err), -EINVAL);
	options_done(&o);
}
END_TEST

/* An error that only the scan finds. */
START_TEST(blames)
{
	static const char sentence[] = "--windows: '9-70000' is outside the range of uint16";
	struct options o;
	struct err err = { 0 };
	begin(&o, NULL);
	ck_assert_int_eq(take(&o, "{\"windows\": [\n[9, 70000]]}", &err), 0);
	err_set(&err, EINVAL, "%s", sentence);
	options_blame(&o, &err);
	ck_assert_str_eq(err.msg, "src/ngffuse.json:1: \"windows\": --windows: '9-70000' is "
				  "outside the range of uint16");
	err_set(&err, EINVAL, "--unit: none");
	options_blame(&o, &err);
	ck_assert_str_eq(err.msg, "--unit: none");
	err_set(&err, EINVAL, "--nonsense");
	options_blame(&o, &err);
	ck_assert_str_eq(err.msg, "--nonsense");
	options_done(&o);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sidecar");
	TCase *t = tcase_create("sidecar");
	tcase_add_loop_test(t, takes_values, 0, (int)ARRAY_SIZE(values));
	tcase_add_test(t, knows_all_rows);
	tcase_add_loop_test(t, tells_the_place, 0, (int)ARRAY_SIZE(bad));
	tcase_add_loop_test(t, gives_way, 0, (int)ARRAY_SIZE(overridden));
	tcase_add_test(t, merges);
	tcase_add_test(t, checks_what_is_overridden);
	tcase_add_test(t, holds_for_any_layout);
	tcase_add_test(t, blames);
	suite_add_tcase(s, t);
	return run_suite(s);
}
