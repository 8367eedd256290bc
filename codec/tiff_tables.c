#include "codec/tiff_field.h"
#include "codec/widen.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Entries first .. first+n-1 of a table, fewer where it ends. */
struct slice {
	uint8_t *bytes;
	size_t n, entry;
	bool big_endian;
};

static int slice_read(const struct reader *r, const struct tiff_page *p,
		      const struct tiff_values *v, uint64_t first, size_t n, struct slice *out,
		      struct err *err)
{
	size_t entry = tiff_type_size(v->type);
	*out = (struct slice){ .entry = entry, .big_endian = p->file.big_endian };
	if (first >= v->count || n == 0)
		return 0;
	/* The table lies inside the file, so that its bytes are a number that the file pays for. */
	size_t have = min_u64(n, v->count - first);
	CLEANUP(freep) uint8_t *bytes = malloc(have * entry);
	if (bytes == NULL)
		return err_oom(err);
	int rc = reader_exact(r, bytes, have * entry, v->offset + first * entry, err);
	if (rc != 0)
		return rc;
	out->bytes = STEAL(bytes);
	out->n = have;
	return 0;
}

static void slice_done(struct slice *s)
{
	free(s->bytes);
}

static bool slice_get(const struct slice *s, size_t i, uint64_t *out)
{
	if (i >= s->n)
		return false;
	*out = tiff_number(s->bytes + i * s->entry, s->entry, s->big_endian);
	return true;
}

static void mark_damaged(struct tiff_unit *u, const char *why)
{
	u->state = TIFF_UNIT_DAMAGED;
	u->why = why;
}

/* Where the room of the bytes at `offset` ends: at what follows of all that is known to lie elsewhere. */
static uint64_t room_end(const struct tiff_page *p, uint64_t size, uint64_t offset,
			 uint64_t next_offset)
{
	const uint64_t others[] = { next_offset, p->ifd, p->next_ifd, p->offsets.offset,
				    p->counts.offset };
	uint64_t end = size;
	/* What lies around the first plane bounds no plane behind it. */
	if (p->place.skip != 0)
		return next_offset > offset ? min_u64(end, next_offset) : end;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (others[i] > offset)
			end = min_u64(end, others[i]);
	return end;
}

/* A unit without a byte count of its own that can be believed. */
static void mend(const struct tiff_page *p, uint64_t size, uint64_t next_offset, uint64_t need,
		 struct tiff_unit *u)
{
	uint64_t room = room_end(p, size, u->offset, next_offset) - u->offset;
	if (need > room) {
		mark_damaged(
			u, "its byte count is wrong and its rows do not fit before what follows in "
			   "the file");
		return;
	}
	u->count = need;
	u->why = "its byte count is wrong; taken from the number of rows";
}

static void judge_raw(const struct tiff_page *p, uint64_t size, uint64_t next_offset, uint64_t need,
		      struct tiff_unit *u)
{
	if (u->offset >= size)
		mark_damaged(u, "its offset lies past the end of the file");
	else if (u->count < need || u->count > size - u->offset)
		mend(p, size, next_offset, need, u);
	else
		u->count = need;
}

static void judge_compressed(uint64_t size, struct tiff_unit *u)
{
	if (u->offset >= size)
		mark_damaged(u, "its offset lies past the end of the file");
	else if (u->count == 0)
		mark_damaged(u, "its byte count is 0 but its offset is not");
	else if (u->count > size - u->offset)
		mark_damaged(u, "its bytes reach past the end of the file");
	else if (u->count > GiB)
		mark_damaged(u, "it claims more than 1 GiB of stored bytes");
}

/* Without a table of counts a compressed unit has the bytes up to the next one or to the end. */
static void judge_countless(const struct tiff_page *p, uint64_t size, uint64_t next_offset,
			    uint64_t need, struct tiff_unit *u)
{
	if (u->offset >= size) {
		mark_damaged(u, "its offset lies past the end of the file");
	} else if (p->compression == TIFF_COMPRESSION_NONE) {
		mend(p, size, next_offset, need, u);
	} else {
		uint64_t end = next_offset > u->offset ? min_u64(next_offset, size) : size;
		u->count = min_u64(end - u->offset, GiB);
		u->why = "it has no byte count; taken up to what follows in the file";
	}
}

/* A unit whose table entries are known. Where place.end is set, its bytes end where what is stored next begins. */
static void judge(const struct tiff_page *p, uint64_t size, uint64_t index, uint64_t next_offset,
		  struct tiff_unit *u)
{
	uint64_t uy = index % ((uint64_t)p->units_x * p->units_y) / p->units_x;
	uint64_t need = tiff_packed_bytes(p, tiff_unit_rows(p, (uint32_t)uy));
	bool counted = p->counts.count != 0;
	if (p->place.end != 0) {
		uint64_t end = next_offset > u->offset ? next_offset : p->place.end;
		u->count = end > u->offset ? min_u64(end, size) - min_u64(u->offset, size) : 0;
	}
	u->state = TIFF_UNIT_STORED;
	if (u->offset == 0 && u->count == 0 && counted)
		u->state = TIFF_UNIT_SPARSE;
	else if (u->offset < (p->file.bigtiff ? 16 : 8))
		mark_damaged(u, "its offset lies inside the file's header");
	else if (!counted)
		judge_countless(p, size, next_offset, need, u);
	else if (p->compression == TIFF_COMPRESSION_NONE)
		judge_raw(p, size, next_offset, need, u);
	else
		judge_compressed(size, u);
}

/* The only unit of a page without a table. */
static void judge_bare(const struct tiff_page *p, uint64_t size, struct tiff_unit *u)
{
	*u = (struct tiff_unit){ .state = TIFF_UNIT_STORED,
				 .offset = p->place.skip,
				 .count = tiff_packed_bytes(p, p->height) };
	if (u->offset > size || u->count > size - u->offset)
		mark_damaged(u, "its bytes reach past the end of the file");
}

/* What the tables say of the units asked for. */
struct entries {
	struct slice offsets, counts;
	size_t before; /* offsets that stand in front of theirs: where they wrap, all, for they say how often */
};

static void entries_done(struct entries *e)
{
	slice_done(&e->offsets);
	slice_done(&e->counts);
}

static int entries_read(const struct reader *r, const struct tiff_page *p, uint64_t first, size_t n,
			struct entries *out, struct err *err)
{
	size_t before = p->place.wraps ? (size_t)first : 0;
	if (n > SIZE_MAX - before - 1)
		return err_oom(err);
	out->before = before;
	/* One more offset than asked for: it bounds the last unit where its count is missing. */
	int rc = slice_read(r, p, &p->offsets, first - before, before + n + 1, &out->offsets, err);
	return rc == 0 ? slice_read(r, p, &p->counts, first, n, &out->counts, err) : rc;
}

/* Offsets from the table's, each behind the one before where they are told modulo 2^32. */
struct unwrap {
	const struct tiff_place *place;
	uint64_t before, carry;
};

static uint64_t unwrap(struct unwrap *u, uint64_t offset)
{
	if (u->place->wraps && offset < u->before)
		u->carry += UINT64_C(1) << 32;
	u->before = offset;
	/* An empty entry is no place. What exceeds 64 bits lies outside the file, as UINT64_MAX does. */
	uint64_t moved = u->place->skip + u->carry;
	if (offset == 0)
		return 0;
	return offset > UINT64_MAX - moved ? UINT64_MAX : offset + moved;
}

/* Entry i of the table, to be asked for one after another. False, and 0: the table ends before it. */
static bool unwrap_entry(struct unwrap *u, const struct slice *s, size_t i, uint64_t *out)
{
	uint64_t raw = 0;
	bool there = slice_get(s, i, &raw);
	*out = there ? unwrap(u, raw) : 0;
	return there;
}

static void judge_entries(const struct entries *e, const struct tiff_page *p, uint64_t size,
			  uint64_t first, size_t n, struct tiff_unit *out)
{
	struct unwrap w = { .place = &p->place };
	uint64_t offset = 0, next_offset = 0;
	bool has_offset = unwrap_entry(&w, &e->offsets, 0, &offset);
	for (size_t i = 1; i <= e->before; i++)
		has_offset = unwrap_entry(&w, &e->offsets, i, &offset);
	for (size_t i = 0; i < n; i++) {
		struct tiff_unit u = { .offset = offset };
		bool has_next = unwrap_entry(&w, &e->offsets, e->before + i + 1, &next_offset);
		bool has_count = slice_get(&e->counts, i, &u.count) || p->counts.count == 0;
		if (!has_offset)
			mark_damaged(&u, "the table of offsets ends before it");
		else if (!has_count)
			mark_damaged(&u, "the table of byte counts ends before it");
		else
			judge(p, size, first + i, next_offset, &u);
		out[i] = u;
		offset = next_offset;
		has_offset = has_next;
	}
}

int tiff_units_read(const struct reader *r, const struct tiff_page *p, uint64_t first, size_t n,
		    struct tiff_unit *out, struct err *err)
{
	uint64_t all = (uint64_t)p->units_x * p->units_y * (p->planar ? p->samples : 1);
	if (first > all || n > all - first)
		return err_set(err, EINVAL, "units %" PRIu64 " + %zu of %" PRIu64, first, n, all);
	if (p->place.bare) {
		if (n > 0)
			judge_bare(p, r->size, &out[0]);
		return 0;
	}
	CLEANUP(entries_done) struct entries e = { 0 };
	int rc = entries_read(r, p, first, n, &e, err);
	if (rc == 0)
		judge_entries(&e, p, r->size, first, n, out);
	return rc;
}

uint32_t tiff_unit_rows(const struct tiff_page *p, uint32_t uy)
{
	if (p->tiled || uy + 1 < p->units_y)
		return p->unit_h;
	return p->height - uy * p->unit_h;
}

unsigned tiff_voxel_bytes(const struct tiff_page *p)
{
	/* libtiff gives these as floats, whatever bits the page says it has. */
	bool is_float =
		tiff_is_sgilog(p) || (p->sample_format == TIFF_FORMAT_FLOAT && p->bits <= 32);
	if (is_float)
		return 4;
	return p->bits > 32 ? 8 : p->bits > 16 ? 4 : p->bits > 8 ? 2 : 1;
}

static uint64_t row_samples(const struct tiff_page *p)
{
	return (uint64_t)p->unit_w * (p->planar ? 1 : p->samples);
}

uint64_t tiff_unit_bytes(const struct tiff_page *p, uint32_t rows)
{
	return row_samples(p) * rows * tiff_voxel_bytes(p);
}

uint64_t tiff_packed_bytes(const struct tiff_page *p, uint32_t rows)
{
	if (!tiff_is_widened(p))
		return tiff_unit_bytes(p, rows);
	return rows * widen_row_bytes(p->bits, row_samples(p));
}
