#include "meta/told_ome_planes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "meta/told_ome_channels.h"

/* What is known of a plane while TiffData are read. */
enum state {
	FREE,
	FILLED, /* by a TiffData that has neither IFD nor count, which may be followed by others */
	BEGUN,	/* it is the first of such a TiffData */
	DONE,	/* likewise, and what follows it was filled */
	GIVEN,	/* by a TiffData that has one of them */
};

/* The planes of one image, numbered as DimensionOrder has them. */
struct fill {
	struct ome_layout *l;
	const struct ome_image *im;
	const struct ome_tiffdata *tiffdata;
	struct told_image *image;
	uint8_t *state;
	uint64_t n;
	uint64_t base[TOLD_AXES]; /* 1: its First* count from 1 */
	bool beyond;   /* something was told beyond the planes, or beyond the file's pages */
	bool homeless; /* a TiffData of a companion names no file */
};

/* More than any document needs in which planes are not claimed over and over. */
static const uint64_t max_work = (uint64_t)4 * TOLD_MAX_PLANES;

/* False: the image begins in another file, or it is not known where. */
static bool first_ifd(const struct ome_layout *l, const struct ome_image *im, uint32_t *ifd)
{
	const struct ome_xml *x = &l->doc->xml;
	bool this = l->s->r != NULL && !l->doc->companion;
	uint64_t at = l->next_page;
	if (x->n_tiffdata > 0) {
		if (l->s->r == NULL || im->n_tiffdata == 0)
			return false;
		const struct ome_tiffdata *d = ome_xml_tiffdata(x, im);
		if (d->file != OME_XML_NO_FILE)
			this = l->out->files[l->files->file[d->file]] == NULL;
		at = d->ifd;
	}
	if (!this || at >= l->s->n_pages)
		return false;
	*ifd = (uint32_t)at;
	return true;
}

void ome_note(struct ome_layout *l, size_t i, const char *fmt, ...)
{
	enum { MOST = 20 };
	if (++l->notes > MOST)
		return;
	char line[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	told_note(l->out, "OME image %zu: %s%s", i + 1, line,
		  l->notes == MOST ? " (further notes are left out)" : "");
}

int ome_first_page(const struct ome_layout *l, const struct ome_image *im,
		   struct ome_first_page *out, struct err *err)
{
	*out = (struct ome_first_page){ 0 };
	uint32_t ifd = 0;
	bool known = first_ifd(l, im, &ifd);
	if (known && ifd == 0) {
		out->page = l->s->first;
	} else if (known) {
		int r = tiff_page_read(l->s->r, &l->s->first->file, l->s->ifds[ifd], &out->own,
				       err);
		if (r < 0)
			return err_is_passing(r) ? r : 0;
		out->page = &out->own;
	}
	if (out->page != NULL)
		out->samples = out->page->samples;
	else if (l->s->first != NULL && l->doc->xml.n_images == 1)
		out->samples = l->s->first->samples;
	return 0;
}

static struct told_plane *plane_at(const struct fill *f, uint64_t index)
{
	uint64_t at[TOLD_AXES];
	for (size_t i = 0; i < TOLD_AXES; i++) {
		uint64_t n = f->image->n[f->im->order[i]];
		at[f->im->order[i]] = index % n;
		index /= n;
	}
	return told_plane(f->image, at[TOLD_T], at[TOLD_C], at[TOLD_Z]);
}

/* False: it lies beyond the image. */
static bool index_of(const struct fill *f, const struct ome_tiffdata *d, uint64_t *index)
{
	uint64_t step = 1;
	*index = 0;
	for (size_t i = 0; i < TOLD_AXES; i++) {
		uint8_t axis = f->im->order[i];
		uint64_t first = d->first[axis] - f->base[axis];
		if (first >= f->image->n[axis])
			return false;
		*index += first * step;
		step *= f->image->n[axis];
	}
	return true;
}

/* Some writers count from 1: never 0, and as large as the axis. */
static void find_base(struct fill *f)
{
	for (size_t a = 0; a < TOLD_AXES; a++) {
		uint64_t min = UINT64_MAX, max = 0;
		for (size_t i = 0; i < f->im->n_tiffdata; i++) {
			min = min_u64(min, f->tiffdata[i].first[a]);
			max = max_u64(max, f->tiffdata[i].first[a]);
		}
		f->base[a] = f->im->n_tiffdata > 0 && min > 0 && max == f->image->n[a];
	}
}

/* The file of a TiffData. 0: it names none; < 0: an error. */
static int file_of(struct fill *f, const struct ome_tiffdata *d, uint32_t *file)
{
	if (d->file != OME_XML_NO_FILE) {
		*file = f->l->files->file[d->file];
		return 1;
	}
	if (f->l->doc->companion) {
		f->homeless = true;
		return 0;
	}
	int r = ome_files_this(f->l->files, f->l->out, file);
	return r < 0 ? r : 1;
}

/* IFDs of a file from number `ifd` on, as far as that is known: it is not where the chain is cut. */
static uint64_t pages_from(const struct fill *f, uint32_t file, uint64_t ifd)
{
	const struct told_source *s = f->l->s;
	bool known = f->l->out->files[file] == NULL && !s->cut;
	uint64_t all = known ? s->n_pages : TIFF_MAX_PAGES;
	return ifd < all ? all - ifd : 0;
}

static void claim(struct fill *f, uint64_t index, uint32_t file, uint64_t ifd, enum state state)
{
	*plane_at(f, index) = (struct told_plane){ .file = file, .where = TOLD_PAGE, .at = ifd };
	f->state[index] = (uint8_t)state;
	f->l->work++;
}

/* A TiffData with IFD or count. Its first plane is claimed even where the file has no such IFD. */
static int give(struct fill *f, const struct ome_tiffdata *d)
{
	uint64_t count = d->has_count ? d->count : 1, index = 0;
	uint32_t file = 0;
	if (count == 0)
		return 0;
	if (!index_of(f, d, &index)) {
		f->beyond = true;
		return 0;
	}
	int r = file_of(f, d, &file);
	if (r <= 0)
		return r;
	uint64_t room = min_u64(f->n - index, max_u64(pages_from(f, file, d->ifd), 1));
	f->beyond |= count > room;
	count = min_u64(count, room);
	for (uint64_t k = 0; k < count && f->l->work < max_work; k++)
		claim(f, index + k, file, d->ifd + k, GIVEN);
	return 0;
}

/* A TiffData with neither, which means all pages of its file: its first plane. */
static int begin(struct fill *f, const struct ome_tiffdata *d)
{
	uint64_t index = 0;
	uint32_t file = 0;
	if (!index_of(f, d, &index)) {
		f->beyond = true;
		return 0;
	}
	int r = file_of(f, d, &file);
	if (r > 0 && f->state[index] != GIVEN)
		claim(f, index, file, 0, BEGUN);
	return r < 0 ? r : 0;
}

/* And the others. How many pages another file has is not known here: it ends where the next TiffData begins. */
static void fill_on(struct fill *f, const struct ome_tiffdata *d)
{
	uint64_t index = 0;
	if (!index_of(f, d, &index) || f->state[index] != BEGUN)
		return;
	f->state[index] = DONE;
	uint32_t file = plane_at(f, index)->file;
	bool this = f->l->out->files[file] == NULL;
	uint64_t n = min_u64(f->n - index, pages_from(f, file, 0));
	for (uint64_t k = 1; k < n && f->l->work < max_work; k++) {
		uint8_t state = f->state[index + k];
		if (state == BEGUN || state == DONE || (state == GIVEN && !this))
			return;
		if (state != GIVEN)
			claim(f, index + k, file, k, FILLED);
	}
}

static bool is_whole(const struct ome_tiffdata *d)
{
	return !d->has_ifd && !d->has_count;
}

static int fill_tiffdata(struct fill *f)
{
	size_t n = f->im->n_tiffdata;
	find_base(f);
	for (size_t i = 0; i < n; i++) {
		int r = is_whole(&f->tiffdata[i]) ? 0 : give(f, &f->tiffdata[i]);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n; i++) {
		int r = is_whole(&f->tiffdata[i]) ? begin(f, &f->tiffdata[i]) : 0;
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n; i++)
		if (is_whole(&f->tiffdata[i]))
			fill_on(f, &f->tiffdata[i]);
	return 0;
}

/* No TiffData in the whole document: the pages in order. */
static int fill_pages(struct fill *f)
{
	uint32_t file = 0;
	f->homeless = f->l->doc->companion;
	if (f->homeless)
		return 0;
	int r = ome_files_this(f->l->files, f->l->out, &file);
	if (r < 0)
		return r;
	uint64_t pages = pages_from(f, file, f->l->next_page);
	for (uint64_t k = 0; k < f->n && k < pages; k++)
		claim(f, k, file, f->l->next_page + k, GIVEN);
	f->beyond = pages < f->n;
	f->l->next_page += f->n;
	return 0;
}

/* Time points at the end of which nothing was taken: the run was stopped. Returns how many are left. */
static uint64_t times_left(const struct told_image *im)
{
	uint64_t a_time = im->n[TOLD_C] * im->n[TOLD_Z], n = told_n_planes(im);
	while (n > 0 && im->planes[n - 1].where == TOLD_GAP)
		n--;
	return ceil_div(n, a_time);
}

static void say(const struct fill *f, size_t i, uint64_t left)
{
	uint64_t all = f->image->n[TOLD_T];
	if (f->homeless)
		ome_note(f->l, i, "what names no file in a companion is ignored");
	if (f->beyond)
		ome_note(f->l, i, "planes or pages beyond the last are cut");
	if (left == 0)
		ome_note(f->l, i, "it has no plane and is left out");
	else if (left < all)
		ome_note(f->l, i,
			 "the last %" PRIu64 " of %" PRIu64
			 " time points have no plane and are left out",
			 all - left, all);
}

static void cut_times(struct told_image *im, uint64_t left)
{
	if (left == im->n[TOLD_T])
		return;
	im->n[TOLD_T] = left;
	/* Shrinking, which may well fail. */
	struct told_plane *less = reallocarray(im->planes, told_n_planes(im), sizeof(*im->planes));
	if (less != NULL)
		im->planes = less;
}

static int fill(struct fill *f, size_t i, struct err *err)
{
	f->state = calloc(f->n, 1);
	if (f->state == NULL)
		return err_oom(err);
	int r = f->l->doc->xml.n_tiffdata > 0 ? fill_tiffdata(f) : fill_pages(f);
	if (r < 0)
		return r == -ENOMEM ? err_oom(err)
				    : err_set(err, -r, "more than %d files", TOLD_MAX_FILES);
	if (f->l->work >= max_work)
		return err_set(err, EOVERFLOW, "it claims planes over and over");
	uint64_t left = times_left(f->image);
	say(f, i, left);
	if (left == 0) {
		told_drop_image(f->l->out);
		return 0;
	}
	cut_times(f->image, left);
	return 1;
}

int ome_planes(struct ome_layout *l, size_t i, const struct ome_first_page *first, struct err *err)
{
	const struct ome_image *im = &l->doc->xml.images[i];
	uint64_t n[TOLD_AXES];
	memcpy(n, im->size, sizeof(n));
	n[TOLD_C] = ome_pages_along_c(l, i, first);
	struct told_image *image = told_add_image(l->out, n, err);
	if (image == NULL)
		return -err->code;
	struct fill f = { .l = l,
			  .im = im,
			  .tiffdata = ome_xml_tiffdata(&l->doc->xml, im),
			  .image = image,
			  .n = told_n_planes(image) };
	if (f.n > TOLD_MAX_PLANES - l->planes)
		return err_set(err, EOVERFLOW, "more than %d planes", TOLD_MAX_PLANES);
	/* Also where it is then left out, so that the time for all of them is bounded. */
	l->planes += f.n;
	int r = fill(&f, i, err);
	free(f.state);
	return r;
}
