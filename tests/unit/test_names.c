/* File names to images and axes: the table of name sets, each sorted and shuffled, and what the table
 * cannot say: sentences, labels, ids, limits, speed. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "meta/pattern.h"
#include "tests/unit/run_suite.h"

enum { SET_MAX = 64, NAME_MAX_LEN = 128 };

struct row {
	char name[NAME_MAX_LEN], image[NAME_MAX_LEN];
	uint32_t at[3];
};

struct set {
	char what[NAME_MAX_LEN], options[32];
	struct row row[SET_MAX];
	size_t n;
};

static uint64_t rng;

static uint64_t next_random(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

static void shuffle(const char **v, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = next_random() % i;
		const char *s = v[k];
		v[k] = v[i - 1];
		v[i - 1] = s;
	}
}

/* ---- the table ---- */

static unsigned hex(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static void unescape(char *s)
{
	char *to = s;
	for (; *s != '\0'; s++)
		if (s[0] == '\\' && s[1] == 'x') {
			*to++ = (char)(hex(s[2]) * 16 + hex(s[3]));
			s += 3;
		} else {
			*to++ = *s;
		}
	*to = '\0';
}

static uint32_t index_of(const char *s)
{
	uint32_t v = 0;
	if (*s == '-')
		return NAMES_NO_INDEX;
	for (; *s >= '0' && *s <= '9'; s++)
		v = v * 10 + (uint32_t)(*s - '0');
	return v;
}

static FILE *open_table(void)
{
	char path[1000];
	const char *shared = getenv("NGFFUSE_SHARED");
	snprintf(path, sizeof(path), "%s/golden/names.tsv", shared != NULL ? shared : "../shared");
	FILE *f = fopen(path, "r");
	if (f == NULL)
		printf("skipped: no %s (set NGFFUSE_SHARED)\n", path);
	return f;
}

/* The next set; the row read too far is kept in `line`. */
static bool read_set(FILE *f, char *line, size_t size, struct set *s)
{
	char id[16] = "";
	s->n = 0;
	while (*line != '\0') {
		char *cell[8], *rest = line;
		for (size_t i = 0; i < 8; i++)
			cell[i] = strsep(&rest, "\t\n");
		if (s->n > 0 && strcmp(id, cell[0]) != 0) {
			for (size_t i = 1; i < 8; i++)
				cell[i][-1] = '\t';
			return true;
		}
		snprintf(id, sizeof(id), "%s", cell[0]);
		snprintf(s->what, sizeof(s->what), "%s %s", cell[0], cell[1]);
		snprintf(s->options, sizeof(s->options), "%s", cell[2]);
		ck_assert_uint_lt(s->n, SET_MAX);
		struct row *r = &s->row[s->n++];
		unescape(cell[3]);
		snprintf(r->name, sizeof(r->name), "%s", cell[3]);
		snprintf(r->image, sizeof(r->image), "%s", cell[4]);
		for (size_t a = 0; a < 3; a++)
			r->at[a] = index_of(cell[5 + a]);
		if (fgets(line, (int)size, f) == NULL)
			*line = '\0';
	}
	return s->n > 0;
}

static struct name_options options_of(const struct set *s)
{
	struct name_options o = { .folder = "src" };
	if (strcmp(s->options, "--gaps close") == 0)
		o.gaps = GAPS_CLOSE;
	else if (strcmp(s->options, "--gaps error") == 0)
		o.gaps = GAPS_ERROR;
	else if (strcmp(s->options, "--group none") == 0)
		o.group_none = true;
	else
		ck_assert_str_eq(s->options, "-");
	return o;
}

static const struct row *row_of(const struct set *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->row[i].name, name) == 0)
			return &s->row[i];
	return NULL;
}

static void check_image(const struct set *s, const char *const *entries,
			const struct name_image *im)
{
	for (size_t k = 0; k < im->n_members; k++) {
		const struct name_member *m = &im->members[k];
		const struct row *r = row_of(s, entries[m->entry]);
		ck_assert_msg(strcmp(r->image, im->id) == 0 && m->t == r->at[0] &&
				      m->c == r->at[1] && m->z == r->at[2],
			      "set %s: %s: image %s t %d c %d z %d, expected %s %d %d %d", s->what,
			      r->name, im->id, (int)m->t, (int)m->c, (int)m->z, r->image,
			      (int)r->at[0], (int)r->at[1], (int)r->at[2]);
		ck_assert_msg((m->t != NAMES_NO_INDEX) == im->t.present &&
				      (m->c != NAMES_NO_INDEX) == im->c.present &&
				      (m->z != NAMES_NO_INDEX) == im->z.present,
			      "set %s: axes", s->what);
		if (k == 0)
			continue;
		const struct name_member *l = m - 1;
		ck_assert_msg(l->t < m->t || (l->t == m->t &&
					      (l->c < m->c || (l->c == m->c && l->z < m->z))),
			      "set %s: order of %s", s->what, r->name);
	}
}

static void check_left_out(const struct set *s, const char *const *entries,
			   const struct name_left_out *o)
{
	const struct row *r = row_of(s, entries[o->entry]);
	const char *kind = strstr(o->why, "duplicate")	 ? "left out: duplicate of "
			   : strstr(o->why, "thumbnail") ? "left out: thumbnails"
							 : "left out: stranger";
	ck_assert_msg(strncmp(r->image, kind, strlen(kind)) == 0, "set %s: %s left out: %s",
		      s->what, r->name, o->why);
	if (o->of != NAMES_NO_INDEX)
		ck_assert_str_eq(r->image + strlen(kind), entries[o->of]);
}

/* Each pattern that a refusal offers must do what the sentence says. */
static void check_suggestions(const struct set *s, const char *const *entries, size_t n,
			      const char *msg)
{
	size_t patterns = 0;
	const char *at = msg;
	while ((at = strstr(at, "--pattern '")) != NULL) {
		at += strlen("--pattern '");
		const char *end = strchr(at, '\'');
		ck_assert_ptr_nonnull(end);
		char *text = strndup(at, (size_t)(end - at));
		struct pattern *p = NULL;
		struct err err = { 0 };
		ck_assert_msg(pattern_parse(text, &p, &err) == 0, "set %s: %s", s->what, err.msg);
		struct names names;
		struct name_options o = { .folder = "src", .gaps = GAPS_FILL };
		ck_assert_msg(pattern_interpret(p, entries, n, &o, &names, &err) == 0, "set %s: %s",
			      s->what, err.msg);
		ck_assert_msg(names.n_left_out == 0, "set %s: %s", s->what, text);
		char images[40] = "' (one image)";
		if (names.n_images != 1)
			snprintf(images, sizeof(images), "' (%zu images)", names.n_images);
		ck_assert_msg(strncmp(end, images, strlen(images)) == 0, "set %s: %s", s->what,
			      msg);
		names_done(&names);
		pattern_free(p);
		free(text);
		patterns++;
	}
	bool gaps = strstr(msg, "missing") != NULL, duplicates = strstr(msg, "duplicate") != NULL;
	ck_assert_msg(patterns > 0 || (gaps && strstr(msg, "--gaps fill") != NULL) ||
			      (duplicates && strstr(msg, "--group none") != NULL),
		      "set %s: %s", s->what, msg);
}

static void check_refused(const struct set *s, const char *const *entries, size_t n,
			  const char *msg)
{
	static const char *const kinds[][2] = {
		{ "refused: gaps", "missing" },
		{ "refused: 2 numbers", "two numbers vary and neither is named" },
		{ "refused: 3 numbers", "three numbers vary and none is named" },
		{ "refused: no single number", "no single one gives the order" },
		{ "refused: an unnamed number", "a number that no word names varies beside" },
		{ "refused: two numbers labelled", "two numbers vary and both are named" },
		{ "refused: duplicates", "same numbers" },
	};
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(strncmp(row_of(s, entries[i])->image, "refused", 7) == 0,
			      "set %s: refused: %s", s->what, msg);
	bool known = false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strncmp(s->row[0].image, kinds[i][0], strlen(kinds[i][0])) == 0) {
			ck_assert_msg(strstr(msg, kinds[i][1]) != NULL, "set %s: %s", s->what, msg);
			known = true;
		}
	ck_assert_msg(known, "set %s: %s", s->what, s->row[0].image);
	check_suggestions(s, entries, n, msg);
}

static void check_set(const struct set *s, const char *const *entries, size_t n)
{
	struct name_options o = options_of(s);
	struct names names = { 0 };
	struct err err = { 0 };
	int rc = names_interpret(entries, n, &o, &names, &err);
	if (rc == -EINVAL) {
		check_refused(s, entries, n, err.msg);
		if (getenv("NAMES_TEST_TALK") != NULL)
			printf("%s\n    %s\n", s->what, err.msg);
		return;
	}
	ck_assert_int_eq(rc, 0);
	size_t seen = names.n_left_out;
	for (size_t i = 0; i < names.n_images; i++) {
		check_image(s, entries, &names.images[i]);
		seen += names.images[i].n_members;
		if (getenv("NAMES_TEST_TALK") != NULL && names.images[i].how != NULL)
			printf("%s\n    %s: %s\n", s->what, names.images[i].id,
			       names.images[i].how);
	}
	for (size_t i = 0; i < names.n_left_out; i++)
		check_left_out(s, entries, &names.left_out[i]);
	ck_assert_msg(seen == n, "set %s: %zu of %zu names", s->what, seen, n);
	names_done(&names);
}

START_TEST(the_table)
{
	FILE *f = open_table();
	if (f == NULL)
		return;
	char line[1000];
	static struct set s;
	size_t sets = 0, rows = 0;
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	if (fgets(line, sizeof(line), f) == NULL)
		*line = '\0';
	rng = 88172645463325252ULL;
	while (read_set(f, line, sizeof(line), &s)) {
		const char *entries[SET_MAX];
		size_t n = 0;
		for (size_t i = 0; i < s.n; i++) {
			bool slide;
			if (names_is_tiff(s.row[i].name, &slide))
				entries[n++] = s.row[i].name;
			else
				ck_assert_msg(strstr(s.row[i].image, "hidden") != NULL ||
						      strstr(s.row[i].image, "backup") != NULL ||
						      strstr(s.row[i].image, "no TIFF") != NULL,
					      "set %s: %s", s.what, s.row[i].name);
		}
		check_set(&s, entries, n);
		for (int k = 0; k < 5; k++) {
			shuffle(entries, n);
			check_set(&s, entries, n);
		}
		sets++;
		rows += s.n;
	}
	fclose(f);
	ck_assert_uint_eq(sets, 95);
	ck_assert_uint_eq(rows, 619);
}
END_TEST

/* ---- by hand ---- */

enum { FEW = 40 };

/* Names in one string, separated by blanks. */
struct few {
	char *copy;
	const char *entries[FEW];
	size_t n;
	struct names names;
	struct err err;
	int rc;
};

static void interpret_with(struct few *w, const char *list, struct name_options o)
{
	*w = (struct few){ .copy = strdup(list) };
	char *rest = w->copy, *s;
	while ((s = strsep(&rest, " ")) != NULL)
		w->entries[w->n++] = s;
	if (o.folder == NULL)
		o.folder = "src";
	w->rc = names_interpret(w->entries, w->n, &o, &w->names, &w->err);
}

static void interpret(struct few *w, const char *list)
{
	interpret_with(w, list, (struct name_options){ 0 });
	ck_assert_msg(w->rc == 0, "%s", w->err.msg);
}

static void refuse_with(struct few *w, const char *list, const char *sentence,
			struct name_options o)
{
	interpret_with(w, list, o);
	ck_assert_msg(w->rc == -EINVAL, "%s", list);
	ck_assert_str_eq(w->err.msg, sentence);
	ck_assert_uint_eq(w->names.n_images, 0);
	free(w->copy);
}

static void refuse(const char *list, const char *sentence)
{
	struct few w;
	refuse_with(&w, list, sentence, (struct name_options){ 0 });
}

static void done(struct few *w)
{
	names_done(&w->names);
	free(w->copy);
}

START_TEST(sentences)
{
	refuse("exp0_0.tif exp0_1.tif exp1_0.tif exp1_1.tif",
	       "'exp0_0.tif'..'exp1_1.tif': two numbers vary and neither is named: "
	       "--pattern 'exp{t}_{z}.tif' (one image), --pattern 'exp{i}_{z}.tif' (2 images)");
	refuse("0_0_0.tif 0_0_1.tif 0_1_0.tif 0_1_1.tif 1_0_0.tif 1_0_1.tif 1_1_0.tif 1_1_1.tif",
	       "'0_0_0.tif'..'1_1_1.tif': three numbers vary and none is named: "
	       "--pattern '{i}_{t}_{z}.tif' (2 images), --pattern '{i}_{i}_{z}.tif' (4 images)");
	refuse("z0_5.tif z0_6.tif z1_5.tif z1_6.tif",
	       "'z0_5.tif'..'z1_6.tif': a number that no word names varies beside z: "
	       "--pattern 'z{z}_{t}.tif' (one image), --pattern 'z{z}_{i}.tif' (2 images)");
	refuse("z_0.0um.tif z_0.5um.tif z_1.0um.tif",
	       "'z_0.0um.tif'..'z_1.0um.tif': a number that no word names varies beside z: "
	       "--pattern 'z_{z:f}um.tif' (one image)");
	refuse("z0_slice0.tif z0_slice1.tif z1_slice0.tif z1_slice1.tif",
	       "'z0_slice0.tif'..'z1_slice1.tif': two numbers vary and both are named z: "
	       "--pattern 'z{t}_slice{z}.tif' (one image), "
	       "--pattern 'z{i}_slice{z}.tif' (2 images)");
	refuse("d14_22-00.tif d14_23-00.tif d15_00-00.tif d15_01-00.tif",
	       "'d14_22-00.tif'..'d15_01-00.tif': two numbers vary and no single one gives the "
	       "order of the files: --pattern 'd{t:*}-00.tif' (one image), "
	       "--pattern 'd{z:*}-00.tif' (one image)");
	refuse("s_01.tif s_1.tif s_2.tif s_3.tif",
	       "'s_01.tif' and 's_1.tif' have the same numbers (1 such duplicate among 4 files, "
	       "more than a tenth): take one of each away, or --group none makes each file an "
	       "image");
	refuse("o'hara0_{0}.tif o'hara0_{1}.tif o'hara1_{0}.tif o'hara1_{1}.TIF",
	       "'o'hara0_{0}.tif'..'o'hara1_{1}.TIF': two numbers vary and neither is named: "
	       "--pattern 'o'\\''hara{t}_{{{z}}}.{}' (one image), "
	       "--pattern 'o'\\''hara{i}_{{{z}}}.{}' (2 images)");
}
END_TEST

START_TEST(gap_sentences)
{
	struct few w;
	refuse("a_1.tif a_2.tif a_4.tif a_10.tif",
	       "6 of 10 numbers are missing between 'a_1.tif' and 'a_10.tif': --gaps fill shows "
	       "them as empty planes, --gaps close leaves them out");
	refuse("t0_z0.tif t0_z1.tif t1_z0.tif t1_z1.tif t3_z0.tif t3_z1.tif",
	       "1 of 4 numbers of t is missing between 't0_z0.tif' and 't3_z0.tif': --gaps fill "
	       "shows them as empty planes, --gaps close leaves them out");
	refuse("z0_c0.tif z0_c1.tif z1_c0.tif",
	       "1 of 4 planes (c x z) is missing between 'z0_c0.tif' and 'z0_c1.tif': --gaps fill "
	       "shows them as empty planes");
	/* A number in a name must not become a table of that many planes. */
	refuse_with(&w, "a_1.tif a_2.tif a_9000000000000000000.tif",
		    "8999999999999999997 of 9000000000000000000 numbers are missing between "
		    "'a_1.tif' and 'a_9000000000000000000.tif': --gaps close leaves them out",
		    (struct name_options){ .gaps = GAPS_FILL });
	refuse_with(&w, "t0_z0.tif t10000_z10000.tif t20000_z20000.tif t30001_z30001.tif",
		    "4 files would be spread over more than 67108864 planes (t x z) between "
		    "'t0_z0.tif' and 't30001_z30001.tif'",
		    (struct name_options){ .gaps = GAPS_FILL });
}
END_TEST

START_TEST(gaps_as_asked)
{
	struct few w;
	interpret_with(&w, "a_1.tif a_2.tif a_4.tif a_10.tif",
		       (struct name_options){ .gaps = GAPS_FILL });
	const struct name_image *im = w.names.images;
	ck_assert_int_eq(w.rc, 0);
	ck_assert_uint_eq(im->z.size, 10);
	ck_assert_uint_eq(im->z.missing, 6);
	ck_assert_uint_eq(im->z.first, 1);
	ck_assert_uint_eq(im->z.step, 1);
	ck_assert_uint_eq(im->missing, 6);
	ck_assert_uint_eq(im->members[3].z, 9);
	done(&w);
	interpret_with(&w, "a_1.tif a_2.tif a_4.tif a_10.tif",
		       (struct name_options){ .gaps = GAPS_CLOSE });
	ck_assert_int_eq(w.rc, 0);
	ck_assert_uint_eq(w.names.images->z.size, 4);
	ck_assert_uint_eq(w.names.images->z.missing, 0);
	ck_assert_uint_eq(w.names.images->missing, 0);
	done(&w);
	interpret(&w, "i_0000.tif i_0009.tif i_0018.tif");
	ck_assert_uint_eq(w.names.images->z.step, 9);
	ck_assert_uint_eq(w.names.images->z.size, 3);
	ck_assert(!w.names.images->z.labelled);
	ck_assert_ptr_null(w.names.images->z.token);
	done(&w);
	/* Holes of a grid cannot be closed: the tenth holds there too. */
	interpret_with(&w, "z0_c0.tif z0_c1.tif z1_c0.tif",
		       (struct name_options){ .gaps = GAPS_CLOSE });
	ck_assert_int_eq(w.rc, -EINVAL);
	done(&w);
	interpret_with(&w, "z0_c0.tif z0_c1.tif z1_c0.tif",
		       (struct name_options){ .gaps = GAPS_FILL });
	ck_assert_int_eq(w.rc, 0);
	ck_assert_uint_eq(w.names.images->missing, 1);
	ck_assert_uint_eq(w.names.images->z.missing, 0);
	done(&w);
}
END_TEST

START_TEST(labels)
{
	struct few w;
	interpret(&w, "img_ch00_z0.tif img_ch00_z1.tif img_ch01_z0.tif img_ch01_z1.tif");
	const struct name_image *im = w.names.images;
	ck_assert_uint_eq(im->c.size, 2);
	ck_assert_str_eq(im->channel_labels[0], "ch00");
	ck_assert_str_eq(im->channel_labels[1], "ch01");
	ck_assert_str_eq(im->c.token, "ch");
	ck_assert(im->c.labelled && im->z.labelled);
	ck_assert_str_eq(im->how, "c from 'ch00', z from 'z0' in 'img_ch00_z0.tif'");
	done(&w);
	interpret(&w, "Channel_0.tif Channel_2.tif");
	im = w.names.images;
	ck_assert_str_eq(im->channel_labels[1], "Channel_2");
	ck_assert_str_eq(im->c.token, "Channel_");
	ck_assert_str_eq(im->how, "c from 'Channel_0' in 'Channel_0.tif'; "
				  "--pattern 'Channel_{z}.tif' would make it a stack");
	done(&w);
	interpret(&w, "img_000000000_Cy3_000.tif img_000000000_DAPI_000.tif");
	ck_assert_str_eq(w.names.images->channel_labels[0], "Cy3");
	ck_assert_str_eq(w.names.images->channel_labels[1], "DAPI");
	done(&w);
	interpret(&w, "e_w1DAPI_t1.tif e_w1DAPI_t2.tif e_w2GFP_t1.tif e_w2GFP_t2.tif");
	ck_assert_str_eq(w.names.images->channel_labels[0], "DAPI");
	ck_assert_str_eq(w.names.images->channel_labels[1], "GFP");
	done(&w);
	interpret(&w, "e_w1_t1.tif e_w1_t2.tif e_w2_t1.tif e_w2_t2.tif");
	ck_assert_str_eq(w.names.images->channel_labels[1], "w2");
	done(&w);
	interpret(&w, "medulla_03690.tif medulla_03691.tif");
	ck_assert_str_eq(w.names.images->how, "z from the number in 'medulla_03690.tif'");
	done(&w);
}
END_TEST

START_TEST(shapes_that_do_not_hold)
{
	struct few w;
	/* One channel with two names is no MetaMorph set, and neither is what follows in another text. */
	interpret(&w, "e_w1DAPI_t1.tif e_w1DAPI_t2.tif e_w1GFP_t1.tif e_w1GFP_t2.tif");
	ck_assert_uint_eq(w.names.n_images, 2);
	ck_assert_str_eq(w.names.images[0].id, "e_w1DAPI");
	done(&w);
	interpret(&w, "e_w1_z000.tif e_w1_z001.tif e_w2_z000.tif e_w2_z001.tif");
	ck_assert_uint_eq(w.names.n_images, 1);
	ck_assert(w.names.images->z.present && w.names.images->c.present);
	done(&w);
	/* Stages are images even where nothing else varies. */
	interpret(&w, "e_w1_s1.tif e_w1_s2.tif");
	ck_assert_uint_eq(w.names.n_images, 2);
	ck_assert_str_eq(w.names.images[1].id, "e_w1_s2");
	done(&w);
}
END_TEST

static void check_folders(const char *names, const char *wanted)
{
	char CLEANUP(freep) *copy = strdup(names);
	const char *paths[FEW];
	size_t n = 0;
	for (char *at = copy; at != NULL && n < FEW; n++) {
		paths[n] = at;
		at = strchr(at, ' ');
		if (at != NULL)
			*at++ = '\0';
	}
	struct text CLEANUP(text_done) t = { 0 };
	ck_assert_int_eq(names_hint_folders(paths, n, &t, NULL), 0);
	ck_assert_str_eq(t.s != NULL ? t.s : "", wanted);
}

START_TEST(hints_for_folders)
{
	check_folders("ch0/001.tif ch0/002.tif ch1/001.tif ch1/002.tif",
		      "--pattern 'ch{c}/{z}.tif' would make one image of the folders");
	check_folders("time_1/im1.tif time_1/im2.tif time_2/im1.tif time_2/im2.tif",
		      "--pattern 'time_{t}/im{z}.tif' would make one image of the folders");
	check_folders("DAPI/a_1.tif DAPI/a_2.tif GFP/a_1.tif GFP/a_2.tif",
		      "--pattern '{c}/a_{z}.tif' would make channels of the stacks");
	/* Images of their own. */
	check_folders("mouse1/001.tif mouse1/002.tif mouse2/001.tif mouse2/002.tif", "");
	check_folders("a/x_001.tif a/x_002.tif b/y_001.tif b/y_002.tif", "");
}
END_TEST

START_TEST(hints)
{
	struct few w;
	interpret(&w, "DAPI_0.tif DAPI_1.tif DAPI_2.tif GFP_0.tif GFP_1.tif GFP_2.tif");
	ck_assert_uint_eq(w.names.n_images, 2);
	ck_assert_str_eq(w.names.images[1].how, "z from the number in 'GFP_0.tif'");
	ck_assert_str_eq(w.names.hint, "--pattern '{c}_{z}.tif' would make channels of the stacks");
	done(&w);
	interpret(&w, "run_Cy3b_0_x.tif run_Cy3b_1_x.tif run_Cy3a_0_x.tif run_Cy3a_1_x.tif");
	ck_assert_ptr_nonnull(strstr(w.names.images[0].how, "Cy"));
	done(&w);
	interpret(&w, "run_DAPI_0_x.tif run_DAPI_1_x.tif run_DAB_0_x.tif run_DAB_1_x.tif");
	ck_assert_ptr_nonnull(strstr(w.names.hint, "--pattern 'run_{c}_{z}_x.tif'"));
	done(&w);
	/* Two terms may not touch, so nothing is offered. */
	interpret(&w, "DAPI0.tif DAPI1.tif GFP0.tif GFP1.tif");
	ck_assert_str_eq(w.names.images[0].how, "z from the number in 'DAPI0.tif'");
	ck_assert_ptr_null(w.names.hint);
	done(&w);
	interpret(&w, "Pos0.tif Pos1.tif");
	ck_assert_str_eq(w.names.images[0].how, "an image of its own for 'Pos0'; "
						"--pattern 'Pos{z}.tif' would make it a stack");
	done(&w);
}
END_TEST

START_TEST(ids)
{
	struct few w;
	interpret(&w, "a.tif A.tiff b.tif a_2.tif");
	ck_assert_uint_eq(w.names.n_images, 4);
	ck_assert_str_eq(w.names.images[0].id, "A");
	ck_assert_str_eq(w.names.images[1].id, "a_3");
	ck_assert_str_eq(w.names.images[2].id, "a_2");
	ck_assert_str_eq(w.names.images[3].id, "b");
	done(&w);
	static const char *const cases[][2] = {
		{ "a/b\\c:d*e?f\"g<h>i|j", "a_b_c_d_e_f_g_h_i_j" },
		{ "..x", "x" },
		{ "x. . ", "x" },
		{ "", "image" },
		{ "...", "image" },
		{ "labels", "labels_" },
		{ "\xff\xc3\xbc\x01", "_\xc3\xbc_" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct text t = { 0 };
		names_id_clean(&t, cases[i][0], strlen(cases[i][0]));
		ck_assert_str_eq(t.s, cases[i][1]);
		text_done(&t);
	}
	char wide[3 * 80 + 1];
	for (size_t i = 0; i < 80; i++)
		memcpy(wide + 3 * i, "\xe2\x82\xac", 4);
	struct text t = { 0 };
	names_id_clean(&t, wide, strlen(wide));
	ck_assert_uint_eq(t.len, 198);
	text_done(&t);
}
END_TEST

START_TEST(what_is_looked_at)
{
	bool slide;
	static const char *const tiffs[] = { "a.tif",	  "a.TIFF",    "a.btf", "a.tf2", "a.tf8",
					     "a.ome.tif", "a.OME.btf", "a.lsm", "a.stk" };
	for (size_t i = 0; i < ARRAY_SIZE(tiffs); i++) {
		ck_assert_msg(names_is_tiff(tiffs[i], &slide) && !slide, "%s", tiffs[i]);
		ck_assert_uint_eq(names_stem(tiffs[i]), 1);
	}
	static const char *const slides[] = { "a.svs", "a.ndpi",   "a.SCN",
					      "a.gel", "a.qptiff", "a.flex" };
	for (size_t i = 0; i < ARRAY_SIZE(slides); i++)
		ck_assert_msg(names_is_tiff(slides[i], &slide) && slide, "%s", slides[i]);
	static const char *const others[] = { ".a.tif", "._a.tif", ".tif",	"a.tif~", "a.png",
					      "a.dng",	"tif",	   "a.tif.bak", "a" };
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		ck_assert_msg(!names_is_tiff(others[i], &slide), "%s", others[i]);
	ck_assert_uint_eq(names_stem("a.png"), 5);
	ck_assert(names_is_junk_folder("__MACOSX") && names_is_junk_folder("@eadir") &&
		  names_is_junk_folder("Thumbs") && names_is_junk_folder(".git"));
	ck_assert(!names_is_junk_folder("thumbs2") && !names_is_junk_folder("data"));
}
END_TEST

START_TEST(natural_order)
{
	static const char *const sorted[] = {
		"",    "1",   "01",  "2",    "10", "99999999999999999999999",
		"-1",  "A2",  "A10", "a",    "a1", "a1b",
		"a01", "a2",  "a10", "a10-", "a-", "ab",
		"b",   "\xff"
	};
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		for (size_t k = 0; k < ARRAY_SIZE(sorted); k++) {
			int rc = names_compare(sorted[i], sorted[k]);
			ck_assert_msg((rc < 0) == (i < k) && (rc > 0) == (i > k), "'%s' '%s'",
				      sorted[i], sorted[k]);
		}
}
END_TEST

START_TEST(odd_folders)
{
	struct names names;
	struct name_options o = { .folder = "" };
	ck_assert_int_eq(names_interpret(NULL, 0, &o, &names, NULL), 0);
	ck_assert_uint_eq(names.n_images, 0);
	const char *one[] = { "t_5.tif" };
	ck_assert_int_eq(names_interpret(one, 1, &o, &names, NULL), 0);
	ck_assert_str_eq(names.images[0].id, "image");
	ck_assert(!names.images[0].t.present && !names.images[0].z.present);
	names_done(&names);
	struct few w;
	interpret(&w, "thumb_0.tif thumb_1.tif");
	ck_assert_uint_eq(w.names.n_images, 1);
	ck_assert_uint_eq(w.names.n_left_out, 0);
	done(&w);
	refuse("a.tif a.tiff",
	       "'a.tif' and 'a.tiff' differ in the suffix alone (1 such duplicate among 2 files, "
	       "more than a tenth): take one of each away, or --group none makes each file an "
	       "image");
}
END_TEST

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SLOWER = 20 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { SLOWER = 20 };
#else
enum { SLOWER = 3 };
#endif
#else
enum { SLOWER = 3 };
#endif

START_TEST(many_names)
{
	enum { MANY = 100000 };
	char(*name)[32] = calloc(MANY, sizeof(*name));
	const char **entries = calloc(MANY, sizeof(*entries));
	ck_assert(name != NULL && entries != NULL);
	for (size_t i = 0; i < MANY; i++) {
		snprintf(name[i], sizeof(name[i]), "img_ch%02zu_z%05zu.tif", i % 4, i / 4);
		entries[i] = name[i];
	}
	rng = 88172645463325252ULL;
	shuffle(entries, MANY);
	struct name_options o = { .folder = "src" };
	struct names names;
	for (int none = 0; none < 2; none++) {
		o.group_none = none;
		double start = seconds();
		ck_assert_int_eq(names_interpret(entries, MANY, &o, &names, NULL), 0);
		double took = seconds() - start;
		ck_assert_uint_eq(names.n_images, none ? MANY : 1);
		printf("%d names %s: %.3f s\n", MANY, none ? "apart" : "shuffled", took);
		ck_assert_msg(took < 0.3 * (double)SLOWER, "%.3f s", took);
		names_done(&names);
	}
	free(entries);
	free(name);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("names");
	TCase *t = tcase_create("names");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, the_table);
	tcase_add_test(t, sentences);
	tcase_add_test(t, gap_sentences);
	tcase_add_test(t, gaps_as_asked);
	tcase_add_test(t, labels);
	tcase_add_test(t, shapes_that_do_not_hold);
	tcase_add_test(t, hints);
	tcase_add_test(t, hints_for_folders);
	tcase_add_test(t, ids);
	tcase_add_test(t, what_is_looked_at);
	tcase_add_test(t, natural_order);
	tcase_add_test(t, odd_folders);
	tcase_add_test(t, many_names);
	suite_add_tcase(s, t);
	return run_suite(s);
}
