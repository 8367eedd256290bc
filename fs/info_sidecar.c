#include "fs/info_sidecar.h"

#include "fs/describe.h"
#include "meta/json.h"

#include <math.h>
#include <string.h>

/* What one side-car can say of all images. */
struct facts {
	const struct image *im; /* stands for all; NULL: none is usable */
	bool name, voxel, time, names, colors, windows;
};

static bool same_channels(const struct image *a, const struct image *b)
{
	return a->channels != NULL && b->channels != NULL &&
	       a->grid.size[AXIS_C] == b->grid.size[AXIS_C];
}

static bool same_voxel(const struct image *a, const struct image *b)
{
	return a->has_z == b->has_z && a->voxel[0] == b->voxel[0] && a->voxel[1] == b->voxel[1] &&
	       a->voxel[2] == b->voxel[2] && strcmp(a->unit, b->unit) == 0;
}

/* Takes away what does not hold for `im`, too. */
static void compare(struct facts *f, const struct image *im)
{
	const struct image *a = f->im;
	bool same = same_channels(a, im);
	f->name = false;
	f->voxel &= same_voxel(a, im);
	f->time &= a->has_t == im->has_t && a->time_step == im->time_step;
	f->names &= same;
	f->colors &= same;
	f->windows &= same;
	for (uint64_t c = 0; same && c < im->grid.size[AXIS_C]; c++) {
		const struct channel *x = &a->channels[c], *y = &im->channels[c];
		f->names &= strcmp(x->label, y->label) == 0;
		f->colors &= strcmp(x->color, y->color) == 0;
		f->windows &= x->start == y->start && x->end == y->end;
	}
}

/* An option would give this window and no other limits. */
static bool can_be_given(const struct image *im, const struct channel *c)
{
	if (!(c->start < c->end))
		return false;
	if (dtype_is_float(im->dtype))
		return c->min == c->start && c->max == c->end;
	return c->start >= c->min && c->end <= c->max;
}

/* What an image has that a side-car can say without changing it. */
static void begin(struct facts *f, const struct image *im)
{
	uint64_t n = im->channels != NULL ? im->grid.size[AXIS_C] : 0;
	/* A size without a unit would become one in nanometer. */
	*f = (struct facts){
		im, true, im->unit[0] != '\0', im->has_t && im->time_step > 0, n > 0, n > 0, n > 0
	};
	for (uint64_t c = 0; c < n; c++)
		f->windows &= can_be_given(im, &im->channels[c]);
	/* An empty list is no value. */
	f->names &= n != 1 || im->channels[0].label[0] != '\0';
}

static void gather(const struct dataset *d, struct facts *f)
{
	*f = (struct facts){ 0 };
	for (size_t i = 0; i < dataset_shown(d); i++) {
		const struct image *im = &d->images[i];
		if (image_state(im) != IMAGE_READY)
			continue;
		if (f->im == NULL)
			begin(f, im);
		else
			compare(f, im);
	}
	f->name &= dataset_shown(d) == 1;
}

static void add_name(struct json *j, const char *key, const struct image *im)
{
	json_string(j, j->root, key, im->id);
}

/* x, y, z */
static void add_voxel(struct json *j, const char *key, const struct image *im)
{
	cJSON *list = json_array(j, j->root, key);
	for (int i = 2; i >= (im->has_z ? 0 : 1); i--)
		json_double(j, list, NULL, im->voxel[i]);
}

static void add_unit(struct json *j, const char *key, const struct image *im)
{
	json_string(j, j->root, key, im->unit);
}

static void add_time(struct json *j, const char *key, const struct image *im)
{
	json_double(j, j->root, key, im->time_step);
}

static void add_channel_names(struct json *j, const char *key, const struct image *im)
{
	cJSON *list = json_array(j, j->root, key);
	for (uint64_t c = 0; c < im->grid.size[AXIS_C]; c++)
		json_string(j, list, NULL, im->channels[c].label);
}

static void add_colors(struct json *j, const char *key, const struct image *im)
{
	cJSON *list = json_array(j, j->root, key);
	for (uint64_t c = 0; c < im->grid.size[AXIS_C]; c++)
		json_string(j, list, NULL, im->channels[c].color);
}

static void add_windows(struct json *j, const char *key, const struct image *im)
{
	cJSON *list = json_array(j, j->root, key);
	for (uint64_t c = 0; c < im->grid.size[AXIS_C]; c++) {
		cJSON *pair = json_array(j, list, NULL);
		json_double(j, pair, NULL, im->channels[c].start);
		json_double(j, pair, NULL, im->channels[c].end);
	}
}

/* True where the row is a fact of images; one that cannot be said is null. */
static bool add_fact(struct json *j, const char *key, const struct facts *f)
{
	const struct {
		const char *key;
		bool said;
		void (*add)(struct json *j, const char *key, const struct image *im);
	} all[] = {
		{ "name", f->name, add_name },
		{ "voxel-size", f->voxel, add_voxel },
		{ "unit", f->voxel, add_unit },
		{ "time-step", f->time, add_time },
		{ "channel-names", f->names, add_channel_names },
		{ "channel-colors", f->colors, add_colors },
		{ "windows", f->windows, add_windows },
	};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (strcmp(all[i].key, key) != 0)
			continue;
		if (all[i].said)
			all[i].add(j, key, f->im);
		else
			json_null(j, j->root, key);
		return true;
	}
	return false;
}

/* Digits as JSON has them, not more than the reader keeps. */
static bool is_number(const char *s)
{
	size_t n = strlen(s);
	return n > 0 && n < 20 && strspn(s, "0123456789") == n && (n == 1 || *s != '0');
}

/* As natural as it is plain: the text of the command line always will do. */
static void add_given(struct json *j, const struct option_row *row, const char *text)
{
	if ((row->side == SIDE_NUMBER || row->side == SIDE_SHAPE) && is_number(text))
		json_digits(j, j->root, row->name, text);
	else
		json_string(j, j->root, row->name, text);
}

/* With the paths as they are, whoever gave them. */
static void add_labels(struct json *j, const char *key, const struct options *o)
{
	cJSON *list = json_array(j, j->root, key);
	for (size_t i = 0; i < o->n_labels; i++) {
		struct text CLEANUP(text_done) t = { 0 };
		char *real = realpath(o->labels[i].source, NULL);
		text_addf(&t, "%s=%s", o->labels[i].path,
			  real != NULL ? real : o->labels[i].source);
		free(real);
		j->oom |= t.oom;
		if (!t.oom)
			json_string(j, list, NULL, t.s);
	}
}

static void add_row(struct json *j, const struct option_row *row, const struct facts *f,
		    const struct options *o)
{
	const struct option_given *g = options_given(o, row->name);
	if (row->side == SIDE_NOT || add_fact(j, row->name, f))
		return;
	if (g->by == GIVEN_NOT)
		json_null(j, j->root, row->name);
	else if (row->side == SIDE_LABELS)
		add_labels(j, row->name, o);
	else
		add_given(j, row, g->text);
}

/* A line for each member. NULL: out of memory. */
static char *print_lines(const struct json *j)
{
	struct text t = { 0 };
	const cJSON *item;
	text_add(&t, "{");
	cJSON_ArrayForEach(item, j->root)
	{
		char *value = cJSON_PrintUnformatted(item);
		text_addf(&t, "%s\n    \"%s\": %s", item == j->root->child ? "" : ",", item->string,
			  value != NULL ? value : "");
		t.oom |= value == NULL;
		cJSON_free(value);
	}
	text_add(&t, "\n}");
	if (t.oom)
		text_done(&t);
	return t.s;
}

char *info_sidecar(const struct dataset *d, const struct options *o)
{
	struct facts f;
	struct json j;
	size_t n = 0;
	const struct option_row *rows = options_table(&n);
	gather(d, &f);
	json_start(&j);
	json_string(&j, j.root, "$schema", "file://" NGFFUSE_SCHEMA);
	for (size_t i = 0; i < n; i++)
		add_row(&j, &rows[i], &f, o);
	char *s = j.oom ? NULL : print_lines(&j);
	json_done(&j);
	return s;
}

static bool is_overridden(const struct option_given *g)
{
	return g->line != 0 && g->by != GIVEN_BY_SIDECAR;
}

void info_sidecar_row(const struct options *o, struct text *t)
{
	size_t n = 0, said = 0, hidden = 0;
	const struct option_row *rows = options_table(&n);
	if (o->sidecar == NULL)
		return;
	text_add(t, "side-car ");
	describe_name(t, o->sidecar);
	for (size_t i = 0; i < n; i++)
		if (o->given[i].by == GIVEN_BY_SIDECAR)
			text_addf(t, "%s%s", said++ == 0 ? ": " : ", ", rows[i].name);
	for (size_t i = 0; i < n; i++)
		if (is_overridden(&o->given[i]))
			text_addf(t, "%s%s", hidden++ == 0 ? "; overridden: " : ", ", rows[i].name);
	text_add(t, said + hidden == 0 ? ": nothing\n" : "\n");
}

bool info_sidecar_add(const struct options *o, cJSON *to)
{
	size_t n = 0;
	const struct option_row *rows = options_table(&n);
	if (o == NULL || o->sidecar == NULL)
		return true;
	struct json j = { 0 };
	cJSON *side = json_object(&j, to, "sidecar");
	json_string(&j, side, "path", o->sidecar);
	cJSON *keys = json_array(&j, side, "keys"), *hidden = json_array(&j, side, "overridden");
	for (size_t i = 0; i < n; i++) {
		if (o->given[i].by == GIVEN_BY_SIDECAR)
			json_string(&j, keys, NULL, rows[i].name);
		else if (is_overridden(&o->given[i]))
			json_string(&j, hidden, NULL, rows[i].name);
	}
	return !j.oom;
}
