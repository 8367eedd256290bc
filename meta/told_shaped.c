#include "meta/told_shaped.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "meta/told_pages.h"
#include "meta/told_shaped_axes.h"

/* What is known where the next image begins. */
struct shaping {
	const struct told_source *s;
	struct told *out;
	struct tiff_page page;
	uint32_t at, file;
	uint64_t behind;    /* planes that have no pages, of all images */
	struct err unclear; /* why the axes of an image cannot be told; code 0: they can */
};

/* Saturates. */
static uint64_t count_planes(const struct shaped *s)
{
	uint64_t planes = 1;
	for (unsigned i = 0; i < s->n; i++)
		if (!mul_u64(planes, s->size[i], &planes))
			return UINT64_MAX;
	return planes;
}

/* The description of a page. 1; 0: it has none of this kind; errors as of reading. */
static int read_shape(const struct told_source *s, const struct tiff_page *p, struct shaped *out,
		      struct err *err)
{
	enum { HEAD = 8, MOST = 1 << 20 };
	CLEANUP(freep) char *head = NULL;
	CLEANUP(freep) char *text = NULL;
	int rc = told_text(s, &p->description, HEAD, &head, err);
	if (rc <= 0 || !shaped_is_text(head))
		return rc < 0 ? rc : 0;
	rc = told_text(s, &p->description, MOST, &text, err);
	return rc > 0 ? shaped_parse(text, strlen(text), out) : rc;
}

/* Where plane i of an image is that begins at this page; step 0: at pages that follow. */
static int locate(struct shaping *k, uint64_t i, uint64_t step, struct told_plane *out)
{
	struct told *t = k->out;
	*out = (struct told_plane){ .file = k->file, .where = TOLD_PAGE, .at = k->at + i };
	if (step == 0)
		return 0;
	if (k->at == 0) {
		out->where = TOLD_BEHIND;
		out->at = i * step;
		return 0;
	}
	struct tiff_place *more = grown(t->places, t->n_places, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	t->places = more;
	out->where = TOLD_PLACE;
	out->at = t->n_places;
	t->places[t->n_places++] =
		(struct tiff_place){ .ifd = k->s->ifds[k->at], .skip = i * step };
	return 0;
}

/* Planes in the order of the shape, whose last axis varies fastest. */
static int fill(struct shaping *k, const struct shaped *s, const enum told_axis *axis,
		uint64_t step, struct told_image *im)
{
	uint64_t planes = told_n_planes(im);
	for (uint64_t i = 0; i < planes; i++) {
		uint64_t at[TOLD_AXES + 1] = { 0 }, rest = i;
		for (unsigned d = s->n; d-- > 0;) {
			if (s->size[d] == 1)
				continue;
			at[axis[d]] = rest % s->size[d];
			rest /= s->size[d];
		}
		if (locate(k, i, step, told_plane(im, at[TOLD_T], at[TOLD_C], at[TOLD_Z])) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_image(struct shaping *k, const struct shaped *s, uint64_t step, struct err *err)
{
	enum told_axis axis[SHAPED_DIMS];
	uint64_t n[TOLD_AXES] = { 1, 1, 1 };
	bool pages_are_planes = step == 0 && count_planes(s) == k->s->n_pages;
	struct err own = { 0 };
	int rc = shaped_axes(s, pages_are_planes ? k->s->name : NULL, axis, &own);
	if (rc == -EINVAL) {
		/* Only where all else fits. */
		k->unclear = own;
		return 0;
	}
	if (rc != 0)
		return err_set(err, -rc, "%s", own.msg);
	for (unsigned i = 0; i < s->n; i++)
		if (axis[i] != TOLD_AXES)
			n[axis[i]] = s->size[i];
	struct told_image *im = told_add_image(k->out, n, err);
	if (im == NULL)
		return err_oom(err);
	for (unsigned i = 0; i < s->n; i++)
		if (axis[i] != TOLD_AXES)
			im->has[axis[i]] = true;
	return fill(k, s, axis, step, im) != 0 ? err_oom(err) : 0;
}

/* Whether the planes of an image are the pages from here on. 1; 0: they are behind this one. */
static int has_pages(const struct shaping *k, const struct shaped *s, uint64_t planes,
		     struct err *err)
{
	const struct told_source *src = k->s;
	uint64_t left = src->n_pages - k->at;
	struct shaped other;
	struct tiff_page next;
	struct err own = { 0 };
	if (planes == 1)
		return 1;
	if (planes > left || s->truncated)
		return 0;
	/* Where another image begins on the next page this one has no other. */
	int rc = tiff_page_read(src->r, &src->first->file, src->ifds[k->at + 1], &next, &own);
	if (rc == 0)
		rc = read_shape(src, &next, &other, &own);
	if (rc < 0 && err_is_passing(rc))
		return err_set(err, -rc, "%s", own.msg);
	return rc <= 0;
}

/* The image that begins at this page; *pages: how many it has. 1; 0: it does not fit what is there, which a note
 * says. */
static int read_image(struct shaping *k, struct shaped *s, uint32_t *pages, struct err *err)
{
	uint64_t step = 0;
	const char *why = "the sizes of its pages are others";
	bool fits = shaped_cut_page(s, &k->page);
	uint64_t planes = count_planes(s);
	int rc = fits ? has_pages(k, s, planes, err) : 0;
	*pages = rc > 0 ? (uint32_t)planes : 1;
	if (rc == 0 && fits)
		rc = told_behind(k->s, &k->page, planes, &step, &why, err);
	if (rc == 0 && fits && !s->truncated && told_goes_on(k->s, k->s->n_pages - k->at, planes)) {
		*pages = (uint32_t)planes;
		step = 0;
		rc = 1;
	}
	if (rc > 0 && step != 0) {
		k->behind += planes;
		rc = !told_is_far_out(k->s, k->behind, step);
	}
	if (rc > 0) {
		rc = add_image(k, s, step, err);
		return rc != 0 ? rc : 1;
	}
	if (rc == 0)
		told_note(k->out,
			  "its shape of %" PRIu64 " planes at page %" PRIu32 " of %" PRIu32
			  " is ignored: %s",
			  planes, k->at, k->s->n_pages, why);
	return rc;
}

/* The page behind an image. 1: another one begins there; 0: it is no plane; -EBADMSG: it is a plane of nothing that was
 * described. */
static int judge_page(struct shaping *k, struct shaped *s, struct err *err)
{
	const struct told_source *src = k->s;
	struct err own = { 0 };
	int rc = tiff_page_read(src->r, &src->first->file, src->ifds[k->at], &k->page, &own);
	if (rc != 0)
		return err_is_passing(rc) ? err_set(err, -rc, "%s", own.msg) : -EBADMSG;
	if (told_is_reduced(src, &k->page))
		return 0;
	rc = read_shape(src, &k->page, s, err);
	if (rc != 0)
		return rc;
	return tiff_same_kind(src->first, &k->page) ? -EBADMSG : 0;
}

static int read_images(struct shaping *k, struct shaped *s, struct err *err)
{
	int rc = 1;
	while (k->at < k->s->n_pages) {
		uint32_t pages = 1;
		if (k->at != 0)
			rc = judge_page(k, s, err);
		if (rc == -EBADMSG) {
			told_note(k->out,
				  "its shapes are ignored: page %" PRIu32 " of %" PRIu32
				  " belongs to none",
				  k->at, k->s->n_pages);
			return 0;
		}
		if (rc > 0)
			rc = read_image(k, s, &pages, err);
		else if (rc == 0)
			rc = 1;
		if (rc <= 0)
			return rc;
		k->at += pages;
	}
	return 1;
}

/* That there is one plane is no news. */
static bool is_plain(struct shaped s, const struct tiff_page *p)
{
	if (!shaped_cut_page(&s, p) || count_planes(&s) != 1)
		return false;
	for (unsigned i = 0; i < s.n; i++)
		if (s.axes[i] != '?')
			return false;
	return true;
}

int told_shaped(const struct told_source *s, struct told *out, struct err *err)
{
	struct shaped shape = { 0 };
	if (s->r == NULL)
		return 0;
	int rc = read_shape(s, s->first, &shape, err);
	if (rc <= 0 || (s->n_pages == 1 && is_plain(shape, s->first)))
		return rc < 0 ? rc : 0;
	struct shaping k = { .s = s, .out = out, .page = *s->first };
	if (told_add_file(out, NULL, &k.file) != 0)
		return err_oom(err);
	rc = read_images(&k, &shape, err);
	if (rc > 0 && k.unclear.code != 0)
		rc = err_set(err, k.unclear.code, "%s", k.unclear.msg);
	if (rc <= 0)
		told_clear(out);
	else
		out->kind = "shaped description";
	return rc;
}
