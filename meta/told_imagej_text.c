#include "meta/told_imagej_text.h"

#include <string.h>

bool imagej_is_text(const char *text)
{
	return strncmp(text, "ImageJ=", 7) == 0 || strncmp(text, "SCIFIO=", 7) == 0;
}

bool imagej_find(const char *text, const char *key, const char **value, size_t *n)
{
	size_t len = strlen(key);
	for (const char *line = text; *line != '\0';) {
		size_t end = strcspn(line, "\r\n");
		if (end > len && line[len] == '=' && strncmp(line, key, len) == 0) {
			*value = line + len + 1;
			*n = end - len - 1;
			return true;
		}
		line += end;
		line += strspn(line, "\r\n");
	}
	return false;
}

static void cut_blanks(const char **s, size_t *n)
{
	while (*n > 0 && **s == ' ') {
		++*s;
		--*n;
	}
	while (*n > 0 && (*s)[*n - 1] == ' ')
		--*n;
}

bool imagej_count(const char *text, const char *key, uint64_t *out)
{
	const char *s;
	size_t n;
	uint64_t v = 0;
	if (!imagej_find(text, key, &s, &n))
		return false;
	cut_blanks(&s, &n);
	if (!text_to_u64(s, n, &v) || v == 0)
		return false;
	*out = v;
	return true;
}

bool imagej_real(const char *text, const char *key, double *out)
{
	const char *s;
	size_t n;
	if (!imagej_find(text, key, &s, &n))
		return false;
	cut_blanks(&s, &n);
	return text_to_double(s, n, out);
}

/* The four digits of an escape as a number; false: they are not four. */
static bool hex4(const char *s, size_t n, uint32_t *out)
{
	*out = 0;
	for (size_t i = 0; i < 4; i++) {
		if (i >= n)
			return false;
		char c = s[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;
		if (digit < 0)
			return false;
		*out = *out << 4 | (uint32_t)digit;
	}
	return true;
}

static void add_code(struct text *out, uint32_t code)
{
	char b[3];
	size_t n = 0;
	if (code < 0x80) {
		b[n++] = (char)code;
	} else if (code < 0x800) {
		b[n++] = (char)(0xc0 | code >> 6);
		b[n++] = (char)(0x80 | (code & 0x3f));
	} else {
		b[n++] = (char)(0xe0 | code >> 12);
		b[n++] = (char)(0x80 | (code >> 6 & 0x3f));
		b[n++] = (char)(0x80 | (code & 0x3f));
	}
	text_addn(out, b, n);
}

void imagej_unescape(struct text *out, const char *value, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t code;
		if (value[i] == '\\' && i + 1 < n && value[i + 1] == 'u' &&
		    hex4(value + i + 2, n - i - 2, &code)) {
			/* Halves of surrogate pairs and NUL have no place in units. */
			add_code(out,
				 code == 0 || (code >= 0xd800 && code < 0xe000) ? 0xfffd : code);
			i += 5;
		} else {
			i += value[i] == '\\' && i + 1 < n;
			text_addn(out, &value[i], 1);
		}
	}
}
