#include "meta/told_ome_files.h"

#include <errno.h>
#include <string.h>

#include "meta/told_ome.h"

/* What the names have in common. */
struct names {
	char **normal;	     /* path of each file of the document; "": it has no name */
	uint32_t *last_of;   /* number of its last part */
	uint32_t *same_last; /* how many paths end in this part */
	size_t n;	     /* files of the document */
	size_t named;	     /* different paths, and UUIDs without one */
	size_t of_own;	     /* different paths with the UUID of the file that was asked */
	struct text_index paths, lasts, own_paths;
};

/* What is to be said once for all of them. */
struct missing {
	size_t absent, outside;
	const char *absent_name, *outside_name;
};

const char *ome_last_part(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

bool ome_is_absent(int rc)
{
	return rc == -ENOENT || rc == -ENOTDIR || rc == -ENAMETOOLONG || rc == -ELOOP ||
	       rc == -EINVAL;
}

void ome_print_name(struct text *t, const char *name)
{
	text_add(t, "");
	text_add_name(t, name, strnlen(name, 200));
}

char *ome_normal_path(const char *path)
{
	size_t n = 0;
	char *out = strdup(path);
	if (out == NULL)
		return NULL;
	if (((*path >= 'a' && *path <= 'z') || (*path >= 'A' && *path <= 'Z')) && path[1] == ':')
		path += 2;
	while (*path != '\0') {
		size_t part = strcspn(path, "/\\");
		if (part > 0 && !(part == 1 && *path == '.')) {
			if (n > 0)
				out[n++] = '/';
			memcpy(out + n, path, part);
			n += part;
		}
		path += part + (path[part] != '\0');
	}
	out[n] = '\0';
	return out;
}

static void names_done(struct names *m)
{
	for (size_t i = 0; m->normal != NULL && i < m->n; i++)
		free(m->normal[i]);
	free(m->normal);
	free(m->last_of);
	free(m->same_last);
	text_index_done(&m->paths);
	text_index_done(&m->lasts);
	text_index_done(&m->own_paths);
}

/* Files without a name count by their UUID, which no path begins with a NUL for. */
static int count_name(struct names *m, const struct ome_file *f, size_t i)
{
	uint32_t before = m->paths.n, number = 0;
	m->normal[i] = ome_normal_path(f->name);
	if (m->normal[i] == NULL)
		return -ENOMEM;
	const char *path = m->normal[i], *last = ome_last_part(path);
	if (*path != '\0') {
		int r = text_index_add(&m->paths, path, strlen(path), &number);
		if (r == 0)
			r = text_index_add(&m->lasts, last, strlen(last), &m->last_of[i]);
		if (r == 0)
			m->same_last[m->last_of[i]] += m->paths.n > before;
		return r;
	}
	CLEANUP(text_done) struct text key = { 0 };
	text_addn(&key, "", 1);
	text_add(&key, f->uuid);
	return key.oom ? -ENOMEM : text_index_add(&m->paths, key.s, key.len, &number);
}

static int names_read(const struct ome_doc *d, struct names *m)
{
	size_t n = d->xml.n_files;
	m->n = n;
	m->normal = calloc(n + 1, sizeof(*m->normal));
	m->last_of = calloc(n + 1, sizeof(*m->last_of));
	m->same_last = calloc(n + 1, sizeof(*m->same_last));
	if (m->normal == NULL || m->last_of == NULL || m->same_last == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct ome_file *f = &d->xml.files[i];
		int r = count_name(m, f, i);
		uint32_t number = 0;
		if (r == 0 && m->normal[i][0] != '\0' && strcmp(f->uuid, d->uuid) == 0)
			r = text_index_add(&m->own_paths, m->normal[i], strlen(m->normal[i]),
					   &number);
		if (r < 0)
			return r;
	}
	m->named = m->paths.n;
	m->of_own = m->own_paths.n;
	return 0;
}

/* The index of a path in told.files. */
static int take(struct ome_files *files, struct told *out, const char *path, uint32_t *file)
{
	uint32_t before = files->paths.n, added = 0;
	int r = text_index_add(&files->paths, path, strlen(path), file);
	if (r == 0 && files->paths.n > before)
		r = told_add_file(out, *path != '\0' ? path : NULL, &added);
	return r;
}

int ome_files_this(struct ome_files *files, struct told *out, uint32_t *file)
{
	return take(files, out, "", file);
}

/* Its UUID, which says nothing where several names share it, or its name, which says nothing where files of several
 * folders share that. */
static bool is_this(const struct told_source *s, const struct ome_doc *d, const struct names *m,
		    size_t i)
{
	const struct ome_file *f = &d->xml.files[i];
	const char *path = m->normal[i];
	if (s->r == NULL)
		return false;
	if (d->uuid[0] != '\0' && strcmp(f->uuid, d->uuid) == 0 && m->of_own <= 1)
		return true;
	if (*path == '\0')
		return false;
	if (strcmp(path, s->name) == 0)
		return true;
	return strcmp(ome_last_part(path), s->name) == 0 && m->same_last[m->last_of[i]] == 1;
}

/* A file that was renamed: it is the only one of which the document tells. */
static bool is_only(const struct told_source *s, const struct ome_doc *d, const struct names *m,
		    size_t i)
{
	if (s->r == NULL || d->bare || m->named != 1)
		return false;
	return m->normal[i][0] != '\0' || d->uuid[0] == '\0';
}

static int take_uuid(struct ome_files *files, struct told *out, const char *uuid, uint32_t *file)
{
	CLEANUP(text_done) struct text t = { 0 };
	bool prefixed = strncmp(uuid, TOLD_OME_UUID, strlen(TOLD_OME_UUID)) == 0;
	text_add(&t, prefixed ? "" : TOLD_OME_UUID);
	text_add(&t, uuid);
	return t.oom ? -ENOMEM : take(files, out, t.s, file);
}

/* NULL: it is nowhere. *rc: failing storage. */
static const char *look(const struct told_source *s, const struct names *m, size_t i,
			struct missing *missing, int *rc)
{
	const char *path = m->normal[i], *last = ome_last_part(path);
	*rc = s->beside(s->ctx, path, 0, NULL, NULL);
	if (*rc == -EXDEV) {
		missing->outside++;
		missing->outside_name = path;
		*rc = 0;
		return path;
	}
	if (ome_is_absent(*rc) && last != path && m->same_last[m->last_of[i]] == 1) {
		path = last;
		*rc = s->beside(s->ctx, path, 0, NULL, NULL);
	}
	if (*rc == 0)
		return path;
	if (ome_is_absent(*rc))
		*rc = 0;
	return NULL;
}

static int find(const struct told_source *s, const struct ome_doc *d, const struct names *m,
		size_t i, struct told *out, struct ome_files *files, struct missing *missing)
{
	if (is_this(s, d, m, i))
		return ome_files_this(files, out, &files->file[i]);
	const char *path = m->normal[i], *found = NULL;
	int r = 0;
	if (*path != '\0')
		found = look(s, m, i, missing, &r);
	if (r < 0)
		return r;
	if (found != NULL)
		return take(files, out, found, &files->file[i]);
	if (is_only(s, d, m, i))
		return ome_files_this(files, out, &files->file[i]);
	if (*path == '\0')
		return take_uuid(files, out, d->xml.files[i].uuid, &files->file[i]);
	missing->absent++;
	missing->absent_name = path;
	return take(files, out, path, &files->file[i]);
}

static void say(struct told *out, size_t n, const char *name, const char *where)
{
	CLEANUP(text_done) struct text t = { 0 };
	if (n == 0)
		return;
	ome_print_name(&t, name);
	if (t.oom)
		out->notes.oom = true;
	else if (n == 1)
		told_note(out, "its OME-XML names \"%s\", which %s", t.s, where);
	else
		told_note(out, "its OME-XML names %zu files, such as \"%s\", of which each %s", n,
			  t.s, where);
}

int ome_files_find(const struct told_source *s, const struct ome_doc *d, struct told *out,
		   struct ome_files *files, struct err *err)
{
	CLEANUP(names_done) struct names m = { 0 };
	struct missing missing = { 0 };
	files->file = calloc(d->xml.n_files + 1, sizeof(*files->file));
	if (files->file == NULL || names_read(d, &m) < 0)
		return err_oom(err);
	for (size_t i = 0; i < m.n; i++) {
		int r = find(s, d, &m, i, out, files, &missing);
		if (r == -ENOMEM)
			return err_oom(err);
		if (r == -EOVERFLOW)
			return err_set(err, EOVERFLOW, "more than %d files", TOLD_MAX_FILES);
		if (r < 0)
			return err_set(err, -r, "looking for files that OME-XML names: %s",
				       strerror(-r));
	}
	say(out, missing.absent, missing.absent_name, "is not there");
	say(out, missing.outside, missing.outside_name, "lies outside of the source");
	return 0;
}

void ome_files_done(struct ome_files *files)
{
	free(files->file);
	text_index_done(&files->paths);
}
