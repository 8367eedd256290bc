/* The colours of a palette. */
#include "codec/tiff.h"

#include "codec/tiff_field.h"

#include <errno.h>

enum { BITS_MAX = 16 };

/* Some writers give 8 bits where 16 belong. */
static bool are_bytes(const uint16_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] > 255)
			return false;
	return true;
}

int tiff_colors_read(const struct reader *r, const struct tiff_page *page, uint8_t **rgb,
		     uint32_t *n, struct err *err)
{
	if (page->bits == 0 || page->bits > BITS_MAX ||
	    page->colormap.count != (uint64_t)3 << page->bits)
		return err_set(err, EBADMSG, "tag 320 has %llu values for a palette of %u bits",
			       (unsigned long long)page->colormap.count, page->bits);
	size_t colors = (size_t)1 << page->bits;
	CLEANUP(freep) struct tiff_window *w = calloc(1, sizeof(*w));
	CLEANUP(freep) uint16_t *v = calloc(3 * colors, sizeof(*v));
	CLEANUP(freep) uint8_t *out = malloc(3 * colors);
	if (w == NULL || v == NULL || out == NULL)
		return err_oom(err);
	w->r = r;
	for (size_t i = 0; i < 3 * colors; i++) {
		uint64_t value;
		int rc = tiff_values_get(w, &page->colormap, page->file.big_endian, i, &value, err);
		if (rc != 0)
			return rc;
		v[i] = (uint16_t)min_u64(value, UINT16_MAX);
	}
	unsigned shift = are_bytes(v, 3 * colors) ? 0 : 8;
	for (size_t i = 0; i < colors; i++)
		for (size_t k = 0; k < 3; k++)
			out[3 * i + k] = (uint8_t)(v[k * colors + i] >> shift);
	*rgb = STEAL(out);
	*n = (uint32_t)colors;
	return 0;
}
