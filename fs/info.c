#include "fs/info.h"

#include "fs/describe.h"
#include "fs/info_sidecar.h"
#include "fs/version.h"
#include "meta/layers.h"
#include "meta/lost.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

static const char *const made_names[] = {
	[LEVEL_STORED] = "stored",
	[LEVEL_TRUE] = "true",
	[LEVEL_PREVIEW] = "preview",
	[LEVEL_OVERVIEW] = "overview",
};

static bool add_text(cJSON *o, const char *name, const char *s)
{
	struct text CLEANUP(text_done) clean = { 0 };
	describe_name(&clean, s);
	return !clean.oom &&
	       cJSON_AddStringToObject(o, name, clean.s != NULL ? clean.s : "") != NULL;
}

static bool add_number(cJSON *o, const char *name, double v)
{
	return cJSON_AddNumberToObject(o, name, v) != NULL;
}

/* Numbers of the axes that the image has. */
static bool add_by_axis(cJSON *o, const char *name, const struct image *im,
			const uint64_t v[AXIS_COUNT])
{
	enum axis axes[AXIS_COUNT];
	unsigned n = image_axes(im, axes);
	cJSON *list = cJSON_AddArrayToObject(o, name);
	bool ok = list != NULL;
	for (unsigned i = 0; ok && i < n; i++) {
		cJSON *item = cJSON_CreateNumber((double)v[axes[i]]);
		ok = item != NULL && cJSON_AddItemToArray(list, item);
	}
	return ok;
}

static bool add_axes(cJSON *o, const struct image *im)
{
	static const char *const names[AXIS_COUNT] = { "t", "c", "z", "y", "x" };
	enum axis axes[AXIS_COUNT];
	unsigned n = image_axes(im, axes);
	cJSON *list = cJSON_AddArrayToObject(o, "axes");
	bool ok = list != NULL;
	for (unsigned i = 0; ok && i < n; i++) {
		cJSON *item = cJSON_CreateString(names[axes[i]]);
		ok = item != NULL && cJSON_AddItemToArray(list, item);
	}
	return ok;
}

/* In the order of `axes`: z (where there is one), y, x. */
static bool add_voxel(cJSON *o, const struct image *im)
{
	cJSON *list = cJSON_AddArrayToObject(o, "voxel_size");
	bool ok = list != NULL;
	for (unsigned i = im->has_z ? 0 : 1; ok && i < 3; i++) {
		cJSON *item = cJSON_CreateNumber(im->voxel[i]);
		ok = item != NULL && cJSON_AddItemToArray(list, item);
	}
	return ok && add_text(o, "unit", im->unit);
}

static bool add_given(cJSON *o, const char *name, const char *from)
{
	return from == NULL || add_text(o, name, from);
}

static bool add_from(cJSON *o, const struct image *im)
{
	cJSON *from = cJSON_AddObjectToObject(o, "from");
	return from != NULL && add_text(from, "axes", im->axes_from.text) &&
	       add_text(from, "voxel_size", im->voxel_from.text) &&
	       (!im->has_z || add_text(from, "z", im->z_from.text)) &&
	       (!im->has_t || add_text(from, "time_step", im->time_from.text)) &&
	       add_given(from, "channel_names", im->names_from) &&
	       add_given(from, "channel_colors", im->colors_from) &&
	       add_given(from, "windows", im->windows_from) &&
	       add_text(from, "codec", im->codec_from.text);
}

static bool add_channels(cJSON *o, const struct image *im)
{
	if (im->channels == NULL)
		return true;
	cJSON *list = cJSON_AddArrayToObject(o, "channels");
	bool ok = list != NULL;
	for (uint64_t i = 0; ok && i < im->grid.size[AXIS_C]; i++) {
		cJSON *c = cJSON_CreateObject();
		if (c == NULL || !cJSON_AddItemToArray(list, c)) {
			cJSON_Delete(c);
			return false;
		}
		const struct channel *ch = &im->channels[i];
		ok = add_text(c, "label", ch->label != NULL ? ch->label : "") &&
		     add_text(c, "color", ch->color) && add_number(c, "start", ch->start) &&
		     add_number(c, "end", ch->end);
	}
	return ok;
}

static bool add_warnings(cJSON *o, const struct image *im)
{
	cJSON *list = cJSON_AddArrayToObject(o, "warnings");
	bool ok = list != NULL;
	for (size_t i = 0; ok && i < im->n_warnings; i++) {
		struct text CLEANUP(text_done) clean = { 0 };
		describe_name(&clean, im->warnings[i]);
		cJSON *item = clean.oom ? NULL : cJSON_CreateString(clean.s != NULL ? clean.s : "");
		ok = item != NULL && cJSON_AddItemToArray(list, item);
	}
	return ok;
}

static bool add_mag(cJSON *o, const struct image *im, const struct level *l)
{
	cJSON *list = cJSON_AddArrayToObject(o, "mag");
	bool ok = list != NULL;
	for (unsigned i = im->has_z ? 0 : 1; ok && i < 3; i++) {
		cJSON *item = cJSON_CreateNumber((double)l->mag[i]);
		ok = item != NULL && cJSON_AddItemToArray(list, item);
	}
	return ok;
}

static bool add_level(cJSON *o, const struct image *im, unsigned k)
{
	const struct level *l = &im->pyramid.level[k];
	struct text CLEANUP(text_done) codec = { 0 };
	if (k == 0)
		describe_codec(im, &codec);
	else
		describe_codec_coarse(im, &codec);
	return !codec.oom && add_number(o, "level", k) && add_mag(o, im, l) &&
	       add_by_axis(o, "shape", im, l->size) && add_by_axis(o, "chunks", im, l->chunk) &&
	       add_text(o, "codec", codec.s) && add_text(o, "made", made_names[l->made]) &&
	       add_number(o, "run_memory", (double)l->run_bytes) &&
	       add_number(o, "run_decodes", (double)l->decoded) &&
	       add_number(o, "run_reads", (double)l->stored);
}

static bool add_levels(cJSON *o, const struct image *im)
{
	cJSON *list = cJSON_AddArrayToObject(o, "levels");
	bool ok = list != NULL;
	for (unsigned k = 0; ok && k < im->pyramid.n; k++) {
		cJSON *l = cJSON_CreateObject();
		if (l == NULL || !cJSON_AddItemToArray(list, l)) {
			cJSON_Delete(l);
			return false;
		}
		ok = add_level(l, im, k);
	}
	return ok;
}

/* Their numbers. */
static bool add_previews(cJSON *o, const struct image *im)
{
	cJSON *list = cJSON_AddArrayToObject(o, "previews");
	bool ok = list != NULL;
	for (unsigned k = 0; ok && k < im->pyramid.n; k++) {
		if (im->pyramid.level[k].made != LEVEL_PREVIEW)
			continue;
		cJSON *item = cJSON_CreateNumber(k);
		ok = item != NULL && cJSON_AddItemToArray(list, item);
	}
	return ok;
}

static bool add_way(cJSON *o, const struct view *v)
{
	return add_text(o, "made", made_names[v->made]) &&
	       add_number(o, "decodes", (double)v->decoded) &&
	       add_number(o, "reads", (double)v->stored) &&
	       (v->seconds < 0 || add_number(o, "seconds", v->seconds));
}

static bool add_prediction(cJSON *o, const struct prediction *p)
{
	cJSON *view = cJSON_AddObjectToObject(o, "first_view");
	if (view == NULL || !add_number(view, "level", p->level) || !add_way(view, &p->made))
		return false;
	cJSON *other = p->has_other ? cJSON_AddObjectToObject(view, "other") : NULL;
	return !p->has_other || (other != NULL && add_way(other, &p->other));
}

/* What is printed, of all images. */
struct report {
	const struct dataset *d;
	uint64_t budget;
	const struct prediction *measured;
	const struct options *o; /* NULL: of a live mount */
};

/* With the time where it was measured. */
static bool prediction_of(const struct report *r, const struct image *im, struct prediction *out)
{
	if (!predict_reckon(im, out))
		return false;
	if (r->measured != NULL && r->measured[im - r->d->images].level == out->level)
		*out = r->measured[im - r->d->images];
	return true;
}

static bool add_ready(cJSON *o, const struct image *im)
{
	struct text CLEANUP(text_done) codec = { 0 };
	struct text CLEANUP(text_done) layout = { 0 };
	describe_codec(im, &codec);
	describe_layout(im, &layout);
	return !codec.oom && !layout.oom && add_axes(o, im) &&
	       add_by_axis(o, "shape", im, im->grid.size) &&
	       add_text(o, "dtype", dtype_v3(im->dtype)) &&
	       add_by_axis(o, "chunks", im, im->grid.chunk) && add_text(o, "codec", codec.s) &&
	       add_voxel(o, im) && (!im->has_t || add_number(o, "time_step", im->time_step)) &&
	       add_text(o, "layout", layout.s) && add_from(o, im) && add_channels(o, im) &&
	       add_text(o, "method", reduce_method_name(im->method)) && add_previews(o, im) &&
	       add_warnings(o, im);
}

/* Length of the folder part of a path. */
static size_t folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? (size_t)(slash - path) : 0;
}

/* Files that lie beside those of the image and belong to none. */
static uint64_t left_out_beside(const struct dataset *d, const struct image *im)
{
	uint64_t first = 0, all = image_planes(im), n = 0;
	if (im->planes == NULL)
		return 0;
	while (first < all && im->planes[first].file == PLANE_GAP)
		first++;
	if (first == all)
		return 0;
	const char *path = d->files[im->planes[first].file].path;
	size_t len = folder_length(path);
	for (size_t i = 0; i < d->n_left_out; i++)
		if (folder_length(d->left_out[i].path) == len &&
		    strncmp(d->left_out[i].path, path, len) == 0)
			n++;
	return n;
}

/* Names of the layers of its dataset. */
static bool add_layers(cJSON *o, const struct dataset *d, const struct image *im)
{
	struct layer l;
	char name[LAYER_NAME];
	if (d->layer == NULL || im->label != NULL)
		return true;
	cJSON *list = cJSON_AddArrayToObject(o, "layers");
	bool ok = list != NULL;
	for (uint64_t k = 0; ok && layer_at(d, (uint32_t)(im - d->images), k, &l); k++) {
		layer_name(d, &l, name);
		cJSON *item = cJSON_CreateString(name);
		ok = item != NULL && cJSON_AddItemToArray(list, item);
	}
	return ok;
}

/* Hands `item` to the list or frees it. */
static bool append(cJSON *list, cJSON *item)
{
	if (item != NULL && cJSON_AddItemToArray(list, item))
		return true;
	cJSON_Delete(item);
	return false;
}

static cJSON *one_image(const struct report *r, const struct image *im, bool levels)
{
	const struct dataset *d = r->d;
	struct prediction p;
	static const char *const states[] = { "unseen", "ready", "bad" };
	enum image_state state = image_state(im);
	/* During its first look what it has lost is not to be looked at. */
	bool more, ready = state == IMAGE_READY;
	uint64_t lost = ready ? lost_chunks(im, &more) : 0;
	cJSON *o = cJSON_CreateObject();
	bool ok = o != NULL && add_text(o, "id", im->label != NULL ? im->label : im->id) &&
		  add_text(o, "state", states[state]) &&
		  add_number(o, "missing", (double)im->n_gaps) &&
		  add_number(o, "damaged", (double)describe_damaged(d, im)) &&
		  add_number(o, "lost", (double)lost) &&
		  add_number(o, "left_out", (double)left_out_beside(d, im));
	if (ok && im->how != NULL)
		ok = add_text(o, "how", im->how);
	if (ok && state == IMAGE_READY)
		ok = add_ready(o, im) && add_layers(o, d, im) && (!levels || add_levels(o, im)) &&
		     (!levels || !prediction_of(r, im, &p) || add_prediction(o, &p));
	if (ok && state == IMAGE_BAD)
		ok = add_text(o, "error", im->why.msg);
	if (!ok) {
		cJSON_Delete(o);
		return NULL;
	}
	return o;
}

static cJSON *with_labels(const struct report *r, const struct image *im, bool levels)
{
	cJSON *o = one_image(r, im, levels);
	if (o == NULL || im->n_labels == 0)
		return o;
	cJSON *list = cJSON_AddArrayToObject(o, "labels");
	bool ok = list != NULL;
	for (uint32_t i = 0; ok && i < im->n_labels; i++)
		ok = append(list, one_image(r, &r->d->images[im->first_label + i], levels));
	if (ok)
		return o;
	cJSON_Delete(o);
	return NULL;
}

cJSON *info_image(const struct dataset *d, const struct image *im)
{
	const struct report r = { .d = d };
	return with_labels(&r, im, false);
}

static cJSON *left_out_json(const struct dataset *d)
{
	cJSON *list = cJSON_CreateArray();
	bool ok = list != NULL;
	for (size_t i = 0; ok && i < d->n_left_out; i++) {
		cJSON *item = cJSON_CreateObject();
		ok = item != NULL && add_text(item, "path", d->left_out[i].path) &&
		     add_text(item, "why", d->left_out[i].why) &&
		     (d->left_out[i].of == NULL || add_text(item, "of", d->left_out[i].of));
		ok = ok && cJSON_AddItemToArray(list, item);
		if (!ok)
			cJSON_Delete(item);
	}
	if (!ok) {
		cJSON_Delete(list);
		return NULL;
	}
	return list;
}

/* Hands `item` to the object or frees it. */
static bool attach(cJSON *o, const char *name, cJSON *item)
{
	if (item != NULL && cJSON_AddItemToObject(o, name, item))
		return true;
	cJSON_Delete(item);
	return false;
}

static bool fill_json(cJSON *o, const struct report *r)
{
	const struct dataset *d = r->d;
	bool ok = add_text(o, "version", version_string()) && add_text(o, "source", d->source) &&
		  add_number(o, "files", (double)d->n_files) &&
		  add_number(o, "memory", (double)r->budget) && info_sidecar_add(r->o, o);
	cJSON *images = ok ? cJSON_AddArrayToObject(o, "images") : NULL;
	ok = images != NULL;
	for (size_t i = 0; ok && i < dataset_shown(d); i++)
		ok = append(images, with_labels(r, &d->images[i], true));
	ok = ok && (d->hint == NULL || add_text(o, "hint", d->hint));
	return ok && attach(o, "left_out", left_out_json(d));
}

static char *make_json(const struct report *r)
{
	cJSON *o = cJSON_CreateObject();
	char *s = o != NULL && fill_json(o, r) ? cJSON_Print(o) : NULL;
	cJSON_Delete(o);
	return s;
}

static void add_row(struct text *t, const char *head, const struct text *value, const char *from)
{
	t->oom |= value->oom;
	text_addf(t, "  %-11s %s", head, value->s != NULL ? value->s : "");
	if (from != NULL && *from != '\0') {
		text_add(t, "   (");
		describe_name(t, from);
		text_add(t, ")");
	}
	text_add(t, "\n");
}

/* One row made by one of the phrases of describe.h. */
static void add_phrase(struct text *t, const char *head, const struct image *im,
		       void (*phrase)(const struct image *, struct text *), const char *from)
{
	struct text CLEANUP(text_done) value = { 0 };
	phrase(im, &value);
	if (value.len > 0 || value.oom)
		add_row(t, head, &value, from);
}

static void phrase_shape(const struct image *im, struct text *t)
{
	describe_numbers(im, im->grid.size, t);
	text_addf(t, " %s", dtype_v3(im->dtype));
}

static void phrase_grid(const struct image *im, struct text *t)
{
	describe_numbers(im, im->grid.chunks, t);
	text_add(t, " chunks");
}

static void phrase_time(const struct image *im, struct text *t)
{
	if (im->has_t && im->time_step > 0)
		text_addf(t, "%g s", im->time_step);
	else if (im->has_t)
		text_add(t, "unknown");
}

static void phrase_channels(const struct image *im, struct text *t)
{
	enum { SHOWN = 16 };
	uint64_t n = im->channels == NULL ? 0 : im->grid.size[AXIS_C];
	for (uint64_t i = 0; i < n && i < SHOWN; i++) {
		const struct channel *c = &im->channels[i];
		text_add(t, i > 0 ? "; " : "");
		describe_name(t, c->label != NULL ? c->label : "");
		text_addf(t, " #%s %g..%g", c->color, c->start, c->end);
	}
	if (n > SHOWN)
		text_addf(t, "; and %llu more", (unsigned long long)(n - SHOWN));
}

static void phrase_how(const struct image *im, struct text *t)
{
	if (im->how != NULL)
		describe_name(t, im->how);
}

/* "mag 2-2-1: 33 x 65 x 75, chunk 32 x 64 x 64, 152 KiB together by decoding 609 KiB" */
static void phrase_level(const struct image *im, const struct level *l, struct text *t)
{
	text_add(t, "mag ");
	ladder_mag(t, l->mag);
	text_add(t, ": ");
	describe_numbers(im, l->size, t);
	text_add(t, ", chunk ");
	describe_numbers(im, l->chunk, t);
	text_add(t, l->made == LEVEL_PREVIEW	? ", PREVIEW; true ones: "
		    : l->made == LEVEL_OVERVIEW ? ", stored overview, "
						: ", ");
	text_add_size(t, l->run_bytes);
	text_add(t, " together by decoding ");
	text_add_size(t, l->decoded);
	text_add(t, " from ");
	text_add_size(t, l->stored);
}

static void add_channels_row(struct text *t, const struct image *im)
{
	struct text CLEANUP(text_done) from = { 0 };
	const struct {
		const char *what, *from;
	} facts[] = { { "names", im->names_from },
		      { "colours", im->colors_from },
		      { "windows", im->windows_from } };
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		if (facts[i].from != NULL)
			text_addf(&from, "%s%s: %s", from.len > 0 ? "; " : "", facts[i].what,
				  facts[i].from);
	t->oom |= from.oom;
	add_phrase(t, "channels", im, phrase_channels, from.s);
}

static void add_level_rows(struct text *t, const struct report *r, const struct image *im)
{
	add_phrase(t, "levels", im, describe_levels, NULL);
	for (unsigned k = 1; k < im->pyramid.n; k++) {
		struct text CLEANUP(text_done) value = { 0 };
		char head[24];
		snprintf(head, sizeof(head), "level %u", k);
		phrase_level(im, &im->pyramid.level[k], &value);
		add_row(t, head, &value, NULL);
	}
	if (im->pyramid.n > 1)
		add_phrase(t, "their codec", im, describe_codec_coarse, NULL);
	struct text CLEANUP(text_done) view = { 0 };
	struct prediction p;
	if (!prediction_of(r, im, &p))
		return;
	describe_prediction(&p, &view);
	add_row(t, "first view", &view, NULL);
}

static void add_layer_row(struct text *t, const struct dataset *d, const struct image *im)
{
	struct text CLEANUP(text_done) value = { 0 };
	describe_layers(d, im, &value);
	if (value.len > 0 || value.oom)
		add_row(t, "layers", &value, "its dataset of WEBKNOSSOS");
}

static void add_image(struct text *t, const struct report *r, const struct image *im)
{
	const struct dataset *d = r->d;
	text_add(t, "\n");
	image_place(d, im, t);
	text_add(t, "\n");
	add_phrase(t, "names", im, phrase_how, NULL);
	if (image_state(im) == IMAGE_READY) {
		add_phrase(t, "axes", im, describe_axes, im->axes_from.text);
		add_phrase(t, "shape", im, phrase_shape, NULL);
		add_phrase(t, "voxel size", im, describe_voxel, im->voxel_from.text);
		if (im->has_z && strcmp(im->z_from.text, im->voxel_from.text) != 0) {
			struct text CLEANUP(text_done) value = { 0 };
			describe_name(&value, im->z_from.text);
			add_row(t, "z from", &value, NULL);
		}
		add_phrase(t, "time step", im, phrase_time, im->time_from.text);
		add_channels_row(t, im);
		add_phrase(t, "layout", im, describe_layout, NULL);
		add_phrase(t, "chunk", im, describe_chunk, NULL);
		add_phrase(t, "grid", im, phrase_grid, NULL);
		add_phrase(t, "codec", im, describe_codec, im->codec_from.text);
		add_level_rows(t, r, im);
		if (im->label == NULL)
			add_layer_row(t, d, im);
	} else {
		text_add(t, "  unusable    ");
		describe_name(t, im->why.msg);
		text_add(t, "\n");
	}
	add_phrase(t, "gaps", im, describe_gaps, NULL);
	uint64_t damaged = describe_damaged(d, im);
	if (damaged > 0)
		text_addf(t, "  damaged     %llu plane%s cannot be read%s\n",
			  (unsigned long long)damaged, damaged == 1 ? "" : "s",
			  d->fill_damaged ? ", filled" : "");
	for (size_t i = 0; i < im->n_warnings; i++) {
		text_add(t, "  warning     ");
		describe_name(t, im->warnings[i]);
		text_add(t, "\n");
	}
}

static void make_words(const struct report *r, struct text *t)
{
	const struct dataset *d = r->d;
	describe_name(t, d->source);
	text_add(t, ": ");
	describe_files(d, t);
	size_t shown = dataset_shown(d);
	text_addf(t, "; %zu image%s", shown, shown == 1 ? "" : "s");
	if (d->n_labels > 0)
		text_addf(t, ", %zu label%s", d->n_labels, d->n_labels == 1 ? "" : "s");
	text_add(t, "; budget ");
	text_add_size(t, r->budget);
	text_add(t, "\n");
	info_sidecar_row(r->o, t);
	for (size_t i = 0; i < shown; i++) {
		const struct image *im = &d->images[i];
		add_image(t, r, im);
		for (uint32_t k = 0; k < im->n_labels; k++)
			add_image(t, r, &d->images[im->first_label + k]);
	}
	if (d->n_left_out > 0)
		text_addf(t, "\nleft out: %zu\n", d->n_left_out);
	for (size_t i = 0; i < d->n_left_out; i++) {
		text_add(t, "  ");
		describe_name(t, d->left_out[i].path);
		text_add(t, "   (");
		describe_left_out(&d->left_out[i], t);
		text_add(t, ")\n");
	}
	if (d->hint != NULL) {
		text_add(t, "\nhint: ");
		describe_name(t, d->hint);
		text_add(t, "\n");
	}
	text_add(t, "\nFiles that appear later are not noticed before the next mount.\n");
}

int info_print(const struct dataset *d, uint64_t budget, const struct prediction *measured,
	       const struct options *o, FILE *out)
{
	const struct report r = { d, budget, measured, o };
	struct text CLEANUP(text_done) words = { 0 };
	char CLEANUP(freep) *json = NULL;
	const char *s = NULL;
	if (o->sidecar_wanted) {
		s = json = info_sidecar(d, o);
	} else if (o->json) {
		s = json = make_json(&r);
	} else {
		make_words(&r, &words);
		s = words.oom ? NULL : words.s;
	}
	if (s == NULL) {
		fputs("ngffuse: out of memory\n", stderr);
		return 1;
	}
	if (fputs(s, out) < 0 || (json != NULL && fputc('\n', out) < 0) || fflush(out) != 0)
		return 1;
	for (size_t i = 0; i < d->n_images; i++)
		if (image_state(&d->images[i]) == IMAGE_BAD ||
		    describe_damaged(d, &d->images[i]) > 0)
			return 1;
	return 0;
}
