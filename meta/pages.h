/* The pages of one TIFF file: which of them are planes, which are overviews, masks or strangers. Names
 * play no part here. */
#pragma once

#include "codec/tiff.h"

/* A page that is no plane. */
struct page_out {
	uint32_t page;	 /* position in the main chain, from 0 */
	const char *why; /* static text */
	bool overview;
};

/* What a page of the main chain is before any is sorted out. */
struct page_kind {
	int32_t kind;	  /* pages with the same number, from 0, are of one kind; below 0: PAGE_* */
	uint32_t subfile; /* NewSubfileType */
};

/* A page that cannot be read; one of more kinds than are told apart. */
enum { PAGE_BROKEN = -1, PAGE_STRANGE = -4 };

struct pages {
	uint64_t *ifds; /* IFD offsets of the planes, in order */
	uint32_t n;
	bool apart;	       /* pages of different kinds: each is an image of its own */
	bool cut;	       /* the chain ends in a loop or outside the file */
	bool first_ifd;	       /* n is 1 and that plane is the header's first IFD */
	bool has_kind;	       /* false: no plane is well formed, `kind` is nothing */
	struct tiff_page kind; /* the first well-formed plane */
	struct page_out *out;
	size_t n_out;
	uint64_t *chain; /* all of the main chain */
	uint32_t n_chain;
	struct page_kind *kinds; /* n_chain of them; NULL: the pages were not read */
};

/* Reads and sorts all pages. -EBADMSG: no TIFF; -EIO .. from reading. */
int pages_read(const struct reader *r, struct pages *ret, struct err *err);
void pages_done(struct pages *p);

/* The chain alone, every page taken for a plane; `kind` is the first page. */
int pages_count(const struct reader *r, struct pages *ret, struct err *err);

/* True where `small` is a stored overview of `big` by its size: a whole factor of 2 or more on both axes, within
 * 5 % or one pixel, and the same type. */
bool pages_is_overview(const struct tiff_page *small, const struct tiff_page *big);
