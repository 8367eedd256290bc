#include "meta/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "meta/voxel.h"

void json_start(struct json *j)
{
	j->root = cJSON_CreateObject();
	j->oom = j->root == NULL;
}

void json_done(struct json *j)
{
	cJSON_Delete(j->root);
	*j = (struct json){ 0 };
}

/* Takes `item` over; yields it where it found its place. */
static cJSON *add(struct json *j, cJSON *parent, const char *key, cJSON *item)
{
	bool ok = item != NULL && parent != NULL;
	if (ok)
		ok = key != NULL ? cJSON_AddItemToObject(parent, key, item)
				 : cJSON_AddItemToArray(parent, item);
	if (ok)
		return item;
	cJSON_Delete(item);
	j->oom = true;
	return NULL;
}

cJSON *json_object(struct json *j, cJSON *parent, const char *key)
{
	return add(j, parent, key, cJSON_CreateObject());
}

cJSON *json_array(struct json *j, cJSON *parent, const char *key)
{
	return add(j, parent, key, cJSON_CreateArray());
}

void json_string(struct json *j, cJSON *parent, const char *key, const char *s)
{
	CLEANUP(text_done) struct text t = { 0 };
	text_add(&t, "");
	text_add_name(&t, s, strlen(s));
	add(j, parent, key, t.oom ? NULL : cJSON_CreateString(t.s));
}

void json_bool(struct json *j, cJSON *parent, const char *key, bool v)
{
	add(j, parent, key, cJSON_CreateBool(v));
}

void json_null(struct json *j, cJSON *parent, const char *key)
{
	add(j, parent, key, cJSON_CreateNull());
}

void json_digits(struct json *j, cJSON *parent, const char *key, const char *digits)
{
	add(j, parent, key, cJSON_CreateRaw(digits));
}

void json_u64(struct json *j, cJSON *parent, const char *key, uint64_t v)
{
	char digits[24];
	snprintf(digits, sizeof(digits), "%" PRIu64, v);
	json_digits(j, parent, key, digits);
}

void json_double(struct json *j, cJSON *parent, const char *key, double v)
{
	char digits[32];
	voxel_print(v, digits, sizeof(digits));
	json_digits(j, parent, key, digits);
}

int json_print(struct json *j, struct text *out)
{
	char *s = j->oom ? NULL : cJSON_PrintUnformatted(j->root);
	if (s == NULL)
		return -ENOMEM;
	text_add(out, s);
	cJSON_free(s);
	return out->oom ? -ENOMEM : 0;
}
