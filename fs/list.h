/* Intrusive doubly linked lists and chained hash tables: the owner of the memory is the owner of the
 * link. No lock of their own. */
#pragma once

#include "codec/base.h"

struct link {
	struct link *prev, *next; /* both NULL while in no list */
};

#define CONTAINER(ptr, type, member) ((type *)((uintptr_t)(ptr)-offsetof(type, member)))

static inline void list_init(struct link *head)
{
	head->prev = head->next = head;
}

static inline bool list_empty(const struct link *head)
{
	return head->next == head;
}

static inline bool link_in_list(const struct link *l)
{
	return l->next != NULL;
}

/* Puts l before `at`: at the end where `at` is the head. */
static inline void list_insert_before(struct link *at, struct link *l)
{
	l->prev = at->prev;
	l->next = at;
	at->prev->next = l;
	at->prev = l;
}

static inline void list_append(struct link *head, struct link *l)
{
	list_insert_before(head, l);
}

/* No-op for a link in no list, and for NULL. */
static inline void list_remove(struct link *l)
{
	if (l == NULL || l->next == NULL)
		return;
	l->prev->next = l->next;
	l->next->prev = l->prev;
	l->prev = l->next = NULL;
}

/* Moves everything in `from` to the end of `to`. */
static inline void list_splice(struct link *to, struct link *from)
{
	for (struct link *l; (l = from->next) != from;) {
		list_remove(l);
		list_append(to, l);
	}
}

/* First link, NULL if there is none. */
static inline struct link *list_first(const struct link *head)
{
	return head->next == head ? NULL : head->next;
}

struct table_node {
	struct table_node *next;
	uint64_t hash;
};

struct table {
	struct table_node **buckets;
	size_t n_buckets, n;
};

/* False: out of memory. */
bool table_init(struct table *t);
void table_done(struct table *t);

/* Grows by itself; where memory for that is lacking the chains get longer. */
void table_insert(struct table *t, struct table_node *n, uint64_t hash);
void table_remove(struct table *t, struct table_node *n);

/* First node with this hash, and the next one; NULL at the end. */
struct table_node *table_first(const struct table *t, uint64_t hash);
struct table_node *table_next(const struct table_node *n);

/* Mixes three numbers into a hash. */
uint64_t table_hash(uint64_t a, uint64_t b, uint64_t c);
