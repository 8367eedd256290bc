/* What Micro-Manager says of a whole acquisition: the JSON object "Summary" that its files of all kinds have. */
#pragma once

#include "meta/told.h"

/* Longer ones are not read. */
enum { MM_SUMMARY_MAX = 16 << 20 };

struct mm_summary {
	uint64_t n[TOLD_AXES], positions;   /* 0: not told */
	double pixel_um, z_um, interval_ms; /* 0: not told */
	unsigned bits;			    /* significant ones; 0: not told */
	struct text prefix,
		id;    /* `id`: what only files of one acquisition have in common; may be empty */
	char **labels; /* names of positions by number; no two the same, or none at all */
	size_t n_labels;
	struct told_channel *channels;
	size_t n_channels;
};

/* What is of another type than it should be is not told. 1: it is an object to its end; 0: it is not. -ENOMEM.
 * `out` begins as { 0 } and is to be given to mm_summary_done in every case. */
int mm_summary_read(const char *text, size_t len, struct mm_summary *out);
void mm_summary_done(struct mm_summary *s);

/* Takes what the summary does not tell from the metadata of a plane: size of a pixel, significant bits. */
void mm_summary_add_plane(struct mm_summary *s, const char *text, size_t len);

/* Forgets the channels, where samples of a page are channels, too. */
void mm_summary_drop_channels(struct mm_summary *s);

/* Fills the facts of an image that has none yet: sizes, time step, bits and n channels. -ENOMEM. */
int mm_summary_tell(const struct mm_summary *s, uint64_t n_channels, struct told_image *im);

/* The facts of the acquisition from `metadata.txt`, which lies beside the files img_*, one a plane; its channels are all of them. Only what lies in its "Summary" counts, and
 * the size of a pixel of the first plane that tells one. 1; 0: it tells nothing; -ENOMEM. `im` as above. */
int mm_metadata_tell(const char *text, size_t len, struct told_image *im);
