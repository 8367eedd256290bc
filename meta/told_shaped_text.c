#include "meta/told_shaped_text.h"

#include <string.h>

#include "meta/json_scan.h"

static const char words[] = "shape=(";

bool shaped_is_text(const char *text)
{
	return text[0] == '{' || strncmp(text, words, sizeof(words) - 1) == 0;
}

static bool add_size(struct shaped *s, uint64_t size)
{
	if (s->n == SHAPED_DIMS || size == 0)
		return false;
	s->axes[s->n] = '?';
	s->size[s->n++] = size;
	return true;
}

static bool parse_sizes(struct json_scan *j, struct shaped *out)
{
	int64_t size;
	if (!json_scan_enter(j, '['))
		return false;
	while (json_scan_item(j))
		if (!json_scan_int(j, &size) || size < 1 || !add_size(out, (uint64_t)size))
			return false;
	return !j->bad;
}

/* One letter a size, else none counts. */
static void take_axes(struct shaped *s, const struct json_word *axes)
{
	if (axes->n != s->n)
		return;
	for (unsigned i = 0; i < s->n; i++) {
		char c = axes->s[i];
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		s->axes[i] = c >= 'A' && c <= 'Z' ? c : '?';
	}
}

static bool parse_json(const char *text, size_t len, struct shaped *out)
{
	struct json_scan j = json_scan_of(text, len);
	struct json_word key, axes = { 0 };
	if (!json_scan_enter(&j, '{'))
		return false;
	while (json_scan_member(&j, &key)) {
		if (json_word_is(&key, "shape")) {
			if (out->n != 0 || !parse_sizes(&j, out))
				return false;
		} else if (json_word_is(&key, "axes") && json_scan_kind(&j) == '"') {
			json_scan_word(&j, &axes);
		} else if (json_word_is(&key, "truncated") && json_scan_kind(&j) == 'n') {
			out->truncated = *j.s == 't';
			json_scan_skip(&j);
		} else {
			json_scan_skip(&j);
		}
	}
	take_axes(out, &axes);
	return true;
}

/* "5, 256, 256)" */
static bool parse_words(const char *s, struct shaped *out)
{
	for (; *s != ')'; s += strspn(s, ", ")) {
		uint64_t size = 0;
		size_t digits = strspn(s, "0123456789");
		if (!text_to_u64(s, digits, &size) || !add_size(out, size))
			return false;
		s += digits;
	}
	return true;
}

bool shaped_parse(const char *text, size_t len, struct shaped *out)
{
	*out = (struct shaped){ 0 };
	bool ok = text[0] == '{'	 ? parse_json(text, len, out)
		  : shaped_is_text(text) ? parse_words(text + sizeof(words) - 1, out)
					 : false;
	return ok && out->n >= 2;
}

static bool ends_with(const struct shaped *s, uint64_t a, uint64_t b, uint64_t last)
{
	return s->n >= 3 && s->size[s->n - 3] == a && s->size[s->n - 2] == b &&
	       s->size[s->n - 1] == last;
}

bool shaped_cut_page(struct shaped *s, const struct tiff_page *p)
{
	if (p->samples == 1 && s->size[s->n - 2] == p->height && s->size[s->n - 1] == p->width) {
		s->n -= 2;
		return true;
	}
	if (!ends_with(s, p->height, p->width, p->samples) &&
	    !(p->samples > 1 && ends_with(s, p->samples, p->height, p->width)))
		return false;
	s->n -= 3;
	return true;
}
