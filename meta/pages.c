#include "meta/pages.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { MAX_GROUPS = 1024 };

/* Where a page belongs; groups count from 0. */
enum {
	GROUP_BROKEN = PAGE_BROKEN,
	GROUP_OVERVIEW = -2,
	GROUP_MASK = -3,
	GROUP_STRANGER = PAGE_STRANGE,
	GROUP_EMPTY = -5
};

/* Pages of one kind. */
struct group {
	struct tiff_page kind; /* of its first page */
	uint32_t n;
};

struct sorting {
	uint64_t *ifds;
	struct page_kind *kinds; /* room for `cap` */
	int *group_of;
	size_t n, cap;
	bool unread; /* storage failed at a page, which may be a plane like the others */
	struct group *groups;
	size_t n_groups;
};

void pages_done(struct pages *p)
{
	free(p->ifds);
	free(p->out);
	free(p->chain);
	free(p->kinds);
	*p = (struct pages){ 0 };
}

static void sorting_done(struct sorting *s)
{
	free(s->ifds);
	free(s->kinds);
	free(s->group_of);
	free(s->groups);
}

static bool axis_is_overview(uint32_t small, uint32_t big, double factor)
{
	double want = big / factor;
	return fabs(small - want) <= fmax(1, 0.05 * want);
}

bool pages_is_overview(const struct tiff_page *small, const struct tiff_page *big)
{
	double factor = round((double)big->width / small->width);
	return factor >= 2 && small->bits == big->bits && small->samples == big->samples &&
	       small->sample_format == big->sample_format &&
	       axis_is_overview(small->width, big->width, factor) &&
	       axis_is_overview(small->height, big->height, factor);
}

/* The group of a well-formed page, made where there is none yet. */
static int group_of(struct sorting *s, const struct tiff_page *p, int last)
{
	if (last >= 0 && tiff_same_kind(&s->groups[last].kind, p))
		return last;
	for (size_t g = 0; g < s->n_groups; g++)
		if (tiff_same_kind(&s->groups[g].kind, p))
			return (int)g;
	if (s->n_groups == MAX_GROUPS)
		return GROUP_STRANGER;
	struct group *more = reallocarray(s->groups, s->n_groups + 1, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	s->groups = more;
	more[s->n_groups] = (struct group){ .kind = *p };
	return (int)s->n_groups++;
}

/* Takes the next page of the chain. */
static int take_page(void *ctx, const struct tiff_page *page, int rc)
{
	struct sorting *s = ctx;
	if (s->n == s->cap) {
		size_t cap = s->cap == 0 ? 16 : 2 * s->cap;
		struct page_kind *more = reallocarray(s->kinds, cap, sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		s->kinds = more;
		s->cap = cap;
	}
	s->unread |= rc < 0 && err_is_passing(rc);
	struct page_kind k = { .kind = PAGE_BROKEN };
	if (page != NULL) {
		int last = s->n > 0 ? s->kinds[s->n - 1].kind : -1;
		k = (struct page_kind){ group_of(s, page, last), page->subfile_type };
		if (k.kind == -ENOMEM)
			return -ENOMEM;
	}
	s->kinds[s->n++] = k;
	return 0;
}

/* Overviews and masks by their tag, unless nothing else would be left. */
static bool drop_tagged(const struct sorting *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->kinds[i].kind >= 0 && (s->kinds[i].subfile & 5) == 0)
			return true;
	return false;
}

static int sort_pages(const struct reader *r, const struct tiff_header *h, struct sorting *s)
{
	s->group_of = calloc(s->n, sizeof(*s->group_of));
	if (s->group_of == NULL)
		return -ENOMEM;
	bool drop = drop_tagged(s);
	for (size_t i = 0; i < s->n; i++) {
		const struct page_kind *k = &s->kinds[i];
		s->group_of[i] = k->kind;
		if (k->kind == PAGE_BROKEN && tiff_page_is_empty(r, h, s->ifds[i]))
			s->group_of[i] = GROUP_EMPTY;
		else if (k->kind >= 0 && drop && (k->subfile & 5) != 0)
			s->group_of[i] = (k->subfile & 4) != 0 ? GROUP_MASK : GROUP_OVERVIEW;
		else if (k->kind >= 0)
			s->groups[k->kind].n++;
	}
	return 0;
}

static size_t count_groups(const struct sorting *s, uint32_t at_least)
{
	size_t n = 0;
	for (size_t g = 0; g < s->n_groups; g++)
		n += s->groups[g].n >= at_least;
	return n;
}

static void move_group(struct sorting *s, int from, int to)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->group_of[i] == from)
			s->group_of[i] = to;
	s->groups[from].n = 0;
}

static void drop_others(struct sorting *s, int keep)
{
	for (size_t g = 0; g < s->n_groups; g++)
		if ((int)g != keep && s->groups[g].n > 0)
			move_group(s, (int)g, GROUP_STRANGER);
}

/* First group with at least that many pages; there is one. */
static int first_group(const struct sorting *s, uint32_t at_least)
{
	int g = 0;
	while (s->groups[g].n < at_least)
		g++;
	return g;
}

/* Untagged pyramids: whatever is an overview of the largest page by its size. */
static void drop_pyramid(struct sorting *s)
{
	int big = first_group(s, 1);
	for (size_t g = 0; g < s->n_groups; g++) {
		const struct tiff_page *p = &s->groups[g].kind, *b = &s->groups[big].kind;
		if (s->groups[g].n > 0 &&
		    (uint64_t)p->width * p->height > (uint64_t)b->width * b->height)
			big = (int)g;
	}
	for (size_t g = 0; g < s->n_groups; g++)
		if ((int)g != big && s->groups[g].n > 0 &&
		    pages_is_overview(&s->groups[g].kind, &s->groups[big].kind))
			move_group(s, (int)g, GROUP_OVERVIEW);
}

/* Decides which pages are planes where they are of several kinds. True: each is an image. */
static bool choose_kind(struct sorting *s)
{
	if (count_groups(s, 1) <= 1)
		return false;
	if (count_groups(s, 2) != 1)
		drop_pyramid(s);
	if (count_groups(s, 1) <= 1)
		return false;
	if (count_groups(s, 2) == 0)
		return true;
	/* The only group of several pages; of more such groups the one that comes first. */
	drop_others(s, first_group(s, 2));
	return false;
}

static const char *why_out(int group)
{
	switch (group) {
	case GROUP_BROKEN:
		return "a malformed page";
	case GROUP_EMPTY:
		return "a page without pixels";
	case GROUP_OVERVIEW:
		return "a stored overview";
	case GROUP_MASK:
		return "a transparency mask";
	default:
		return "a page of another size or type";
	}
}

static int collect(struct sorting *s, struct pages *ret)
{
	/* A malformed page amid planes of one kind is a damaged plane: it keeps its place. */
	bool keep_broken =
		!ret->apart && (s->unread || count_groups(s, 2) > 0 || count_groups(s, 1) == 0);
	ret->out = calloc(s->n, sizeof(*ret->out));
	ret->chain = malloc((s->n + 1) * sizeof(*ret->chain));
	if (ret->out == NULL || ret->chain == NULL)
		return -ENOMEM;
	memcpy(ret->chain, s->ifds, s->n * sizeof(*ret->chain));
	ret->n_chain = (uint32_t)s->n;
	ret->kinds = STEAL(s->kinds);
	size_t n = 0;
	for (size_t i = 0; i < s->n; i++) {
		int g = s->group_of[i];
		if (g >= 0 || (g == GROUP_BROKEN && keep_broken)) {
			if (g >= 0 && !ret->has_kind) {
				ret->kind = s->groups[g].kind;
				ret->has_kind = true;
			}
			s->ifds[n++] = s->ifds[i];
			continue;
		}
		ret->out[ret->n_out++] = (struct page_out){ .page = (uint32_t)i,
							    .why = why_out(g),
							    .overview = g == GROUP_OVERVIEW };
	}
	ret->n = (uint32_t)n;
	ret->ifds = STEAL(s->ifds);
	return 0;
}

/* s NULL: the pages are not read. */
static int walk(const struct reader *r, struct tiff_header *h, struct sorting *s, uint64_t **ifds,
		size_t *n, bool *cut, struct err *err)
{
	int rc = tiff_header_read(r, h, err);
	if (rc == 0)
		rc = tiff_walk_pages(r, h, s != NULL ? take_page : NULL, s, ifds, n, cut, err);
	if (rc == 0 && (*n == 0 || *n > TIFF_MAX_PAGES))
		rc = err_set(err, EBADMSG, "no page: the first IFD cannot be read");
	return rc;
}

int pages_read(const struct reader *r, struct pages *ret, struct err *err)
{
	*ret = (struct pages){ 0 };
	struct tiff_header h;
	struct sorting CLEANUP(sorting_done) s = { 0 };
	int rc = walk(r, &h, &s, &s.ifds, &s.n, &ret->cut, err);
	if (rc != 0)
		return rc;
	rc = sort_pages(r, &h, &s);
	if (rc == 0) {
		ret->apart = choose_kind(&s);
		rc = collect(&s, ret);
	}
	if (rc != 0) {
		pages_done(ret);
		return err_oom(err);
	}
	ret->first_ifd = ret->n == 1 && ret->ifds[0] == h.first_ifd;
	return 0;
}

int pages_count(const struct reader *r, struct pages *ret, struct err *err)
{
	*ret = (struct pages){ 0 };
	struct tiff_header h;
	CLEANUP(freep) uint64_t *ifds = NULL;
	size_t n = 0;
	int rc = walk(r, &h, NULL, &ifds, &n, &ret->cut, err);
	if (rc != 0)
		return rc;
	ret->n = (uint32_t)n;
	ret->has_kind = tiff_page_read(r, &h, ifds[0], &ret->kind, NULL) == 0;
	ret->first_ifd = n == 1;
	ret->chain = malloc(n * sizeof(*ret->chain));
	if (ret->chain == NULL)
		return err_oom(err);
	memcpy(ret->chain, ifds, n * sizeof(*ret->chain));
	ret->n_chain = (uint32_t)n;
	ret->ifds = STEAL(ifds);
	return 0;
}
