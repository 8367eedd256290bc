/* Images under construction: planes laid out from names and pages, then ordered and named. Internal to
 * the scan. */
#pragma once

#include "meta/each.h"
#include "meta/image.h"
#include "meta/names.h"
#include "meta/pattern.h"
#include "meta/told.h"

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

/* A new draft at the end, with n[t, c, z] planes that nothing claims yet. `tail` is copied. NULL: out of memory.
 * Pointers to other drafts end. */
struct draft *draft_new(struct drafts *ds, const char *folder, const char *tail,
			const uint64_t n[3], const bool has[3]);

/* Plane `page` of the list of d->files[file] is plane t, c, z, if there is such a one. */
void draft_claim(struct draft *f, const uint64_t at[3], size_t file, uint32_t page);

/* Makes warnings of lines. */
void draft_warn(struct image *im, const struct text *notes);

/* A draft of the image told->images[k], without planes; facts move from there into the draft. `path`: of the file that
 * tells. The same as draft_new. */
struct draft *draft_told(struct drafts *ds, const char *folder, const char *tail, struct told *t,
			 size_t k, const char *path);

/* Moves what told->images[k] tells beside the planes into `im`. -ENOMEM. */
int draft_take_facts(struct image *im, struct told *t, size_t k, const char *path);

/* The tail of one of several images of a file or a set called `stem`: with its key, else its number. Appended. */
void draft_told_tail(struct text *tail, const char *stem, const struct told *t, size_t k);

/* Adds the image (or images, where pages or files do not fit together) of one interpretation. Its members
 * count from files[first]. `tail` is borrowed. Opens files to count their pages; marks those that are no
 * TIFF. -EINVAL with the sentence for the user. */
int drafts_add(struct drafts *ds, const char *folder, const char *tail, size_t first,
	       const struct name_image *ni, struct err *err);

/* Gives each image its id: the folders before it, without a first part that all share; unique without
 * regard to ASCII case. `name` is the id of a lone image. */
int drafts_name(struct drafts *ds, const char *name, struct err *err);
