#include "fs/list.h"

enum { FIRST_BUCKETS = 64 };

bool table_init(struct table *t)
{
	t->n = 0;
	t->buckets = calloc(FIRST_BUCKETS, sizeof(t->buckets[0]));
	t->n_buckets = t->buckets == NULL ? 0 : FIRST_BUCKETS;
	return t->buckets != NULL;
}

void table_done(struct table *t)
{
	free(t->buckets);
	*t = (struct table){ 0 };
}

static struct table_node **bucket(const struct table *t, uint64_t hash)
{
	return &t->buckets[hash & (t->n_buckets - 1)];
}

static void grow(struct table *t)
{
	struct table bigger = { .n = t->n, .n_buckets = t->n_buckets * 2 };
	bigger.buckets = calloc(bigger.n_buckets, sizeof(bigger.buckets[0]));
	if (bigger.buckets == NULL)
		return;
	for (size_t i = 0; i < t->n_buckets; i++) {
		struct table_node *n = t->buckets[i];
		while (n != NULL) {
			struct table_node *next = n->next;
			struct table_node **b = bucket(&bigger, n->hash);
			n->next = *b;
			*b = n;
			n = next;
		}
	}
	free(t->buckets);
	*t = bigger;
}

void table_insert(struct table *t, struct table_node *n, uint64_t hash)
{
	if (t->n >= t->n_buckets)
		grow(t);
	struct table_node **b = bucket(t, hash);
	n->hash = hash;
	n->next = *b;
	*b = n;
	t->n++;
}

void table_remove(struct table *t, struct table_node *n)
{
	struct table_node **p = bucket(t, n->hash);
	while (*p != n)
		p = &(*p)->next;
	*p = n->next;
	n->next = NULL;
	t->n--;
}

struct table_node *table_first(const struct table *t, uint64_t hash)
{
	struct table_node *n = *bucket(t, hash);
	while (n != NULL && n->hash != hash)
		n = n->next;
	return n;
}

struct table_node *table_next(const struct table_node *n)
{
	uint64_t hash = n->hash;
	do
		n = n->next;
	while (n != NULL && n->hash != hash);
	return (struct table_node *)(uintptr_t)n;
}

/* The finaliser of splitmix64 over each number in turn. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

uint64_t table_hash(uint64_t a, uint64_t b, uint64_t c)
{
	return mix(mix(mix(a + 0x9e3779b97f4a7c15ULL) ^ b) ^ (c + 0x9e3779b97f4a7c15ULL));
}
