/* From pieces of a run to its band. A worker first takes a piece that lies in memory; from the first one that
 * does not, the pieces of the job go to the fetchers, all at once, and come back to be decoded. */
#include <errno.h>
#include <string.h>

#include "fs/store_core.h"

static uint32_t not_issued(const struct job *j)
{
	return j->cost.pieces - j->pieces_issued;
}

unsigned fetch_ready(const struct job *j)
{
	if (j->state != JOB_RUN || j->phase != PHASE_DECODE || !j->cold)
		return 0;
	return (unsigned)min_u64(j->raws - j->raws_out, j->n_again + not_issued(j));
}

unsigned decode_ready(const struct job *j)
{
	uint32_t untried = j->cold ? 0 : not_issued(j);
	return j->n_got + (unsigned)min_u64(j->raws - j->raws_out, untried);
}

void decode_issue(struct job *j, struct task *t)
{
	t->kind = TASK_DECODE;
	if (j->n_got == 0) {
		t->piece = j->pieces_issued++;
		j->raws_out++;
		return;
	}
	t->piece = j->got[0].piece;
	t->raw = j->got[0].raw;
	t->fetched = true;
	memmove(j->got, j->got + 1, --j->n_got * sizeof(*j->got));
}

static void piece_done(struct store *s, struct job *j, const struct task *t)
{
	s->stats.strips_decoded += t->strips;
	s->stats.planes_decoded += t->planes;
	j->raws_out--;
	if (--j->pieces_left > 0 || j->state != JOB_RUN)
		return;
	j->phase = PHASE_CUT;
	budget_release(s, j, j->raws * j->cost.raw);
	j->raws = 0;
}

void decode_done(struct store *s, struct job *j, struct task *t)
{
	s->stats.bytes_fetched += t->bytes_fetched;
	if (t->error != EAGAIN) {
		piece_done(s, j, t);
		return;
	}
	t->error = 0;
	j->raws_out--;
	j->again[j->n_again++] = t->piece;
	if (!j->cold && j->state == JOB_RUN)
		budget_widen(s, j);
	j->cold = true;
}

void fetch_done(struct store *s, struct job *j, struct task *t)
{
	s->low_fetches_out -= t->class != CLASS_FG;
	s->stats.bytes_fetched += t->bytes_fetched;
	j->fetches_out--;
	if (t->decoded) {
		piece_done(s, j, t);
		return;
	}
	j->got[j->n_got].piece = t->piece;
	j->got[j->n_got++].raw = t->raw;
}

void fetch_drop(struct store *s, struct job *j)
{
	for (unsigned i = 0; i < j->n_got; i++)
		spend_raw(s, j->got[i].raw);
	j->n_got = 0;
}

static void fetch_issue(struct job *j, struct task *t)
{
	*t = (struct task){ .kind = TASK_FETCH,
			    .class = j->class,
			    .job = j,
			    .key = j->run,
			    .lone = j->lone,
			    .band = j->band,
			    .band_size = j->cost.band };
	j->raws_out++;
	j->fetches_out++;
	if (j->n_again == 0) {
		t->piece = j->pieces_issued++;
		return;
	}
	t->piece = j->again[0];
	memmove(j->again, j->again + 1, --j->n_again * sizeof(*j->again));
}

bool store_fetch_take(struct store *s, struct task *out)
{
	store_enter(s);
	bool low = s->low_fetches_out < s->config.fetchers - s->config.fetchers / 4;
	struct link *l = NULL;
	for (int c = CLASS_FG; l == NULL && (c == CLASS_FG || low) && c <= CLASS_AHEAD; c++)
		l = list_first(&s->fetchable[c]);
	if (l != NULL) {
		struct job *j = CONTAINER(l, struct job, fetchable);
		fetch_issue(j, out);
		s->low_fetches_out += out->class != CLASS_FG;
		unsigned wake = s->wake, wake_fetchers = s->wake_fetchers;
		job_refresh(s, j);
		s->wake = wake; /* whoever was woken for these is on the way */
		s->wake_fetchers = wake_fetchers;
	}
	store_leave(s);
	return l != NULL;
}
