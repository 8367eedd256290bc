#include "fs/store.h"

#include <errno.h>
#include <string.h>

#include "fs/store_core.h"

/* A LOOKUP holds up others who want the same name and cannot be killed meanwhile, so it waits no longer
 * than this; the work goes on for as long again, for the GETATTR or OPEN that follows. */
static const uint64_t look_ns = 500000000;
static const uint64_t tick_ns = 100000000;
static const uint64_t interrupt_ns = 200000000;

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

static void give_back_all(struct store *s, struct spent *spent, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s->ops->give_back(s->ctx, spent[i].buf, spent[i].size);
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
		unsigned wake = s->wake;
		bool wake_clock = s->wake_clock;
		s->wake = 0;
		s->wake_clock = false;
		pthread_mutex_unlock(&s->lock);

		give_back_all(s, spent, n_spent);
		if (wake > 0)
			s->ops->wake_workers(s->ctx, wake);
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

void spend(struct store *s, void *buf, uint64_t size)
{
	if (buf == NULL)
		return;
	if (s->n_spent == s->cap_spent) {
		size_t cap = s->cap_spent * 2 + 8;
		struct spent *more = realloc(s->spent, cap * sizeof(*more));
		if (more == NULL) {
			s->ops->give_back(s->ctx, buf, size);
			return;
		}
		s->spent = more;
		s->cap_spent = cap;
	}
	s->spent[s->n_spent++] = (struct spent){ buf, size };
}

/* Waiters. */

static void waiter_unlink(struct store *s, struct waiter *w)
{
	list_remove(&w->in_flight);
	list_remove(&w->timed);
	list_remove(&w->interrupted);
	if (w->get.serial != 0 && w->state == WAITER_WAITING && w->flight != NULL)
		table_remove(&s->serials, &w->node);
	if (w->state == WAITER_WAITING && w->flight != NULL)
		s->parked--;
	w->flight = NULL;
}

static void waiter_answer(struct store *s, struct waiter *w, const struct answer *a,
			  struct entry *hand)
{
	waiter_unlink(s, w);
	w->answer = *a;
	w->hand = hand;
	list_append(&s->answered, &w->answered);
}

static bool wants_bytes(enum wait_kind kind)
{
	return kind == WAIT_OPEN || kind == WAIT_READ || kind == WAIT_TAKE;
}

static void waiter_bytes(struct store *s, struct waiter *w, struct entry *e)
{
	struct answer a = { .kind = ANSWER_BYTES };
	if (e == NULL) {
		waiter_answer(s, w, &a, NULL);
		return;
	}
	a.len = e->len;
	if (!wants_bytes(w->get.kind)) {
		waiter_answer(s, w, &a, NULL);
		return;
	}
	a.bytes = e->bytes;
	cache_hand(s, e);
	if (w->get.handle != NULL)
		cache_pin(s, e, w->get.handle);
	waiter_answer(s, w, &a, e);
}

static void waiter_fail(struct store *s, struct waiter *w, enum answer_kind kind, int error)
{
	struct answer a = { .kind = kind, .error = error };
	bool exact;
	if (w->get.key.level != STORE_FIRST_LOOK)
		a.len = s->ops->bound(s->ctx, &w->get.key, &exact);
	s->stats.failed += kind == ANSWER_FAILED;
	waiter_answer(s, w, &a, NULL);
}

static struct waiter *waiter_find(struct store *s, uint64_t serial)
{
	for (struct table_node *n = table_first(&s->serials, serial); n != NULL;
	     n = table_next(n)) {
		struct waiter *w = CONTAINER(n, struct waiter, node);
		if (w->get.serial == serial)
			return w;
	}
	return NULL;
}

static void interrupted(struct store *s, struct waiter *w, int pid)
{
	w->pid = pid;
	if (!link_in_list(&w->interrupted))
		list_append(&s->interrupted, &w->interrupted);
	s->wake_clock = true;
}

/* Flights. */

static struct flight *flight_find(struct store *s, const struct store_key *key)
{
	for (struct table_node *n = table_first(&s->flights, key_hash(key)); n != NULL;
	     n = table_next(n)) {
		struct flight *f = CONTAINER(n, struct flight, node);
		if (same_key(&f->key, key))
			return f;
	}
	return NULL;
}

/* Out of the table and out of its job. */
static void flight_end(struct store *s, struct flight *f)
{
	table_remove(&s->flights, &f->node);
	list_remove(&f->in_job);
	if (f->job != NULL) {
		if (f->state == FLIGHT_MAKE)
			f->job->making--;
		job_lost_flight(s, f->job);
	}
	free(f);
}

static bool drop_if_silent(struct store *s, struct waiter *w)
{
	if (w->state != WAITER_SILENT)
		return false;
	waiter_unlink(s, w);
	free(w);
	return true;
}

void flight_answer(struct store *s, struct flight *f, struct entry *e)
{
	for (struct link *l; (l = list_first(&f->waiters)) != NULL;) {
		struct waiter *w = CONTAINER(l, struct waiter, in_flight);
		if (!drop_if_silent(s, w))
			waiter_bytes(s, w, e);
	}
	flight_end(s, f);
}

void flight_fail(struct store *s, struct flight *f, enum answer_kind kind, int error)
{
	for (struct link *l; (l = list_first(&f->waiters)) != NULL;) {
		struct waiter *w = CONTAINER(l, struct waiter, in_flight);
		if (!drop_if_silent(s, w))
			waiter_fail(s, w, kind, error);
	}
	flight_end(s, f);
}

/* After a waiter left: a flight that nobody waits for leaves the table before its job hears of it; one
 * that is being encoded goes on, its chunk is kept. */
static void flight_lost_waiter(struct store *s, struct flight *f)
{
	if (!list_empty(&f->waiters))
		return;
	if (f->state == FLIGHT_MAKE) {
		s->admit = true; /* a chunk that waits for room to land need not wait any more */
		return;
	}
	if (s->fault == FAULT_LOST_WAITER) {
		struct job *j = f->job;
		list_remove(&f->in_job);
		f->job = NULL;
		job_lost_flight(s, j);
		return;
	}
	flight_end(s, f);
}

static struct flight *flight_new(struct store *s, const struct store_key *key)
{
	struct flight *f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	f->key = *key;
	f->seq = ++s->seq;
	list_init(&f->waiters);
	table_insert(&s->flights, &f->node, key_hash(key));
	if (job_attach(s, f) == NULL) {
		flight_end(s, f);
		return NULL;
	}
	return f;
}

/* Puts the waiter on its chunk's flight. */
static void park(struct store *s, struct waiter *w)
{
	struct flight *f = flight_find(s, &w->get.key);
	s->stats.joined += f != NULL;
	if (f == NULL)
		f = flight_new(s, &w->get.key);
	if (f == NULL) {
		waiter_fail(s, w, ANSWER_FAILED, ENOMEM);
		return;
	}
	w->flight = f;
	w->since = store_now(s);
	list_append(&f->waiters, &w->in_flight);
	s->wake_clock |= s->parked++ == 0;
	if (w->get.kind == WAIT_LOOK) {
		w->deadline = w->since + look_ns;
		list_append(&s->timed, &w->timed);
	}
	if (w->get.serial == 0)
		return;
	table_insert(&s->serials, &w->node, w->get.serial);
	for (unsigned i = 0; i < EARLY_COUNT; i++)
		if (s->early[i].serial == w->get.serial)
			interrupted(s, w, s->early[i].pid);
}

static void get_locked(struct store *s, struct waiter *w)
{
	if (s->closed) {
		waiter_fail(s, w, ANSWER_CANCELLED, EIO);
		return;
	}
	struct entry *e = cache_find(s, &w->get.key, false);
	if (e != NULL) {
		s->stats.hits++;
		cache_touch(s, e);
		waiter_bytes(s, w, e);
		return;
	}
	uint64_t size = wants_bytes(w->get.kind) ? 0 : memo_get(s, &w->get.key);
	if (size != 0) {
		struct answer a = { .kind = ANSWER_BYTES, .len = size };
		waiter_answer(s, w, &a, NULL);
		return;
	}
	int error = bad_for_chunk(s, &w->get.key);
	if (error != 0)
		waiter_fail(s, w, ANSWER_FAILED, error);
	else
		park(s, w);
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

void store_interrupt(struct store *s, uint64_t serial, int pid)
{
	if (serial == 0 || pid == 0)
		return;
	store_enter(s);
	struct waiter *w = waiter_find(s, serial);
	if (w != NULL) {
		interrupted(s, w, pid);
	} else {
		/* The request was answered, or has not come to the store yet. */
		unsigned i = s->n_early++ % EARLY_COUNT;
		s->early[i].serial = serial;
		s->early[i].pid = pid;
	}
	/* Not store_leave: the caller holds a lock of libfuse, so nobody may be answered here. */
	bool wake = s->wake_clock;
	s->wake_clock = false;
	pthread_mutex_unlock(&s->lock);
	if (wake)
		s->ops->wake_clock(s->ctx);
}

/* The clock. */

/* The LOOKUP is answered; a silent waiter stays in its place. */
static void fall_silent(struct store *s, struct waiter *w)
{
	struct waiter *copy = calloc(1, sizeof(*copy));
	if (copy == NULL)
		return; /* tried again at the next tick */
	copy->get = w->get;
	if (w->get.serial != 0)
		table_remove(&s->serials, &w->node);
	list_remove(&w->interrupted);
	s->parked--;
	w->state = WAITER_SILENT;
	w->deadline += look_ns;
	list_remove(&w->timed);
	list_append(&s->timed, &w->timed);
	waiter_fail(s, copy, ANSWER_BOUND, 0);
}

static void run_timers(struct store *s, uint64_t now)
{
	struct link *l;
	while ((l = list_first(&s->timed)) != NULL) {
		struct waiter *w = CONTAINER(l, struct waiter, timed);
		if (w->deadline > now)
			return;
		if (w->state == WAITER_WAITING) {
			fall_silent(s, w);
			if (w->state == WAITER_WAITING)
				return;
			continue;
		}
		struct flight *f = w->flight;
		waiter_unlink(s, w);
		free(w);
		flight_lost_waiter(s, f);
	}
}

/* Cancels those interrupted waiters whose process is about to die. */
static void look_at_interrupted(struct store *s)
{
	enum { AT_ONCE = 64 };
	struct {
		uint64_t serial;
		int pid;
	} look[AT_ONCE];
	unsigned n = 0;
	store_enter(s);
	for (struct link *l = s->interrupted.next; l != &s->interrupted && n < AT_ONCE; n++) {
		const struct waiter *w = CONTAINER(l, struct waiter, interrupted);
		look[n].serial = w->get.serial;
		look[n].pid = w->pid;
		l = l->next;
	}
	/* Those that were looked at go to the end, so that each has its turn. */
	struct link *l = n > 0 ? list_first(&s->interrupted) : NULL;
	for (unsigned i = 0; i < n && l != NULL; i++, l = list_first(&s->interrupted)) {
		list_remove(l);
		list_append(&s->interrupted, l);
	}
	store_leave(s);
	for (unsigned i = 0; i < n; i++)
		if (s->ops->dying(s->ctx, look[i].pid))
			store_cancel(s, look[i].serial);
}

uint64_t store_tick(struct store *s)
{
	look_at_interrupted(s);
	store_enter(s);
	run_timers(s, store_now(s));
	store_leave(s);

	store_enter(s);
	if (!list_empty(&s->queue[CLASS_FG]) && s->fault != FAULT_NO_TICK) {
		s->in_tick = true;
		budget_admit(s);
		s->in_tick = false;
	}
	uint64_t now = store_now(s), next = UINT64_MAX;
	if (!list_empty(&s->timed)) {
		uint64_t deadline = CONTAINER(s->timed.next, struct waiter, timed)->deadline;
		next = deadline > now ? deadline - now : 1;
	}
	if (!list_empty(&s->queue[CLASS_FG]))
		next = min_u64(next, tick_ns);
	if (!list_empty(&s->interrupted))
		next = min_u64(next, interrupt_ns);
	if (s->parked > 0) /* somebody may come into the queue, or be interrupted */
		next = min_u64(next, tick_ns);
	store_leave(s);
	return next;
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
				if (!drop_if_silent(s, w))
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
	for (const struct link *l = s->running.next; l != &s->running; l = l->next)
		idle &= CONTAINER(l, struct job, running)->tasks_out == 0;
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
