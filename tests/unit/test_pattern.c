/* Patterns: the grammar and its error sentences, what each term matches, the order of values, gaps,
 * duplicates, ids and channel labels, and that hostile patterns stay cheap. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "meta/pattern.h"
#include "tests/unit/run_suite.h"

enum { FEW = 40 };

/* A pattern and paths in one string, separated by blanks. */
struct few {
	char *copy;
	const char *paths[FEW];
	size_t n;
	struct pattern *p;
	struct names names;
	struct err err;
	int rc;
};

static void interpret_with(struct few *w, const char *pattern, const char *list, enum gaps gaps)
{
	*w = (struct few){ .copy = strdup(list) };
	char *rest = w->copy, *s;
	while ((s = strsep(&rest, " ")) != NULL)
		w->paths[w->n++] = s;
	ck_assert_msg(pattern_parse(pattern, &w->p, &w->err) == 0, "%s", w->err.msg);
	struct name_options o = { .folder = "src", .gaps = gaps };
	w->rc = pattern_interpret(w->p, w->paths, w->n, &o, &w->names, &w->err);
}

static void interpret(struct few *w, const char *pattern, const char *list)
{
	interpret_with(w, pattern, list, GAPS_AUTO);
	ck_assert_msg(w->rc == 0, "%s", w->err.msg);
}

static void done(struct few *w)
{
	names_done(&w->names);
	pattern_free(w->p);
	free(w->copy);
}

static void refuse(const char *pattern, const char *list, const char *sentence)
{
	struct few w;
	interpret_with(&w, pattern, list, GAPS_AUTO);
	ck_assert_msg(w.rc == -EINVAL, "%s", pattern);
	ck_assert_str_eq(w.err.msg, sentence);
	done(&w);
}

/* Writes "id: path@t,c,z ..; .." with '-' for an axis that is not there, '!' in front of what is left out. */
static char *written(const struct few *w)
{
	struct text t = { 0 };
	text_add(&t, "");
	for (size_t i = 0; i < w->names.n_images; i++) {
		const struct name_image *im = &w->names.images[i];
		text_addf(&t, "%s%s:", i > 0 ? "; " : "", im->id);
		for (size_t k = 0; k < im->n_members; k++) {
			const struct name_member *m = &im->members[k];
			const uint32_t at[3] = { m->t, m->c, m->z };
			text_addf(&t, " %s@", w->paths[m->entry]);
			for (size_t a = 0; a < 3; a++)
				if (at[a] == NAMES_NO_INDEX)
					text_add(&t, a > 0 ? ",-" : "-");
				else
					text_addf(&t, a > 0 ? ",%u" : "%u", at[a]);
		}
	}
	for (size_t i = 0; i < w->names.n_left_out; i++)
		text_addf(&t, " !%s", w->paths[w->names.left_out[i].entry]);
	return t.s;
}

static void expect(const char *pattern, const char *list, const char *result)
{
	struct few w;
	interpret(&w, pattern, list);
	char *s = written(&w);
	ck_assert_str_eq(s, result);
	free(s);
	done(&w);
}

static void bad(const char *pattern, const char *sentence)
{
	struct pattern *p = NULL;
	struct err err = { 0 };
	ck_assert_msg(pattern_parse(pattern, &p, &err) == -EINVAL, "%s", pattern);
	ck_assert_str_eq(err.msg, sentence);
	ck_assert_ptr_null(p);
	ck_assert_int_eq(pattern_parse(pattern, &p, NULL), -EINVAL);
}

START_TEST(bad_patterns)
{
	bad("", "--pattern '': it is empty");
	bad("/a{z}.tif",
	    "--pattern '/a{z}.tif': '/' at byte 1 is wrong there: the path is that below SOURCE");
	bad("a.tif", "--pattern 'a.tif': it names no axis: at least one of {t}, {c}, {z}, {i}");
	bad("{}.tif", "--pattern '{}.tif': it names no axis: at least one of {t}, {c}, {z}, {i}");
	bad("ch{c}{z}.tif",
	    "--pattern 'ch{c}{z}.tif': '{z}' at byte 6 touches the term before it: text must stand "
	    "between them, or the first needs a width, as {t:3}");
	bad("{z}{}.tif",
	    "--pattern '{z}{}.tif': '{}' at byte 4 touches the term before it: text must stand "
	    "between them, or the first needs a width, as {t:3}");
	bad("a{x}.tif", "--pattern 'a{x}.tif': '{x}' at byte 2 is no axis: {t}, {c}, {z}, {i} (an "
			"image each) or {} (ignored), and {{ is a brace");
	bad("a{zz}.tif", "--pattern 'a{zz}.tif': '{zz}' at byte 2 is no axis: {t}, {c}, {z}, {i} "
			 "(an image each) or {} (ignored), and {{ is a brace");
	bad("a{:3}.tif", "--pattern 'a{:3}.tif': '{:3}' at byte 2 is no axis: {t}, {c}, {z}, {i} "
			 "(an image each) or {} (ignored), and {{ is a brace");
	static const char *const forms[] = { "{z:}",  "{z:0}",	"{z:20}",
					     "{z:q}", "{z:-1}", "{z:99999999999999999999}" };
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		char sentence[300];
		snprintf(sentence, sizeof(sentence),
			 "--pattern '%s': '%s' at byte 1 has no known form: behind the colon stand "
			 "a number of digits (1 to 19), f (decimals) or * (any text)",
			 forms[i], forms[i]);
		bad(forms[i], sentence);
	}
	bad("{z}_{t}_{z}.tif", "--pattern '{z}_{t}_{z}.tif': '{z}' at byte 9 names an axis for the "
			       "second time");
	bad("a{z.tif", "--pattern 'a{z.tif': '{z.tif' at byte 2 is not closed: a brace itself is "
		       "written {{");
	bad("a{z}}.tif", "--pattern 'a{z}}.tif': '}' at byte 5 closes nothing: a brace itself is "
			 "written }}");
	bad("{i}1{i}2{i}3{i}4{i}5{i}6{i}7{i}8{i}9{i}0{i}1{i}2{i}3{i}4{i}5{i}6{i}",
	    "--pattern '{i}1{i}2{i}3{i}4{i}5{i}6{i}7{i}8{i}9{i}0{i}1{i}2{i}3{i}4{i}5{i}6{i}': "
	    "'{i}' at byte 65 is one term more than the 16 that a pattern may have");
}
END_TEST

START_TEST(bad_pages)
{
	static const char axis[] =
		"is no axis of pages: t, c or z, slowest first, all but the first "
		"with a size, as #{z,c=2}";
	static const struct {
		const char *pattern, *at, *what;
	} cases[] = {
		{ "x.tif#{}", "'}' at byte 8 ", axis },
		{ "x.tif#{i}", "'i' at byte 8 ", axis },
		{ "x.tif#{z,}", "'}' at byte 10 ", axis },
		{ "x.tif#{q}", "'q' at byte 8 ", axis },
		{ "x{z}.tif#{z}", "'z' at byte 11 ", "names an axis for the second time" },
		{ "x.tif#{z,z=2}", "'z=2' at byte 10 ", "names an axis for the second time" },
		{ "x.tif#{z,c}", "'c' at byte 10 ",
		  "needs a size, as c=2: only the first axis has none" },
		{ "x.tif#{z,c=0}", "'c=0' at byte 10 ",
		  "needs a size, as c=2: only the first axis has none" },
		{ "x.tif#{z,c=-1}", "'c=-1' at byte 10 ",
		  "needs a size, as c=2: only the first axis has none" },
		{ "x.tif#{z=3,c=2}", "'z=3' at byte 8 ",
		  "has a size, but the first axis of the pages takes what the others leave" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char sentence[300];
		snprintf(sentence, sizeof(sentence), "--pattern '%s': %s%s", cases[i].pattern,
			 cases[i].at, cases[i].what);
		bad(cases[i].pattern, sentence);
	}
}
END_TEST

START_TEST(pages)
{
	struct pattern *p = NULL;
	struct pattern_pages g;
	ck_assert_int_eq(pattern_parse("a{t}.tif#{z,c=2}", &p, NULL), 0);
	ck_assert(pattern_pages(p, &g));
	ck_assert_uint_eq(g.n, 2);
	ck_assert_int_eq(g.axis[0], 'z');
	ck_assert_int_eq(g.axis[1], 'c');
	ck_assert_uint_eq(g.size[0], 0);
	ck_assert_uint_eq(g.size[1], 2);
	pattern_free(p);
	ck_assert_int_eq(pattern_parse("x.tif#{t,z=5,c=3}", &p, NULL), 0);
	ck_assert(pattern_pages(p, &g));
	ck_assert_uint_eq(g.n, 3);
	ck_assert_uint_eq(g.size[1], 5);
	pattern_free(p);
	ck_assert_int_eq(pattern_parse("a{z}.tif", &p, NULL), 0);
	ck_assert(!pattern_pages(p, &g));
	pattern_free(p);
	/* Only at the end; elsewhere '#' is a byte like any other. */
	expect("a#{z}.tif", "a#3.tif a#4.tif", "src: a#3.tif@-,-,0 a#4.tif@-,-,1");
	expect("a#{{{z}}}.tif", "a#{3}.tif", "src: a#{3}.tif@-,-,0");
	expect("x.tif#{t,z=5}", "x.tif y.tif", "src: x.tif@-,-,- !y.tif");
	pattern_free(NULL);
}
END_TEST

START_TEST(depth)
{
	static const struct {
		const char *pattern;
		unsigned depth;
	} cases[] = { { "{z}.tif", 0 }, { "{c}/{z}.tif", 1 }, { "a/{}/b{i}/{z}.tif", 3 } };
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pattern *p = NULL;
		ck_assert_int_eq(pattern_parse(cases[i].pattern, &p, NULL), 0);
		ck_assert_uint_eq(pattern_depth(p), cases[i].depth);
		pattern_free(p);
	}
}
END_TEST

START_TEST(terms)
{
	expect("a_{z}.tif", "a_10.tif a_9.tif a_11.tif b_1.tif A_1.tif a_.tif a_1x.tif",
	       "src: a_9.tif@-,-,0 a_10.tif@-,-,1 a_11.tif@-,-,2 !A_1.tif !a_1x.tif !a_.tif "
	       "!b_1.tif");
	expect("{t:3}{z:3}.tif", "000001.tif 000000.tif 001000.tif 001001.tif 00000.tif",
	       "src: 000000.tif@0,-,0 000001.tif@0,-,1 001000.tif@1,-,0 001001.tif@1,-,1 "
	       "!00000.tif");
	/* As many digits as leave the rest a match. */
	expect("{z}0.tif", "10.tif 20.tif 30.tif 0.tif",
	       "src: 10.tif@-,-,0 20.tif@-,-,1 30.tif@-,-,2 !0.tif");
	/* Text is as short as the rest allows, and stays within a folder. */
	expect("{c}_{z}.tif", "a_b_1.tif a_1.tif a_b_2.tif a_2.tif x/a_1.tif _1.tif",
	       "src: a_1.tif@-,0,0 a_2.tif@-,0,1 a_b_1.tif@-,1,0 a_b_2.tif@-,1,1 !_1.tif "
	       "!x/a_1.tif");
	expect("{c}/{z}.tif", "ch2/1.tif ch10/1.tif ch2/2.tif ch10/2.tif",
	       "src: ch2/1.tif@-,0,0 ch2/2.tif@-,0,1 ch10/1.tif@-,1,0 ch10/2.tif@-,1,1");
	expect("{}_{z}_{}.tif", "x_1_.tif _2_y.tif a/x_3_.tif",
	       "src: x_1_.tif@-,-,0 _2_y.tif@-,-,1 !a/x_3_.tif");
	expect("{{{z}}}.tif", "{1}.tif {2}.tif 3.tif", "src: {1}.tif@-,-,0 {2}.tif@-,-,1 !3.tif");
	expect("{z:f}um.tif",
	       "-1.5um.tif +0.5um.tif -10um.tif 0.25um.tif 3um.tif 3.um.tif .5um.tif",
	       "src: -10um.tif@-,-,0 -1.5um.tif@-,-,1 0.25um.tif@-,-,2 +0.5um.tif@-,-,3 "
	       "3um.tif@-,-,4 !3.um.tif !.5um.tif");
	expect("{z:f}.5.tif", "1.5.5.tif 2.5.tif", "src: 1.5.5.tif@-,-,0 2.5.tif@-,-,1");
	expect("d{t:*}-00.tif", "d15_00-00.tif d14_23-00.tif d14_2-00.tif",
	       "src: d14_2-00.tif@0,-,- d14_23-00.tif@1,-,- d15_00-00.tif@2,-,-");
}
END_TEST

START_TEST(values)
{
	struct few w;
	/* Digits alone are numbers, for channels too; the label is the text. */
	interpret(&w, "c{c}_{z}.tif", "c10_1.tif c9_1.tif c010_2.tif c9_2.tif");
	const struct name_image *im = w.names.images;
	ck_assert_uint_eq(im->c.size, 2);
	ck_assert_str_eq(im->channel_labels[0], "9");
	ck_assert_str_eq(im->channel_labels[1], "10");
	ck_assert(im->c.labelled && im->z.labelled && !im->t.labelled);
	done(&w);
	interpret(&w, "{c}_{z}.tif", "GFP_1.tif DAPI_1.tif 488_1.tif");
	im = w.names.images;
	ck_assert_uint_eq(im->c.size, 3);
	ck_assert_str_eq(im->channel_labels[0], "488");
	ck_assert_str_eq(im->channel_labels[1], "DAPI");
	done(&w);
	interpret(&w, "z{z:f}.tif", "z1.0.tif z-0.tif z2.50.tif");
	im = w.names.images;
	ck_assert_uint_eq(im->z.size, 3);
	ck_assert_uint_eq(im->z.missing, 0);
	done(&w);
}
END_TEST

START_TEST(images)
{
	expect("Pos{i}/{z}.tif", "Pos10/1.tif Pos2/1.tif Pos2/2.tif",
	       "2: Pos2/1.tif@-,-,0 Pos2/2.tif@-,-,1; 10: Pos10/1.tif@-,-,0");
	expect("{i}_{i}_{z}.tif", "a_x_1.tif a_y_1.tif b_x_1.tif",
	       "a_x: a_x_1.tif@-,-,0; a_y: a_y_1.tif@-,-,0; b_x: b_x_1.tif@-,-,0");
	expect("{i}/a_{i}.tif", "x/a_1.tif X/a_1.tif x/a_2.tif",
	       "X_1: X/a_1.tif@-,-,-; x_1_2: x/a_1.tif@-,-,-; x_2: x/a_2.tif@-,-,-");
	/* Each image has its own start, as with names alone. */
	expect("{i}_{z}.tif", "a_0.tif a_1.tif b_7.tif b_8.tif",
	       "a: a_0.tif@-,-,0 a_1.tif@-,-,1; b: b_7.tif@-,-,0 b_8.tif@-,-,1");
	/* One image is called as the folder. */
	expect("{i}_{z}.tif", "a_0.tif a_1.tif", "src: a_0.tif@-,-,0 a_1.tif@-,-,1");
}
END_TEST

START_TEST(refusals)
{
	refuse("a{z}.tif", "A1.tif b.tif",
	       "--pattern 'a{z}.tif' matches none of 2 files: 'A1.tif' would match without regard "
	       "to case");
	refuse("a{z}.tif", "c.tif b.tif",
	       "--pattern 'a{z}.tif' matches none of 2 files: the first is 'b.tif'");
	refuse("a{z}.tif", "b.tif", "--pattern 'a{z}.tif' matches none of 1 file: it is 'b.tif'");
	refuse("a{z}.tif", "a1.tif a01.tif a2.tif",
	       "--pattern 'a{z}.tif': 'a01.tif' and 'a1.tif' have the same values: {i} where they "
	       "differ makes an image of each");
	refuse("{z}_{}.tif", "1_a.tif 1_b.tif",
	       "--pattern '{z}_{}.tif': '1_a.tif' and '1_b.tif' have the same values: {i} where "
	       "they differ makes an image of each");
	refuse("{z:f}.tif", "1.0.tif 1.tif 2.tif",
	       "--pattern '{z:f}.tif': '1.0.tif' and '1.tif' have the same values: {i} where they "
	       "differ makes an image of each");
	refuse("a{z}.tif", "a123456789012345678901.tif",
	       "--pattern 'a{z}.tif': {z} has more than 19 digits in "
	       "'a123456789012345678901.tif': {z:*} takes any text");
	refuse("a{z}.tif", "a1.tif a2.tif a9.tif",
	       "6 of 9 numbers are missing between 'a1.tif' and 'a9.tif': --gaps fill shows them "
	       "as "
	       "empty planes, --gaps close leaves them out");
	refuse("{c}_{z}.tif", "a_1.tif a_2.tif b_1.tif",
	       "1 of 4 planes (c x z) is missing between 'a_1.tif' and 'b_1.tif': --gaps fill "
	       "shows "
	       "them as empty planes");
}
END_TEST

START_TEST(gaps)
{
	struct few w;
	interpret_with(&w, "a{z}.tif", "a1.tif a2.tif a9.tif", GAPS_FILL);
	ck_assert_int_eq(w.rc, 0);
	ck_assert_uint_eq(w.names.images->z.size, 9);
	ck_assert_uint_eq(w.names.images->missing, 6);
	done(&w);
	interpret_with(&w, "a{t}.tif", "a1.tif a2.tif a9.tif", GAPS_CLOSE);
	ck_assert_int_eq(w.rc, 0);
	ck_assert_uint_eq(w.names.images->t.size, 3);
	ck_assert_uint_eq(w.names.images->members[2].t, 2);
	done(&w);
	/* Texts have an order and nothing between them. */
	interpret_with(&w, "a{z:*}.tif", "a1.tif a2.tif a9.tif", GAPS_ERROR);
	ck_assert_int_eq(w.rc, 0);
	ck_assert_uint_eq(w.names.images->z.size, 3);
	done(&w);
}
END_TEST

START_TEST(hostile)
{
	enum { LONG = 100000 };
	struct pattern *p = NULL;
	ck_assert_int_eq(pattern_parse("{i}a{i}a{i}a{i}a{i}a{i}a{i}a{i}a{i}a{i}a{i}a{i}a{i}a{i}a{}"
				       "a{z:f}b",
				       &p, NULL),
			 0);
	char *name = malloc(LONG + 1);
	ck_assert_ptr_nonnull(name);
	memset(name, 'a', LONG);
	name[LONG] = '\0';
	const char *paths[1] = { name };
	struct names names;
	struct err err;
	struct timespec from, to;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	struct name_options o = { .folder = "src" };
	ck_assert_int_eq(pattern_interpret(p, paths, 1, &o, &names, &err), -EINVAL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	ck_assert_int_lt(to.tv_sec - from.tv_sec, 5);
	pattern_free(p);
	free(name);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pattern");
	TCase *t = tcase_create("pattern");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, bad_patterns);
	tcase_add_test(t, bad_pages);
	tcase_add_test(t, pages);
	tcase_add_test(t, depth);
	tcase_add_test(t, terms);
	tcase_add_test(t, values);
	tcase_add_test(t, images);
	tcase_add_test(t, refusals);
	tcase_add_test(t, gaps);
	tcase_add_test(t, hostile);
	suite_add_tcase(s, t);
	return run_suite(s);
}
