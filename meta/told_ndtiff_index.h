/* The records of an NDTiff.index: which plane lies where. Internal to meta/told_ndtiff*.c. */
#pragma once

#include "meta/text_index.h"
#include "meta/told.h"

enum { ND_MAX_AXES = 32 };

struct nd_axis {
	char *name;		 /* UTF-8 */
	bool is_text;		 /* its values are texts, and numbers are told as such */
	struct text_index ranks; /* of texts as spelled, by first appearance */
	char **labels;		 /* those texts, UTF-8; ranks.n of them */
	char raw[64];		 /* its name as spelled, in lower case */
};

struct nd_record {
	uint32_t file;
	uint32_t at; /* of its pixels */
	uint32_t width, height;
	uint32_t type;
	bool packed; /* its pixels are compressed */
	uint32_t meta_at,
		meta_size; /* metadata of the plane, JSON; size 0: none that can be read */
};

struct nd_index {
	struct nd_axis axes[ND_MAX_AXES];
	uint32_t n_axes;
	struct nd_record *records;
	size_t n;
	int32_t *
		at; /* n x n_axes: number, or rank of a text. What a record does not tell is 0, as a text "0" */
	char **files;
	struct text_index file_ranks;
	bool cut; /* what followed the last record was none */
};

static inline const int32_t *nd_at(const struct nd_index *x, size_t record)
{
	return x->at + record * x->n_axes;
}

/* Reads what there is of an index. -ENOMEM. `out` begins as { 0 } and is to be given to nd_index_done in every
 * case. */
int nd_index_read(const char *bytes, size_t len, struct nd_index *out);
void nd_index_done(struct nd_index *x);
