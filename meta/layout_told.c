/* Numbered files that each tell axes of their own. */
#include <errno.h>

#include "meta/layout.h"

enum { T, C, Z };

static int refuse(const struct drafts *ds, size_t first, const struct name_image *ni, int axis,
		  const struct survey *sv, struct err *err)
{
	return err_set(err, EINVAL,
		       "%s: the pattern numbers %c, but by its %s '%s' has a %c of its own: with "
		       "{i} each file "
		       "is an image",
		       ds->d->source, "tcz"[axis], sv -> told.kind,
		       ds->d->files[first + ni->members[0].entry].path, "tcz"[axis]);
}

int layout_told(const struct drafts *ds, size_t first, const struct name_image *ni,
		const struct survey *sv, struct layout *l, struct err *err)
{
	const struct told_image *inner = &sv->told.images[0];
	const struct name_axis *z = &ni->z;
	if (!sv->equal) {
		l->use = LAYOUT_FILES_APART;
		return 0;
	}
	l->use = LAYOUT_TOLD;
	l->how = "the axes in each file as it tells them";
	/* A number without a word is z, or t where the files have their z inside. */
	l->z_is_t = l->n[Z] > 1 && inner->n[Z] > 1 && !z->labelled && ds->pattern == NULL &&
		    !ni->t.present && inner->n[T] == 1;
	if (l->z_is_t) {
		l->n[T] = l->n[Z];
		l->has[T] = true;
		l->n[Z] = 1;
	}
	for (int a = T; a <= Z; a++) {
		l->inner[a] = inner->n[a];
		if (l->n[a] > 1 && inner->n[a] > 1) {
			if (ds->pattern != NULL)
				return refuse(ds, first, ni, a, sv, err);
			/* The file is right about its own axis; the number then counts images. */
			l->use = LAYOUT_FILES_APART;
			return 0;
		}
		l->n[a] = l->n[a] > 1 ? l->n[a] : inner->n[a];
		l->has[a] = l->has[a] || inner->has[a];
	}
	return 0;
}
