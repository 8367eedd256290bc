/* How names and pages together make axes: which axis the pages of numbered files run along. Internal to
 * the scan. */
#pragma once

#include "meta/survey.h"

enum layout_use {
	LAYOUT_SINGLE,	    /* one page a file */
	LAYOUT_Z,	    /* pages are z */
	LAYOUT_C,	    /* pages are c */
	LAYOUT_TZ,	    /* the files' number is t, pages are z */
	LAYOUT_PARTS,	    /* pages go on along the files' z */
	LAYOUT_PATTERN,	    /* as the pattern says */
	LAYOUT_PAGES_APART, /* each page of the file an image */
	LAYOUT_FILES_APART, /* each file an image */
	LAYOUT_TOLD,	    /* each file has axes of its own, `inner`, beside those of the names */
};

struct layout {
	enum layout_use use;
	uint32_t pages; /* planes of a file */
	uint64_t n[3];	/* t, c, z */
	bool has[3];
	struct pattern_pages by_pattern;
	uint64_t inner[3]; /* t, c, z */
	bool z_is_t;	   /* the files' number, which is called z, is t */
	const char *how;   /* static text on the pages, or NULL */
};

/* -EINVAL with the sentence for the user where two answers are possible. */
int layout_decide(const struct drafts *ds, size_t first, const struct name_image *ni,
		  const struct survey *sv, struct layout *out, struct err *err);

/* The part of layout_decide for files that tell their planes (sv->told_series). Internal to layout*.c. */
int layout_told(const struct drafts *ds, size_t first, const struct name_image *ni,
		const struct survey *sv, struct layout *l, struct err *err);

/* Planes that this file claims. */
uint32_t layout_pages(const struct layout *l, const struct source_file *f);

/* t, c, z of page `page` of a member. */
void layout_place(const struct layout *l, const struct name_member *m, uint32_t page,
		  uint64_t at[3]);
