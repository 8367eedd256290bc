#include "meta/survey.h"

#include "codec/reader_buffered.h"
#include "meta/image.h"
#include "meta/places.h"
#include "meta/survey_told.h"
#include "meta/walk.h"

#include <errno.h>

enum { LOOKS = 3, NEIGHBOURS = 64, COUNTED_AT_ONCE = 256 };

/* The first, middle and last file, or the neighbours of those that cannot be read. */
struct looks {
	struct pages pages[LOOKS];
	struct telling tellings[LOOKS];
	uint32_t member[LOOKS];
	size_t n;
};

void survey_done(struct survey *s)
{
	text_done(&s->notes);
	told_done(&s->told);
}

static void looks_done(struct looks *l)
{
	for (size_t i = 0; i < l->n; i++) {
		pages_done(&l->pages[i]);
		telling_done(&l->tellings[i]);
	}
}

static struct source_file *file_of(const struct drafts *ds, size_t first,
				   const struct name_image *ni, size_t member)
{
	return &ds->d->files[first + ni->members[member].entry];
}

/* Reads a file's chain of pages; with `all` the pages, too, and asks it what it tells of them.
 * -EBADMSG: what is no TIFF, or cannot be opened, is a damaged plane, not an error of the source; its trouble
 * is set. */
static int read_file(const struct dataset *d, struct source_file *f, bool all, struct pages *out,
		     struct telling *telling)
{
	*out = (struct pages){ 0 };
	*telling = (struct telling){ 0 };
	if (f->trouble != 0)
		return -EBADMSG;
	CLEANUP(closep) int fd = dataset_open(d, f, true);
	if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM)
		return fd;
	if (fd < 0) {
		f->trouble = -fd;
		return -EBADMSG;
	}
	struct reader_buffer buffer CLEANUP(reader_buffer_done) = { 0 };
	struct reader file = reader_fd(&fd, f->size), r = reader_buffered(&buffer, &file);
	int rc = all ? pages_read(&r, out, NULL) : pages_count(&r, out, NULL);
	if (rc == 0 && all) {
		tell_file(d, f->path, &r, out, telling);
		rc = telling->rc < 0 && err_is_passing(telling->rc) ? telling->rc : 0;
	}
	if (rc == 0 || rc == -ENOMEM)
		return rc;
	f->trouble = -rc;
	return -EBADMSG;
}

/* ---- several files at once ---- */

/* One file, and what it told. */
struct reading {
	struct source_file *file;
	int rc;
	struct pages pages;
	struct telling telling;
};

/* Files that are read together, each once. */
struct readings {
	const struct dataset *d;
	bool all;
	struct reading *v;
	size_t n;
};

static void read_one(void *arg, size_t i)
{
	struct readings *rs = arg;
	struct reading *r = &rs->v[i];
	r->rc = read_file(rs->d, r->file, rs->all, &r->pages, &r->telling);
}

static void readings_clear(struct readings *rs)
{
	for (size_t i = 0; i < rs->n; i++) {
		pages_done(&rs->v[i].pages);
		telling_done(&rs->v[i].telling);
	}
	rs->n = 0;
}

static void readings_done(struct readings *rs)
{
	readings_clear(rs);
	free(rs->v);
}

/* What was read ahead of the surveys of some images, in the order in which they will ask for it. */
struct ahead {
	struct readings read;
	size_t next;
	struct reading v[LOOKS * SURVEY_AHEAD];
};

static void ahead_add(struct ahead *a, struct source_file *f)
{
	for (size_t i = 0; i < a->read.n; i++)
		if (a->v[i].file == f)
			return;
	a->v[a->read.n++] = (struct reading){ .file = f };
}

int survey_ahead(struct drafts *ds, size_t first, const struct name_image *images, size_t n)
{
	if (ds->ahead == NULL)
		ds->ahead = calloc(1, sizeof(*ds->ahead));
	struct ahead *a = ds->ahead;
	if (a == NULL)
		return -ENOMEM;
	readings_clear(&a->read);
	a->read = (struct readings){ .d = ds->d, .all = true, .v = a->v };
	a->next = 0;
	for (size_t i = 0; i < n; i++) {
		const struct name_image *ni = &images[i];
		if (ni->n_members == 0)
			continue;
		ahead_add(a, file_of(ds, first, ni, 0));
		ahead_add(a, file_of(ds, first, ni, (ni->n_members - 1) / 2));
		ahead_add(a, file_of(ds, first, ni, ni->n_members - 1));
	}
	each_run(ds->each, a->read.n, read_one, &a->read);
	return 0;
}

void survey_ahead_done(struct drafts *ds)
{
	if (ds->ahead != NULL)
		readings_clear(&ds->ahead->read);
	free(ds->ahead);
	ds->ahead = NULL;
}

/* The answer, if it was read ahead and not asked for yet. */
static bool take_ahead(struct ahead *a, const struct source_file *f, struct pages *out,
		       struct telling *telling, int *rc)
{
	size_t n = a == NULL ? 0 : a->read.n;
	for (size_t k = 0; k < n; k++) {
		struct reading *r = &a->v[(a->next + k) % n];
		if (r->file != f)
			continue;
		*rc = r->rc;
		*out = r->pages;
		*telling = r->telling;
		a->next = (a->next + k + 1) % n;
		*r = (struct reading){ 0 };
		return true;
	}
	return false;
}

static int read_pages(struct drafts *ds, struct source_file *f, struct pages *out,
		      struct telling *telling)
{
	int rc;
	return take_ahead(ds->ahead, f, out, telling, &rc)
		       ? rc
		       : read_file(ds->d, f, true, out, telling);
}

int survey_leave_out(struct dataset *d, const struct source_file *f, const struct pages *p)
{
	for (size_t i = 0, end; i < p->n_out; i = end) {
		end = i + 1;
		while (end < p->n_out && p->out[end].why == p->out[i].why &&
		       p->out[end].page == p->out[end - 1].page + 1)
			end++;
		if (d->use_overviews && p->out[i].overview)
			continue;
		struct text CLEANUP(text_done) path = { 0 };
		text_addf(&path, "%s, page %u", f->path, p->out[i].page);
		if (end > i + 1)
			text_addf(&path, " to %u", p->out[end - 1].page);
		if (path.oom || dataset_leave_out(d, path.s, p->out[i].why, NULL) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* Adds the file at `want` or the next readable one in direction `step`. */
static int look_near(struct drafts *ds, size_t first, const struct name_image *ni, size_t want,
		     int step, struct looks *l)
{
	for (size_t k = 0; k < NEIGHBOURS && want < ni->n_members; k++, want += (size_t)step) {
		for (size_t i = 0; i < l->n; i++)
			if (l->member[i] == want)
				return 0;
		struct source_file *f = file_of(ds, first, ni, want);
		int rc = read_pages(ds, f, &l->pages[l->n], &l->tellings[l->n]);
		if (rc != 0) {
			/* It may have been read as far as its pages. */
			pages_done(&l->pages[l->n]);
			telling_done(&l->tellings[l->n]);
		}
		if (rc == -EBADMSG)
			continue;
		if (rc != 0)
			return rc;
		l->member[l->n++] = (uint32_t)want;
		return 0;
	}
	return 0;
}

/* One plane where every reader looks for it. */
static bool is_single(const struct pages *p)
{
	return p->n == 1 && p->first_ifd;
}

/* Two of three decide; of two that differ the first. */
static bool mostly_multi(const struct looks *l)
{
	size_t multi = 0;
	for (size_t i = 0; i < l->n; i++)
		multi += !is_single(&l->pages[i]);
	return 2 * multi > l->n || (2 * multi == l->n && l->n > 0 && !is_single(&l->pages[0]));
}

static void keep_ifds(struct source_file *f, struct pages *p)
{
	places_done(f);
	f->n_pages = p->n;
	f->page_ifds = p->first_ifd ? NULL : STEAL(p->ifds);
}

static void note_cut(struct survey *out, struct source_file *f, const struct pages *p)
{
	if (!p->cut)
		return;
	f->cut_after = p->n + (uint32_t)p->n_out;
	text_addf(&out->notes, "%s: ", f->path);
	source_file_cut(f, &out->notes);
	text_add(&out->notes, "\n");
}

/* Some of its planes are pages of its chain, or nowhere: a chain that is broken may have held more. */
static bool needs_chain(const struct told *t)
{
	for (size_t i = 0; i < t->n_images; i++) {
		uint64_t n = t->images[i].planes != NULL ? told_n_planes(&t->images[i]) : 0;
		for (uint64_t k = 0; k < n; k++)
			if (t->images[i].planes[k].where == TOLD_GAP ||
			    t->images[i].planes[k].where == TOLD_PAGE)
				return true;
	}
	return false;
}

static int take_lone(struct dataset *d, struct source_file *f, const struct pages *p,
		     struct survey *out)
{
	if (needs_chain(&out->told))
		note_cut(out, f, p);
	return survey_told_lone(d, f, p, &out->told);
}

/* Files of one plane each, as far as looked at. */
static int settle_single(struct drafts *ds, size_t first, const struct name_image *ni,
			 struct looks *l, struct survey *out)
{
	for (size_t i = 0; i < l->n; i++) {
		struct pages *p = &l->pages[i];
		struct source_file *f = file_of(ds, first, ni, l->member[i]);
		if (survey_leave_out(ds->d, f, p) != 0)
			return -ENOMEM;
		note_cut(out, f, p);
		if (p->n > 1)
			text_addf(&out->notes,
				  "%s has %u pages, the others one: only its first is used\n",
				  f->path, p->n);
		keep_ifds(f, p);
	}
	return 0;
}

static void compare(struct survey *out, const struct pages *ref, const struct pages *p,
		    size_t member, bool last)
{
	bool kind = !p->has_kind || !ref->has_kind || tiff_same_kind(&ref->kind, &p->kind);
	bool same = p->n == ref->n && kind && !p->apart;
	if (same)
		return;
	if (out->equal)
		out->odd = (uint32_t)member;
	out->equal = false;
	if (!last || !kind || p->apart || p->n > ref->n)
		out->equal_but_last = false;
}

/* One of all files, in their order. */
static int count_one(struct drafts *ds, const struct name_image *ni, size_t m, struct reading *r,
		     const struct pages *ref, struct survey *out)
{
	bool last = m + 1 == ni->n_members;
	if (!last)
		out->smallest = min_u64(out->smallest, r->file->size);
	if (r->rc == -EBADMSG)
		return 0;
	if (r->rc != 0)
		return r->rc;
	if (out->told_series && needs_chain(&r->telling.told))
		note_cut(out, r->file, &r->pages);
	if (out->told_series)
		return survey_told_one(r->file, m, &r->pages, &r->telling, out);
	if (survey_leave_out(ds->d, r->file, &r->pages) != 0)
		return -ENOMEM;
	compare(out, ref, &r->pages, m, last);
	out->apart |= r->pages.apart;
	note_cut(out, r->file, &r->pages);
	if (last)
		out->last_pages = r->pages.n;
	keep_ifds(r->file, &r->pages);
	return 0;
}

static int count_all(struct drafts *ds, size_t first, const struct name_image *ni,
		     const struct looks *l, struct survey *out)
{
	struct readings CLEANUP(readings_done) rs = { .d = ds->d };
	/* The chain alone tells the planes where the files looked at have nothing else in it. */
	rs.all = out->told_series;
	for (size_t i = 0; i < l->n; i++)
		rs.all |= l->pages[i].n_out > 0 || l->pages[i].apart;
	const struct pages *ref = &l->pages[0];
	out->equal = out->equal_but_last = true;
	out->smallest = UINT64_MAX;
	out->pages = out->last_pages = ref->n;
	rs.v = calloc(min_u64(ni->n_members, COUNTED_AT_ONCE) + 1, sizeof(*rs.v));
	if (rs.v == NULL)
		return -ENOMEM;
	for (size_t m = 0; m < ni->n_members; m += rs.n) {
		readings_clear(&rs);
		rs.n = min_u64(ni->n_members - m, COUNTED_AT_ONCE);
		for (size_t i = 0; i < rs.n; i++)
			rs.v[i] = (struct reading){ .file = file_of(ds, first, ni, m + i) };
		each_run(ds->each, rs.n, read_one, &rs);
		for (size_t i = 0; i < rs.n; i++) {
			int rc = count_one(ds, ni, m + i, &rs.v[i], ref, out);
			if (rc != 0)
				return rc;
		}
	}
	return 0;
}

int survey_files(struct drafts *ds, size_t first, const struct name_image *ni, struct survey *out,
		 struct err *err)
{
	*out = (struct survey){ .pages = 1, .last_pages = 1, .equal = true };
	struct looks CLEANUP(looks_done) l = { .n = 0 };
	size_t n = ni->n_members;
	int rc = look_near(ds, first, ni, 0, 1, &l);
	if (rc == 0)
		rc = look_near(ds, first, ni, (n - 1) / 2, 1, &l);
	if (rc == 0)
		rc = look_near(ds, first, ni, n - 1, -1, &l);
	out->multi = mostly_multi(&l);
	if (rc == 0 && l.n > 0)
		survey_take_told(ds, first, ni, &l.tellings[0], l.member[0], out);
	if (rc == 0 && n == 1 && survey_tells_planes(out))
		rc = take_lone(ds->d, file_of(ds, first, ni, 0), &l.pages[0], out);
	else if (rc == 0)
		rc = out->multi || out->told_series ? count_all(ds, first, ni, &l, out)
						    : settle_single(ds, first, ni, &l, out);
	if (rc == 0 && out->notes.oom)
		rc = -ENOMEM;
	if (rc == -ENOMEM)
		return err_oom(err);
	return rc == 0 ? 0 : err_set(err, -rc, "too many open files");
}
