/* Sentences and patterns for the user. Internal to the interpretation of names. */
#pragma once

#include "codec/text.h"
#include "meta/names_series.h"

/* A name in quotes, shortened where it is long. */
void names_say_file(struct text *t, const char *name);

/* What stands for each field in a pattern. */
struct name_plan {
	char axis[NAME_FIELDS];	  /* 't', 'c', 'z', 'i'; 0: the digits themselves; ' ': {} */
	uint32_t to[NAME_FIELDS]; /* the last field that one term covers: mostly its own index */
	const char *kind[NAME_FIELDS]; /* "", ":f", ":*" */
};

/* The plan that says what the reading has found; unnamed fields are left as they are. */
void names_plan(const struct name_reading *r, struct name_plan *p);

/* "--pattern 'a_{z}.tif'", to be pasted into a shell. */
void names_say_pattern(struct text *t, const struct name_reading *r, const struct name_plan *p);

/* One phrase: which number became which axis. */
void names_say_how(struct text *t, const struct name_reading *r, const struct name_file *of,
		   const char *instead);

/* The pattern by which channels, times or images would be one stack; nothing added where there is none. */
void names_say_instead(struct text *t, const struct name_reading *r);

/* Refusals, -EINVAL (-ENOMEM): */
int names_refuse_unnamed(const struct name_reading *r, struct err *err); /* beside z, or several */
int names_refuse_order(const struct name_reading *r,
		       struct err *err); /* no number alone gives the order */
int names_refuse_twice(const struct name_reading *r, enum name_role role, struct err *err);
