/* Images under construction: planes laid out from names and pages, then ordered and named. Internal to
 * the scan. */
#pragma once

#include "meta/each.h"
#include "meta/image.h"
#include "meta/names.h"
#include "meta/pattern.h"

struct draft {
	struct image *im;   /* owned; planes, axes, warnings are filled */
	const char *folder; /* path of its folder, "" for SOURCE; not owned */
	char *tail;	    /* its id within the folder; NULL: the folder's name says it all */
	uint32_t first;	    /* file of its first plane */
	uint32_t page;	    /* position in that file, where pages are images */
};

struct drafts {
	struct dataset *d;
	const struct pattern *pattern; /* NULL: none */
	bool is_file;		       /* SOURCE is a file */
	const struct each *each;
	struct ahead *ahead; /* of survey.h; NULL: nothing was read ahead */
	struct draft *v;
	size_t n;
};

void drafts_done(struct drafts *ds);

/* Adds the image (or images, where pages or files do not fit together) of one interpretation. Its members
 * count from files[first]. `tail` is borrowed. Opens files to count their pages; marks those that are no
 * TIFF. -EINVAL with the sentence for the user. */
int drafts_add(struct drafts *ds, const char *folder, const char *tail, size_t first,
	       const struct name_image *ni, struct err *err);

/* Gives each image its id: the folders before it, without a first part that all share; unique without
 * regard to ASCII case. `name` is the id of a lone image. */
int drafts_name(struct drafts *ds, const char *name, struct err *err);
