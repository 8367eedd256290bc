/* What must hold between transitions, for the tests' driver and for builds that check; and the counters. */
#include "fs/store_core.h"

void store_stats(struct store *s, struct store_stats *out)
{
	store_enter(s);
	*out = s->stats;
	out->memory_now = s->charge;
	out->budget = s->config.budget;
	out->reserved = s->reserved;
	out->pinned = s->pinned_bytes;
	out->cached = s->listed;
	out->parked = s->parked;
	uint64_t now = store_now(s), oldest = now;
	for (const struct link *l = s->running.next; l != &s->running; l = l->next) {
		const struct job *j = CONTAINER(l, struct job, running);
		out->running++;
		if (j->t0 < oldest) {
			oldest = j->t0;
			out->longest = j->run;
		}
	}
	for (int c = CLASS_FG; c <= CLASS_PASS; c++)
		for (const struct link *l = s->queue[c].next; l != &s->queue[c]; l = l->next) {
			const struct job *j = CONTAINER(l, struct job, queued);
			out->queued++;
			if (j->t0 < oldest) {
				oldest = j->t0;
				out->longest = j->run;
			}
		}
	out->longest_ms = (now - oldest) / 1000000;
	if (s->pass != NULL) {
		out->pass = true;
		out->pass_run = s->pass->run;
		out->pass_fetched = s->pass->bytes_fetched;
	}
	store_leave(s);
}

static uint64_t entries_charge(const struct table *t, bool *broken)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < t->n_buckets; i++)
		for (const struct table_node *n = t->buckets[i]; n != NULL; n = n->next) {
			const struct entry *e = CONTAINER(n, struct entry, node);
			sum += e->charge;
			*broken |= link_in_list(&e->lru) != (e->hands == 0 && e->pins == 0);
		}
	return sum;
}

static const char *check_flights(const struct store *s)
{
	for (size_t i = 0; i < s->flights.n_buckets; i++)
		for (const struct table_node *n = s->flights.buckets[i]; n != NULL; n = n->next) {
			const struct flight *f = CONTAINER(n, struct flight, node);
			if (f->job == NULL ||
			    (f->state == FLIGHT_WAIT && f->job->state == JOB_STOP))
				return "a flight whose job is ending";
			if (f->state == FLIGHT_WAIT && list_empty(&f->waiters))
				return "a waiting flight without waiters";
		}
	return NULL;
}

/* The oldest foreground job that has waited long enough gets nothing although nobody stands in its way. */
static const char *check_progress(const struct store *s)
{
	uint64_t in_hand = s->charge - s->reserved - s->listed - s->memo_bytes - s->pinned_bytes;
	bool nothing_runs = true;
	for (const struct link *l = s->running.next; l != &s->running; l = l->next)
		nothing_runs &= CONTAINER(l, struct job, running)->class == CLASS_PASS;
	if (!list_empty(&s->queue[CLASS_FG]) && nothing_runs && in_hand == 0 &&
	    s->pinned_bytes <= s->config.budget / 4) {
		const struct job *j = CONTAINER(s->queue[CLASS_FG].next, struct job, queued);
		if (s->ops->now(s->ctx) - j->t0 > 250000000)
			return "a job that waits for memory although nothing runs but a pass";
	}
	for (const struct link *l = s->running.next; l != &s->running; l = l->next) {
		const struct job *j = CONTAINER(l, struct job, running);
		if (j->state == JOB_RUN && j->tasks_out == 0 && j->fetches_out == 0 &&
		    !link_in_list(&j->ready) && !link_in_list(&j->fetchable) && j->landings == NULL)
			return "a running job without a task";
		if (j->class == CLASS_AHEAD && j->state == JOB_RUN &&
		    !list_empty(&s->queue[CLASS_FG]))
			return "read-ahead goes on although somebody waits for memory";
	}
	return NULL;
}

static const char *check(struct store *s, bool at_rest)
{
	if (s->charge > s->config.budget)
		return "charge above the budget";
	if (s->reserved > budget_limit(s))
		return "reservations above their limit";
	uint64_t reserved = 0;
	for (const struct link *l = s->running.next; l != &s->running; l = l->next)
		reserved += CONTAINER(l, struct job, running)->reserved;
	if (reserved != s->reserved)
		return "the sum of the jobs' reservations is not what is reserved";
	bool broken = false;
	uint64_t entries =
		entries_charge(&s->entries[0], &broken) + entries_charge(&s->entries[1], &broken);
	if (broken)
		return "an entry on a list although it is held, or on none although it is not";
	/* Entries that left the table with a hand are the rest of the charge. */
	if (s->charge < entries + reserved + s->memo_bytes)
		return "less charged than is there";
	if (s->pinned_bytes > s->config.budget / 4 && s->pinned_first != NULL &&
	    s->pinned_first->next != NULL && s->pinned_first->entry != s->pinned_last->entry)
		return "pins above a quarter";
	if (s->late_by_tick != 0)
		return "the tick granted a full wish, or landed a chunk: an earlier event should "
		       "have done it";
	const char *why = check_flights(s);
	if (why == NULL)
		why = check_progress(s);
	if (why == NULL && at_rest &&
	    (s->reserved != 0 || s->flights.n != 0 || s->runs.n != 0 || s->serials.n != 0 ||
	     !list_empty(&s->queue[CLASS_FG]) || !list_empty(&s->queue[CLASS_PASS]) ||
	     !list_empty(&s->running) || s->pass != NULL || s->parked != 0))
		why = "something is left although nothing is under way";
	return why;
}

const char *store_check(struct store *s, bool at_rest)
{
	pthread_mutex_lock(&s->lock);
	const char *why = check(s, at_rest);
	pthread_mutex_unlock(&s->lock);
	return why;
}
