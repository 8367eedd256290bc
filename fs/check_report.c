#include "fs/check_report.h"

#include <cjson/cJSON.h>
#include <errno.h>
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

void check_report_begin(struct check_report *r, const struct dataset *d, bool json, FILE *out)
{
	*r = (struct check_report){ .data = d, .json = json, .out = out };
	if (!json)
		return;
	text_add(&r->text, "{");
	add_key(&r->text, "version", version_string());
	text_add(&r->text, ",");
	add_key(&r->text, "source", d->source);
	text_add(&r->text, ",\"images\":[");
}

static void begin_json(struct check_report *r, const struct image *im)
{
	bool bad = image_state(im) == IMAGE_BAD;
	uint64_t all = bad ? 0 : check_planes(im), missing = bad ? 0 : im->n_gaps;
	struct text *t = &r->text;
	text_add(t, r->image > 0 ? ",\n{" : "\n{");
	add_key(t, "id", im->id);
	text_add(t, bad ? ",\"state\":\"bad\"," : ",\"state\":\"ready\",");
	if (bad) {
		add_key(t, "error", im->why.msg);
		text_add(t, ",");
	}
	add_count(t, "planes", all - missing);
	text_add(t, ",");
	add_count(t, "missing", missing);
	text_add(t, ",\"damaged\":[");
}

static void begin_words(struct check_report *r, const struct image *im)
{
	struct text *t = &r->text;
	if (image_state(im) != IMAGE_BAD)
		return;
	text_add(t, "unusable: ");
	image_place(r->data, im, t);
	text_add(t, ": ");
	text_add_name(t, im->why.msg, strlen(im->why.msg));
	text_add(t, "\n");
}

static void begin_image(struct check_report *r)
{
	if (r->begun)
		return;
	const struct image *im = &r->data->images[r->image];
	r->begun = true;
	r->any = false;
	r->counts.images++;
	r->counts.unusable += image_state(im) == IMAGE_BAD;
	if (r->json)
		begin_json(r, im);
	else
		begin_words(r, im);
}

static void end_image(struct check_report *r)
{
	const struct image *im = &r->data->images[r->image];
	bool bad = image_state(im) == IMAGE_BAD;
	uint64_t all = bad ? 0 : check_planes(im), missing = bad ? 0 : im->n_gaps;
	r->counts.planes += all - missing;
	r->counts.missing += missing;
	if (r->json) {
		text_add(&r->text, "]}");
	} else if (missing > 0) {
		text_add(&r->text, "missing: ");
		image_place(r->data, im, &r->text);
		text_addf(&r->text, ": %llu of its %llu planes\n", (unsigned long long)missing,
			  (unsigned long long)all);
	}
	r->image++;
	r->begun = false;
}

static void add_units(struct text *t, const struct check_damage *d)
{
	if (d->n < 2)
		return;
	text_addf(t, " (%s%llu of its %llu %s)", d->more ? "more than " : "",
		  (unsigned long long)d->n, (unsigned long long)d->of,
		  d->tiled ? "tiles" : "strips");
}

static void damage_words(struct check_report *r, const struct check_damage *d)
{
	struct text *t = &r->text;
	text_add(t, "damaged: ");
	image_plane_place(r->data, &r->data->images[d->at.image], d->at.plane, t);
	text_add(t, ": ");
	text_add_name(t, d->why, strlen(d->why));
	add_units(t, d);
	text_add(t, "\n");
}

static void damage_json(struct check_report *r, const struct check_damage *d)
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
	r->any = true;
}

void check_report_to(struct check_report *r, const struct check_place *at,
		     const struct check_damages *damage)
{
	for (size_t i = 0; i < damage->n; i++) {
		const struct check_damage *d = &damage->list[i];
		for (; r->image < d->at.image; end_image(r))
			begin_image(r);
		begin_image(r);
		if (r->json)
			damage_json(r, d);
		else
			damage_words(r, d);
		r->counts.damaged++;
	}
	for (; r->image < at->image; end_image(r))
		begin_image(r);
}

/* "1 image", "3 images" */
static void add_number(struct text *t, uint64_t n, const char *what)
{
	text_addf(t, "%llu %s%s", (unsigned long long)n, what, n == 1 ? "" : "s");
}

static double rate(const struct check_counts *c)
{
	return c->seconds > 0 ? (double)c->bytes / 1e6 / c->seconds : 0;
}

static void end_words(struct check_report *r, bool interrupted)
{
	const struct check_counts *c = &r->counts;
	struct text *t = &r->text;
	if (interrupted)
		text_add(t, "interrupted: ");
	add_number(t, c->images, "image");
	text_add(t, ", ");
	add_number(t, c->planes, "plane");
	text_addf(t, ": %llu damaged, %llu missing", (unsigned long long)c->damaged,
		  (unsigned long long)c->missing);
	if (c->unusable > 0) {
		text_add(t, ", ");
		add_number(t, c->unusable, "image");
		text_add(t, " unusable");
	}
	if (c->broken > 0) {
		text_add(t, ", ");
		add_number(t, c->broken, "file");
		text_add(t, " broken");
	}
	text_add(t, "; ");
	text_add_size(t, c->bytes);
	text_addf(t, " in %.1f s (%.0f MB/s)\n", c->seconds, rate(c));
}

static void end_json(struct check_report *r, bool interrupted)
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
		  rate(c), interrupted ? "true" : "false");
}

/* Planes of an image that is not done. */
static void count_part(struct check_report *r, const struct check_place *at)
{
	if (r->image >= r->data->n_images || at->image != r->image || at->plane == 0)
		return;
	const struct image *im = &r->data->images[r->image];
	begin_image(r);
	for (uint64_t i = 0; i < at->plane; i++) {
		bool gap = im->planes[i].file == PLANE_GAP;
		r->counts.missing += gap;
		r->counts.planes += !gap;
	}
}

static void broken_words(struct text *t, const struct source_file *f)
{
	text_add(t, "broken: ");
	text_add_name(t, f->path, strlen(f->path));
	text_add(t, ": ");
	source_file_cut(f, t);
	text_add(t, "\n");
}

static void broken_json(struct text *t, const struct source_file *f, bool first)
{
	struct text CLEANUP(text_done) why = { 0 };
	source_file_cut(f, &why);
	text_add(t, first ? "\n {" : ",\n {");
	add_key(t, "file", f->path);
	text_add(t, ",");
	add_key(t, "why", why.oom ? "" : why.s);
	text_add(t, "}");
}

/* Files that have lost pages, which no plane tells of. */
static void add_broken(struct check_report *r)
{
	const struct dataset *d = r->data;
	if (r->json)
		text_add(&r->text, "\n],\"broken\":[");
	for (size_t i = 0; i < d->n_files; i++) {
		const struct source_file *f = &d->files[i];
		if (f->cut_after == 0)
			continue;
		if (r->json)
			broken_json(&r->text, f, r->counts.broken == 0);
		else
			broken_words(&r->text, f);
		r->counts.broken++;
	}
}

void check_report_end(struct check_report *r, const struct check_place *at, bool interrupted)
{
	count_part(r, at);
	if (r->begun && r->json)
		text_add(&r->text, "]}");
	add_broken(r);
	if (r->json)
		end_json(r, interrupted);
	else
		end_words(r, interrupted);
}

bool check_report_waits(const struct check_report *r)
{
	return r->text.len > 0 || r->text.oom;
}

int check_report_flush(struct check_report *r, struct err *err)
{
	struct text t = r->text;
	int e = t.oom ? -ENOMEM : 0;
	r->text = (struct text){ 0 };
	errno = 0;
	if (e == 0 && t.len > 0 && (fwrite(t.s, 1, t.len, r->out) != t.len || fflush(r->out) != 0))
		e = errno != 0 ? -errno : -EIO;
	text_done(&t);
	if (e == -ENOMEM)
		return err_oom(err);
	return e == 0 ? 0 : err_set(err, -e, "standard output: %s", strerror(-e));
}

void check_report_done(struct check_report *r)
{
	text_done(&r->text);
}
