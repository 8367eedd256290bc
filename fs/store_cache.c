#include "fs/store_core.h"

static struct table *entry_table(struct store *s, bool band)
{
	return &s->entries[band ? 1 : 0];
}

struct entry *cache_find(struct store *s, const struct store_key *key, bool band)
{
	for (struct table_node *n = table_first(entry_table(s, band), key_hash(key)); n != NULL;
	     n = table_next(n)) {
		struct entry *e = CONTAINER(n, struct entry, node);
		if (same_key(&e->key, key))
			return e;
	}
	return NULL;
}

/* Into its list, or out of it, as hands and pins say; always at the young end. */
static void relist(struct store *s, struct entry *e)
{
	bool listed = link_in_list(&e->lru);
	bool may = e->hands == 0 && e->pins == 0 && !e->gone;
	list_remove(&e->lru);
	if (may)
		list_append(&s->lru[e->list], &e->lru);
	if (listed && !may) {
		s->list_bytes[e->list] -= e->charge;
		s->listed -= e->charge;
	} else if (!listed && may) {
		s->list_bytes[e->list] += e->charge;
		s->listed += e->charge;
	}
}

static void entry_leave_table(struct store *s, struct entry *e)
{
	table_remove(entry_table(s, e->list == LIST_BANDS), &e->node);
	e->gone = true;
	relist(s, e);
}

static void entry_free(struct store *s, struct entry *e)
{
	s->charge -= e->charge;
	spend(s, e->bytes, e->charge);
	free(e);
}

/* The list that exceeds its floor by most, else the one nearest to it; of what reservations, pins and
 * memo leave, bands have a half as their floor, coarse levels and level 0 a quarter each. */
static struct entry *victim(struct store *s)
{
	uint64_t used = s->reserved + s->pinned_bytes + s->memo_bytes;
	uint64_t rest = s->config.budget > used ? s->config.budget - used : 0;
	const uint64_t floors[LIST_COUNT] = { rest / 2, rest / 4, rest / 4 };
	struct entry *best = NULL;
	int64_t best_excess = 0;
	for (int i = 0; i < LIST_COUNT; i++) {
		struct link *l = list_first(&s->lru[i]);
		if (l == NULL)
			continue;
		int64_t excess = (int64_t)s->list_bytes[i] - (int64_t)floors[i];
		if (best == NULL || excess > best_excess) {
			best = CONTAINER(l, struct entry, lru);
			best_excess = excess;
		}
	}
	return best;
}

bool cache_make_room(struct store *s, uint64_t need)
{
	if (need > s->config.budget)
		return false;
	while (s->charge > s->config.budget - need) {
		struct entry *e = victim(s);
		if (e != NULL) {
			store_level(s, &e->key)->evicted += e->list != LIST_BANDS;
			entry_leave_table(s, e);
			entry_free(s, e);
		} else if (!memo_drop_oldest(s)) {
			return false;
		}
	}
	return true;
}

bool cache_make_room_for_offer(struct store *s, uint64_t need)
{
	while (s->charge > s->config.budget - min_u64(need, s->config.budget)) {
		struct entry *e = victim(s);
		if (e == NULL || e->key.level > 1)
			return false;
		store_level(s, &e->key)->evicted += e->list != LIST_BANDS;
		entry_leave_table(s, e);
		entry_free(s, e);
	}
	return true;
}

struct entry *cache_add(struct store *s, const struct store_key *key, enum entry_list list,
			void *bytes, uint64_t len, uint64_t charge)
{
	struct entry *e = calloc(1, sizeof(*e));
	if (e == NULL)
		return NULL;
	e->key = *key;
	e->list = list;
	e->bytes = bytes;
	e->len = len;
	e->charge = charge;
	table_insert(entry_table(s, list == LIST_BANDS), &e->node, key_hash(key));
	relist(s, e);
	return e;
}

void *cache_take_band(struct store *s, struct entry *e)
{
	void *band = e->bytes;
	entry_leave_table(s, e);
	s->charge -= e->charge;
	free(e);
	return band;
}

void cache_touch(struct store *s, struct entry *e)
{
	relist(s, e);
}

void cache_hand(struct store *s, struct entry *e)
{
	e->hands++;
	relist(s, e);
}

void cache_hand_back(struct store *s, struct entry *e)
{
	e->hands--;
	if (e->gone && e->hands == 0)
		entry_free(s, e);
	else
		relist(s, e);
	if (s->fault != FAULT_NO_LAST_HAND)
		s->admit = true;
}

static void unlink_handle(struct store *s, struct handle *h)
{
	*(h->prev != NULL ? &h->prev->next : &s->pinned_first) = h->next;
	*(h->next != NULL ? &h->next->prev : &s->pinned_last) = h->prev;
	h->prev = h->next = NULL;
}

static void link_handle(struct store *s, struct handle *h)
{
	h->prev = NULL;
	h->next = s->pinned_first;
	*(h->next != NULL ? &h->next->prev : &s->pinned_last) = h;
	s->pinned_first = h;
}

/* The entry that a handle has just pinned is never the victim. */
static void unpin_beyond_quarter(struct store *s, const struct entry *keep)
{
	struct handle *h = s->pinned_last;
	while (h != NULL && s->pinned_bytes > s->config.budget / 4) {
		struct handle *before = h->prev;
		if (h->entry != keep)
			cache_unpin(s, h);
		h = before;
	}
}

void cache_pin(struct store *s, struct entry *e, struct handle *h)
{
	if (h->entry == e) {
		unlink_handle(s, h);
		link_handle(s, h);
		return;
	}
	if (h->entry != NULL)
		cache_unpin(s, h);
	h->entry = e;
	link_handle(s, h);
	if (e->pins++ == 0) {
		s->pinned_bytes += e->charge;
		relist(s, e);
		if (s->fault != FAULT_NO_PIN_QUARTER)
			unpin_beyond_quarter(s, e);
	}
}

void cache_unpin(struct store *s, struct handle *h)
{
	struct entry *e = h->entry;
	if (e == NULL)
		return;
	unlink_handle(s, h);
	h->entry = NULL;
	if (--e->pins == 0) {
		s->pinned_bytes -= e->charge;
		relist(s, e);
	}
	s->admit = true;
}

void cache_evict_all(struct store *s)
{
	for (int i = 0; i < LIST_COUNT; i++)
		for (struct link *l; (l = list_first(&s->lru[i])) != NULL;) {
			struct entry *e = CONTAINER(l, struct entry, lru);
			store_level(s, &e->key)->evicted += e->list != LIST_BANDS;
			entry_leave_table(s, e);
			entry_free(s, e);
		}
	s->admit = true;
}
