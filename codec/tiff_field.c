#include "codec/tiff_field.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const struct {
	const char *name;
	uint8_t size;
} types[] = {
	[TIFF_TYPE_BYTE] = { "BYTE", 1 },
	[TIFF_TYPE_ASCII] = { "ASCII", 1 },
	[TIFF_TYPE_SHORT] = { "SHORT", 2 },
	[TIFF_TYPE_LONG] = { "LONG", 4 },
	[TIFF_TYPE_RATIONAL] = { "RATIONAL", 8 },
	[TIFF_TYPE_SBYTE] = { "SBYTE", 1 },
	[TIFF_TYPE_UNDEFINED] = { "UNDEFINED", 1 },
	[TIFF_TYPE_SSHORT] = { "SSHORT", 2 },
	[TIFF_TYPE_SLONG] = { "SLONG", 4 },
	[10] = { "SRATIONAL", 8 },
	[TIFF_TYPE_FLOAT] = { "FLOAT", 4 },
	[TIFF_TYPE_DOUBLE] = { "DOUBLE", 8 },
	[TIFF_TYPE_IFD] = { "IFD", 4 },
	[TIFF_TYPE_LONG8] = { "LONG8", 8 },
	[TIFF_TYPE_SLONG8] = { "SLONG8", 8 },
	[TIFF_TYPE_IFD8] = { "IFD8", 8 },
};

int tiff_window_get(struct tiff_window *w, uint64_t off, size_t n, const uint8_t **out,
		    struct err *err)
{
	if (off >= w->off && off - w->off <= w->len && n <= w->len - (off - w->off)) {
		*out = w->buf + (off - w->off);
		return 0;
	}
	if (off > w->r->size || n > w->r->size - off) {
		err_set(err, ENODATA, "the file ends before %zu bytes at %" PRIu64, n, off);
		return -ENODATA;
	}
	/* An IFD in the first half window shares its read with the header and what lies between. */
	uint64_t at = off + n <= sizeof(w->buf) / 2 ? 0 : off;
	size_t len = min_u64(sizeof(w->buf), w->r->size - at);
	w->len = 0;
	int rc = reader_exact(w->r, w->buf, len, at, err);
	if (rc != 0)
		return rc;
	w->off = at;
	w->len = len;
	*out = w->buf + (off - at);
	return 0;
}

uint64_t tiff_number(const uint8_t *b, size_t n, bool big_endian)
{
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | b[big_endian ? i : n - 1 - i];
	return v;
}

size_t tiff_type_size(uint16_t type)
{
	return type < ARRAY_SIZE(types) ? types[type].size : 0;
}

const char *tiff_type_name(uint16_t type)
{
	return tiff_type_size(type) != 0 ? types[type].name : "unknown";
}

int tiff_values_get(struct tiff_window *w, const struct tiff_values *v, bool big_endian, uint64_t i,
		    uint64_t *out, struct err *err)
{
	const uint8_t *b = NULL;
	size_t size = tiff_type_size(v->type);
	bool has_sign = v->type == TIFF_TYPE_SBYTE || v->type == TIFF_TYPE_SSHORT ||
			v->type == TIFF_TYPE_SLONG || v->type == TIFF_TYPE_SLONG8;
	bool plain = v->type == TIFF_TYPE_BYTE || v->type == TIFF_TYPE_SHORT ||
		     v->type == TIFF_TYPE_LONG || v->type == TIFF_TYPE_IFD ||
		     v->type == TIFF_TYPE_LONG8 || v->type == TIFF_TYPE_IFD8;
	if (size == 0 || (!has_sign && !plain))
		return err_set(err, EBADMSG, "type %u (%s) is no integer", v->type,
			       tiff_type_name(v->type));
	int rc = tiff_window_get(w, v->offset + i * size, size, &b, err);
	if (rc != 0)
		return rc;
	uint64_t n = tiff_number(b, size, big_endian);
	if (has_sign && n >> (8 * size - 1) != 0)
		return err_set(err, EBADMSG, "a value is negative");
	*out = n;
	return 0;
}
