#include "fs/status.h"

#include "fs/describe.h"
#include "fs/info.h"
#include "fs/log.h"
#include "fs/mount_point.h"
#include "fs/produce.h"
#include "fs/version.h"
#include "meta/chunk_source.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { RECENT = 32 };

/* "key": 12, with what stands in front of it in the object. */
static void add_count(struct text *t, const char *front, const char *key, uint64_t v)
{
	text_addf(t, "%s\"%s\": %llu", front, key, (unsigned long long)v);
}

/* s as a JSON string. */
static void add_string(struct text *t, const char *s)
{
	struct text CLEANUP(text_done) clean = { 0 };
	describe_name(&clean, s);
	cJSON *item = clean.oom ? NULL : cJSON_CreateString(clean.s != NULL ? clean.s : "");
	char CLEANUP(freep) *json = item != NULL ? cJSON_PrintUnformatted(item) : NULL;
	cJSON_Delete(item);
	if (json == NULL)
		t->oom = true;
	else
		text_add(t, json);
}

static void add_memory(struct text *t, const struct store_stats *s)
{
	text_add(t, "\"memory\": {");
	add_count(t, "", "now", s->memory_now);
	add_count(t, ", ", "peak", s->memory_peak);
	add_count(t, ", ", "budget", s->budget);
	add_count(t, ", ", "reserved", s->reserved);
	add_count(t, ", ", "pinned", s->pinned);
	add_count(t, ", ", "cached", s->cached);
	text_add(t, "},\n");
}

static bool is_active(const struct store_level *l)
{
	return (l->made | l->hits | l->joined | l->failed) != 0;
}

/* All images together; level 0, and others that somebody asked for. */
static void add_levels(struct text *t, const struct store_stats *s)
{
	text_add(t, "\"levels\": [");
	for (unsigned k = 0; k < STORE_LEVELS; k++) {
		const struct store_level *l = &s->level[k];
		if (k > 0 && !is_active(l))
			continue;
		add_count(t, k == 0 ? "{" : ",\n  {", "level", k);
		add_count(t, ", ", "made", l->made);
		add_count(t, ", ", "remade", l->remade);
		add_count(t, ", ", "hits", l->hits);
		add_count(t, ", ", "joined", l->joined);
		add_count(t, ", ", "evicted", l->evicted);
		add_count(t, ", ", "failed", l->failed);
		add_count(t, ", ", "bytes", l->bytes);
		text_add(t, "}");
	}
	text_add(t, "],\n");
}

/* How far it has come, by what it has read of the files. */
static void add_pass(struct text *t, const struct dataset *d, const struct store_stats *s)
{
	const struct image *im = s->pass ? dataset_image(d, s->pass_run.image) : NULL;
	if (im == NULL)
		return;
	struct text CLEANUP(text_done) place = { 0 };
	image_place(d, im, &place);
	t->oom |= place.oom;
	text_add(t, "\"pass\": {\"image\": ");
	add_string(t, place.s != NULL ? place.s : "");
	add_count(t, ", ", "level", im->first_level + s->pass_run.level);
	add_count(t, ", ", "read", s->pass_fetched);
	if (!level_is_sampled(im, s->pass_run.level)) {
		uint64_t all = max_u64(1, im->pyramid.level[s->pass_run.level].stored);
		double share = (double)s->pass_fetched / (double)all;
		text_addf(t, ", \"share\": %.3f", share < 1 ? share : 1.0);
	}
	text_add(t, "},\n");
}

static void add_longest(struct text *t, const struct dataset *d, const struct store_stats *s,
			const struct file_in_use *f)
{
	text_add(t, "\"longest\": {");
	add_count(t, "", "ms", s->longest_ms);
	const struct image *im = s->longest_ms > 0 ? dataset_image(d, s->longest.image) : NULL;
	if (im != NULL) {
		text_add(t, ", \"image\": ");
		add_string(t, im->id);
		if (s->longest.level == STORE_FIRST_LOOK) {
			text_add(t, ", \"first_look\": true");
		} else {
			add_count(t, ", ", "level", im->first_level + s->longest.level);
			add_count(t, ", ", "index", s->longest.index);
		}
	}
	if (f->any && f->file < d->n_files) {
		text_add(t, ", \"file\": ");
		add_string(t, d->files[f->file].path);
		add_count(t, ", ", "file_ms", f->ms);
	}
	text_add(t, "},\n");
}

static void add_errors(struct text *t)
{
	struct log_entry CLEANUP(freep) *entries = calloc(RECENT, sizeof(*entries));
	if (entries == NULL) {
		t->oom = true;
		return;
	}
	size_t n = log_recent(entries);
	text_add(t, "\"errors\": [");
	for (size_t i = 0; i < n; i++) {
		text_add(t, i > 0 ? ",\n  {\"kind\": " : "\n  {\"kind\": ");
		add_string(t, entries[i].kind);
		text_add(t, ", \"what\": ");
		add_string(t, entries[i].what);
		text_add(t, ", \"message\": ");
		add_string(t, entries[i].msg);
		add_count(t, ", ", "count", entries[i].count);
		text_addf(t, ", \"time\": %lld}", (long long)entries[i].time);
	}
	text_add(t, "],\n");
}

/* As many images as fit into `room` bytes. */
static void add_images(struct text *t, const struct dataset *d, size_t room)
{
	size_t start = t->len;
	for (size_t i = 0; i < dataset_shown(d) && !t->oom; i++) {
		cJSON *item = info_image(d, &d->images[i]);
		char CLEANUP(freep) *json = item != NULL ? cJSON_PrintUnformatted(item) : NULL;
		cJSON_Delete(item);
		if (json == NULL) {
			t->oom = true;
			return;
		}
		if (t->len - start + strlen(json) + sizeof(",\n  ") > room)
			return;
		text_addf(t, "%s%s", i > 0 ? ",\n  " : "\n  ", json);
	}
}

int status_make(const struct engine *e, const char *protocol, struct text *out)
{
	struct store_stats s = { 0 };
	struct file_in_use f;
	store_stats(e->store, &s);
	engine_longest_file(e, &f);
	return status_text(e->data, &s, &f, protocol, out);
}

int status_text(const struct dataset *d, const struct store_stats *s, const struct file_in_use *f,
		const char *protocol, struct text *out)
{
	static const char end[] = "]}\n";
	struct text CLEANUP(text_done) t = { 0 };
	text_add(&t, "{\"version\": ");
	add_string(&t, version_string());
	if (protocol != NULL) {
		text_add(&t, ",\n\"fuse\": ");
		add_string(&t, protocol);
	}
	add_count(&t, ",\n", "planes_decoded", s->planes_decoded);
	add_count(&t, ",\n", "strips_decoded", s->strips_decoded);
	add_count(&t, ",\n", "bytes_fetched", s->bytes_fetched);
	add_count(&t, ",\n", "parked", s->parked);
	add_count(&t, ",\n", "queue", s->queued);
	add_count(&t, ",\n", "running", s->running);
	text_add(&t, ",\n");
	add_memory(&t, s);
	add_levels(&t, s);
	add_pass(&t, d, s);
	add_longest(&t, d, s, f);
	add_errors(&t);
	add_count(&t, "", "images_total", dataset_shown(d));
	text_add(&t, ",\n\"images\": [");
	size_t used = t.len + sizeof(end);
	if (used < STATUS_SIZE)
		add_images(&t, d, STATUS_SIZE - used);
	text_add(&t, end);
	if (t.oom || t.len > STATUS_SIZE)
		return -ENOMEM;
	text_addf(&t, "%*s", (int)(STATUS_SIZE - t.len), "");
	text_addn(out, t.s != NULL ? t.s : "", t.len);
	return t.oom || out->oom ? -ENOMEM : 0;
}

/* The whole file, NUL added; -errno. */
static int read_status(const char *mountpoint, char **out, struct err *err)
{
	struct text CLEANUP(text_done) path = { 0 };
	text_addf(&path, "%s/.ngffuse/status.json", mountpoint);
	char CLEANUP(freep) *buf = malloc(STATUS_SIZE + 1);
	if (path.oom || buf == NULL)
		return err_oom(err);
	int CLEANUP(closep) fd = open(path.s, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOTCONN)
		return mount_point_say_dead(mountpoint, err);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, ENOENT, "no ngffuse is mounted at %s", mountpoint);
	size_t len = 0;
	int64_t got = fd < 0 ? -1 : 1;
	while (got > 0 && len < STATUS_SIZE) {
		got = read(fd, buf + len, STATUS_SIZE - len);
		len += got > 0 ? (size_t)got : 0;
	}
	if (got < 0)
		return err_set(err, errno, "%s: %s", path.s, strerror(errno));
	while (len > 0 && (buf[len - 1] == ' ' || buf[len - 1] == '\n'))
		len--;
	buf[len] = '\0';
	*out = STEAL(buf);
	return 0;
}

static double number(const cJSON *o, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);
	return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static const char *string(const cJSON *o, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);
	return cJSON_IsString(item) ? item->valuestring : "";
}

static uint64_t failed_chunks(const cJSON *status)
{
	double n = 0;
	const cJSON *level = NULL;
	cJSON_ArrayForEach(level, cJSON_GetObjectItemCaseSensitive(status, "levels")) n +=
		number(level, "failed");
	return n > 0 ? (uint64_t)n : 0;
}

static void add_memory_words(struct text *t, const cJSON *status)
{
	const cJSON *m = cJSON_GetObjectItemCaseSensitive(status, "memory");
	text_add(t, "memory    ");
	text_add_size(t, (uint64_t)number(m, "now"));
	text_add(t, " now, ");
	text_add_size(t, (uint64_t)number(m, "peak"));
	text_add(t, " at most, budget ");
	text_add_size(t, (uint64_t)number(m, "budget"));
	text_add(t, "\n");
}

/* Levels that show something else than the method gives. */
static void add_previews(struct text *t, const cJSON *status)
{
	const cJSON *im = NULL;
	cJSON_ArrayForEach(im, cJSON_GetObjectItemCaseSensitive(status, "images"))
	{
		const cJSON *level = NULL;
		const char *before = ": level ";
		cJSON_ArrayForEach(level, cJSON_GetObjectItemCaseSensitive(im, "previews"))
		{
			if (before[0] == ':')
				text_addf(t, "preview   %s", string(im, "id"));
			text_addf(t, "%s%.0f", before, level->valuedouble);
			before = ", ";
		}
		text_add(t, before[0] == ',' ? "\n" : "");
	}
}

static void add_words(struct text *t, const cJSON *status)
{
	text_addf(t, "ngffuse   %s, %.0f image(s), FUSE %s\n", string(status, "version"),
		  number(status, "images_total"), string(status, "fuse"));
	const cJSON *o = NULL;
	cJSON_ArrayForEach(o, cJSON_GetObjectItemCaseSensitive(status, "levels"))
	{
		text_addf(t, "level %.0f   %.0f chunks made (", number(o, "level"),
			  number(o, "made"));
		text_add_size(t, (uint64_t)number(o, "bytes"));
		text_addf(t, "), %.0f made again, %.0f from the cache, %.0f joined, ",
			  number(o, "remade"), number(o, "hits"), number(o, "joined"));
		text_addf(t, "%.0f evicted, %.0f failed\n", number(o, "evicted"),
			  number(o, "failed"));
	}
	text_addf(t, "decoded   %.0f planes, %.0f strips and tiles, from ",
		  number(status, "planes_decoded"), number(status, "strips_decoded"));
	text_add_size(t, (uint64_t)number(status, "bytes_fetched"));
	text_add(t, "\n");
	add_memory_words(t, status);
	text_addf(t, "now       %.0f requests wait, %.0f jobs wait, %.0f run\n",
		  number(status, "parked"), number(status, "queue"), number(status, "running"));
	const cJSON *pass = cJSON_GetObjectItemCaseSensitive(status, "pass");
	if (pass != NULL) {
		text_addf(t, "pass      %s: level %.0f, ", string(pass, "image"),
			  number(pass, "level"));
		text_add_size(t, (uint64_t)number(pass, "read"));
		text_add(t, " read");
		if (cJSON_HasObjectItem(pass, "share"))
			text_addf(t, ", %.0f %%", 100 * number(pass, "share"));
		text_add(t, "\n");
	}
	const cJSON *longest = cJSON_GetObjectItemCaseSensitive(status, "longest");
	if (number(longest, "ms") > 0)
		text_addf(t, "longest   %.1f s, for %s\n", number(longest, "ms") / 1000,
			  string(longest, "image"));
	if (number(longest, "file_ms") >= 1000)
		text_addf(t, "storage   %s has been read for %.1f s\n", string(longest, "file"),
			  number(longest, "file_ms") / 1000);
	add_previews(t, status);
	cJSON_ArrayForEach(o, cJSON_GetObjectItemCaseSensitive(status, "errors"))
	{
		const char *what = string(o, "what");
		text_addf(t, "error     %s%s%s", what, *what != '\0' ? ": " : "",
			  string(o, "message"));
		if (number(o, "count") > 1)
			text_addf(t, " (%.0f times)", number(o, "count"));
		text_add(t, "\n");
	}
}

int status_run(const struct options *o, FILE *out, struct err *err)
{
	char CLEANUP(freep) *json = NULL;
	if (read_status(o->mountpoint, &json, err) != 0)
		return 1;
	cJSON *status = cJSON_Parse(json);
	if (!cJSON_IsObject(status)) {
		cJSON_Delete(status);
		err_set(err, EBADMSG, "what is mounted at %s gives no status", o->mountpoint);
		return 1;
	}
	uint64_t failed = failed_chunks(status);
	struct text CLEANUP(text_done) t = { 0 };
	if (o->json)
		text_addf(&t, "%s\n", json);
	else
		add_words(&t, status);
	cJSON_Delete(status);
	if (t.oom) {
		err_oom(err);
		return 1;
	}
	if (fputs(t.s, out) < 0 || fflush(out) != 0) {
		err_set(err, errno, "standard output: %s", strerror(errno));
		return 1;
	}
	return failed > 0;
}
