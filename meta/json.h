/* JSON texts under construction: cJSON items with a sticky out-of-memory flag, so that callers check
 * once, at json_print. Keys keep the order in which they were added; numbers are printed by ourselves
 * (shortest that reads back, never through the locale). */
#pragma once

#include <cjson/cJSON.h>

#include "codec/text.h"

struct json {
	cJSON *root; /* the outermost object */
	bool oom;
};

/* Starts an object. A json that was started ends with json_done. */
void json_start(struct json *j);
void json_done(struct json *j);

/* Containers inside `parent`; key NULL: the parent is an array. NULL when memory ran out, which every
 * function here takes as a parent and ignores. */
cJSON *json_object(struct json *j, cJSON *parent, const char *key);
cJSON *json_array(struct json *j, cJSON *parent, const char *key);

/* Bytes that are not UTF-8 and control characters become U+FFFD. */
void json_string(struct json *j, cJSON *parent, const char *key, const char *s);
void json_bool(struct json *j, cJSON *parent, const char *key, bool v);
void json_null(struct json *j, cJSON *parent, const char *key);
void json_u64(struct json *j, cJSON *parent, const char *key, uint64_t v);

/* A number that is not finite is written as 0: JSON has no other. */
void json_double(struct json *j, cJSON *parent, const char *key, double v);

/* A number whose digits the caller has. */
void json_digits(struct json *j, cJSON *parent, const char *key, const char *digits);

/* Appends the text without blanks. -ENOMEM. */
int json_print(struct json *j, struct text *out);
