#include "codec/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool reserve(struct text *t, size_t more)
{
	if (t->oom)
		return false;
	size_t need = t->len + more + 1;
	if (need <= t->cap)
		return true;
	size_t cap = max_u64(need, t->cap + t->cap / 2 + 64);
	char *s = realloc(t->s, cap);
	if (s == NULL) {
		t->oom = true;
		return false;
	}
	t->s = s;
	t->cap = cap;
	return true;
}

void text_addn(struct text *t, const char *s, size_t n)
{
	if (!reserve(t, n))
		return;
	memcpy(t->s + t->len, s, n);
	t->len += n;
	t->s[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_addn(t, s, strlen(s));
}

void text_addf(struct text *t, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n >= 0 && reserve(t, (size_t)n)) {
		vsnprintf(t->s + t->len, (size_t)n + 1, fmt, again);
		t->len += (size_t)n;
	}
	va_end(again);
}

void text_add_size(struct text *t, uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	size_t u = 0;
	double v = (double)bytes;
	while (v >= 1000 && u + 1 < ARRAY_SIZE(units)) {
		v /= 1024;
		u++;
	}
	if (u == 0 || v >= 100 || v == (double)(uint64_t)v)
		text_addf(t, "%.0f %s", v, units[u]);
	else
		text_addf(t, v < 10 ? "%.2f %s" : "%.1f %s", v, units[u]);
}

size_t text_utf8_length(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;
	if (s[0] < 0x80)
		return 1;
	size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
	bool surrogate = s[0] == 0xed && s[1] > 0x9f;
	bool beyond = s[0] == 0xf4 && s[1] > 0x8f;
	return overlong || surrogate || beyond ? 0 : len;
}

void text_add_name(struct text *t, const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)s[i];
		size_t len = text_utf8_length(s + i, n - i);
		if (len == 0 || c < 0x20 || c == 0x7f) {
			text_add(t, "\xef\xbf\xbd");
			i++;
		} else {
			text_addn(t, s + i, len);
			i += len;
		}
	}
}

void text_done(struct text *t)
{
	free(t->s);
	*t = (struct text){ 0 };
}

bool text_to_u64(const char *s, size_t n, uint64_t *out)
{
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++)
		if (s[i] < '0' || s[i] > '9' || !mul_u64(v, 10, &v) ||
		    !add_u64(v, (uint64_t)(s[i] - '0'), &v))
			return false;
	if (n > 0)
		*out = v;
	return n > 0;
}

bool text_to_double(const char *s, size_t n, double *out)
{
	char copy[64];
	if (n == 0 || n >= sizeof(copy))
		return false;
	/* The bytes need not be followed by a zero. */
	memcpy(copy, s, n);
	copy[n] = '\0';
	if (strspn(copy, "0123456789.eE+-") < n)
		return false;
	char *end = NULL;
	double v = strtod(copy, &end); /* the program never leaves the C locale */
	if (end == copy || *end != '\0' || !isfinite(v))
		return false;
	*out = v;
	return true;
}
