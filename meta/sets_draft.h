/* From what a set tells to drafts: its files found, their pages listed. Internal to meta/sets.c. */
#pragma once

#include "meta/draft.h"

/* What sets know of the source's files. */
struct set_files {
	struct drafts *ds;
	uint32_t *
		by_path; /* numbers of the first n files of the dataset, in the order of their paths; NULL: not asked for yet */
	size_t n;
	uint32_t *taken_by; /* of these: which set has it, from 1; 0: none */
	uint32_t n_sets;
};

/* -ENOMEM. */
int set_files_make(struct set_files *s, struct drafts *ds);
void set_files_done(struct set_files *s);

/* Makes drafts of all images of `t`, told by the file at `path`, in `folder` (borrowed). Files that are named and missing become files with a trouble. -ENOMEM, -EMFILE. */
int set_draft(struct set_files *s, const char *folder, const char *path, struct told *t,
	      struct err *err);
