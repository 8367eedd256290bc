#include "meta/description_text.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "codec/text.h"

enum { MAX_DIMS = 16 };

/* What a description claims: how many planes on each axis, slowest first. Products saturate. */
struct claim {
	const char *kind;
	uint64_t size[MAX_DIMS];
	unsigned n;
};

static uint64_t claim_planes(const struct claim *c)
{
	uint64_t planes = 1;
	for (unsigned i = 0; i < c->n; i++)
		if (!mul_u64(planes, c->size[i], &planes))
			return UINT64_MAX;
	return planes;
}

static unsigned claim_axes(const struct claim *c)
{
	unsigned axes = 0;
	for (unsigned i = 0; i < c->n; i++)
		axes += c->size[i] > 1;
	return axes;
}

static int claim_refuse(const struct claim *c, uint32_t n_pages, struct err *err)
{
	CLEANUP(text_done) struct text t = { 0 };
	const char *sep = "";
	for (unsigned i = 0; i < c->n; i++) {
		if (c->size[i] > 1) {
			text_addf(&t, "%s%" PRIu64, sep, c->size[i]);
			sep = " x ";
		}
	}
	if (t.s == NULL || t.oom)
		return err_oom(err);
	return err_set(err, ENOTSUP,
		       "%s claims %s planes where the file has %" PRIu32
		       " page%s; only pages along one axis can be shown",
		       c->kind, t.s, n_pages, n_pages == 1 ? "" : "s");
}

/* Writers of large stacks leave the planes behind the first page without pages of their own. That can only
 * be where planes are stored as they are and the file is long enough for another one; else the description is
 * left over from a larger file. */
static bool room_behind_page(const struct reader *r, const struct tiff_page *p)
{
	if (p->compression != TIFF_COMPRESSION_NONE)
		return false;
	uint64_t bits, bytes;
	if (!mul_u64((uint64_t)p->width * p->bits, p->samples, &bits) ||
	    !mul_u64(bits / 8 + (bits % 8 != 0), p->height, &bytes) || !mul_u64(bytes, 2, &bytes))
		return false;
	return r->size >= bytes;
}

/* Axes of more than one plane are only harmless where a lone page stands. */
static int claim_check(const struct claim *c, const struct reader *r, const struct tiff_page *p,
		       uint32_t n_pages, struct err *err)
{
	uint64_t planes = claim_planes(c);
	if (planes <= 1)
		return 0;
	if (n_pages == 1)
		return room_behind_page(r, p) ? claim_refuse(c, n_pages, err) : 0;
	if (claim_axes(c) > 1 || planes > n_pages)
		return claim_refuse(c, n_pages, err);
	return 0;
}

/* Digits up to the first other byte; false where there are none. */
static bool parse_number(const char *s, uint64_t *out)
{
	uint64_t v = 0;
	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		if (!mul_u64(v, 10, &v) || !add_u64(v, (uint64_t)(*s - '0'), &v))
			v = UINT64_MAX / 16;
	*out = v;
	return true;
}

/* Sizes of "shape" into c; false where the text is no shape. *oom: it may be one. */
static bool shape_json(const char *text, size_t len, struct claim *c, bool *oom)
{
	errno = 0;
	cJSON *root = cJSON_ParseWithLength(text, len);
	*oom = root == NULL && errno == ENOMEM;
	const cJSON *shape = cJSON_GetObjectItemCaseSensitive(root, "shape");
	bool ok = cJSON_IsArray(shape);
	const cJSON *item = NULL;
	cJSON_ArrayForEach(item, shape)
	{
		double v = cJSON_IsNumber(item) ? item->valuedouble : 0;
		ok = ok && c->n < MAX_DIMS && v >= 1 && v < 1e15;
		if (!ok)
			break;
		c->size[c->n++] = (uint64_t)v;
	}
	cJSON_Delete(root);
	return ok && c->n >= 2;
}

/* The older form, "shape=(5, 256, 256)". */
static bool shape_words(const char *text, struct claim *c)
{
	const char *s = strchr(text, '(');
	if (s == NULL)
		return false;
	for (s++; *s != ')'; s += strspn(s, ", ")) {
		if (c->n == MAX_DIMS || !parse_number(s, &c->size[c->n]) || c->size[c->n] == 0)
			return false;
		c->n++;
		s += strspn(s, "0123456789");
	}
	return c->n >= 2;
}

static bool ends_with(const struct claim *c, uint64_t a, uint64_t b, uint64_t last)
{
	return c->n >= 3 && c->size[c->n - 3] == a && c->size[c->n - 2] == b &&
	       c->size[c->n - 1] == last;
}

/* Cuts the sizes of a page off the end: Y,X or, with samples, Y,X,S or S,Y,X. */
static bool cut_page(struct claim *c, const struct tiff_page *p)
{
	if (p->samples == 1 && c->size[c->n - 2] == p->height && c->size[c->n - 1] == p->width) {
		c->n -= 2;
		return true;
	}
	if (!ends_with(c, p->height, p->width, p->samples) &&
	    !(p->samples > 1 && ends_with(c, p->samples, p->height, p->width)))
		return false;
	c->n -= 3;
	return true;
}

static bool looks_shaped(const char *text)
{
	return strncmp(text, "shape=(", 7) == 0 ||
	       (text[0] == '{' && strstr(text, "\"shape\"") != NULL);
}

/* Whether the file's page (counted from 0) has a shaped description of its own: a further series begins there.
 * 1, 0, or -errno where that cannot be found out; what is malformed begins nothing. */
static int begins_series(const struct reader *r, const struct tiff_page *first, uint64_t page)
{
	enum { ENOUGH = 64 };
	CLEANUP(freep) uint64_t *ifds = NULL;
	CLEANUP(freep) char *text = NULL;
	size_t n = 0, len = 0;
	bool cut;
	struct tiff_page p;
	int rc = tiff_walk(r, &first->file, &ifds, &n, &cut, NULL);
	if (rc == 0 && page >= n)
		return 0;
	if (rc == 0)
		rc = tiff_page_read(r, &first->file, ifds[page], &p, NULL);
	if (rc == 0)
		rc = tiff_text_read(r, &p.description, ENOUGH, &text, &len, NULL);
	if (rc == 0)
		return looks_shaped(text);
	return err_is_passing(rc) ? rc : 0;
}

int description_shaped(const char *text, size_t len, const struct reader *r,
		       const struct tiff_page *first, uint32_t n_pages, struct err *note,
		       struct err *err)
{
	struct claim c = { .kind = "the shaped description" };
	bool oom = false;
	bool ok = text[0] == '{' ? shape_json(text, len, &c, &oom) : shape_words(text, &c);
	if (oom)
		return err_oom(err);
	if (!ok || !cut_page(&c, first))
		return 0;
	uint64_t planes = claim_planes(&c);
	if (n_pages == 1 || planes == n_pages)
		return claim_check(&c, r, first, n_pages, err);
	int begins = planes < n_pages ? begins_series(r, first, planes) : 0;
	if (begins < 0)
		return err_set(err, -begins, "a page cannot be read: %s", strerror(-begins));
	if (begins > 0)
		return err_set(err, ENOTSUP,
			       "it holds several series: the first has %" PRIu64 " of %" PRIu32
			       " pages by its shaped description",
			       planes, n_pages);
	err_set(note, EBADMSG,
		"its shaped description of %" PRIu64 " planes does not fit its %" PRIu32
		" pages and is ignored",
		planes, n_pages);
	return 0;
}

/* What follows the first `key` anywhere in the text, blanks and '=' passed over. */
static const char *scanimage_value(const char *text, const char *key)
{
	const char *s = strstr(text, key);
	if (s == NULL)
		return NULL;
	s += strlen(key);
	return s + strspn(s, " =");
}

static uint64_t scanimage_number(const char *text, const char *key, const char *old_key)
{
	const char *s = scanimage_value(text, key);
	if (s == NULL)
		s = scanimage_value(text, old_key);
	uint64_t v;
	return s != NULL && parse_number(s, &v) && v > 0 ? v : 1;
}

/* Channels are a list, "[1;2]", or how many. */
static uint64_t scanimage_channels(const char *text)
{
	const char *s = scanimage_value(text, "hChannels.channelSave");
	if (s == NULL)
		return scanimage_number(text, "hChannels.channelSave", "acq.numberOfChannelsSave");
	uint64_t n = 0;
	while (*s != '\0' && *s != '\n' && *s != ']') {
		size_t digits = strspn(s, "0123456789");
		n += digits > 0;
		s += digits > 0 ? digits : 1;
	}
	return max_u64(n, 1);
}

int description_scanimage(const char *text, uint32_t n_pages, struct err *err)
{
	struct claim c = { .kind = "ScanImage", .n = 3 };
	c.size[0] = scanimage_number(text, "hStackManager.actualNumSlices", "acq.numberOfZSlices");
	c.size[1] = scanimage_number(text, "hStackManager.framesPerSlice", "acq.numberOfFrames");
	c.size[2] = scanimage_channels(text);
	if (n_pages == 1 || n_pages == c.size[2])
		return 0;
	/* Frames that were averaged are counted but not stored. */
	bool averaged = c.size[0] == n_pages;
	if (c.size[2] == 1 && (c.size[0] == 1 || c.size[1] == 1 || averaged))
		return 0;
	if (claim_planes(&c) != n_pages) {
		c.size[0] = n_pages / c.size[2];
		c.size[1] = 1;
	}
	return claim_refuse(&c, n_pages, err);
}
