/* One piece: from the stored strips or tiles of one plane into the band. */
#include <errno.h>
#include <string.h>

#include "codec/cut.h"
#include "fs/log.h"
#include "fs/produce.h"

enum {
	UNITS_AT_ONCE = 256,
	TOLD = 8, /* strips or tiles of a piece that get a line of the log each */
};

/* What the functions below share. */
struct reading {
	const struct plant *plant;
	struct bench *bench;
	struct task *task;
	uint32_t image;
	const struct image *im;
	const struct piece *piece;
	struct file_lease lease;
	struct tiff_page page;
	struct reader_bytes tables;
	uint8_t fill[8];  /* a sparse voxel */
	uint64_t pixel;	  /* bytes of the band's pixel: samples x voxel */
	bool same_layout; /* the page's units are numbered as the image's */
	bool oversized;	  /* its units need more memory than the job reserved for one */
	uint64_t strips;
	int worst;	/* first error that was taken note of */
	unsigned n_bad; /* errors that were taken note of */
};

static void fill_rect(const struct reading *r, uint64_t y0, uint64_t y1, uint64_t x0, uint64_t x1,
		      const void *voxel)
{
	const struct piece *p = r->piece;
	uint8_t *out = p->out + (y0 - p->y0) * p->row_bytes + (x0 - p->x0) * r->pixel;
	struct cut_side side = { 0, p->row_bytes, r->im->grid.voxel };
	uint64_t samples = r->pixel / r->im->grid.voxel;
	cut_fill(out, &side, 1, y1 - y0, (x1 - x0) * samples, voxel, r->im->grid.voxel);
}

/* One log line a cause, but not thousands where a whole plane is ruined; and the spot to the store; with --damaged fill the place reads as fill_value. */
static void bad(struct reading *r, uint64_t unit, int code, const struct err *err)
{
	/* Damage and changed files stay what they are; what the storage says may pass. */
	bool for_good = code == EBADMSG || code == ESTALE || code == ENODATA || code == ENOTSUP;
	const char *kind = code == ESTALE ? "changed" : for_good ? "damaged" : "io";
	const struct dataset *data = r->plant->data;
	const struct plane *pl = &r->im->planes[r->piece->plane];
	struct text where = { 0 };
	text_addf(&where, "%s.zarr: ", r->im->id);
	text_add_name(&where, data->files[pl->file].path, strlen(data->files[pl->file].path));
	if (data->files[pl->file].n_pages > 1)
		text_addf(&where, ": page %u", pl->page);
	if (r->n_bad++ <= TOLD)
		log_problem(kind, where.oom ? r->im->id : where.s,
			    r->n_bad <= TOLD ? err->msg
					     : "and more of its strips or tiles cannot be read");
	text_done(&where);
	r->worst = r->worst == 0 ? -code : r->worst;
	if (r->task == NULL || r->plant->damaged == DAMAGED_FILL)
		return;
	struct spot spot = { r->image, r->piece->plane, r->same_layout ? unit : SPOT_ALL };
	store_report(r->plant->store, r->task, &spot, EIO, for_good ? 0 : 1000000000);
}

static bool known_bad(struct reading *r, uint64_t unit)
{
	if (r->task == NULL || r->plant->damaged == DAMAGED_FILL || !store_any_bad(r->plant->store))
		return false;
	struct spot spot = { r->image, r->piece->plane, r->same_layout ? unit : SPOT_ALL };
	return store_known_bad(r->plant->store, r->task, &spot);
}

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
	if (want == page_row && want == p->row_bytes) {
		e = reader_exact(&r->lease.reader, out, rows * page_row, off, err);
	} else {
		for (uint64_t y = 0; y < rows && e == 0; y++)
			e = reader_exact(&r->lease.reader, out + y * p->row_bytes, want,
					 off + y * page_row + first, err);
	}
	if (e == 0 && r->page.file.big_endian)
		for (uint64_t y = 0; y < rows; y++)
			swap_samples(out + y * p->row_bytes, want, r->im->grid.voxel);
	return e;
}

static uint64_t unit_number(const struct reading *r, uint64_t ux, uint64_t uy)
{
	const struct tiff_page *g = &r->page;
	uint64_t sample = g->planar ? r->piece->sample_c : 0;
	return (sample * g->units_y + uy) * g->units_x + ux;
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
	if (e == 0 || e == -ENOMEM)
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
	fill_rect(r, y0, y1, r->piece->x0, r->piece->x1, zero);
	bad(r, unit_number(r, 0, first), -e, err);
	return 0;
}

/* A strip that is not read: known to be bad, sparse, or damaged by its own table. */
static bool raw_strip_without_bytes(struct reading *r, uint64_t uy, uint64_t y0, uint64_t y1,
				    const struct tiff_unit *u, struct err *err)
{
	const struct piece *p = r->piece;
	static const uint8_t zero[8];
	if (known_bad(r, unit_number(r, 0, uy)))
		return true;
	if (u->state == TIFF_UNIT_STORED)
		return false;
	bool sparse = u->state == TIFF_UNIT_SPARSE;
	fill_rect(r, y0, y1, p->x0, p->x1, sparse ? r->fill : zero);
	if (!sparse) {
		err_set(err, EBADMSG, "strip %llu: %s", (unsigned long long)uy, u->why);
		bad(r, unit_number(r, 0, uy), EBADMSG, err);
	}
	return true;
}

/* Raw strips: neighbours that lie side by side in the file are one read. */
static int raw_strips(struct reading *r, uint64_t uy0, const struct tiff_unit *units, size_t n,
		      struct err *err)
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

/* Decodes a stored unit into `out` (its whole extent); raw is read first. */
static int decode_stored(struct reading *r, const struct tiff_unit *u, uint32_t rows, void *out,
			 struct err *err)
{
	uint64_t n_raw = min_u64(u->count, unit_stored_max(&r->page));
	uint64_t n_out = tiff_unit_bytes(&r->page, rows);
	int e = unit_weigh(&r->page, u->count, rows, err);
	if (e < 0)
		return e;
	void *raw = pool_get(r->plant->pool, n_raw);
	if (raw == NULL)
		return err_oom(err);
	e = reader_exact(&r->lease.reader, raw, n_raw, u->offset, err);
	if (e == 0)
		e = unit_decode(r->bench->decoder, &r->page, &r->tables, raw, n_raw, rows, out,
				n_out, err);
	pool_put(r->plant->pool, raw, n_raw);
	return e;
}

/* One strip or tile at unit column ux, row uy: the part that lies in the piece. */
static int place_unit(struct reading *r, uint64_t ux, uint64_t uy, const struct tiff_unit *u,
		      struct err *err)
{
	const struct piece *p = r->piece;
	const struct tiff_page *g = &r->page;
	uint32_t rows = tiff_unit_rows(g, (uint32_t)uy);
	uint64_t uy0 = uy * g->unit_h, ux0 = ux * g->unit_w;
	uint64_t y0 = max_u64(p->y0, uy0), y1 = min_u64(p->y1, uy0 + rows);
	uint64_t x0 = max_u64(p->x0, ux0), x1 = min_u64(p->x1, ux0 + g->unit_w);
	uint64_t number = unit_number(r, ux, uy);
	if (known_bad(r, number))
		return 0;
	if (u->state == TIFF_UNIT_SPARSE) {
		fill_rect(r, y0, y1, x0, x1, r->fill);
		return 0;
	}
	uint64_t unit_row = (uint64_t)g->unit_w * r->pixel, bytes = tiff_unit_bytes(g, rows);
	bool direct = y0 == uy0 && y1 == uy0 + rows && unit_row == p->row_bytes && ux0 == p->x0;
	uint8_t *dst = p->out + (y0 - p->y0) * p->row_bytes + (x0 - p->x0) * r->pixel;
	uint8_t *scratch = direct ? dst : pool_get(r->plant->pool, bytes);
	if (scratch == NULL)
		return err_oom(err);
	int e;
	if (u->state == TIFF_UNIT_DAMAGED)
		e = err_set(err, EBADMSG, "%s", u->why);
	else
		e = decode_stored(r, u, rows, scratch, err);
	r->strips++;
	if (e == 0 && !direct) {
		struct cut_side from = { 0, unit_row, r->im->grid.voxel },
				to = { 0, p->row_bytes, r->im->grid.voxel };
		const uint8_t *src = scratch + (y0 - uy0) * unit_row + (x0 - ux0) * r->pixel;
		cut_copy(dst, &to, src, &from, 1, y1 - y0,
			 (x1 - x0) * (r->pixel / r->im->grid.voxel), r->im->grid.voxel);
	}
	if (!direct)
		pool_put(r->plant->pool, scratch, bytes);
	if (e == 0 || e == -ENOMEM)
		return e;
	static const uint8_t zero[8];
	fill_rect(r, y0, y1, x0, x1, zero);
	err_prefix(err, "%s %llu", g->tiled ? "tile" : "strip", (unsigned long long)number);
	bad(r, number, -e, err);
	return 0;
}

static int one_unit(struct reading *r, uint64_t ux, uint64_t uy, const struct tiff_unit *u,
		    struct err *err)
{
	if (!r->oversized)
		return place_unit(r, ux, uy, u, err);
	pthread_mutex_lock(r->plant->oversized);
	int e = place_unit(r, ux, uy, u, err);
	pthread_mutex_unlock(r->plant->oversized);
	return e;
}

static int read_units(struct reading *r, struct err *err)
{
	const struct piece *p = r->piece;
	const struct tiff_page *g = &r->page;
	uint64_t uy0 = p->y0 / g->unit_h, uy1 = min_u64(ceil_div(p->y1, g->unit_h), g->units_y);
	uint64_t ux0 = p->x0 / g->unit_w, ux1 = min_u64(ceil_div(p->x1, g->unit_w), g->units_x);
	bool raw = tiff_is_raw_rows(g);
	struct tiff_unit units[UNITS_AT_ONCE];
	/* Strips are one column: many rows of them at once. Tiles: a row of them after another. */
	for (uint64_t uy = uy0, step; uy < uy1; uy += step) {
		step = g->tiled ? 1 : min_u64(uy1 - uy, UNITS_AT_ONCE);
		for (uint64_t ux = ux0, across; ux < ux1; ux += across) {
			across = g->tiled ? min_u64(ux1 - ux, UNITS_AT_ONCE) : 1;
			size_t n = g->tiled ? across : step;
			int e = tiff_units_read(&r->lease.reader, g, unit_number(r, ux, uy), n,
						units, err);
			if (e < 0)
				return e;
			if (raw) {
				e = raw_strips(r, uy, units, n, err);
			} else {
				for (size_t i = 0; i < n && e == 0; i++)
					e = one_unit(r, g->tiled ? ux + i : ux,
						     g->tiled ? uy : uy + i, &units[i], err);
			}
			if (e < 0)
				return e;
			/* A sample that is not whole is not used. */
			bool useless =
				r->task != NULL ? store_task_stopped(r->task) : r->worst != 0;
			if (useless)
				return 0;
		}
	}
	return 0;
}

/* Header of the plane's page, JPEG tables, sparse voxel; checked against the image. */
static int read_page(struct reading *r, struct err *err)
{
	const struct plane *pl = &r->im->planes[r->piece->plane];
	int e = image_page_read(r->plant->data, r->im, pl, &r->lease.reader, &r->page, err);
	if (e < 0)
		return e;
	const struct tiff_page *k = &r->im->kind;
	r->same_layout = r->page.unit_h == k->unit_h && r->page.unit_w == k->unit_w &&
			 r->page.tiled == k->tiled && r->page.planar == k->planar;
	bool raw = tiff_is_raw_rows(&r->page);
	uint64_t unit = raw ? 0 : tiff_unit_bytes(&r->page, r->page.unit_h);
	uint64_t most = max_u64(r->im->unit_bytes_max, 16 * MiB);
	r->oversized = !raw && pool_round(unit) + pool_round(unit_stored_max(&r->page)) >
				       produce_decode_scratch(r->im);
	if (unit > (r->piece->unit_max != 0 ? r->piece->unit_max : most))
		return err_set(err, EBADMSG,
			       "its %s are much larger than those of the image's other files",
			       r->page.tiled ? "tiles" : "strips");
	tiff_sparse_value(&r->lease.reader, &r->page, r->im->dtype, r->fill);
	if (r->page.jpeg_tables.count == 0)
		return 0;
	char *tables;
	size_t len;
	e = tiff_text_read(&r->lease.reader, &r->page.jpeg_tables, 64 * KiB, &tables, &len, err);
	if (e == 0)
		r->tables = (struct reader_bytes){ (const uint8_t *)tables, len };
	return e;
}

static int read_plane(struct reading *r, struct err *err)
{
	int e = read_page(r, err);
	if (e == 0)
		e = read_units(r, err);
	if (e == 0)
		e = files_verify(r->plant->files, &r->lease, err);
	free((void *)(uintptr_t)r->tables.bytes);
	return e;
}

int produce_piece(const struct plant *p, struct bench *b, struct task *t, uint32_t image,
		  const struct piece *piece, struct err *err)
{
	const struct image *im = &p->data->images[image];
	struct reading r = {
		.plant = p, .bench = b, .task = t, .image = image, .im = im, .piece = piece
	};
	r.pixel = im->grid.layout.samples * im->grid.voxel;
	const struct plane *pl = &im->planes[piece->plane];
	static const uint8_t zero[8];
	if (pl->file == PLANE_GAP) {
		fill_rect(&r, piece->y0, piece->y1, piece->x0, piece->x1, zero);
		return 0;
	}
	if (known_bad(&r, SPOT_ALL))
		return 0;
	int e = 0;
	const struct source_file *file = &p->data->files[pl->file];
	if (file->trouble != 0)
		e = err_set(err, EBADMSG, "%s", source_file_trouble(file));
	else
		e = files_get(p->files, pl->file, &r.lease, err);
	if (e == 0) {
		e = read_plane(&r, err);
		if (t != NULL) {
			t->fetched += r.lease.fetched;
			t->strips += r.strips;
		}
		files_put(p->files, &r.lease);
	}
	if (e == 0)
		return t == NULL ? r.worst : 0;
	if (e == -ENOMEM)
		return e;
	r.same_layout = false; /* all of the plane */
	fill_rect(&r, piece->y0, piece->y1, piece->x0, piece->x1, zero);
	bad(&r, SPOT_ALL, -e, err);
	return t == NULL ? e : 0;
}
