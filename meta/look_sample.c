#include "meta/look_sample.h"

#include "codec/text.h"
#include "codec/unit.h"
#include "meta/chunk_source.h"
#include "meta/lost.h"
#include "meta/pages.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	/* An odd number of pages: the first, the middle, the last, and 60 evenly spaced between them. */
	SAMPLES = 63,
	TABLE_PART = 1024,
	TABLE_MAX = 64 * 1024,
	NAMED = 3,
	AT_ONCE = 256,	     /* pages */
	PART_MAX = 4,	     /* pages of one file that share its opening */
	BAD_MAX = 16 * 1024, /* units or planes that are remembered to be bad */
};

/* Pages with one trouble: how many, and the first few in words. */
struct notes {
	uint64_t n;
	struct text first[NAMED];
};

struct tally {
	uint64_t stored, raw, unit_bytes_max;
	struct notes odd, damaged, mended, more, inverted;
	struct lost_units *bad;
	size_t n_bad;
};

static void notes_done(struct notes *t)
{
	for (size_t i = 0; i < NAMED; i++)
		text_done(&t->first[i]);
	t->n = 0;
}

static void tally_done(struct tally *t)
{
	notes_done(&t->odd);
	notes_done(&t->damaged);
	notes_done(&t->mended);
	notes_done(&t->more);
	notes_done(&t->inverted);
	free(t->bad);
}

/* Units follow each other: those of one page one span. What is too much, or without memory, is not counted. */
static void add_bad(struct tally *t, uint64_t plane, uint64_t first, uint64_t n)
{
	struct lost_units *last = t->n_bad > 0 ? &t->bad[t->n_bad - 1] : NULL;
	if (last != NULL && last->plane == plane && first != UNIT_ALL &&
	    last->first + last->n == first) {
		last->n += n;
		return;
	}
	if (t->n_bad >= BAD_MAX)
		return;
	if ((t->n_bad & (t->n_bad - 1)) == 0) {
		struct lost_units *more =
			reallocarray(t->bad, t->n_bad == 0 ? 1 : 2 * t->n_bad, sizeof(*more));
		if (more == NULL)
			return;
		t->bad = more;
	}
	t->bad[t->n_bad++] = (struct lost_units){ plane, first, n };
}

static void note(struct notes *t, const char *path, const char *what)
{
	if (t->n < NAMED)
		text_addf(&t->first[t->n], "%s%s%s", path, *path != '\0' ? ": " : "", what);
	t->n++;
}

/* Adds what comes after it. */
static void notes_move(struct notes *to, struct notes *from)
{
	for (uint64_t i = 0; i < from->n && i < NAMED && to->n + i < NAMED; i++) {
		to->first[to->n + i] = from->first[i];
		from->first[i] = (struct text){ 0 };
	}
	to->n += from->n;
	notes_done(from);
}

static void tally_move(struct tally *to, struct tally *from)
{
	to->stored += from->stored;
	to->raw += from->raw;
	to->unit_bytes_max = max_u64(to->unit_bytes_max, from->unit_bytes_max);
	notes_move(&to->odd, &from->odd);
	notes_move(&to->damaged, &from->damaged);
	notes_move(&to->mended, &from->mended);
	notes_move(&to->more, &from->more);
	notes_move(&to->inverted, &from->inverted);
	for (size_t i = 0; i < from->n_bad; i++)
		add_bad(to, from->bad[i].plane, from->bad[i].first, from->bad[i].n);
	free(STEAL(from->bad));
	from->n_bad = 0;
}

/* Units of one page that have the same fault, and what the first of them says. */
struct fault {
	uint64_t n;
	const char *why; /* static text */
};

static void fault_add(struct fault *f, const char *why)
{
	if (f->n++ == 0)
		f->why = why;
}

static void add_unit(struct tally *t, const struct tiff_page *p, uint64_t plane, uint64_t index,
		     const struct tiff_unit *u, struct fault *bad, struct fault *mended)
{
	uint64_t row = index / p->units_x % p->units_y;
	uint32_t rows = tiff_unit_rows(p, (uint32_t)row);
	uint64_t raw = tiff_unit_bytes(p, rows);
	const char *wrong = NULL;
	if (u->state == TIFF_UNIT_DAMAGED)
		wrong = u->why;
	else if (u->state == TIFF_UNIT_STORED && unit_weigh(p, u->count, rows, NULL) != 0)
		wrong = "too few stored bytes for so many pixels";
	if (wrong != NULL) {
		fault_add(bad, wrong);
		add_bad(t, plane, index, 1);
		return;
	}
	if (u->state == TIFF_UNIT_STORED && u->why != NULL)
		fault_add(mended, u->why);
	t->raw += raw;
	if (u->state == TIFF_UNIT_STORED)
		t->stored += u->count;
}

static void note_fault(struct notes *t, const struct fault *f, uint64_t units,
		       const struct tiff_page *p, const char *path)
{
	if (f->n == 0)
		return;
	struct text CLEANUP(text_done) what = { 0 };
	text_addf(&what, "%llu of %llu %s: %s", (unsigned long long)f->n, (unsigned long long)units,
		  p->tiled ? "tiles" : "strips", f->why);
	if (!what.oom)
		note(t, path, what.s);
}

/* The strip table of one page: what is stored, and what cannot be read. */
static int add_table(struct tally *t, struct look_file *f, const struct tiff_page *p,
		     uint64_t plane, const char *path)
{
	uint64_t total = (uint64_t)p->units_x * p->units_y * (p->planar ? p->samples : 1);
	uint64_t n = min_u64(total, TABLE_MAX);
	struct fault bad = { 0 }, mended = { 0 };
	CLEANUP(freep) struct tiff_unit *part = calloc(TABLE_PART, sizeof(*part));
	if (part == NULL)
		return -ENOMEM;
	struct err own = { 0 };
	for (uint64_t i = 0; i < n; i += TABLE_PART) {
		size_t k = (size_t)min_u64(TABLE_PART, n - i);
		int rc = tiff_units_read(&f->reader, p, i, k, part, &own);
		if (rc == -ENOMEM)
			return rc;
		if (rc != 0) {
			note(&t->damaged, path, own.msg);
			add_bad(t, plane, UNIT_ALL, 1);
			return 0;
		}
		for (size_t u = 0; u < k; u++)
			add_unit(t, p, plane, i + u, &part[u], &bad, &mended);
	}
	note_fault(&t->damaged, &bad, n, p, path);
	note_fault(&t->mended, &mended, n, p, path);
	return 0;
}

static int note_odd(struct tally *t, const struct image *im, const struct tiff_page *p,
		    const char *path)
{
	struct text CLEANUP(text_done) what = { 0 };
	look_describe(&what, p);
	if (look_compatible(p, &im->kind)) {
		struct err own = { 0 };
		enum dtype type;
		if (tiff_page_dtype(p, &type, &own) != 0) {
			text_done(&what);
			text_add(&what, own.msg);
		}
	}
	if (what.oom)
		return -ENOMEM;
	note(&t->odd, path, what.s);
	return 0;
}

/* A file of one plane among its like that holds more: the scan has not counted the pages of all. */
static int note_more_pages(struct tally *t, struct look_file *f, const struct image *im,
			   const struct source_file *sf, const struct tiff_page *p)
{
	if (sf->page_ifds != NULL || p->next_ifd == 0 || im->first_level > 0)
		return 0;
	struct pages CLEANUP(pages_done) all = { 0 };
	int rc = pages_read(&f->reader, &all, NULL);
	if (rc != 0 || all.n <= 1)
		return rc == -ENOMEM ? rc : 0;
	char what[32];
	snprintf(what, sizeof(what), "%u pages%s", all.n, all.cut ? " at least" : "");
	note(&t->more, sf->path, what);
	return 0;
}

static int look_one(struct tally *t, struct look_file *f, const struct image *im,
		    const struct plane *plane, bool table)
{
	const struct source_file *sf = &f->d->files[plane->file];
	uint64_t at = (uint64_t)(plane - im->planes);
	if (sf->trouble != 0)
		return 0; /* the scan has said so */
	struct tiff_page p;
	struct err own = { 0 };
	int rc = look_page(f, im, plane, &p, &own);
	if (rc == -ENOMEM)
		return rc;
	if (rc != 0) {
		note(&t->odd, "", own.msg);
		add_bad(t, at, UNIT_ALL, 1);
		return 0;
	}
	enum dtype type;
	if (!look_compatible(&p, &im->kind) || tiff_page_dtype(&p, &type, NULL) != 0 ||
	    type != im->stored) {
		add_bad(t, at, UNIT_ALL, 1);
		return note_odd(t, im, &p, sf->path);
	}
	uint64_t unit = image_raw_rows(im, &p) ? 0 : tiff_unit_bytes(&p, tiff_unit_rows(&p, 0));
	t->unit_bytes_max = max_u64(t->unit_bytes_max, unit);
	if (p.photometric <= 1 && im->kind.photometric <= 1 &&
	    p.photometric != im->kind.photometric)
		note(&t->inverted, sf->path, p.photometric == 0 ? "WhiteIsZero" : "BlackIsZero");
	if (note_more_pages(t, f, im, sf, &p) != 0)
		return -ENOMEM;
	return table ? add_table(t, f, &p, at, sf->path) : 0;
}

static void warn_notes(struct image *im, const struct notes *t, uint64_t of, const char *what)
{
	struct text CLEANUP(text_done) list = { 0 };
	for (uint64_t i = 0; i < t->n && i < NAMED; i++)
		text_addf(&list, "%s%s", i > 0 ? "; " : "",
			  t->first[i].s != NULL ? t->first[i].s : "");
	if (t->n > 0 && !list.oom)
		image_warn(im, "%llu of %llu %s: %s%s", (unsigned long long)t->n,
			   (unsigned long long)of, what, list.s, t->n > NAMED ? "; .." : "");
}

static void report(struct image *im, struct tally *t, uint64_t n)
{
	warn_notes(im, &t->odd, n,
		   "pages looked at cannot be planes of this image and will give errors");
	warn_notes(im, &t->damaged, n, "pages looked at are damaged");
	warn_notes(im, &t->mended, n, "pages looked at have byte counts that are wrong or missing");
	warn_notes(im, &t->inverted, n,
		   "pages looked at have black and white the other way round than the image, "
		   "values are as stored");
	warn_notes(im, &t->more, n, "files looked at have several pages, only their first is used");
	im->unit_bytes_max = max_u64(im->unit_bytes_max, t->unit_bytes_max);
	im->n_damaged = t->odd.n + t->damaged.n;
	free(im->bad);
	im->bad = STEAL(t->bad);
	im->n_bad = t->n_bad;
	im->stored_share = t->raw > 0 ? (double)t->stored / (double)t->raw : 1;
}

/* The i-th of n places spread evenly over 0 .. total-1, both ends included. */
static uint64_t spread(uint64_t i, uint64_t n, uint64_t total)
{
	return n > 1 ? i * (total - 1) / (n - 1) : 0;
}

struct spot {
	const struct plane *plane;
	bool table; /* its strip table counts */
};

/* Some spots of one file, looked at one after another. */
struct part {
	size_t first, n;
	struct tally tally;
	int rc;
};

/* Spots that are looked at together. */
struct looking {
	const struct dataset *d;
	const struct image *im;
	struct spot spots[AT_ONCE];
	size_t n_spots;
	struct part parts[AT_ONCE];
	size_t n_parts;
};

static void looking_clear(struct looking *l)
{
	for (size_t i = 0; i < l->n_parts; i++)
		tally_done(&l->parts[i].tally);
	l->n_spots = l->n_parts = 0;
}

static void looking_free(struct looking **l)
{
	if (*l != NULL)
		looking_clear(*l);
	free(*l);
}

static void add_spot(struct looking *l, const struct plane *plane, bool table)
{
	struct part *p = l->n_parts > 0 ? &l->parts[l->n_parts - 1] : NULL;
	if (p == NULL || p->n == PART_MAX || l->spots[p->first].plane->file != plane->file) {
		p = &l->parts[l->n_parts++];
		*p = (struct part){ .first = l->n_spots };
	}
	p->n++;
	l->spots[l->n_spots++] = (struct spot){ plane, table };
}

static void look_part(void *arg, size_t i)
{
	struct looking *l = arg;
	struct part *p = &l->parts[i];
	struct look_file CLEANUP(look_file_done) file;
	look_file_init(&file, l->d);
	for (size_t k = 0; p->rc == 0 && k < p->n; k++) {
		const struct spot *s = &l->spots[p->first + k];
		p->rc = look_one(&p->tally, &file, l->im, s->plane, s->table);
	}
}

/* Looks at what was added, and counts it in order. -ENOMEM. */
static int look_together(struct looking *l, const struct each *each, struct tally *t)
{
	int rc = 0;
	each_run(each, l->n_parts, look_part, l);
	for (size_t i = 0; i < l->n_parts; i++) {
		rc = rc == 0 ? l->parts[i].rc : rc;
		tally_move(t, &l->parts[i].tally);
	}
	looking_clear(l);
	return rc;
}

int look_samples(struct image *im, const struct look_samples *s, struct err *err)
{
	struct tally CLEANUP(tally_done) t = { 0 };
	struct looking CLEANUP(looking_free) *l = calloc(1, sizeof(*l));
	if (l == NULL)
		return err_oom(err);
	l->d = s->d;
	l->im = im;
	uint64_t tables = min_u64(s->n, SAMPLES);
	uint64_t n = s->all ? s->n : tables;
	uint64_t k = 0;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t at = spread(i, n, s->n);
		/* Tables of as many as without `all`, so that the share is the same. */
		bool table = at == spread(k, tables, s->n);
		k += table;
		add_spot(l, &im->planes[s->planes[at]], table);
		if ((l->n_spots == AT_ONCE || i + 1 == n) && look_together(l, s->each, &t) != 0)
			return err_oom(err);
	}
	report(im, &t, n);
	return 0;
}
