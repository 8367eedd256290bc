/* BitsPerSample where Zeiss's programs put it. */
#include "codec/tiff_tags.h"

#include <errno.h>

enum { MAX_BITS = 64 };

static bool is_bits(uint64_t v)
{
	return v >= 1 && v <= MAX_BITS;
}

int tag_bits_find(struct tags *s, struct err *err)
{
	struct tag *f = &s->f[TAG_BITS];
	const uint8_t *b;
	struct err own = { 0 };
	bool big = s->h.big_endian;
	if (!f->seen || f->outside || f->v.type != TIFF_TYPE_SHORT || f->v.count != 2 ||
	    s->h.bigtiff)
		return 0;
	int rc = tiff_window_get(&s->w, f->v.offset, 4, &b, &own);
	if (rc == 0 && is_bits(tiff_number(b, 2, big)) && is_bits(tiff_number(b + 2, 2, big)))
		return 0;
	uint64_t there = rc == 0 ? tiff_number(b, 4, big) : 0;
	if (rc == 0)
		rc = tiff_window_get(&s->w, there, 4, &b, &own);
	if (rc == 0) {
		uint64_t first = tiff_number(b, 2, big), second = tiff_number(b + 2, 2, big);
		if (first == second && is_bits(first))
			f->v.offset = there;
	}
	/* What lies outside the file is left to who reads the value. */
	return rc == 0 || rc == -ENODATA ? 0 : err_set(err, -rc, "%s", own.msg);
}
