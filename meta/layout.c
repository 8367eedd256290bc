#include "meta/layout.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* More planes than any file system has been seen to hold, and 2 GiB of table. */
#define MAX_PLANES ((uint64_t)1 << 28)

/* The files of one part of a stack that a 32-bit TIFF could not hold in one piece. */
#define PART_BYTES (1900 * (uint64_t)1000 * 1000)

enum { T, C, Z };

static const char *path_of(const struct drafts *ds, size_t first, const struct name_image *ni,
			   size_t member)
{
	return ds->d->files[first + ni->members[member].entry].path;
}

/* A word that numbers z for want of anything else is no statement about z. */
static bool z_is_named(const struct name_axis *z)
{
	return z->present && z->labelled &&
	       (z->token == NULL ||
		(strcasecmp(z->token, "frame") != 0 && strcasecmp(z->token, "fr") != 0));
}

/* "img_{z}.tif" from two names that differ in one number; "x{z}.tif" where they do not show it. */
static void series_pattern(const char *a, const char *b, struct text *out)
{
	size_t start = 0, la = strlen(a), lb = strlen(b), tail = 0;
	while (a[start] != '\0' && a[start] == b[start])
		start++;
	while (start > 0 && a[start - 1] >= '0' && a[start - 1] <= '9')
		start--;
	while (tail < la - start && tail < lb - start && a[la - 1 - tail] == b[lb - 1 - tail] &&
	       (a[la - 1 - tail] < '0' || a[la - 1 - tail] > '9'))
		tail++;
	size_t middle = la - start - tail;
	bool plain =
		strspn(a + start, "0123456789") == middle && middle > 0 && strpbrk(a, "{}") == NULL;
	if (plain)
		text_addf(out, "%.*s{z}%s", (int)start, a, a + la - tail);
	else
		text_add(out, "x{z}.tif");
}

static int refuse_pages(const struct drafts *ds, size_t first, const struct name_image *ni,
			uint32_t pages, struct err *err)
{
	const char *a = path_of(ds, first, ni, 0), *b = path_of(ds, first, ni, ni->n_members - 1);
	struct text CLEANUP(text_done) p = { 0 };
	series_pattern(a, b, &p);
	if (p.oom)
		return err_oom(err);
	return err_set(err, EINVAL,
		       "%s: '%s'..'%s' are numbered along z and have %u pages each: "
		       "--pattern '%s#{t}' (pages are time points) or --pattern '%s#{c}' "
		       "(pages are channels)",
		       ds->d->source, a, b, pages, p.s, p.s);
}

static int by_pattern(const struct drafts *ds, size_t first, const struct name_image *ni,
		      const struct survey *sv, struct layout *l, struct err *err)
{
	const char *a = path_of(ds, first, ni, 0);
	if (sv->apart)
		return err_set(err, EINVAL,
			       "%s: '%s' has pages of different size or type, which '#' cannot "
			       "lay out",
			       ds->d->source, a);
	if (!sv->equal)
		return err_set(err, EINVAL,
			       "%s: '%s' and '%s' differ in number or kind of pages: a pattern "
			       "with '#' needs them equal",
			       ds->d->source, a, path_of(ds, first, ni, sv->odd));
	uint64_t inner = 1;
	for (size_t i = 1; i < l->by_pattern.n; i++)
		if (!mul_u64(inner, l->by_pattern.size[i], &inner))
			return err_set(err, EINVAL, "the sizes behind '#' are too large");
	if (inner == 0 || l->pages % inner != 0)
		return err_set(err, EINVAL,
			       "%s: '%s' has %u pages, which is no multiple of the %llu that the "
			       "pattern asks for",
			       ds->d->source, a, l->pages, (unsigned long long)inner);
	l->by_pattern.size[0] = (uint32_t)(l->pages / inner);
	l->use = LAYOUT_PATTERN;
	l->how = "pages as the pattern says";
	for (size_t i = 0; i < l->by_pattern.n; i++) {
		int axis = l->by_pattern.axis[i] == 't' ? T : l->by_pattern.axis[i] == 'c' ? C : Z;
		l->has[axis] = true;
		l->n[axis] = l->by_pattern.size[i];
	}
	return 0;
}

static void pages_along(struct layout *l, int axis, const char *how)
{
	l->has[axis] = true;
	l->n[axis] = l->pages;
	l->how = how;
}

/* The z of the files goes on through their pages. */
static void continue_z(struct layout *l, const struct name_image *ni, const struct survey *sv)
{
	l->use = LAYOUT_PARTS;
	/* Only where z is alone is the last file the last part for all. */
	bool alone = !ni->t.present && !ni->c.present;
	l->n[Z] = (uint64_t)(ni->z.size - 1) * l->pages +
		  (sv->equal || !alone ? l->pages : sv->last_pages);
	l->how = "the pages continue z from file to file";
}

static int by_names(const struct drafts *ds, size_t first, const struct name_image *ni,
		    const struct survey *sv, struct layout *l, struct err *err)
{
	if (!sv->equal) {
		bool parts = ni->z.present && !ni->t.present && !ni->c.present &&
			     !z_is_named(&ni->z) && sv->equal_but_last && sv->smallest > PART_BYTES;
		l->use = LAYOUT_FILES_APART;
		if (parts)
			continue_z(l, ni, sv);
		return 0;
	}
	if (ni->z.present && !z_is_named(&ni->z) && !ni->t.present) {
		l->use = LAYOUT_TZ;
		l->has[T] = true;
		l->n[T] = ni->z.size;
		pages_along(l, Z, "the files are t, the pages of each z");
	} else if (!ni->z.present) {
		l->use = LAYOUT_Z;
		pages_along(l, Z, "the pages of each file are z");
	} else if (l->pages <= 4 && !ni->c.present) {
		l->use = LAYOUT_C;
		pages_along(l, C, "the pages of each file are c");
	} else {
		return refuse_pages(ds, first, ni, l->pages, err);
	}
	return 0;
}

/* Path given by --pattern without '#'. */
static int by_path(const struct drafts *ds, size_t first, const struct name_image *ni,
		   const struct survey *sv, struct layout *l, struct err *err)
{
	bool fits = sv->equal || (ni->z.present && sv->equal_but_last);
	if (!fits)
		return err_set(err, EINVAL,
			       "%s: '%s' and '%s' differ in number or kind of pages, which this "
			       "pattern cannot lay out",
			       ds->d->source, path_of(ds, first, ni, 0),
			       path_of(ds, first, ni, sv->odd));
	if (ni->z.present) {
		continue_z(l, ni, sv);
		return 0;
	}
	l->use = LAYOUT_Z;
	pages_along(l, Z, "the pages of each file are z");
	return 0;
}

static int decide(const struct drafts *ds, size_t first, const struct name_image *ni,
		  const struct survey *sv, struct layout *l, struct err *err)
{
	if (ds->pattern != NULL && pattern_pages(ds->pattern, &l->by_pattern))
		return by_pattern(ds, first, ni, sv, l, err);
	if (sv->told_series)
		return layout_told(ds, first, ni, sv, l, err);
	if (sv->apart && ni->n_members == 1) {
		l->use = LAYOUT_PAGES_APART;
		return 0;
	}
	if (!sv->multi || (sv->equal && l->pages == 1))
		return 0;
	if (ds->pattern != NULL && ni->n_members > 1)
		return by_path(ds, first, ni, sv, l, err);
	if (ni->n_members > 1)
		return by_names(ds, first, ni, sv, l, err);
	l->use = LAYOUT_Z;
	pages_along(l, Z, "the pages are z");
	return 0;
}

int layout_decide(const struct drafts *ds, size_t first, const struct name_image *ni,
		  const struct survey *sv, struct layout *out, struct err *err)
{
	*out = (struct layout){ .pages = sv->pages, .n = { 1, 1, 1 } };
	const struct name_axis *axes[3] = { &ni->t, &ni->c, &ni->z };
	for (int a = 0; a < 3; a++) {
		out->has[a] = axes[a]->present;
		out->n[a] = axes[a]->present ? axes[a]->size : 1;
	}
	int rc = decide(ds, first, ni, sv, out, err);
	if (rc != 0)
		return rc;
	uint64_t total = 0;
	if (!mul_u64(out->n[0], out->n[1], &total) || !mul_u64(total, out->n[2], &total) ||
	    total > MAX_PLANES)
		return err_set(err, EOVERFLOW,
			       "%s: '%s'.. would have %llu x %llu x %llu planes (t, c, z), most of "
			       "them missing",
			       ds->d->source, path_of(ds, first, ni, 0),
			       (unsigned long long)out->n[0], (unsigned long long)out->n[1],
			       (unsigned long long)out->n[2]);
	return 0;
}

uint32_t layout_pages(const struct layout *l, const struct source_file *f)
{
	if (l->use == LAYOUT_SINGLE)
		return 1;
	if (l->use == LAYOUT_TOLD)
		return (uint32_t)(l->inner[T] * l->inner[C] * l->inner[Z]);
	/* An unreadable file claims as many planes as the others. */
	return l->use == LAYOUT_PARTS && f->trouble == 0 ? f->n_pages : l->pages;
}

static uint64_t index_or_0(uint32_t i)
{
	return i == NAMES_NO_INDEX ? 0 : i;
}

void layout_place(const struct layout *l, const struct name_member *m, uint32_t page,
		  uint64_t at[3])
{
	at[T] = index_or_0(m->t);
	at[C] = index_or_0(m->c);
	at[Z] = index_or_0(m->z);
	switch (l->use) {
	case LAYOUT_Z:
		at[Z] = page;
		break;
	case LAYOUT_C:
		at[C] = page;
		break;
	case LAYOUT_TZ:
		at[T] = at[Z];
		at[Z] = page;
		break;
	case LAYOUT_PARTS:
		at[Z] = at[Z] * l->pages + page;
		break;
	case LAYOUT_PATTERN:
		for (size_t i = l->by_pattern.n; i-- > 0;) {
			uint32_t size = l->by_pattern.size[i];
			char axis = l->by_pattern.axis[i];
			at[axis == 't' ? T : axis == 'c' ? C : Z] = page % size;
			page /= size;
		}
		break;
	case LAYOUT_TOLD:
		if (l->z_is_t) {
			at[T] = at[Z];
			at[Z] = 0;
		}
		for (int a = Z; a >= T; a--) {
			if (l->inner[a] > 1)
				at[a] = page % l->inner[a];
			page /= (uint32_t)l->inner[a];
		}
		break;
	case LAYOUT_SINGLE:
	case LAYOUT_PAGES_APART:
	case LAYOUT_FILES_APART:
		break;
	}
}
