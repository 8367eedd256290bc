#include "codec/tiff.h"

#include <errno.h>
#include <string.h>

enum {
	PHOTOMETRIC_WHITE_IS_ZERO = 0,
	PHOTOMETRIC_BLACK_IS_ZERO = 1,
	PHOTOMETRIC_RGB = 2,
	PHOTOMETRIC_YCBCR = 6,
	PHOTOMETRIC_LOGL = 32844,
	PHOTOMETRIC_LOGLUV = 32845,
	FORMAT_UNSIGNED = 1,
	FORMAT_SIGNED = 2,
	FORMAT_FLOAT = 3,
	FORMAT_VOID = 4,
	FORMAT_COMPLEX_INT = 5,
	FORMAT_COMPLEX = 6,
};

static const struct {
	uint16_t number;
	bool accepted, predicts; /* predicts: knows predictors; the tag is ignored elsewhere */
	const char *name;
} codecs[] = {
	{ TIFF_COMPRESSION_NONE, true, false, "none" },
	{ 2, false, false, "CCITT RLE" },
	{ 3, false, false, "CCITT G3" },
	{ 4, false, false, "CCITT G4" },
	{ TIFF_COMPRESSION_LZW, true, true, "LZW" },
	{ 6, false, false, "old JPEG" },
	{ TIFF_COMPRESSION_JPEG, true, false, "JPEG" },
	{ TIFF_COMPRESSION_DEFLATE, true, true, "Deflate" },
	{ 9, false, false, "JBIG" },
	{ 10, false, false, "JBIG" },
	{ 22610, false, false, "JPEG XR" },
	{ 32766, false, false, "NeXT" },
	{ 32771, false, false, "CCITT RLE, words" },
	{ TIFF_COMPRESSION_PACKBITS, true, false, "PackBits" },
	{ 32809, false, false, "ThunderScan" },
	{ 32909, false, false, "PixarLog" },
	{ TIFF_COMPRESSION_OLD_DEFLATE, true, true, "Deflate" },
	{ 33003, false, false, "JPEG 2000" },
	{ 33004, false, false, "JPEG 2000" },
	{ 33005, false, false, "JPEG 2000" },
	{ 34661, false, false, "JBIG" },
	{ 34676, false, false, "SGILog" },
	{ 34677, false, false, "SGILog24" },
	{ 34712, false, false, "JPEG 2000" },
	{ TIFF_COMPRESSION_LERC, true, false, "LERC" },
	{ 34892, false, false, "lossy JPEG" },
	{ TIFF_COMPRESSION_LZMA, true, true, "LZMA" },
	{ 34933, false, false, "PNG" },
	{ 34934, false, false, "JPEG XR" },
	{ TIFF_COMPRESSION_ZSTD, true, true, "ZSTD" },
	{ TIFF_COMPRESSION_WEBP, true, false, "WebP" },
	{ 50002, false, false, "JPEG XL" },
	{ 52546, false, false, "JPEG XL" },
};

static size_t codec_index(uint16_t compression)
{
	size_t i = 0;
	while (i < ARRAY_SIZE(codecs) && codecs[i].number != compression)
		i++;
	return i;
}

const char *tiff_compression_name(uint16_t compression)
{
	size_t i = codec_index(compression);
	return i < ARRAY_SIZE(codecs) ? codecs[i].name : "unknown";
}

/* Writers of differences in these two exist, and libtiff gives the differences for the pixels. */
static int check_ignored_predictor(const struct tiff_page *p, struct err *err)
{
	bool some_undo = p->compression == TIFF_COMPRESSION_PACKBITS ||
			 p->compression == TIFF_COMPRESSION_LERC;
	if (!some_undo || (p->predictor != 2 && p->predictor != 3))
		return 0;
	return err_set(err, ENOTSUP, "Predictor %u with compression %u (%s) is not supported",
		       p->predictor, p->compression, tiff_compression_name(p->compression));
}

static int check_compression(const struct tiff_page *p, struct err *err)
{
	size_t i = codec_index(p->compression);
	if (i == ARRAY_SIZE(codecs) || !codecs[i].accepted)
		return err_set(err, ENOTSUP, "compression %u (%s) is not supported", p->compression,
			       tiff_compression_name(p->compression));
	if (!codecs[i].predicts)
		return check_ignored_predictor(p, err);
	if (p->predictor == 1)
		return 0;
	bool floats = p->sample_format == FORMAT_FLOAT && p->bits >= 32;
	if (p->predictor == 3 && !floats)
		return err_set(err, ENOTSUP,
			       "Predictor 3 with SampleFormat %u of %u bits is not supported",
			       p->sample_format, p->bits);
	if (p->predictor != 2 && p->predictor != 3)
		return err_set(err, ENOTSUP, "Predictor %u is not supported", p->predictor);
	return 0;
}

static int check_samples(const struct tiff_page *p, struct err *err)
{
	if (p->mixed_bits)
		return err_set(err, ENOTSUP,
			       "BitsPerSample that differs between samples is not supported");
	if (p->mixed_formats)
		return err_set(err, ENOTSUP,
			       "SampleFormat that differs between samples is not supported");
	if (p->image_depth != 1)
		return err_set(err, ENOTSUP, "ImageDepth %u is not supported", p->image_depth);
	return 0;
}

/* YCbCr pixels share their colours where subsampled: only JPEG undoes that. */
static int check_ycbcr(const struct tiff_page *p, struct err *err)
{
	unsigned h = p->subsampling[0], v = p->subsampling[1];
	if (h == 0 || v == 0)
		h = v = 2;
	if (p->samples != 3)
		return err_set(
			err, ENOTSUP,
			"PhotometricInterpretation 6 (YCbCr) with %u samples is not supported",
			p->samples);
	if (p->compression == TIFF_COMPRESSION_JPEG && p->planar)
		return err_set(err, ENOTSUP,
			       "PlanarConfiguration 2 with PhotometricInterpretation 6 (YCbCr) in "
			       "JPEG is not supported");
	if (p->compression != TIFF_COMPRESSION_JPEG && (h != 1 || v != 1))
		return err_set(err, ENOTSUP,
			       "YCbCr subsampling %u,%u without JPEG is not supported", h, v);
	return 0;
}

static int check_colours(const struct tiff_page *p, struct err *err)
{
	bool byte = p->bits == 8 && p->sample_format != FORMAT_FLOAT;
	if (p->compression == TIFF_COMPRESSION_JPEG && !byte)
		return err_set(err, ENOTSUP, "JPEG with BitsPerSample %u is not supported",
			       p->bits);
	if (p->compression == TIFF_COMPRESSION_WEBP &&
	    (!byte || p->planar || (p->samples != 3 && p->samples != 4)))
		return err_set(err, ENOTSUP, "WebP with %u samples of %u bits%s is not supported",
			       p->samples, p->bits, p->planar ? " in planes" : "");
	if (p->photometric == PHOTOMETRIC_LOGL || p->photometric == PHOTOMETRIC_LOGLUV)
		return err_set(err, ENOTSUP, "PhotometricInterpretation %u (%s) is not supported",
			       p->photometric,
			       p->photometric == PHOTOMETRIC_LOGL ? "LogL" : "LogLuv");
	return p->photometric == PHOTOMETRIC_YCBCR ? check_ycbcr(p, err) : 0;
}

static int pick_dtype(const struct tiff_page *p, enum dtype *out, struct err *err)
{
	static const enum dtype unsigneds[] = { DTYPE_U8, DTYPE_U16, DTYPE_U32, DTYPE_U64 };
	static const enum dtype signeds[] = { DTYPE_I8, DTYPE_I16, DTYPE_I32, DTYPE_I64 };
	size_t width = p->bits == 8 ? 0 : p->bits == 16 ? 1 : p->bits == 32 ? 2 : 3;
	if (p->sample_format == FORMAT_COMPLEX_INT || p->sample_format == FORMAT_COMPLEX)
		return err_set(err, ENOTSUP, "SampleFormat %u (complex) is not supported",
			       p->sample_format);
	if (p->sample_format < FORMAT_UNSIGNED || p->sample_format > FORMAT_COMPLEX)
		return err_set(err, ENOTSUP, "SampleFormat %u is not supported", p->sample_format);
	if (p->bits != 8 && p->bits != 16 && p->bits != 32 && p->bits != 64)
		return err_set(err, ENOTSUP, "BitsPerSample %u is not supported", p->bits);
	if (p->sample_format == FORMAT_FLOAT && width < 2)
		return err_set(err, ENOTSUP,
			       "BitsPerSample %u with SampleFormat 3 (float) is not supported",
			       p->bits);
	if (p->sample_format == FORMAT_FLOAT)
		*out = width == 2 ? DTYPE_F32 : DTYPE_F64;
	else
		*out = p->sample_format == FORMAT_SIGNED ? signeds[width] : unsigneds[width];
	return 0;
}

int tiff_page_dtype(const struct tiff_page *p, enum dtype *out, struct err *err)
{
	enum dtype t = DTYPE_U8;
	int rc = check_compression(p, err);
	if (rc == 0)
		rc = check_samples(p, err);
	if (rc == 0)
		rc = check_colours(p, err);
	if (rc == 0)
		rc = pick_dtype(p, &t, err);
	if (rc == 0)
		*out = t;
	return rc;
}

/* What the samples mean: JPEG's YCbCr comes out as RGB, inverted gray is still gray. */
static unsigned meaning(const struct tiff_page *p)
{
	if (p->photometric == PHOTOMETRIC_WHITE_IS_ZERO)
		return PHOTOMETRIC_BLACK_IS_ZERO;
	if (p->photometric == PHOTOMETRIC_YCBCR && p->compression == TIFF_COMPRESSION_JPEG)
		return PHOTOMETRIC_RGB;
	return p->photometric;
}

static unsigned number_format(const struct tiff_page *p)
{
	return p->sample_format == FORMAT_VOID ? FORMAT_UNSIGNED : p->sample_format;
}

bool tiff_same_kind(const struct tiff_page *a, const struct tiff_page *b)
{
	return a->width == b->width && a->height == b->height && a->bits == b->bits &&
	       a->samples == b->samples && a->mixed_bits == b->mixed_bits &&
	       a->mixed_formats == b->mixed_formats && number_format(a) == number_format(b) &&
	       meaning(a) == meaning(b);
}
