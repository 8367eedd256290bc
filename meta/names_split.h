/* The names of one folder cut into texts and numbers, or by the two shapes that microscopes write and
 * that say more than numbers do. Internal to the interpretation of names. */
#pragma once

#include "codec/err.h"

enum { NAME_FIELDS = 16 };

/* Files of different classes are never slices of one image. */
enum name_class { CLASS_NONE, CLASS_PLAIN, CLASS_OME, CLASS_LSM, CLASS_STK, CLASS_SLIDE };

enum name_shape {
	SHAPE_NUMBERS,
	SHAPE_MICRO_MANAGER, /* img_T_CH_Z: fields t, c (any text), z */
	SHAPE_METAMORPH,     /* BASE_wN[NAME][_sN][_tN]: fields c ("N" or "NNAME"), i, t */
};

/* What varies between names: the bytes at..at + len. */
struct name_field {
	uint64_t value; /* of the digits; a text's rank, once it has one */
	uint32_t at, len;
};

/* A name as text, field, text, field, .., text; the last text ends at `stem`. */
struct name_file {
	const char *name;
	struct name_field *fields; /* in the table's pool */
	uint64_t hash;		   /* of everything but the fields */
	uint32_t entry, stem, n;
	enum name_class class;
	enum name_shape shape;
};

struct name_table {
	struct name_file *files;
	size_t n;
	struct name_field *pool;
};

/* Splits all names but those of the class CLASS_SLIDE, which have no fields. */
int name_table_make(const char *const *entries, size_t n, struct name_table *out, struct err *err);
void name_table_done(struct name_table *t);

/* Takes back a shape: splits at the numbers. */
void name_file_plain(struct name_file *f);

enum name_class name_class_of(const char *name, size_t *stem);

/* The k-th text, k = 0 .. n. */
static inline const char *name_text(const struct name_file *f, uint32_t k, size_t *len)
{
	size_t from = k == 0 ? 0 : f->fields[k - 1].at + f->fields[k - 1].len;
	size_t to = k == f->n ? f->stem : f->fields[k].at;
	*len = to - from;
	return f->name + from;
}

/* Value of n digits; false beyond 19 digits after the leading zeros. */
bool name_number(const char *s, size_t n, uint64_t *value);

static inline bool name_is_digit(char c)
{
	return c >= '0' && c <= '9';
}
