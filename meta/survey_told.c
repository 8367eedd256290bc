#include "meta/survey_told.h"

#include <errno.h>
#include <string.h>

#include "meta/places.h"

/* One plane, at the file's first page: its name may number it. */
static bool is_single(const struct told *t)
{
	const struct told_plane *p = t->n_images == 1 ? t->images[0].planes : NULL;
	return p != NULL && told_n_planes(&t->images[0]) == 1 && p->where == TOLD_PAGE &&
	       p->at == 0;
}

/* Planes in other files, or of images that other files share, are for sets; there they were not wanted. */
static bool is_own(const struct told *t)
{
	return !told_reaches_out(t) && t->run == NULL;
}

static bool numbers_pages(const struct drafts *ds)
{
	struct pattern_pages pages;
	return ds->pattern != NULL && pattern_pages(ds->pattern, &pages);
}

/* Keeps the facts alone. */
static void drop_planes(struct told *t)
{
	for (size_t i = 0; i < t->n_images; i++) {
		free(t->images[i].planes);
		t->images[i].planes = NULL;
	}
}

/* Each line with the name of the file that it is about. */
static void add_notes(struct text *to, const char *path, const struct text *notes)
{
	for (const char *s = notes->s; s != NULL && *s != '\0';) {
		size_t len = strcspn(s, "\n");
		text_addf(to, "%s: %.*s\n", path, (int)len, s);
		s += len + (s[len] == '\n');
	}
}

void survey_take_told(const struct drafts *ds, size_t first, const struct name_image *ni,
		      struct telling *t, uint32_t member, struct survey *out)
{
	const char *path = ds->d->files[first + ni->members[member].entry].path;
	add_notes(&out->notes, path, &t->told.notes);
	if (t->rc < 0 && ds->pattern == NULL)
		err_set(&out->refused, -t->rc, "%s: %s (--pattern decides over it)", path,
			t->err.msg);
	else if (t->rc < 0)
		text_addf(&out->notes, "%s: %s; --pattern decides\n", path, t->err.msg);
	if (t->rc <= 0)
		return;
	out->told = t->told;
	t->told = (struct told){ 0 };
	text_done(&out->told.notes);
	out->teller = member;
	if (!is_own(&out->told) || numbers_pages(ds))
		drop_planes(&out->told);
	else
		out->told_series = ni->n_members > 1 && !is_single(&out->told);
	if (ni->n_members > 1 && !out->told_series)
		drop_planes(&out->told);
}

/* The chain's pages that no plane lies in. */
static int leave_out_rest(struct dataset *d, const struct source_file *f, const struct pages *p,
			  const struct told *t)
{
	CLEANUP(freep) bool *used = calloc(p->n_chain + (size_t)1, sizeof(*used));
	CLEANUP(freep) struct page_out *v = calloc(p->n_chain + (size_t)1, sizeof(*v));
	if (used == NULL || v == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_images; i++) {
		uint64_t n = told_n_planes(&t->images[i]);
		for (uint64_t k = 0; k < n; k++) {
			const struct told_plane *at = &t->images[i].planes[k];
			/* Of other kinds the pages have no numbers. */
			if (at->where != TOLD_PAGE && at->where != TOLD_GAP)
				return 0;
			if (at->where == TOLD_PAGE && at->at < p->n_chain)
				used[at->at] = true;
		}
	}
	struct pages rest = { .out = v };
	for (uint32_t k = 0, known = 0; k < p->n_chain; k++) {
		while (known < p->n_out && p->out[known].page < k)
			known++;
		bool said = known < p->n_out && p->out[known].page == k;
		if (!used[k])
			v[rest.n_out++] = (struct page_out){
				.page = k,
				.why = said ? p->out[known].why
					    : "a page that the file tells of no plane",
				.overview = said && p->out[known].overview
			};
	}
	return survey_leave_out(d, f, &rest);
}

int survey_told_lone(struct dataset *d, struct source_file *f, const struct pages *p,
		     const struct told *t)
{
	int rc = leave_out_rest(d, f, p, t);
	return rc == 0 ? places_set_told(f, t, p->chain, p->n_chain) : rc;
}

int survey_told_one(struct source_file *f, size_t member, const struct pages *p,
		    const struct telling *t, struct survey *out)
{
	const struct told_image *first = &out->told.images[0];
	bool same = t->rc == 1 && t->told.n_images == 1 && out->told.n_images == 1 &&
		    is_own(&t->told) &&
		    memcmp(t->told.images[0].n, first->n, sizeof(first->n)) == 0;
	if (same)
		return places_set_told(f, &t->told, p->chain, p->n_chain);
	if (out->equal)
		out->odd = (uint32_t)member;
	out->equal = out->equal_but_last = false;
	return 0;
}
