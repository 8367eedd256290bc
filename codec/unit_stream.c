#include "codec/unit_stream.h"

#include <errno.h>
#include <libdeflate.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

struct unit_streams {
	struct libdeflate_decompressor *deflate;
	ZSTD_DCtx *zstd;
};

struct unit_streams *unit_streams_new(void)
{
	return calloc(1, sizeof(struct unit_streams));
}

void unit_streams_free(struct unit_streams *s)
{
	if (s == NULL)
		return;
	libdeflate_free_decompressor(s->deflate);
	ZSTD_freeDCtx(s->zstd);
	free(s);
}

enum outcome { OUTCOME_DONE, OUTCOME_LONGER, OUTCOME_CORRUPT };

typedef enum outcome (*decode_fn)(struct unit_streams *s, const struct unit_stream *u, void *out,
				  size_t cap, size_t *got, const char **why);

static enum outcome inflate_once(struct unit_streams *s, const struct unit_stream *u, void *out,
				 size_t cap, size_t *got, const char **why)
{
	size_t used = 0;
	switch (libdeflate_zlib_decompress_ex(s->deflate, u->raw, u->n_raw, out, cap, &used, got)) {
	case LIBDEFLATE_SUCCESS:
		*why = "bytes are left over after its end";
		return u->exact && used != u->n_raw ? OUTCOME_CORRUPT : OUTCOME_DONE;
	case LIBDEFLATE_INSUFFICIENT_SPACE:
		return OUTCOME_LONGER;
	case LIBDEFLATE_BAD_DATA:
	case LIBDEFLATE_SHORT_OUTPUT:
	default:
		*why = NULL;
		return OUTCOME_CORRUPT;
	}
}

static enum outcome unzstd_once(struct unit_streams *s, const struct unit_stream *u, void *out,
				size_t cap, size_t *got, const char **why)
{
	size_t n = u->n_raw;
	if (!u->exact) {
		size_t frame = ZSTD_findFrameCompressedSize(u->raw, n);
		n = ZSTD_isError(frame) ? n : frame;
	}
	size_t rc = ZSTD_decompressDCtx(s->zstd, out, cap, u->raw, n);
	if (!ZSTD_isError(rc)) {
		*got = rc;
		return OUTCOME_DONE;
	}
	*why = ZSTD_getErrorName(rc);
	return ZSTD_getErrorCode(rc) == ZSTD_error_dstSize_tooSmall ? OUTCOME_LONGER
								    : OUTCOME_CORRUPT;
}

/* A stream that holds more than the unit: whole again, into room of our own. */
static int decode_longer(struct unit_streams *s, const struct unit_stream *u, decode_fn decode,
			 size_t *got, const char **why)
{
	const uint64_t sizes[] = { u->full, 2 * u->full };
	enum outcome o = OUTCOME_LONGER;
	for (size_t i = 0; i < ARRAY_SIZE(sizes) && o == OUTCOME_LONGER; i++) {
		size_t cap = min_u64(sizes[i], u->most);
		if (cap <= u->n_out)
			continue;
		CLEANUP(freep) void *room = malloc(cap);
		if (room == NULL)
			return -ENOMEM;
		o = decode(s, u, room, cap, got, why);
		if (o == OUTCOME_DONE)
			memcpy(u->out, room, u->n_out);
	}
	if (o == OUTCOME_LONGER)
		*why = "it holds far more than its rows";
	return o == OUTCOME_DONE ? 0 : -EBADMSG;
}

static int decode_strictly(struct unit_streams *s, const struct unit_stream *u, decode_fn decode,
			   const char *name, struct err *err)
{
	size_t got = 0;
	const char *why = NULL;
	int rc = 0;
	switch (decode(s, u, u->out, u->n_out, &got, &why)) {
	case OUTCOME_DONE:
		break;
	case OUTCOME_LONGER:
		rc = decode_longer(s, u, decode, &got, &why);
		break;
	case OUTCOME_CORRUPT:
		rc = -EBADMSG;
		break;
	}
	if (rc == -ENOMEM)
		return err_oom(err);
	if (rc != 0 && why != NULL)
		return err_set(err, EBADMSG, "%s: corrupt data (%s)", name, why);
	if (rc != 0)
		return err_set(err, EBADMSG, "%s: corrupt data", name);
	if (got < u->n_out)
		return err_set(err, EBADMSG, "%s: it ends after %zu of %zu bytes", name, got,
			       u->n_out);
	return 0;
}

int unit_inflate(struct unit_streams *s, const struct unit_stream *u, struct err *err)
{
	if (s->deflate == NULL)
		s->deflate = libdeflate_alloc_decompressor();
	if (s->deflate == NULL)
		return err_oom(err);
	return decode_strictly(s, u, inflate_once, "Deflate", err);
}

int unit_unzstd(struct unit_streams *s, const struct unit_stream *u, struct err *err)
{
	if (s->zstd == NULL)
		s->zstd = ZSTD_createDCtx();
	if (s->zstd == NULL)
		return err_oom(err);
	return decode_strictly(s, u, unzstd_once, "ZSTD", err);
}
