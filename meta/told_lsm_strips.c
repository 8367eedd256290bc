#include "meta/told_lsm_strips.h"

#include <errno.h>

#define WRAP (UINT64_C(1) << 32)

/* BigTIFF has offsets of 64 bits. */
static bool is_wrapping(const struct told_source *s)
{
	return s->r->size > WRAP && !s->first->file.bigtiff;
}

/* ---- reading ---- */

/* Goes once over the offsets of a page's strips. *budget: how many entries may still be read. */
static int walk_strips(const struct told_source *s, const struct tiff_page *p, uint64_t *budget,
		       struct lsm_page *out, struct err *err)
{
	enum { AT_ONCE = 1024 };
	struct tiff_unit u[AT_ONCE];
	uint64_t n = (uint64_t)p->units_x * p->units_y * (p->planar ? p->samples : 1);
	bool holes = false;
	out->lost = is_wrapping(s);
	if (n > p->offsets.count || n > *budget)
		return 0;
	*budget -= n;
	for (uint64_t i = 0; i < n; i += AT_ONCE) {
		size_t some = min_u64(n - i, AT_ONCE);
		int rc = tiff_units_read(s->r, p, i, some, u, err);
		if (rc != 0)
			return rc;
		for (size_t k = 0; k < some; k++) {
			/* Never written. */
			holes |= u[k].offset == 0;
			if (u[k].offset == 0)
				continue;
			if (!out->walked)
				out->first = u[k].offset;
			else if (u[k].offset < out->last)
				out->inner += WRAP;
			out->last = u[k].offset;
			out->walked = true;
		}
	}
	/* Beside a hole nobody knows how often offsets wrapped; where there are only holes, nothing is read. */
	out->lost &= holes && out->walked;
	return 0;
}

static int read_page(const struct told_source *s, uint32_t k, bool all, uint64_t *budget,
		     struct lsm_page *out, bool *strips, struct err *err)
{
	struct tiff_page p;
	struct err own = { 0 };
	int rc = tiff_page_read(s->r, &s->first->file, s->ifds[k], &p, &own);
	if (rc != 0 && err_is_passing(rc))
		return err_set(err, -rc, "%s", own.msg);
	/* A thumbnail follows each image. */
	*out = (struct lsm_page){ .reduced = rc != 0 ? k % 2 != 0 : p.subfile_type & 1 };
	if (rc != 0)
		return 0;
	out->trusted = p.compression == TIFF_COMPRESSION_NONE;
	out->most = 2 * tiff_unit_bytes(&p, p.unit_h) + 4 * KiB;
	if (!all && out->trusted)
		return 0;
	*strips = true;
	return walk_strips(s, &p, budget, out, err);
}

int lsm_pages_read(const struct told_source *s, struct lsm_page **out, bool *strips,
		   struct err *err)
{
	enum { MAX_STRIPS = 1 << 24 };
	CLEANUP(freep) struct lsm_page *pages = calloc((size_t)s->n_pages + 1, sizeof(*pages));
	/* The strips of an image end where others begin, also where those of its thumbnail do. */
	bool all = is_wrapping(s) || s->first->compression != TIFF_COMPRESSION_NONE;
	/* Each table has bytes of its own, and there are not that many, unless somebody wants this to take long. */
	uint64_t budget = min_u64(s->r->size / 4, MAX_STRIPS);
	*strips = false;
	if (pages == NULL)
		return err_oom(err);
	for (uint32_t k = 0; k < s->n_pages; k++) {
		int rc = read_page(s, k, all, &budget, &pages[k], strips, err);
		if (rc != 0)
			return rc;
	}
	*out = STEAL(pages);
	return 0;
}

/* ---- offsets beyond 4 GiB ---- */

/* Whether images and thumbnails alternate. */
static bool is_paired(const struct lsm_page *pages, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		if (pages[k].reduced != (k % 2 != 0))
			return false;
	return n > 1 && n % 2 == 0;
}

/* The pages in the order in which their strips lie in the file. */
static void find_order(const struct lsm_page *pages, uint32_t n, uint64_t positions, uint64_t times,
		       uint32_t *order)
{
	uint64_t unit = is_paired(pages, n) ? 2 : 1, all = 0, rest = n;
	/* The thumbnail may have been written first. */
	bool turned =
		unit == 2 && pages[0].walked && pages[1].walked && pages[0].first > pages[1].first;
	bool fits = mul_u64(positions, times, &all) && mul_u64(all, unit, &all) && n % all == 0;
	if (positions > 1 && fits)
		rest = n / (positions * times);
	else
		positions = times = 1;
	uint32_t *to = order;
	for (uint64_t t = 0; t < times; t++)
		for (uint64_t p = 0; p < positions; p++)
			for (uint64_t i = 0; i < rest; i++) {
				uint64_t k = turned ? i ^ 1 : i;
				*to++ = (uint32_t)((p * times + t) * rest + k);
			}
}

int lsm_unwrap(const struct told_source *s, struct lsm_page *pages, uint64_t positions,
	       uint64_t times)
{
	if (!is_wrapping(s))
		return 0;
	CLEANUP(freep) uint32_t *order = reallocarray(NULL, (size_t)s->n_pages + 1, sizeof(*order));
	if (order == NULL)
		return -ENOMEM;
	find_order(pages, s->n_pages, positions, times, order);
	uint64_t carry = 0, before = 0;
	for (uint32_t i = 0; i < s->n_pages; i++) {
		struct lsm_page *p = &pages[order[i]];
		if (!p->walked)
			continue;
		if (p->first < before)
			carry += WRAP;
		before = p->last;
		p->first += carry;
		p->skip = carry;
		carry += p->inner;
		p->last += carry;
	}
	return 0;
}

/* ---- places ---- */

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

uint64_t *lsm_ends(const struct told_source *s, const struct lsm_page *pages, size_t *n)
{
	uint64_t *ends = reallocarray(NULL, (size_t)s->n_pages + 1, sizeof(*ends));
	*n = 0;
	if (ends == NULL)
		return NULL;
	for (uint32_t k = 0; k < s->n_pages; k++)
		if (pages[k].walked)
			ends[(*n)++] = pages[k].first;
	qsort(ends, *n, sizeof(*ends), compare);
	return ends;
}

/* Where the last strip of a page ends at the latest: at the first strip of another. */
static uint64_t find_end(const struct told_source *s, const struct lsm_page *p,
			 const uint64_t *ends, size_t n)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (ends[mid] > p->last)
			high = mid;
		else
			low = mid + 1;
	}
	uint64_t end = low < n ? min_u64(ends[low], s->r->size) : s->r->size;
	return min_u64(end, p->last + p->most);
}

static int add_place(struct told *t, const struct tiff_place *place)
{
	struct tiff_place *more = grown(t->places, t->n_places, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	t->places = more;
	t->places[t->n_places++] = *place;
	return 0;
}

int lsm_place(const struct told_source *s, const struct lsm_page *pages, uint32_t k,
	      const uint64_t *ends, size_t n_ends, struct told *out, struct told_plane *p)
{
	const struct lsm_page *page = &pages[k];
	struct tiff_place place = { .ifd = s->ifds[k] };
	*p = (struct told_plane){ .where = TOLD_PAGE, .at = k };
	/* No IFD lies at 0: it is claimed, and damaged. */
	if (page->lost)
		*p = (struct told_plane){ .where = TOLD_IFD };
	if (page->lost || !page->walked)
		return 0;
	place.skip = page->skip;
	place.wraps = page->inner != 0 && is_wrapping(s);
	if (!page->trusted)
		place.end = find_end(s, page, ends, n_ends);
	if (place.skip == 0 && !place.wraps && place.end == 0)
		return 0;
	p->where = TOLD_PLACE;
	p->at = out->n_places;
	return add_place(out, &place);
}
