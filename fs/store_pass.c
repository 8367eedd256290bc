/* Passes: ladders that decode more than an ordinary job may. One runs at a time, the smallest first, beside the
 * foreground and behind it. */
#include "fs/store_core.h"

/* As many passes may come later and go first. */
enum { OVERTAKEN_MAX = 8 };

/* A chunk of a finer level is made alone, rather than wait for the pass to come by. */
enum { JOINS_FROM_LEVEL = 3 };

static const uint64_t linger_ns = 500000000;

struct job *pass_candidate(const struct store *s)
{
	struct job *best = NULL;
	if (s->pass != NULL)
		return NULL;
	const struct link *head = &s->queue[CLASS_PASS];
	for (const struct link *l = head->next; l != head; l = l->next) {
		struct job *j = CONTAINER(l, struct job, queued);
		if (j->overtaken >= OVERTAKEN_MAX)
			return j;
		if (best == NULL || j->cost.decoded < best->cost.decoded)
			best = j;
	}
	return best;
}

uint64_t pass_set_aside(const struct store *s)
{
	const struct job *j = pass_candidate(s);
	return j == NULL || s->ops->now(s->ctx) - j->t0 < budget_patience_ns ? 0 : budget_least(j);
}

void pass_granted(struct store *s, struct job *j)
{
	s->pass = j;
	const struct link *head = &s->queue[CLASS_PASS];
	for (const struct link *l = head->next; l != head; l = l->next) {
		struct job *other = CONTAINER(l, struct job, queued);
		other->overtaken += other->seq < j->seq;
	}
}

struct job *pass_for(struct store *s, const struct store_key *chunk)
{
	struct job *j = s->pass;
	if (j == NULL || j->state != JOB_RUN || j->ladder == NULL ||
	    chunk->level == STORE_FIRST_LOOK || chunk->level < JOINS_FROM_LEVEL ||
	    chunk->image != j->run.image || chunk->level >= j->run.level)
		return NULL;
	uint64_t above[STORE_LEVELS];
	uint32_t k;
	struct store_key run = *chunk;
	run.index = s->ops->run_of(s->ctx, chunk, &k);
	uint64_t own = run.index;
	while (run.level < j->run.level) {
		run.index = s->ops->above(s->ctx, &run);
		run.level++;
		above[run.level] = run.index;
	}
	return run.index == j->run.index && ladder_open_at(j, chunk->level, own, above) ? j : NULL;
}

void pass_linger(struct store *s, struct job *j)
{
	if (j->linger_until != 0)
		return;
	j->linger_until = store_now(s) + linger_ns;
	s->wake_clock = true;
}

void pass_tick(struct store *s)
{
	struct job *j = s->pass;
	if (j == NULL || j->linger_until == 0 || j->linger_until > store_now(s))
		return;
	j->linger_until = 0;
	if (j->state == JOB_RUN && job_has_nobody(j))
		job_stop(s, j);
}
