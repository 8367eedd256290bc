/* How many pages the files of one image have, from as few of them as will do. Internal to the scan. */
#pragma once

#include "meta/draft.h"
#include "meta/pages.h"
#include "meta/told.h"

struct survey {
	bool multi;	     /* files of several pages: all were counted */
	bool apart;	     /* a file whose pages are of different kinds */
	bool equal;	     /* multi: all readable files agree in count and kind */
	bool equal_but_last; /* the last one has fewer pages, the kind is the same */
	uint32_t pages;	     /* planes of the first readable file; 1 if not multi */
	uint32_t last_pages;
	uint32_t odd;	   /* member that differs from the first, where !equal */
	uint64_t smallest; /* bytes of the smallest file but the last */
	struct text notes; /* warnings, one a line */
	/* What the first readable file tells of itself; n_images 0: nothing. */
	struct told told;
	uint32_t teller;  /* that member */
	bool told_series; /* several files, each with planes that it tells; `equal` as for pages */
	struct err
		refused; /* code 0: none; else the first readable file tells of what cannot be laid out */
};

/* Sets the planes and the trouble of the files. */
int survey_files(struct drafts *ds, size_t first, const struct name_image *ni, struct survey *out,
		 struct err *err);
void survey_done(struct survey *s);

/* Whether the first readable file tells planes that are to be taken; else at most facts. */
static inline bool survey_tells_planes(const struct survey *s)
{
	return s->told.n_images > 0 && s->told.images[0].planes != NULL;
}

/* Images whose files are read together. */
enum { SURVEY_AHEAD = 64 };

/* Reads what surveys of these images (at most SURVEY_AHEAD) will look at first, many files at once, for
 * survey_files to take it. Forgets what was read before. -ENOMEM. */
int survey_ahead(struct drafts *ds, size_t first, const struct name_image *images, size_t n);
void survey_ahead_done(struct drafts *ds);

/* Lists the pages that are no planes. -ENOMEM. */
int survey_leave_out(struct dataset *d, const struct source_file *f, const struct pages *p);
