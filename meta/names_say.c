#include "meta/names_say.h"

#include <errno.h>
#include <string.h>

enum { SHOWN_MAX = 64 };

void names_say_file(struct text *t, const char *name)
{
	size_t n = strlen(name);
	text_add(t, "'");
	if (n <= SHOWN_MAX) {
		text_add_name(t, name, n);
	} else {
		size_t half = SHOWN_MAX / 2 - 1;
		text_add_name(t, name, half);
		text_add(t, "..");
		text_add_name(t, name + n - half, half);
	}
	text_add(t, "'");
}

static void say_range(struct text *t, const struct name_reading *r)
{
	names_say_file(t, r->low->name);
	text_add(t, "..");
	names_say_file(t, r->high->name);
	text_add(t, ": ");
}

static void say_count(struct text *t, size_t n)
{
	static const char *const words[] = { "no",   "one", "two",   "three", "four",
					     "five", "six", "seven", "eight", "nine" };
	if (n < ARRAY_SIZE(words))
		text_add(t, words[n]);
	else
		text_addf(t, "%zu", n);
}

static char letter_of(enum name_role role)
{
	switch (role) {
	case ROLE_T:
		return 't';
	case ROLE_C:
		return 'c';
	case ROLE_Z:
		return 'z';
	case ROLE_I:
		return 'i';
	case ROLE_IGNORED:
		return ' ';
	case ROLE_CONSTANT:
	case ROLE_UNNAMED:
		break;
	}
	return '\0';
}

/* One value, but written in several ways. */
static bool spelt_differently(const struct name_reading *r, uint32_t field)
{
	const struct name_field *a = &r->file[0]->fields[field];
	for (size_t i = 1; i < r->n; i++) {
		const struct name_field *b = &r->file[i]->fields[field];
		if (a->len != b->len ||
		    memcmp(r->file[0]->name + a->at, r->file[i]->name + b->at, a->len) != 0)
			return true;
	}
	return false;
}

void names_plan(const struct name_reading *r, struct name_plan *p)
{
	for (uint32_t f = 0; f < r->fields; f++) {
		p->axis[f] = letter_of(r->role[f]);
		p->to[f] = f;
		p->kind[f] = "";
		if (r->role[f] == ROLE_CONSTANT && spelt_differently(r, f))
			p->axis[f] = ' ';
	}
}

/* Bytes that mean something to patterns or to the shell are made to mean themselves. */
static void say_literal(struct text *t, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '{' || s[i] == '}')
			text_addn(t, s + i, 1);
		if (s[i] == '\'')
			text_add(t, "'\\''");
		else
			text_addn(t, s + i, 1);
	}
}

static bool same_suffix(const struct name_reading *r)
{
	const char *suffix = r->low->name + r->low->stem;
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(suffix, r->file[i]->name + r->file[i]->stem) != 0)
			return false;
	return true;
}

void names_say_pattern(struct text *t, const struct name_reading *r, const struct name_plan *p)
{
	const struct name_file *f = r->low;
	struct text CLEANUP(text_done) raw = { 0 };
	for (uint32_t k = 0; k <= r->fields; k++) {
		size_t len;
		const char *s = name_text(f, k, &len);
		say_literal(&raw, s, len);
		if (k == r->fields)
			break;
		if (p->axis[k] == '\0')
			say_literal(&raw, f->name + f->fields[k].at, f->fields[k].len);
		else if (p->axis[k] == ' ')
			text_add(&raw, "{}");
		else
			text_addf(&raw, "{%c%s}", p->axis[k], p->kind[k]);
		k = p->to[k];
	}
	const char *suffix = f->name + f->stem;
	if (same_suffix(r))
		say_literal(&raw, suffix, strlen(suffix));
	else
		text_add(&raw, ".{}");
	if (raw.oom)
		t->oom = true;
	text_add(t, "--pattern '");
	if (raw.s != NULL)
		text_add_name(t, raw.s, raw.len);
	text_add(t, "'");
}

static int compare_images(const void *a, const void *b, void *data)
{
	const struct name_file *const *x = a, *const *y = b;
	const struct name_plan *p = data;
	for (uint32_t f = 0; f < (*x)->n; f++)
		if (p->axis[f] == 'i' && (*x)->fields[f].value != (*y)->fields[f].value)
			return (*x)->fields[f].value < (*y)->fields[f].value ? -1 : 1;
	return 0;
}

/* Adds the pattern and how many images it makes. */
static void suggest(struct text *t, const struct name_reading *r, struct name_plan *p, bool first)
{
	size_t n = 1;
	CLEANUP(freep) struct name_file **file = calloc(r->n, sizeof(struct name_file *));
	if (file == NULL) {
		t->oom = true;
		return;
	}
	memcpy(file, r->file, r->n * sizeof(struct name_file *));
	qsort_r(file, r->n, sizeof(struct name_file *), compare_images, p);
	for (size_t i = 1; i < r->n; i++)
		n += compare_images(&file[i - 1], &file[i], p) != 0;
	text_add(t, first ? ": " : ", ");
	names_say_pattern(t, r, p);
	if (n == 1)
		text_add(t, " (one image)");
	else
		text_addf(t, " (%zu images)", n);
}

static int refuse(struct text *t, struct err *err)
{
	int rc = t->oom ? err_oom(err) : err_set(err, EINVAL, "%s", t->s);
	text_done(t);
	return rc;
}

static bool is_free(const struct name_reading *r, const struct name_plan *p, char axis)
{
	for (uint32_t f = 0; f < r->fields; f++)
		if (p->axis[f] == axis)
			return false;
	return true;
}

/* Gives the unnamed fields, from the last to the first, the axes of `wanted` that are free, then i. */
static void plan_unnamed(const struct name_reading *r, struct name_plan *p, const char *wanted)
{
	for (uint32_t f = r->fields; f-- > 0;) {
		if (r->role[f] != ROLE_UNNAMED || p->axis[f] != '\0')
			continue;
		while (*wanted != '\0' && !is_free(r, p, *wanted))
			wanted++;
		p->axis[f] = *wanted != '\0' ? *wanted : 'i';
	}
}

/* "0.5": two fields with a point between, neither of them known as anything but z. */
static bool plan_decimals(const struct name_reading *r, struct name_plan *p)
{
	for (uint32_t f = 1; f < r->fields; f++) {
		size_t len;
		const char *s = name_text(r->low, f, &len);
		if (len != 1 || *s != '.' || r->role[f] != ROLE_UNNAMED ||
		    (r->role[f - 1] != ROLE_Z && r->role[f - 1] != ROLE_UNNAMED))
			continue;
		p->axis[f - 1] = '\0';
		if (!is_free(r, p, 'z'))
			return false;
		p->axis[f - 1] = 'z';
		p->kind[f - 1] = ":f";
		p->to[f - 1] = f;
		p->axis[f] = ' ';
		return true;
	}
	return false;
}

static void suggest_axes(struct text *t, const struct name_reading *r)
{
	struct name_plan one, many;
	names_plan(r, &one);
	if (plan_decimals(r, &one)) {
		plan_unnamed(r, &one, "");
		suggest(t, r, &one, true);
		return;
	}
	names_plan(r, &one);
	names_plan(r, &many);
	plan_unnamed(r, &one, "zt");
	plan_unnamed(r, &many, "z");
	suggest(t, r, &one, true);
	if (memcmp(one.axis, many.axis, r->fields) != 0)
		suggest(t, r, &many, false);
}

static size_t count_unnamed(const struct name_reading *r)
{
	size_t n = 0;
	for (uint32_t f = 0; f < r->fields; f++)
		n += r->role[f] == ROLE_UNNAMED;
	return n;
}

static void say_named(struct text *t, const struct name_reading *r)
{
	bool any = false;
	for (const char *axis = "tcz"; *axis != '\0'; axis++)
		for (uint32_t f = 0; f < r->fields; f++) {
			if (letter_of(r->role[f]) != *axis)
				continue;
			text_addf(t, "%s%c", any ? ", " : " beside ", *axis);
			any = true;
		}
}

int names_refuse_unnamed(const struct name_reading *r, struct err *err)
{
	struct text t = { 0 };
	size_t n = count_unnamed(r);
	say_range(&t, r);
	if (n == 1) {
		text_add(&t, "a number that no word names varies");
		say_named(&t, r);
	} else {
		say_count(&t, n);
		text_add(&t, " numbers vary");
		say_named(&t, r);
		text_add(&t, n == 2 ? " and neither is named" : " and none is named");
	}
	suggest_axes(&t, r);
	return refuse(&t, err);
}

int names_refuse_order(const struct name_reading *r, struct err *err)
{
	struct text t = { 0 };
	uint32_t from = r->fields, to = 0;
	bool joined = true;
	for (uint32_t f = 0; f < r->fields; f++)
		if (r->role[f] == ROLE_UNNAMED) {
			from = min_u64(from, f) == f ? f : from;
			to = f;
		}
	for (uint32_t f = from; f <= to; f++)
		joined = joined && (r->role[f] == ROLE_UNNAMED || r->role[f] == ROLE_CONSTANT);
	say_range(&t, r);
	say_count(&t, count_unnamed(r));
	text_add(&t, " numbers vary");
	say_named(&t, r);
	text_add(&t, " and no single one gives the order of the files");
	bool first = true;
	for (const char *axis = "tz"; joined && *axis != '\0'; axis++) {
		struct name_plan p;
		names_plan(r, &p);
		if (!is_free(r, &p, *axis))
			continue;
		p.axis[from] = *axis;
		p.kind[from] = ":*";
		p.to[from] = to;
		suggest(&t, r, &p, first);
		first = false;
	}
	if (first)
		suggest_axes(&t, r);
	return refuse(&t, err);
}

/* The last of the fields keeps the role, the others become `axis` where it is free, else images. */
static void plan_twice(const struct name_reading *r, enum name_role role, struct name_plan *p,
		       const char *wanted)
{
	names_plan(r, p);
	bool kept = false;
	for (uint32_t f = r->fields; f-- > 0;) {
		if (r->role[f] != role)
			continue;
		while (*wanted != '\0' && !is_free(r, p, *wanted))
			wanted++;
		if (kept)
			p->axis[f] = *wanted != '\0' ? *wanted : 'i';
		kept = true;
	}
	plan_unnamed(r, p, "");
}

int names_refuse_twice(const struct name_reading *r, enum name_role role, struct err *err)
{
	struct text t = { 0 };
	size_t n = 0;
	for (uint32_t f = 0; f < r->fields; f++)
		n += r->role[f] == role;
	say_range(&t, r);
	say_count(&t, n);
	text_addf(&t, " numbers vary and %s named %c", n == 2 ? "both are" : "all are",
		  letter_of(role));
	struct name_plan one, many;
	plan_twice(r, role, &one, "tz");
	plan_twice(r, role, &many, "");
	suggest(&t, r, &one, true);
	if (memcmp(one.axis, many.axis, r->fields) != 0)
		suggest(&t, r, &many, false);
	return refuse(&t, err);
}

static void say_source(struct text *t, const struct name_reading *r, const struct name_file *of,
		       uint32_t field)
{
	const struct name_field *f = &of->fields[field];
	size_t word = r->word[field];
	text_add(t, "'");
	text_add_name(t, of->name + f->at - word, f->len + word);
	text_add(t, "'");
}

void names_say_how(struct text *t, const struct name_reading *r, const struct name_file *of,
		   const char *instead)
{
	size_t axes = 0, images = 0;
	for (const char *axis = "tcz"; *axis != '\0'; axis++)
		for (uint32_t f = 0; f < r->fields; f++) {
			if (letter_of(r->role[f]) != *axis)
				continue;
			text_addf(t, "%s%c from ", axes++ > 0 ? ", " : "", *axis);
			if (r->varying <= 1 && r->word[f] == 0)
				text_add(t, "the number");
			else
				say_source(t, r, of, f);
		}
	if (axes > 0) {
		text_add(t, " in ");
		names_say_file(t, of->name);
	}
	for (uint32_t f = 0; f < r->fields; f++) {
		if (r->role[f] != ROLE_I)
			continue;
		text_add(t, images++ > 0 ? ", "
			    : axes > 0	 ? "; an image of its own for "
					 : "an image of its own for ");
		say_source(t, r, of, f);
	}
	if (t->len > 0 && instead != NULL)
		text_addf(t, "; %s", instead);
}

void names_say_instead(struct text *t, const struct name_reading *r)
{
	if (r->varying != 1 || r->low->shape != SHAPE_NUMBERS)
		return;
	struct name_plan p;
	names_plan(r, &p);
	for (uint32_t f = 0; f < r->fields; f++) {
		if (p.axis[f] == '\0' || p.axis[f] == ' ')
			continue;
		if (p.axis[f] == 'z')
			return;
		p.axis[f] = 'z';
	}
	names_say_pattern(t, r, &p);
	text_add(t, " would make it a stack");
}
