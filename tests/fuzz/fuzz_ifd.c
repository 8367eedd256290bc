/* TIFF files of any bytes: header, chain, pages, tables, texts. Nothing that is given out may lie outside
 * the file or break the limits that the headers state. */
#include <errno.h>
#include <stdlib.h>

#include "codec/tiff.h"
#include "codec/unit.h"
#include "meta/overview_find.h"
#include "tests/fuzz/fuzz.h"

enum { PAGES = 64, UNITS = 32 };

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_values(const struct tiff_values *v, size_t size)
{
	must(v->count == 0 || (v->offset < size && v->count <= size));
}

static void check_page(const struct tiff_page *p, size_t size)
{
	must(p->width >= 1 && p->width <= INT32_MAX && p->height >= 1 && p->height <= INT32_MAX);
	must(p->samples >= 1 && p->samples <= 4096 && p->bits >= 1 && p->bits <= 64);
	must(p->unit_w >= 1 && p->unit_h >= 1 && p->units_x >= 1 && p->units_y >= 1);
	must(p->tiled || (p->unit_w == p->width && p->unit_h <= p->height));
	must(tiff_unit_bytes(p, p->unit_h) <= GiB || tiff_is_raw_rows(p));
	must(p->extra_samples < p->samples);
	const struct tiff_values *all[] = { &p->offsets,  &p->counts,	&p->description,
					    &p->software, &p->sub_ifds, &p->nodata,
					    &p->colormap, &p->lsm,	&p->jpeg_tables,
					    &p->uic1,	  &p->uic2,	&p->uic3,
					    &p->uic4,	  &p->nih,	&p->mm_metadata };
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		check_values(all[i], size);
}

static void check_units(const struct reader *r, const struct tiff_page *p, uint64_t first, size_t n)
{
	struct tiff_unit u[UNITS], one;
	must(tiff_units_read(r, p, first, n, u, NULL) == 0);
	for (size_t i = 0; i < n; i++) {
		must((u[i].state != TIFF_UNIT_DAMAGED) || u[i].why != NULL);
		must(u[i].state != TIFF_UNIT_STORED ||
		     (u[i].offset >= 8 && u[i].count >= 1 && u[i].offset < r->size &&
		      u[i].count <= r->size - u[i].offset));
		/* Alone or among others: the same. */
		must(tiff_units_read(r, p, first + i, 1, &one, NULL) == 0);
		must(one.state == u[i].state && one.offset == u[i].offset &&
		     one.count == u[i].count);
	}
}

static void run_page(const struct reader *r, const struct tiff_page *p)
{
	struct err err = { 0 };
	enum dtype t = DTYPE_U8;
	uint64_t voxel;
	char *text = NULL;
	size_t len;
	check_page(p, r->size);
	int rc = tiff_page_dtype(p, &t, &err);
	must(rc == 0 || (rc == -ENOTSUP && err.msg[0] != '\0'));
	if (rc == 0) {
		must(tiff_unit_bytes(p, 1) % dtype_size(t) == 0);
		(void)tiff_sparse_value(r, p, t, &voxel, NULL);
		unit_weigh(p, r->size, p->unit_h, NULL);
		must(unit_stored_max(p) <= GiB || tiff_is_raw_rows(p));
	}
	if (tiff_text_read(r, &p->description, 4096, &text, &len, NULL) == 0) {
		must(len <= 4096 && text[len] == '\0');
		free(text);
	}
	uint8_t *colors = NULL;
	uint32_t n_colors;
	rc = tiff_colors_read(r, p, &colors, &n_colors, &err);
	must(rc == 0 ? n_colors == 1U << p->bits : rc == -EBADMSG && err.msg[0] != '\0');
	free(colors);
	uint64_t all = (uint64_t)p->units_x * p->units_y * (p->planar ? p->samples : 1);
	size_t n = min_u64(all, UNITS);
	check_units(r, p, 0, n);
	check_units(r, p, all - n, n);
	must(tiff_same_kind(p, p));
}

/* One that is found is of the kind that was asked for. */
static void run_overviews(const struct reader *r, const struct tiff_page *p)
{
	uint64_t ifds[UNITS];
	size_t n;
	struct err err = { 0 };
	int rc = tiff_sub_ifds(r, p, UNITS, ifds, &n, &err);
	must(n <= UNITS && (rc == 0 || (rc == -EBADMSG && err.msg[0] != '\0')));
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct tiff_page want, got = *p;
		if (tiff_page_read(r, &p->file, ifds[i], &want, NULL) != 0)
			continue;
		int found = overview_find(r, &want, i % 2 == 0, &got, &err);
		must(found == 0 ? tiff_same_kind(&got, &want) && got.ifd != p->ifd
				: found == -ENOENT && err.msg[0] != '\0');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader_bytes bytes = { data, size };
	struct reader r = reader_mem(&bytes);
	struct tiff_header h;
	struct err err = { 0 };
	uint64_t *list = NULL;
	size_t n = 0;
	bool cut;
	if (tiff_header_read(&r, &h, &err) != 0) {
		must(err.code == EBADMSG && err.msg[0] != '\0');
		return 0;
	}
	must(tiff_walk(&r, &h, &list, &n, &cut, NULL) == 0 && n <= TIFF_MAX_PAGES);
	for (size_t i = 0; i < min_u64(n, PAGES); i++) {
		struct tiff_page p;
		err = (struct err){ 0 };
		int rc = tiff_page_read(&r, &h, list[i], &p, &err);
		must(rc == 0 ||
		     ((rc == -EBADMSG || rc == -ENOTSUP) && err.code == -rc && err.msg[0] != '\0'));
		if (rc != 0)
			continue;
		must(cut || i + 1 < n ? true : p.next_ifd == 0);
		run_page(&r, &p);
		run_overviews(&r, &p);
	}
	free(list);
	return 0;
}
