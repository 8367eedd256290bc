#include "meta/pattern_term.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* can[k][p]: the terms from k on match the bytes from p to the end. Filled from the last term to the
 * first, so that the choice at each term, made from the first to the last, never has to be taken back. */
struct match {
	const struct pattern *p;
	const char *s;
	size_t n;
	bool fold;
	bool *can;
};

static bool *row(const struct match *m, size_t k)
{
	return m->can + k * (m->n + 1);
}

static bool is_literal(const struct match *m, const struct pattern_term *t, size_t at)
{
	if (t->len > m->n - at)
		return false;
	const char *literal = m->p->literals + t->at;
	return m->fold ? strncasecmp(literal, m->s + at, t->len) == 0
		       : memcmp(literal, m->s + at, t->len) == 0;
}

static bool is_number(const struct match *m, size_t width, size_t at)
{
	if (width > m->n - at)
		return false;
	for (size_t i = 0; i < width; i++)
		if (!is_digit(m->s[at + i]))
			return false;
	return true;
}

/* Runs of bytes: one more byte, and then either the run or the term ends. */
static void fill_run(const struct match *m, size_t k, bool digits)
{
	bool *now = row(m, k), *next = row(m, k + 1);
	now[m->n] = false;
	for (size_t p = m->n; p-- > 0;) {
		bool fits = digits ? is_digit(m->s[p]) : m->s[p] != '/';
		now[p] = fits && (next[p + 1] || now[p + 1]);
	}
}

/* The same, where the run may be empty. */
static void fill_ignored(const struct match *m, size_t k)
{
	bool *now = row(m, k), *next = row(m, k + 1);
	now[m->n] = next[m->n];
	for (size_t p = m->n; p-- > 0;)
		now[p] = next[p] || (m->s[p] != '/' && now[p + 1]);
}

/* From the end: whether digits behind the point that start at p can end well (`behind`), and the same for
 * those in front, which may go on behind a point. */
static void fill_decimal(const struct match *m, size_t k)
{
	bool *now = row(m, k), *next = row(m, k + 1);
	bool behind[3] = { false }, front = false;
	now[m->n] = false;
	for (size_t p = m->n; p-- > 0;) {
		behind[2] = behind[1];
		behind[1] = behind[0];
		bool digit = is_digit(m->s[p]), sign = m->s[p] == '+' || m->s[p] == '-';
		bool point = digit && p + 1 < m->n && m->s[p + 1] == '.' && behind[2];
		bool after = front;
		behind[0] = digit && (next[p + 1] || behind[1]);
		front = digit && (next[p + 1] || front || point);
		now[p] = front || (sign && after);
	}
}

static void fill(const struct match *m)
{
	size_t last = m->p->n;
	memset(row(m, last), 0, m->n + 1);
	row(m, last)[m->n] = true;
	for (size_t k = last; k-- > 0;) {
		const struct pattern_term *t = &m->p->term[k];
		bool *now = row(m, k), *next = row(m, k + 1);
		if (t->kind == TERM_DECIMAL)
			fill_decimal(m, k);
		else if (t->kind == TERM_IGNORED)
			fill_ignored(m, k);
		else if (t->kind == TERM_TEXT || (t->kind == TERM_DIGITS && t->width == 0))
			fill_run(m, k, t->kind == TERM_DIGITS);
		else if (t->kind == TERM_DIGITS)
			for (size_t p = 0; p <= m->n; p++)
				now[p] = is_number(m, t->width, p) && next[p + t->width];
		else
			for (size_t p = 0; p <= m->n; p++)
				now[p] = is_literal(m, t, p) && next[p + t->len];
	}
}

/* The longest run of digits from `from` behind which `next` goes on; `from` itself: none. */
static size_t longest_digits(const struct match *m, size_t from, const bool *next)
{
	size_t end = from;
	for (size_t p = from; p < m->n && is_digit(m->s[p]); p++)
		if (next[p + 1])
			end = p + 1;
	return end;
}

static size_t end_of_decimal(const struct match *m, size_t from, const bool *next)
{
	size_t p = from + (m->s[from] == '+' || m->s[from] == '-');
	size_t whole = longest_digits(m, p, next);
	while (p < m->n && is_digit(m->s[p]))
		p++;
	if (p < m->n && m->s[p] == '.') {
		size_t end = longest_digits(m, p + 1, next);
		if (end > p + 1)
			return end;
	}
	return whole;
}

/* The first choice of term k at `from` behind which the rest matches. */
static size_t end_of_term(const struct match *m, size_t k, size_t from)
{
	const struct pattern_term *t = &m->p->term[k];
	const bool *next = row(m, k + 1);
	size_t p = from;
	switch (t->kind) {
	case TERM_LITERAL:
		return from + t->len;
	case TERM_DIGITS:
		return t->width > 0 ? from + t->width : longest_digits(m, from, next);
	case TERM_DECIMAL:
		return end_of_decimal(m, from, next);
	case TERM_TEXT:
		p++;
		break;
	case TERM_IGNORED:
		break;
	}
	while (!next[p])
		p++;
	return p;
}

int pattern_match(const struct pattern *p, const char *path, bool fold, struct pattern_room *room,
		  struct pattern_span *spans)
{
	struct match m = { .p = p, .s = path, .n = strlen(path), .fold = fold };
	uint64_t need;
	if (m.n >= UINT32_MAX || !mul_u64(m.n + 1, p->n + 1, &need))
		return 0;
	if (need > room->n) {
		free(room->can);
		room->can = calloc(need, sizeof(*room->can));
		room->n = room->can == NULL ? 0 : need;
		if (room->can == NULL)
			return -ENOMEM;
	}
	m.can = room->can;
	fill(&m);
	if (!row(&m, 0)[0])
		return 0;
	size_t at = 0;
	for (size_t k = 0; k < p->n; k++) {
		size_t end = end_of_term(&m, k, at);
		spans[k] = (struct pattern_span){ (uint32_t)at, (uint32_t)(end - at) };
		at = end;
	}
	return 1;
}
