#include "fs/version.h"

#include "codec/encode.h"
#include "codec/unit.h"
#include "codec/versions.h"
#include "fs/mount_version.h"
#include "meta/versions.h"

const char *version_string(void)
{
	return NGFFUSE_VERSION;
}

static void add_codecs(struct text *t)
{
	static const uint16_t known[] = {
		TIFF_COMPRESSION_NONE,	   TIFF_COMPRESSION_LZW,  TIFF_COMPRESSION_DEFLATE,
		TIFF_COMPRESSION_PACKBITS, TIFF_COMPRESSION_JPEG, TIFF_COMPRESSION_ZSTD,
		TIFF_COMPRESSION_LZMA,	   TIFF_COMPRESSION_WEBP, TIFF_COMPRESSION_LERC,
	};
	struct text CLEANUP(text_done) missing = { 0 };
	text_add(t, "TIFF compressions:");
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const char *name = tiff_compression_name(known[i]);
		if (unit_codec_present(known[i]))
			text_addf(t, " %s", name);
		else
			text_addf(&missing, " %s", name);
	}
	if (missing.len > 0)
		text_addf(t, "; not in this libtiff:%s", missing.s);
	text_add(t, "\n");
}

void version_print(struct text *t)
{
	text_addf(t,
		  "ngffuse %s\nlibfuse %s, FUSE protocol up to %s (of a mount: ngffuse status)\n",
		  version_string(), mount_version(), mount_protocol());
	tiff_versions(t);
	text_add(t, "\n");
	encode_versions(t);
	text_add(t, "\n");
	meta_versions(t);
	text_add(t, "\n");
	add_codecs(t);
	text_add(t, "chunk codecs:");
	for (int c = 0; c < CODEC_COUNT; c++)
		text_addf(t, " %s", codec_name((enum codec)c));
	text_add(t, "\n");
}
