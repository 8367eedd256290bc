#include "codec/tiff_field.h"

#include <errno.h>
#include <string.h>

/* IFD offsets met so far; open addressing, 0 is empty. */
struct visited {
	uint64_t *slots;
	size_t cap, used; /* cap is a power of two */
};

static size_t slot_of(const struct visited *v, uint64_t offset)
{
	size_t i = (offset * 0x9e3779b97f4a7c15u) >> 20 & (v->cap - 1);
	while (v->slots[i] != 0 && v->slots[i] != offset)
		i = (i + 1) & (v->cap - 1);
	return i;
}

static bool visited_grow(struct visited *v)
{
	struct visited old = *v;
	v->cap = old.cap == 0 ? 64 : old.cap * 2;
	v->slots = calloc(v->cap, sizeof(*v->slots));
	if (v->slots == NULL) {
		*v = old;
		return false;
	}
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i] != 0)
			v->slots[slot_of(v, old.slots[i])] = old.slots[i];
	free(old.slots);
	return true;
}

/* 1: new, 0: met before, -ENOMEM. */
static int visited_add(struct visited *v, uint64_t offset)
{
	if (v->used * 2 >= v->cap && !visited_grow(v))
		return -ENOMEM;
	size_t i = slot_of(v, offset);
	if (v->slots[i] == offset)
		return 0;
	v->slots[i] = offset;
	v->used++;
	return 1;
}

/* Where the IFD at `ifd` points on to. -ENODATA: no IFD there; *cut: it is one, but the file ends in it. */
static int next_of(struct tiff_window *w, const struct tiff_header *h, uint64_t ifd, uint64_t *next,
		   bool *cut, struct err *err)
{
	size_t head = h->bigtiff ? 8 : 2, entry = h->bigtiff ? 20 : 12, word = h->bigtiff ? 8 : 4;
	const uint8_t *b;
	*next = 0;
	if (ifd < 8)
		return -ENODATA;
	int rc = tiff_window_get(w, ifd, head, &b, err);
	if (rc != 0)
		return rc;
	uint64_t n = tiff_number(b, head, h->big_endian);
	uint64_t left = w->r->size - ifd - head;
	if (n == 0 || n > TIFF_MAX_TAGS || left < entry)
		return -ENODATA;
	*cut = n * entry > left;
	if (*cut || word > left - n * entry)
		return 0;
	rc = tiff_window_get(w, ifd + head + n * entry, word, &b, err);
	if (rc == 0)
		*next = tiff_number(b, word, h->big_endian);
	return rc;
}

static bool push(uint64_t **list, size_t *n, uint64_t v)
{
	uint64_t *more = grown(*list, *n, sizeof(*more));
	if (more == NULL)
		return false;
	*list = more;
	more[(*n)++] = v;
	return true;
}

/* A walk on its way. */
struct walk {
	struct tiff_window w;
	const struct tiff_header *h;
	tiff_visit *visit; /* NULL: the pages are not read */
	void *ctx;
	struct visited seen;
	uint64_t *list;
	size_t len;
	bool cut;
};

/* Counts the page at `ifd`. -ENODATA: there is none. */
static int step(struct walk *k, uint64_t ifd, uint64_t *next, struct err *err)
{
	struct tiff_page page;
	int read = -ENOENT, rc = 0;
	if (k->visit != NULL)
		read = tiff_page_read(k->w.r, k->h, ifd, &page, NULL);
	if (read == -ENOMEM)
		return read;
	if (read == 0)
		*next = page.next_ifd;
	else
		rc = next_of(&k->w, k->h, ifd, next, &k->cut, err);
	if (rc != 0)
		return rc;
	if (!push(&k->list, &k->len, ifd))
		return -ENOMEM;
	return k->visit != NULL ? k->visit(k->ctx, read == 0 ? &page : NULL, read) : 0;
}

static int walk(struct walk *k, struct err *err)
{
	int rc = 0;
	for (uint64_t ifd = k->h->first_ifd, next = 0; rc == 0 && ifd != 0 && !k->cut; ifd = next) {
		rc = visited_add(&k->seen, ifd);
		k->cut = rc == 0 || (rc > 0 && k->len == TIFF_MAX_PAGES);
		if (rc > 0)
			rc = k->cut ? 0 : step(k, ifd, &next, err);
	}
	k->cut |= rc == -ENODATA;
	return rc == -ENODATA ? 0 : rc;
}

int tiff_walk_pages(const struct reader *r, const struct tiff_header *h, tiff_visit *visit,
		    void *ctx, uint64_t **out, size_t *n, bool *cut, struct err *err)
{
	struct walk k = { .w.r = r, .h = h, .visit = visit, .ctx = ctx };
	int rc = walk(&k, err);
	free(k.seen.slots);
	if (rc != 0) {
		free(k.list);
		return rc == -ENOMEM ? err_oom(err) : rc;
	}
	*out = k.list;
	*n = k.len;
	*cut = k.cut;
	return 0;
}

int tiff_walk(const struct reader *r, const struct tiff_header *h, uint64_t **out, size_t *n,
	      bool *cut, struct err *err)
{
	return tiff_walk_pages(r, h, NULL, NULL, out, n, cut, err);
}

int tiff_sub_ifds(const struct reader *r, const struct tiff_page *page, size_t max, uint64_t *out,
		  size_t *n, struct err *err)
{
	struct tiff_window w = { .r = r };
	int rc = 0;
	*n = (size_t)min_u64(max, page->sub_ifds.count);
	for (size_t i = 0; rc == 0 && i < *n; i++)
		rc = tiff_values_get(&w, &page->sub_ifds, page->file.big_endian, i, &out[i], err);
	return rc;
}
