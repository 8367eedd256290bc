#include "meta/sets_draft.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "codec/reader_buffered.h"
#include "meta/pages.h"
#include "meta/places.h"
#include "meta/sets_uuid.h"
#include "meta/tell_beside.h"
#include "meta/walk.h"

/* A file that the set names. */
struct member {
	size_t file; /* in the dataset */
	size_t same; /* the first member of the same set that is this file; its own number */
	bool taken;  /* another set has it */
	bool deep;   /* pages behind its first are planes: its chain must be walked */
	struct pages pages;
	int rc;
	struct tiff_place *v; /* of its planes */
	uint32_t n;
};

struct set {
	struct set_files *s;
	const char *folder, *path;
	struct told *told;
	struct member *members; /* told->n_files of them */
	size_t n_missing;
	struct text missing; /* the first few names */
};

static void set_done(struct set *st)
{
	for (size_t i = 0; st->members != NULL && i < st->told->n_files; i++) {
		pages_done(&st->members[i].pages);
		free(st->members[i].v);
	}
	free(st->members);
	text_done(&st->missing);
}

static int compare_paths(const void *a, const void *b, void *arg)
{
	const struct dataset *d = arg;
	return strcmp(d->files[*(const uint32_t *)a].path, d->files[*(const uint32_t *)b].path);
}

int set_files_make(struct set_files *s, struct drafts *ds)
{
	*s = (struct set_files){ .ds = ds, .n = ds->d->n_files };
	s->taken_by = calloc(s->n + 1, sizeof(*s->taken_by));
	return s->taken_by == NULL ? -ENOMEM : 0;
}

/* Most sources have no set that would ask. */
static int order_paths(struct set_files *s)
{
	if (s->by_path != NULL)
		return 0;
	s->by_path = reallocarray(NULL, s->n + 1, sizeof(*s->by_path));
	if (s->by_path == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++)
		s->by_path[i] = (uint32_t)i;
	qsort_r(s->by_path, s->n, sizeof(*s->by_path), compare_paths, s->ds->d);
	return 0;
}

void set_files_done(struct set_files *s)
{
	free(s->by_path);
	free(s->taken_by);
}

/* The number of a file that the walk listed; s->n where it did not. */
static size_t find_listed(const struct set_files *s, const char *path)
{
	size_t low = 0, high = s->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int rc = strcmp(s->ds->d->files[s->by_path[mid]].path, path);
		if (rc == 0)
			return s->by_path[mid];
		if (rc < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return s->n;
}

/* What a named file is, that the walk did not list or that is a link. */
static void examine(const struct dataset *d, struct source_file *f)
{
	CLEANUP(closep) int fd = beside_open(d->root_fd, f->path);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		bool outside = fd == -EXDEV || fd == -ELOOP;
		f->trouble = outside ? EXDEV : fd == -EACCES ? EACCES : ENXIO;
		return;
	}
	source_file_from_stat(f, &st);
}

/* Read permissions that the folders leave of a file that the walk did not list: those of its neighbour, of the one that
 * tells; of other folders nothing is known. */
static uint32_t reach_of(const struct set *st, const char *path)
{
	size_t folder = path_folder(path), teller = find_listed(st->s, st->path);
	if (folder == 0)
		return 0444;
	bool beside = folder == path_folder(st->path) && strncmp(path, st->path, folder) == 0;
	return beside && teller < st->s->n ? st->s->ds->d->files[teller].reach : 0400;
}

/* A file that is no member of a folder's list. */
static int add_named(struct set *st, const char *path, int trouble, size_t *file)
{
	struct dataset *d = st->s->ds->d;
	struct source_file f = {
		.path = strdup(path), .n_pages = 1, .trouble = trouble, .reach = reach_of(st, path)
	};
	if (f.path == NULL)
		return -ENOMEM;
	if (trouble == 0)
		examine(d, &f);
	int rc = dataset_add_file(d, &f);
	*file = d->n_files - 1;
	return rc;
}

static void note_missing(struct set *st, const struct source_file *f)
{
	if (st->n_missing++ < 3)
		text_addf(&st->missing, "%s%s (%s)", st->missing.len > 0 ? ", " : "", f->path,
			  source_file_trouble(f));
}

/* Finds the file that the set calls `name` (NULL: the one that tells). */
static int find_member(struct set *st, const char *name, struct member *m)
{
	struct set_files *s = st->s;
	struct dataset *d = s->ds->d;
	struct text CLEANUP(text_done) path = { 0 };
	bool inside = beside_path(st->path, name != NULL ? name : st->path + path_folder(st->path),
				  &path);
	if (path.oom)
		return -ENOMEM;
	int rc = 0;
	m->file = inside ? find_listed(s, path.s) : s->n;
	bool listed = m->file < s->n;
	if (listed) {
		size_t number = m->file;
		m->taken = s->taken_by[number] != 0 && s->taken_by[number] != s->n_sets;
		if (!m->taken)
			s->taken_by[number] = s->n_sets;
		/* Where a file names others, links must stay inside, too. */
		struct source_file probe = { .path = d->files[number].path };
		if (name != NULL && d->files[number].is_link && d->files[number].trouble == 0)
			examine(d, &probe);
		if (probe.trouble != 0)
			rc = add_named(st, path.s, probe.trouble, &m->file);
	} else {
		const char *as = inside || name == NULL ? path.s : name;
		rc = add_named(st, as != NULL ? as : "", inside ? 0 : EXDEV, &m->file);
	}
	if (rc == 0 && d->files[m->file].trouble != 0)
		note_missing(st, &d->files[m->file]);
	return rc;
}

/* By file, then as they were told. */
static int compare_members(const void *a, const void *b, void *arg)
{
	const struct member *m = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	if (m[x].file != m[y].file)
		return m[x].file < m[y].file ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* One file may have been named in two ways; its planes stand in one list. */
static int merge_members(struct set *st)
{
	size_t n = st->told->n_files;
	CLEANUP(freep) uint32_t *order = reallocarray(NULL, n + 1, sizeof(*order));
	if (order == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, n, sizeof(*order), compare_members, st->members);
	for (size_t i = 0; i < n; i++) {
		bool again = i > 0 && st->members[order[i - 1]].file == st->members[order[i]].file;
		st->members[order[i]].same = again ? st->members[order[i - 1]].same : order[i];
	}
	return 0;
}

static struct member *member_of(const struct set *st, const struct told_plane *p)
{
	return &st->members[st->members[p->file].same];
}

static int find_members(struct set *st, struct err *err)
{
	struct told *t = st->told;
	st->members = calloc(t->n_files + 1, sizeof(*st->members));
	if (st->members == NULL)
		return err_oom(err);
	int rc = order_paths(st->s);
	if (rc == 0)
		rc = sets_uuid_resolve(st->s->ds, st->path, t);
	for (size_t i = 0; rc == 0 && i < t->n_files; i++)
		rc = find_member(st, t->files[i], &st->members[i]);
	if (rc == 0)
		rc = merge_members(st);
	return rc == 0 ? 0 : err_oom(err);
}

static void walk_one(void *arg, size_t i)
{
	struct set *st = arg;
	struct member *m = &st->members[i];
	const struct dataset *d = st->s->ds->d;
	const struct source_file *f = &d->files[m->file];
	if (!m->deep || f->trouble != 0)
		return;
	CLEANUP(closep) int fd = dataset_open(d, f, true);
	if (fd < 0) {
		m->rc = fd;
		return;
	}
	struct reader_buffer buffer CLEANUP(reader_buffer_done) = { 0 };
	struct reader file = reader_fd(&fd, f->size), r = reader_buffered(&buffer, &file);
	m->rc = pages_count(&r, &m->pages, NULL);
}

/* How many planes each file has. */
static void count_planes(struct set *st)
{
	for (size_t k = 0; k < st->told->n_images; k++) {
		const struct told_image *im = &st->told->images[k];
		uint64_t n = told_n_planes(im);
		for (uint64_t i = 0; i < n; i++) {
			const struct told_plane *p = &im->planes[i];
			if (p->where == TOLD_GAP)
				continue;
			struct member *m = member_of(st, p);
			m->n++;
			m->deep |= p->where == TOLD_PAGE && p->at > 0;
		}
	}
}

static void note_cut(struct set *st, struct source_file *f, const struct pages *p)
{
	if (!p->cut)
		return;
	f->cut_after = p->n;
	text_addf(&st->told->notes, "%s: ", f->path);
	source_file_cut(f, &st->told->notes);
	text_add(&st->told->notes, "\n");
}

/* The chains of those files of which more than the first page is wanted. */
static int walk_members(struct set *st, struct err *err)
{
	struct dataset *d = st->s->ds->d;
	count_planes(st);
	each_run(st->s->ds->each, st->told->n_files, walk_one, st);
	for (size_t i = 0; i < st->told->n_files; i++) {
		struct member *m = &st->members[i];
		if (m->rc == -ENOMEM)
			return err_oom(err);
		if (m->rc == -EMFILE || m->rc == -ENFILE)
			return err_set(err, -m->rc, "too many open files");
		if (m->rc != 0)
			d->files[m->file].trouble = -m->rc;
		note_cut(st, &d->files[m->file], &m->pages);
		m->v = reallocarray(NULL, m->n + (size_t)1, sizeof(*m->v));
		if (m->v == NULL)
			return err_oom(err);
		m->n = 0;
	}
	return 0;
}

static struct tiff_place place_of(const struct set *st, const struct told_plane *p)
{
	const struct member *m = member_of(st, p);
	struct tiff_place place = places_told(st->told, p, m->pages.chain, m->pages.n_chain);
	if (m->deep && m->pages.n_chain == 0)
		place = (struct tiff_place){ .ifd = PLACE_LOST };
	return place;
}

static void claim(struct set *st, struct draft *f, const struct told_image *im)
{
	uint64_t k = 0;
	bool first = true;
	for (uint64_t t = 0; t < im->n[TOLD_T]; t++)
		for (uint64_t c = 0; c < im->n[TOLD_C]; c++)
			for (uint64_t z = 0; z < im->n[TOLD_Z]; z++, k++) {
				const struct told_plane *p = &im->planes[k];
				if (p->where == TOLD_GAP)
					continue;
				struct member *m = member_of(st, p);
				if (first) {
					f->first = (uint32_t)m->file;
					f->page = m->n;
				}
				first = false;
				/* Another set's file lists that one's planes: none of them is this one. */
				draft_claim(f, (const uint64_t[3]){ t, c, z }, m->file,
					    m->taken ? UINT32_MAX : m->n);
				m->v[m->n++] = place_of(st, p);
			}
}

/* What stands at the beginning of the names of several images: what the files' names share. */
static void common_stem(const struct set *st, struct text *stem)
{
	const struct dataset *d = st->s->ds->d;
	const char *a = NULL;
	size_t len = 0;
	for (size_t i = 0; i < st->told->n_files; i++) {
		const char *path = d->files[st->members[i].file].path,
			   *name = path + path_folder(path);
		size_t n = names_stem(name);
		if (a == NULL) {
			a = name;
			len = n;
		}
		size_t k = 0;
		while (k < len && k < n && a[k] == name[k])
			k++;
		len = k;
	}
	while (st->told->n_files > 1 && len > 0 && strchr("0123456789 _-.", a[len - 1]) != NULL)
		len--;
	text_addn(stem, a != NULL ? a : "", len);
}

static int draft_one(struct set *st, size_t k, const char *stem, struct err *err)
{
	struct told *t = st->told;
	struct text CLEANUP(text_done) tail = { 0 };
	/* Where nothing of the names is left the folder's is the image's. */
	if (*stem == '\0' && *st->folder == '\0')
		stem = st->s->ds->d->name;
	if (t->n_images > 1)
		draft_told_tail(&tail, stem, t, k);
	else
		text_add(&tail, stem);
	if (tail.oom)
		return err_oom(err);
	struct draft *f =
		draft_told(st->s->ds, st->folder, tail.len > 0 ? tail.s : NULL, t, k, st->path);
	if (f == NULL)
		return err_oom(err);
	claim(st, f, &t->images[k]);
	draft_warn(f->im, &t->notes);
	if (st->n_missing > 0)
		image_warn(f->im, "%zu file%s of its set cannot be used: %s%s", st->n_missing,
			   st->n_missing == 1 ? "" : "s", st->missing.s,
			   st->n_missing > 3 ? ", .." : "");
	return 0;
}

/* A file that another set has keeps that one's list. */
static void set_places(struct set *st)
{
	struct dataset *d = st->s->ds->d;
	for (size_t i = 0; i < st->told->n_files; i++) {
		struct member *m = &st->members[i];
		if (!m->taken && m->n > 0)
			places_set(&d->files[m->file], STEAL(m->v), m->n);
	}
}

int set_draft(struct set_files *s, const char *folder, const char *path, struct told *t,
	      struct err *err)
{
	struct set CLEANUP(set_done) st = { .s = s, .folder = folder, .path = path, .told = t };
	struct text CLEANUP(text_done) stem = { 0 };
	s->n_sets++;
	int rc = find_members(&st, err);
	if (rc == 0)
		rc = walk_members(&st, err);
	if (rc != 0)
		return rc;
	common_stem(&st, &stem);
	if (stem.oom || st.missing.oom)
		return err_oom(err);
	for (size_t k = 0; rc == 0 && k < t->n_images; k++)
		rc = draft_one(&st, k, stem.s != NULL ? stem.s : "", err);
	if (rc == 0)
		set_places(&st);
	return rc;
}
