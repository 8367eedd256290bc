/* One piece: from the stored strips or tiles of one plane into the band. */
#include <errno.h>
#include <string.h>

#include "codec/cut.h"
#include "codec/ids.h"
#include "fs/log.h"
#include "fs/produce_reading.h"
#include "meta/lost.h"

/* What the storage says may pass: it is remembered for as long as it took to find, at least so long. */
static const uint64_t io_error_ns = 1000000000;

enum {
	UNITS_AT_ONCE = 256,
	TOLD = 8, /* strips or tiles of a piece that get a line of the log each */
};

void reading_fill(const struct reading *r, uint64_t y0, uint64_t y1, uint64_t x0, uint64_t x1,
		  const void *voxel)
{
	const struct piece *p = r->piece;
	if (p->discard)
		return;
	uint8_t *out = p->out + (y0 - p->y0) * p->row_bytes + (x0 - p->x0) * r->pixel;
	struct cut_side side = { 0, p->row_bytes, r->im->grid.voxel };
	uint64_t samples = r->pixel / r->im->grid.voxel;
	cut_fill(out, &side, 1, y1 - y0, (x1 - x0) * samples, voxel, r->im->grid.voxel);
}

static void tell_inspector(struct reading *r, uint64_t unit, const struct err *err)
{
	const struct tiff_page *g = &r->page;
	r->worst = r->worst == 0 ? -err->code : r->worst;
	const struct found f = {
		.unit = unit,
		.units = (uint64_t)g->units_x * g->units_y * (g->planar ? g->samples : 1),
		.tiled = g->tiled,
		.err = err,
	};
	r->plant->inspector->found(r->plant->inspector->ctx, r->task, &f);
}

/* What else it costs is another problem, since the same damage is met again. */
static void tell_bad(struct reading *r, const char *kind, uint64_t lost, const struct err *err)
{
	const struct dataset *data = r->plant->data;
	struct text CLEANUP(text_done) where = { 0 }, what = { 0 };
	image_plane_place(data, r->im, r->piece->plane, &where);
	if (r->im->first_level > 0)
		text_addf(&where, ": overview of level %u", r->im->first_level);
	const char *at = where.oom ? r->im->id : where.s;
	log_problem(kind, at,
		    r->n_bad <= TOLD ? err->msg : "and more of its strips or tiles cannot be read");
	if (lost == 0)
		return;
	text_addf(&what,
		  "%llu chunk%s of coarser levels %s lost with it: --damaged fill shows the fill "
		  "value there",
		  (unsigned long long)lost, lost == 1 ? "" : "s", lost == 1 ? "is" : "are");
	if (!what.oom)
		log_problem("lost", at, what.s);
}

static uint64_t count_lost(struct reading *r, uint64_t unit)
{
	const struct lost_units u = { r->piece->plane, unit, 1 };
	pthread_mutex_lock(r->plant->lost);
	uint64_t n = lost_add(dataset_image(r->plant->data, r->image), &u);
	pthread_mutex_unlock(r->plant->lost);
	return n;
}

/* One log line a cause, but not thousands where a whole plane is ruined; and the spot to the store. With --damaged
 * fill a damaged place reads as fill_value, but not one that changed, or that storage could not give now. */
void reading_bad(struct reading *r, uint64_t unit, int code, const struct err *err)
{
	bool for_good = code == EBADMSG || code == ESTALE || code == ENODATA || code == ENOTSUP ||
			code == ERANGE;
	if (r->plant->inspector != NULL) {
		tell_inspector(r, unit, err);
		return;
	}
	const char *kind = code == ESTALE ? "changed" : for_good ? "damaged" : "io";
	bool damaged = for_good && code != ESTALE;
	bool filled = damaged && r->plant->damaged == DAMAGED_FILL;
	struct spot spot = { r->image, r->piece->plane, r->same_layout ? unit : SPOT_ALL };
	uint64_t lost = damaged && !filled ? count_lost(r, spot.unit) : 0;
	if (r->n_bad++ <= TOLD)
		tell_bad(r, kind, lost, err);
	r->worst = r->worst == 0 ? -code : r->worst;
	if (r->task == NULL || filled)
		return;
	store_report(r->plant->store, r->task, &spot, EIO,
		     for_good ? 0 : max_u64(io_error_ns, max_u64(r->error_ns, r->lease.error_ns)));
}

bool reading_known_bad(struct reading *r, uint64_t unit)
{
	if (r->task == NULL || r->plant->inspector != NULL || !store_any_bad(r->plant->store))
		return false;
	struct spot spot = { r->image, r->piece->plane, r->same_layout ? unit : SPOT_ALL };
	return store_known_bad(r->plant->store, r->task, &spot);
}

uint64_t reading_unit_number(const struct reading *r, uint64_t ux, uint64_t uy)
{
	const struct tiff_page *g = &r->page;
	uint64_t sample = g->planar ? r->piece->sample_c : 0;
	return (sample * g->units_y + uy) * g->units_x + ux;
}

/* Decodes a stored unit into `out` (its whole extent), from what was fetched or a read of its own. */
static int decode_stored(struct reading *r, const struct tiff_unit *u, uint32_t rows, void *out,
			 struct err *err)
{
	const struct plant *plant = r->plant;
	uint64_t n_raw = min_u64(u->count, unit_stored_max(&r->page));
	uint64_t n_out = tiff_unit_bytes(&r->page, rows);
	int e = unit_weigh(&r->page, u->count, rows, err);
	if (e < 0)
		return e;
	/* Decoding turns the bits of such a unit round where they lie, and two units may share bytes. */
	bool shared = r->fetched != NULL && r->page.fill_order != 2;
	const void *there = shared ? fetched_bytes(r->fetched, u->offset, n_raw) : NULL;
	void *raw = there != NULL ? (void *)(uintptr_t)there : pool_get(plant->pool, n_raw);
	if (raw == NULL)
		return err_oom(err);
	if (there == NULL)
		e = reader_exact(&r->from, raw, n_raw, u->offset, err);
	if (e == 0)
		e = unit_decode(r->bench->decoder, &r->page, &r->tables, raw, n_raw, rows, out,
				n_out, err);
	if (there == NULL)
		pool_put(plant->pool, raw, n_raw);
	return e;
}

/* Of a label whose ids are floats: rows y0 .. y1-1 and columns x0 .. x1-1 of a unit whose first voxel is (uy, ux) of
 * the page, as far as they lie in it; each becomes uint32 where uint32 would have it, which is not behind it. */
static int ids_of_unit(const struct reading *r, uint8_t *unit, uint64_t y0, uint64_t y1,
		       uint64_t x0, uint64_t x1, uint64_t ux, uint64_t uy, struct err *err)
{
	const struct tiff_page *g = &r->page;
	size_t from = dtype_size(r->im->stored), to = r->im->grid.voxel;
	y1 = min_u64(y1, g->height - uy);
	x1 = min_u64(x1, g->width - ux);
	for (uint64_t y = y0; y < y1; y++) {
		uint64_t at = y * g->unit_w + x0;
		int e = ids_from_floats(r->im->stored, unit + at * from, x1 - x0, unit + at * to,
					err);
		if (e < 0)
			return err_prefix(err, "row %llu", (unsigned long long)(uy + y));
	}
	return 0;
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
	uint64_t number = reading_unit_number(r, ux, uy);
	if (reading_known_bad(r, number))
		return 0;
	if (u->state == TIFF_UNIT_SPARSE && !r->no_fill) {
		reading_fill(r, y0, y1, x0, x1, r->fill);
		return 0;
	}
	uint64_t unit_row = (uint64_t)g->unit_w * r->pixel, bytes = tiff_unit_bytes(g, rows);
	bool ids = r->im->stored != r->im->dtype;
	bool direct = !p->discard && !ids && y0 == uy0 && y1 == uy0 + rows &&
		      unit_row == p->row_bytes && ux0 == p->x0;
	uint8_t *dst = p->out + (y0 - p->y0) * p->row_bytes + (x0 - p->x0) * r->pixel;
	uint8_t *scratch = direct ? dst : pool_get(r->plant->pool, bytes);
	if (scratch == NULL)
		return err_oom(err);
	int e;
	if (u->state == TIFF_UNIT_DAMAGED)
		e = err_set(err, EBADMSG, "%s", u->why);
	else if (u->state == TIFF_UNIT_SPARSE)
		e = err_set(err, ERANGE, "it is sparse, and the value for that is no id");
	else
		e = decode_stored(r, u, rows, scratch, err);
	if (e == 0 && ids)
		e = ids_of_unit(r, scratch, y0 - uy0, y1 - uy0, x0 - ux0, x1 - ux0, ux0, uy0, err);
	r->strips++;
	if (e == 0 && !direct && !p->discard) {
		struct cut_side from = { 0, unit_row, r->im->grid.voxel },
				to = { 0, p->row_bytes, r->im->grid.voxel };
		const uint8_t *src = scratch + (y0 - uy0) * unit_row + (x0 - ux0) * r->pixel;
		cut_copy(dst, &to, src, &from, 1, y1 - y0,
			 (x1 - x0) * (r->pixel / r->im->grid.voxel), r->im->grid.voxel);
	}
	if (!direct)
		pool_put(r->plant->pool, scratch, bytes);
	if (e == 0 || e == -ENOMEM || e == -EAGAIN)
		return e;
	static const uint8_t zero[8];
	reading_fill(r, y0, y1, x0, x1, zero);
	err_prefix(err, "%s %llu", g->tiled ? "tile" : "strip", (unsigned long long)number);
	reading_bad(r, number, -e, err);
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

static int decode_units(struct reading *r, uint64_t ux, uint64_t uy, const struct tiff_unit *units,
			size_t n, struct err *err)
{
	bool tiled = r->page.tiled;
	int e = 0;
	for (size_t i = 0; i < n && e == 0; i++)
		e = one_unit(r, tiled ? ux + i : ux, tiled ? uy : uy + i, &units[i], err);
	return e;
}

/* Nobody wants the rest. */
static bool useless(const struct reading *r)
{
	const struct inspector *i = r->plant->inspector;
	if (i != NULL)
		return i->stopped(i->ctx);
	/* A sample that is not whole is not used. */
	return r->task != NULL ? store_task_stopped(r->task) : r->worst != 0;
}

int reading_units(struct reading *r, units_work *work, struct err *err)
{
	const struct piece *p = r->piece;
	const struct tiff_page *g = &r->page;
	uint64_t uy0 = p->y0 / g->unit_h, uy1 = min_u64(ceil_div(p->y1, g->unit_h), g->units_y);
	uint64_t ux0 = p->x0 / g->unit_w, ux1 = min_u64(ceil_div(p->x1, g->unit_w), g->units_x);
	struct tiff_unit units[UNITS_AT_ONCE];
	/* Strips are one column: many rows of them at once. Tiles: a row of them after another. */
	for (uint64_t uy = uy0, step; uy < uy1; uy += step) {
		step = g->tiled ? 1 : min_u64(uy1 - uy, UNITS_AT_ONCE);
		for (uint64_t ux = ux0, across; ux < ux1; ux += across) {
			across = g->tiled ? min_u64(ux1 - ux, UNITS_AT_ONCE) : 1;
			size_t n = g->tiled ? across : step;
			int e = tiff_units_read(&r->from, g, reading_unit_number(r, ux, uy), n,
						units, err);
			if (e == 0)
				e = work(r, ux, uy, units, n, err);
			if (e < 0)
				return e;
			if (useless(r))
				return 0;
		}
	}
	return 0;
}

/* What the page's units are beside those that the image's other pages led to expect. */
static int weigh_units(struct reading *r, struct err *err)
{
	const struct tiff_page *k = &r->im->kind;
	r->same_layout = r->page.unit_h == k->unit_h && r->page.unit_w == k->unit_w &&
			 r->page.tiled == k->tiled && r->page.planar == k->planar;
	bool raw = image_raw_rows(r->im, &r->page);
	uint64_t unit = raw ? 0 : tiff_unit_bytes(&r->page, r->page.unit_h);
	uint64_t most = max_u64(r->im->unit_bytes_max, 16 * MiB);
	r->oversized = !raw && pool_round(unit) + pool_round(unit_stored_max(&r->page)) >
				       produce_decode_scratch(r->im);
	if (unit > (r->piece->unit_max != 0 ? r->piece->unit_max : most))
		return err_set(err, EBADMSG,
			       "its %s are much larger than those of the image's other files",
			       r->page.tiled ? "tiles" : "strips");
	return 0;
}

int reading_page(struct reading *r, struct err *err)
{
	const struct plane *pl = &r->im->planes[r->piece->plane];
	int e = image_page_read(r->plant->data, r->im, pl, &r->from, &r->page, err);
	if (e == 0)
		e = weigh_units(r, err);
	if (e < 0)
		return e;
	e = tiff_sparse_value(&r->from, &r->page, r->im->stored, r->fill, err);
	if (e == 0 && r->im->stored != r->im->dtype)
		r->no_fill = ids_from_floats(r->im->stored, r->fill, 1, r->fill, NULL) != 0;
	if (e < 0 || r->page.jpeg_tables.count == 0)
		return e;
	char *tables;
	size_t len;
	e = tiff_text_read(&r->from, &r->page.jpeg_tables, 64 * KiB, &tables, &len, err);
	if (e == 0)
		r->tables = (struct reader_bytes){ (const uint8_t *)tables, len };
	return e;
}

void reading_done(struct reading *r)
{
	free((void *)(uintptr_t)r->tables.bytes);
	r->tables = (struct reader_bytes){ 0 };
}

void reading_init(struct reading *r, const struct plant *p, struct task *t, uint32_t image,
		  const struct piece *piece)
{
	const struct image *im = dataset_image(p->data, image);
	*r = (struct reading){ .plant = p, .task = t, .image = image, .im = im, .piece = piece };
	r->pixel = im->grid.layout.samples * im->grid.voxel;
}

bool reading_needs_file(struct reading *r)
{
	const struct plane *pl = &r->im->planes[r->piece->plane];
	return pl->file != PLANE_GAP && !reading_known_bad(r, SPOT_ALL) &&
	       r->plant->data->files[pl->file].trouble == 0;
}

/* From the file, waiting for it. */
static int decode_from_file(struct reading *r, struct err *err)
{
	int e = files_get(r->plant->files, r->im->planes[r->piece->plane].file, FILE_WAIT,
			  &r->lease, err);
	r->error_ns = r->lease.error_ns;
	if (e < 0)
		return e;
	r->from = r->lease.reader;
	r->rows = &r->lease.reader;
	e = reading_page(r, err);
	if (e == 0)
		e = reading_units(r, image_raw_rows(r->im, &r->page) ? raw_strips : decode_units,
				  err);
	/* Of a file that changed no error of its contents means anything. */
	struct err own = { 0 };
	if (e != -ENOMEM && files_verify(r->plant->files, &r->lease, &own) < 0) {
		*err = own;
		e = -own.code;
	}
	if (r->task != NULL)
		r->task->bytes_fetched += r->lease.fetched;
	reading_done(r);
	files_put(r->plant->files, &r->lease);
	return e;
}

/* -EAGAIN: not all of it was fetched. */
static int decode_from_memory(struct reading *r, struct err *err)
{
	const struct err *failure = fetched_failure(r->fetched);
	if (failure != NULL) {
		*err = *failure;
		return -err->code;
	}
	uint32_t file = r->im->planes[r->piece->plane].file;
	r->from = fetched_reader(r->fetched, NULL, 0, r->plant->data->files[file].size);
	r->rows = &r->from;
	int e = reading_page(r, err);
	if (e == 0 && fetched_missed(r->fetched))
		e = -EAGAIN;
	if (e == 0)
		e = reading_units(r, image_raw_rows(r->im, &r->page) ? raw_strips : decode_units,
				  err);
	reading_done(r);
	return e;
}

static int decode(struct reading *r, struct fetched *fetched, struct err *err)
{
	const struct plane *pl = &r->im->planes[r->piece->plane];
	const struct source_file *file = &r->plant->data->files[pl->file];
	if (file->trouble != 0)
		return err_set(err, EBADMSG, "%s", source_file_trouble(file));
	int e = -EAGAIN;
	r->fetched = fetched;
	if (fetched != NULL) {
		r->error_ns = fetched_error_ns(fetched);
		e = decode_from_memory(r, err);
	}
	r->fetched = NULL;
	if (e == -EAGAIN && fetched != NULL)
		fetched_clear(fetched);
	return e == -EAGAIN ? decode_from_file(r, err) : e;
}

int produce_piece(const struct plant *p, struct bench *b, struct task *t, uint32_t image,
		  const struct piece *piece, struct fetched *fetched, struct err *err)
{
	struct reading r;
	reading_init(&r, p, t, image, piece);
	r.bench = b;
	static const uint8_t zero[8];
	if (r.im->planes[piece->plane].file == PLANE_GAP) {
		reading_fill(&r, piece->y0, piece->y1, piece->x0, piece->x1, zero);
		return 0;
	}
	if (reading_known_bad(&r, SPOT_ALL))
		return 0;
	int e = decode(&r, fetched, err);
	if (t != NULL)
		t->strips += r.strips;
	if (e == 0)
		return t == NULL ? r.worst : 0;
	if (e == -ENOMEM)
		return e;
	reading_fill(&r, piece->y0, piece->y1, piece->x0, piece->x1, zero);
	reading_bad(&r, SPOT_ALL, -e, err);
	return t == NULL ? e : 0;
}
