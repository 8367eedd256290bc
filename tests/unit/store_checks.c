#include "tests/unit/store_checks.h"

/* Between what is due and when the clock comes to it. */
enum { LATE_MS = 250 };

enum { OVERTAKEN_MOST = 8 };

static bool ends_by_itself(const struct job *j)
{
	if (j->ladder != NULL)
		return ladder_emits_the_last(j);
	return j->phase == PHASE_LOOK || j->phase == PHASE_CUT ||
	       (j->phase == PHASE_DECODE && j->leaf[0].pieces_left == 0);
}

static const char *check_wanted(const struct world *w, const struct job *j)
{
	bool nobody = job_has_nobody(j), lingers = j->linger_until != 0;
	if (w->store->closed && (j->class == CLASS_AHEAD || (lingers && !ends_by_itself(j))))
		return "a job goes on for nobody after the end";
	if (j->class == CLASS_AHEAD)
		return nobody ? NULL : "somebody waits for read-ahead";
	if (lingers && !nobody)
		return "a pass lingers although somebody waits for it";
	if (lingers && w->now > j->linger_until + LATE_MS * ms)
		return "a pass lingers for ever";
	if (nobody && !lingers && !ends_by_itself(j))
		return "a job goes on although nobody waits for it";
	return NULL;
}

/* What the job holds is part of what it reserved. */
static const char *check_reservation(const struct job *j)
{
	const struct run_cost *c = &j->cost;
	uint64_t bands = 0, held = j->fetches_out * c->raw;
	for (unsigned i = 0; i < LEAVES; i++)
		bands += j->leaf[i].band != NULL;
	if (j->state == JOB_RUN)
		held = j->raws_out * c->raw + j->tasks_out * c->lane + j->slots_out * c->slot +
		       bands * c->band + (j->ladder != NULL ? c->blocks : 0);
	return held > j->reserved ? "a job holds more than it reserved" : NULL;
}

/* More room for fetches than a piece for each lane is no more than a quarter of all. */
static bool widened_too_far(const struct store *s, const struct job *j)
{
	return j->raws > j->lanes && j->raws * j->cost.raw > budget_limit(s) / 4;
}

static const char *check_jobs(const struct world *w)
{
	const struct store *s = w->store;
	const char *why = NULL;
	for (int c = CLASS_FG; c <= CLASS_PASS; c++)
		for (const struct link *l = s->queue[c].next; l != &s->queue[c]; l = l->next) {
			const struct job *j = CONTAINER(l, struct job, queued);
			if (job_has_nobody(j))
				why = "a job waits for memory although nobody waits for it";
			if (j->overtaken > OVERTAKEN_MOST)
				why = "a pass was overtaken too often";
		}
	for (const struct link *l = s->running.next; l != &s->running && why == NULL; l = l->next) {
		const struct job *j = CONTAINER(l, struct job, running);
		why = check_reservation(j);
		if (widened_too_far(s, j))
			why = "a job has taken too much for its fetches";
		if (why == NULL && j->state == JOB_RUN)
			why = check_wanted(w, j);
	}
	return why;
}

static const struct store_key *entry_key(const struct table_node *n)
{
	return &CONTAINER(n, struct entry, node)->key;
}

static const struct store_key *flight_key(const struct table_node *n)
{
	return &CONTAINER(n, struct flight, node)->key;
}

static const struct store_key *run_key(const struct table_node *n)
{
	return &CONTAINER(n, struct job, node)->run;
}

static bool twice(const struct table *t, const struct store_key *(*key)(const struct table_node *))
{
	for (size_t i = 0; i < t->n_buckets; i++)
		for (const struct table_node *a = t->buckets[i]; a != NULL; a = a->next)
			for (const struct table_node *b = a->next; b != NULL; b = b->next)
				if (a->hash == b->hash && same_key(key(a), key(b)))
					return true;
	return false;
}

static const char *check_tables(const struct store *s)
{
	if (twice(&s->entries[0], entry_key))
		return "a chunk is cached twice";
	if (twice(&s->entries[1], entry_key))
		return "a band is cached twice";
	if (twice(&s->flights, flight_key))
		return "two flights for a chunk";
	if (twice(&s->runs, run_key))
		return "two jobs for a run";
	return NULL;
}

static bool waits_for_what_is_cached(struct store *s)
{
	for (size_t i = 0; i < s->flights.n_buckets; i++)
		for (const struct table_node *n = s->flights.buckets[i]; n != NULL; n = n->next)
			if (CONTAINER(n, struct flight, node)->state == FLIGHT_WAIT &&
			    cache_find(s, flight_key(n), false) != NULL)
				return true;
	return false;
}

/* A look is answered after half a second, and given up half a second later. */
static bool looks_for_too_long(const struct world *w)
{
	const struct store *s = w->store;
	for (const struct link *l = s->timed.next; l != &s->timed && w->no_memory == 0;
	     l = l->next) {
		const struct waiter *o = CONTAINER(l, struct waiter, timed);
		uint64_t most = o->state == WAITER_SILENT ? 1000 : 500;
		if (w->now > o->since + (most + LATE_MS) * ms)
			return true;
	}
	return false;
}

static bool fetches_leave_a_quarter(const struct world *w)
{
	unsigned low = 0;
	for (unsigned i = 2 * w->threads; i < 2 * w->threads + w->fetchers; i++)
		low += w->busy[i].taken && w->busy[i].until != UINT64_MAX &&
		       w->busy[i].task.class != CLASS_FG;
	return low <= w->fetchers - w->fetchers / 4;
}

void checks_after_event(struct world *w)
{
	struct store *s = w->store;
	const char *why = check_jobs(w);
	if (why == NULL)
		why = check_tables(s);
	if (why == NULL && waits_for_what_is_cached(s))
		why = "somebody waits for a chunk that is cached";
	if (why == NULL && looks_for_too_long(w))
		why = "a look is waited for too long";
	if (why == NULL && !list_empty(&s->doubtful))
		why = "what follows for a job was noted and not done";
	if (why == NULL && w->bytes > s->charge - s->memo_bytes)
		why = "there is more than is charged";
	if (why == NULL && !fetches_leave_a_quarter(w))
		why = "passes and read-ahead have too many of the fetchers";
	if (why != NULL)
		fault(w, why);
}

void checks_before_reduce(struct world *w, const struct task *t)
{
	const struct job *j = t->job;
	const struct blocks *b = t->blocks;
	for (const struct link *l = j->wanted.next; l != &j->wanted; l = l->next) {
		const struct flight *f = CONTAINER(l, struct flight, in_job);
		uint64_t first, run = f->key.index / source_chunks(w, f->key.level);
		uint64_t n = source_below(w, f->key.level, run, 0, &first);
		if (f->key.level < j->run.level && first + n <= b->leaves)
			fault(w, "somebody waits for a run that the pass has gone by");
	}
}

struct quiet checks_before_offer(const struct world *w)
{
	const struct store *s = w->store;
	struct quiet q = { .events = w->events, .reserved = s->reserved, .memo = s->memo_bytes };
	for (const struct link *l = s->running.next; l != &s->running; l = l->next) {
		const struct job *j = CONTAINER(l, struct job, running);
		q.jobs = q.jobs * 31 + j->seq;
		q.lands |= j->landings != NULL;
	}
	for (unsigned level = 2; level < MAX_LEVELS; level++)
		q.evicted += s->stats.level[level].evicted;
	return q;
}

/* Nothing else happened that may evict or take memory: no other landing, no grant, no answer. */
static bool was_quiet(const struct quiet *a, const struct quiet *b)
{
	return !a->lands && a->events == b->events && a->jobs == b->jobs &&
	       a->reserved == b->reserved && a->memo == b->memo;
}

void checks_after_offer(struct world *w, const struct quiet *before, const struct task *t)
{
	struct quiet after = checks_before_offer(w);
	struct store *s = w->store;
	if (!was_quiet(before, &after))
		return;
	if (after.evicted != before->evicted)
		fault(w, "a coarse chunk gave way to one that nobody asked for");
	if (t == NULL || t->kind != TASK_ENCODE || t->flight != NULL)
		return;
	if (cache_find(s, &t->key, false) != NULL)
		fault(w, "a chunk is made although it is cached and nobody asks for it");
	if (t->key.level == 1 && s->charge + t->slot_size > s->config.budget)
		fault(w, "a chunk is offered although there is no room for it");
}
