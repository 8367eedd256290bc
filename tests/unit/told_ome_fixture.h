/* Documents of OME-XML for tests: what lies beside the file, and what is told as one line of text. */
#pragma once

#include "meta/told_ome.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "codec/text.h"

/* What lies beside the file. */
struct beside {
	const char *path;
	const char *text; /* NULL: it is there, but looking into it fails with `rc` */
	int rc;
};

enum { MOST_BESIDE = 6 };

static struct {
	struct reader_bytes memory;
	struct reader reader;
	struct tiff_page page;
	uint64_t ifds[64];
	struct told_source s;
	struct beside beside[MOST_BESIDE];
	unsigned asked;
} w;

static struct told told;
static struct err err;
static struct text shown;

static inline int beside(void *ctx UNUSED, const char *path, size_t max, char **out, size_t *len)
{
	w.asked++;
	/* Not by an assertion: that allocates. */
	if (*path == '\0' || *path == '/')
		abort();
	for (size_t i = 0; i < MOST_BESIDE; i++) {
		const struct beside *b = &w.beside[i];
		if (b->path == NULL || strcmp(b->path, path) != 0)
			continue;
		if (b->rc != 0 && (max > 0 || b->text == NULL))
			return b->rc;
		if (max == 0)
			return 0;
		*len = strlen(b->text);
		*out = strdup(b->text);
		return *out == NULL ? -ENOMEM : 0;
	}
	return -ENOENT;
}

/* A file a.tif of gray pages with 8 bits. */
static inline void make(const char *text, uint32_t n_pages)
{
	told_done(&told);
	told = (struct told){ 0 };
	memset(&w, 0, sizeof(w));
	w.memory = (struct reader_bytes){ (const uint8_t *)text, strlen(text) };
	w.reader = reader_mem(&w.memory);
	w.page = (struct tiff_page){ .width = 16,
				     .height = 8,
				     .samples = 1,
				     .bits = 8,
				     .sample_format = 1,
				     .photometric = 1,
				     .compression = 1,
				     .image_depth = 1 };
	w.page.description = (struct tiff_values){ 0, strlen(text), 2 };
	w.s = (struct told_source){ .r = &w.reader,
				    .name = "a.tif",
				    .first = &w.page,
				    .ifds = w.ifds,
				    .n_pages = n_pages,
				    .beside = beside };
}

static inline void put_beside(const char *path, const char *text, int rc)
{
	for (size_t i = 0; i < MOST_BESIDE; i++) {
		if (w.beside[i].path != NULL)
			continue;
		w.beside[i] = (struct beside){ path, text, rc };
		return;
	}
	ck_abort_msg("no room for %s", path);
}

/* "2x1x3 .0 .1 b.tif:7 -": sizes (t, c, z), then planes in C order, those of the file itself with a dot; "-" is a
 * gap. */
static inline void show_image(const struct told_image *im)
{
	text_addf(&shown, "%s%llux%llux%llu", shown.len > 0 ? " | " : "",
		  (unsigned long long)im->n[TOLD_T], (unsigned long long)im->n[TOLD_C],
		  (unsigned long long)im->n[TOLD_Z]);
	for (uint64_t i = 0; i < told_n_planes(im); i++) {
		const struct told_plane *p = &im->planes[i];
		ck_assert(p->where == TOLD_GAP || p->where == TOLD_PAGE);
		if (p->where == TOLD_GAP) {
			text_add(&shown, " -");
			continue;
		}
		ck_assert_uint_lt(p->file, told.n_files);
		const char *path = told.files[p->file];
		text_addf(&shown, " %s%s%llu", path != NULL ? path : "", path != NULL ? ":" : ".",
			  (unsigned long long)p->at);
	}
}

static inline int tell(void)
{
	told_done(&told);
	told = (struct told){ 0 };
	err = (struct err){ 0 };
	shown.len = 0;
	text_add(&shown, "");
	int r = told_ome(&w.s, &told, &err);
	for (size_t i = 0; i < told.n_images; i++)
		show_image(&told.images[i]);
	ck_assert(!shown.oom && !told.notes.oom);
	if (r == 1)
		ck_assert_str_eq(told.kind, "OME-XML");
	else
		ck_assert_uint_eq(told.n_images + told.n_files, 0);
	return r;
}

static inline const char *notes(void)
{
	return told.notes.s != NULL ? told.notes.s : "";
}

/* `planes` NULL: nothing is told. `note` NULL: without a note. */
static inline void expect(const char *planes, const char *note)
{
	int r = tell();
	ck_assert_msg(r == (planes != NULL), "%d %s%s", r, err.msg, notes());
	ck_assert_str_eq(shown.s, planes != NULL ? planes : "");
	if (note == NULL)
		ck_assert_str_eq(notes(), "");
	else
		ck_assert_msg(strstr(notes(), note) != NULL, "'%s' lacks '%s'", notes(), note);
}

static inline void done(void)
{
	told_done(&told);
	told = (struct told){ 0 };
	text_done(&shown);
	shown = (struct text){ 0 };
}

#define OME(inner) "<?xml version=\"1.0\"?><OME UUID=\"urn:uuid:1\">" inner "</OME>"
#define PIXELS(order, sizes, inner)                                                                \
	"<Image><Pixels DimensionOrder=\"" order                                                   \
	"\" Type=\"uint8\" SizeX=\"16\" SizeY=\"8\" " sizes ">" inner "</Pixels></Image>"
#define ZCT(z, c, t)	      "SizeZ=\"" #z "\" SizeC=\"" #c "\" SizeT=\"" #t "\""
#define UUID(name, text)      "<UUID FileName=\"" name "\">" text "</UUID>"
#define DATA(attributes, in)  "<TiffData " attributes ">" in "</TiffData>"
#define STACK(z, inner)	      OME(PIXELS("XYZCT", ZCT(z, 1, 1), inner))
#define CHANNELS(c, t, inner) OME(PIXELS("XYCZT", ZCT(1, c, t), inner))
#define AT(t, seconds)	      "<Plane TheZ=\"0\" TheC=\"0\" TheT=\"" #t "\" DeltaT=\"" #seconds "\"/>"
