#include "meta/draft.h"

#include <errno.h>
#include <search.h>
#include <string.h>
#include <strings.h>

/* Length of the first part of "a/b"; 0 for "". */
static size_t first_part(const char *folder)
{
	return strcspn(folder, "/");
}

static const char *behind_first(const char *folder)
{
	size_t n = first_part(folder);
	return folder + n + (folder[n] == '/');
}

/* All drafts lie below one and the same folder, and keep a name without it. */
static bool share_first(const struct drafts *ds)
{
	const char *a = ds->v[0].folder;
	size_t len = first_part(a);
	if (len == 0)
		return false;
	for (size_t i = 0; i < ds->n; i++) {
		const struct draft *f = &ds->v[i];
		if (first_part(f->folder) != len || strncmp(f->folder, a, len) != 0)
			return false;
		if (f->tail == NULL && *behind_first(f->folder) == '\0')
			return false;
	}
	return true;
}

static int compare_ids(const void *a, const void *b)
{
	return strcasecmp(a, b);
}

/* The id as such: folders and tail joined. NULL: out of memory. */
static char *joined(const struct draft *f)
{
	struct text CLEANUP(text_done) all = { 0 };
	for (const char *s = f->folder; *s != '\0'; s = behind_first(s)) {
		if (all.len > 0)
			text_add(&all, "_");
		text_addn(&all, s, first_part(s));
	}
	if (f->tail != NULL)
		text_addf(&all, "%s%s", all.len > 0 ? "_" : "", f->tail);
	struct text CLEANUP(text_done) id = { 0 };
	if (!all.oom)
		names_id_clean(&id, all.s != NULL ? all.s : "", all.len);
	return all.oom || id.oom ? NULL : STEAL(id.s);
}

/* Gives the draft `id`, or id_2, id_3, .. where that is taken. Takes id over. */
static int settle(const struct dataset *d, struct draft *f, char *id, void **taken)
{
	char *want = id;
	for (unsigned k = 2;; k++) {
		void *found = want == NULL ? NULL : tsearch(want, taken, compare_ids);
		if (found != NULL && *(char **)found == want) {
			f->im->id = want;
			if (want == id)
				return 0;
			image_warn(f->im, "another image has the name %s: this one begins with %s",
				   id, d->files[f->first].path);
			free(id);
			return 0;
		}
		if (want != id)
			free(want);
		if (found == NULL) {
			free(id);
			return -ENOMEM;
		}
		struct text next = { 0 };
		text_addf(&next, "%s_%u", id, k);
		if (next.oom)
			text_done(&next);
		want = next.s;
	}
}

static void keep(void *id UNUSED)
{
}

int drafts_name(struct drafts *ds, const char *name, struct err *err)
{
	if (ds->n == 1) {
		struct text id = { 0 };
		names_id_clean(&id, name, strlen(name));
		ds->v[0].im->id = id.s;
		return id.oom ? err_oom(err) : 0;
	}
	while (share_first(ds))
		for (size_t i = 0; i < ds->n; i++)
			ds->v[i].folder = behind_first(ds->v[i].folder);
	void *taken = NULL;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ds->n; i++)
		rc = settle(ds->d, &ds->v[i], joined(&ds->v[i]), &taken);
	tdestroy(taken, keep);
	return rc == 0 ? 0 : err_oom(err);
}
