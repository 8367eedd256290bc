/* Fetching a piece: the reads of its decoding, made ahead of it and many at a time. */
#include <errno.h>

#include "fs/produce_reading.h"

/* A read ahead of the tags: what lies in memory is copied, what does not costs a round trip each time. */
static const size_t block_at_hand = 4 * KiB;
static const size_t block_far = 32 * KiB;

/* Bytes that are read for nothing rather than beginning another read. */
static const uint64_t gap_max = 4 * KiB;

/* Strips or tiles that lie close together in the file: one read. */
struct gathered {
	size_t first, last;
	uint64_t off, end; /* end 0: none yet */
	uint64_t useful;   /* bytes of its units */
};

static uint64_t stored_bytes(const struct reading *r, const struct tiff_unit *u)
{
	return min_u64(u->count, unit_stored_max(&r->page));
}

/* What fails as a whole is tried unit by unit, so that none is taken for bad that is not. */
static int fetch_gathered(struct reading *r, const struct tiff_unit *units,
			  const struct gathered *g)
{
	if (g->end == 0)
		return 0;
	int e = fetched_get(r->fetched, g->off, g->end - g->off);
	if (e == 0 || e == -EAGAIN || e == -ENOMEM || e == -ENOBUFS)
		return e;
	for (size_t i = g->first; g->last > g->first && i <= g->last; i++) {
		if (units[i].state != TIFF_UNIT_STORED)
			continue;
		e = fetched_get(r->fetched, units[i].offset, stored_bytes(r, &units[i]));
		if (e == -ENOMEM || e == -ENOBUFS)
			return e;
	}
	return 0;
}

static int fetch_units(struct reading *r, uint64_t ux, uint64_t uy, const struct tiff_unit *units,
		       size_t n, UNUSED struct err *err)
{
	bool tiled = r->page.tiled;
	struct gathered g = { 0 };
	int e = 0;
	for (size_t i = 0; i < n && e == 0; i++) {
		const struct tiff_unit *u = &units[i];
		uint64_t number = reading_unit_number(r, tiled ? ux + i : ux, tiled ? uy : uy + i);
		if (u->state != TIFF_UNIT_STORED || reading_known_bad(r, number))
			continue;
		uint64_t end = u->offset + stored_bytes(r, u);
		bool near = g.end != 0 && u->offset >= g.off && u->offset <= g.end + gap_max &&
			    end - g.off <= max_u64(block_far, 2 * (g.useful + end - u->offset)) &&
			    end - g.off <= fetched_room(r->fetched);
		if (!near) {
			e = fetch_gathered(r, units, &g);
			g = (struct gathered){ i, i, u->offset, end, 0 };
		}
		g.useful += end - u->offset;
		g.last = i;
		g.end = max_u64(g.end, end);
	}
	return e < 0 ? e : fetch_gathered(r, units, &g);
}

/* Errors in tags and units are found again when the piece is decoded; here only what keeps from that counts. */
static int fetch_plane(struct reading *r, bool in_place, struct err *err)
{
	size_t block = r->lease.wait == FILE_WAIT ? block_far : block_at_hand;
	r->from = fetched_reader(r->fetched, &r->lease.reader, block, r->lease.reader.size);
	r->rows = &r->lease.reader;
	int e = reading_page(r, err);
	if (fetched_missed(r->fetched))
		return -EAGAIN;
	bool raw = e == 0 && in_place && image_raw_rows(r->im, &r->page);
	if (raw)
		e = reading_units(r, raw_strips, err);
	else if (e == 0)
		e = reading_units(r, fetch_units, err);
	if (e == -EAGAIN || fetched_missed(r->fetched))
		return -EAGAIN;
	if (e == -ENOMEM)
		return e;
	bool done = raw && e == 0;
	e = files_verify(r->plant->files, &r->lease, err);
	if (e < 0)
		fetched_fail(r->fetched, err);
	else
		r->task->decoded = done;
	return 0;
}

static int fetch_file(struct reading *r, bool in_place, enum file_wait wait)
{
	struct err err = { 0 };
	uint32_t file = r->im->planes[r->piece->plane].file;
	int e = files_get(r->plant->files, file, wait, &r->lease, &err);
	if (e == -EAGAIN || e == -ENOMEM)
		return e;
	if (e < 0) {
		fetched_fail(r->fetched, &err);
		fetched_set_error_ns(r->fetched, r->lease.error_ns);
		return 0;
	}
	e = fetch_plane(r, in_place, &err);
	fetched_set_error_ns(r->fetched, r->lease.error_ns);
	r->task->bytes_fetched += r->lease.fetched;
	if (r->task->decoded)
		r->task->strips += r->strips;
	reading_done(r);
	files_put(r->plant->files, &r->lease);
	return e;
}

int produce_fetch_piece(const struct plant *p, struct task *t, const struct piece *piece,
			const struct run_cost *cost, enum file_wait wait, struct fetched **out)
{
	struct reading r;
	*out = NULL;
	reading_init(&r, p, t, t->key.image, piece);
	if (!reading_needs_file(&r))
		return 0;
	r.fetched = fetched_new(p->pool, cost->in_place ? 0 : cost->raw);
	if (r.fetched == NULL)
		return -ENOMEM;
	int e = fetch_file(&r, cost->in_place, wait);
	/* Of a compressed page among raw ones no unit was kept. */
	bool useless = cost->in_place && fetched_failure(r.fetched) == NULL;
	if (e < 0 || t->decoded || useless)
		fetched_free(r.fetched);
	else
		*out = r.fetched;
	return e;
}
