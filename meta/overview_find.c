#include "meta/overview_find.h"

#include <errno.h>

enum { PAGES_MAX = OVERVIEWS_MAX / 2 }; /* that are asked, of the SubIFDs and of the chain each */

/* A page whose voxels mean what those of the plane mean, fewer of them. */
static bool is_smaller(const struct tiff_page *p, const struct tiff_page *plane)
{
	struct tiff_page same = *p;
	same.width = plane->width;
	same.height = plane->height;
	return (p->subfile_type & 4) == 0 && p->photometric == plane->photometric &&
	       p->width <= plane->width && p->height <= plane->height &&
	       (p->width < plane->width || p->height < plane->height) &&
	       tiff_same_kind(&same, plane);
}

static int each_below(const struct reader *r, const struct tiff_page *plane, each_overview *one,
		      void *ctx, struct err *err)
{
	uint64_t ifds[PAGES_MAX];
	size_t n;
	int rc = tiff_sub_ifds(r, plane, PAGES_MAX, ifds, &n, err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct tiff_page p;
		rc = tiff_page_read(r, &plane->file, ifds[i], &p, err);
		if (rc == 0 && is_smaller(&p, plane))
			one(ctx, &p);
		if (rc == -EBADMSG || rc == -ENOTSUP)
			rc = 0;
	}
	return rc == -EBADMSG ? 0 : rc;
}

/* Those between a plane and the next one belong to it. */
static int each_behind(const struct reader *r, const struct tiff_page *plane, bool alone,
		       each_overview *one, void *ctx, struct err *err)
{
	uint64_t ifd = alone ? plane->file.first_ifd : plane->next_ifd;
	for (size_t i = 0; i < PAGES_MAX && ifd != 0; i++) {
		struct tiff_page p;
		int rc = tiff_page_read(r, &plane->file, ifd, &p, err);
		if (rc == -EBADMSG || rc == -ENOTSUP)
			return 0;
		if (rc != 0)
			return rc;
		if (!alone && tiff_same_kind(&p, plane))
			return 0;
		if (is_smaller(&p, plane))
			one(ctx, &p);
		ifd = p.next_ifd;
	}
	return 0;
}

int overviews_each(const struct reader *r, const struct tiff_page *plane, bool alone,
		   each_overview *one, void *ctx, struct err *err)
{
	int rc = each_below(r, plane, one, ctx, err);
	return rc == 0 ? each_behind(r, plane, alone, one, ctx, err) : rc;
}

/* One that may be meant, and how many there are. */
struct match {
	const struct tiff_page *want;
	struct tiff_page page;
	unsigned n;
};

static void match_one(void *ctx, const struct tiff_page *p)
{
	struct match *m = ctx;
	if (!tiff_same_kind(p, m->want) || (p->samples > 1 && p->planar != m->want->planar))
		return;
	m->page = *p;
	m->n++;
}

int overview_find(const struct reader *r, const struct tiff_page *want, bool alone,
		  struct tiff_page *page, struct err *err)
{
	struct match m = { .want = want };
	int rc = each_below(r, page, match_one, &m, err);
	if (rc == 0 && m.n == 0)
		rc = each_behind(r, page, alone, match_one, &m, err);
	if (rc != 0)
		return rc;
	if (m.n != 1)
		return err_set(err, ENOENT, "%s stored overview of %u x %u",
			       m.n == 0 ? "it has no" : "it has more than one", want->width,
			       want->height);
	*page = m.page;
	return 0;
}
