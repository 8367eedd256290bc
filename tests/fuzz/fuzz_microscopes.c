/* Files of microscopes' programs of any bytes. Input: one byte, of which the low three bits choose MMStack, NDTiff, LSM, STK
 * or metadata.txt, and bit 3 lets 9 GiB of zeros follow; then the file. For NDTiff: two bytes, length of the index (big-endian), and
 * one, how many times 16 bytes are display_settings.txt; index, settings, and what lies in every file that is named. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "meta/told_lsm.h"
#include "meta/told_mm_summary.h"
#include "meta/told_mmstack.h"
#include "meta/told_ndtiff.h"
#include "meta/told_stk.h"
#include "tests/fuzz/fuzz.h"

enum { MMSTACK, NDTIFF, LSM, STK, METADATA, MANY_PAGES = 4096 };

struct world {
	const char *index, *display, *file;
	size_t n_index, n_display, n_file;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* ---- what is told ---- */

static void check_text(const char *s)
{
	for (size_t n = s != NULL ? strlen(s) : 0; n > 0;) {
		size_t len = text_utf8_length(s, n);
		must(len > 0);
		s += len;
		n -= len;
	}
}

static void check_plane(const struct told *t, const struct told_plane *p, uint64_t n_pages)
{
	if (p->where == TOLD_GAP)
		return;
	must(p->file < t->n_files);
	must(p->where != TOLD_PAGE || p->at < n_pages);
	must(p->where != TOLD_PLACE || p->at < t->n_places);
}

static void check_facts(const struct told_image *im)
{
	for (int a = 0; a < 3; a++)
		must(im->size[a].unit != NULL
			     ? im->size[a].value > 0
			     : !(im->size[a].value > 0) && !(im->size[a].value < 0));
	must(im->time_step >= 0 && im->bits <= 64);
	for (size_t c = 0; c < im->n_channels; c++) {
		check_text(im->channels[c].name);
		must(im->channels[c].color[0] == '\0' || strlen(im->channels[c].color) == 6);
	}
}

static void check_told(const struct told *t, uint64_t n_pages, unsigned samples)
{
	uint64_t planes = 0;
	must(t->kind != NULL && t->n_images >= 1 && t->n_files >= 1);
	for (size_t i = 0; i < t->n_images; i++) {
		const struct told_image *im = &t->images[i];
		uint64_t n = told_n_planes(im);
		planes += n;
		must(n >= 1 && planes <= TOLD_MAX_PLANES);
		must(im->n_channels == 0 || im->n_channels == im->n[TOLD_C] ||
		     im->n_channels == im->n[TOLD_C] * samples);
		must(t->n_images == 1 || im->key != NULL);
		check_text(im->key);
		check_facts(im);
		/* Of many gaps only the first and the last ones. */
		for (uint64_t k = 0; k < n;
		     k += k == MANY_PAGES && n > 2 * MANY_PAGES ? n - 2 * MANY_PAGES : 1)
			check_plane(t, &im->planes[k], n_pages);
	}
}

static void ask(told_reader *reader, const struct told_source *s, uint32_t n_pages,
		unsigned samples)
{
	struct told t = { 0 };
	struct err err = { 0 };
	int rc = reader(s, &t, &err);
	must(rc <= 1);
	must(rc >= 0 || (err.code == -rc && err.msg[0] != '\0' && !err_is_passing(rc)));
	check_text(t.notes.s);
	if (rc == 1)
		check_told(&t, s->cut ? n_pages + (uint64_t)TOLD_MAX_PLANES : n_pages, samples);
	told_done(&t);
}

/* ---- the sources ---- */

static int64_t sparse_pread(void *ctx, void *buf, size_t n, uint64_t off)
{
	const struct reader_bytes *b = ctx;
	memset(buf, 0, n);
	if (off < b->len)
		memcpy(buf, b->bytes + off, min_u64(n, b->len - off));
	return (int64_t)n;
}

static void run_tiff(told_reader *reader, const uint8_t *data, size_t size, bool large)
{
	struct reader_bytes bytes = { data, size };
	struct reader r = reader_mem(&bytes);
	struct tiff_header h;
	struct tiff_page first;
	uint64_t *ifds = NULL;
	size_t n = 0;
	bool cut;
	if (large)
		r = (struct reader){ sparse_pread, &bytes, 9 * GiB };
	if (tiff_header_read(&r, &h, NULL) != 0 || tiff_walk(&r, &h, &ifds, &n, &cut, NULL) != 0)
		return;
	if (n > 0 && tiff_page_read(&r, &h, ifds[0], &first, NULL) == 0) {
		const struct told_source s = { .r = &r,
					       .name = "run_MMStack_1.tif",
					       .first = &first,
					       .ifds = ifds,
					       .n_pages = (uint32_t)n,
					       .cut = cut };
		ask(reader, &s, s.n_pages, first.samples);
	}
	free(ifds);
}

static int beside_at(void *ctx, const char *path, uint64_t off, size_t max, char **out, size_t *len)
{
	const struct world *w = ctx;
	const char *s = w->file;
	size_t n = w->n_file;
	must(*path != '\0');
	if (strcmp(path, "NDTiff.index") == 0) {
		s = w->index;
		n = w->n_index;
	} else if (strcmp(path, "display_settings.txt") == 0) {
		s = w->display;
		n = w->n_display;
	} else if (strncmp(path, "..", 2) == 0) {
		return -EXDEV;
	}
	uint64_t from = min_u64(off, n);
	*len = min_u64(max, n - from);
	*out = malloc(*len + 1);
	if (*out == NULL)
		return -ENOMEM;
	if (*len > 0)
		memcpy(*out, s + from, *len);
	(*out)[*len] = '\0';
	return 0;
}

static int beside(void *ctx, const char *path, size_t max, char **out, size_t *len)
{
	return beside_at(ctx, path, 0, max, out, len);
}

static void run_ndtiff(const uint8_t *data, size_t size)
{
	if (size < 3)
		return;
	const char *text = (const char *)data + 3;
	size_t n = size - 3;
	struct world w = { .index = text, .n_index = min_u64((uint64_t)data[0] << 8 | data[1], n) };
	w.display = text + w.n_index;
	w.n_display = min_u64((size_t)data[2] * 16, n - w.n_index);
	w.file = w.display + w.n_display;
	w.n_file = n - w.n_index - w.n_display;
	const struct told_source s = {
		.name = "NDTiff.index", .beside = beside, .beside_at = beside_at, .ctx = &w
	};
	ask(told_ndtiff, &s, 0, 3);
}

static void run_metadata(const char *s, size_t n)
{
	const uint64_t sizes[TOLD_AXES] = { 2, 3, 4 };
	struct told t = { 0 };
	struct told_image *im = told_add_image(&t, sizes, NULL);
	must(im != NULL);
	int rc = mm_metadata_tell(s, n, im);
	must(rc == 0 || rc == 1);
	check_facts(im);
	told_done(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	bool large = data[0] & 8;
	unsigned what = data[0] & 7;
	data++;
	size--;
	if (what == MMSTACK)
		run_tiff(told_mmstack, data, size, large);
	else if (what == NDTIFF)
		run_ndtiff(data, size);
	else if (what == LSM)
		run_tiff(told_lsm, data, size, large);
	else if (what == STK)
		run_tiff(told_stk, data, size, large);
	else if (what == METADATA)
		run_metadata((const char *)data, size);
	return 0;
}
