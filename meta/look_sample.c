#include "meta/look_sample.h"

#include "codec/text.h"

#include <errno.h>
#include <string.h>

/* An odd number of pages: the first, the middle, the last, and 60 evenly spaced between them. */
enum { SAMPLES = 63, TABLE_PART = 1024, TABLE_MAX = 64 * 1024, NAMED = 3 };

struct tally {
	uint64_t stored, raw;
	uint64_t n_odd, n_damaged;
	struct text odd, damaged; /* the first few, in words */
};

static void tally_done(struct tally *t)
{
	text_done(&t->odd);
	text_done(&t->damaged);
}

static void note(struct text *t, uint64_t *n, const char *path, const char *what)
{
	if ((*n)++ < NAMED)
		text_addf(t, "%s%s%s%s", t->len > 0 ? "; " : "", path, *path != '\0' ? ": " : "",
			  what);
}

static void add_unit(struct tally *t, const struct tiff_page *p, uint64_t index,
		     const struct tiff_unit *u, uint64_t *bad, const char **why)
{
	uint64_t row = index / p->units_x % p->units_y;
	uint64_t raw = tiff_unit_bytes(p, tiff_unit_rows(p, (uint32_t)row));
	if (u->state == TIFF_UNIT_DAMAGED) {
		if ((*bad)++ == 0)
			*why = u->why;
		return;
	}
	t->raw += raw;
	if (u->state == TIFF_UNIT_STORED)
		t->stored += u->count;
}

/* The strip table of one page: what is stored, and what cannot be read. */
static int add_table(struct tally *t, struct look_file *f, const struct tiff_page *p,
		     const char *path)
{
	uint64_t total = (uint64_t)p->units_x * p->units_y * (p->planar ? p->samples : 1);
	uint64_t n = min_u64(total, TABLE_MAX), bad = 0;
	const char *why = NULL;
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
			add_unit(t, p, i + u, &part[u], &bad, &why);
	}
	if (bad == 0)
		return 0;
	struct text CLEANUP(text_done) what = { 0 };
	text_addf(&what, "%llu of %llu %s: %s", (unsigned long long)bad, (unsigned long long)n,
		  p->tiled ? "tiles" : "strips", why != NULL ? why : "damaged");
	if (!what.oom)
		note(&t->damaged, &t->n_damaged, path, what.s);
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

static int look_one(struct tally *t, struct look_file *f, struct image *im,
		    const struct plane *plane, bool table)
{
	const struct source_file *sf = &f->d->files[plane->file];
	if (sf->unreadable)
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
	uint64_t unit = tiff_unit_bytes(&p, tiff_unit_rows(&p, 0));
	im->unit_bytes_max = max_u64(im->unit_bytes_max, unit);
	return table ? add_table(t, f, &p, sf->path) : 0;
}

static void report(struct image *im, const struct tally *t, uint64_t looked)
{
	unsigned long long n = looked;
	if (t->n_odd > 0 && !t->odd.oom)
		image_warn(im,
			   "%llu of %llu pages looked at cannot be planes of this image and will "
			   "give errors: %s%s",
			   (unsigned long long)t->n_odd, n, t->odd.s,
			   t->n_odd > NAMED ? "; .." : "");
	if (t->n_damaged > 0 && !t->damaged.oom)
		image_warn(im, "%llu of %llu pages looked at are damaged: %s%s",
			   (unsigned long long)t->n_damaged, n, t->damaged.s,
			   t->n_damaged > NAMED ? "; .." : "");
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
