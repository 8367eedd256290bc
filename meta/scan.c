#include "meta/scan.h"

#include "meta/draft.h"
#include "meta/label_find.h"
#include "meta/publish.h"
#include "meta/sets.h"
#include "meta/survey.h"
#include "meta/tell.h"
#include "meta/walk.h"

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdio.h>
#include <string.h>

struct scan {
	struct dataset *d;
	const struct scan_options *opts;
	struct pattern *pattern;
	struct walk walk;
	struct drafts drafts;
	struct drafts label_drafts; /* of one folder, on their way into `labels` */
	struct found_labels labels;
	size_t n_plain; /* files outside `labels`, where those are set aside; they come first */
};

static void scan_done(struct scan *s)
{
	found_labels_done(&s->labels);
	drafts_done(&s->label_drafts);
	drafts_done(&s->drafts);
	walk_done(&s->walk);
	pattern_free(s->pattern);
	dataset_free(s->d);
}

static const char *base_name(const char *path)
{
	return path + path_folder(path);
}

static int leave_out_names(struct scan *s, const struct names *names, size_t first, struct err *err)
{
	for (size_t i = 0; i < names->n_left_out; i++) {
		const struct name_left_out *o = &names->left_out[i];
		const char *path = s->d->files[first + o->entry].path;
		const char *of = o->of != NAMES_NO_INDEX ? s->d->files[first + o->of].path : NULL;
		if (dataset_leave_out(s->d, path, o->why, of) != 0)
			return err_oom(err);
	}
	return 0;
}

/* 1 where the id is the folder's own, which then need not be said twice; else 0. -ENOMEM. */
static int is_folder_id(const char *id, const char *folder)
{
	const char *base = base_name(folder);
	struct text CLEANUP(text_done) clean = { 0 };
	names_id_clean(&clean, base, strlen(base));
	if (clean.oom)
		return -ENOMEM;
	return *base != '\0' && strcmp(clean.s, id) == 0;
}

static int add_images(struct scan *s, struct drafts *to, const char *folder, size_t first,
		      const struct names *names, struct err *err)
{
	int rc = leave_out_names(s, names, first, err);
	for (size_t i = 0; rc == 0 && i < names->n_images; i++) {
		const struct name_image *ni = &names->images[i];
		if (i % SURVEY_AHEAD == 0)
			rc = survey_ahead(to, first, ni,
					  min_u64(SURVEY_AHEAD, names->n_images - i));
		int same = rc != 0 ? rc : is_folder_id(ni->id, folder);
		if (same < 0)
			return err_oom(err);
		rc = drafts_add(to, folder, same ? NULL : ni->id, first, ni, err);
	}
	return rc;
}

/* What lies beside the images; a label's own folder has none. */
static bool lies_in_labels(const struct scan *s, const char *path, struct label_folder *out)
{
	return !s->opts->is_label && label_folder(path, out);
}

/* Puts the source in front of a sentence about names, with the folder where that is another. */
static int names_refused(const struct scan *s, const char *folder, struct err *err)
{
	const char *slash = *folder != '\0' ? "/" : "";
	size_t n = strlen(s->d->source);
	if (n > 0 && s->d->source[n - 1] == '/')
		slash = "";
	return err_prefix(err, "%s%s%s", s->d->source, slash, folder);
}

static int interpret_folder(struct scan *s, const struct walk_folder *f, struct drafts *to,
			    struct err *err)
{
	if (f->n == 0)
		return 0;
	CLEANUP(freep) const char **entries = calloc(f->n, sizeof(*entries));
	if (entries == NULL)
		return err_oom(err);
	for (size_t i = 0; i < f->n; i++)
		entries[i] = base_name(s->d->files[f->first + i].path);
	struct name_options opts = {
		.gaps = s->opts->gaps,
		.group_none = s->opts->group_none,
		.folder = *f->path != '\0' ? base_name(f->path) : s->d->name,
	};
	opts.among_others = f->n_drafts > 0;
	struct names CLEANUP(names_done) names = { 0 };
	int rc = names_interpret(entries, f->n, &opts, &names, err);
	if (rc == -ENOMEM)
		return rc;
	if (rc != 0)
		return names_refused(s, f->path, err);
	if (*f->path == '\0')
		s->d->hint = STEAL(names.hint);
	return add_images(s, to, f->path, f->first, &names, err);
}

static int interpret_plain(struct scan *s, struct walk_folder *f, struct err *err)
{
	struct drafts *ds = &s->drafts;
	size_t before = ds->n;
	if (f->n_drafts == 0)
		f->first_draft = before;
	int rc = interpret_folder(s, f, ds, err);
	f->n_drafts += ds->n - before;
	if (rc == 0 && f->first_draft < ds->n)
		draft_warn(ds->v[f->first_draft].im, &f->notes);
	return rc;
}

/* Moves what interpret_folder made of a folder of labels to the labels of `of`. */
static int take_labels(struct scan *s, const struct walk_folder *f, const char *below,
		       struct image *of, struct err *err)
{
	struct drafts *ds = &s->label_drafts;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ds->n; i++) {
		struct text CLEANUP(text_done) path = { 0 };
		const struct draft *dr = &ds->v[i];
		label_path_make(&path, below, ds->n, f->n, dr->tail, s->d->files[dr->first].path);
		if (path.oom)
			return err_oom(err);
		rc = found_labels_add(&s->labels, STEAL(ds->v[i].im), of, path.s, dr->first, false);
	}
	return rc != 0 ? err_oom(err) : 0;
}

/* Names that nobody understands do not take the image away. */
static int interpret_labels(struct scan *s, const struct walk_folder *f, const char *below,
			    struct image *of, struct err *err)
{
	struct err own = { 0 };
	s->label_drafts = (struct drafts){ .d = s->d, .each = &s->opts->each };
	int rc = interpret_folder(s, f, &s->label_drafts, &own);
	if (rc == 0)
		rc = take_labels(s, f, below, of, &own);
	drafts_done(&s->label_drafts);
	if (rc == 0)
		return 0;
	if (rc != -EINVAL && rc != -ENOTSUP)
		return err_set(err, -rc, "%s", own.msg);
	image_warn(of, "label left out: %s", own.msg);
	if (dataset_leave_out(s->d, f->path, "no label: its names say too little", NULL) != 0)
		return err_oom(err);
	return 0;
}

/* Several images beside `labels`: whose they are is not said. */
static int not_said(struct scan *s, const struct walk_folder *f, size_t owners, struct err *err)
{
	struct text CLEANUP(text_done) hint = { 0 };
	if (s->drafts.n > 0 && s->d->hint == NULL) {
		text_addf(&hint,
			  "%s lies beside %zu images and is no label of any: put it into the "
			  "folder of its image",
			  f->path, owners);
		if (hint.oom)
			return err_oom(err);
		s->d->hint = STEAL(hint.s);
	}
	return 0;
}

/* What lies in a folder `labels` beside one image are labels; else it is images like all others. */
static int interpret_label_folders(struct scan *s, struct err *err)
{
	struct walk *w = &s->walk;
	size_t plain = s->drafts.n;
	for (size_t i = 0; i < w->n_folders; i++) {
		struct label_folder l;
		if (!lies_in_labels(s, w->folders[i].path, &l))
			continue;
		size_t n = 0;
		struct image *of = label_owner(w, i, &s->drafts, &n);
		int rc = of != NULL ? interpret_labels(s, &w->folders[i], l.below, of, err)
				    : interpret_folder(s, &w->folders[i], &s->drafts, err);
		if (rc == 0 && of == NULL && plain > 0)
			rc = not_said(s, &w->folders[i], n, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* NULL: out of memory. */
static const char **paths_of_files(const struct dataset *d)
{
	const char **paths = calloc(d->n_files, sizeof(*paths));
	for (size_t i = 0; paths != NULL && i < d->n_files; i++)
		paths[i] = d->files[i].path;
	return paths;
}

/* Folders beside one another that each hold one stack of as many files. */
static bool are_like_channels(const struct scan *s)
{
	const struct walk *w = &s->walk;
	if (w->n_folders < 2 || s->drafts.n != w->n_folders)
		return false;
	for (size_t i = 0; i < w->n_folders; i++)
		if (*w->folders[i].path == '\0' || strchr(w->folders[i].path, '/') != NULL ||
		    w->folders[i].n < 2 || w->folders[i].n != w->folders[0].n)
			return false;
	return true;
}

static int hint_folders(struct scan *s, struct err *err)
{
	if (!are_like_channels(s))
		return 0;
	size_t n = s->d->n_files;
	CLEANUP(freep) const char **paths = paths_of_files(s->d);
	if (paths == NULL)
		return err_oom(err);
	struct text CLEANUP(text_done) hint = { 0 };
	int rc = names_hint_folders(paths, n, &hint, err);
	if (rc == 0)
		s->d->hint = STEAL(hint.s);
	return rc;
}

static int interpret_pattern(struct scan *s, struct err *err)
{
	size_t n = s->n_plain;
	CLEANUP(freep) const char **paths = paths_of_files(s->d);
	if (paths == NULL)
		return err_oom(err);
	struct name_options opts = { .gaps = s->opts->gaps, .folder = s->d->name };
	struct names CLEANUP(names_done) names = { 0 };
	int rc = pattern_interpret(s->pattern, paths, n, &opts, &names, err);
	if (rc == -ENOMEM)
		return rc;
	if (rc != 0)
		return names_refused(s, "", err);
	return add_images(s, &s->drafts, "", 0, &names, err);
}

/* A file whose name says nothing: its bytes decide. */
static int interpret_lone(struct scan *s, struct err *err)
{
	struct name_member m = { 0, NAMES_NO_INDEX, NAMES_NO_INDEX, NAMES_NO_INDEX };
	struct name_image ni = { .members = &m, .n_members = 1 };
	return drafts_add(&s->drafts, "", s->d->name, 0, &ni, err);
}

/* With a pattern, which says what the images are, only SOURCE/labels holds labels. */
static int labels_beside_pattern(struct scan *s, struct err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < s->walk.n_folders; i++) {
		const struct walk_folder *f = &s->walk.folders[i];
		struct label_folder l;
		if (f->first < s->n_plain || !label_folder(f->path, &l))
			continue;
		if (s->drafts.n == 1)
			rc = interpret_labels(s, f, l.below, s->drafts.v[0].im, err);
		else if (dataset_leave_out(s->d, f->path, "labels beside several images", NULL) !=
			 0)
			rc = err_oom(err);
	}
	return rc;
}

static int interpret(struct scan *s, struct err *err)
{
	bool slide = false;
	struct label_folder l;
	int rc = 0;
	if (s->pattern != NULL) {
		rc = interpret_pattern(s, err);
		return rc == 0 ? labels_beside_pattern(s, err) : rc;
	}
	if (s->walk.is_file && s->d->n_files > 0 && !names_is_tiff(s->d->files[0].path, &slide))
		return interpret_lone(s, err);
	if (!s->opts->group_none)
		rc = sets_find(&s->drafts, &s->walk, s->opts->is_label, err);
	for (size_t i = 0; rc == 0 && i < s->walk.n_folders; i++)
		if (!lies_in_labels(s, s->walk.folders[i].path, &l))
			rc = interpret_plain(s, &s->walk.folders[i], err);
	if (rc == 0)
		rc = interpret_label_folders(s, err);
	if (rc == 0 && !s->opts->group_none)
		rc = hint_folders(s, err);
	return rc;
}

static int nothing_found(const struct scan *s, struct err *err)
{
	const struct dataset *d = s->d;
	struct text CLEANUP(text_done) seen = { 0 };
	for (size_t i = 0; i < s->walk.n_seen; i++)
		text_addf(&seen, "%s%zu %s", seen.len > 0 ? ", " : "", s->walk.seen[i].n,
			  s->walk.seen[i].suffix[0] != '\0' ? s->walk.seen[i].suffix
							    : "without a suffix");
	if (s->walk.n_entered > 0)
		text_addf(&seen, "%s%zu folder%s", seen.len > 0 ? " and " : "", s->walk.n_entered,
			  s->walk.n_entered == 1 ? "" : "s");
	if (d->n_left_out > 0)
		text_addf(&seen, "%s%s (%s)%s", seen.len > 0 ? ", and " : "", d->left_out[0].path,
			  d->left_out[0].why, d->n_left_out > 1 ? ", .." : "");
	if (seen.oom)
		return err_oom(err);
	if (seen.len == 0)
		return err_set(err, ENOENT, "%s: the folder is empty", d->source);
	return err_set(err, ENOENT, "%s: nothing here that can be read as a TIFF; seen: %s",
		       d->source, seen.s);
}

static int check_options(const struct scan_options *opts, struct err *err)
{
	if (opts->unit != NULL && opts->voxel_size[0] <= 0)
		return err_set(err, EINVAL, "--unit says nothing without --voxel-size");
	if (opts->pattern != NULL && opts->group_none)
		return err_set(err, EINVAL,
			       "--group none and --pattern exclude each other: a pattern with {i} "
			       "alone makes each file an image");
	return 0;
}

static int new_dataset(struct scan *s, struct err *err)
{
	dataset_free(s->d);
	walk_done(&s->walk);
	s->d = calloc(1, sizeof(*s->d));
	if (s->d == NULL)
		return err_oom(err);
	s->d->root_fd = -1;
	s->d->use_overviews = s->opts->use_overviews;
	return 0;
}

/* Puts the files of SOURCE/labels behind all others, where a pattern is for those alone. */
static int set_labels_aside(struct scan *s, bool labels, struct err *err)
{
	struct dataset *d = s->d;
	s->n_plain = d->n_files;
	if (!labels || d->n_files == 0)
		return 0;
	CLEANUP(freep) struct source_file *all = reallocarray(NULL, d->n_files, sizeof(*all));
	if (all == NULL)
		return err_oom(err);
	memcpy(all, d->files, d->n_files * sizeof(*all));
	size_t to = 0;
	for (int turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < s->walk.n_folders; i++) {
			struct walk_folder *f = &s->walk.folders[i];
			struct label_folder l;
			bool aside = label_folder(f->path, &l) && l.base == 0;
			if (aside != (turn == 1))
				continue;
			memcpy(&d->files[to], &all[f->first], f->n * sizeof(*all));
			f->first = to;
			to += f->n;
		}
		s->n_plain = turn == 0 ? to : s->n_plain;
	}
	return 0;
}

/* A pattern bounds the walk; where it ends before the first file, what lies deeper makes the sentence. */
static int walk_for(struct scan *s, const char *source, struct err *err)
{
	static const char own[] = "labels/";
	const char *pattern = s->opts->pattern;
	bool labels = pattern != NULL && strncmp(pattern, own, strlen(own)) != 0;
	unsigned depth = s->pattern != NULL ? pattern_depth(s->pattern) : WALK_DEPTH;
	for (;;) {
		int rc = new_dataset(s, err);
		if (rc == 0)
			rc = walk_source(source, s->opts->mountpoint, depth, labels, &s->opts->each,
					 s->d, &s->walk, err);
		if (rc == 0)
			rc = set_labels_aside(s, labels, err);
		if (rc != 0 || s->n_plain > 0 || depth >= WALK_DEPTH)
			return rc;
		depth = WALK_DEPTH;
	}
}

static void cut_suffix(char *name)
{
	size_t stem = tell_is_index(name) ? tell_index_stem(name) : names_stem(name);
	if (stem > 0)
		name[stem] = '\0';
}

static bool has_index(const struct walk *w)
{
	for (size_t i = 0; i < w->n_folders; i++)
		if (w->folders[i].n_indices > 0)
			return true;
	return false;
}

static int scan(struct scan *s, const char *source, struct err *err)
{
	int rc = check_options(s->opts, err);
	if (rc == 0 && s->opts->pattern != NULL)
		rc = pattern_parse(s->opts->pattern, &s->pattern, err);
	if (rc != 0)
		return rc;
	rc = walk_for(s, source, err);
	if (rc != 0)
		return rc;
	s->d->is_file = s->walk.is_file;
	if (s->walk.is_file)
		cut_suffix(s->d->name);
	if (s->n_plain == 0 && !has_index(&s->walk))
		return nothing_found(s, err);
	s->drafts = (struct drafts){
		.d = s->d, .pattern = s->pattern, .is_file = s->walk.is_file, .each = &s->opts->each
	};
	rc = interpret(s, err);
	if (rc == 0 && s->drafts.n == 0)
		rc = nothing_found(s, err);
	return rc == 0 ? publish(s->d, &s->drafts, &s->labels, s->opts, err) : rc;
}

static int scan_source(const char *source, const struct scan_options *opts, struct dataset **out,
		       struct err *err)
{
	struct scan CLEANUP(scan_done) s = { .opts = opts };
	int rc = scan(&s, source, err);
	if (rc == 0)
		*out = STEAL(s.d);
	return rc;
}

int dataset_scan(const char *source, const struct scan_options *opts, struct dataset **out,
		 struct err *err)
{
	int rc = scan_source(source, opts, out, err);
#ifdef __GLIBC__
	malloc_trim(0); /* the drafts of 100,000 images are as large as the images */
#endif
	return rc;
}
