#include "fs/store_core.h"

static uint64_t memo_hash(const struct store_key *k)
{
	return table_hash(k->image, k->level, k->index / MEMO_SLOTS);
}

static struct memo_page *memo_find(struct store *s, const struct store_key *k)
{
	uint64_t first = k->index / MEMO_SLOTS * MEMO_SLOTS;
	for (struct table_node *n = table_first(&s->memo, memo_hash(k)); n != NULL;
	     n = table_next(n)) {
		struct memo_page *p = CONTAINER(n, struct memo_page, node);
		if (p->image == k->image && p->level == k->level && p->first == first)
			return p;
	}
	return NULL;
}

static struct memo_page *memo_page_new(struct store *s, const struct store_key *k)
{
	while (s->memo_bytes + sizeof(struct memo_page) > s->config.budget / 16)
		if (!memo_drop_oldest(s))
			return NULL;
	if (!cache_make_room(s, sizeof(struct memo_page)))
		return NULL;
	struct memo_page *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->image = k->image;
	p->level = k->level;
	p->first = k->index / MEMO_SLOTS * MEMO_SLOTS;
	table_insert(&s->memo, &p->node, memo_hash(k));
	list_append(&s->memo_pages, &p->age);
	s->memo_bytes += sizeof(*p);
	s->charge += sizeof(*p);
	return p;
}

void memo_put(struct store *s, const struct store_key *key, uint64_t size)
{
	struct memo_page *p = memo_find(s, key);
	if (p == NULL)
		p = memo_page_new(s, key);
	if (p != NULL && size <= UINT32_MAX)
		p->size[key->index % MEMO_SLOTS] = (uint32_t)size;
}

uint64_t memo_get(struct store *s, const struct store_key *key)
{
	const struct memo_page *p = memo_find(s, key);
	return p == NULL ? 0 : p->size[key->index % MEMO_SLOTS];
}

bool memo_drop_oldest(struct store *s)
{
	struct link *l = list_first(&s->memo_pages);
	if (l == NULL)
		return false;
	struct memo_page *p = CONTAINER(l, struct memo_page, age);
	list_remove(&p->age);
	table_remove(&s->memo, &p->node);
	s->memo_bytes -= sizeof(*p);
	s->charge -= sizeof(*p);
	free(p);
	return true;
}

void memo_clear(struct store *s)
{
	while (memo_drop_oldest(s))
		;
}

static uint64_t bad_hash(uint32_t image, uint64_t plane)
{
	return table_hash(image, plane, 0);
}

static struct bad_spot *bad_find(struct store *s, const struct spot *spot)
{
	for (struct table_node *n = table_first(&s->bad, bad_hash(spot->image, spot->plane));
	     n != NULL; n = table_next(n)) {
		struct bad_spot *b = CONTAINER(n, struct bad_spot, node);
		if (b->spot.image == spot->image && b->spot.plane == spot->plane &&
		    b->spot.unit == spot->unit)
			return b;
	}
	return NULL;
}

void bad_put(struct store *s, const struct spot *spot, int error, uint64_t until)
{
	struct bad_spot *b = bad_find(s, spot);
	if (b == NULL) {
		b = calloc(1, sizeof(*b));
		if (b == NULL)
			return; /* found again at the next decode */
		b->spot = *spot;
		table_insert(&s->bad, &b->node, bad_hash(spot->image, spot->plane));
	} else if (b->until == 0) {
		return; /* for good is for good */
	}
	b->error = error;
	b->until = until;
}

/* 0 for a record that has expired, which is dropped. */
static int bad_error(struct store *s, struct bad_spot *b)
{
	if (b->until == 0 || b->until > store_now(s))
		return b->error;
	table_remove(&s->bad, &b->node);
	free(b);
	return 0;
}

int bad_get(struct store *s, const struct spot *spot, bool *for_good)
{
	if (s->bad.n == 0)
		return 0;
	const struct spot all = { spot->image, spot->plane, SPOT_ALL };
	struct bad_spot *b = bad_find(s, &all);
	if (b == NULL)
		b = bad_find(s, spot);
	if (b == NULL)
		return 0;
	*for_good = b->until == 0;
	return bad_error(s, b);
}

int bad_for_chunk(struct store *s, const struct store_key *key)
{
	if (s->bad.n == 0 || key->level == STORE_FIRST_LOOK)
		return 0;
	uint64_t first, n;
	s->ops->planes(s->ctx, key, &first, &n);
	for (uint64_t plane = first; plane < first + n; plane++) {
		struct table_node *next;
		for (struct table_node *t = table_first(&s->bad, bad_hash(key->image, plane));
		     t != NULL; t = next) {
			next = table_next(t);
			struct bad_spot *b = CONTAINER(t, struct bad_spot, node);
			if (b->spot.image != key->image || b->spot.plane != plane ||
			    !s->ops->needs(s->ctx, key, &b->spot))
				continue;
			int error = bad_error(s, b);
			if (error != 0)
				return error;
		}
	}
	return 0;
}

void bad_clear(struct store *s)
{
	for (size_t i = 0; i < s->bad.n_buckets; i++)
		while (s->bad.buckets[i] != NULL) {
			struct bad_spot *b = CONTAINER(s->bad.buckets[i], struct bad_spot, node);
			table_remove(&s->bad, &b->node);
			free(b);
		}
}
