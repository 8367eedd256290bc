#include "meta/told_lsm.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "meta/told_lsm_facts.h"
#include "meta/told_lsm_strips.h"

struct reading {
	const struct told_source *s;
	struct lsm_header h;
	struct lsm_page *pages;
	uint32_t *images; /* pages that are no thumbnails */
	uint32_t n_images;
	uint64_t *ends;
	size_t n_ends;
	struct told *out;
	struct err *err;
};

static void reading_done(struct reading *r)
{
	free(r->pages);
	free(r->images);
	free(r->ends);
}

/* Planes are images of rows and columns; else rows are times or depths. */
static bool is_plane_scan(uint32_t scan_type)
{
	return scan_type == 0 || scan_type == 3 || scan_type == 6 || scan_type == 7;
}

/* Whether the header's sizes are those of what is there. Where pages are missing at the end, what was announced
 * stands. */
static bool fits(const struct reading *r)
{
	enum { TIMES = 1024 };
	uint64_t all = r->h.z;
	if (!r->h.known || !is_plane_scan(r->h.scan_type))
		return false;
	if (!mul_u64(all, r->h.t, &all) || !mul_u64(all, r->h.p, &all) ||
	    !mul_u64(all, r->h.m, &all))
		return false;
	if (all > r->n_images && all / TIMES <= r->n_images)
		told_note(r->out, "LSM: %" PRIu64 " planes are announced, %" PRIu32 " are there",
			  all, r->n_images);
	return all >= r->n_images && all / TIMES <= r->n_images && all <= TOLD_MAX_PLANES;
}

/* Plane i of the image gets page `first` + i of those that are images. What is missing was never written, unless the
 * chain is cut. */
static int put_planes(struct reading *r, struct told_image *im, uint64_t first)
{
	uint64_t n = told_n_planes(im), there = min_u64(n, r->n_images - first);
	for (uint64_t i = there; i < n && r->s->cut; i++)
		im->planes[i] = (struct told_plane){ .where = TOLD_PAGE,
						     .at = r->s->n_pages + (i - there) };
	for (uint64_t i = 0; i < there; i++)
		if (lsm_place(r->s, r->pages, r->images[first + i], r->ends, r->n_ends, r->out,
			      &im->planes[i]) != 0)
			return err_oom(r->err);
	return 0;
}

static int add_image(struct reading *r, const uint64_t n[TOLD_AXES], uint64_t first)
{
	struct told_image *im = told_add_image(r->out, n, r->err);
	if (im == NULL)
		return -ENOMEM;
	int rc = 0;
	if (r->out->n_images == 1)
		rc = lsm_facts(r->s, &r->h, im, r->err);
	else if (told_copy_facts(&r->out->images[0], im) != 0)
		rc = err_oom(r->err);
	return rc < 0 ? rc : put_planes(r, im, first);
}

/* Each position is an image; z varies fastest, then t, then position and mosaic tile. */
static int tell_positions(struct reading *r)
{
	const uint64_t n[TOLD_AXES] = { [TOLD_T] = r->h.t, [TOLD_C] = 1, [TOLD_Z] = r->h.z };
	uint64_t each = r->h.t * r->h.z;
	for (uint64_t k = 0; k < r->h.p * r->h.m && k * each < r->n_images; k++) {
		int rc = add_image(r, n, k * each);
		if (rc != 0)
			return rc;
		if (r->h.p * r->h.m == 1)
			continue;
		struct text key = { 0 };
		text_addf(&key, "P%" PRIu64 "-M%" PRIu64, k % r->h.p, k / r->h.p);
		r->out->images[k].key = key.s;
		if (key.oom)
			return err_oom(r->err);
	}
	return 0;
}

/* In the order of the file. */
static int tell_pages(struct reading *r)
{
	uint64_t n[TOLD_AXES] = { 1, 1, 1 };
	if (!r->h.known)
		told_note(r->out, "LSM: its header cannot be read; the pages are taken as z");
	else if (is_plane_scan(r->h.scan_type))
		told_note(r->out,
			  "LSM: %" PRIu64 " x %" PRIu64 " planes (t, z) at %" PRIu64
			  " positions are announced where there are %" PRIu32
			  "; the pages are taken as times",
			  r->h.t, r->h.z, r->h.p * r->h.m, r->n_images);
	n[r->h.known ? TOLD_T : TOLD_Z] = r->n_images;
	return add_image(r, n, 0);
}

static int find_images(struct reading *r)
{
	r->images = reallocarray(NULL, (size_t)r->s->n_pages + 1, sizeof(*r->images));
	if (r->images == NULL)
		return -ENOMEM;
	for (uint32_t k = 0; k < r->s->n_pages; k++)
		if (!r->pages[k].reduced)
			r->images[r->n_images++] = k;
	return 0;
}

static int tell(struct reading *r)
{
	bool strips = false;
	uint32_t file;
	int rc = lsm_pages_read(r->s, &r->pages, &strips, r->err);
	if (rc != 0)
		return rc;
	if (find_images(r) != 0)
		return err_oom(r->err);
	if (r->n_images == 0) {
		told_note(r->out, "LSM: there are only thumbnails");
		return 0;
	}
	bool whole = fits(r);
	if (strips &&
	    lsm_unwrap(r->s, r->pages, whole ? r->h.p * r->h.m : 1, whole ? r->h.t : 1) != 0)
		return err_oom(r->err);
	r->ends = lsm_ends(r->s, r->pages, &r->n_ends);
	if (r->ends == NULL || told_add_file(r->out, NULL, &file) != 0)
		return err_oom(r->err);
	rc = whole ? tell_positions(r) : tell_pages(r);
	return rc != 0 ? rc : 1;
}

int told_lsm(const struct told_source *s, struct told *out, struct err *err)
{
	struct reading CLEANUP(reading_done) r = { .s = s, .out = out, .err = err };
	if (s->r == NULL || s->first->lsm.count == 0)
		return 0;
	out->kind = "LSM";
	int rc = lsm_header_read(s, &r.h, err);
	return rc != 0 ? rc : tell(&r);
}
