#include "meta/pattern.h"

#include "meta/pattern_term.h"

#include <errno.h>
#include <string.h>

/* The whole of a text that is being parsed. */
struct parse {
	struct pattern *p;
	const char *s;
	size_t n, at;
	size_t literals; /* bytes of literals so far */
	size_t terms;	 /* that are no literals */
	struct err *err;
};

/* Puts the place in front of the sentence: `from` and `to` are bytes of the pattern. */
static int bad(const struct parse *x, size_t from, size_t to, const char *what)
{
	struct text CLEANUP(text_done) t = { 0 };
	text_add(&t, "--pattern '");
	text_add_name(&t, x->s, x->n);
	text_add(&t, "': ");
	if (to > from) {
		text_add(&t, "'");
		text_add_name(&t, x->s + from, to - from);
		text_addf(&t, "' at byte %zu ", from + 1);
	}
	text_add(&t, what);
	return t.oom ? err_oom(x->err) : err_set(x->err, EINVAL, "%s", t.s);
}

static const char not_an_axis[] =
	"is no axis: {t}, {c}, {z}, {i} (an image each) or {} (ignored), and {{ is a brace";

static bool is_axis(char c)
{
	return c == 't' || c == 'c' || c == 'z' || c == 'i';
}

static bool axis_used(const struct pattern *p, char axis)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->term[i].kind != TERM_LITERAL && p->term[i].axis == axis)
			return true;
	for (size_t i = 0; i < p->pages.n; i++)
		if (p->pages.axis[i] == axis)
			return true;
	return false;
}

/* A number of at most nine digits. */
static bool parse_number(const char *s, size_t n, uint32_t *value)
{
	uint32_t v = 0;
	if (n == 0 || n > 9)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(s[i] - '0');
	}
	*value = v;
	return true;
}

/* The term s[n] between the braces. */
static int parse_term(struct parse *x, const char *s, size_t n, size_t from, size_t to)
{
	struct pattern_term t = { .kind = TERM_IGNORED };
	if (n > 0) {
		if (!is_axis(s[0]) || (n > 1 && s[1] != ':'))
			return bad(x, from, to, not_an_axis);
		t.axis = s[0];
		t.kind = s[0] == 't' || s[0] == 'z' ? TERM_DIGITS : TERM_TEXT;
	}
	if (n == 3 && s[2] == 'f') {
		t.kind = TERM_DECIMAL;
	} else if (n == 3 && s[2] == '*') {
		t.kind = TERM_TEXT;
	} else if (n > 1) {
		t.kind = TERM_DIGITS;
		if (!parse_number(s + 2, n - 2, &t.width) || t.width == 0 || t.width > 19)
			return bad(x, from, to,
				   "has no known form: behind the colon stand a number of digits "
				   "(1 to 19), f (decimals) or * (any text)");
	}
	if (t.axis != '\0' && t.axis != 'i' && axis_used(x->p, t.axis))
		return bad(x, from, to, "names an axis for the second time");
	if (x->terms == PATTERN_TERMS)
		return bad(x, from, to, "is one term more than the 16 that a pattern may have");
	const struct pattern_term *last = x->p->n > 0 ? &x->p->term[x->p->n - 1] : NULL;
	if (last != NULL && last->kind != TERM_LITERAL && last->width == 0)
		return bad(x, from, to,
			   "touches the term before it: text must stand between them, or the first "
			   "needs a width, as {t:3}");
	x->p->term[x->p->n++] = t;
	x->terms++;
	return 0;
}

static void add_literal(struct parse *x, char c)
{
	struct pattern *p = x->p;
	if (p->n == 0 || p->term[p->n - 1].kind != TERM_LITERAL)
		p->term[p->n++] = (struct pattern_term){ .kind = TERM_LITERAL, .at = x->literals };
	p->term[p->n - 1].len++;
	p->literals[x->literals++] = c;
}

/* "z" or "c=2", the k-th of the axes of the pages. */
static int parse_page_axis(struct parse *x, size_t from, size_t to)
{
	struct pattern_pages *g = &x->p->pages;
	const char *s = x->s + from;
	size_t n = to - from;
	if (n == 0 || s[0] == 'i' || !is_axis(s[0]))
		return bad(x, from, to > from ? to : to + 1,
			   "is no axis of pages: t, c or z, slowest first, all but the first with "
			   "a size, as #{z,c=2}");
	if (axis_used(x->p, s[0]))
		return bad(x, from, to, "names an axis for the second time");
	uint32_t size = 0;
	if (g->n == 0 && n > 1)
		return bad(x, from, to,
			   "has a size, but the first axis of the pages takes what the others "
			   "leave");
	if (g->n > 0 && (n < 3 || s[1] != '=' || !parse_number(s + 2, n - 2, &size) || size == 0))
		return bad(x, from, to, "needs a size, as c=2: only the first axis has none");
	g->axis[g->n] = s[0];
	g->size[g->n++] = size;
	return 0;
}

/* Parses the axes of the pages from `from` (behind "#{") to `to`. */
static int parse_pages(struct parse *x, size_t from, size_t to)
{
	x->p->has_pages = true;
	for (size_t at = from;;) {
		const char *comma = memchr(x->s + at, ',', to - at);
		size_t end = comma == NULL ? to : (size_t)(comma - x->s);
		int rc = parse_page_axis(x, at, end);
		if (rc != 0 || end == to)
			return rc;
		at = end + 1;
	}
}

static int parse_brace(struct parse *x)
{
	size_t from = x->at;
	char c = x->s[from];
	if (x->s[from + 1] == c) {
		add_literal(x, c);
		x->at += 2;
		return 0;
	}
	if (c == '}')
		return bad(x, from, from + 1, "closes nothing: a brace itself is written }}");
	const char *close = memchr(x->s + from, '}', x->n - from);
	if (close == NULL)
		return bad(x, from, x->n, "is not closed: a brace itself is written {{");
	x->at = (size_t)(close - x->s) + 1;
	return parse_term(x, x->s + from + 1, x->at - from - 2, from, x->at);
}

/* True at a "#{...}" that ends the pattern. */
static bool at_pages(const struct parse *x)
{
	const char *s = x->s + x->at;
	return s[0] == '#' && s[1] == '{' && s[2] != '{' &&
	       memchr(s, '}', x->n - x->at) == x->s + x->n - 1;
}

static int parse_all(struct parse *x)
{
	if (x->n == 0)
		return bad(x, 0, 0, "it is empty");
	if (x->s[0] == '/')
		return bad(x, 0, 1, "is wrong there: the path is that below SOURCE");
	int rc = 0;
	while (rc == 0 && x->at < x->n) {
		if (at_pages(x)) {
			rc = parse_pages(x, x->at + 2, x->n - 1);
			break;
		}
		if (x->s[x->at] == '{' || x->s[x->at] == '}')
			rc = parse_brace(x);
		else
			add_literal(x, x->s[x->at++]);
	}
	if (rc != 0)
		return rc;
	for (const char *axis = "tczi"; *axis != '\0'; axis++)
		if (axis_used(x->p, *axis))
			return 0;
	return bad(x, 0, 0, "it names no axis: at least one of {t}, {c}, {z}, {i}");
}

int pattern_parse(const char *text, struct pattern **out, struct err *err)
{
	struct pattern *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return err_oom(err);
	struct parse x = { .p = p, .s = text, .n = strlen(text), .err = err };
	p->text = strdup(text);
	p->literals = malloc(x.n + 1);
	int rc = p->text == NULL || p->literals == NULL ? err_oom(err) : parse_all(&x);
	if (rc == 0)
		*out = STEAL(p);
	pattern_free(p);
	return rc;
}

void pattern_free(struct pattern *p)
{
	if (p == NULL)
		return;
	free(p->text);
	free(p->literals);
	free(p);
}

bool pattern_pages(const struct pattern *p, struct pattern_pages *out)
{
	*out = p->pages;
	return p->has_pages;
}

unsigned pattern_depth(const struct pattern *p)
{
	unsigned depth = 0;
	for (size_t k = 0; k < p->n; k++)
		for (size_t i = 0; p->term[k].kind == TERM_LITERAL && i < p->term[k].len; i++)
			depth += p->literals[p->term[k].at + i] == '/';
	return depth;
}
