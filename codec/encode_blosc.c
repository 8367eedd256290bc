#include "codec/encode_backend.h"

#include <blosc.h>
#include <errno.h>

_Static_assert(BLOSC_SHUFFLE == 1 && BLOSC_BITSHUFFLE == 2,
	       "numbers of numcodecs and of blosc agree");

static const char *compressor(enum codec c)
{
	return c == CODEC_BLOSC_LZ4	? BLOSC_LZ4_COMPNAME
	       : c == CODEC_BLOSC_LZ4HC ? BLOSC_LZ4HC_COMPNAME
					: BLOSC_ZSTD_COMPNAME;
}

uint64_t encode_blosc_bound(UNUSED const struct encode_spec *s, uint64_t n)
{
	return n + BLOSC_MAX_OVERHEAD;
}

int encode_blosc(UNUSED struct encoder *e, const struct encode_spec *s, const struct encode_io *io,
		 size_t *ret_len, struct err *err)
{
	if (io->n > BLOSC_MAX_BUFFERSIZE)
		return err_set(err, EIO,
			       "codec %s takes chunks of at most 2 GiB, this one has %zu bytes",
			       codec_name(s->codec), io->n);
	/* With more than one internal thread blocks are stored in the order in which they get ready, and
	 * the bytes differ from run to run. */
	int threads = 1;
	int len = blosc_compress_ctx(s->level, encode_blosc_shuffle(s), dtype_size(s->dtype), io->n,
				     io->raw, io->out, io->cap, compressor(s->codec), 0, threads);
	if (len <= 0)
		return err_set(err, EIO, "codec %s: blosc gave %d for %zu bytes",
			       codec_name(s->codec), len, io->n);
	*ret_len = (size_t)len;
	return 0;
}

void encode_blosc_version(struct text *t)
{
	static const char *const parts[] = { BLOSC_LZ4_COMPNAME, BLOSC_ZSTD_COMPNAME };
	text_addf(t, "blosc %s (", blosc_get_version_string());
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		CLEANUP(freep) char *lib = NULL;
		CLEANUP(freep) char *version = NULL;
		int rc = blosc_get_complib_info(parts[i], &lib, &version);
		text_addf(t, "%s%s %s", i == 0 ? "" : ", ", parts[i],
			  rc >= 0 && version != NULL ? version : "unknown");
	}
	text_add(t, ")");
}
