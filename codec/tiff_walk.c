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

int tiff_walk(const struct reader *r, const struct tiff_header *h, uint64_t **out, size_t *n,
	      bool *cut, struct err *err)
{
	struct tiff_window w = { .r = r };
	struct visited seen = { 0 };
	CLEANUP(freep) uint64_t *list = NULL;
	size_t len = 0;
	bool ended = false;
	int rc = 0;
	for (uint64_t ifd = h->first_ifd, next; ifd != 0 && !ended; ifd = next) {
		int fresh = visited_add(&seen, ifd);
		if (fresh < 0) {
			rc = fresh;
			break;
		}
		if (fresh == 0 || len == TIFF_MAX_PAGES) {
			ended = true;
			break;
		}
		rc = next_of(&w, h, ifd, &next, &ended, err);
		if (rc == -ENODATA) {
			rc = 0;
			ended = true;
			break;
		}
		if (rc == 0 && !push(&list, &len, ifd))
			rc = -ENOMEM;
		if (rc != 0)
			break;
	}
	free(seen.slots);
	if (rc == -ENOMEM)
		return err_oom(err);
	if (rc != 0)
		return rc;
	*out = STEAL(list);
	*n = len;
	*cut = ended;
	return 0;
}
