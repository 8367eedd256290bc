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
	struct memo_page *p = memo_find(s, key);
	if (p == NULL)
		return 0;
	list_remove(&p->age);
	list_append(&s->memo_pages, &p->age);
	return p->size[key->index % MEMO_SLOTS];
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
