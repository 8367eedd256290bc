#include "meta/places.h"

#include <errno.h>

static bool is_plain(const struct tiff_place *p)
{
	return p->skip == 0 && p->end == 0 && !p->wraps && !p->bare;
}

void places_done(struct source_file *f)
{
	free(f->page_ifds);
	free(f->places);
	f->page_ifds = NULL;
	f->places = NULL;
}

/* IFDs alone, which most lists come down to, in the same memory: a fifth of it. */
static uint64_t *as_ifds(struct tiff_place *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!is_plain(&v[i]))
			return NULL;
	uint64_t *ifds = malloc((n + 1) * sizeof(*ifds));
	for (uint32_t i = 0; ifds != NULL && i < n; i++)
		ifds[i] = v[i].ifd;
	return ifds;
}

void places_set(struct source_file *f, struct tiff_place *v, uint32_t n)
{
	places_done(f);
	f->n_pages = n;
	f->page_ifds = as_ifds(v, n);
	if (f->page_ifds != NULL)
		free(v);
	else
		f->places = v;
}

bool places_has(const struct source_file *f, uint64_t ifd)
{
	for (uint32_t i = 0; i < f->n_pages; i++)
		if ((f->page_ifds != NULL && f->page_ifds[i] == ifd) ||
		    (f->places != NULL && f->places[i].ifd == ifd))
			return true;
	return false;
}

bool places_claims(const struct source_file *f, uint32_t number)
{
	uint64_t ifd = PLACE_FIRST;
	if (number < f->n_pages && f->places != NULL)
		ifd = f->places[number].ifd;
	else if (number < f->n_pages && f->page_ifds != NULL)
		ifd = f->page_ifds[number];
	return ifd != PLACE_NONE;
}

int places_get(const struct source_file *f, uint32_t number, const struct tiff_header *h,
	       struct tiff_place *out, struct err *err)
{
	struct tiff_place place = { .ifd = PLACE_LOST };
	if (number < f->n_pages)
		place = f->places != NULL
				? f->places[number]
				: (struct tiff_place){ .ifd = f->page_ifds != NULL
								      ? f->page_ifds[number]
								      : PLACE_FIRST };
	if (place.ifd == PLACE_LOST || place.ifd == PLACE_NONE)
		return err_set(err, EBADMSG, "the file has no such page");
	if (place.ifd == PLACE_FIRST)
		place.ifd = h->first_ifd;
	*out = place;
	return 0;
}

static uint64_t chain_at(const uint64_t *chain, uint32_t n_chain, uint64_t page)
{
	if (page < n_chain)
		return chain[page];
	return page == 0 && n_chain == 0 ? PLACE_FIRST : PLACE_LOST;
}

struct tiff_place places_told(const struct told *t, const struct told_plane *p,
			      const uint64_t *chain, uint32_t n_chain)
{
	struct tiff_place lost = { .ifd = PLACE_LOST };
	switch (p->where) {
	case TOLD_GAP:
		return (struct tiff_place){ .ifd = PLACE_NONE };
	case TOLD_PAGE:
		return (struct tiff_place){ .ifd = chain_at(chain, n_chain, p->at) };
	case TOLD_IFD:
		/* The markers are no offsets that a file can have. */
		return (struct tiff_place){ .ifd = p->at < PLACE_LOST && p->at != PLACE_FIRST
							   ? p->at
							   : PLACE_LOST };
	case TOLD_BEHIND:
		return (struct tiff_place){ .ifd = chain_at(chain, n_chain, 0), .skip = p->at };
	case TOLD_BARE:
		return (struct tiff_place){ .ifd = chain_at(chain, n_chain, 0),
					    .skip = p->at,
					    .bare = true };
	case TOLD_PLACE:
		return p->at < t->n_places ? t->places[p->at] : lost;
	}
	return lost;
}

int places_set_told(struct source_file *f, const struct told *t, const uint64_t *chain,
		    uint32_t n_chain)
{
	uint64_t n = 0;
	for (size_t i = 0; i < t->n_images; i++)
		n += told_n_planes(&t->images[i]);
	struct tiff_place *v = n < UINT32_MAX ? reallocarray(NULL, n + 1, sizeof(*v)) : NULL;
	if (v == NULL)
		return -ENOMEM;
	uint32_t k = 0;
	for (size_t i = 0; i < t->n_images; i++) {
		const struct told_image *im = &t->images[i];
		for (uint64_t p = 0; p < told_n_planes(im); p++)
			v[k++] = places_told(t, &im->planes[p], chain, n_chain);
	}
	places_set(f, v, k);
	return 0;
}
