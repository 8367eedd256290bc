#include "meta/draft.h"

#include "meta/layout.h"
#include "meta/places.h"
#include "meta/survey.h"
#include "meta/walk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One interpretation on its way to an image. */
struct job {
	struct drafts *ds;
	const char *folder, *tail;
	size_t first;
	const struct name_image *ni;
};

static void draft_done(struct draft *f)
{
	if (f->im != NULL)
		image_done(f->im);
	free(f->im);
	free(f->tail);
}

void drafts_done(struct drafts *ds)
{
	for (size_t i = 0; i < ds->n; i++)
		draft_done(&ds->v[i]);
	free(ds->v);
	ds->v = NULL;
	ds->n = 0;
	survey_ahead_done(ds);
}

static struct source_file *file_of(const struct job *j, size_t member)
{
	return &j->ds->d->files[j->first + j->ni->members[member].entry];
}

/* Room for one more, none yet. */
static struct draft *add_draft(struct drafts *ds, const char *folder)
{
	struct draft *more = grown(ds->v, ds->n, sizeof(*more));
	if (more == NULL)
		return NULL;
	ds->v = more;
	struct draft *f = &ds->v[ds->n];
	*f = (struct draft){ .folder = folder, .im = calloc(1, sizeof(*f->im)) };
	if (f->im == NULL)
		return NULL;
	ds->n++;
	return f;
}

struct draft *draft_new(struct drafts *ds, const char *folder, const char *tail,
			const uint64_t n[3], const bool has[3])
{
	struct draft *f = add_draft(ds, folder);
	if (f == NULL)
		return NULL;
	struct image *im = f->im;
	im->n_t = n[0];
	im->n_c = n[1];
	im->n_z = n[2];
	im->has_t = has[0];
	im->has_c = has[1];
	im->has_z = has[2];
	uint64_t total = im->n_t * im->n_c * im->n_z;
	im->planes = reallocarray(NULL, total, sizeof(*im->planes));
	if (im->planes == NULL)
		return NULL;
	for (uint64_t i = 0; i < total; i++)
		im->planes[i] = (struct plane){ .file = PLANE_GAP };
	im->n_gaps = total;
	if (tail != NULL) {
		f->tail = strdup(tail);
		if (f->tail == NULL)
			return NULL;
	}
	return f;
}

void draft_claim(struct draft *f, const uint64_t at[3], size_t file, uint32_t page)
{
	struct image *im = f->im;
	if (at[0] >= im->n_t || at[1] >= im->n_c || at[2] >= im->n_z)
		return;
	struct plane *p = &im->planes[image_plane(im, at[0], at[1], at[2])];
	im->n_gaps -= p->file == PLANE_GAP;
	*p = (struct plane){ .file = (uint32_t)file, .page = page };
}

static int copy_labels(struct image *im, const struct name_image *ni)
{
	if (!ni->c.present || ni->channel_labels == NULL || im->n_c != ni->c.size)
		return 0;
	im->channel_labels = calloc(im->n_c, sizeof(*im->channel_labels));
	if (im->channel_labels == NULL)
		return -ENOMEM;
	for (uint64_t c = 0; c < im->n_c; c++) {
		im->channel_labels[c] = strdup(ni->channel_labels[c]);
		if (im->channel_labels[c] == NULL)
			return -ENOMEM;
	}
	return 0;
}

static void warn_unreadable(const struct job *j, struct image *im)
{
	struct text CLEANUP(text_done) names = { 0 };
	size_t n = 0;
	const char *why = NULL;
	for (size_t m = 0; m < j->ni->n_members; m++) {
		const struct source_file *f = file_of(j, m);
		if (f->trouble == 0)
			continue;
		if (n++ < 3)
			text_addf(&names, "%s%s (%s)", names.len > 0 ? ", " : "", f->path,
				  source_file_trouble(f));
		why = source_file_trouble(f);
	}
	if (why != NULL && !names.oom)
		image_warn(im, "%zu damaged file%s: %s%s", n, n == 1 ? "" : "s", names.s,
			   n > 3 ? ", .." : "");
}

void draft_warn(struct image *im, const struct text *notes)
{
	for (const char *s = notes->s; s != NULL && *s != '\0';) {
		size_t len = strcspn(s, "\n");
		image_warn(im, "%.*s", (int)len, s);
		s += len + (s[len] == '\n');
	}
}

static int describe(const struct job *j, struct image *im, const struct layout *l)
{
	const struct name_image *ni = j->ni;
	struct text CLEANUP(text_done) how = { 0 };
	if (ni->how != NULL)
		text_add(&how, ni->how);
	/* What the names' number was taken for at first. */
	char *z = how.s != NULL ? strstr(how.s, "z from ") : NULL;
	if (z != NULL && (l->use == LAYOUT_TZ || l->z_is_t))
		*z = 't';
	if (l->how != NULL)
		text_addf(&how, "%s%s", how.len > 0 ? "; " : "", l->how);
	if (how.oom)
		return -ENOMEM;
	im->how = STEAL(how.s);
	bool named = ni->n_members > 1;
	const char *from = j->ds->pattern != NULL    ? "--pattern"
			   : named && l->how != NULL ? "file names and pages"
			   : named		     ? "file names"
			   : l->how != NULL	     ? "pages of the file"
						     : "the file";
	snprintf(im->axes_from.text, sizeof(im->axes_from.text), "%s", from);
	return 0;
}

/* What the first readable file tells beside its planes, or that it tells what cannot be laid out. */
static int keep_told(const struct job *j, struct image *im, struct survey *sv, size_t k)
{
	if (sv->refused.code != 0) {
		im->refused = strdup(sv->refused.msg);
		return im->refused == NULL ? -ENOMEM : 0;
	}
	return draft_take_facts(im, &sv->told, k, file_of(j, sv->teller)->path);
}

static int fill(struct job *j, const struct layout *l, struct survey *sv, struct err *err)
{
	struct draft *f = draft_new(j->ds, j->folder, j->tail, l->n, l->has);
	if (f == NULL || keep_told(j, f->im, sv, 0) != 0)
		return err_oom(err);
	for (size_t m = 0; m < j->ni->n_members; m++) {
		const struct name_member *at = &j->ni->members[m];
		size_t file = j->first + at->entry;
		if (m == 0)
			f->first = (uint32_t)file;
		const struct source_file *sf = &j->ds->d->files[file];
		uint32_t pages = layout_pages(l, sf);
		for (uint32_t p = 0; p < pages; p++) {
			uint64_t where[3];
			layout_place(l, at, p, where);
			if (l->use != LAYOUT_TOLD || places_claims(sf, p))
				draft_claim(f, where, file, p);
		}
	}
	warn_unreadable(j, f->im);
	draft_warn(f->im, &sv->notes);
	if (copy_labels(f->im, j->ni) != 0 || describe(j, f->im, l) != 0)
		return err_oom(err);
	return 0;
}

/* What the ids of several images of the only file begin with. NULL: out of memory. */
static char *file_stem(const struct job *j)
{
	const char *path = file_of(j, 0)->path, *base = path + path_folder(path);
	return j->ds->pattern != NULL && j->tail != NULL ? strdup(j->tail)
							 : strndup(base, names_stem(base));
}

/* Each page of the only file is an image: STEM_0, STEM_1, .. */
static int pages_apart(struct job *j, struct survey *sv, struct err *err)
{
	size_t file = j->first + j->ni->members[0].entry;
	const struct source_file *sf = &j->ds->d->files[file];
	const struct layout one = { .n = { 1, 1, 1 },
				    .how = "one of several pages that differ in size or type" };
	CLEANUP(freep) char *stem = file_stem(j);
	if (stem == NULL)
		return err_oom(err);
	for (uint32_t p = 0; p < sf->n_pages; p++) {
		struct text CLEANUP(text_done) tail = { 0 };
		text_addf(&tail, "%s_%u", stem, p);
		if (tail.oom)
			return err_oom(err);
		struct draft *f = draft_new(j->ds, j->folder, tail.s, one.n, one.has);
		if (f == NULL || (sv->refused.code != 0 && keep_told(j, f->im, sv, 0) != 0))
			return err_oom(err);
		f->first = (uint32_t)file;
		f->page = p;
		draft_claim(f, (const uint64_t[3]){ 0, 0, 0 }, file, p);
		draft_warn(f->im, &sv->notes);
		if (describe(j, f->im, &one) != 0)
			return err_oom(err);
	}
	return 0;
}

/* The planes told->images[k] of the only file, whose list has all planes of all images one after another. */
static void claim_told(struct draft *f, const struct told_image *im, const struct source_file *sf,
		       size_t file, uint32_t *number)
{
	f->first = (uint32_t)file;
	f->page = *number;
	for (uint64_t t = 0; t < im->n[TOLD_T]; t++)
		for (uint64_t c = 0; c < im->n[TOLD_C]; c++)
			for (uint64_t z = 0; z < im->n[TOLD_Z]; z++, ++*number)
				if (places_claims(sf, *number))
					draft_claim(f, (const uint64_t[3]){ t, c, z }, file,
						    *number);
}

/* The images that the only file tells. */
static int told_images(struct job *j, struct survey *sv, struct err *err)
{
	struct told *t = &sv->told;
	size_t file = j->first + j->ni->members[0].entry;
	uint32_t number = 0;
	CLEANUP(freep) char *stem = file_stem(j);
	if (stem == NULL)
		return err_oom(err);
	for (size_t k = 0; k < t->n_images; k++) {
		const struct source_file *sf = &j->ds->d->files[file];
		struct text CLEANUP(text_done) tail = { 0 };
		if (t->n_images > 1)
			draft_told_tail(&tail, stem, t, k);
		if (tail.oom)
			return err_oom(err);
		struct draft *f = draft_told(j->ds, j->folder, t->n_images > 1 ? tail.s : j->tail,
					     t, k, sf->path);
		if (f == NULL)
			return err_oom(err);
		claim_told(f, &t->images[k], sf, file, &number);
		draft_warn(f->im, &sv->notes);
	}
	return 0;
}

/* A file alone that is no TIFF is no image. */
static int lone_unreadable(struct job *j, struct err *err)
{
	struct dataset *d = j->ds->d;
	const struct source_file *f = file_of(j, 0);
	const char *why = source_file_trouble(f);
	if (j->ds->is_file)
		return err_set(err, EINVAL, "%s: %s", d->source, why);
	return dataset_leave_out(d, f->path, why, NULL) != 0 ? err_oom(err) : 0;
}

static void forget_left_out(struct dataset *d, size_t keep)
{
	while (d->n_left_out > keep)
		left_out_done(&d->left_out[--d->n_left_out]);
}

/* Files of one image, each an image of its own. */
struct apart {
	struct name_member members[SURVEY_AHEAD];
	struct name_image alone[SURVEY_AHEAD];
	size_t n;
};

static void set_apart(struct apart *a, const struct name_member *members, size_t n)
{
	*a = (struct apart){ .n = min_u64(n, SURVEY_AHEAD) };
	for (size_t i = 0; i < a->n; i++) {
		a->members[i] = (struct name_member){ members[i].entry, NAMES_NO_INDEX,
						      NAMES_NO_INDEX, NAMES_NO_INDEX };
		a->alone[i].members = &a->members[i];
		a->alone[i].n_members = 1;
	}
}

static int file_apart(struct job *j, const struct name_image *alone, struct err *err)
{
	const struct source_file *f = &j->ds->d->files[j->first + alone->members[0].entry];
	const char *base = f->path + path_folder(f->path);
	struct text CLEANUP(text_done) stem = { 0 };
	names_id_clean(&stem, base, names_stem(base));
	if (stem.oom)
		return err_oom(err);
	return drafts_add(j->ds, j->folder, stem.s, j->first, alone, err);
}

static void warn_apart(const struct job *j, struct image *im, const struct survey *sv)
{
	const char *odd = file_of(j, sv->odd)->path;
	if (sv->odd == 0) {
		image_warn(im,
			   "each file is an image of its own: %s has inside what the number in the "
			   "names "
			   "would count",
			   odd);
		return;
	}
	image_warn(im, "each file is an image of its own: %s and %s differ in pages or their kind",
		   file_of(j, 0)->path, odd);
}

/* Files that do not fit together. */
static int files_apart(struct job *j, const struct survey *sv, struct err *err)
{
	struct drafts *ds = j->ds;
	size_t before = ds->n, n = j->ni->n_members;
	CLEANUP(freep) struct apart *a = malloc(sizeof(*a));
	if (a == NULL)
		return err_oom(err);
	for (size_t m = 0; m < n; m += a->n) {
		set_apart(a, &j->ni->members[m], n - m);
		if (survey_ahead(ds, j->first, a->alone, a->n) != 0)
			return err_oom(err);
		for (size_t i = 0; i < a->n; i++) {
			int rc = file_apart(j, &a->alone[i], err);
			if (rc != 0)
				return rc;
			if (m + i == 0 && ds->n > before)
				warn_apart(j, ds->v[before].im, sv);
		}
	}
	return 0;
}

int drafts_add(struct drafts *ds, const char *folder, const char *tail, size_t first,
	       const struct name_image *ni, struct err *err)
{
	struct job j = { .ds = ds, .folder = folder, .tail = tail, .first = first, .ni = ni };
	if (ni->n_members == 0)
		return 0;
	struct survey CLEANUP(survey_done) sv = { 0 };
	size_t listed = ds->d->n_left_out;
	int rc = survey_files(ds, first, ni, &sv, err);
	if (rc != 0)
		return rc;
	if (ni->n_members == 1 && file_of(&j, 0)->trouble != 0)
		return lone_unreadable(&j, err);
	if (ni->n_members == 1 && survey_tells_planes(&sv))
		return told_images(&j, &sv, err);
	struct layout l;
	rc = layout_decide(ds, first, ni, &sv, &l, err);
	if (rc != 0)
		return rc;
	if (l.use == LAYOUT_PAGES_APART)
		return pages_apart(&j, &sv, err);
	if (l.use == LAYOUT_FILES_APART) {
		/* Each file lists its own pages again. */
		forget_left_out(ds->d, listed);
		return files_apart(&j, &sv, err);
	}
	return fill(&j, &l, &sv, err);
}
