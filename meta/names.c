#include "meta/names.h"

#include "meta/names_group.h"
#include "meta/names_list.h"

#include <errno.h>
#include <string.h>

/* An image of a file whose name says nothing of planes. */
static int add_lone(const struct name_file *f, struct names_list *list, struct err *err)
{
	struct name_image *im = names_list_image(list);
	if (im == NULL)
		return err_oom(err);
	im->id = strndup(f->name, f->stem);
	im->members = calloc(1, sizeof(*im->members));
	if (im->id == NULL || im->members == NULL)
		return err_oom(err);
	im->members[0] =
		(struct name_member){ f->entry, NAMES_NO_INDEX, NAMES_NO_INDEX, NAMES_NO_INDEX };
	im->n_members = 1;
	return 0;
}

static int add_lones(const struct name_table *t, bool slides_only, struct names_list *list,
		     struct err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < t->n; i++)
		if (!slides_only || t->files[i].class == CLASS_SLIDE)
			rc = add_lone(&t->files[i], list, err);
	return rc;
}

static int add_series(struct name_table *t, const struct name_context *ctx, struct names_list *list,
		      struct err *err)
{
	struct name_groups CLEANUP(names_groups_done) g = { 0 };
	int rc = names_group(t, &g, err);
	if (rc == 0)
		rc = names_drop_strangers(&g, list, err);
	for (size_t i = 0; rc == 0 && i < g.n; i++)
		rc = names_drop_duplicates(&g.series[i], list, err);
	for (size_t i = 0; rc == 0 && i < g.n; i++)
		rc = names_series_read(&g.series[i], ctx, list, err);
	return rc == 0 ? names_hint(&g, list, err) : rc;
}

int names_interpret(const char *const *entries, size_t n, const struct name_options *opts,
		    struct names *out, struct err *err)
{
	struct names_list CLEANUP(names_list_done) list = { 0 };
	struct name_table CLEANUP(name_table_done) t = { 0 };
	struct name_context ctx = { entries, opts };
	*out = (struct names){ 0 };
	if (n == 0)
		return 0;
	int rc = name_table_make(entries, n, &t, err);
	if (rc == 0 && !opts->group_none)
		rc = add_series(&t, &ctx, &list, err);
	if (rc == 0)
		rc = add_lones(&t, !opts->group_none, &list, err);
	return rc == 0 ? names_list_finish(&list, entries, opts, out, err) : rc;
}

int names_hint_folders(const char *const *paths, size_t n, struct text *t, struct err *err)
{
	struct names CLEANUP(names_done) names = { 0 };
	struct name_options opts = { .gaps = GAPS_CLOSE, .folder = "" };
	struct err own = { 0 };
	int rc = names_interpret(paths, n, &opts, &names, &own);
	if (rc == -ENOMEM)
		return err_oom(err);
	if (rc != 0 || names.n_left_out > 0)
		return 0;
	bool one = names.n_images == 1 && (names.images[0].c.present || names.images[0].t.present);
	if (names.hint != NULL)
		text_add(t, names.hint);
	else if (one && names.pattern != NULL)
		text_addf(t, "%s would make one image of the folders", names.pattern);
	return t->oom ? err_oom(err) : 0;
}
