#include "meta/look_sample.h"

#include "codec/text.h"
#include "codec/unit.h"
#include "meta/pages.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* An odd number of pages: the first, the middle, the last, and 60 evenly spaced between them. */
enum { SAMPLES = 63, TABLE_PART = 1024, TABLE_MAX = 64 * 1024, NAMED = 3 };

struct tally {
	uint64_t stored, raw;
	uint64_t n_odd, n_damaged, n_mended, n_more, n_inverted;
	struct text odd, damaged, mended, more, inverted; /* the first few, in words */
};

static void tally_done(struct tally *t)
{
	text_done(&t->odd);
	text_done(&t->damaged);
	text_done(&t->mended);
	text_done(&t->more);
	text_done(&t->inverted);
}

static void note(struct text *t, uint64_t *n, const char *path, const char *what)
{
	if ((*n)++ < NAMED)
		text_addf(t, "%s%s%s%s", t->len > 0 ? "; " : "", path, *path != '\0' ? ": " : "",
			  what);
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

static void add_unit(struct tally *t, const struct tiff_page *p, uint64_t index,
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
		return;
	}
	if (u->state == TIFF_UNIT_STORED && u->why != NULL)
		fault_add(mended, u->why);
	t->raw += raw;
	if (u->state == TIFF_UNIT_STORED)
		t->stored += u->count;
}

static void note_fault(struct text *t, uint64_t *n, const struct fault *f, uint64_t units,
		       const struct tiff_page *p, const char *path)
{
	if (f->n == 0)
		return;
	struct text CLEANUP(text_done) what = { 0 };
	text_addf(&what, "%llu of %llu %s: %s", (unsigned long long)f->n, (unsigned long long)units,
		  p->tiled ? "tiles" : "strips", f->why);
	if (!what.oom)
		note(t, n, path, what.s);
}

/* The strip table of one page: what is stored, and what cannot be read. */
static int add_table(struct tally *t, struct look_file *f, const struct tiff_page *p,
		     const char *path)
{
	uint64_t total = (uint64_t)p->units_x * p->units_y * (p->planar ? p->samples : 1);
	uint64_t n = min_u64(total, TABLE_MAX);
	struct fault bad = { 0 }, mended = { 0 };
	CLEANUP(freep) struct tiff_unit *part = calloc(TABLE_PART, sizeof(*part));
	if (part == NULL)
		return -ENOMEM;
	struct reader r = look_reader(f);
	struct err own = { 0 };
	for (uint64_t i = 0; i < n; i += TABLE_PART) {
		size_t k = (size_t)min_u64(TABLE_PART, n - i);
		int rc = tiff_units_read(&r, p, i, k, part, &own);
		if (rc == -ENOMEM)
			return rc;
		if (rc != 0) {
			note(&t->damaged, &t->n_damaged, path, own.msg);
			return 0;
		}
		for (size_t u = 0; u < k; u++)
			add_unit(t, p, i + u, &part[u], &bad, &mended);
	}
	note_fault(&t->damaged, &t->n_damaged, &bad, n, p, path);
	note_fault(&t->mended, &t->n_mended, &mended, n, p, path);
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
	note(&t->odd, &t->n_odd, path, what.s);
	return 0;
}

/* A file of one plane among its like that holds more: the scan has not counted the pages of all. */
static int note_more_pages(struct tally *t, struct look_file *f, const struct source_file *sf,
			   const struct tiff_page *p)
{
	if (sf->page_ifds != NULL || p->next_ifd == 0)
		return 0;
	struct reader r = look_reader(f);
	struct pages CLEANUP(pages_done) all = { 0 };
	int rc = pages_read(&r, &all, NULL);
	if (rc != 0 || all.n <= 1)
		return rc == -ENOMEM ? rc : 0;
	char what[32];
	snprintf(what, sizeof(what), "%u pages%s", all.n, all.cut ? " at least" : "");
	note(&t->more, &t->n_more, sf->path, what);
	return 0;
}

static int look_one(struct tally *t, struct look_file *f, struct image *im,
		    const struct plane *plane, bool table)
{
	const struct source_file *sf = &f->d->files[plane->file];
	if (sf->trouble != 0)
		return 0; /* the scan has said so */
	struct tiff_page p;
	struct err own = { 0 };
	int rc = look_page(f, plane, &p, &own);
	if (rc == -ENOMEM)
		return rc;
	if (rc != 0) {
		note(&t->odd, &t->n_odd, "", own.msg);
		return 0;
	}
	enum dtype type;
	if (!look_compatible(&p, &im->kind) || tiff_page_dtype(&p, &type, NULL) != 0 ||
	    type != im->dtype)
		return note_odd(t, im, &p, sf->path);
	uint64_t unit = tiff_is_raw_rows(&p) ? 0 : tiff_unit_bytes(&p, tiff_unit_rows(&p, 0));
	im->unit_bytes_max = max_u64(im->unit_bytes_max, unit);
	if (p.photometric <= 1 && im->kind.photometric <= 1 &&
	    p.photometric != im->kind.photometric)
		note(&t->inverted, &t->n_inverted, sf->path,
		     p.photometric == 0 ? "WhiteIsZero" : "BlackIsZero");
	if (note_more_pages(t, f, sf, &p) != 0)
		return -ENOMEM;
	return table ? add_table(t, f, &p, sf->path) : 0;
}

static void warn_notes(struct image *im, const struct text *t, uint64_t n, uint64_t of,
		       const char *what)
{
	if (n > 0 && !t->oom)
		image_warn(im, "%llu of %llu %s: %s%s", (unsigned long long)n,
			   (unsigned long long)of, what, t->s, n > NAMED ? "; .." : "");
}

static void report(struct image *im, const struct tally *t, uint64_t n)
{
	warn_notes(im, &t->odd, t->n_odd, n,
		   "pages looked at cannot be planes of this image and will give errors");
	warn_notes(im, &t->damaged, t->n_damaged, n, "pages looked at are damaged");
	warn_notes(im, &t->mended, t->n_mended, n,
		   "pages looked at have byte counts that are wrong or missing");
	warn_notes(im, &t->inverted, t->n_inverted, n,
		   "pages looked at have black and white the other way round than the image, "
		   "values are as stored");
	warn_notes(im, &t->more, t->n_more, n,
		   "files looked at have several pages, only their first is used");
	im->n_damaged = t->n_odd + t->n_damaged;
	im->stored_share = t->raw > 0 ? (double)t->stored / (double)t->raw : 1;
}

/* The i-th of n places spread evenly over 0 .. total-1, both ends included. */
static uint64_t spread(uint64_t i, uint64_t n, uint64_t total)
{
	return n > 1 ? i * (total - 1) / (n - 1) : 0;
}

int look_samples(struct look_file *f, struct image *im, const struct look_samples *s,
		 struct err *err)
{
	struct tally CLEANUP(tally_done) t = { 0 };
	uint64_t tables = min_u64(s->n, SAMPLES);
	uint64_t n = s->all ? s->n : tables;
	uint64_t k = 0;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t at = spread(i, n, s->n);
		/* Tables of as many as without `all`, so that the share is the same. */
		bool table = at == spread(k, tables, s->n);
		k += table;
		if (look_one(&t, f, im, &im->planes[s->planes[at]], table) != 0)
			return err_oom(err);
	}
	report(im, &t, n);
	return 0;
}
