#include "fs/check_form.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "fs/version.h"

/* JSON is printed as it comes, for a list of damage may be long. */
static void add_json(struct text *t, cJSON *item)
{
	char CLEANUP(freep) *s = item != NULL ? cJSON_PrintUnformatted(item) : NULL;
	if (s != NULL)
		text_add(t, s);
	else
		t->oom = true;
	cJSON_Delete(item);
}

static void add_json_name(struct text *t, const char *s)
{
	struct text CLEANUP(text_done) clean = { 0 };
	text_add_name(&clean, s, strlen(s));
	add_json(t, clean.oom ? NULL : cJSON_CreateString(clean.s != NULL ? clean.s : ""));
}

static void add_key(struct text *t, const char *key, const char *value)
{
	text_addf(t, "\"%s\":", key);
	add_json_name(t, value);
}

static void add_count(struct text *t, const char *key, uint64_t n)
{
	text_addf(t, "\"%s\":%llu", key, (unsigned long long)n);
}

static void json_begin(struct check_report *r)
{
	text_add(&r->text, "{");
	add_key(&r->text, "version", version_string());
	text_add(&r->text, ",");
	add_key(&r->text, "source", r->data->source);
	text_add(&r->text, ",\"images\":[");
}

static void json_image(struct check_report *r, const struct image *im)
{
	bool bad = image_state(im) == IMAGE_BAD;
	struct text *t = &r->text;
	text_add(t, r->image > 0 ? ",\n{" : "\n{");
	add_key(t, "id", im->id);
	text_add(t, bad ? ",\"state\":\"bad\"," : ",\"state\":\"ready\",");
	if (bad) {
		add_key(t, "error", im->why.msg);
		text_add(t, ",");
	}
	add_count(t, "planes", r->planes - r->missing);
	text_add(t, ",");
	add_count(t, "missing", r->missing);
	text_add(t, ",\"damaged\":[");
}

static void json_damage(struct check_report *r, const struct check_damage *d)
{
	const struct image *im = &r->data->images[d->at.image];
	const struct plane *p = &im->planes[d->at.plane];
	struct text *t = &r->text;
	text_add(t, r->any ? ",\n {" : "\n {");
	add_key(t, "file", r->data->files[p->file].path);
	text_add(t, ",");
	add_count(t, "page", p->page);
	text_add(t, ",");
	add_count(t, "t", d->at.plane / (im->n_c * im->n_z));
	text_add(t, ",");
	add_count(t, "c", d->at.plane / im->n_z % im->n_c);
	text_add(t, ",");
	add_count(t, "z", d->at.plane % im->n_z);
	text_add(t, ",");
	add_key(t, "why", d->why);
	/* None: the plane as a whole. */
	if (d->n > 0) {
		text_add(t, ",");
		add_count(t, d->tiled ? "tiles_damaged" : "strips_damaged", d->n);
		text_add(t, ",");
		add_count(t, d->tiled ? "tiles" : "strips", d->of);
	}
	text_add(t, "}");
}

static void json_image_end(struct check_report *r, UNUSED const struct image *im,
			   UNUSED bool interrupted)
{
	text_add(&r->text, "]}");
}

static void json_images_end(struct check_report *r)
{
	text_add(&r->text, "\n],\"broken\":[");
}

static void json_broken(struct check_report *r, const struct source_file *f)
{
	struct text *t = &r->text;
	struct text CLEANUP(text_done) why = { 0 };
	source_file_cut(f, &why);
	text_add(t, r->counts.broken == 0 ? "\n {" : ",\n {");
	add_key(t, "file", f->path);
	text_add(t, ",");
	add_key(t, "why", why.oom ? "" : why.s);
	t->oom |= why.oom;
	text_add(t, "}");
}

static void json_end(struct check_report *r, bool interrupted)
{
	const struct check_counts *c = &r->counts;
	const struct {
		const char *key;
		uint64_t n;
	} all[] = {
		{ "images", c->images },   { "unusable", c->unusable },	    { "planes", c->planes },
		{ "damaged", c->damaged }, { "missing", c->missing },	    { "broken", c->broken },
		{ "bytes", c->bytes },	   { "bytes_read", c->bytes_read },
	};
	text_add(&r->text, "],\n\"totals\":{");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		add_count(&r->text, all[i].key, all[i].n);
		text_add(&r->text, ",");
	}
	text_addf(&r->text, "\"seconds\":%.3f,\"mb_per_s\":%.1f},\"interrupted\":%s}\n", c->seconds,
		  check_rate(c), interrupted ? "true" : "false");
}

const struct check_form check_json = { json_begin,	json_image,  json_damage, json_image_end,
				       json_images_end, json_broken, json_end };
