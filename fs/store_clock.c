/* Everything that is timed: looks that have waited long enough, silent waiters, interrupted ones, the tick. */
#include "fs/store_core.h"

static const uint64_t tick_ns = 100000000;
static const uint64_t interrupt_ns = 200000000;

void store_interrupt(struct store *s, uint64_t serial, int pid)
{
	if (serial == 0 || pid == 0)
		return;
	store_enter(s);
	struct waiter *w = waiter_find(s, serial);
	if (w != NULL) {
		waiter_interrupted(s, w, pid);
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
	w->deadline += store_look_ns;
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
	pass_tick(s);
	store_leave(s);

	store_enter(s);
	bool waits = !list_empty(&s->queue[CLASS_FG]) || !list_empty(&s->queue[CLASS_PASS]);
	if (waits && s->fault != FAULT_NO_TICK) {
		s->in_tick = true;
		budget_admit(s);
		s->in_tick = false;
	}
	uint64_t now = store_now(s), next = UINT64_MAX;
	if (!list_empty(&s->timed)) {
		uint64_t deadline = CONTAINER(s->timed.next, struct waiter, timed)->deadline;
		next = deadline > now ? deadline - now : 1;
	}
	if (waits || (s->pass != NULL && s->pass->linger_until != 0))
		next = min_u64(next, tick_ns);
	if (!list_empty(&s->interrupted))
		next = min_u64(next, interrupt_ns);
	if (s->parked > 0) /* somebody may come into the queue, or be interrupted */
		next = min_u64(next, tick_ns);
	store_leave(s);
	return next;
}
