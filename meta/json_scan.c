#include "meta/json_scan.h"

#include <string.h>

static void pass_blanks(struct json_scan *j)
{
	while (j->s < j->end && (*j->s == ' ' || *j->s == '\t' || *j->s == '\n' || *j->s == '\r'))
		j->s++;
}

static void stop(struct json_scan *j)
{
	j->bad = true;
	j->s = j->end;
}

char json_scan_kind(struct json_scan *j)
{
	pass_blanks(j);
	char c = j->s < j->end ? *j->s : '\0';
	if (c == '{' || c == '[' || c == '"')
		return c;
	if (c == '-' || (c >= '0' && c <= '9'))
		return '0';
	return c >= 'a' && c <= 'z' ? 'n' : '\0';
}

/* The string that begins here, whose end is passed. */
static bool take_word(struct json_scan *j, struct json_word *out)
{
	const char *s = j->s + 1;
	while (s < j->end && *s != '"')
		s += *s == '\\' && j->end - s > 1 ? 2 : 1;
	if (s >= j->end) {
		stop(j);
		return false;
	}
	*out = (struct json_word){ j->s + 1, (size_t)(s - j->s - 1) };
	j->s = s + 1;
	return true;
}

/* A number or a name: all up to what can only follow one. */
static struct json_word take_plain(struct json_scan *j)
{
	const char *s = j->s;
	while (j->s < j->end && strchr(",]} \t\n\r", *j->s) == NULL)
		j->s++;
	return (struct json_word){ s, (size_t)(j->s - s) };
}

void json_scan_skip(struct json_scan *j)
{
	struct json_word w;
	uint64_t depth = 0;
	do {
		pass_blanks(j);
		if (j->s == j->end) {
			stop(j);
			return;
		}
		char c = *j->s;
		if (c == '"') {
			if (!take_word(j, &w))
				return;
		} else if (c == '{' || c == '[') {
			depth++;
			j->s++;
		} else if (depth > 0 && (c == '}' || c == ']')) {
			depth--;
			j->s++;
		} else if (depth > 0 && (c == ',' || c == ':')) {
			j->s++;
		} else if (json_scan_kind(j) == '\0') {
			stop(j);
			return;
		} else {
			take_plain(j);
		}
	} while (depth > 0);
}

bool json_scan_enter(struct json_scan *j, char bracket)
{
	if (json_scan_kind(j) != bracket) {
		json_scan_skip(j);
		return false;
	}
	j->s++;
	return true;
}

/* To what follows a bracket, or the comma behind a value. */
static bool next(struct json_scan *j, char end)
{
	pass_blanks(j);
	if (j->s < j->end && *j->s == ',') {
		j->s++;
		pass_blanks(j);
	}
	if (j->s == j->end) {
		stop(j);
		return false;
	}
	if (*j->s == end) {
		j->s++;
		return false;
	}
	return true;
}

bool json_scan_member(struct json_scan *j, struct json_word *key)
{
	if (!next(j, '}'))
		return false;
	if (*j->s != '"') {
		stop(j);
		return false;
	}
	if (!take_word(j, key))
		return false;
	pass_blanks(j);
	if (j->s == j->end || *j->s != ':') {
		stop(j);
		return false;
	}
	j->s++;
	return true;
}

bool json_scan_item(struct json_scan *j)
{
	return next(j, ']');
}

bool json_scan_word(struct json_scan *j, struct json_word *out)
{
	if (json_scan_kind(j) == '"')
		return take_word(j, out);
	json_scan_skip(j);
	return false;
}

bool json_scan_real(struct json_scan *j, double *out)
{
	struct json_word w;
	char kind = json_scan_kind(j);
	if (kind == '0')
		w = take_plain(j);
	else if (!json_scan_word(j, &w))
		return false;
	return text_to_double(w.s, w.n, out);
}

bool json_scan_int(struct json_scan *j, int64_t *out)
{
	enum { DIGITS = 18 };
	if (json_scan_kind(j) != '0') {
		json_scan_skip(j);
		return false;
	}
	struct json_word w = take_plain(j);
	bool negative = w.s[0] == '-';
	int64_t v = 0;
	if (w.n == negative || w.n - negative > DIGITS)
		return false;
	for (size_t i = negative; i < w.n; i++) {
		if (w.s[i] < '0' || w.s[i] > '9')
			return false;
		v = 10 * v + (w.s[i] - '0');
	}
	*out = negative ? -v : v;
	return true;
}

bool json_word_is(const struct json_word *w, const char *s)
{
	return strlen(s) == w->n && memcmp(w->s, s, w->n) == 0;
}

/* ---- what a string means ---- */

static bool hex4(const char *s, size_t n, uint32_t *out)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t v = 0;
	if (n < 4)
		return false;
	for (size_t i = 0; i < 4; i++) {
		char c = s[i] >= 'A' && s[i] <= 'F' ? (char)(s[i] + 32) : s[i];
		const char *at = c != '\0' ? strchr(digits, c) : NULL;
		if (at == NULL)
			return false;
		v = v << 4 | (uint32_t)(at - digits);
	}
	*out = v;
	return true;
}

static void add_code(struct text *t, uint32_t c)
{
	char b[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	for (size_t i = n; i-- > 1; c >>= 6)
		b[i] = (char)(0x80 | (c & 0x3f));
	b[0] = (char)(lead[n] | c);
	text_addn(t, b, n);
}

/* "uXXXX", also two of them that make one character; returns its length. */
static size_t add_unicode(struct text *t, const char *s, size_t n)
{
	uint32_t high, low;
	if (!hex4(s + 1, n - 1, &high))
		return 1;
	if (high >= 0xd800 && high < 0xdc00 && n >= 11 && s[5] == '\\' && s[6] == 'u' &&
	    hex4(s + 7, n - 7, &low) && low >= 0xdc00 && low < 0xe000) {
		add_code(t, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
		return 11;
	}
	/* Half a character becomes three bytes that are no UTF-8. */
	add_code(t, high);
	return 5;
}

void json_word_text(const struct json_word *w, struct text *out)
{
	static const char codes[] = "bfnrt", means[] = "\b\f\n\r\t";
	struct text CLEANUP(text_done) raw = { 0 };
	for (size_t i = 0; i < w->n;) {
		const char *escape = memchr(w->s + i, '\\', w->n - i);
		size_t plain = escape == NULL ? w->n - i : (size_t)(escape - w->s) - i;
		text_addn(&raw, w->s + i, plain);
		i += plain + 1;
		if (i >= w->n)
			break;
		const char *code = w->s[i] != '\0' ? strchr(codes, w->s[i]) : NULL;
		if (w->s[i] == 'u') {
			i += add_unicode(&raw, w->s + i, w->n - i);
			continue;
		}
		text_addn(&raw, code != NULL ? &means[code - codes] : w->s + i, 1);
		i++;
	}
	if (raw.len > 0)
		text_add_name(out, raw.s, raw.len);
	out->oom |= raw.oom;
}
