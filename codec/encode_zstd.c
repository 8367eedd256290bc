#include "codec/encode_backend.h"

#include <errno.h>
#include <zstd.h>

uint64_t encode_zstd_bound(UNUSED const struct encode_spec *s, uint64_t n)
{
	return ZSTD_compressBound(n);
}

int encode_zstd(struct encoder *e, const struct encode_spec *s, const struct encode_io *io,
		size_t *ret_len, struct err *err)
{
	if (e->zstd == NULL)
		e->zstd = ZSTD_createCCtx();
	if (e->zstd == NULL)
		return err_oom(err);
	/* After a reset: content size in the frame, no checksum, no threads. */
	size_t rc = ZSTD_CCtx_reset(e->zstd, ZSTD_reset_session_and_parameters);
	if (!ZSTD_isError(rc))
		rc = ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_compressionLevel, s->level);
	if (!ZSTD_isError(rc))
		rc = ZSTD_compress2(e->zstd, io->out, io->cap, io->raw, io->n);
	if (ZSTD_isError(rc))
		return err_set(err, EIO, "codec zstd: %s", ZSTD_getErrorName(rc));
	*ret_len = rc;
	return 0;
}

void encode_zstd_done(struct encoder *e)
{
	ZSTD_freeCCtx(e->zstd);
	e->zstd = NULL;
}

void encode_zstd_version(struct text *t)
{
	text_addf(t, "zstd %s", ZSTD_versionString());
}
