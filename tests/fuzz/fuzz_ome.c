/* OME-XML of any bytes. Input: two bytes, number of pages; one, samples of a page; one, bit 0: the text is a companion
 * that is asked itself; then the text, and behind a NUL what every file beside it holds. Whether a path is there depends
 * on its bytes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "meta/told_ome.h"
#include "tests/fuzz/fuzz.h"

enum { CONTROL = 4 };

struct world {
	const char *text, *other;
	size_t len, other_len;
	bool companion;
};

static const char own_name[] = "a.ome.tif";

static int beside(void *ctx, const char *path, size_t max, char **out, size_t *len)
{
	const struct world *w = ctx;
	bool own = w->companion && strcmp(path, own_name) == 0;
	uint8_t sum = 0;
	if (*path == '\0' || *path == '/')
		abort();
	for (const char *c = path; *c != '\0'; c++)
		sum = (uint8_t)(sum * 31 + (uint8_t)*c);
	if (!own && sum % 8 >= 4)
		return sum % 8 == 4 ? -EXDEV : -ENOENT;
	if (max == 0)
		return 0;
	*len = own ? w->len : w->other_len;
	*out = malloc(*len + 1);
	if (*out == NULL)
		return -ENOMEM;
	memcpy(*out, own ? w->text : w->other, *len);
	return 0;
}

static void check_image(const struct told *t, const struct told_image *im, unsigned samples)
{
	for (int a = 0; a < TOLD_AXES; a++)
		if (im->n[a] == 0)
			abort();
	if (im->n_channels != 0 && im->n_channels != im->n[TOLD_C] &&
	    im->n_channels % im->n[TOLD_C] != 0)
		abort();
	if (samples == 0 && im->n_channels > im->n[TOLD_C])
		abort();
	for (int a = 0; a < 3; a++)
		if (im->size[a].value > 0 ? im->size[a].unit == NULL : im->size[a].value < 0)
			abort();
	bool any = false;
	for (uint64_t i = 0; i < told_n_planes(im); i++) {
		const struct told_plane *p = &im->planes[i];
		if (p->where != TOLD_GAP && (p->where != TOLD_PAGE || p->file >= t->n_files))
			abort();
		any |= p->where == TOLD_PAGE;
	}
	if (!any)
		abort();
}

static void check(const struct told *t, int r, const struct err *err, unsigned samples)
{
	if (r > 1 || (r < 0 && (err->code != -r || err->msg[0] == '\0')))
		abort();
	if (r == 1 ? t->n_images == 0 || t->kind == NULL : t->n_images + t->n_files != 0)
		abort();
	if (t->notes.len > 0 && t->notes.s[t->notes.len - 1] != '\n')
		abort();
	for (size_t i = 0; i < t->n_images; i++)
		check_image(t, &t->images[i], samples);
	for (size_t i = 0; i < t->n_files; i++)
		if (t->files[i] != NULL && (t->files[i][0] == '\0' || t->files[i][0] == '/'))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < CONTROL)
		return 0;
	bool companion = data[3] & 1;
	uint32_t n_pages = ((uint32_t)data[0] << 8 | data[1]) + 1;
	uint16_t samples = companion ? 0 : (uint16_t)(data[2] % 5 + 1);
	const char *text = (const char *)data + CONTROL;
	size_t len = size - CONTROL, own = strnlen(text, len);
	struct world w = { text, text + own, own, len - own, companion };
	struct reader_bytes memory = { (const uint8_t *)text, own };
	struct reader r = reader_mem(&memory);
	struct tiff_page first = { .width = 16,
				   .height = 16,
				   .samples = samples,
				   .bits = 8,
				   .sample_format = 1,
				   .compression = TIFF_COMPRESSION_NONE,
				   .description = { 0, own, 2 } };
	CLEANUP(freep) uint64_t *ifds = calloc(n_pages, sizeof(*ifds));
	if (ifds == NULL)
		return 0;
	struct told_source s = { .name = own_name, .beside = beside, .ctx = &w };
	if (!companion) {
		s.r = &r;
		s.first = &first;
		s.ifds = ifds;
		s.n_pages = n_pages;
		s.cut = data[3] & 2;
	}
	CLEANUP(told_done) struct told told = { 0 };
	struct err err = { 0 };
	int rc = told_ome(&s, &told, &err);
	check(&told, rc, &err, samples);
	return 0;
}
