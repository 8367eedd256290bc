#include "meta/description_text.h"

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
