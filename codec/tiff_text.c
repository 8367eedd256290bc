#include "codec/text.h"
#include "codec/tiff_field.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

int tiff_text_read(const struct reader *r, const struct tiff_values *v, size_t max, char **out,
		   size_t *len, struct err *err)
{
	bool bytes = v->type == TIFF_TYPE_BYTE || v->type == TIFF_TYPE_ASCII ||
		     v->type == TIFF_TYPE_UNDEFINED;
	if (v->count != 0 && !bytes)
		return err_set(err, EBADMSG, "a text of type %u (%s)", v->type,
			       tiff_type_name(v->type));
	size_t n = min_u64(v->count, max);
	if (n == SIZE_MAX)
		return err_oom(err);
	CLEANUP(freep) char *s = malloc(n + 1);
	if (s == NULL)
		return err_oom(err);
	int rc = n == 0 ? 0 : reader_exact(r, s, n, v->offset, err);
	if (rc != 0)
		return rc;
	while (n > 0 && s[n - 1] == '\0')
		n--;
	s[n] = '\0';
	*out = STEAL(s);
	*len = n;
	return 0;
}

/* Decimal digits with a sign, and nothing behind but a fraction of zeros. */
static bool parse_integer(const char *s, bool *negative, uint64_t *out)
{
	*negative = *s == '-';
	if (*s == '-' || *s == '+')
		s++;
	size_t digits = strspn(s, "0123456789");
	if (!text_to_u64(s, digits, out))
		return false;
	s += digits;
	if (*s == '.')
		for (s++; *s == '0'; s++)
			;
	return *s == '\0';
}

static bool parse_double(const char *s, double *out)
{
	char *end;
	*out = strtod(s, &end);
	return end != s && *end == '\0';
}

/* An integer that some writers give as "1e3" or "255.000": by way of a double, which must be whole. */
static bool parse_whole(const char *s, bool *negative, uint64_t *out)
{
	double d;
	if (parse_integer(s, negative, out))
		return true;
	if (!parse_double(s, &d) || !isfinite(d) || d != floor(d) ||
	    fabs(d) >= 18446744073709551616.0)
		return false;
	*negative = d < 0;
	*out = (uint64_t)fabs(d);
	return true;
}

/* The low bytes of v, native order, where the type holds it. */
static void store_integer(enum dtype t, bool negative, uint64_t v, void *voxel)
{
	size_t size = dtype_size(t);
	uint64_t all = size == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * size) - 1;
	bool has_sign = dtype_is_signed(t);
	uint64_t max = !negative ? (has_sign ? all >> 1 : all) : has_sign ? (all >> 1) + 1 : 0;
	if (v > max)
		return;
	uint64_t bits = negative ? 0 - v : v;
	uint8_t b1 = (uint8_t)bits;
	uint16_t b2 = (uint16_t)bits;
	uint32_t b4 = (uint32_t)bits;
	const void *from = size == 1   ? (const void *)&b1
			   : size == 2 ? (const void *)&b2
			   : size == 4 ? (const void *)&b4
				       : (const void *)&bits;
	memcpy(voxel, from, size);
}

static void store_float(enum dtype t, double d, void *voxel)
{
	if (t == DTYPE_F64) {
		memcpy(voxel, &d, sizeof(d));
	} else if (!isfinite(d) || fabs(d) <= (double)FLT_MAX) {
		float f = (float)d;
		memcpy(voxel, &f, sizeof(f));
	}
}

static void parse_voxel(char *text, size_t len, enum dtype t, void *voxel)
{
	size_t at = 0;
	bool negative;
	uint64_t v;
	double d;
	while (text[at] == ' ')
		at++;
	for (; len > at && text[len - 1] == ' '; len--)
		text[len - 1] = '\0';
	if (dtype_is_float(t)) {
		if (parse_double(text + at, &d))
			store_float(t, d, voxel);
	} else if (parse_whole(text + at, &negative, &v)) {
		store_integer(t, negative, v, voxel);
	}
}

int tiff_sparse_value(const struct reader *r, const struct tiff_page *p, enum dtype t, void *voxel,
		      struct err *err)
{
	enum { LONGEST = 64 };
	char *text = NULL;
	size_t len = 0;
	memset(voxel, 0, dtype_size(t));
	int rc =
		p->nodata.count == 0 ? 0 : tiff_text_read(r, &p->nodata, LONGEST, &text, &len, err);
	if (rc == 0 && text != NULL)
		parse_voxel(text, len, t, voxel);
	free(text);
	bool no_text = rc == -EBADMSG || rc == -ENODATA;
	return no_text ? 0 : rc;
}
