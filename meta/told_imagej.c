#include "meta/told_imagej.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "meta/told_imagej_facts.h"
#include "meta/told_imagej_text.h"
#include "meta/told_pages.h"

/* Saturates. */
static uint64_t product(const uint64_t n[TOLD_AXES])
{
	uint64_t planes = 1;
	for (int a = 0; a < TOLD_AXES; a++)
		if (!mul_u64(planes, n[a], &planes))
			return UINT64_MAX;
	return planes;
}

/* The letters of the line `order` from fastest to slowest; c, z, t where there is none, or another value. */
static void read_order(const char *text, enum told_axis order[TOLD_AXES], struct told *out)
{
	static const char letters[TOLD_AXES] = { [TOLD_T] = 't', [TOLD_C] = 'c', [TOLD_Z] = 'z' };
	static const enum told_axis usual[TOLD_AXES] = { TOLD_C, TOLD_Z, TOLD_T };
	const char *s;
	size_t n;
	unsigned seen = 0;
	memcpy(order, usual, sizeof(usual));
	if (!imagej_find(text, "order", &s, &n))
		return;
	if (n == 5 && strncasecmp(s, "xy", 2) == 0) {
		s += 2;
		n -= 2;
	}
	for (size_t i = 0; n == TOLD_AXES && i < n; i++)
		for (enum told_axis a = 0; a < TOLD_AXES; a++)
			if ((s[i] | 0x20) == letters[a]) {
				order[i] = a;
				seen |= 1u << a;
			}
	if (seen == (1u << TOLD_AXES) - 1)
		return;
	memcpy(order, usual, sizeof(usual));
	told_note(out, "ImageJ: its order of axes is unknown and taken as c, z, t");
}

/* Sizes as the lines have them; *images: how many planes there are by their own line. */
static void read_sizes(const struct told_source *s, struct imagej *j, uint64_t *images)
{
	static const char *const keys[TOLD_AXES] = {
		[TOLD_T] = "frames", [TOLD_C] = "channels", [TOLD_Z] = "slices"
	};
	bool any = false;
	*images = 1;
	imagej_count(j->text, "images", images);
	for (int a = 0; a < TOLD_AXES; a++) {
		j->n[a] = 1;
		any |= imagej_count(j->text, keys[a], &j->n[a]);
	}
	if (!any)
		j->n[TOLD_Z] = *images;
	/* Channels that are the samples of each page are no planes. */
	uint64_t rest[TOLD_AXES] = { j->n[TOLD_T], 1, j->n[TOLD_Z] };
	uint64_t planes = product(rest), samples = s->first->samples;
	if (samples > 1 && j->n[TOLD_C] == samples && (planes == s->n_pages || planes == *images))
		j->n[TOLD_C] = 1;
}

/* Where the planes lie. */
struct laid {
	struct told_pages pages;
	uint64_t step; /* not 0: they lie behind the first page */
};

static void laid_done(struct laid *l)
{
	told_pages_done(&l->pages);
}

/* The pages that there are, along z. */
static void take_pages(struct imagej *j, uint64_t images, uint32_t pages, const char *why,
		       struct told *out)
{
	told_note(
		out,
		"ImageJ: it tells of %" PRIu64 " x %" PRIu64 " x %" PRIu64
		" planes (t, c, z) in %" PRIu64 ", but there %s %" PRIu32 " page%s%s%s; taken as z",
		j->n[TOLD_T], j->n[TOLD_C], j->n[TOLD_Z], images, pages == 1 ? "is" : "are", pages,
		pages == 1 ? "" : "s", why != NULL ? ", and " : "", why != NULL ? why : "");
	j->n[TOLD_T] = j->n[TOLD_C] = 1;
	j->n[TOLD_Z] = pages;
}

/* Sizes that fit what is there. */
static int lay(const struct told_source *s, struct imagej *j, uint64_t images, struct laid *l,
	       struct told *out, struct err *err)
{
	uint64_t planes = product(j->n);
	const char *why = NULL;
	if (planes == s->n_pages)
		return 0;
	if (planes > s->n_pages) {
		int rc = told_behind(s, s->first, planes, &l->step, &why, err);
		if (rc != 0)
			return rc < 0 ? rc : 0;
		l->step = 0;
	}
	int rc = told_pages_read(s, &l->pages, err);
	if (rc != 0 || planes == l->pages.n)
		return rc;
	/* Sizes that contradict the number of images are none. */
	if ((images <= 1 || planes == images) && told_goes_on(s, l->pages.n, planes))
		return 0;
	if (planes > l->pages.n && planes <= s->n_pages) {
		rc = told_behind(s, s->first, planes, &l->step, &why, err);
		if (rc != 0)
			return rc < 0 ? rc : 0;
		l->step = 0;
	}
	take_pages(j, images, l->pages.n, why, out);
	return 0;
}

static struct told_plane plane_at(const struct laid *l, uint64_t i)
{
	struct told_plane p = { .where = TOLD_PAGE, .at = i };
	if (l->step != 0)
		p = (struct told_plane){ .where = TOLD_BEHIND, .at = i * l->step };
	else
		p.at = told_page(&l->pages, i);
	return p;
}

static void fill(const struct imagej *j, const struct laid *l, struct told_image *im)
{
	uint64_t i = 0, at[TOLD_AXES];
	const enum told_axis *order = j->order;
	for (at[order[2]] = 0; at[order[2]] < im->n[order[2]]; at[order[2]]++)
		for (at[order[1]] = 0; at[order[1]] < im->n[order[1]]; at[order[1]]++)
			for (at[order[0]] = 0; at[order[0]] < im->n[order[0]]; at[order[0]]++)
				*told_plane(im, at[TOLD_T], at[TOLD_C], at[TOLD_Z]) =
					plane_at(l, i++);
}

static int tell(const struct told_source *s, struct imagej *j, struct told *out, struct err *err)
{
	CLEANUP(laid_done) struct laid l = { 0 };
	uint64_t images;
	uint32_t file;
	read_sizes(s, j, &images);
	read_order(j->text, j->order, out);
	int rc = lay(s, j, images, &l, out, err);
	if (rc != 0)
		return rc;
	out->kind = "ImageJ";
	struct told_image *im = told_add_image(out, j->n, err);
	if (im == NULL)
		return err_oom(err);
	if (told_add_file(out, NULL, &file) != 0)
		return err_oom(err);
	fill(j, &l, im);
	rc = imagej_facts(s, j, out, im, err);
	return rc != 0 ? rc : 1;
}

int told_imagej(const struct told_source *s, struct told *out, struct err *err)
{
	enum { HEAD = 8, MOST = 1 << 20 };
	CLEANUP(freep) char *head = NULL;
	CLEANUP(freep) char *text = NULL;
	if (s->r == NULL)
		return 0;
	int rc = told_text(s, &s->first->description, HEAD, &head, err);
	if (rc <= 0 || !imagej_is_text(head))
		return rc < 0 ? rc : 0;
	rc = told_text(s, &s->first->description, MOST, &text, err);
	if (rc <= 0)
		return rc;
	struct imagej j = { .text = text };
	return tell(s, &j, out, err);
}
