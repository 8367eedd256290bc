#include "meta/json_read.h"

#include "codec/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct reading {
	const char *s, *end;
	uint32_t line;
	unsigned depth;
	struct json_tree *t;
	size_t cap;
	char *to;	   /* where the next string goes in t->strings */
	const char *outer; /* key of the outermost object's member that is being read; NULL: none */
	struct err *err;
};

const char *json_type_name(enum json_type type)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",	    [JSON_FALSE] = "false",	[JSON_TRUE] = "true",
		[JSON_NUMBER] = "a number", [JSON_STRING] = "a string", [JSON_ARRAY] = "an array",
		[JSON_OBJECT] = "an object"
	};
	return names[type];
}

/* The character that was found, for a sentence. */
static void found(const struct reading *r, struct text *t)
{
	size_t len = r->s < r->end ? text_utf8_length(r->s, (size_t)(r->end - r->s)) : 0;
	if (r->s == r->end)
		text_add(t, "the end of the text");
	else if (*r->s == '/' || *r->s == '#')
		text_addf(t, "'%c' (JSON has no comments)", *r->s);
	else if (len == 0 || (unsigned char)*r->s < 0x20)
		text_addf(t, "the byte 0x%02x", (unsigned char)*r->s);
	else
		text_addf(t, "'%.*s'", (int)len, r->s);
}

/* In quotes, for a sentence. */
static void add_key(struct text *t, const char *key)
{
	enum { SHOWN = 60 };
	text_add(t, "\"");
	text_add_name(t, key, min_u64(strlen(key), SHOWN));
	text_add(t, "\"");
}

static int expected(struct reading *r, const char *what)
{
	struct text CLEANUP(text_done) t = { 0 };
	found(r, &t);
	return t.oom ? err_oom(r->err)
		     : err_set(r->err, EINVAL, "%s is expected, not %s", what, t.s);
}

static void skip_blanks(struct reading *r)
{
	for (; r->s < r->end; r->s++) {
		if (*r->s == '\n')
			r->line++;
		else if (*r->s != ' ' && *r->s != '\t' && *r->s != '\r')
			return;
	}
}

/* Takes the character where it stands there. */
static bool take(struct reading *r, char c)
{
	if (r->s == r->end || *r->s != c)
		return false;
	r->s++;
	return true;
}

/* A new value at the end; its index. SIZE_MAX: out of memory. */
static size_t add_value(struct reading *r, enum json_type type, const char *key, uint32_t line)
{
	struct json_tree *t = r->t;
	if (t->n == r->cap) {
		size_t cap = r->cap == 0 ? 64 : 2 * r->cap;
		struct json_value *more = reallocarray(t->v, cap, sizeof(*more));
		if (more == NULL)
			return SIZE_MAX;
		t->v = more;
		r->cap = cap;
	}
	t->v[t->n] = (struct json_value){
		.type = type, .line = line, .key = key, .next = (uint32_t)t->n + 1
	};
	return t->n++;
}

/* Four hexadecimal digits; false where there are none. */
static bool read_hex(struct reading *r, uint32_t *out)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	uint32_t v = 0;
	if (r->end - r->s < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		const char *d = r->s[i] != '\0' ? strchr(digits, r->s[i]) : NULL;
		if (d == NULL)
			return false;
		/* Digits stand in both halves: the first is found. */
		v = v << 4 | (uint32_t)((d - digits) % 16);
	}
	r->s += 4;
	*out = v;
	return true;
}

static void put_utf8(struct reading *r, uint32_t c)
{
	static const unsigned char heads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (int i = n - 1; i > 0; i--) {
		r->to[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	r->to[0] = (char)(n == 1 ? c : heads[n] | c);
	r->to += n;
}

/* Behind \u. */
static int read_code(struct reading *r)
{
	uint32_t c = 0, low = 0;
	if (!read_hex(r, &c))
		return err_set(r->err, EINVAL, "\\u needs four hexadecimal digits");
	bool pair = c >= 0xd800 && c < 0xdc00;
	if (pair && (!take(r, '\\') || !take(r, 'u') || !read_hex(r, &low)))
		low = 0;
	if (pair ? low < 0xdc00 || low > 0xdfff : c >= 0xdc00 && c < 0xe000)
		return err_set(r->err, EINVAL, "\\u%04x is half of a pair of surrogates",
			       (unsigned)c);
	if (c == 0)
		return err_set(r->err, EINVAL, "a string cannot hold \\u0000");
	put_utf8(r, pair ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : c);
	return 0;
}

/* Behind a backslash. */
static int read_escape(struct reading *r)
{
	static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	if (take(r, 'u'))
		return read_code(r);
	const char *l = r->s < r->end && *r->s != '\0' ? strchr(letters, *r->s) : NULL;
	if (l == NULL)
		return expected(r, "one of \" \\ / b f n r t u behind a backslash");
	*r->to++ = meanings[l - letters];
	r->s++;
	return 0;
}

/* One character of a string, no quote. */
static int read_character(struct reading *r)
{
	if (r->s == r->end || *r->s == '\n' || *r->s == '\r')
		return err_set(r->err, EINVAL, "a string has no end on its line");
	if (take(r, '\\'))
		return read_escape(r);
	if ((unsigned char)*r->s < 0x20)
		return err_set(r->err, EINVAL,
			       "a control character in a string is to be written as \\u%04x",
			       (unsigned)*r->s);
	size_t len = text_utf8_length(r->s, (size_t)(r->end - r->s));
	if (len == 0)
		return err_set(r->err, EINVAL, "the byte 0x%02x is no UTF-8", (unsigned char)*r->s);
	memcpy(r->to, r->s, len);
	r->to += len;
	r->s += len;
	return 0;
}

/* Behind the opening quote. What is decoded is never longer than what was written, with its quotes. */
static int read_string(struct reading *r, const char **out)
{
	*out = r->to;
	while (!take(r, '"')) {
		int rc = read_character(r);
		if (rc != 0)
			return rc;
	}
	*r->to++ = '\0';
	return 0;
}

static size_t count_digits(const struct reading *r, const char *s)
{
	size_t n = 0;
	while (s + n < r->end && s[n] >= '0' && s[n] <= '9')
		n++;
	return n;
}

/* Length of the number at r->s by JSON's grammar; 0: there is none. */
static size_t number_length(const struct reading *r)
{
	const char *s = r->s;
	s += s < r->end && *s == '-';
	size_t n = count_digits(r, s);
	if (n == 0 || (n > 1 && *s == '0'))
		return 0;
	s += n;
	if (s < r->end && *s == '.') {
		n = count_digits(r, s + 1);
		if (n == 0)
			return 0;
		s += 1 + n;
	}
	if (s < r->end && (*s == 'e' || *s == 'E')) {
		s++;
		s += s < r->end && (*s == '+' || *s == '-');
		n = count_digits(r, s);
		if (n == 0)
			return 0;
		s += n;
	}
	return (size_t)(s - r->s);
}

static int read_number(struct reading *r, const char **out)
{
	size_t n = number_length(r);
	if (n == 0)
		return err_set(r->err, EINVAL,
			       "a number is written like 4, -0.5 or 1e-9, without + or zeros in "
			       "front");
	*out = r->to;
	memcpy(r->to, r->s, n);
	r->to += n;
	*r->to++ = '\0';
	r->s += n;
	return 0;
}

static int compare_members(const void *a, const void *b)
{
	const struct json_value *x = *(const struct json_value *const *)a;
	const struct json_value *y = *(const struct json_value *const *)b;
	int rc = strcmp(x->key, y->key);
	return rc != 0 ? rc : (x > y) - (x < y);
}

static int twice(struct reading *r, const struct json_value *first, const struct json_value *again)
{
	struct text CLEANUP(text_done) t = { 0 };
	if (r->outer == NULL)
		text_add(&t, "the key");
	else
		add_key(&t, again->key);
	r->line = again->line;
	if (r->outer == NULL)
		r->outer = again->key;
	return t.oom ? err_oom(r->err)
		     : err_set(r->err, EINVAL, "%s stands here a second time, first on line %u",
			       t.s, (unsigned)first->line);
}

/* A key that stands twice in the object v[at]: the first such. */
static int check_keys(struct reading *r, size_t at)
{
	const struct json_value *v = r->t->v, *first = NULL, *again = NULL;
	size_t n = v[at].n;
	CLEANUP(freep) const struct json_value **sorted = calloc(n + 1, sizeof(*sorted));
	if (sorted == NULL)
		return err_oom(r->err);
	for (size_t i = 0, k = at + 1; i < n; k = v[k].next)
		sorted[i++] = &v[k];
	qsort(sorted, n, sizeof(*sorted), compare_members);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(sorted[i - 1]->key, sorted[i]->key) != 0 ||
		    (again != NULL && again < sorted[i]))
			continue;
		first = sorted[i - 1];
		again = sorted[i];
	}
	return again != NULL ? twice(r, first, again) : 0;
}

static int read_value(struct reading *r, const char *key, uint32_t line);

static int read_member(struct reading *r)
{
	const char *key = NULL;
	uint32_t line = r->line;
	if (!take(r, '"'))
		return expected(r, "a key in double quotes");
	int rc = read_string(r, &key);
	if (rc != 0)
		return rc;
	bool outermost = r->depth == 1;
	if (outermost)
		r->outer = key;
	skip_blanks(r);
	if (!take(r, ':'))
		return expected(r, "':'");
	skip_blanks(r);
	rc = read_value(r, key, line);
	if (rc == 0 && outermost)
		r->outer = NULL;
	return rc;
}

static int missing_comma(struct reading *r, const char *last, char close)
{
	struct text CLEANUP(text_done) what = { 0 };
	text_addf(&what, "',' or '%c'", close);
	if (last != NULL) {
		text_add(&what, " behind ");
		add_key(&what, last);
	}
	return what.oom ? err_oom(r->err) : expected(r, what.s);
}

/* Behind the bracket that opened the value v[at]. */
static int read_items(struct reading *r, size_t at)
{
	bool object = r->t->v[at].type == JSON_OBJECT;
	char close = object ? '}' : ']';
	if (++r->depth > JSON_MAX_DEPTH)
		return err_set(r->err, EINVAL, "more than %d brackets inside each other",
			       JSON_MAX_DEPTH);
	skip_blanks(r);
	for (bool more = !take(r, close); more; more = !take(r, close)) {
		if (r->t->v[at].n > 0 && !take(r, ','))
			return missing_comma(r, r->t->v[r->t->v[at].next].key, close);
		skip_blanks(r);
		/* Until it is closed, its last item is where `next` says. */
		r->t->v[at].next = (uint32_t)r->t->n;
		int rc = object ? read_member(r) : read_value(r, NULL, r->line);
		if (rc != 0)
			return rc;
		r->t->v[at].n++;
		skip_blanks(r);
	}
	r->t->v[at].next = (uint32_t)r->t->n;
	r->depth--;
	return object ? check_keys(r, at) : 0;
}

/* true, false, null. */
static bool take_word(struct reading *r, const char *word)
{
	size_t n = strlen(word);
	if ((size_t)(r->end - r->s) < n || memcmp(r->s, word, n) != 0)
		return false;
	r->s += n;
	return true;
}

/* What begins at r->s, so far as the beginning tells. */
static bool begins(struct reading *r, enum json_type *type)
{
	char c = r->s < r->end ? *r->s : '\0';
	if (take(r, '{'))
		*type = JSON_OBJECT;
	else if (take(r, '['))
		*type = JSON_ARRAY;
	else if (take(r, '"'))
		*type = JSON_STRING;
	else if (c == '-' || c == '+' || (c >= '0' && c <= '9'))
		*type = JSON_NUMBER;
	else if (take_word(r, "null"))
		*type = JSON_NULL;
	else if (take_word(r, "true"))
		*type = JSON_TRUE;
	else if (take_word(r, "false"))
		*type = JSON_FALSE;
	else
		return false;
	return true;
}

/* Of an item: key NULL, and the line that it begins on. */
static int read_value(struct reading *r, const char *key, uint32_t line)
{
	enum json_type type = JSON_NULL;
	if (!begins(r, &type))
		return expected(r, "a value");
	size_t at = add_value(r, type, key, line);
	if (at == SIZE_MAX)
		return err_oom(r->err);
	switch (type) {
	case JSON_ARRAY:
	case JSON_OBJECT:
		return read_items(r, at);
	case JSON_STRING:
		return read_string(r, &r->t->v[at].text);
	case JSON_NUMBER:
		return read_number(r, &r->t->v[at].text);
	case JSON_NULL:
	case JSON_FALSE:
	case JSON_TRUE:
		break;
	}
	return 0;
}

static int read_all(struct reading *r)
{
	take_word(r, "\xef\xbb\xbf");
	skip_blanks(r);
	int rc = read_value(r, NULL, r->line);
	if (rc != 0)
		return rc;
	skip_blanks(r);
	return r->s == r->end ? 0 : expected(r, "nothing more");
}

/* The key is UTF-8, and stays it. */
static void set_fault(const struct reading *r, struct json_fault *f)
{
	*f = (struct json_fault){ .line = r->line };
	if (r->outer == NULL)
		return;
	size_t n = strlen(r->outer);
	if (n >= sizeof(f->key)) {
		n = sizeof(f->key) - 1;
		while (n > 0 && ((unsigned char)r->outer[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(f->key, r->outer, n);
}

int json_read(const char *s, size_t n, struct json_tree *out, struct json_fault *fault,
	      struct err *err)
{
	*out = (struct json_tree){ 0 };
	*fault = (struct json_fault){ .line = 1 };
	if (n > JSON_MAX_BYTES)
		return err_set(err, EFBIG, "the text has more than %d bytes", JSON_MAX_BYTES);
	out->strings = malloc(n + 1);
	if (out->strings == NULL)
		return err_oom(err);
	struct reading r = {
		.s = s, .end = s + n, .line = 1, .t = out, .to = out->strings, .err = err
	};
	int rc = read_all(&r);
	if (rc != 0) {
		set_fault(&r, fault);
		json_tree_done(out);
	}
	return rc;
}

void json_tree_done(struct json_tree *t)
{
	free(t->v);
	free(t->strings);
	*t = (struct json_tree){ 0 };
}
