#include "meta/description.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "meta/description_text.h"
#include "meta/omexml.h"

enum { HEAD_BYTES = 4096 };

static uint32_t u32_at(const struct tiff_header *h, const uint8_t *b)
{
	if (h->big_endian)
		return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

/* Micro-Manager's two formats begin with magic numbers behind the TIFF header; their planes are told by an
 * index. 2355492 stands before the summary in both. */
static int check_micro_manager(const struct reader *r, const struct tiff_page *first,
			       uint32_t n_pages, struct err *err)
{
	enum { NDTIFF = 483729, MMSTACK = 54773648, SUMMARY = 2355492, INDEX_MAP = 3453623 };
	uint8_t b[36], map[8];
	if (first->file.bigtiff || r->size < sizeof(b))
		return 0;
	int code = reader_exact(r, b, sizeof(b), 0, err);
	if (code < 0)
		return code;
	const struct tiff_header *h = &first->file;
	uint32_t magic = u32_at(h, b + 8);
	if (magic == NDTIFF && (u32_at(h, b + 16) == SUMMARY || u32_at(h, b + 20) == SUMMARY))
		return err_set(err, ENOTSUP,
			       "NDTiff: its planes are told by NDTiff.index, which is not read");
	if (magic != MMSTACK || u32_at(h, b + 32) != SUMMARY)
		return 0;
	uint64_t at = u32_at(h, b + 12);
	if (n_pages == 1 && at >= sizeof(b) && at <= r->size - sizeof(map)) {
		code = reader_exact(r, map, sizeof(map), at, err);
		if (code < 0)
			return code;
		if (u32_at(h, map) == INDEX_MAP && u32_at(h, map + 4) == 1)
			return 0;
	}
	return err_set(
		err, ENOTSUP,
		"Micro-Manager MMStack: its planes are told by its index map, which is not read");
}

static int check_stk(const struct tiff_page *first, struct err *err)
{
	if (first->uic2.count <= 1)
		return 0;
	return err_set(err, ENOTSUP,
		       "MetaMorph STK claims %" PRIu64 " planes behind one page (tag 33629)",
		       first->uic2.count);
}

/* The header of tag 34412 is little-endian in every file. */
static int check_lsm(const struct reader *r, const struct tiff_page *first, uint32_t n_pages,
		     struct err *err)
{
	static const struct tiff_header little = { 0 };
	uint8_t b[28];
	if (first->lsm.count == 0)
		return 0;
	if (first->lsm.count < sizeof(b) || first->lsm.offset > r->size ||
	    r->size - first->lsm.offset < sizeof(b))
		return err_set(err, ENOTSUP,
			       "Zeiss LSM with a header that cannot be read (tag 34412)");
	int code = reader_exact(r, b, sizeof(b), first->lsm.offset, err);
	if (code < 0)
		return code;
	uint32_t z = u32_at(&little, b + 16), t = u32_at(&little, b + 24);
	if (n_pages == 1 && z <= 1 && t <= 1)
		return 0;
	return err_set(err, ENOTSUP,
		       "Zeiss LSM claims %" PRIu32 " x %" PRIu32
		       " planes (T, Z) in an order of its own",
		       t, z);
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

static bool is_ome(const char *head)
{
	return strstr(head, "<OME") != NULL || strstr(head, ":OME") != NULL;
}

/* OME-XML ends with its closing tag; what only mentions it is something else. */
static bool ends_ome(const char *s, size_t *len)
{
	while (*len > 0 && strchr(" \t\r\n", s[*len - 1]) != NULL)
		--*len;
	return *len >= 4 && memcmp(s + *len - 4, "OME>", 4) == 0;
}

static int check_ome(const struct reader *r, const struct tiff_page *first, uint32_t n_pages,
		     struct err *note, struct err *err)
{
	if (first->description.count > (uint64_t)OMEXML_MAX_BYTES)
		return err_set(err, ENOTSUP, "OME-XML of more than 64 MiB");
	CLEANUP(freep) char *text = NULL;
	size_t len = 0;
	int code = tiff_text_read(r, &first->description, OMEXML_MAX_BYTES, &text, &len, err);
	if (code < 0)
		return passed_over(code) ? 0 : code;
	if (!ends_ome(text, &len))
		return 0;
	CLEANUP(omexml_done) struct omexml x = { 0 };
	struct err own = { 0 };
	code = omexml_parse(text, len, &x, &own);
	if (code == -EBADMSG) {
		err_set(note, EBADMSG, "its OME-XML is ignored: %s", own.msg);
		return 0;
	}
	if (code < 0 && err != NULL)
		*err = own;
	return code < 0 ? code : omexml_check(&x, first->samples, n_pages, err);
}

static int check_shaped(const struct reader *r, const struct tiff_page *first, uint32_t n_pages,
			const char *head, struct err *note, struct err *err)
{
	bool long_text = first->description.count > DESCRIPTION_MAX_JSON;
	if (long_text && strstr(head, "\"shape\"") == NULL)
		return 0;
	if (long_text)
		return err_set(err, ENOTSUP, "a shaped description of more than 1 MiB");
	CLEANUP(freep) char *text = NULL;
	size_t len = 0;
	int code = tiff_text_read(r, &first->description, DESCRIPTION_MAX_JSON, &text, &len, err);
	if (code < 0)
		return passed_over(code) ? 0 : code;
	return description_shaped(text, len, r, first, n_pages, note, err);
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
		      struct err *note, struct err *err)
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
	if (is_ome(text))
		return check_ome(r, first, n_pages, note, err);
	if (strncmp(text, "ImageJ=", 7) == 0 || strncmp(text, "SCIFIO=", 7) == 0)
		return description_imagej(text, r, first, n_pages, err);
	if (text[0] == '{' || strncmp(text, "shape=(", 7) == 0)
		return check_shaped(r, first, n_pages, text, note, err);
	return check_scanimage(r, first, n_pages, text, err);
}

int description_check(const struct reader *r, const struct tiff_page *first, uint32_t n_pages,
		      struct err *note, struct err *err)
{
	int code = check_micro_manager(r, first, n_pages, err);
	if (code == 0)
		code = check_lsm(r, first, n_pages, err);
	if (code == 0)
		code = check_stk(first, err);
	if (code == 0)
		code = check_nih(r, first, n_pages, err);
	if (code == 0)
		code = check_text(r, first, n_pages, note, err);
	return code;
}
