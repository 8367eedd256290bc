#include "meta/names_axes.h"
#include "meta/names_list.h"
#include "meta/names_say.h"
#include "meta/pattern_term.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What a term with an axis matched in one path. */
struct value {
	uint64_t v; /* the number, or the rank among all texts of the term */
	uint32_t at, len;
};

/* A path that matches. */
struct match {
	uint32_t entry;
	struct value *value; /* one for each axis term, in the order of the pattern */
};

struct matches {
	const struct pattern *p;
	const char *const *paths;
	size_t n_terms;
	const struct pattern_term *term[PATTERN_TERMS]; /* those with an axis */
	struct match *match;
	struct value *values;
	size_t n;
	size_t order[PATTERN_TERMS]; /* terms by which images and planes are ordered: i, t, c, z */
	size_t n_images_by;	     /* of these, those of i */
	size_t axis[SPOT_AXES];	     /* the term of t, c, z; n_terms: none */
};

static void matches_done(struct matches *m)
{
	free(m->match);
	free(m->values);
}

static void add_order(struct matches *m, char axis, size_t *n)
{
	for (size_t k = 0; k < m->n_terms; k++)
		if (m->term[k]->axis == axis)
			m->order[(*n)++] = k;
}

static size_t term_of(const struct matches *m, char axis)
{
	size_t k = 0;
	while (k < m->n_terms && m->term[k]->axis != axis)
		k++;
	return k;
}

static void find_terms(struct matches *m)
{
	for (size_t k = 0; k < m->p->n; k++)
		if (m->p->term[k].axis != '\0')
			m->term[m->n_terms++] = &m->p->term[k];
	size_t n = 0;
	add_order(m, 'i', &n);
	m->n_images_by = n;
	for (int a = 0; a < SPOT_AXES; a++) {
		add_order(m, "tcz"[a], &n);
		m->axis[a] = term_of(m, "tcz"[a]);
	}
}

/* Says how the pattern is written: --pattern '...'. */
static void say_pattern(struct text *t, const struct pattern *p)
{
	text_add(t, "--pattern '");
	text_add_name(t, p->text, strlen(p->text));
	text_add(t, "'");
}

static int refuse(struct text *t, struct err *err)
{
	int rc = t->oom ? err_oom(err) : err_set(err, EINVAL, "%s", t->s);
	text_done(t);
	return rc;
}

static int refuse_all(const struct matches *m, size_t n, struct pattern_room *room, struct err *err)
{
	struct pattern_span spans[2 * PATTERN_TERMS + 1];
	const char *first = NULL, *folded = NULL;
	for (size_t i = 0; i < n; i++) {
		const char *path = m->paths[i];
		if (first == NULL || names_compare(path, first) < 0)
			first = path;
		int rc = pattern_match(m->p, path, true, room, spans);
		if (rc < 0)
			return err_oom(err);
		if (rc > 0 && (folded == NULL || names_compare(path, folded) < 0))
			folded = path;
	}
	struct text t = { 0 };
	say_pattern(&t, m->p);
	text_addf(&t, " matches none of %zu file%s", n, n == 1 ? "" : "s");
	if (folded != NULL) {
		text_add(&t, ": ");
		names_say_file(&t, folded);
		text_add(&t, " would match without regard to case");
	} else if (first != NULL) {
		text_add(&t, n == 1 ? ": it is " : ": the first is ");
		names_say_file(&t, first);
	}
	return refuse(&t, err);
}

static int match_all(struct matches *m, size_t n, struct names_list *list, struct err *err)
{
	struct pattern_span spans[2 * PATTERN_TERMS + 1];
	struct pattern_room room = { 0 };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		int hit = pattern_match(m->p, m->paths[i], false, &room, spans);
		if (hit < 0)
			rc = err_oom(err);
		else if (hit == 0)
			rc = names_list_leave(list, (uint32_t)i, "not matched by --pattern",
					      NAMES_NO_INDEX, err);
		if (hit <= 0)
			continue;
		struct match *to = &m->match[m->n];
		*to = (struct match){ (uint32_t)i, m->values + m->n * m->n_terms };
		m->n++;
		for (size_t k = 0; k < m->n_terms; k++) {
			struct pattern_span s = spans[m->term[k] - m->p->term];
			to->value[k] = (struct value){ 0, s.at, s.len };
		}
	}
	if (rc == 0 && m->n == 0)
		rc = refuse_all(m, n, &room, err);
	free(room.can);
	return rc;
}

static bool number_of(const struct matches *m, size_t i, size_t k, uint64_t *v)
{
	const struct value *x = &m->match[i].value[k];
	const char *s = m->paths[m->match[i].entry] + x->at;
	for (uint32_t j = 0; j < x->len; j++)
		if (!name_is_digit(s[j]))
			return false;
	return name_number(s, x->len, v);
}

/* Texts of one term while they are ordered. */
struct ranked {
	const char *text;
	struct value *value;
};

/* Digits of a decimal without what does not count: zeros in front, and behind a point at the end. */
struct decimal {
	const char *whole, *part;
	size_t n_whole, n_part;
	bool negative;
};

static struct decimal decimal_of(const char *s)
{
	struct decimal d = { .negative = *s == '-' };
	s += *s == '-' || *s == '+';
	s += strspn(s, "0");
	d.whole = s;
	d.n_whole = strspn(s, "0123456789");
	s += d.n_whole;
	d.part = s + (*s == '.');
	d.n_part = strlen(d.part);
	while (d.n_part > 0 && d.part[d.n_part - 1] == '0')
		d.n_part--;
	if (d.n_whole == 0 && d.n_part == 0)
		d.negative = false;
	return d;
}

static int compare_decimals(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	struct decimal p = decimal_of(x->text), q = decimal_of(y->text);
	if (p.negative != q.negative)
		return p.negative ? -1 : 1;
	int rc = p.n_whole != q.n_whole ? (p.n_whole < q.n_whole ? -1 : 1)
					: memcmp(p.whole, q.whole, p.n_whole);
	if (rc == 0)
		rc = memcmp(p.part, q.part, min_u64(p.n_part, q.n_part));
	if (rc == 0)
		rc = p.n_part < q.n_part ? -1 : p.n_part > q.n_part;
	return p.negative ? -rc : rc;
}

static int compare_texts(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	return names_compare(x->text, y->text);
}

static int rank_texts(struct matches *m, size_t k)
{
	size_t bytes = 0;
	for (size_t i = 0; i < m->n; i++)
		bytes += m->match[i].value[k].len + 1;
	CLEANUP(freep) struct ranked *v = calloc(m->n + 1, sizeof(*v));
	CLEANUP(freep) char *texts = malloc(bytes + 1);
	if (v == NULL || texts == NULL)
		return -ENOMEM;
	char *to = texts;
	for (size_t i = 0; i < m->n; i++) {
		struct value *value = &m->match[i].value[k];
		memcpy(to, m->paths[m->match[i].entry] + value->at, value->len);
		to[value->len] = '\0';
		v[i] = (struct ranked){ to, value };
		to += value->len + 1;
	}
	bool decimal = m->term[k]->kind == TERM_DECIMAL;
	int (*compare)(const void *, const void *) = decimal ? compare_decimals : compare_texts;
	qsort(v, m->n, sizeof(*v), compare);
	uint64_t rank = 0;
	for (size_t i = 0; i < m->n; i++) {
		rank += i > 0 && compare(&v[i - 1], &v[i]) != 0;
		v[i].value->v = rank;
	}
	return 0;
}

static int too_long(const struct matches *m, size_t i, size_t k, struct err *err)
{
	struct text t = { 0 };
	char axis = m->term[k]->axis;
	say_pattern(&t, m->p);
	text_addf(&t, ": {%c} has more than 19 digits in ", axis);
	names_say_file(&t, m->paths[m->match[i].entry]);
	text_addf(&t, ": {%c:*} takes any text", axis);
	return refuse(&t, err);
}

/* Digits give numbers, in texts where all are digits; else the order of the texts does. */
static int set_values(struct matches *m, size_t k, struct err *err)
{
	const struct pattern_term *t = m->term[k];
	bool plain = t->axis == 'c' || t->axis == 'i';
	if (t->kind == TERM_DECIMAL || (t->kind == TERM_TEXT && !plain))
		return rank_texts(m, k) == 0 ? 0 : err_oom(err);
	for (size_t i = 0; i < m->n; i++) {
		if (number_of(m, i, k, &m->match[i].value[k].v))
			continue;
		if (t->kind == TERM_DIGITS)
			return too_long(m, i, k, err);
		return rank_texts(m, k) == 0 ? 0 : err_oom(err);
	}
	return 0;
}

static int compare_matches(const struct matches *m, const struct match *a, const struct match *b,
			   size_t terms)
{
	for (size_t i = 0; i < terms; i++) {
		uint64_t u = a->value[m->order[i]].v, v = b->value[m->order[i]].v;
		if (u != v)
			return u < v ? -1 : 1;
	}
	return 0;
}

static int compare_for_sort(const void *a, const void *b, void *data)
{
	const struct match *x = a, *y = b;
	const struct matches *m = data;
	int rc = compare_matches(m, x, y, m->n_terms);
	if (rc == 0)
		rc = strcmp(m->paths[x->entry], m->paths[y->entry]);
	return rc != 0 ? rc : x->entry < y->entry ? -1 : x->entry > y->entry;
}

static int refuse_duplicate(const struct matches *m, size_t i, struct err *err)
{
	struct text t = { 0 };
	say_pattern(&t, m->p);
	text_add(&t, ": ");
	names_say_file(&t, m->paths[m->match[i - 1].entry]);
	text_add(&t, " and ");
	names_say_file(&t, m->paths[m->match[i].entry]);
	text_add(&t, " have the same values: {i} where they differ makes an image of each");
	return refuse(&t, err);
}

/* The texts of {i}, joined. */
static char *id_of(const struct matches *m, const struct match *first)
{
	struct text t = { 0 };
	text_add(&t, "");
	for (size_t i = 0; i < m->n_images_by; i++) {
		const struct value *v = &first->value[m->order[i]];
		if (i > 0)
			text_add(&t, "_");
		text_addn(&t, m->paths[first->entry] + v->at, v->len);
	}
	if (t.oom)
		text_done(&t);
	return t.s;
}

static int label_channels(const struct matches *m, size_t from, struct name_image *im,
			  struct err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < im->n_members; i++) {
		const struct match *at = &m->match[from + i];
		const struct value *v = &at->value[m->axis[SPOT_C]];
		rc = names_label_channel(im, im->members[i].c, m->paths[at->entry] + v->at, v->len,
					 err);
	}
	return rc;
}

/* Digits count on t and z; texts and decimals only have an order. */
static bool is_numbered(const struct matches *m, int a)
{
	return a != SPOT_C && m->axis[a] < m->n_terms && m->term[m->axis[a]]->kind == TERM_DIGITS;
}

static int make_image(const struct matches *m, size_t from, struct name_spots *s,
		      const struct name_options *opts, struct names_list *list, struct err *err)
{
	struct name_image *im = names_list_image(list);
	if (im == NULL)
		return err_oom(err);
	for (size_t i = 0; i < s->n; i++) {
		const struct match *at = &m->match[from + i];
		s->spot[i] = (struct name_spot){ .entry = at->entry };
		for (int a = 0; a < SPOT_AXES; a++)
			if (s->present[a])
				s->spot[i].v[a] = at->value[m->axis[a]].v;
	}
	int rc = names_place(s, m->paths, opts, im, err);
	if (rc != 0)
		return rc;
	im->t.labelled = im->t.present;
	im->c.labelled = im->c.present;
	im->z.labelled = im->z.present;
	im->id = id_of(m, &m->match[from]);
	im->how = strdup("as --pattern says");
	if (im->id == NULL || im->how == NULL)
		return err_oom(err);
	return im->c.present ? label_channels(m, from, im, err) : 0;
}

static int make_images(const struct matches *m, const struct name_options *opts,
		       struct names_list *list, struct err *err)
{
	CLEANUP(freep) uint64_t *room = calloc(m->n, sizeof(*room));
	CLEANUP(freep) struct name_spot *spot = calloc(m->n, sizeof(*spot));
	if (room == NULL || spot == NULL)
		return err_oom(err);
	struct name_spots s = { .spot = spot, .room = room };
	for (int a = 0; a < SPOT_AXES; a++) {
		s.present[a] = m->axis[a] < m->n_terms;
		s.numbered[a] = is_numbered(m, a);
	}
	int rc = 0;
	for (size_t i = 0, next; rc == 0 && i < m->n; i = next) {
		for (next = i + 1; next < m->n; next++)
			if (compare_matches(m, &m->match[i], &m->match[next], m->n_images_by) != 0)
				break;
		s.n = next - i;
		rc = make_image(m, i, &s, opts, list, err);
	}
	return rc;
}

static int interpret(struct matches *m, const struct name_options *opts, struct names_list *list,
		     struct err *err)
{
	int rc = 0;
	for (size_t k = 0; rc == 0 && k < m->n_terms; k++)
		rc = set_values(m, k, err);
	if (rc != 0)
		return rc;
	qsort_r(m->match, m->n, sizeof(*m->match), compare_for_sort, m);
	for (size_t i = 1; i < m->n; i++)
		if (compare_matches(m, &m->match[i - 1], &m->match[i], m->n_terms) == 0)
			return refuse_duplicate(m, i, err);
	return make_images(m, opts, list, err);
}

int pattern_interpret(const struct pattern *p, const char *const *paths, size_t n,
		      const struct name_options *opts, struct names *out, struct err *err)
{
	struct names_list CLEANUP(names_list_done) list = { 0 };
	struct matches CLEANUP(matches_done) m = { .p = p, .paths = paths };
	*out = (struct names){ 0 };
	if (n >= UINT32_MAX)
		return err_set(err, EINVAL, "%zu files are more than %u", n, UINT32_MAX - 1);
	find_terms(&m);
	m.match = calloc(n + 1, sizeof(*m.match));
	m.values = calloc((n + 1) * max_u64(m.n_terms, 1), sizeof(*m.values));
	if (m.match == NULL || m.values == NULL)
		return err_oom(err);
	int rc = match_all(&m, n, &list, err);
	if (rc == 0)
		rc = interpret(&m, opts, &list, err);
	return rc == 0 ? names_list_finish(&list, paths, opts, out, err) : rc;
}
