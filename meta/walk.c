#include "meta/walk.h"

#include "meta/mounts.h"
#include "meta/names.h"
#include "meta/sidecars.h"
#include "meta/tell.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* Names of a folder that are examined together. */
enum { LISTED_AT_ONCE = 4096 };

/* A folder by identity, so that links in circles end. */
struct folder_key {
	dev_t dev;
	ino_t ino;
};

/* The folders below SOURCE that one is in. */
struct way {
	const struct way *up;
	uint32_t mode, gid;
};

struct walker {
	struct dataset *d;
	struct walk *w;
	const struct each *each;
	const struct way *way;
	void *entered; /* tsearch tree of struct folder_key */
	unsigned depth;
	bool labels;
	struct folder_key mountpoint;
	bool has_mountpoint;
	struct mounts mounts;
};

/* Names that grow. */
struct name_vector {
	char **v;
	size_t n;
};

/* Names of the subfolders of the folder that is being listed, and of the files that tell planes. */
struct subfolders {
	struct name_vector folders, indices;
};

int dataset_leave_out(struct dataset *d, const char *path, const char *why, const char *of)
{
	struct left_out *more = grown(d->left_out, d->n_left_out, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	d->left_out = more;
	struct left_out o = { strdup(path), why, of != NULL ? strdup(of) : NULL };
	if (o.path == NULL || (of != NULL && o.of == NULL)) {
		left_out_done(&o);
		return -ENOMEM;
	}
	more[d->n_left_out++] = o;
	return 0;
}

size_t path_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

/* "folder/name", or the name alone in SOURCE. NULL: out of memory. */
static char *path_join(const char *folder, const char *name)
{
	size_t a = strlen(folder), b = strlen(name);
	char *path = malloc(a + b + 2);
	if (path == NULL)
		return NULL;
	memcpy(path, folder, a);
	if (a > 0)
		path[a++] = '/';
	memcpy(path + a, name, b + 1);
	return path;
}

static int compare_keys(const void *a, const void *b)
{
	const struct folder_key *x = a, *y = b;
	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	int rc = names_compare(x, y);
	return rc != 0 ? rc : strcmp(x, y);
}

/* Any order will do, but the same at every scan: the fingerprint follows it. */
static int compare_files(const void *a, const void *b)
{
	const struct source_file *x = a, *y = b;
	return strcmp(x->path, y->path);
}

static void name_vector_done(struct name_vector *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->v[i]);
	free(v->v);
}

static void subfolders_done(struct subfolders *s)
{
	name_vector_done(&s->folders);
	name_vector_done(&s->indices);
}

static int name_vector_add(struct name_vector *v, const char *name)
{
	char **more = grown(v->v, v->n, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	v->v = more;
	more[v->n] = strdup(name);
	if (more[v->n] == NULL)
		return -ENOMEM;
	v->n++;
	return 0;
}

static void note_seen(struct walk *w, const char *name)
{
	if (name[0] == '.' || names_is_sidecar(name))
		return;
	const char *dot = strrchr(name, '.');
	char suffix[sizeof(w->seen[0].suffix)] = "";
	if (dot != NULL && strlen(dot) < sizeof(suffix))
		for (size_t i = 0; dot[i] != '\0'; i++)
			suffix[i] = (char)(dot[i] >= 'A' && dot[i] <= 'Z' ? dot[i] - 'A' + 'a'
									  : dot[i]);
	for (size_t i = 0; i < w->n_seen; i++) {
		if (strcmp(w->seen[i].suffix, suffix) == 0) {
			w->seen[i].n++;
			return;
		}
	}
	if (w->n_seen < ARRAY_SIZE(w->seen)) {
		memcpy(w->seen[w->n_seen].suffix, suffix, sizeof(suffix));
		w->seen[w->n_seen++].n = 1;
	}
}

int64_t stat_mtime_ns(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

void source_file_from_stat(struct source_file *f, const struct stat *st)
{
	f->size = (uint64_t)st->st_size;
	f->mtime_ns = stat_mtime_ns(st);
	f->ino = st->st_ino;
	f->dev = st->st_dev;
	f->mode = st->st_mode & 07777;
	f->uid = st->st_uid;
	f->gid = st->st_gid;
	f->n_pages = 1;
	/* The smallest header: byte order, magic and an offset. */
	f->trouble = f->size < 8 ? ENODATA : 0;
}

int dataset_add_file(struct dataset *d, struct source_file *f)
{
	struct source_file *more = grown(d->files, d->n_files, sizeof(*more));
	if (more == NULL) {
		free(f->path);
		return -ENOMEM;
	}
	d->files = more;
	more[d->n_files++] = *f;
	return 0;
}

/* st NULL: it claims a plane, but could not be examined. */
static int add(struct dataset *d, const char *folder, const char *name, const struct stat *st,
	       int trouble)
{
	struct source_file f = { .path = path_join(folder, name),
				 .n_pages = 1,
				 .trouble = trouble };
	if (f.path == NULL)
		return -ENOMEM;
	if (st != NULL)
		source_file_from_stat(&f, st);
	return dataset_add_file(d, &f);
}

static int add_file(struct dataset *d, const char *folder, const char *name, const struct stat *st)
{
	return add(d, folder, name, st, 0);
}

static int add_unknown(struct dataset *d, const char *folder, const char *name, int trouble)
{
	return add(d, folder, name, NULL, trouble);
}

static int leave_out(struct walker *k, const char *folder, const char *name, const char *why)
{
	CLEANUP(freep) char *path = path_join(folder, name);
	return path == NULL ? -ENOMEM : dataset_leave_out(k->d, path, why, NULL);
}

/* One name of a folder, and what stat says where the name and its type do not say enough. */
struct listed {
	char *name;
	unsigned char type;
	bool examine;
	int error; /* of stat */
	struct stat st;
};

/* Some entries of one folder, in the order in which they were listed. */
struct listing {
	DIR *dir;
	const char *folder;
	struct listed *v;
	size_t n;
	uint32_t examine[LISTED_AT_ONCE];
	size_t n_examine;
};

static void listing_clear(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].name);
	l->n = l->n_examine = 0;
}

static void listing_free(struct listing **l)
{
	if (*l == NULL)
		return;
	listing_clear(*l);
	free((*l)->v);
	closedir((*l)->dir);
	free(*l);
}

static bool maybe_folder(const char *name, unsigned char type)
{
	return (type == DT_LNK || type == DT_UNKNOWN) && !names_is_junk_folder(name);
}

/* A side-car, but SOURCE's own. */
static bool is_sidecar(const char *folder, const char *name)
{
	return name[0] != '.' && names_is_sidecar(name) &&
	       (*folder != '\0' || strcmp(name, NAMES_SIDECAR) != 0);
}

static bool must_examine(const char *name, unsigned char type)
{
	bool slide = false;
	return type != DT_DIR &&
	       (names_is_tiff(name, &slide) || names_is_sidecar(name) || maybe_folder(name, type));
}

static int listing_add(struct listing *l, const struct dirent *e)
{
	struct listed *more = grown(l->v, l->n, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	l->v = more;
	struct listed *new = &more[l->n];
	*new = (struct listed){ .name = strdup(e->d_name), .type = e->d_type };
	if (new->name == NULL)
		return -ENOMEM;
	new->examine = must_examine(new->name, new->type);
	if (new->examine)
		l->examine[l->n_examine++] = (uint32_t)l->n;
	l->n++;
	return 0;
}

static void examine(void *arg, size_t i)
{
	struct listing *l = arg;
	struct listed *e = &l->v[l->examine[i]];
	e->error = fstatat(dirfd(l->dir), e->name, &e->st, 0) == 0 ? 0 : errno;
}

static int take_examined(struct walker *k, const char *folder, const struct listed *e,
			 struct subfolders *subs)
{
	bool slide = false;
	bool tiff = names_is_tiff(e->name, &slide);
	bool below = e->error == 0 && S_ISDIR(e->st.st_mode);
	if (!below && is_sidecar(folder, e->name))
		return sidecars_add(k->d, path_join(folder, e->name),
				    e->error == 0 ? &e->st : NULL);
	if (e->error != 0) {
		/* A file that went away between the listing and now never was part of the source. */
		bool gone = e->error == ENOENT || e->error == ENOTDIR;
		bool claims = tiff && (e->type != DT_REG || !gone);
		return claims ? add_unknown(k->d, folder, e->name, gone ? ENOENT : e->error) : 0;
	}
	if (below)
		return names_is_junk_folder(e->name) ? 0 : name_vector_add(&subs->folders, e->name);
	if (!tiff) {
		note_seen(k->w, e->name);
		return 0;
	}
	if (!S_ISREG(e->st.st_mode))
		return leave_out(k, folder, e->name, "neither a file nor a folder");
	int rc = add_file(k->d, folder, e->name, &e->st);
	if (rc == 0)
		k->d->files[k->d->n_files - 1].is_link = e->type == DT_LNK;
	return rc;
}

static int take_entry(struct walker *k, const char *folder, const struct listed *e,
		      struct subfolders *subs)
{
	if (e->type == DT_DIR)
		return names_is_junk_folder(e->name) ? 0 : name_vector_add(&subs->folders, e->name);
	if (tell_is_index(e->name))
		return name_vector_add(&subs->indices, e->name);
	if (e->examine)
		return take_examined(k, folder, e, subs);
	note_seen(k->w, e->name);
	return 0;
}

/* Takes what was listed since the last time, examined together. */
static int take_listed(struct walker *k, struct listing *l, struct subfolders *subs)
{
	if (l->n_examine > 0)
		each_run(k->each, l->n_examine, examine, l);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < l->n; i++)
		rc = take_entry(k, l->folder, &l->v[i], subs);
	listing_clear(l);
	return rc;
}

/* `dir` is closed. */
static int list_folder(struct walker *k, DIR *dir, const char *folder, struct subfolders *subs)
{
	struct listing *l CLEANUP(listing_free) = calloc(1, sizeof(*l));
	if (l == NULL) {
		closedir(dir);
		return -ENOMEM;
	}
	l->dir = dir;
	l->folder = folder;
	for (;;) {
		errno = 0;
		const struct dirent *e = readdir(dir);
		int code = errno, rc = 0;
		if (e == NULL) {
			rc = take_listed(k, l, subs);
			return rc != 0 ? rc : -code;
		}
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (l->n == LISTED_AT_ONCE)
			rc = take_listed(k, l, subs);
		if (rc == 0)
			rc = listing_add(l, e);
		if (rc != 0)
			return rc;
	}
}

/* 1 where this folder is to be listed (`here` is it, then), 0 where not, -ENOMEM. */
static int enter(struct walker *k, int fd, bool top, struct way *here)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return 0;
	*here = (struct way){ k->way, st.st_mode, st.st_gid };
	struct folder_key key = { .dev = st.st_dev, .ino = st.st_ino };
	/* SOURCE itself may be the mount point (a mount over it), but nothing below it. */
	if (!top && k->has_mountpoint && compare_keys(&key, &k->mountpoint) == 0)
		return 0;
	if (!top && mounts_has(&k->mounts, st.st_dev))
		return 0;
	struct folder_key *own = malloc(sizeof(*own));
	if (own == NULL)
		return -ENOMEM;
	*own = key;
	void *found = tsearch(own, &k->entered, compare_keys);
	if (found == NULL || *(struct folder_key **)found != own)
		free(own);
	return found == NULL ? -ENOMEM : *(struct folder_key **)found == own;
}

/* Which readers of a file get to it, as read permissions. Its owner does: only whose it is not is kept away. Of
 * another group than the folder's is not known who may pass by the folder's group. */
static uint32_t reach(const struct way *way, uint32_t gid)
{
	uint32_t mode = 0444;
	for (; way != NULL; way = way->up) {
		if ((way->mode & 01) == 0)
			mode &= 0440;
		if ((way->mode & 010) == 0 || (way->gid != gid && (way->mode & 01) == 0))
			mode &= 0404;
	}
	return mode;
}

static int record_folder(struct walker *k, const char *path, size_t first,
			 struct name_vector *indices)
{
	struct walk *w = k->w;
	if (k->d->n_files == first && indices->n == 0)
		return 0;
	struct walk_folder *more = grown(w->folders, w->n_folders, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	w->folders = more;
	for (size_t i = first; i < k->d->n_files; i++)
		k->d->files[i].reach = reach(k->way, k->d->files[i].gid);
	char *copy = strdup(path);
	if (copy == NULL)
		return -ENOMEM;
	if (k->d->n_files > first)
		qsort(k->d->files + first, k->d->n_files - first, sizeof(*k->d->files),
		      compare_files);
	if (indices->n > 1)
		qsort(indices->v, indices->n, sizeof(*indices->v), compare_names);
	struct walk_folder *new = &more[w->n_folders++];
	*new = (struct walk_folder){ .path = copy, .first = first, .n = k->d->n_files - first };
	new->indices = STEAL(indices->v);
	new->n_indices = indices->n;
	indices->n = 0;
	return 0;
}

static bool is_zarr(const char *name)
{
	size_t n = strlen(name);
	return n > 5 && strcasecmp(name + n - 5, ".zarr") == 0;
}

static int walk_folder(struct walker *k, const char *path, unsigned level, struct err *err);

static int walk_labels(struct walker *k, const char *path, unsigned level, struct err *err)
{
	unsigned depth = k->depth;
	k->depth = WALK_DEPTH;
	int rc = walk_folder(k, path, level, err);
	k->depth = depth;
	return rc;
}

/* NDTiff's pyramids lie in folders beside the one of the whole image. */
static bool is_stored_level(const struct name_vector *folders, const char *name)
{
	static const char level[] = "Downsampled_x";
	if (strncmp(name, level, sizeof(level) - 1) != 0)
		return false;
	for (size_t i = 0; i < folders->n; i++)
		if (strcmp(folders->v[i], "Full resolution") == 0)
			return true;
	return false;
}

static int walk_below(struct walker *k, const char *path, unsigned level, struct name_vector *subs,
		      struct err *err)
{
	if (subs->n > 1)
		qsort(subs->v, subs->n, sizeof(*subs->v), compare_names);
	for (size_t i = 0; i < subs->n; i++) {
		CLEANUP(freep) char *below = path_join(path, subs->v[i]);
		if (below == NULL)
			return err_oom(err);
		int rc = 0;
		if (is_zarr(subs->v[i]))
			rc = dataset_leave_out(k->d, below, "a Zarr folder", NULL);
		else if (is_stored_level(subs, subs->v[i]))
			rc = dataset_leave_out(k->d, below, "a stored overview", NULL);
		else if (k->labels && strcmp(below, "labels") == 0)
			rc = walk_labels(k, below, level + 1, err);
		else if (level < k->depth)
			rc = walk_folder(k, below, level + 1, err);
		else if (k->depth >= WALK_DEPTH)
			rc = dataset_leave_out(k->d, below, "too deep below the source", NULL);
		if (rc != 0)
			return rc == -ENOMEM ? err_oom(err) : rc;
	}
	return 0;
}

/* `dir` is closed. */
static int walk_listed(struct walker *k, DIR *dir, const char *path, unsigned level,
		       struct err *err)
{
	size_t first = k->d->n_files;
	struct subfolders CLEANUP(subfolders_done) subs = { 0 };
	int rc = list_folder(k, dir, path, &subs);
	if (rc == 0)
		rc = record_folder(k, path, first, &subs.indices);
	if (rc == -ENOMEM)
		return err_oom(err);
	if (rc != 0)
		return err_set(err, -rc, "%s: folder '%s' cannot be listed: %s", k->d->source, path,
			       strerror(-rc));
	return walk_below(k, path, level, &subs.folders, err);
}

static int walk_folder(struct walker *k, const char *path, unsigned level, struct err *err)
{
	bool top = level == 0;
	CLEANUP(closep)
	int fd = openat(k->d->root_fd, top ? "." : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && top)
		return err_set(err, errno, "%s: %s", k->d->source,
			       errno == EACCES ? "no permission to read this folder"
					       : strerror(errno));
	if (fd < 0)
		return dataset_leave_out(k->d, path,
					 errno == EACCES ? "no permission to read this folder"
							 : "a folder that cannot be read",
					 NULL);
	struct way here;
	int go = enter(k, fd, top, &here);
	if (go <= 0)
		return go < 0 ? err_oom(err) : 0;
	k->w->n_entered += !top;
	DIR *dir = fdopendir(fd);
	if (dir == NULL)
		return err_oom(err);
	fd = -1; /* the listing owns it now */
	/* What SOURCE itself allows is for its root to say. */
	k->way = top ? NULL : &here;
	int rc = walk_listed(k, dir, path, level, err);
	k->way = here.up;
	return rc;
}

/* The source's own name: its last part as typed, or the resolved one where that says nothing. */
static char *source_name(const char *source)
{
	CLEANUP(freep) char *real = NULL;
	for (const char *s = source;;) {
		size_t len = strlen(s);
		while (len > 0 && s[len - 1] == '/')
			len--;
		size_t start = len;
		while (start > 0 && s[start - 1] != '/')
			start--;
		const char *base = s + start;
		size_t n = len - start;
		bool says_nothing = n == 0 || (n <= 2 && strncmp(base, "..", n) == 0);
		if (!says_nothing || real != NULL)
			return strndup(base, n);
		real = realpath(source, NULL);
		if (real == NULL)
			return strdup("");
		s = real;
	}
}

static int source_missing(const char *source, int code, struct err *err)
{
	struct stat st;
	if (code == ENOENT && lstat(source, &st) == 0)
		return err_set(err, code, "%s: a link to something that does not exist", source);
	if (code == ENOENT)
		return err_set(err, code, "%s: no such file or folder", source);
	if (code == ENOTDIR)
		return err_set(err, code, "%s: a part of this path is a file, not a folder",
			       source);
	if (code == EACCES)
		return err_set(err, code, "%s: no permission to reach it", source);
	if (code == ENOTCONN)
		return err_set(err, code, "%s: a dead mount: unmount it with ngffuse -u", source);
	return err_set(err, code, "%s: %s", source, strerror(code));
}

/* A file is the only entry of its folder that counts. */
static int walk_file(const char *source, const struct stat *st, struct walker *k, struct err *err)
{
	struct dataset *d = k->d;
	size_t folder = path_folder(source);
	CLEANUP(freep) char *parent = folder == 0 ? strdup(".") : strndup(source, folder);
	if (parent == NULL)
		return err_oom(err);
	d->root_fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (d->root_fd < 0)
		return source_missing(source, errno, err);
	const char *name = source + folder;
	struct name_vector CLEANUP(name_vector_done) indices = { 0 };
	int rc = tell_is_index(name) ? name_vector_add(&indices, name) : add_file(d, "", name, st);
	if (rc != 0 || record_folder(k, "", 0, &indices) != 0)
		return err_oom(err);
	k->w->is_file = true;
	if (st->st_size == 0)
		return err_set(err, EINVAL, "%s: the file is empty (0 bytes)", source);
	return 0;
}

static int walk_start(const char *source, struct walker *k, struct err *err)
{
	struct dataset *d = k->d;
	struct stat st;
	if (stat(source, &st) != 0)
		return source_missing(source, errno, err);
	d->source = strdup(source);
	d->name = source_name(source);
	if (d->source == NULL || d->name == NULL)
		return err_oom(err);
	d->mode = st.st_mode & 0777;
	d->uid = st.st_uid;
	d->gid = st.st_gid;
	if (S_ISREG(st.st_mode))
		return walk_file(source, &st, k, err);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, EINVAL, "%s: neither a file nor a folder", source);
	struct statfs fs;
	if (mounts_has(&k->mounts, st.st_dev) && statfs(source, &fs) != 0)
		return source_missing(source, errno, err);
	if (mounts_has(&k->mounts, st.st_dev))
		return err_set(err, EINVAL, "%s: this is itself a mount of ngffuse", source);
	d->root_fd = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (d->root_fd < 0)
		return source_missing(source, errno, err);
	return walk_folder(k, "", 0, err);
}

int walk_source(const char *source, const char *mountpoint, unsigned depth, bool labels,
		const struct each *each, struct dataset *d, struct walk *out, struct err *err)
{
	struct walker k = { .d = d, .w = out, .each = each, .depth = depth, .labels = labels };
	*out = (struct walk){ 0 };
	struct stat st;
	if (mountpoint != NULL && stat(mountpoint, &st) == 0) {
		k.mountpoint = (struct folder_key){ .dev = st.st_dev, .ino = st.st_ino };
		k.has_mountpoint = true;
	}
	mounts_read(&k.mounts);
	int rc = walk_start(source, &k, err);
	tdestroy(k.entered, free);
	mounts_done(&k.mounts);
	return rc;
}

void walk_done(struct walk *w)
{
	for (size_t i = 0; i < w->n_folders; i++) {
		free(w->folders[i].path);
		for (size_t n = 0; n < w->folders[i].n_indices; n++)
			free(w->folders[i].indices[n]);
		free(w->folders[i].indices);
		text_done(&w->folders[i].notes);
	}
	free(w->folders);
	*w = (struct walk){ 0 };
}
