/* JSON texts as people write them, read strictly (RFC 8259, UTF-8): with the line of each value, in the order of the
 * text, each key once, numbers as they are spelled. A byte order mark in front is passed over. */
#pragma once

#include "codec/err.h"

/* Larger texts and deeper ones are refused. */
enum { JSON_MAX_BYTES = 1 << 20, JSON_MAX_DEPTH = 32 };

enum json_type {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* One value. The first one in an array or object stands behind it, the others each at the `next` of the one before. */
struct json_value {
	enum json_type type;
	uint32_t line; /* where it begins, of a member its key; from 1 */
	uint32_t n;    /* of an array or object: how many values are in it */
	uint32_t next; /* index of what stands behind it and all that is in it */
	const char *
		key; /* of a member of an object, else NULL. Valid UTF-8 without NUL, as are all strings */
	const char *text; /* of a string or, as it is spelled, a number; else NULL */
};

struct json_tree {
	struct json_value *v; /* in the order of the text; v[0] is the outermost */
	size_t n;
	char *strings;
};

/* Where the text is wrong. */
struct json_fault {
	uint32_t line;
	char key[64]; /* the member of the outermost object in whose value it is, cut to fit; "": none */
};

/* -EINVAL with a sentence that names neither line nor key, and *fault; -EFBIG: more than JSON_MAX_BYTES; -ENOMEM. What
 * *out holds ends with json_tree_done, which is not needed after an error. */
int json_read(const char *s, size_t n, struct json_tree *out, struct json_fault *fault,
	      struct err *err);
void json_tree_done(struct json_tree *t);

/* "true", "a number", "an array": for sentences. */
const char *json_type_name(enum json_type type);
