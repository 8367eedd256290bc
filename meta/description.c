#include "meta/description.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "meta/description_text.h"

enum { HEAD_BYTES = 4096 };

static uint32_t u32_at(const struct tiff_header *h, const uint8_t *b)
{
	if (h->big_endian)
		return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

/* A header of 256 big-endian u16; the 131st is the number of planes, which may lie one behind another after one
 * page. */
static int check_nih(const struct reader *r, const struct tiff_page *first, uint32_t n_pages,
		     struct err *err)
{
	static const struct tiff_header big = { .big_endian = true };
	uint8_t b[4] = { 0 };
	uint64_t at = first->nih.offset;
	if (first->nih.count < 131 || at > r->size || r->size - at < 262)
		return 0;
	int code = reader_exact(r, b + 2, 2, at + 260, err);
	uint32_t planes = u32_at(&big, b);
	if (code < 0 || planes <= n_pages)
		return code;
	return err_set(err, ENOTSUP,
		       "NIH Image stack claims %" PRIu32 " planes behind %s (tag 43314)", planes,
		       n_pages == 1 ? "one page" : "fewer pages");
}

/* Whether what is no text, or cannot be had, may be passed over: a description is a courtesy, but a failing
 * disk is not. */
static bool passed_over(int code)
{
	return code == -EBADMSG || code == -ENODATA || code == -EINVAL;
}

/* Its lines stand in Software, in older files in the description. */
static int check_scanimage(const struct reader *r, const struct tiff_page *first, uint32_t n_pages,
			   const char *head, struct err *err)
{
	bool described = strncmp(head, "state.", 6) == 0 || strstr(head, "scanimage.SI") != NULL;
	const struct tiff_values *where = described ? &first->description : &first->software;
	if (where->count < 3)
		return 0;
	CLEANUP(freep) char *text = NULL;
	size_t len = 0;
	int code = tiff_text_read(r, where, DESCRIPTION_MAX_JSON, &text, &len, err);
	if (code < 0)
		return passed_over(code) ? 0 : code;
	if (!described && strncmp(text, "SI.", 3) != 0)
		return 0;
	return description_scanimage(text, n_pages, err);
}

static int check_text(const struct reader *r, const struct tiff_page *first, uint32_t n_pages,
		      struct err *err)
{
	CLEANUP(freep) char *head = NULL;
	size_t len = 0;
	const struct tiff_values *d = &first->description;
	if (d->count > r->size || d->offset > r->size - d->count)
		return 0;
	if (d->count > 0) {
		int code = tiff_text_read(r, d, HEAD_BYTES, &head, &len, err);
		if (code < 0)
			return passed_over(code) ? 0 : code;
	}
	const char *text = head != NULL ? head : "";
	return check_scanimage(r, first, n_pages, text, err);
}

int description_check(const struct reader *r, const struct tiff_page *first, uint32_t n_pages,
		      struct err *err)
{
	int code = check_nih(r, first, n_pages, err);
	if (code == 0)
		code = check_text(r, first, n_pages, err);
	return code;
}
