/* From pieces of a run to its band. A worker first takes a piece that lies in memory; from the first one that
 * does not, the pieces of the run go to the fetchers, all at once, and come back to be decoded. A ladder has the
 * next leaf under way while it decodes one. */
#include <errno.h>
#include <string.h>

#include "fs/store_core.h"

bool leaf_lists_new(const struct store *s, struct job *j)
{
	size_t threads = s->config.threads, most = max_u64(threads, s->config.fetchers);
	size_t n = j->cost.ladder ? LEAVES : 1;
	struct got *got = calloc(n, most * sizeof(*got) + threads * sizeof(uint32_t));
	if (got == NULL)
		return false;
	j->lists = got;
	uint32_t *again = (uint32_t *)(got + n * most);
	for (size_t i = 0; i < n; i++) {
		j->leaf[i].got = got + i * most;
		j->leaf[i].again = again + i * threads;
	}
	return true;
}

void leaf_start(struct leaf *l, const struct store_key *run, uint32_t pieces)
{
	l->run = *run;
	l->state = l->band == NULL ? LEAF_PREPARE : LEAF_DECODE;
	l->cold = l->hole = false;
	l->n_again = l->n_got = 0;
	l->pieces = l->pieces_left = pieces;
	l->pieces_issued = 0;
}

/* The older leaf comes first. */
static struct leaf *leaf_at(struct job *j, unsigned i)
{
	unsigned first = j->ladder == NULL ? 0 : ladder_oldest(j);
	return &j->leaf[(first + i) % LEAVES];
}

static uint32_t not_issued(const struct leaf *l)
{
	return l->pieces - l->pieces_issued;
}

static bool decodes(const struct job *j, const struct leaf *l)
{
	return l->state == LEAF_DECODE && (j->phase == PHASE_DECODE || j->phase == PHASE_LADDER);
}

static uint32_t to_fetch(const struct job *j, const struct leaf *l)
{
	return decodes(j, l) && l->cold ? l->n_again + not_issued(l) : 0;
}

static uint32_t to_try(const struct job *j, const struct leaf *l)
{
	return decodes(j, l) && !l->cold ? not_issued(l) : 0;
}

unsigned fetch_ready(const struct job *j)
{
	uint32_t n = 0;
	for (unsigned i = 0; i < LEAVES && j->state == JOB_RUN; i++)
		n += to_fetch(j, &j->leaf[i]);
	return (unsigned)min_u64(j->raws - j->raws_out, n);
}

unsigned decode_ready(const struct job *j)
{
	unsigned got = 0;
	uint32_t untried = 0;
	for (unsigned i = 0; i < LEAVES; i++) {
		got += decodes(j, &j->leaf[i]) ? j->leaf[i].n_got : 0;
		untried += to_try(j, &j->leaf[i]);
	}
	return got + (unsigned)min_u64(j->raws - j->raws_out, untried);
}

static void of_leaf(const struct job *j, const struct leaf *l, struct task *t)
{
	t->leaf = (unsigned)(l - j->leaf);
	t->key = l->run;
	t->band = l->band;
}

void decode_issue(struct job *j, struct task *t)
{
	t->kind = TASK_DECODE;
	for (unsigned i = 0; i < LEAVES; i++) {
		struct leaf *l = leaf_at(j, i);
		if (!decodes(j, l))
			continue;
		of_leaf(j, l, t);
		if (l->n_got > 0) {
			t->piece = l->got[0].piece;
			t->raw = l->got[0].raw;
			t->fetched = true;
			memmove(l->got, l->got + 1, --l->n_got * sizeof(*l->got));
			return;
		}
		if (to_try(j, l) > 0 && j->raws > j->raws_out) {
			t->piece = l->pieces_issued++;
			j->raws_out++;
			return;
		}
	}
}

static void piece_done(struct store *s, struct job *j, const struct task *t)
{
	struct leaf *l = &j->leaf[t->leaf];
	s->stats.strips_decoded += t->strips;
	s->stats.planes_decoded += t->planes;
	j->raws_out--;
	if (--l->pieces_left > 0 || j->state != JOB_RUN)
		return;
	l->state = LEAF_DONE;
	if (j->ladder != NULL)
		return;
	j->phase = PHASE_CUT;
	budget_release(s, j, j->raws * j->cost.raw);
	j->raws = 0;
}

void decode_done(struct store *s, struct job *j, struct task *t)
{
	struct leaf *l = &j->leaf[t->leaf];
	s->stats.bytes_fetched += t->bytes_fetched;
	j->bytes_fetched += t->bytes_fetched;
	if (t->error != EAGAIN) {
		piece_done(s, j, t);
		return;
	}
	t->error = 0;
	j->raws_out--;
	l->again[l->n_again++] = t->piece;
	if (!l->cold && j->state == JOB_RUN)
		budget_widen(s, j);
	l->cold = true;
}

void fetch_done(struct store *s, struct job *j, struct task *t)
{
	struct leaf *l = &j->leaf[t->leaf];
	s->low_fetches_out -= t->class != CLASS_FG;
	s->stats.bytes_fetched += t->bytes_fetched;
	j->bytes_fetched += t->bytes_fetched;
	j->fetches_out--;
	if (t->decoded) {
		piece_done(s, j, t);
		return;
	}
	l->got[l->n_got].piece = t->piece;
	l->got[l->n_got++].raw = t->raw;
}

void fetch_drop(struct store *s, struct job *j)
{
	for (unsigned k = 0; k < LEAVES; k++) {
		struct leaf *l = &j->leaf[k];
		for (unsigned i = 0; i < l->n_got; i++)
			spend_raw(s, l->got[i].raw);
		l->n_got = 0;
	}
}

static void fetch_issue(struct job *j, struct task *t)
{
	*t = (struct task){ .kind = TASK_FETCH,
			    .class = j->class,
			    .job = j,
			    .lone = j->lone,
			    .band_size = j->cost.band };
	j->raws_out++;
	j->fetches_out++;
	struct leaf *l = leaf_at(j, 0);
	if (to_fetch(j, l) == 0)
		l = leaf_at(j, 1);
	of_leaf(j, l, t);
	if (l->n_again == 0) {
		t->piece = l->pieces_issued++;
		return;
	}
	t->piece = l->again[0];
	memmove(l->again, l->again + 1, --l->n_again * sizeof(*l->again));
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
		/* Whoever was woken for these is on the way. */
		unsigned wake = s->wake, wake_pass = s->wake_pass, fetchers = s->wake_fetchers;
		job_refresh(s, j);
		s->wake = wake;
		s->wake_pass = wake_pass;
		s->wake_fetchers = fetchers;
	}
	store_leave(s);
	return l != NULL;
}
