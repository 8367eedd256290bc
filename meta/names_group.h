/* The series of a folder: files of one class with equal texts. Internal to the interpretation of names. */
#pragma once

#include "meta/names_series.h"

struct name_groups {
	struct name_file **file; /* series after series, those of slides left out */
	size_t n_files;
	struct name_series *series;
	size_t n;
};

int names_group(struct name_table *t, struct name_groups *out, struct err *err);
void names_groups_done(struct name_groups *g);

/* Moves thumbnails and strangers from the groups to those left out. */
int names_drop_strangers(struct name_groups *g, struct names_list *list, struct err *err);

/* Keeps one name of those with the same numbers. -EINVAL: there are too many. */
int names_drop_duplicates(struct name_series *s, struct names_list *list, struct err *err);

/* Where the stacks of a folder differ in a word alone, adds to each image's `how` the pattern that makes
 * channels of them. The images are those of the groups, in their order. */
int names_hint(const struct name_groups *g, struct names_list *list, struct err *err);
