/* Texts, pages of the main chain, and planes without pages of their own, for the readers of descriptions. */
#pragma once

#include "meta/told.h"

/* Positions in the main chain of pages that are planes, ascending: those of the first one's kind, without overviews
 * and masks (unless it is one), and malformed ones, which keep their places. */
struct told_pages {
	uint32_t *at;
	uint32_t n;
	uint32_t all; /* pages of the chain */
};

/* Reads every page, unless there is only one. -ENOMEM. */
int told_pages_read(const struct told_source *s, struct told_pages *out, struct err *err);
void told_pages_done(struct told_pages *p);

/* The page of plane i: without a list that one, behind the list's end one beyond the chain. */
static inline uint64_t told_page(const struct told_pages *p, uint64_t i)
{
	if (p->at == NULL)
		return i;
	return i < p->n ? p->at[i] : p->all + (i - p->n);
}

/* Whether so many planes are more than the chain's `pages` because it is cut, and may have been there: then those
 * behind the cut are claimed, as TOLD_PAGE beyond the chain. */
bool told_goes_on(const struct told_source *s, uint64_t pages, uint64_t planes);

/* The first `max` bytes of a text tag, of whatever bytes; caller frees *out. 1; 0: there is none that could be read.
 * -ENOMEM, or as reading. */
int told_text(const struct told_source *s, const struct tiff_values *v, size_t max, char **out,
	      struct err *err);

/* Overviews and masks, in a file whose first page is none. */
bool told_is_reduced(const struct told_source *s, const struct tiff_page *p);

/* Whether so many planes, of so many bytes each, are far more than the file has room for: a few lines of text must not
 * take as much memory as they like for planes that are nowhere. */
bool told_is_far_out(const struct told_source *s, uint64_t planes, uint64_t bytes);

/* How far behind the strips of page `p` those of the next one of `planes` (above 1) planes lie that follow one another
 * without pages of their own; the last ones may lie behind the end of the file, which was cut. 1; 0 where they cannot
 * lie there: *why says it, as the end of a sentence. Errors as of reading. */
int told_behind(const struct told_source *s, const struct tiff_page *p, uint64_t planes,
		uint64_t *step, const char **why, struct err *err);
