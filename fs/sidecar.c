#include "fs/sidecar.h"

#include "fs/nearest.h"
#include "fs/sidecar_file.h"
#include "fs/sidecar_value.h"
#include "meta/names.h"
#include "meta/sidecars.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Puts the file's path, the line and the key (NULL: none) in front. */
static int prefix(struct err *err, const char *path, uint32_t line, const char *key)
{
	struct text CLEANUP(text_done) t = { 0 };
	text_addf(&t, "%s:%u", path, (unsigned)line);
	if (key != NULL) {
		text_add(&t, ": \"");
		text_add_name(&t, key, min_u64(strlen(key), SIDECAR_SHOWN));
		text_add(&t, "\"");
	}
	return t.oom ? err_oom(err) : err_prefix(err, "%s", t.s);
}

static int unknown_key(const char *key, struct err *err)
{
	size_t n = 0;
	const struct option_row *rows = options_table(&n);
	struct nearest best;
	const char *bare = key + strspn(key, "-");
	nearest_init(&best, bare, strlen(bare));
	for (size_t i = 0; i < n; i++)
		if (rows[i].side != SIDE_NOT)
			nearest_offer(&best, rows[i].name);
	if (best.word != NULL)
		return err_set(err, EINVAL, "unknown key; did you mean \"%s\"?", best.word);
	return err_set(err, EINVAL, "unknown key: keys are the long options without --");
}

/* The command line has said it: by this option, or by one that answers the same question. */
static bool is_overridden(const struct options *o, const struct option_row *row)
{
	static const char group[] = "group", pattern[] = "pattern";
	if (options_given(o, row->name)->by == GIVEN_BY_LINE)
		return true;
	if (strcmp(row->name, group) == 0)
		return options_given(o, pattern)->by == GIVEN_BY_LINE;
	return strcmp(row->name, pattern) == 0 && options_given(o, group)->by == GIVEN_BY_LINE &&
	       o->group_none;
}

static int note_origin(struct option_given *g, const char *path, struct err *err)
{
	struct text t = { 0 };
	const char *slash = strrchr(path, '/');
	text_addf(&t, "side-car %s, line %u", slash != NULL ? slash + 1 : path, (unsigned)g->line);
	free(g->from);
	g->from = t.s;
	return t.oom ? err_oom(err) : 0;
}

/* Of an overridden row: right or wrong, but without effect. */
static int set_value(struct options *o, const struct option_row *row, const char *text,
		     uint32_t line, struct err *err)
{
	size_t n = 0;
	struct option_given *g = &o->given[row - options_table(&n)];
	g->line = line;
	if (is_overridden(o, row)) {
		struct options unused = { 0 };
		int rc = row->set(&unused, text, err);
		options_done(&unused);
		return rc;
	}
	int rc = options_set(o, row, text, err);
	g->by = GIVEN_BY_SIDECAR;
	return rc == 0 ? note_origin(g, o->sidecar, err) : rc;
}

static int set_labels(struct options *o, const struct option_row *row, const struct json_tree *t,
		      const struct json_value *v, struct err *err)
{
	const struct json_value *item = v->type == JSON_ARRAY ? v + 1 : v;
	size_t n = v->type == JSON_ARRAY ? v->n : 1;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++, item = &t->v[item->next]) {
		struct text CLEANUP(text_done) text = { 0 };
		rc = sidecar_label(item, o->sidecar, &text, err);
		if (rc == 0)
			rc = set_value(o, row, text.s, v->line, err);
	}
	return rc;
}

static int take_member(struct options *o, const struct json_tree *t, const struct json_value *v,
		       struct err *err)
{
	const struct option_row *row = options_row(v->key, strlen(v->key));
	if (strcmp(v->key, "$schema") == 0)
		return 0;
	if (row == NULL)
		return unknown_key(v->key, err);
	if (row->side == SIDE_NOT)
		return err_set(err, EINVAL,
			       "a side-car cannot hold it: it is about the mount, not about the "
			       "images");
	if (v->type == JSON_NULL)
		return 0;
	if (row->side == SIDE_LABELS)
		return set_labels(o, row, t, v, err);
	struct text CLEANUP(text_done) text = { 0 };
	int rc = sidecar_value(row->side, t, v, &text, err);
	return rc == 0 ? set_value(o, row, text.s, v->line, err) : rc;
}

static int take_members(struct options *o, const struct json_tree *t, struct err *err)
{
	if (t->v[0].type != JSON_OBJECT) {
		err_set(err, EINVAL, "one JSON object is expected, not %s",
			json_type_name(t->v[0].type));
		return prefix(err, o->sidecar, t->v[0].line, NULL);
	}
	const struct json_value *v = t->v + 1;
	for (uint32_t i = 0; i < t->v[0].n; i++, v = &t->v[v->next]) {
		int rc = take_member(o, t, v, err);
		if (rc != 0)
			return rc == -ENOMEM ? rc : prefix(err, o->sidecar, v->line, v->key);
	}
	return 0;
}

int sidecar_take(struct options *o, const char *path, const char *s, size_t n, struct err *err)
{
	struct json_tree t;
	struct json_fault fault;
	free(o->sidecar);
	o->sidecar = strdup(path);
	if (o->sidecar == NULL)
		return err_oom(err);
	int rc = json_read(s, n, &t, &fault, err);
	if (rc != 0)
		return rc == -ENOMEM ? rc
				     : prefix(err, path, fault.line,
					      fault.key[0] != '\0' ? fault.key : NULL);
	rc = take_members(o, &t, err);
	json_tree_done(&t);
	return rc;
}

/* Where the side-car of a source would lie. 0 and *path NULL: a source of another kind, which the scan will tell. */
static int place(const char *source, char **path, struct err *err)
{
	struct stat st;
	struct text t = { 0 };
	*path = NULL;
	if (stat(source, &st) != 0 || (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)))
		return 0;
	size_t len = strlen(source);
	if (S_ISDIR(st.st_mode)) {
		text_addf(&t, "%s%s%s", source, source[len - 1] == '/' ? "" : "/", NAMES_SIDECAR);
	} else {
		sidecars_path(source, &t);
	}
	*path = t.s;
	return t.oom ? err_oom(err) : 0;
}

static int load_from(struct options *o, const char *path, bool *usage, struct err *err)
{
	CLEANUP(freep) char *s = NULL;
	size_t n = 0;
	struct stat st;
	int rc = sidecar_read(AT_FDCWD, path, path, &s, &n, &st, err);
	/* `ngffuse info --sidecar SOURCE > SOURCE/ngffuse.json`: the shell has made it just now. */
	if (rc <= 0 || (n == 0 && o->sidecar_wanted))
		return rc < 0 ? rc : 0;
	rc = sidecar_take(o, path, s, n, err);
	*usage = rc != 0 && rc != -ENOMEM;
	return rc;
}

int sidecar_load(struct options *o, bool *usage, struct err *err)
{
	CLEANUP(freep) char *path = NULL;
	*usage = false;
	int rc = place(o->source, &path, err);
	return rc == 0 && path != NULL ? load_from(o, path, usage, err) : rc;
}
