/* Asks the readers which planes a file tells. Internal to the scan. */
#pragma once

#include "meta/pages.h"
#include "meta/told.h"

struct dataset;

/* What one file told. */
struct telling {
	int rc; /* as of a told_reader */
	struct err err;
	struct told told;
};

void telling_done(struct telling *t);

/* Asks a file of dataset `d` with this path; its pages have been read through `r`. Errors are left in `out`. */
void tell_file(const struct dataset *d, const char *path, const struct reader *r,
	       const struct pages *pages, struct telling *out);

/* A file that is no TIFF, but tells the planes of others beside it: NDTiff.index, *.companion.ome. */
bool tell_is_index(const char *name);

/* Length of such a name without what says so. */
size_t tell_index_stem(const char *name);

/* Asks such a file. */
void tell_index(const struct dataset *d, const char *path, struct telling *out);

/* Whether the first bytes and the first description let expect planes in other files, or planes of images that
 * several files share; a cheap question, whose answer may be too often yes. -ENOMEM, -EIO .. */
int tell_is_shared(const struct reader *r);

/* Whether it tells of planes in other files. */
bool told_reaches_out(const struct told *t);
