#include "meta/label_find.h"

#include "codec/text.h"
#include "meta/label_path.h"
#include "meta/names.h"

#include <errno.h>
#include <string.h>

static const char labels[] = "labels";

bool label_folder(const char *path, struct label_folder *out)
{
	for (const char *s = path;;) {
		size_t n = strcspn(s, "/");
		if (n == strlen(labels) && strncmp(s, labels, n) == 0) {
			size_t base = (size_t)(s - path);
			*out = (struct label_folder){ base > 0 ? base - 1 : 0,
						      s + n + (s[n] == '/') };
			return true;
		}
		if (s[n] == '\0')
			return false;
		s += n + 1;
	}
}

static bool lies_in(const char *path, const char *base, size_t n)
{
	return n == 0 || (strncmp(path, base, n) == 0 && (path[n] == '/' || path[n] == '\0'));
}

/* Images of a folder and of those below it. */
struct owners {
	size_t own, below;
	size_t own_first, below_first; /* the draft of one of them */
};

/* False: outside. */
static bool count_owners(const struct walk_folder *f, const char *base, size_t n, struct owners *o)
{
	struct label_folder is_label;
	if (!lies_in(f->path, base, n))
		return false;
	if (label_folder(f->path, &is_label) || f->n_drafts == 0)
		return true;
	bool own = f->path[n] == '\0';
	*(own ? &o->own_first : &o->below_first) = f->first_draft;
	*(own ? &o->own : &o->below) += f->n_drafts;
	return true;
}

struct image *label_owner(const struct walk *w, size_t at, const struct drafts *ds, size_t *n)
{
	const char *base = w->folders[at].path;
	struct label_folder l = { 0 };
	struct owners o = { 0 };
	label_folder(base, &l);
	/* What lies in one folder stands side by side. */
	for (size_t i = at; i > 0 && count_owners(&w->folders[i - 1], base, l.base, &o);)
		i--;
	for (size_t i = at + 1; i < w->n_folders && count_owners(&w->folders[i], base, l.base, &o);)
		i++;
	*n = o.own > 0 ? o.own : o.below;
	return *n == 1 ? ds->v[o.own > 0 ? o.own_first : o.below_first].im : NULL;
}

static void found_label_done(struct found_label *f)
{
	if (f->im != NULL)
		image_done(f->im);
	free(f->im);
	free(f->path);
}

void found_labels_done(struct found_labels *l)
{
	for (size_t i = 0; i < l->n; i++)
		found_label_done(&l->v[i]);
	free(l->v);
	*l = (struct found_labels){ 0 };
}

int found_labels_add(struct found_labels *l, struct image *im, struct image *of, const char *path,
		     uint32_t file, bool given)
{
	struct found_label *more = grown(l->v, l->n, sizeof(*more));
	if (more != NULL)
		l->v = more;
	char *copy = strdup(path);
	if (more == NULL || copy == NULL) {
		free(copy);
		if (im != NULL)
			image_done(im);
		free(im);
		return -ENOMEM;
	}
	more[l->n++] = (struct found_label){ im, of, copy, file, given };
	return 0;
}

/* Each component as a safe name. */
static void add_clean(struct text *t, const char *path, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t len = min_u64(strcspn(path + i, "/"), n - i);
		bool own = len == strlen("zarr.json") && strncmp(path + i, "zarr.json", len) == 0;
		text_add(t, t->len > 0 ? "/" : "");
		names_id_clean(t, path + i, len);
		text_add(t, own ? "_" : "");
		i += len + 1;
	}
}

void label_path_make(struct text *t, const char *below, size_t n_images, size_t n_files,
		     const char *tail, const char *file)
{
	if (*below == '\0' && n_images == 1) {
		text_add(t, "original/0");
		return;
	}
	add_clean(t, below, strlen(below));
	const char *base = file + path_folder(file);
	if (n_files == 1 && n_images == 1)
		add_clean(t, base, names_stem(base));
	else if (n_images > 1 && tail != NULL)
		add_clean(t, tail, strlen(tail));
	else if (n_images > 1)
		add_clean(t, labels, strlen(labels));
}

static int compare_found(const void *a, const void *b)
{
	const struct found_label *x = a, *y = b;
	if (x->of->first_label != y->of->first_label)
		return x->of->first_label < y->of->first_label ? -1 : 1;
	int rc = label_path_compare(x->path, y->path);
	return rc != 0 ? rc : (int)y->given - (int)x->given;
}

/* `f` cannot stand beside `other`. */
static int leave_out(struct dataset *d, const struct found_label *f,
		     const struct found_label *other, struct err *err)
{
	bool same = strcmp(f->path, other->path) == 0;
	if (f->given && same)
		return err_set(err, EINVAL, "--label: '%s' is given twice", f->path);
	if (f->given || other->given)
		return err_set(err, EINVAL, "--label: '%s' and '%s' (%s): %s", other->path, f->path,
			       d->files[f->given ? other->file : f->file].path,
			       same ? "there is a label of this name already"
				    : "a label cannot lie inside another");
	image_warn(f->of, "label %s (%s) is left out: %s %s", f->path, d->files[f->file].path,
		   same ? "another one has the same name, that of"
			: "it would lie inside the label",
		   same ? d->files[other->file].path : other->path);
	int rc = dataset_leave_out(d, d->files[f->file].path,
				   same ? "a second label of this name" : "a label inside another",
				   NULL);
	return rc != 0 ? err_oom(err) : 0;
}

int found_labels_settle(struct found_labels *l, struct dataset *d, struct err *err)
{
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), compare_found);
	size_t kept = 0;
	int rc = 0;
	for (size_t i = 0; i < l->n; i++) {
		struct found_label *f = &l->v[i], *other = kept > 0 ? &l->v[kept - 1] : NULL;
		bool clash = other != NULL && other->of == f->of &&
			     label_path_shares(other->path, f->path, label_path_depth(other->path));
		if (!clash) {
			struct found_label moved = *f;
			*f = (struct found_label){ 0 };
			l->v[kept++] = moved;
			continue;
		}
		rc = rc == 0 ? leave_out(d, f, other, err) : rc;
		found_label_done(f);
		*f = (struct found_label){ 0 };
	}
	l->n = kept;
	return rc;
}
