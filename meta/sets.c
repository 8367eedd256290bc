#include "meta/sets.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "codec/reader_buffered.h"
#include "meta/label_find.h"
#include "meta/sets_draft.h"
#include "meta/tell.h"
#include "meta/told_join.h"

/* Files of one folder whose names differ in numbers alone. */
struct group {
	uint64_t hash;
	uint32_t first; /* of those that can be read, in natural order */
	uint32_t n;
	bool shared; /* the first one may tell planes of others */
};

struct groups {
	const struct dataset *d;
	struct group *v;
	uint32_t n;
	uint32_t *slots; /* open addressing: 1 + a group's number */
	size_t n_slots;	 /* a power of two */
};

struct finder {
	struct set_files files;
	struct walk *w;
	struct walk_folder *folder;
};

static const char *base(const struct source_file *f)
{
	return f->path + path_folder(f->path);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The next byte of a name in which each number is one 0. */
static char masked(const char **s)
{
	char c = **s;
	if (c == '\0')
		return c;
	++*s;
	if (!is_digit(c))
		return c;
	while (is_digit(**s))
		++*s;
	return '0';
}

static uint64_t mask_hash(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (char c = masked(&s); c != '\0'; c = masked(&s))
		h = (h ^ (uint8_t)c) * UINT64_C(0x100000001b3);
	return h;
}

static bool same_mask(const char *a, const char *b)
{
	for (;;) {
		char x = masked(&a), y = masked(&b);
		if (x != y || x == '\0')
			return x == y;
	}
}

static void groups_done(struct groups *g)
{
	free(g->v);
	free(g->slots);
}

static int groups_make(struct groups *g, const struct dataset *d, size_t n)
{
	*g = (struct groups){ .d = d, .n_slots = 16 };
	while (g->n_slots < 2 * n)
		g->n_slots *= 2;
	g->v = calloc(n + 1, sizeof(*g->v));
	g->slots = calloc(g->n_slots, sizeof(*g->slots));
	return g->v == NULL || g->slots == NULL ? -ENOMEM : 0;
}

/* Which of two files is asked: one that can be read, the first in natural order. */
static bool is_better(const struct source_file *a, const struct source_file *b)
{
	if ((a->trouble == 0) != (b->trouble == 0))
		return a->trouble == 0;
	return names_compare(base(a), base(b)) < 0;
}

static void groups_add(struct groups *g, uint32_t file)
{
	const char *name = base(&g->d->files[file]);
	uint64_t hash = mask_hash(name);
	size_t i = (hash >> 17) & (g->n_slots - 1);
	for (; g->slots[i] != 0; i = (i + 1) & (g->n_slots - 1)) {
		struct group *old = &g->v[g->slots[i] - 1];
		const char *first = base(&g->d->files[old->first]);
		if (old->hash != hash || !same_mask(first, name))
			continue;
		if (is_better(&g->d->files[file], &g->d->files[old->first]))
			old->first = file;
		old->n++;
		return;
	}
	g->v[g->n] = (struct group){ .hash = hash, .first = file, .n = 1 };
	g->slots[i] = ++g->n;
}

static void probe(void *arg, size_t i)
{
	struct groups *g = arg;
	const struct source_file *f = &g->d->files[g->v[i].first];
	CLEANUP(closep) int fd = f->trouble == 0 ? dataset_open(g->d, f, true) : -1;
	if (fd < 0)
		return; /* the survey meets it again */
	struct reader_buffer buffer CLEANUP(reader_buffer_done) = { 0 };
	struct reader file = reader_fd(&fd, f->size), r = reader_buffered(&buffer, &file);
	g->v[i].shared = tell_is_shared(&r) > 0;
}

/* Reads a file's pages as far as telling needs them, and asks it. -ENOMEM, -EMFILE; what else fails is told by
 * nobody here, but met again by the survey. */
static int ask(const struct dataset *d, const struct source_file *f, struct telling *out)
{
	*out = (struct telling){ 0 };
	CLEANUP(closep) int fd = f->trouble == 0 ? dataset_open(d, f, true) : -EBADMSG;
	if (fd == -ENOMEM || fd == -EMFILE || fd == -ENFILE)
		return fd;
	if (fd < 0)
		return 0;
	struct reader_buffer buffer CLEANUP(reader_buffer_done) = { 0 };
	struct reader file = reader_fd(&fd, f->size), r = reader_buffered(&buffer, &file);
	struct pages CLEANUP(pages_done) pages = { 0 };
	int rc = pages_count(&r, &pages, NULL);
	if (rc == 0)
		tell_file(d, f->path, &r, &pages, out);
	return rc == -ENOMEM || out->rc == -ENOMEM ? -ENOMEM : 0;
}

static int failed(int rc, struct err *err)
{
	return rc == -ENOMEM ? err_oom(err) : err_set(err, -rc, "too many open files");
}

/* Files of the folder that tell parts of the same images as `t` does. */
static int join_run(struct finder *k, size_t teller, struct told *t, struct err *err)
{
	struct dataset *d = k->files.ds->d;
	const struct walk_folder *folder = k->folder;
	for (size_t i = folder->first; i < folder->first + folder->n; i++) {
		if (i == teller || k->files.taken_by[i] != 0 ||
		    strstr(base(&d->files[i]), "MMStack") == NULL)
			continue;
		struct telling CLEANUP(telling_done) other;
		int rc = ask(d, &d->files[i], &other);
		if (rc != 0)
			return failed(rc, err);
		if (other.rc != 1 || other.told.run == NULL || strcmp(other.told.run, t->run) != 0)
			continue;
		rc = told_join(t, &other.told, base(&d->files[i]), err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* 1: the file told a set, which is drafted; 0: it did not. */
static int try_file(struct finder *k, uint32_t number, struct err *err)
{
	struct dataset *d = k->files.ds->d;
	struct telling CLEANUP(telling_done) t;
	int rc = ask(d, &d->files[number], &t);
	if (rc != 0)
		return failed(rc, err);
	if (t.rc != 1 || (t.told.run == NULL && !told_reaches_out(&t.told)))
		return 0;
	CLEANUP(freep) char *path = strdup(d->files[number].path);
	if (path == NULL)
		return err_oom(err);
	k->files.taken_by[number] = k->files.n_sets + 1;
	if (t.told.run != NULL)
		rc = join_run(k, number, &t.told, err);
	if (rc == 0 && t.told.run != NULL)
		told_trim(&t.told);
	if (rc == 0)
		rc = set_draft(&k->files, k->folder->path, path, &t.told, err);
	return rc == 0 ? 1 : rc;
}

static int compare_numbered(const void *a, const void *b, void *arg)
{
	const struct dataset *d = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int rc = names_compare(base(&d->files[x]), base(&d->files[y]));
	return rc != 0 ? rc : x < y ? -1 : x > y;
}

/* Sets of the files of one group, as long as the first that is left tells one. */
static int try_group(struct finder *k, const struct group *g, struct err *err)
{
	struct dataset *d = k->files.ds->d;
	CLEANUP(freep) uint32_t *order = reallocarray(NULL, g->n + (size_t)1, sizeof(*order));
	if (order == NULL)
		return err_oom(err);
	uint32_t n = 0;
	for (size_t i = k->folder->first; i < k->folder->first + k->folder->n && n < g->n; i++)
		if (same_mask(base(&d->files[i]), base(&d->files[g->first])))
			order[n++] = (uint32_t)i;
	qsort_r(order, n, sizeof(*order), compare_numbered, d);
	for (uint32_t i = 0; i < n; i++) {
		if (k->files.taken_by[order[i]] != 0 || d->files[order[i]].trouble != 0)
			continue;
		int rc = try_file(k, order[i], err);
		if (rc <= 0)
			return rc;
	}
	return 0;
}

static int find_by_files(struct finder *k, struct err *err)
{
	const struct walk_folder *f = k->folder;
	struct groups CLEANUP(groups_done) g;
	int rc = groups_make(&g, k->files.ds->d, f->n);
	if (rc != 0)
		return err_oom(err);
	for (size_t i = f->first; i < f->first + f->n; i++)
		if (k->files.taken_by[i] == 0)
			groups_add(&g, (uint32_t)i);
	each_run(k->files.ds->each, g.n, probe, &g);
	for (uint32_t i = 0; rc == 0 && i < g.n; i++)
		if (g.v[i].shared)
			rc = try_group(k, &g.v[i], err);
	return rc;
}

/* A change of the index is one of the planes. */
static void note_index(struct dataset *d, const char *path)
{
	struct source_file f = { 0 };
	struct stat st;
	if (fstatat(d->root_fd, path, &st, 0) != 0)
		return;
	source_file_from_stat(&f, &st);
	d->indices = (d->indices * UINT64_C(0x100000001b3)) ^ f.size;
	d->indices = (d->indices * UINT64_C(0x100000001b3)) ^ (uint64_t)f.mtime_ns;
}

static int find_by_index(struct finder *k, const char *name, struct err *err)
{
	const struct walk_folder *f = k->folder;
	struct dataset *d = k->files.ds->d;
	struct telling CLEANUP(telling_done) t;
	struct text CLEANUP(text_done) path = { 0 };
	text_addf(&path, "%s%s%s", f->path, *f->path != '\0' ? "/" : "", name);
	if (path.oom)
		return err_oom(err);
	note_index(d, path.s);
	tell_index(d, path.s, &t);
	if (t.rc == -ENOMEM)
		return err_oom(err);
	if (t.rc == 1) {
		told_trim(&t.told);
		return set_draft(&k->files, f->path, path.s, &t.told, err);
	}
	const char *why = t.rc < 0		   ? t.err.msg
			  : t.told.notes.s != NULL ? t.told.notes.s
						   : "it tells no image";
	if (k->files.ds->is_file && f->n == 0)
		return err_set(err, EINVAL, "%s: %.*s", d->source, (int)strcspn(why, "\n"), why);
	text_addf(&k->folder->notes, "%s: %.*s\n", path.s, (int)strcspn(why, "\n"), why);
	if (k->folder->notes.oom ||
	    dataset_leave_out(d, path.s, "it tells no planes that can be used", NULL) != 0)
		return err_oom(err);
	return 0;
}

/* Files that belong to sets go behind all others. */
static int move_taken(struct finder *k, struct err *err)
{
	struct dataset *d = k->files.ds->d;
	size_t listed = k->files.n, to = 0;
	CLEANUP(freep) struct source_file *all = reallocarray(NULL, listed + 1, sizeof(*all));
	CLEANUP(freep) uint32_t *number = reallocarray(NULL, listed + 1, sizeof(*number));
	if (all == NULL || number == NULL)
		return err_oom(err);
	memcpy(all, d->files, listed * sizeof(*all));
	for (size_t i = 0; i < k->w->n_folders; i++) {
		struct walk_folder *f = &k->w->folders[i];
		size_t first = to;
		for (size_t n = f->first; n < f->first + f->n; n++)
			if (k->files.taken_by[n] == 0)
				number[n] = (uint32_t)to++;
		f->first = first;
		f->n = to - first;
	}
	for (size_t n = 0; n < listed; n++)
		if (k->files.taken_by[n] != 0)
			number[n] = (uint32_t)to++;
	for (size_t n = 0; n < listed; n++)
		d->files[number[n]] = all[n];
	for (size_t i = 0; i < k->files.ds->n; i++) {
		struct draft *dr = &k->files.ds->v[i];
		uint64_t planes = dr->im->n_t * dr->im->n_c * dr->im->n_z;
		if (dr->first < listed)
			dr->first = number[dr->first];
		for (uint64_t p = 0; p < planes; p++)
			if (dr->im->planes[p].file < listed)
				dr->im->planes[p].file = number[dr->im->planes[p].file];
	}
	return 0;
}

int sets_find(struct drafts *ds, struct walk *w, bool labels, struct err *err)
{
	struct finder k = { .w = w };
	int rc = set_files_make(&k.files, ds) == 0 ? 0 : err_oom(err);
	for (size_t i = 0; rc == 0 && i < w->n_folders; i++) {
		struct label_folder l;
		if (!labels && label_folder(w->folders[i].path, &l))
			continue;
		k.folder = &w->folders[i];
		k.folder->first_draft = ds->n;
		for (size_t n = 0; rc == 0 && n < k.folder->n_indices; n++)
			rc = find_by_index(&k, k.folder->indices[n], err);
		if (rc == 0)
			rc = find_by_files(&k, err);
		k.folder->n_drafts = ds->n - k.folder->first_draft;
	}
	if (rc == 0 && k.files.n_sets > 0)
		rc = move_taken(&k, err);
	set_files_done(&k.files);
	return rc;
}
