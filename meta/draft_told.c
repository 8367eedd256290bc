/* Images as files tell them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "meta/draft.h"

int draft_take_facts(struct image *im, struct told *t, size_t k, const char *path)
{
	if (k >= t->n_images)
		return 0;
	struct told_image *from = &t->images[k], *own = malloc(sizeof(*own));
	im->told_by = strdup(path);
	if (own == NULL || im->told_by == NULL) {
		free(own);
		return -ENOMEM;
	}
	im->told = own;
	*own = *from;
	*from = (struct told_image){ .planes = own->planes, .key = own->key };
	memcpy(from->n, own->n, sizeof(from->n));
	im->told->planes = NULL;
	im->told->key = NULL;
	im->told_kind = t->kind;
	return 0;
}

struct draft *draft_told(struct drafts *ds, const char *folder, const char *tail, struct told *t,
			 size_t k, const char *path)
{
	const struct told_image *ti = &t->images[k];
	struct draft *f = draft_new(ds, folder, tail, ti->n, ti->has);
	if (f == NULL || draft_take_facts(f->im, t, k, path) != 0)
		return NULL;
	struct image *im = f->im;
	snprintf(im->axes_from.text, sizeof(im->axes_from.text), "%s", t->kind);
	struct text CLEANUP(text_done) how = { 0 };
	text_addf(&how, "planes as its %s tells them", t->kind);
	if (how.oom)
		return NULL;
	im->how = STEAL(how.s);
	return f;
}

void draft_told_tail(struct text *tail, const char *stem, const struct told *t, size_t k)
{
	const char *key = t->images[k].key;
	text_addf(tail, "%s%s", stem, *stem != '\0' ? "_" : "");
	if (key != NULL && *key != '\0')
		text_add(tail, key);
	else
		text_addf(tail, "%zu", k);
}
