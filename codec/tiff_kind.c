#include "codec/tiff.h"

#include <errno.h>
#include <string.h>

/* Which samples a compression can hold. */
enum holds {
	HOLDS_NOTHING, /* it is not supported */
	HOLDS_ALL,
	HOLDS_WHOLE, /* 8, 16, 32 and 64 bits, no float16 */
	HOLDS_BYTES,
	HOLDS_BITS, /* one sample of one bit */
	HOLDS_LOG,  /* LogL and LogLuv */
};

static const struct {
	uint16_t number;
	enum holds holds;
	bool predicts; /* knows predictors; the tag is ignored elsewhere */
	const char *name;
} codecs[] = {
	{ TIFF_COMPRESSION_NONE, HOLDS_ALL, false, "none" },
	{ TIFF_COMPRESSION_CCITT_RLE, HOLDS_BITS, false, "CCITT RLE" },
	{ TIFF_COMPRESSION_CCITT_G3, HOLDS_BITS, false, "CCITT G3" },
	{ TIFF_COMPRESSION_CCITT_G4, HOLDS_BITS, false, "CCITT G4" },
	{ TIFF_COMPRESSION_LZW, HOLDS_ALL, true, "LZW" },
	{ 6, HOLDS_NOTHING, false, "old JPEG" },
	{ TIFF_COMPRESSION_JPEG, HOLDS_BYTES, false, "JPEG" },
	{ TIFF_COMPRESSION_DEFLATE, HOLDS_ALL, true, "Deflate" },
	{ 9, HOLDS_NOTHING, false, "JBIG" },
	{ 10, HOLDS_NOTHING, false, "JBIG" },
	{ 22610, HOLDS_NOTHING, false, "JPEG XR" },
	{ 32766, HOLDS_NOTHING, false, "NeXT" },
	/* libtiff 4.5 loses where the words begin, and gives other pixels than it wrote. */
	{ 32771, HOLDS_NOTHING, false, "CCITT RLE, words" },
	{ TIFF_COMPRESSION_PACKBITS, HOLDS_ALL, false, "PackBits" },
	{ 32809, HOLDS_NOTHING, false, "ThunderScan" },
	{ 32909, HOLDS_NOTHING, false, "PixarLog" },
	{ TIFF_COMPRESSION_OLD_DEFLATE, HOLDS_ALL, true, "Deflate" },
	{ 33003, HOLDS_NOTHING, false, "JPEG 2000" },
	{ 33004, HOLDS_NOTHING, false, "JPEG 2000" },
	{ 33005, HOLDS_NOTHING, false, "JPEG 2000" },
	{ 34661, HOLDS_NOTHING, false, "JBIG" },
	{ TIFF_COMPRESSION_SGILOG, HOLDS_LOG, false, "SGILog" },
	{ TIFF_COMPRESSION_SGILOG24, HOLDS_LOG, false, "SGILog24" },
	{ 34712, HOLDS_NOTHING, false, "JPEG 2000" },
	{ TIFF_COMPRESSION_LERC, HOLDS_WHOLE, false, "LERC" },
	{ 34892, HOLDS_NOTHING, false, "lossy JPEG" },
	{ TIFF_COMPRESSION_LZMA, HOLDS_ALL, true, "LZMA" },
	{ 34933, HOLDS_NOTHING, false, "PNG" },
	{ 34934, HOLDS_NOTHING, false, "JPEG XR" },
	{ TIFF_COMPRESSION_ZSTD, HOLDS_ALL, true, "ZSTD" },
	{ TIFF_COMPRESSION_WEBP, HOLDS_BYTES, false, "WebP" },
	{ 50002, HOLDS_NOTHING, false, "JPEG XL" },
	{ 52546, HOLDS_NOTHING, false, "JPEG XL" },
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

static int check_predictor(const struct tiff_page *p, struct err *err)
{
	bool floats = p->sample_format == TIFF_FORMAT_FLOAT && p->bits >= 16;
	bool whole = p->bits == 8 || p->bits == 16 || p->bits == 32 || p->bits == 64;
	if (p->predictor == 3 && !floats)
		return err_set(err, ENOTSUP,
			       "Predictor 3 with SampleFormat %u of %u bits is not supported",
			       p->sample_format, p->bits);
	if (p->predictor == 2 && !whole)
		return err_set(err, ENOTSUP, "Predictor 2 with BitsPerSample %u is not supported",
			       p->bits);
	if (p->predictor < 1 || p->predictor > 3)
		return err_set(err, ENOTSUP, "Predictor %u is not supported", p->predictor);
	return 0;
}

static int check_compression(const struct tiff_page *p, struct err *err)
{
	size_t i = codec_index(p->compression);
	if (i == ARRAY_SIZE(codecs) || codecs[i].holds == HOLDS_NOTHING)
		return err_set(err, ENOTSUP, "compression %u (%s) is not supported", p->compression,
			       tiff_compression_name(p->compression));
	return codecs[i].predicts ? check_predictor(p, err) : check_ignored_predictor(p, err);
}

static bool is_log_colour(const struct tiff_page *p)
{
	return p->photometric == TIFF_LOGL || p->photometric == TIFF_LOGLUV;
}

/* The compression of logarithms and their colours go together, and LogLuv has its three numbers side by side. */
static int check_log(const struct tiff_page *p, struct err *err)
{
	unsigned samples = p->photometric == TIFF_LOGL ? 1 : 3;
	const char *colour = p->photometric == TIFF_LOGL ? "LogL" : "LogLuv";
	const char *name = tiff_compression_name(p->compression);
	if (!is_log_colour(p))
		return err_set(err, ENOTSUP,
			       "compression %u (%s) with PhotometricInterpretation %u is not "
			       "supported",
			       p->compression, name, p->photometric);
	if (!tiff_is_sgilog(p) || (p->compression == TIFF_COMPRESSION_SGILOG24 && samples == 1))
		return err_set(err, ENOTSUP,
			       "PhotometricInterpretation %u (%s) with compression %u (%s) is not "
			       "supported",
			       p->photometric, colour, p->compression, name);
	if (p->samples != samples || (p->planar && samples != 1))
		return err_set(err, ENOTSUP, "%s with %u samples%s is not supported", colour,
			       p->samples, p->planar ? " in planes" : "");
	return 0;
}

/* What the compression holds of such samples. */
static int check_held(const struct tiff_page *p, struct err *err)
{
	enum holds holds = codecs[codec_index(p->compression)].holds;
	const char *name = tiff_compression_name(p->compression);
	bool byte = p->bits == 8 && p->sample_format != TIFF_FORMAT_FLOAT;
	if ((holds == HOLDS_WHOLE && tiff_is_widened(p)) || (holds == HOLDS_BYTES && !byte) ||
	    (holds == HOLDS_BITS && p->bits != 1))
		return err_set(err, ENOTSUP, "%s with BitsPerSample %u is not supported", name,
			       p->bits);
	if (holds == HOLDS_BITS && p->samples > 1 && !p->planar)
		return err_set(err, ENOTSUP, "%s with %u samples is not supported", name,
			       p->samples);
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
	if (p->compression == TIFF_COMPRESSION_WEBP &&
	    (p->planar || (p->samples != 3 && p->samples != 4)))
		return err_set(err, ENOTSUP, "WebP with %u samples of %u bits%s is not supported",
			       p->samples, p->bits, p->planar ? " in planes" : "");
	if (tiff_is_sgilog(p) || is_log_colour(p))
		return check_log(p, err);
	return p->photometric == TIFF_YCBCR ? check_ycbcr(p, err) : 0;
}

static int check_format(const struct tiff_page *p, struct err *err)
{
	if (p->sample_format == TIFF_FORMAT_COMPLEX_INT || p->sample_format == TIFF_FORMAT_COMPLEX)
		return err_set(err, ENOTSUP, "SampleFormat %u (complex) is not supported",
			       p->sample_format);
	if (p->sample_format < TIFF_FORMAT_UNSIGNED || p->sample_format > TIFF_FORMAT_COMPLEX)
		return err_set(err, ENOTSUP, "SampleFormat %u is not supported", p->sample_format);
	if (p->bits > 32 && p->bits != 64)
		return err_set(err, ENOTSUP, "BitsPerSample %u is not supported", p->bits);
	bool known = p->bits == 16 || p->bits == 24 || p->bits == 32 || p->bits == 64;
	if (p->sample_format == TIFF_FORMAT_FLOAT && !known)
		return err_set(err, ENOTSUP,
			       "BitsPerSample %u with SampleFormat 3 (float) is not supported",
			       p->bits);
	return 0;
}

static int pick_dtype(const struct tiff_page *p, enum dtype *out, struct err *err)
{
	static const enum dtype unsigneds[] = { DTYPE_U8, DTYPE_U16, DTYPE_U32, DTYPE_U64 };
	static const enum dtype signeds[] = { DTYPE_I8, DTYPE_I16, DTYPE_I32, DTYPE_I64 };
	unsigned bytes = tiff_voxel_bytes(p);
	size_t width = bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3;
	int rc = check_format(p, err);
	if (rc != 0)
		return rc;
	if (p->sample_format == TIFF_FORMAT_FLOAT)
		*out = width == 2 ? DTYPE_F32 : DTYPE_F64;
	else
		*out = tiff_is_signed(p) ? signeds[width] : unsigneds[width];
	return 0;
}

int tiff_page_dtype(const struct tiff_page *p, enum dtype *out, struct err *err)
{
	enum dtype t = DTYPE_U8;
	int rc = check_compression(p, err);
	if (rc == 0)
		rc = check_samples(p, err);
	if (rc == 0)
		rc = check_held(p, err);
	if (rc == 0)
		rc = check_colours(p, err);
	if (rc == 0 && tiff_is_sgilog(p))
		t = DTYPE_F32;
	else if (rc == 0)
		rc = pick_dtype(p, &t, err);
	if (rc == 0)
		*out = t;
	return rc;
}

/* What the samples mean: JPEG's YCbCr comes out as RGB, inverted gray is still gray. */
static unsigned meaning(const struct tiff_page *p)
{
	if (p->photometric == TIFF_WHITE_IS_ZERO)
		return TIFF_BLACK_IS_ZERO;
	if (tiff_is_jpeg_ycbcr(p))
		return TIFF_RGB;
	return p->photometric;
}

static unsigned number_format(const struct tiff_page *p)
{
	return p->sample_format == TIFF_FORMAT_VOID ? TIFF_FORMAT_UNSIGNED : p->sample_format;
}

bool tiff_same_kind(const struct tiff_page *a, const struct tiff_page *b)
{
	return a->width == b->width && a->height == b->height && a->bits == b->bits &&
	       a->samples == b->samples && a->mixed_bits == b->mixed_bits &&
	       a->mixed_formats == b->mixed_formats && number_format(a) == number_format(b) &&
	       meaning(a) == meaning(b);
}
