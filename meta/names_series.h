/* One series (equal texts, other numbers) and what its numbers mean. Internal to the interpretation of
 * names. */
#pragma once

#include "meta/names_axes.h"
#include "meta/names_list.h"
#include "meta/names_split.h"

struct name_series {
	struct name_file **file; /* ascending by fields from left to right, no two the same */
	size_t n;
};

enum name_role {
	ROLE_CONSTANT,
	ROLE_T,
	ROLE_C,
	ROLE_Z,
	ROLE_I,	      /* an image for each value */
	ROLE_UNNAMED, /* varies, and no word says what it is */
	ROLE_IGNORED, /* varies, and others say it all */
};

struct name_reading {
	struct name_file **file; /* ascending by i, t, c, z, unnamed fields */
	size_t n;
	const struct name_file *low, *high; /* first and last by fields from left to right */
	enum name_role role[NAME_FIELDS];
	bool named[NAME_FIELDS];  /* a word in the name gave the role */
	size_t word[NAME_FIELDS]; /* its length, with what separates it from the number */
	uint32_t fields, varying;
	size_t *start; /* first file of each image, and n */
	size_t n_images;
	uint64_t *room; /* n values */
};

/* What all series of a folder share. */
struct name_context {
	const char *const *entries;
	const struct name_options *opts;
};

/* Adds the images of a series. -EINVAL: refused. */
int names_series_read(const struct name_series *s, const struct name_context *ctx,
		      struct names_list *list, struct err *err);
