#include "codec/encode_backend.h"

#include <errno.h>
#include <libdeflate.h>

/* libdeflate's gzip header has no time, no name and an unknown system: the same bytes everywhere. */

uint64_t encode_zlib_bound(const struct encode_spec *s, uint64_t n)
{
	return s->codec == CODEC_GZIP ? libdeflate_gzip_compress_bound(NULL, n)
				      : libdeflate_zlib_compress_bound(NULL, n);
}

int encode_zlib(struct encoder *e, const struct encode_spec *s, const struct encode_io *io,
		size_t *ret_len, struct err *err)
{
	if (e->deflate != NULL && e->deflate_level != s->level)
		encode_zlib_done(e);
	if (e->deflate == NULL)
		e->deflate = libdeflate_alloc_compressor(s->level);
	if (e->deflate == NULL)
		return err_oom(err);
	e->deflate_level = s->level;
	size_t len =
		s->codec == CODEC_GZIP
			? libdeflate_gzip_compress(e->deflate, io->raw, io->n, io->out, io->cap)
			: libdeflate_zlib_compress(e->deflate, io->raw, io->n, io->out, io->cap);
	if (len == 0)
		return err_set(err, EIO, "codec %s: %zu bytes do not fit their bound of %zu",
			       codec_name(s->codec), io->n, io->cap);
	*ret_len = len;
	return 0;
}

void encode_zlib_done(struct encoder *e)
{
	libdeflate_free_compressor(e->deflate);
	e->deflate = NULL;
}

void encode_zlib_version(struct text *t)
{
	text_add(t, "libdeflate " LIBDEFLATE_VERSION_STRING);
}
