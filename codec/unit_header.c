#include "codec/unit_header.h"

#include "codec/tiff_field.h"

#include <errno.h>
#include <string.h>

enum { MAX_ENTRIES = 20, HEADER = 8, ENTRY = 12 };

/* libtiff wants maps and more for other colours, and does nothing with them. */
static uint32_t colour_told(const struct tiff_page *p, uint32_t samples)
{
	bool kept = (p->photometric == TIFF_WHITE_IS_ZERO && tiff_is_ccitt(p)) ||
		    (tiff_is_jpeg_ycbcr(p) && samples == 3) || tiff_is_sgilog(p);
	return kept ? p->photometric : samples >= 3 ? TIFF_RGB : TIFF_BLACK_IS_ZERO;
}

struct unit_tags unit_tags_of(const struct tiff_page *p, uint32_t rows)
{
	uint32_t samples = p->planar ? 1 : p->samples;
	struct unit_tags t = {
		.width = p->unit_w,
		.rows = rows,
		.tiled = p->tiled,
		.big_endian = p->file.big_endian,
		.compression = p->compression,
		.bits = p->bits,
		.sample_format = p->sample_format,
		.samples = samples,
		.photometric = colour_told(p, samples),
		.predictor = p->predictor,
		.fill_order = p->fill_order,
		.extra = samples >= 3 ? samples - 3 : samples - 1,
		.lerc = { p->lerc[0], p->lerc[1] },
	};
	t.extra_kind = t.extra != 0 ? p->extra_kind : 0;
	if (p->compression == TIFF_COMPRESSION_CCITT_G3)
		t.fax_options = p->t4_options;
	if (p->compression == TIFF_COMPRESSION_CCITT_G4)
		t.fax_options = p->t6_options;
	/* Its bytes have an order of their own, and libtiff makes floats of them for the machine. */
	if (tiff_is_sgilog(p)) {
		t.big_endian = 0;
		t.bits = 16;
		t.sample_format = 2;
	}
	if (t.photometric == TIFF_YCBCR)
		memcpy(t.subsampling, (uint32_t[]){ p->subsampling[0], p->subsampling[1] },
		       sizeof(t.subsampling));
	return t;
}

struct maker {
	uint8_t *b;
	size_t entry, tail; /* where the next entry and the next value that is no entry go */
	uint32_t entries;
	bool big;
};

static void put(const struct maker *m, size_t at, uint32_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		m->b[at + i] = (uint8_t)(v >> 8 * (m->big ? n - 1 - i : i));
}

static void put_entry(struct maker *m, uint16_t tag, uint16_t type, uint32_t count)
{
	put(m, m->entry, tag, 2);
	put(m, m->entry + 2, type, 2);
	put(m, m->entry + 4, count, 4);
	m->entry += ENTRY;
	m->entries++;
}

static void add_short(struct maker *m, uint16_t tag, uint32_t v)
{
	put_entry(m, tag, TIFF_TYPE_SHORT, 1);
	put(m, m->entry - 4, v, 2);
}

static void add_long(struct maker *m, uint16_t tag, uint32_t v)
{
	put_entry(m, tag, TIFF_TYPE_LONG, 1);
	put(m, m->entry - 4, v, 4);
}

/* n values: in the entry where they fit, else in the tail. */
static void add_many(struct maker *m, uint16_t tag, uint16_t type, const uint32_t *v, uint32_t n)
{
	size_t size = tiff_type_size(type), at = m->entry + 8;
	put_entry(m, tag, type, n);
	if (n * size > 4) {
		put(m, at, (uint32_t)m->tail, 4);
		at = m->tail;
		m->tail += n * size + (n * size & 1);
	}
	for (uint32_t i = 0; i < n; i++)
		put(m, at + i * size, v[i], size);
}

static void add_tables(struct maker *m, const struct reader_bytes *tables)
{
	put_entry(m, 347, TIFF_TYPE_UNDEFINED, (uint32_t)tables->len);
	if (tables->len <= 4) {
		memcpy(m->b + m->entry - 4, tables->bytes, tables->len);
		return;
	}
	put(m, m->entry - 4, (uint32_t)m->tail, 4);
	memcpy(m->b + m->tail, tables->bytes, tables->len);
	m->tail += tables->len;
}

static void add_extra_samples(struct maker *m, const struct unit_tags *t)
{
	uint32_t kinds[4096] = { 0 };
	uint32_t n = t->extra < ARRAY_SIZE(kinds) ? t->extra : (uint32_t)ARRAY_SIZE(kinds);
	if (n == 0)
		return;
	kinds[n - 1] = t->extra_kind;
	add_many(m, 338, TIFF_TYPE_SHORT, kinds, n);
}

static void add_all(struct maker *m, const struct unit_tags *t, const struct reader_bytes *tables)
{
	/* Where the data lies and how much it is libtiff is told, but never looks. */
	enum { SOMEWHERE = HEADER, SOME = 1 };
	add_long(m, 256, t->width);
	add_long(m, 257, t->rows);
	add_short(m, 258, t->bits);
	add_short(m, 259, t->compression);
	add_short(m, 262, t->photometric);
	add_short(m, 266, t->fill_order);
	if (!t->tiled)
		add_long(m, 273, SOMEWHERE);
	add_short(m, 277, t->samples);
	if (!t->tiled) {
		add_long(m, 278, t->rows);
		add_long(m, 279, SOME);
	}
	add_short(m, 284, 1);
	if (t->compression == TIFF_COMPRESSION_CCITT_G3)
		add_long(m, 292, t->fax_options);
	if (t->compression == TIFF_COMPRESSION_CCITT_G4)
		add_long(m, 293, t->fax_options);
	if (t->predictor != 1)
		add_short(m, 317, t->predictor);
	if (t->tiled) {
		add_long(m, 322, t->width);
		add_long(m, 323, t->rows);
		add_long(m, 324, SOMEWHERE);
		add_long(m, 325, SOME);
	}
	if (t->extra != 0)
		add_extra_samples(m, t);
	add_short(m, 339, t->sample_format);
	if (tables != NULL && tables->len != 0)
		add_tables(m, tables);
	if (t->photometric == TIFF_YCBCR)
		add_many(m, 530, TIFF_TYPE_SHORT, t->subsampling, 2);
	if (t->lerc[0] != 0)
		add_many(m, 50674, TIFF_TYPE_LONG, t->lerc, 2);
}

int unit_header_make(const struct unit_tags *t, const struct reader_bytes *tables, uint8_t **out,
		     size_t *len)
{
	const size_t ifd = 2 + MAX_ENTRIES * ENTRY + 4;
	size_t cap = HEADER + ifd + 2 * (size_t)t->extra + 16 + (tables != NULL ? tables->len : 0);
	if (cap > UINT32_MAX)
		return -ENOMEM;
	struct maker m = { .b = calloc(cap, 1),
			   .entry = HEADER + 2,
			   .tail = HEADER + ifd,
			   .big = t->big_endian != 0 };
	if (m.b == NULL)
		return -ENOMEM;
	memcpy(m.b, m.big ? "MM" : "II", 2);
	put(&m, 2, 42, 2);
	put(&m, 4, HEADER, 4);
	add_all(&m, t, tables);
	put(&m, HEADER, m.entries, 2);
	*out = m.b;
	*len = m.tail;
	return 0;
}
