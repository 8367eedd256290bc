#include "fs/sidecar_value.h"

#include <errno.h>
#include <string.h>

/* What a value may be, beside a string. */
static const struct {
	const char *expected;
	bool number, array;
	bool numbers, strings; /* as items of that array */
	char inner;	       /* between the numbers of an array in that array; 0: there is none */
	char outer;
} forms[] = {
	[SIDE_TEXT] = { .expected = "a string" },
	[SIDE_NUMBER] = { "a number", .number = true },
	[SIDE_NUMBERS] = { "an array of numbers", .array = true, .numbers = true, .outer = ',' },
	[SIDE_SHAPE] = { "an array of numbers", .number = true, .array = true, .numbers = true,
			 .outer = ',' },
	[SIDE_TEXTS] = { "an array of strings", .array = true, .strings = true, .outer = ',' },
	[SIDE_WINDOWS] = { "an array of pairs [START, END]", .array = true, .strings = true,
			   .inner = ':', .outer = ',' },
	[SIDE_FACTORS] = { "an array of factors [Z, Y, X]", .array = true, .strings = true,
			   .inner = ',', .outer = ':' },
	[SIDE_LABELS] = { .expected = "an array of strings PATH=SOURCE" },
};

static int wrong_type(enum option_side side, const struct json_value *v, bool item, struct err *err)
{
	const char *also = forms[side].number || forms[side].array
				   ? "; a string as on the command line will do, too"
				   : "";
	return err_set(err, EINVAL, "%s is expected, not %s%s%s", forms[side].expected,
		       item ? "one with " : "", json_type_name(v->type), also);
}

/* A string in a list: its commas are no separators. */
static void add_escaped(struct text *t, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == ',' || *s == '\\')
			text_add(t, "\\");
		text_addn(t, s, 1);
	}
}

/* [0, 255] */
static int add_numbers(enum option_side side, const struct json_tree *t, const struct json_value *v,
		       struct text *out, struct err *err)
{
	const struct json_value *item = v + 1;
	for (uint32_t i = 0; i < v->n; i++, item = &t->v[item->next]) {
		if (item->type != JSON_NUMBER)
			return wrong_type(side, item, true, err);
		if (i > 0)
			text_addn(out, &forms[side].inner, 1);
		text_add(out, item->text);
	}
	return 0;
}

static int add_item(enum option_side side, const struct json_tree *t, const struct json_value *v,
		    struct text *out, struct err *err)
{
	bool plain = (v->type == JSON_NUMBER && forms[side].numbers) ||
		     (v->type == JSON_STRING && forms[side].strings);
	if (v->type == JSON_ARRAY && forms[side].inner != '\0')
		return add_numbers(side, t, v, out, err);
	if (!plain)
		return wrong_type(side, v, true, err);
	if (side == SIDE_TEXTS)
		add_escaped(out, v->text);
	else
		text_add(out, v->text);
	return 0;
}

static int add_items(enum option_side side, const struct json_tree *t, const struct json_value *v,
		     struct text *out, struct err *err)
{
	const struct json_value *item = v + 1;
	for (uint32_t i = 0; i < v->n; i++, item = &t->v[item->next]) {
		if (i > 0)
			text_addn(out, &forms[side].outer, 1);
		int rc = add_item(side, t, item, out, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int sidecar_value(enum option_side side, const struct json_tree *t, const struct json_value *v,
		  struct text *out, struct err *err)
{
	int rc = 0;
	text_add(out, "");
	if (v->type == JSON_STRING || (v->type == JSON_NUMBER && forms[side].number))
		text_add(out, v->text);
	else if (v->type == JSON_ARRAY && forms[side].array)
		rc = add_items(side, t, v, out, err);
	else
		rc = wrong_type(side, v, false, err);
	return rc == 0 && out->oom ? err_oom(err) : rc;
}

int sidecar_label(const struct json_value *v, const char *sidecar, struct text *out,
		  struct err *err)
{
	if (v->type != JSON_STRING)
		return wrong_type(SIDE_LABELS, v, v->key == NULL, err);
	const char *equals = strchr(v->text, '='), *slash = strrchr(sidecar, '/');
	size_t head = equals != NULL ? (size_t)(equals - v->text) + 1 : 0;
	text_addn(out, v->text, head);
	if (equals != NULL && equals[1] != '/' && equals[1] != '\0' && slash != NULL)
		text_addn(out, sidecar, (size_t)(slash - sidecar) + 1);
	text_add(out, v->text + head);
	return out->oom ? err_oom(err) : 0;
}
