#include "meta/scan.h"

#include "meta/draft.h"
#include "meta/fingerprint.h"
#include "meta/survey.h"
#include "meta/walk.h"

#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct scan {
	struct dataset *d;
	const struct scan_options *opts;
	struct pattern *pattern;
	struct walk walk;
	struct drafts drafts;
};

static void scan_done(struct scan *s)
{
	drafts_done(&s->drafts);
	walk_done(&s->walk);
	pattern_free(s->pattern);
	dataset_free(s->d);
}

int dataset_open(const struct dataset *d, const struct source_file *f, bool wait)
{
	static const int how = O_RDONLY | O_CLOEXEC | O_NOCTTY;
	struct stat now;
	/* O_NONBLOCK: a FIFO that took the file's place must not hang us. */
	CLEANUP(closep) int fd = openat(d->root_fd, f->path, how | O_NONBLOCK);
	if (fd < 0 && errno == EAGAIN && wait && fstatat(d->root_fd, f->path, &now, 0) == 0 &&
	    S_ISREG(now.st_mode))
		fd = openat(d->root_fd, f->path, how);
	if (fd < 0)
		return -errno;
	/* Its kind is known since it was opened: far storage need not be asked again. */
	struct statx st;
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &st) != 0)
		return -errno;
	if (!S_ISREG(st.stx_mode))
		return -ESTALE;
	int own = fd;
	fd = -1;
	return own;
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

static int add_images(struct scan *s, const char *folder, size_t first, const struct names *names,
		      struct err *err)
{
	int rc = leave_out_names(s, names, first, err);
	for (size_t i = 0; rc == 0 && i < names->n_images; i++) {
		const struct name_image *ni = &names->images[i];
		if (i % SURVEY_AHEAD == 0)
			rc = survey_ahead(&s->drafts, first, ni,
					  min_u64(SURVEY_AHEAD, names->n_images - i));
		int same = rc != 0 ? rc : is_folder_id(ni->id, folder);
		if (same < 0)
			return err_oom(err);
		rc = drafts_add(&s->drafts, folder, same ? NULL : ni->id, first, ni, err);
	}
	return rc;
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

static int interpret_folder(struct scan *s, const struct walk_folder *f, struct err *err)
{
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
	struct names CLEANUP(names_done) names = { 0 };
	int rc = names_interpret(entries, f->n, &opts, &names, err);
	if (rc == -ENOMEM)
		return rc;
	if (rc != 0)
		return names_refused(s, f->path, err);
	if (*f->path == '\0')
		s->d->hint = STEAL(names.hint);
	size_t before = s->drafts.n;
	rc = add_images(s, f->path, f->first, &names, err);
	for (size_t i = before; rc == 0 && f->index != NULL && i < s->drafts.n; i++) {
		s->drafts.v[i].im->index = strdup(f->index);
		if (s->drafts.v[i].im->index == NULL)
			return err_oom(err);
	}
	return rc;
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
	size_t n = s->d->n_files;
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
	return add_images(s, "", 0, &names, err);
}

/* A file whose name says nothing: its bytes decide. */
static int interpret_lone(struct scan *s, struct err *err)
{
	struct name_member m = { 0, NAMES_NO_INDEX, NAMES_NO_INDEX, NAMES_NO_INDEX };
	struct name_image ni = { .members = &m, .n_members = 1 };
	return drafts_add(&s->drafts, "", s->d->name, 0, &ni, err);
}

static int interpret(struct scan *s, struct err *err)
{
	bool slide = false;
	if (s->pattern != NULL)
		return interpret_pattern(s, err);
	if (s->walk.is_file && !names_is_tiff(s->d->files[0].path, &slide))
		return interpret_lone(s, err);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < s->walk.n_folders; i++)
		rc = interpret_folder(s, &s->walk.folders[i], err);
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

static int compare_drafts(const void *a, const void *b, void *data)
{
	const struct draft *x = a, *y = b;
	const struct dataset *d = data;
	int rc = names_compare(d->files[x->first].path, d->files[y->first].path);
	if (rc != 0)
		return rc;
	return x->page < y->page ? -1 : x->page > y->page;
}

static int compare_left_out(const void *a, const void *b)
{
	const struct left_out *x = a, *y = b;
	return names_compare(x->path, y->path);
}

static int too_many_for_name(const struct scan *s, struct err *err)
{
	return err_set(err, EINVAL,
		       "--name names one image, but %s holds %zu (the first are %s and %s)",
		       s->d->source, s->drafts.n, s->drafts.v[0].im->id, s->drafts.v[1].im->id);
}

static int name_images(struct scan *s, struct err *err)
{
	struct drafts *ds = &s->drafts;
	const char *name = s->opts->name != NULL ? s->opts->name : s->d->name;
	int rc = drafts_name(ds, name, err);
	if (rc == 0 && s->opts->name != NULL && ds->n > 1)
		rc = too_many_for_name(s, err);
	return rc;
}

/* Leaves only files that an image needs, and numbers them anew. */
static int drop_unused_files(struct scan *s, struct err *err)
{
	struct dataset *d = s->d;
	CLEANUP(freep) uint32_t *number = malloc((d->n_files + 1) * sizeof(*number));
	if (number == NULL)
		return err_oom(err);
	memset(number, 0, d->n_files * sizeof(*number));
	for (size_t i = 0; i < d->n_images; i++) {
		const struct image *im = &d->images[i];
		uint64_t n = im->n_t * im->n_c * im->n_z;
		for (uint64_t k = 0; k < n; k++)
			if (im->planes[k].file != PLANE_GAP)
				number[im->planes[k].file] = 1;
	}
	uint32_t used = 0;
	for (size_t i = 0; i < d->n_files; i++) {
		if (number[i] == 0) {
			free(d->files[i].path);
			free(d->files[i].page_ifds);
			continue;
		}
		number[i] = used;
		d->files[used++] = d->files[i];
	}
	d->n_files = used;
	for (size_t i = 0; i < d->n_images; i++) {
		struct image *im = &d->images[i];
		uint64_t n = im->n_t * im->n_c * im->n_z;
		for (uint64_t k = 0; k < n; k++)
			if (im->planes[k].file != PLANE_GAP)
				im->planes[k].file = number[im->planes[k].file];
	}
	return 0;
}

/* A chunk may be read by whoever may read every file behind it. Of several owners none is shown, but root, who
 * may read them all; where there are several groups, nobody is known to be in all of them. */
static void set_permissions(struct dataset *d, struct image *im)
{
	im->mode = 0444;
	im->uid = d->uid;
	im->gid = d->gid;
	uint64_t n = im->n_t * im->n_c * im->n_z;
	uint32_t last = PLANE_GAP;
	const struct source_file *first = NULL;
	bool owners = false, groups = false;
	for (uint64_t k = 0; k < n; k++) {
		if (im->planes[k].file == PLANE_GAP || im->planes[k].file == last)
			continue;
		last = im->planes[k].file;
		const struct source_file *f = &d->files[last];
		im->mtime_ns = f->mtime_ns > im->mtime_ns ? f->mtime_ns : im->mtime_ns;
		/* A link to nothing has no permissions. */
		if (f->ino == 0)
			continue;
		first = first == NULL ? f : first;
		owners |= f->uid != first->uid;
		groups |= f->gid != first->gid;
		im->mode &= f->mode & f->reach;
	}
	if (first != NULL) {
		im->uid = owners ? 0 : first->uid;
		im->gid = groups ? d->gid : first->gid;
	}
	if (owners)
		im->mode |= 0400;
	if (groups && (im->mode & 04) == 0)
		im->mode &= ~UINT32_C(040);
	d->mtime_ns = im->mtime_ns > d->mtime_ns ? im->mtime_ns : d->mtime_ns;
}

static int publish(struct scan *s, struct err *err)
{
	struct dataset *d = s->d;
	struct drafts *ds = &s->drafts;
	if (ds->n > 1)
		qsort_r(ds->v, ds->n, sizeof(*ds->v), compare_drafts, d);
	int rc = name_images(s, err);
	if (rc != 0)
		return rc;
	d->images = calloc(ds->n, sizeof(*d->images));
	if (d->images == NULL)
		return err_oom(err);
	for (size_t i = 0; i < ds->n; i++) {
		d->images[i] = *ds->v[i].im;
		free(ds->v[i].im);
		ds->v[i].im = NULL;
		d->n_images++;
	}
	d->one_image = d->n_images == 1;
	d->fill_damaged = s->opts->fill_damaged;
	if (d->n_left_out > 1)
		qsort(d->left_out, d->n_left_out, sizeof(*d->left_out), compare_left_out);
	rc = drop_unused_files(s, err);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < d->n_images; i++)
		set_permissions(d, &d->images[i]);
	if (dataset_index(d) != 0)
		return err_oom(err);
	return fingerprint_set(d, s->opts->fingerprint_options, err);
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
	return 0;
}

/* A pattern bounds the walk; where it ends before the first file, what lies deeper makes the sentence. */
static int walk_for(struct scan *s, const char *source, struct err *err)
{
	unsigned depth = s->pattern != NULL ? pattern_depth(s->pattern) : WALK_DEPTH;
	for (;;) {
		int rc = new_dataset(s, err);
		if (rc == 0)
			rc = walk_source(source, s->opts->mountpoint, depth, &s->opts->each, s->d,
					 &s->walk, err);
		if (rc != 0 || s->d->n_files > 0 || depth >= WALK_DEPTH)
			return rc;
		depth = WALK_DEPTH;
	}
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
	if (s->walk.is_file && names_stem(s->d->name) > 0)
		s->d->name[names_stem(s->d->name)] = '\0';
	if (s->d->n_files == 0)
		return nothing_found(s, err);
	s->drafts = (struct drafts){
		.d = s->d, .pattern = s->pattern, .is_file = s->walk.is_file, .each = &s->opts->each
	};
	rc = interpret(s, err);
	if (rc == 0 && s->drafts.n == 0)
		rc = nothing_found(s, err);
	return rc == 0 ? publish(s, err) : rc;
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
