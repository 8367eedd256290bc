#include "fs/store.h"

#include <errno.h>
#include <string.h>

#include "fs/store_core.h"

bool same_key(const struct store_key *a, const struct store_key *b)
{
	return a->image == b->image && a->level == b->level && a->index == b->index;
}

uint64_t key_hash(const struct store_key *k)
{
	return table_hash(k->image, k->level, k->index);
}

void store_enter(struct store *s)
{
	pthread_mutex_lock(&s->lock);
}

static void settle(struct store *s)
{
	for (;;) {
		struct link *l = list_first(&s->doubtful);
		if (l != NULL) {
			list_remove(l);
			job_check_empty(s, CONTAINER(l, struct job, doubtful));
		} else if (s->admit) {
			s->admit = false;
			budget_admit(s);
		} else {
			return;
		}
	}
}

static void give_back(struct store *s, const struct spent *b)
{
	if (b->size == SPENT_RAW)
		s->ops->drop_raw(s->ctx, b->buf);
	else if (b->size == SPENT_BLOCKS)
		s->ops->drop_blocks(s->ctx, b->buf);
	else
		s->ops->give_back(s->ctx, b->buf, b->size);
}

static void give_back_all(struct store *s, struct spent *spent, size_t n)
{
	for (size_t i = 0; i < n; i++)
		give_back(s, &spent[i]);
	free(spent);
}

/* Calls back; returns the entry whose hand is to be given back. */
static struct entry *answer(struct waiter *w)
{
	struct entry *hand = w->hand;
	w->get.done(w->get.data, &w->answer);
	free(w);
	return hand;
}

void store_leave(struct store *s)
{
	for (;;) {
		settle(s);
		s->stats.memory_peak = max_u64(s->stats.memory_peak, s->charge);
		struct link answered;
		list_init(&answered);
		for (struct link *l; (l = list_first(&s->answered)) != NULL;) {
			list_remove(l);
			list_append(&answered, l);
		}
		struct spent *spent = STEAL(s->spent);
		size_t n_spent = s->n_spent;
		s->n_spent = s->cap_spent = 0;
		unsigned wake = s->wake, wake_pass = s->wake_pass, fetchers = s->wake_fetchers;
		bool wake_clock = s->wake_clock;
		s->wake = s->wake_pass = s->wake_fetchers = 0;
		s->wake_clock = false;
		pthread_mutex_unlock(&s->lock);

		give_back_all(s, spent, n_spent);
		if (wake > 0)
			s->ops->wake_workers(s->ctx, wake);
		if (wake_pass > 0)
			s->ops->wake_pass_workers(s->ctx, wake_pass);
		if (fetchers > 0)
			s->ops->wake_fetchers(s->ctx, fetchers);
		if (wake_clock)
			s->ops->wake_clock(s->ctx);
		if (list_empty(&answered))
			return;
		for (struct link *l; (l = list_first(&answered)) != NULL;) {
			list_remove(l);
			struct entry *hand = answer(CONTAINER(l, struct waiter, answered));
			if (hand != NULL) {
				pthread_mutex_lock(&s->lock);
				cache_hand_back(s, hand);
				pthread_mutex_unlock(&s->lock);
			}
		}
		pthread_mutex_lock(&s->lock);
	}
}

static bool spent_room(struct store *s)
{
	if (s->n_spent < s->cap_spent)
		return true;
	size_t cap = s->cap_spent * 2 + 8;
	struct spent *more = realloc(s->spent, cap * sizeof(*more));
	if (more == NULL)
		return false;
	s->spent = more;
	s->cap_spent = cap;
	return true;
}

void spend(struct store *s, void *buf, uint64_t size)
{
	const struct spent b = { buf, size };
	if (buf == NULL)
		return;
	if (spent_room(s))
		s->spent[s->n_spent++] = b;
	else
		give_back(s, &b);
}

void spend_raw(struct store *s, void *raw)
{
	spend(s, raw, SPENT_RAW);
}

void spend_blocks(struct store *s, void *blocks)
{
	spend(s, blocks, SPENT_BLOCKS);
}

/* The size of a chunk that only a pass can tell; a look does not start one. */
static bool only_a_pass_knows(struct store *s, const struct waiter *w)
{
	struct store_key run = w->get.key;
	struct run_cost cost;
	uint32_t k;
	if (w->get.kind != WAIT_LOOK || run.level == 0 || run.level == STORE_FIRST_LOOK)
		return false;
	run.index = s->ops->run_of(s->ctx, &w->get.key, &k);
	s->ops->cost(s->ctx, &run, RUN_WHOLE, &cost);
	return cost.pass;
}

static void get_locked(struct store *s, struct waiter *w)
{
	if (s->closed) {
		waiter_fail(s, w, ANSWER_CANCELLED, EIO);
		return;
	}
	struct entry *e = cache_find(s, &w->get.key, false);
	if (e != NULL) {
		store_level(s, &w->get.key)->hits++;
		cache_touch(s, e);
		waiter_bytes(s, w, e);
		return;
	}
	uint64_t size = waiter_wants_bytes(w->get.kind) ? 0 : memo_get(s, &w->get.key);
	if (size != 0) {
		struct answer a = { .kind = ANSWER_BYTES, .len = size };
		waiter_answer(s, w, &a, NULL);
		return;
	}
	int error = bad_for_chunk(s, &w->get.key);
	if (error != 0)
		waiter_fail(s, w, ANSWER_FAILED, error);
	else if (only_a_pass_knows(s, w))
		waiter_fail(s, w, ANSWER_BOUND, 0);
	else
		waiter_park(s, w);
}

static struct waiter *waiter_new(const struct get *g)
{
	struct waiter *w = calloc(1, sizeof(*w));
	if (w == NULL) {
		struct answer a = { .kind = ANSWER_FAILED, .error = ENOMEM };
		g->done(g->data, &a);
		return NULL;
	}
	w->get = *g;
	return w;
}

uint64_t store_serial(struct store *s)
{
	return __atomic_add_fetch(&s->serial, 1, __ATOMIC_RELAXED);
}

bool store_size_known(struct store *s, struct store_key key, uint64_t *size)
{
	bool exact;
	store_enter(s);
	*size = s->ops->bound(s->ctx, &key, &exact);
	if (!exact) {
		const struct entry *e = cache_find(s, &key, false);
		*size = e != NULL ? e->len : memo_get(s, &key);
		exact = *size != 0;
	}
	store_leave(s);
	return exact;
}

uint64_t store_bound(struct store *s, struct store_key key)
{
	bool exact;
	store_enter(s);
	uint64_t bound = s->ops->bound(s->ctx, &key, &exact);
	store_leave(s);
	return bound;
}

void store_get(struct store *s, const struct get *g)
{
	struct waiter *w = waiter_new(g);
	if (w == NULL)
		return;
	store_enter(s);
	get_locked(s, w);
	store_leave(s);
}

void store_read(struct store *s, struct handle *h, const struct get *g)
{
	struct waiter *w = waiter_new(g);
	if (w == NULL)
		return;
	store_enter(s);
	if (h->entry != NULL)
		waiter_bytes(s, w, h->entry);
	else
		get_locked(s, w);
	store_leave(s);
}

void store_unpin(struct store *s, struct handle *h)
{
	store_enter(s);
	cache_unpin(s, h);
	store_leave(s);
}

static void cancel_locked(struct store *s, uint64_t serial)
{
	struct waiter *w = waiter_find(s, serial);
	if (w == NULL)
		return;
	struct flight *f = w->flight;
	waiter_fail(s, w, ANSWER_CANCELLED, EINTR);
	flight_lost_waiter(s, f);
}

void store_cancel(struct store *s, uint64_t serial)
{
	store_enter(s);
	cancel_locked(s, serial);
	store_leave(s);
}

/* Beginning and end. */

struct store *store_new(const struct store_config *config, const struct store_ops *ops, void *ctx)
{
	struct store *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->config = *config;
	s->ops = ops;
	s->ctx = ctx;
	s->stats.budget = config->budget;
	pthread_mutex_init(&s->lock, NULL);
	struct table *tables[] = { &s->flights, &s->runs, &s->entries[0], &s->entries[1],
				   &s->serials, &s->bad,  &s->memo };
	bool ok = true;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		ok &= table_init(tables[i]);
	for (size_t i = 0; i < ARRAY_SIZE(s->queue); i++) {
		list_init(&s->queue[i]);
		list_init(&s->ready[i]);
		list_init(&s->fetchable[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(s->lru); i++)
		list_init(&s->lru[i]);
	struct link *lists[] = { &s->running,	  &s->doubtful,	  &s->timed,
				 &s->interrupted, &s->memo_pages, &s->answered };
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		list_init(lists[i]);
	if (!ok) {
		store_free(s);
		return NULL;
	}
	return s;
}

void store_shutdown(struct store *s)
{
	store_enter(s);
	s->closed = true;
	ahead_give_way(s);
	if (s->pass != NULL)
		job_lost_flight(s, s->pass); /* nobody may have waited for it for a moment */
	for (size_t i = 0; i < s->flights.n_buckets; i++) {
		struct table_node *next;
		for (struct table_node *n = s->flights.buckets[i]; n != NULL; n = next) {
			next = n->next;
			struct flight *f = CONTAINER(n, struct flight, node);
			if (f->state == FLIGHT_WAIT) {
				flight_fail(s, f, ANSWER_CANCELLED, EIO);
				continue;
			}
			for (struct link *l; (l = list_first(&f->waiters)) != NULL;) {
				struct waiter *w = CONTAINER(l, struct waiter, in_flight);
				if (!waiter_drop_if_silent(s, w))
					waiter_fail(s, w, ANSWER_CANCELLED, EIO);
			}
		}
	}
	store_leave(s);
}

bool store_idle(struct store *s)
{
	store_enter(s);
	bool idle = true;
	for (const struct link *l = s->running.next; l != &s->running; l = l->next) {
		const struct job *j = CONTAINER(l, struct job, running);
		idle &= j->tasks_out == 0 && j->fetches_out == 0;
	}
	store_leave(s);
	return idle;
}

void store_drop_caches(struct store *s)
{
	store_enter(s);
	cache_evict_all(s);
	store_leave(s);
}

void store_free(struct store *s)
{
	if (s == NULL)
		return;
	if (s->lru[0].next != NULL)
		store_drop_caches(s);
	memo_clear(s);
	bad_clear(s);
	table_done(&s->flights);
	table_done(&s->runs);
	table_done(&s->entries[0]);
	table_done(&s->entries[1]);
	table_done(&s->serials);
	table_done(&s->bad);
	table_done(&s->memo);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void store_plant(struct store *s, enum store_fault fault)
{
	s->fault = fault;
}
