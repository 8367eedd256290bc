/* Waiters, and the flights that they wait for. */
#include <errno.h>

#include "fs/store_core.h"

void waiter_unlink(struct store *s, struct waiter *w)
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

void waiter_answer(struct store *s, struct waiter *w, const struct answer *a, struct entry *hand)
{
	waiter_unlink(s, w);
	w->answer = *a;
	w->hand = hand;
	list_append(&s->answered, &w->answered);
}

bool waiter_wants_bytes(enum wait_kind kind)
{
	return kind == WAIT_OPEN || kind == WAIT_READ || kind == WAIT_TAKE;
}

void waiter_bytes(struct store *s, struct waiter *w, struct entry *e)
{
	struct answer a = { .kind = ANSWER_BYTES };
	if (e == NULL) {
		waiter_answer(s, w, &a, NULL);
		return;
	}
	a.len = e->len;
	if (!waiter_wants_bytes(w->get.kind)) {
		waiter_answer(s, w, &a, NULL);
		return;
	}
	a.bytes = e->bytes;
	cache_hand(s, e);
	if (w->get.handle != NULL)
		cache_pin(s, e, w->get.handle);
	waiter_answer(s, w, &a, e);
}

void waiter_fail(struct store *s, struct waiter *w, enum answer_kind kind, int error)
{
	struct answer a = { .kind = kind, .error = error };
	bool exact;
	if (w->get.key.level != STORE_FIRST_LOOK)
		a.len = s->ops->bound(s->ctx, &w->get.key, &exact);
	store_level(s, &w->get.key)->failed += kind == ANSWER_FAILED;
	waiter_answer(s, w, &a, NULL);
}

struct waiter *waiter_find(struct store *s, uint64_t serial)
{
	for (struct table_node *n = table_first(&s->serials, serial); n != NULL;
	     n = table_next(n)) {
		struct waiter *w = CONTAINER(n, struct waiter, node);
		if (w->get.serial == serial)
			return w;
	}
	return NULL;
}

void waiter_interrupted(struct store *s, struct waiter *w, int pid)
{
	w->pid = pid;
	if (!link_in_list(&w->interrupted))
		list_append(&s->interrupted, &w->interrupted);
	s->wake_clock = true;
}

struct flight *flight_find(struct store *s, const struct store_key *key)
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

bool waiter_drop_if_silent(struct store *s, struct waiter *w)
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
		if (!waiter_drop_if_silent(s, w))
			waiter_bytes(s, w, e);
	}
	flight_end(s, f);
}

void flight_fail(struct store *s, struct flight *f, enum answer_kind kind, int error)
{
	for (struct link *l; (l = list_first(&f->waiters)) != NULL;) {
		struct waiter *w = CONTAINER(l, struct waiter, in_flight);
		if (!waiter_drop_if_silent(s, w))
			waiter_fail(s, w, kind, error);
	}
	flight_end(s, f);
}

/* After a waiter left: a flight that nobody waits for leaves the table before its job hears of it; one
 * that is being encoded goes on, its chunk is kept. */
void flight_lost_waiter(struct store *s, struct flight *f)
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
void waiter_park(struct store *s, struct waiter *w)
{
	struct flight *f = flight_find(s, &w->get.key);
	store_level(s, &w->get.key)->joined += f != NULL;
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
		w->deadline = w->since + store_look_ns;
		list_append(&s->timed, &w->timed);
	}
	if (w->get.serial == 0)
		return;
	table_insert(&s->serials, &w->node, w->get.serial);
	for (unsigned i = 0; i < EARLY_COUNT; i++)
		if (s->early[i].serial == w->get.serial)
			waiter_interrupted(s, w, s->early[i].pid);
}
