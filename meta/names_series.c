#include "meta/names_series.h"

#include "meta/names_label.h"
#include "meta/names_say.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { CHANNELS_MAX = 32 }; /* more values than this are no channels, whatever the word */

/* Fields to sort by. */
struct key {
	uint32_t field[NAME_FIELDS], n;
};

static void add_role(struct key *k, const struct name_reading *r, enum name_role role)
{
	for (uint32_t f = 0; f < r->fields; f++)
		if (r->role[f] == role)
			k->field[k->n++] = f;
}

static int compare_by_key(const void *a, const void *b, void *data)
{
	const struct name_file *const *x = a, *const *y = b;
	const struct key *k = data;
	for (uint32_t i = 0; i < k->n; i++) {
		uint64_t u = (*x)->fields[k->field[i]].value, v = (*y)->fields[k->field[i]].value;
		if (u != v)
			return u < v ? -1 : 1;
	}
	return 0;
}

static void sort_by(struct name_file **file, size_t n, struct key *k)
{
	bool sorted = true;
	for (size_t i = 1; i < n && sorted; i++)
		sorted = compare_by_key(&file[i - 1], &file[i], k) <= 0;
	if (!sorted)
		qsort_r(file, n, sizeof(struct name_file *), compare_by_key, k);
}

static void sort_files(struct name_reading *r)
{
	struct key k = { .n = 0 };
	add_role(&k, r, ROLE_I);
	add_role(&k, r, ROLE_T);
	add_role(&k, r, ROLE_C);
	add_role(&k, r, ROLE_Z);
	add_role(&k, r, ROLE_UNNAMED);
	sort_by(r->file, r->n, &k);
}

static bool differ(const struct name_reading *r, size_t i, size_t j, uint32_t field)
{
	return r->file[i]->fields[field].value != r->file[j]->fields[field].value;
}

static bool differ_by_role(const struct name_reading *r, size_t i, size_t j, enum name_role role)
{
	for (uint32_t f = 0; f < r->fields; f++)
		if (r->role[f] == role && differ(r, i, j, f))
			return true;
	return false;
}

static bool has_role(const struct name_reading *r, enum name_role role)
{
	for (uint32_t f = 0; f < r->fields; f++)
		if (r->role[f] == role)
			return true;
	return false;
}

static bool varies(const struct name_reading *r, uint32_t field)
{
	for (size_t i = 1; i < r->n; i++)
		if (differ(r, 0, i, field))
			return true;
	return false;
}

static size_t copy_values(const struct name_reading *r, uint32_t field, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		r->room[i - from] = r->file[i]->fields[field].value;
	return names_distinct(r->room, to - from);
}

static enum name_role role_of_word(const struct name_reading *r, uint32_t field,
				   enum name_word word)
{
	bool alone = r->varying == 1;
	switch (word) {
	case WORD_Z:
		return ROLE_Z;
	case WORD_T:
		return ROLE_T;
	case WORD_FRAME:
		return alone ? ROLE_Z : ROLE_T;
	case WORD_C:
		return copy_values(r, field, 0, r->n) > CHANNELS_MAX ? ROLE_UNNAMED : ROLE_C;
	case WORD_I:
		return ROLE_I;
	case WORD_WEAK:
		return alone ? ROLE_UNNAMED : ROLE_I;
	case WORD_NONE:
		break;
	}
	return ROLE_UNNAMED;
}

static void set_role(struct name_reading *r, uint32_t field)
{
	const struct name_file *f = r->file[0];
	size_t len;
	const char *text = name_text(f, field, &len);
	struct name_label label = name_label(text, len);
	static const enum name_role micro_manager[] = { ROLE_T, ROLE_C, ROLE_Z };
	if (f->shape == SHAPE_MICRO_MANAGER) {
		r->role[field] = micro_manager[field];
		r->named[field] = true;
		return;
	}
	if (f->shape == SHAPE_METAMORPH)
		r->role[field] = label.word == WORD_C	   ? ROLE_C
				 : label.word == WORD_WEAK ? ROLE_I
							   : ROLE_T;
	else
		r->role[field] = role_of_word(r, field, label.word);
	if (r->role[field] == ROLE_UNNAMED)
		return;
	r->word[field] = label.len;
	/* A lone frame is a slice only for want of anything better. */
	r->named[field] = label.word != WORD_FRAME || r->role[field] == ROLE_T;
}

static void set_roles(struct name_reading *r)
{
	bool moves[NAME_FIELDS] = { false };
	for (uint32_t f = 0; f < r->fields; f++) {
		moves[f] = varies(r, f);
		r->varying += moves[f];
	}
	for (uint32_t f = 0; f < r->fields; f++)
		if (moves[f])
			set_role(r, f);
}

static void find_images(struct name_reading *r)
{
	r->n_images = 0;
	for (size_t i = 0; i < r->n; i++)
		if (i == 0 || differ_by_role(r, i - 1, i, ROLE_I))
			r->start[r->n_images++] = i;
	r->start[r->n_images] = r->n;
}

static bool varies_within(const struct name_reading *r, uint32_t field)
{
	for (size_t k = 0; k < r->n_images; k++)
		for (size_t i = r->start[k] + 1; i < r->start[k + 1]; i++)
			if (differ(r, r->start[k], i, field))
				return true;
	return false;
}

static void drop_constant(struct name_reading *r)
{
	for (uint32_t f = 0; f < r->fields; f++)
		if (r->role[f] != ROLE_CONSTANT && r->role[f] != ROLE_I && !varies_within(r, f))
			r->role[f] = ROLE_IGNORED;
}

/* Step of a field's values, the largest of all images; 0: not the same all over. */
static uint64_t even_step(const struct name_reading *r, uint32_t field)
{
	uint64_t step = 1;
	for (size_t k = 0; k < r->n_images; k++) {
		bool even;
		size_t n = copy_values(r, field, r->start[k], r->start[k + 1]);
		step = max_u64(step, names_step(r->room, n, &even));
		if (!even)
			return 0;
	}
	return step;
}

/* Each value of a goes with one value of b and back, in every image. */
static int go_together(const struct name_reading *r, uint32_t a, uint32_t b, bool *yes)
{
	CLEANUP(freep) struct name_file **file = calloc(r->n, sizeof(struct name_file *));
	if (file == NULL)
		return -ENOMEM;
	*yes = true;
	for (size_t k = 0; k < r->n_images && *yes; k++) {
		size_t n = r->start[k + 1] - r->start[k], pairs = 1;
		struct key key = { { a, b }, 2 };
		memcpy(file, r->file + r->start[k], n * sizeof(struct name_file *));
		sort_by(file, n, &key);
		for (size_t i = 1; i < n; i++)
			pairs += compare_by_key(&file[i - 1], &file[i], &key) != 0;
		*yes = copy_values(r, a, r->start[k], r->start[k + 1]) == pairs &&
		       copy_values(r, b, r->start[k], r->start[k + 1]) == pairs;
	}
	return 0;
}

/* Two numbers with one meaning: if they say the same, one goes. */
static int drop_repeated(struct name_reading *r, enum name_role role, struct err *err)
{
	struct key k = { .n = 0 };
	add_role(&k, r, role);
	if (k.n < 2)
		return 0;
	uint32_t keep = k.field[k.n - 1];
	for (uint32_t i = 1; i < k.n; i++) {
		bool same;
		if (go_together(r, k.field[0], k.field[i], &same) != 0)
			return err_oom(err);
		if (!same)
			return names_refuse_twice(r, role, err);
	}
	for (uint32_t i = k.n; i-- > 0;)
		if (even_step(r, k.field[i]) == 1)
			keep = k.field[i];
	for (uint32_t i = 0; i < k.n; i++)
		if (k.field[i] != keep)
			r->role[k.field[i]] = ROLE_IGNORED;
	return 0;
}

static bool differ_by_name(const struct name_reading *r, size_t i, size_t j)
{
	return differ_by_role(r, i, j, ROLE_I) || differ_by_role(r, i, j, ROLE_T) ||
	       differ_by_role(r, i, j, ROLE_C) || differ_by_role(r, i, j, ROLE_Z);
}

/* With the named ones this field gives the order that all unnamed fields give. */
static bool gives_order(const struct name_reading *r, uint32_t field)
{
	for (size_t i = 1; i < r->n; i++)
		if (r->file[i - 1]->fields[field].value >= r->file[i]->fields[field].value &&
		    !differ_by_name(r, i - 1, i))
			return false;
	return true;
}

static bool tells_apart(struct name_reading *r, uint32_t field)
{
	struct key k = { .n = 0 };
	add_role(&k, r, ROLE_I);
	add_role(&k, r, ROLE_T);
	add_role(&k, r, ROLE_C);
	add_role(&k, r, ROLE_Z);
	k.field[k.n++] = field;
	sort_by(r->file, r->n, &k);
	for (size_t i = 1; i < r->n; i++)
		if (compare_by_key(&r->file[i - 1], &r->file[i], &k) == 0)
			return false;
	return true;
}

static int refuse(struct name_reading *r, struct err *err)
{
	bool apart = false;
	for (uint32_t f = 0; f < r->fields && !has_role(r, ROLE_Z); f++)
		apart = apart || (r->role[f] == ROLE_UNNAMED && tells_apart(r, f));
	return apart ? names_refuse_order(r, err) : names_refuse_unnamed(r, err);
}

/* The one of the unnamed fields that becomes z; r->fields: none. */
static uint32_t choose(const struct name_reading *r, const struct key *unnamed)
{
	uint32_t chosen = r->fields;
	uint64_t best = 0;
	for (uint32_t i = 0; i < unnamed->n; i++) {
		uint32_t f = unnamed->field[i];
		if (!gives_order(r, f))
			continue;
		uint64_t step = unnamed->n == 1 ? 1 : even_step(r, f);
		if (best == 0 || (step != 0 && step <= best)) {
			chosen = f;
			best = step;
		}
	}
	return chosen;
}

static int name_the_rest(struct name_reading *r, struct err *err)
{
	struct key unnamed = { .n = 0 };
	add_role(&unnamed, r, ROLE_UNNAMED);
	bool decided = true;
	for (size_t i = 1; i < r->n && decided; i++)
		decided = differ_by_name(r, i - 1, i);
	uint32_t z = r->fields;
	if (!decided) {
		z = choose(r, &unnamed);
		if (z == r->fields || has_role(r, ROLE_Z))
			return refuse(r, err);
	}
	for (uint32_t i = 0; i < unnamed.n; i++)
		r->role[unnamed.field[i]] = unnamed.field[i] == z ? ROLE_Z : ROLE_IGNORED;
	return 0;
}

static uint32_t field_of(const struct name_reading *r, enum name_role role)
{
	uint32_t f = 0;
	while (f < r->fields && r->role[f] != role)
		f++;
	return f;
}

static bool is_separator(char c)
{
	return c == ' ' || c == '_' || c == '-' || c == '.';
}

/* Adds a piece behind a hole: of a run of separators around it the first stays. */
static void add_behind_hole(struct text *t, const char *s, size_t n)
{
	size_t from = 0;
	while (from < n && is_separator(s[from]))
		from++;
	if (from > 0 && t->len > 0 && !is_separator(t->s[t->len - 1]))
		text_addn(t, s, 1);
	text_addn(t, s + from, n - from);
}

/* Texts and numbers of the name without what varies inside an image. */
static char *id_of(const struct name_reading *r, const struct name_file *f)
{
	struct text CLEANUP(text_done) t = { 0 };
	bool hole = false;
	for (uint32_t k = 0; k <= r->fields; k++) {
		size_t len;
		const char *s = name_text(f, k, &len);
		bool stays = k < r->fields && (r->role[k] == ROLE_CONSTANT || r->role[k] == ROLE_I);
		if (k < r->fields && !stays)
			len -= r->word[k];
		if (hole)
			add_behind_hole(&t, s, len);
		else
			text_addn(&t, s, len);
		if (k == r->fields)
			break;
		if (stays)
			text_addn(&t, f->name + f->fields[k].at, f->fields[k].len);
		hole = !stays;
		while (hole && t.len > 1 && is_separator(t.s[t.len - 1]) &&
		       is_separator(t.s[t.len - 2]))
			t.len--;
	}
	if (t.oom)
		return NULL;
	size_t from = 0;
	while (from < t.len && is_separator(t.s[from]))
		from++;
	while (t.len > from && is_separator(t.s[t.len - 1]))
		t.len--;
	return strndup(t.s + from, t.len - from);
}

/* The word with its value, "ch00"; where the microscope wrote the channel's name, that. */
static int label_channel(const struct name_reading *r, const struct name_file *f, uint32_t field,
			 struct name_image *im, uint32_t c, struct err *err)
{
	const char *s = f->name + f->fields[field].at;
	size_t n = f->fields[field].len, number = 0;
	if (f->shape == SHAPE_METAMORPH)
		while (number < n && name_is_digit(s[number]))
			number++;
	if (number > 0 && number < n)
		return names_label_channel(im, c, s + number, n - number, err);
	return names_label_channel(im, c, s - r->word[field], n + r->word[field], err);
}

static int label_channels(const struct name_reading *r, size_t from, struct name_image *im,
			  struct err *err)
{
	uint32_t field = field_of(r, ROLE_C);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < im->n_members; i++)
		rc = label_channel(r, r->file[from + i], field, im, im->members[i].c, err);
	return rc;
}

static int label_axis(const struct name_reading *r, enum name_role role, const struct name_file *f,
		      struct name_axis *axis, struct err *err)
{
	uint32_t field = field_of(r, role);
	if (field == r->fields)
		return 0;
	axis->labelled = r->named[field];
	size_t n = r->word[field];
	if (n == 0)
		return 0;
	axis->token = strndup(f->name + f->fields[field].at - n, n);
	return axis->token == NULL ? err_oom(err) : 0;
}

/* `spot` has room for the largest image. */
static int make_image(const struct name_reading *r, size_t k, struct name_spot *spot,
		      const struct name_context *ctx, struct names_list *list, struct err *err)
{
	struct name_image *im = names_list_image(list);
	if (im == NULL)
		return err_oom(err);
	size_t from = r->start[k], n = r->start[k + 1] - from;
	uint32_t field[SPOT_AXES] = { field_of(r, ROLE_T), field_of(r, ROLE_C),
				      field_of(r, ROLE_Z) };
	struct name_spots s = { .spot = spot, .n = n, .room = r->room };
	for (int a = 0; a < SPOT_AXES; a++) {
		s.present[a] = field[a] < r->fields;
		s.numbered[a] = a != SPOT_C;
	}
	for (size_t i = 0; i < n; i++) {
		const struct name_file *f = r->file[from + i];
		spot[i] = (struct name_spot){ .entry = f->entry };
		for (int a = 0; a < SPOT_AXES; a++)
			spot[i].v[a] = s.present[a] ? f->fields[field[a]].value : 0;
	}
	int rc = names_place(&s, ctx->entries, ctx->opts, im, err);
	const struct name_file *first = r->file[from];
	if (rc == 0)
		rc = label_axis(r, ROLE_T, first, &im->t, err);
	if (rc == 0)
		rc = label_axis(r, ROLE_C, first, &im->c, err);
	if (rc == 0)
		rc = label_axis(r, ROLE_Z, first, &im->z, err);
	if (rc == 0 && im->c.present)
		rc = label_channels(r, from, im, err);
	if (rc != 0)
		return rc;
	im->id = r->n == 1 ? strndup(first->name, first->stem) : id_of(r, first);
	return im->id == NULL ? err_oom(err) : 0;
}

static int add_how(const struct name_reading *r, size_t first_image, struct names_list *list,
		   struct err *err)
{
	struct text CLEANUP(text_done) instead = { 0 };
	struct text CLEANUP(text_done) pattern = { 0 };
	struct name_plan p;
	names_say_instead(&instead, r);
	names_plan(r, &p);
	names_say_pattern(&pattern, r, &p);
	if (pattern.oom)
		return err_oom(err);
	free(list->names.pattern);
	list->names.pattern = STEAL(pattern.s);
	for (size_t k = 0; k < r->n_images; k++) {
		struct text CLEANUP(text_done) how = { 0 };
		struct name_image *im = &list->names.images[first_image + k];
		names_say_how(&how, r, r->file[r->start[k]], instead.s);
		if (im->z.present && im->z.step > 1)
			text_addf(&how, "; every %" PRIu64 "th number is there", im->z.step);
		if (instead.oom || how.oom)
			return err_oom(err);
		im->how = STEAL(how.s);
	}
	return 0;
}

/* A file alone has z if it ends in a number that would be z among others. */
static void read_lone(struct name_reading *r)
{
	const struct name_file *f = r->file[0];
	size_t tail;
	name_text(f, f->n, &tail);
	r->start[0] = 0;
	r->start[1] = 1;
	r->n_images = 1;
	if (f->n == 0 || tail > 0 || f->shape != SHAPE_NUMBERS)
		return;
	size_t len;
	const char *text = name_text(f, f->n - 1, &len);
	struct name_label label = name_label(text, len);
	bool unnamed = label.word == WORD_NONE || label.word == WORD_WEAK;
	if (!unnamed && label.word != WORD_Z && label.word != WORD_FRAME)
		return;
	r->role[f->n - 1] = ROLE_Z;
	r->named[f->n - 1] = label.word == WORD_Z;
	r->word[f->n - 1] = unnamed ? 0 : label.len;
}

static int read_series(struct name_reading *r, struct err *err)
{
	set_roles(r);
	sort_files(r);
	find_images(r);
	drop_constant(r);
	for (enum name_role role = ROLE_T; role <= ROLE_Z; role++) {
		int rc = drop_repeated(r, role, err);
		if (rc != 0)
			return rc;
	}
	sort_files(r);
	return name_the_rest(r, err);
}

int names_series_read(const struct name_series *s, const struct name_context *ctx,
		      struct names_list *list, struct err *err)
{
	struct name_reading r = { .file = s->file, .n = s->n, .fields = s->file[0]->n };
	CLEANUP(freep) size_t *start = calloc(s->n + 1, sizeof(*start));
	CLEANUP(freep) uint64_t *room = calloc(s->n, sizeof(*room));
	CLEANUP(freep) struct name_spot *spot = calloc(s->n, sizeof(*spot));
	if (start == NULL || room == NULL || spot == NULL)
		return err_oom(err);
	r.start = start;
	r.room = room;
	r.low = s->file[0];
	r.high = s->file[s->n - 1];
	int rc = 0;
	if (s->n == 1)
		read_lone(&r);
	else
		rc = read_series(&r, err);
	size_t first = list->names.n_images;
	for (size_t k = 0; rc == 0 && k < r.n_images; k++)
		rc = make_image(&r, k, spot, ctx, list, err);
	return rc == 0 ? add_how(&r, first, list, err) : rc;
}
