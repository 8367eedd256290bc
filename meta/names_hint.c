#include "meta/names_group.h"
#include "meta/names_say.h"

#include <string.h>

enum { CHANNELS_MAX = 32 };

/* Series that differ in one text, and there in a word: DAPI_001.. and GFP_001... */
struct alike {
	uint32_t text;	   /* the text in which they differ */
	uint32_t field;	   /* the number that varies in each */
	size_t head, tail; /* bytes of that text that all share */
};

static bool is_word(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || name_is_digit(c);
}

/* Two files of the same build that differ in one text; *text says in which. */
static bool differ_in_text(const struct name_file *a, const struct name_file *b, uint32_t *text)
{
	uint32_t differ = 0;
	if (a->n != b->n || a->class != b->class || a->shape != b->shape)
		return false;
	for (uint32_t k = 0; k <= a->n; k++) {
		size_t n, m;
		const char *s = name_text(a, k, &n), *t = name_text(b, k, &m);
		if (n == m && memcmp(s, t, n) == 0)
			continue;
		differ++;
		*text = k;
	}
	return differ == 1;
}

/* The only field that varies in a series; a->fields: it is not the only one. */
static uint32_t lone_field(const struct name_series *s)
{
	const struct name_file *a = s->file[0], *b = s->file[s->n - 1];
	uint32_t found = a->n;
	for (uint32_t k = 0; k < a->n; k++) {
		if (a->fields[k].value == b->fields[k].value)
			continue;
		if (found < a->n)
			return a->n;
		found = k;
	}
	return found;
}

static void share(struct alike *x, const char *a, size_t n, const char *b, size_t m)
{
	size_t most = min_u64(n, m);
	x->head = min_u64(x->head, most);
	for (size_t i = 0; i < x->head; i++)
		if (a[i] != b[i])
			x->head = i;
	while (x->head > 0 && is_word(a[x->head - 1]))
		x->head--;
	x->tail = min_u64(x->tail, most - x->head);
	for (size_t i = 0; i < x->tail; i++)
		if (a[n - 1 - i] != b[m - 1 - i])
			x->tail = i;
	while (x->tail > 0 && is_word(a[n - x->tail]))
		x->tail--;
}

static bool constants_agree(const struct name_file *a, const struct name_file *b, uint32_t but)
{
	for (uint32_t k = 0; k < a->n; k++)
		if (k != but && a->fields[k].value != b->fields[k].value)
			return false;
	return true;
}

static bool are_alike(const struct name_groups *g, struct alike *x)
{
	const struct name_file *a = g->series[0].file[0];
	*x = (struct alike){ .field = lone_field(&g->series[0]),
			     .head = SIZE_MAX,
			     .tail = SIZE_MAX };
	if (x->field == a->n || a->shape != SHAPE_NUMBERS || a->n == NAME_FIELDS)
		return false;
	for (size_t i = 1; i < g->n; i++) {
		const struct name_file *b = g->series[i].file[0];
		uint32_t text = 0;
		if (!differ_in_text(a, b, &text) || (i > 1 && text != x->text) ||
		    lone_field(&g->series[i]) != x->field || !constants_agree(a, b, x->field))
			return false;
		x->text = text;
		size_t n, m;
		const char *s = name_text(a, text, &n), *t = name_text(b, text, &m);
		share(x, s, n, t, m);
	}
	for (size_t i = 0; i < g->n; i++) {
		size_t n;
		const char *word = name_text(g->series[i].file[0], x->text, &n);
		if (n <= x->head + x->tail ||
		    memchr(word + x->head, '/', n - x->head - x->tail) != NULL)
			return false;
	}
	/* Two terms of a pattern may not touch. */
	return (x->head > 0 || x->text == 0) && (x->tail > 0 || x->text == a->n);
}

/* All images are stacks, one of each series. */
static bool are_stacks(const struct name_groups *g, const struct names *names)
{
	if (names->n_images != g->n || g->n < 2 || g->n > CHANNELS_MAX)
		return false;
	for (size_t i = 0; i < g->n; i++) {
		const struct name_image *im = &names->images[i];
		if (!im->z.present || im->t.present || im->c.present || g->series[i].n < 2)
			return false;
	}
	return true;
}

/* The file with the channel's word as one more field. */
static void say_channels(struct text *t, const struct name_file *f, const struct alike *x)
{
	struct name_field fields[NAME_FIELDS + 1];
	struct name_file with = *f, *file = &with;
	size_t n;
	size_t at = (size_t)(name_text(f, x->text, &n) - f->name) + x->head;
	memcpy(fields, f->fields, x->text * sizeof(*fields));
	fields[x->text] = (struct name_field){ 0, (uint32_t)at, (uint32_t)(n - x->head - x->tail) };
	memcpy(fields + x->text + 1, f->fields + x->text, (f->n - x->text) * sizeof(*fields));
	with.fields = fields;
	with.n++;
	struct name_reading r = {
		.file = &file, .n = 1, .low = file, .high = file, .fields = with.n
	};
	r.role[x->text] = ROLE_C;
	r.role[x->field + (x->field >= x->text)] = ROLE_Z;
	struct name_plan p;
	names_plan(&r, &p);
	names_say_pattern(t, &r, &p);
}

int names_hint(const struct name_groups *g, struct names_list *list, struct err *err)
{
	struct alike x;
	if (!are_stacks(g, &list->names) || !are_alike(g, &x))
		return 0;
	struct text CLEANUP(text_done) hint = { 0 };
	say_channels(&hint, g->series[0].file[0], &x);
	text_add(&hint, " would make channels of the stacks");
	if (hint.oom)
		return err_oom(err);
	list->names.hint = STEAL(hint.s);
	return 0;
}
