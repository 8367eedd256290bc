#include "meta/told_imagej_label.h"

#include <string.h>

#include "meta/told_bytes.h"

static void add_utf8(struct text *t, uint32_t code)
{
	char b[4];
	size_t n = 0;
	if (code < 0x80) {
		b[n++] = (char)code;
	} else {
		int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
		static const uint8_t lead[] = { 0, 0xc0, 0xe0, 0xf0 };
		b[n++] = (char)(lead[more] | code >> 6 * more);
		while (more-- > 0)
			b[n++] = (char)(0x80 | (code >> 6 * more & 0x3f));
	}
	/* What is no character becomes U+FFFD. */
	text_add_name(t, b, n);
}

static unsigned unit_at(const uint8_t *b, bool big_endian)
{
	return big_endian ? (unsigned)b[0] << 8 | b[1] : (unsigned)b[1] << 8 | b[0];
}

/* Up to the end of the line. */
static void add_line(struct text *t, const uint8_t *b, size_t n, bool big_endian)
{
	for (size_t i = 0; i + 1 < n; i += 2) {
		uint32_t code = unit_at(b + i, big_endian);
		if (code == '\n' || code == '\r' || code == 0)
			return;
		if (code >= 0xd800 && code < 0xdc00 && i + 3 < n) {
			unsigned low = unit_at(b + i + 2, big_endian);
			if (low >= 0xdc00 && low < 0xe000) {
				code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
				i += 2;
			}
		}
		add_utf8(t, code);
	}
}

/* Behind "c:1/3 z:1/5 t:1/2 - " or a part of it. */
static const char *behind_place(const char *s)
{
	const char *at = s;
	while (strchr("czt", *at) != NULL && *at != '\0' && at[1] == ':') {
		const char *p = at + 2;
		size_t first = strspn(p, "0123456789");
		if (first == 0 || p[first] != '/')
			return s;
		p += first + 1;
		size_t last = strspn(p, "0123456789");
		if (last == 0)
			return s;
		at = p + last;
		at += strspn(at, " ");
	}
	if (at != s && *at == '-')
		at++;
	return at + strspn(at, " ");
}

int imagej_label_read(const struct reader *r, uint64_t off, uint32_t n, bool big_endian, char **out,
		      struct err *err)
{
	enum { MOST = 1024 };
	CLEANUP(freep) uint8_t *b = NULL;
	CLEANUP(text_done) struct text t = { 0 };
	size_t len = min_u64(n, MOST);
	int rc = bytes_read(r, off, len, &b, err);
	if (rc <= 0)
		return rc;
	add_line(&t, b, len, big_endian);
	if (t.oom)
		return err_oom(err);
	const char *name = t.s != NULL ? behind_place(t.s) : "";
	if (*name == '\0')
		return 0;
	*out = strdup(name);
	return *out == NULL ? err_oom(err) : 0;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* It ends in a dot and a suffix that begins with a letter: "a.tif", not "1.5". */
static bool is_file_name(const char *name)
{
	enum { LONGEST = 5 };
	const char *dot = strrchr(name, '.');
	if (dot == NULL || dot == name || (dot[1] >= '0' && dot[1] <= '9'))
		return false;
	size_t n = 0;
	while (is_alnum(dot[1 + n]))
		n++;
	return n > 0 && n <= LONGEST && dot[1 + n] == '\0';
}

void imagej_labels_settle(struct told_image *im)
{
	bool differ = false, files = false;
	const char *first = im->channels[0].name;
	for (size_t i = 0; i < im->n_channels; i++) {
		const char *name = im->channels[i].name;
		differ |= (name == NULL) != (first == NULL) ||
			  (name != NULL && first != NULL && strcmp(name, first) != 0);
		files |= name != NULL && is_file_name(name);
	}
	if (differ && !files)
		return;
	for (size_t i = 0; i < im->n_channels; i++) {
		free(im->channels[i].name);
		im->channels[i].name = NULL;
	}
}
