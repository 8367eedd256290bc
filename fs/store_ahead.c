/* Read-ahead: two runs asked for in reading order start the next one, which has no flights, the lowest
 * priority, and memory only as long as nobody else wants it. */
#include "fs/store_core.h"

/* Runs asked for that long ago were not read together with this one. */
enum { LATELY = 64 };

static bool visited_lately(const struct store *s, const struct store_key *run)
{
	uint64_t hash = key_hash(run);
	unsigned i = hash % VISITED_COUNT;
	return s->visited[i].at != 0 && s->visited[i].hash == hash &&
	       s->visits - s->visited[i].at < LATELY;
}

/* True where it was visited lately already. */
static bool visit(struct store *s, const struct store_key *run)
{
	bool was = visited_lately(s, run);
	if (!was) {
		uint64_t hash = key_hash(run);
		s->visited[hash % VISITED_COUNT].hash = hash;
		s->visited[hash % VISITED_COUNT].at = ++s->visits;
	}
	return was;
}

/* Its first chunk is cached, so that somebody had it made a while ago. */
static bool was_read(struct store *s, const struct store_key *run)
{
	struct store_key chunk = *run;
	chunk.index = s->ops->chunk_of(s->ctx, run, 0);
	return cache_find(s, &chunk, false) != NULL;
}

void ahead_follow(struct store *s, const struct store_key *run)
{
	struct store_key before = *run, after = *run;
	if (run->level == STORE_FIRST_LOOK || visit(s, run) || run->index == 0 || s->closed)
		return;
	before.index--;
	after.index++;
	if (!visited_lately(s, &before) || after.index >= s->ops->runs(s->ctx, run) ||
	    visited_lately(s, &after) || was_read(s, &after) || run_find(s, &after) != NULL ||
	    cache_find(s, &after, true) != NULL)
		return;
	job_new(s, &after, RUN_WHOLE, CLASS_AHEAD,
		++s->seq); /* without memory for it, there is none */
}

void ahead_promote(struct store *s, struct job *j)
{
	bool queued = link_in_list(&j->queued);
	list_remove(&j->queued);
	list_remove(&j->ready);
	list_remove(&j->fetchable);
	j->class = CLASS_FG;
	j->t0 = store_now(s);
	if (queued)
		INSERT_BY_SEQ(&s->queue[CLASS_FG], j, queued);
	s->admit = true;
	job_refresh(s, j);
}

void ahead_give_way(struct store *s)
{
	for (struct link *l; (l = list_first(&s->queue[CLASS_AHEAD])) != NULL;)
		job_drop_queued(s, CONTAINER(l, struct job, queued));
	struct link *next;
	for (struct link *l = s->running.next; l != &s->running; l = next) {
		next = l->next;
		struct job *j = CONTAINER(l, struct job, running);
		if (j->class == CLASS_AHEAD && j->state == JOB_RUN)
			job_stop(s, j);
	}
}
