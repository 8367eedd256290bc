#include "codec/encode.h"

#include "codec/encode_backend.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const struct {
	const char *name;
	int level, min, max; /* default and range; 0, 0, 0: takes none */
	uint64_t (*bound)(const struct encode_spec *s, uint64_t n);
	int (*encode)(struct encoder *e, const struct encode_spec *s, const struct encode_io *io,
		      size_t *ret_len, struct err *err);
} codecs[CODEC_COUNT] = {
	[CODEC_NONE] = { "none", 0, 0, 0, NULL, NULL },
	[CODEC_BLOSC_LZ4] = { "blosc-lz4", 5, 0, 9, encode_blosc_bound, encode_blosc },
	[CODEC_BLOSC_LZ4HC] = { "blosc-lz4hc", 5, 0, 9, encode_blosc_bound, encode_blosc },
	[CODEC_BLOSC_ZSTD] = { "blosc-zstd", 1, 0, 9, encode_blosc_bound, encode_blosc },
	[CODEC_ZLIB] = { "zlib", 1, 0, 9, encode_zlib_bound, encode_zlib },
	[CODEC_GZIP] = { "gzip", 1, 0, 9, encode_zlib_bound, encode_zlib },
	[CODEC_ZSTD] = { "zstd", 1, 1, 19, encode_zstd_bound, encode_zstd },
};

struct encoder *encoder_new(void)
{
	return calloc(1, sizeof(struct encoder));
}

void encoder_free(struct encoder *e)
{
	if (e == NULL)
		return;
	encode_zlib_done(e);
	encode_zstd_done(e);
	free(e);
}

const char *codec_name(enum codec c)
{
	return codecs[c].name;
}

static int unknown_codec(const char *text, size_t len, struct err *err)
{
	struct text t = { 0 };
	text_add(&t, "codec \"");
	text_add_name(&t, text, min_u64(len, 40));
	text_add(&t, "\" is not known; expected auto");
	for (size_t c = 0; c < CODEC_COUNT; c++)
		text_addf(&t, "%s%s", c + 1 < CODEC_COUNT ? ", " : " or ", codecs[c].name);
	int rc = t.oom ? err_oom(err) : err_set(err, EINVAL, "%s", t.s);
	text_done(&t);
	return rc;
}

/* One or two digits and nothing else. */
static bool parse_level(const char *s, int *out)
{
	size_t len = strspn(s, "0123456789");
	if (len < 1 || len > 2 || s[len] != '\0')
		return false;
	int v = 0;
	for (size_t i = 0; i < len; i++)
		v = v * 10 + (s[i] - '0');
	*out = v;
	return true;
}

int codec_parse(const char *text, enum codec *codec, int *level, struct err *err)
{
	size_t len = strcspn(text, ":");
	size_t c = 0;
	while (c < CODEC_COUNT &&
	       (strncmp(codecs[c].name, text, len) != 0 || codecs[c].name[len] != '\0'))
		c++;
	if (c == CODEC_COUNT)
		return unknown_codec(text, len, err);
	int v = codecs[c].level;
	if (text[len] == ':') {
		if (codecs[c].max == 0)
			return err_set(err, EINVAL, "codec %s takes no level", codecs[c].name);
		if (!parse_level(text + len + 1, &v) || v < codecs[c].min || v > codecs[c].max)
			return err_set(
				err, EINVAL,
				"the level of codec %s is a number from %d to %d (default %d)",
				codecs[c].name, codecs[c].min, codecs[c].max, codecs[c].level);
	}
	*codec = (enum codec)c;
	*level = v;
	return 0;
}

static bool is_blosc(enum codec c)
{
	return c == CODEC_BLOSC_LZ4 || c == CODEC_BLOSC_LZ4HC || c == CODEC_BLOSC_ZSTD;
}

uint64_t encode_bound(const struct encode_spec *s, uint64_t n)
{
	return s->codec == CODEC_NONE ? n : codecs[s->codec].bound(s, n);
}

bool encode_size_known(const struct encode_spec *s)
{
	/* Level 0 of blosc is header and copy, whatever the voxels. */
	return s->codec == CODEC_NONE || (is_blosc(s->codec) && s->level == 0);
}

int encode(struct encoder *e, const struct encode_spec *s, const void *raw, size_t n, void *out,
	   size_t cap, size_t *ret_len, struct err *err)
{
	assert(s->codec != CODEC_NONE);
	assert(cap >= encode_bound(s, n));
	struct encode_io io = { .raw = raw, .n = n, .out = out, .cap = cap };
	return codecs[s->codec].encode(e, s, &io, ret_len, err);
}

int encode_blosc_shuffle(const struct encode_spec *s)
{
	return dtype_size(s->dtype) == 1 ? 1 : 2;
}

void encode_versions(struct text *t)
{
	encode_blosc_version(t);
	text_add(t, ", ");
	encode_zlib_version(t);
	text_add(t, ", ");
	encode_zstd_version(t);
}
