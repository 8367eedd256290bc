/* Strips that are not compressed: rows of voxels from the file straight into the band. */
#include <errno.h>
#include <string.h>

#include "fs/produce_reading.h"

static void swap_samples(uint8_t *p, uint64_t n_bytes, size_t size)
{
	if (size == 2) {
		for (uint64_t i = 0; i + 2 <= n_bytes; i += 2) {
			uint16_t v;
			memcpy(&v, p + i, 2);
			v = __builtin_bswap16(v);
			memcpy(p + i, &v, 2);
		}
	} else if (size == 4) {
		for (uint64_t i = 0; i + 4 <= n_bytes; i += 4) {
			uint32_t v;
			memcpy(&v, p + i, 4);
			v = __builtin_bswap32(v);
			memcpy(p + i, &v, 4);
		}
	} else if (size == 8) {
		for (uint64_t i = 0; i + 8 <= n_bytes; i += 8) {
			uint64_t v;
			memcpy(&v, p + i, 8);
			v = __builtin_bswap64(v);
			memcpy(p + i, &v, 8);
		}
	}
}

/* Parts of rows that lie a page's row apart, with what lies between them: where storage has to be waited for,
 * few reads are worth more than few bytes. */
static int gather_rows(struct reading *r, uint64_t off, uint64_t rows, uint64_t want, uint8_t *out,
		       struct err *err)
{
	const struct piece *p = r->piece;
	uint64_t page_row = (uint64_t)r->page.width * r->pixel, at_once = p->gather / page_row;
	uint8_t *span = pool_get(r->plant->pool, p->gather);
	int e = span == NULL ? err_oom(err) : 0;
	for (uint64_t y = 0, n; y < rows && e == 0; y += n) {
		n = min_u64(at_once, rows - y);
		e = reader_exact(r->rows, span, (n - 1) * page_row + want, off + y * page_row, err);
		for (uint64_t k = 0; k < n && e == 0; k++)
			memcpy(out + (y + k) * p->row_bytes, span + k * page_row, want);
	}
	pool_put(r->plant->pool, span, p->gather);
	return e;
}

/* Raw rows y0 .. y1-1 of the page, which lie one after another in the file from `off` on. A band of tiles
 * reaches beyond the page. */
static int read_raw_rows(struct reading *r, uint64_t off, uint64_t y0, uint64_t y1, struct err *err)
{
	const struct piece *p = r->piece;
	uint64_t page_row = (uint64_t)r->page.width * r->pixel, rows = y1 - y0;
	uint64_t x1 = min_u64(p->x1, r->page.width);
	uint64_t first = p->x0 * r->pixel, want = (x1 - p->x0) * r->pixel;
	uint8_t *out = p->out + (y0 - p->y0) * p->row_bytes;
	int e = 0;
	if (want == page_row && want == p->row_bytes)
		e = reader_exact(r->rows, out, rows * page_row, off, err);
	else if (r->lease.wait == FILE_WAIT && p->gather / 2 >= page_row)
		e = gather_rows(r, off + first, rows, want, out, err);
	else
		for (uint64_t y = 0; y < rows && e == 0; y++)
			e = reader_exact(r->rows, out + y * p->row_bytes, want,
					 off + y * page_row + first, err);
	if (e == 0 && r->page.file.big_endian)
		for (uint64_t y = 0; y < rows; y++)
			swap_samples(out + y * p->row_bytes, want, r->im->grid.voxel);
	return e;
}

/* Strips first .. first+n-1 of the page that lie side by side in the file, from row y0 on: one read. What
 * fails as a whole is tried strip by strip, so that none is taken for bad that is not. */
static int raw_strips_read(struct reading *r, uint64_t first, size_t n, uint64_t y0, uint64_t off,
			   struct err *err)
{
	uint64_t row = (uint64_t)r->page.width * r->pixel;
	uint64_t end = min_u64(r->piece->y1, r->page.height);
	uint64_t y1 = min_u64(end, (first + n) * r->page.unit_h);
	int e = read_raw_rows(r, off, y0, y1, err);
	if (e == 0 || e == -ENOMEM || e == -EAGAIN)
		return e;
	for (uint64_t k = first; n > 1 && k < first + n; k++) {
		uint64_t from = max_u64(y0, k * r->page.unit_h);
		e = raw_strips_read(r, k, 1, from, off + (from - y0) * row, err);
		if (e < 0)
			return e;
	}
	if (n > 1)
		return 0;
	static const uint8_t zero[8];
	reading_fill(r, y0, y1, r->piece->x0, r->piece->x1, zero);
	reading_bad(r, reading_unit_number(r, 0, first), -e, err);
	return 0;
}

/* A strip that is not read: known to be bad, sparse, or damaged by its own table. */
static bool raw_strip_without_bytes(struct reading *r, uint64_t uy, uint64_t y0, uint64_t y1,
				    const struct tiff_unit *u, struct err *err)
{
	const struct piece *p = r->piece;
	static const uint8_t zero[8];
	if (reading_known_bad(r, reading_unit_number(r, 0, uy)))
		return true;
	if (u->state == TIFF_UNIT_STORED)
		return false;
	bool sparse = u->state == TIFF_UNIT_SPARSE;
	reading_fill(r, y0, y1, p->x0, p->x1, sparse ? r->fill : zero);
	if (!sparse) {
		err_set(err, EBADMSG, "strip %llu: %s", (unsigned long long)uy, u->why);
		reading_bad(r, reading_unit_number(r, 0, uy), EBADMSG, err);
	}
	return true;
}

/* Raw strips: neighbours that lie side by side in the file are one read. */
int raw_strips(struct reading *r, UNUSED uint64_t ux, uint64_t uy0, const struct tiff_unit *units,
	       size_t n, struct err *err)
{
	uint64_t row = (uint64_t)r->page.width * r->pixel, unit_h = r->page.unit_h;
	uint64_t end = min_u64(r->piece->y1, r->page.height);
	uint64_t first = 0, first_y = 0, first_off = 0; /* of those that are gathered */
	size_t gathered = 0;
	int e = 0;
	r->strips += n;
	for (size_t i = 0; i <= n && e == 0; i++) {
		uint64_t uy = uy0 + i, y0 = max_u64(r->piece->y0, uy * unit_h);
		bool stored = i < n &&
			      !raw_strip_without_bytes(r, uy, y0, min_u64(end, (uy + 1) * unit_h),
						       &units[i], err);
		uint64_t off = stored ? units[i].offset + (y0 - uy * unit_h) * row : 0;
		if (gathered != 0 && (!stored || off != first_off + (y0 - first_y) * row)) {
			e = raw_strips_read(r, first, gathered, first_y, first_off, err);
			gathered = 0;
		}
		if (stored && gathered++ == 0) {
			first = uy;
			first_y = y0;
			first_off = off;
		}
	}
	return e;
}
