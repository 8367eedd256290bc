#include <errno.h>
#include <string.h>

#include "fs/store_core.h"

struct job *run_find(struct store *s, const struct store_key *run)
{
	for (struct table_node *n = table_first(&s->runs, key_hash(run)); n != NULL;
	     n = table_next(n)) {
		struct job *j = CONTAINER(n, struct job, node);
		if (same_key(&j->run, run))
			return j;
	}
	return NULL;
}

static void leave_run_table(struct store *s, struct job *j)
{
	if (j->joinable)
		table_remove(&s->runs, &j->node);
	j->joinable = false;
}

/* A run of which one chunk was made alone a short while ago is being read in order: then its band pays. */
static bool make_alone(struct store *s, const struct flight *f, const struct store_key *run)
{
	if (f->key.level == STORE_FIRST_LOOK || !s->ops->lone_pays(s->ctx, &f->key) ||
	    cache_find(s, run, true) != NULL)
		return false;
	uint64_t hash = key_hash(run) | 1;
	uint64_t *seen = &s->lone_runs[hash / 2 % LONE_COUNT];
	bool alone = *seen != hash;
	*seen = hash;
	return alone;
}

struct job *job_new(struct store *s, const struct store_key *run, uint32_t lone,
		    enum job_class class, uint64_t seq)
{
	struct job *j = calloc(1, sizeof(*j));
	if (j == NULL)
		return NULL;
	j->run = *run;
	j->lone = lone;
	s->ops->cost(s->ctx, run, j->lone, &j->cost);
	j->emitted = calloc(2, j->cost.chunks / 8 + 1);
	if (j->emitted == NULL || !leaf_lists_new(s, j) || !ladder_new(s, j)) {
		free(j->emitted);
		free(j->lists);
		free(j);
		return NULL;
	}
	j->failed = j->emitted + j->cost.chunks / 8 + 1;
	j->class = j->cost.pass ? CLASS_PASS : class;
	j->seq = seq;
	j->t0 = store_now(s);
	list_init(&j->wanted);
	list_init(&j->next);
	if (j->lone == RUN_WHOLE) {
		table_insert(&s->runs, &j->node, key_hash(run));
		j->joinable = true;
	}
	INSERT_BY_SEQ(&s->queue[j->class], j, queued);
	s->admit = true;
	return j;
}

/* The job of the flight's own run, made where there is none. */
static struct job *own_job(struct store *s, struct flight *f)
{
	struct store_key run = f->key;
	if (run.level != STORE_FIRST_LOOK)
		run.index = s->ops->run_of(s->ctx, &f->key, &f->k);
	struct job *j = run_find(s, &run);
	bool first = j == NULL || j->class == CLASS_AHEAD;
	if (j == NULL)
		j = job_new(s, &run, make_alone(s, f, &run) ? f->k : RUN_WHOLE, CLASS_FG, f->seq);
	if (j == NULL)
		return NULL;
	if (j->class == CLASS_AHEAD)
		ahead_promote(s, j);
	if (first && j->lone == RUN_WHOLE && j->run.level == 0)
		ahead_follow(s, &run);
	return j;
}

struct job *job_attach(struct store *s, struct flight *f)
{
	struct job *j = pass_for(s, &f->key);
	bool joins = j != NULL;
	if (!joins)
		j = own_job(s, f);
	f->job = j;
	if (j == NULL)
		return NULL;
	j->linger_until = 0;
	list_append(!joins && bit_is_set(j->emitted, f->k) ? &j->next : &j->wanted, &f->in_job);
	job_refresh(s, j);
	return j;
}

/* Tasks that could be handed out now. */
static unsigned tasks_ready(const struct job *j)
{
	if (j->state != JOB_RUN || j->tasks_out >= j->lanes)
		return 0;
	unsigned free_lanes = j->lanes - j->tasks_out;
	switch (j->phase) {
	case PHASE_LOOK:
	case PHASE_PREPARE:
		return !j->issued;
	case PHASE_DECODE:
		return (unsigned)min_u64(free_lanes, decode_ready(j));
	case PHASE_CUT:
		return list_empty(&j->wanted)
			       ? 0
			       : (unsigned)min_u64(free_lanes, j->slots - j->slots_out);
	case PHASE_LADDER:
		return (unsigned)min_u64(free_lanes, ladder_ready(j));
	}
	return 0;
}

void job_refresh(struct store *s, struct job *j)
{
	unsigned tasks = tasks_ready(j), fetches = fetch_ready(j);
	if (tasks == 0)
		list_remove(&j->ready);
	else if (!link_in_list(&j->ready))
		INSERT_BY_SEQ(&s->ready[j->class], j, ready);
	if (fetches == 0)
		list_remove(&j->fetchable);
	else if (!link_in_list(&j->fetchable))
		INSERT_BY_SEQ(&s->fetchable[j->class], j, fetchable);
	*(j->class == CLASS_PASS ? &s->wake_pass : &s->wake) += tasks;
	s->wake_fetchers += fetches;
}

void job_start(struct store *s, struct job *j)
{
	struct leaf *l = &j->leaf[0];
	list_remove(&j->queued);
	j->state = JOB_RUN;
	INSERT_BY_SEQ(&s->running, j, running);
	if (j->ladder != NULL) {
		j->phase = PHASE_LADDER;
		ladder_start(s, j);
	} else if (j->run.level == STORE_FIRST_LOOK) {
		j->phase = PHASE_LOOK;
	} else {
		j->phase = l->band != NULL ? PHASE_CUT : PHASE_PREPARE;
		leaf_start(l, &j->run, l->band != NULL ? 0 : j->cost.pieces);
	}
	job_refresh(s, j);
}

static void job_free(struct store *s, struct job *j)
{
	leave_run_table(s, j);
	list_remove(&j->queued);
	list_remove(&j->running);
	list_remove(&j->ready);
	list_remove(&j->fetchable);
	list_remove(&j->doubtful);
	if (s->pass == j) {
		s->pass = NULL;
		s->admit = true;
	}
	ladder_free(s, j);
	free(j->emitted);
	free(j->lists);
	free(j);
}

void job_drop_queued(struct store *s, struct job *j)
{
	s->admit = true; /* it may have been the one that younger jobs had to wait behind */
	job_free(s, j);
}

/* Once the tasks of a stopped job are back it gives everything back, but for what fetches still hold: they may
 * hang for long. */
static void finish_stopped(struct store *s, struct job *j)
{
	fetch_drop(s, j);
	if (j->tasks_out != 0 || (j->fetches_out != 0 && j->cost.in_place))
		return;
	for (unsigned i = 0; i < LEAVES; i++)
		spend(s, STEAL(j->leaf[i].band), j->cost.band);
	ladder_free(s, j);
	uint64_t held = min_u64(j->reserved, j->fetches_out * j->cost.raw);
	if (held < j->reserved)
		budget_release(s, j, j->reserved - held);
	if (j->fetches_out == 0)
		job_free(s, j);
}

/* The chunk does not stay: whoever waits for it, if anybody, gets the error. */
static void not_landed(struct store *s, const struct landing *l)
{
	spend(s, l->bytes, l->capacity);
	if (l->flight != NULL)
		flight_fail(s, l->flight, ANSWER_FAILED, ENOMEM);
}

void job_stop(struct store *s, struct job *j)
{
	if (s->fault != FAULT_LATE_RUN_TABLE)
		leave_run_table(s, j);
	list_remove(&j->ready);
	list_remove(&j->fetchable);
	j->state = JOB_STOP;
	__atomic_store_n(&j->stop, 1, __ATOMIC_RELAXED);
	for (struct landing *l; (l = j->landings) != NULL;) {
		j->landings = l->next;
		not_landed(s, l);
		free(l);
	}
	finish_stopped(s, j);
}

void job_abort(struct store *s, struct job *j, int error)
{
	leave_run_table(s, j);
	struct link *lists[] = { &j->wanted, &j->next };
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (struct link *l; (l = list_first(lists[i])) != NULL;)
			flight_fail(s, CONTAINER(l, struct flight, in_job), ANSWER_FAILED, error);
	list_remove(&j->doubtful);
	job_stop(s, j);
}

/* Nobody needs the band of a run before its chunks are evicted, and by then it would be too. Looked at from the
 * end, for most readers begin at the other one. */
static bool all_cached(struct store *s, const struct job *j)
{
	struct store_key key = j->run;
	for (uint32_t k = j->cost.chunks; k-- > 0;) {
		key.index = s->ops->chunk_of(s->ctx, &j->run, k);
		if (!bit_is_set(j->failed, k) && cache_find(s, &key, false) == NULL)
			return false;
	}
	return true;
}

/* Bands go to the cache, as long as the run has chunks that were not made. */
static void give_bands(struct store *s, struct job *j)
{
	for (unsigned i = 0; i < LEAVES; i++) {
		struct leaf *l = &j->leaf[i];
		if (l->band == NULL)
			continue;
		bool keep = j->ladder == NULL && j->lone == RUN_WHOLE && !l->hole &&
			    !all_cached(s, j) && cache_find(s, &j->run, true) == NULL;
		if (keep && cache_add(s, &j->run, LIST_BANDS, l->band, j->cost.band,
				      j->cost.band) != NULL) {
			j->reserved -= j->cost.band;
			s->reserved -= j->cost.band;
		} else {
			spend(s, l->band, j->cost.band);
		}
		l->band = NULL;
	}
}

static void job_end(struct store *s, struct job *j)
{
	leave_run_table(s, j);
	give_bands(s, j);
	ladder_free(s, j);
	budget_release(s, j, j->reserved);
	if (s->pass == j)
		s->pass = NULL;
	struct link *lists[] = { &j->wanted, &j->next };
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (struct link *l; (l = list_first(lists[i])) != NULL;) {
			struct flight *f = CONTAINER(l, struct flight, in_job);
			list_remove(&f->in_job);
			f->job = NULL;
			if (job_attach(s, f) == NULL)
				flight_fail(s, f, ANSWER_FAILED, ENOMEM);
		}
	job_free(s, j);
}

/* A finished chunk from its slot into the cache; false: it has to wait for a reply in hand. */
static bool land(struct store *s, struct job *j, const struct landing *l)
{
	struct flight *f = l->flight;
	bool offered = f == NULL;
	struct entry *e = cache_find(s, &l->key, false);
	if (e != NULL) { /* two jobs have made it */
		spend(s, l->bytes, l->capacity);
		j->slots_out--;
		if (f != NULL)
			flight_answer(s, f, e);
		return true;
	}
	bool room = offered && l->key.level == 1 ? cache_make_room_for_offer(s, l->capacity)
						 : cache_make_room(s, l->capacity);
	if (!room && !offered && !list_empty(&f->waiters))
		return false;
	j->slots_out--;
	enum entry_list list = l->key.level == 0 ? LIST_CHUNKS : LIST_COARSE;
	e = room ? cache_add(s, &l->key, list, l->bytes, l->len, l->capacity) : NULL;
	if (e == NULL) {
		not_landed(s, l);
		return true;
	}
	s->charge += l->capacity;
	s->late_by_tick += s->in_tick;
	if (f == NULL) /* somebody may have asked meanwhile */
		f = flight_find(s, &l->key);
	if (f != NULL && (!offered || f->state == FLIGHT_WAIT))
		flight_answer(s, f, e);
	return true;
}

void job_step(struct store *s, struct job *j)
{
	for (struct landing **p = &j->landings; *p != NULL;) {
		struct landing *l = *p;
		if (land(s, j, l)) {
			*p = l->next;
			free(l);
		} else {
			p = &l->next;
		}
	}
	if (j->state == JOB_RUN && j->ladder != NULL)
		ladder_step(s, j);
	bool cut = j->phase == PHASE_CUT && list_empty(&j->wanted) && j->tasks_out == 0 &&
		   j->landings == NULL;
	if (j->state == JOB_RUN && (cut || (j->ladder != NULL && ladder_ended(j))))
		job_end(s, j);
	else
		job_refresh(s, j);
}

void job_lost_flight(struct store *s, struct job *j)
{
	if (j->state == JOB_STOP || link_in_list(&j->doubtful))
		return;
	list_append(&s->doubtful, &j->doubtful);
}

bool job_has_nobody(const struct job *j)
{
	return list_empty(&j->wanted) && list_empty(&j->next) && j->making == 0;
}

void job_check_empty(struct store *s, struct job *j)
{
	bool cutting =
		j->phase == PHASE_CUT || (j->phase == PHASE_DECODE && j->leaf[0].pieces_left == 0);
	if (j->state == JOB_RUN && cutting) {
		job_step(s, j); /* flights in `next` are waiting for its end */
		return;
	}
	if (j->state == JOB_RUN && j->ladder != NULL) {
		ladder_step(s, j);
		if (ladder_ended(j)) {
			job_step(s, j);
			return;
		}
		job_refresh(s, j);
	}
	bool emits_the_last = j->ladder != NULL && ladder_emits_the_last(j);
	if (j->state == JOB_STOP || !job_has_nobody(j) || emits_the_last)
		return;
	if (j->state == JOB_QUEUED)
		job_drop_queued(s, j);
	else if (j->class == CLASS_PASS && !s->closed)
		pass_linger(s, j);
	else if (j->phase != PHASE_LOOK) /* a first look is wanted sooner or later */
		job_stop(s, j);
}

void job_make(struct job *j, struct flight *f, struct task *t)
{
	if (f != NULL) {
		list_remove(&f->in_job);
		f->state = FLIGHT_MAKE;
		j->making++;
		t->key = f->key;
	}
	j->slots_out++;
	t->kind = TASK_ENCODE;
	t->flight = f;
}

static bool issue_encode(struct store *s, struct job *j, struct task *t)
{
	struct link *l;
	while ((l = list_first(&j->wanted)) != NULL) {
		struct flight *f = CONTAINER(l, struct flight, in_job);
		if (bit_is_set(j->failed, f->k)) {
			flight_fail(s, f, ANSWER_FAILED, EIO);
			continue;
		}
		bit_set(j->emitted, f->k);
		t->piece = f->k;
		job_make(j, f, t);
		return true;
	}
	return false;
}

static bool issue(struct store *s, struct job *j, struct task *t)
{
	*t = (struct task){ .class = j->class,
			    .job = j,
			    .key = j->run,
			    .lone = j->lone,
			    .band = j->leaf[0].band,
			    .band_size = j->cost.band,
			    .slot_size = j->cost.slot };
	switch (j->phase) {
	case PHASE_LOOK:
		t->kind = TASK_LOOK;
		j->issued = true;
		return true;
	case PHASE_PREPARE:
		t->kind = TASK_PREPARE;
		j->issued = true;
		return true;
	case PHASE_DECODE:
		decode_issue(j, t);
		return true;
	case PHASE_CUT:
		return issue_encode(s, j, t);
	case PHASE_LADDER:
		return ladder_issue(s, j, t);
	}
	return false;
}

bool store_task_take(struct store *s, enum job_class class, struct task *out)
{
	store_enter(s);
	bool found = false;
	struct link *l;
	while (!found && (l = list_first(&s->ready[class])) != NULL) {
		struct job *j = CONTAINER(l, struct job, ready);
		found = issue(s, j, out);
		j->tasks_out += found;
		/* Whoever was woken for these tasks is on the way. */
		unsigned wake = s->wake, wake_pass = s->wake_pass, fetchers = s->wake_fetchers;
		job_refresh(s, j);
		s->wake = wake;
		s->wake_pass = wake_pass;
		s->wake_fetchers = fetchers;
	}
	store_leave(s);
	return found;
}

/* EAGAIN: the look knows by now that it needs more memory; a job that reserves it follows. */
static void look_done(struct store *s, struct job *j, int error)
{
	if (error == EAGAIN)
		list_splice(&j->next, &j->wanted);
	for (struct link *l; (l = list_first(&j->wanted)) != NULL;) {
		struct flight *f = CONTAINER(l, struct flight, in_job);
		if (error != 0)
			flight_fail(s, f, ANSWER_FAILED, error);
		else
			flight_answer(s, f, NULL);
	}
	list_remove(&j->doubtful);
	job_end(s, j);
}

static void encode_done(struct store *s, struct job *j, struct task *t)
{
	struct landing *l = t->error == 0 ? calloc(1, sizeof(*l)) : NULL;
	if (l == NULL) {
		if (t->error == 0)
			spend(s, t->bytes, t->capacity);
		j->slots_out--;
		if (t->flight != NULL)
			flight_fail(s, t->flight, ANSWER_FAILED, EIO);
		return;
	}
	struct store_level *level = store_level(s, &t->key);
	level->made++;
	level->bytes += t->len;
	level->remade += memo_get(s, &t->key) != 0;
	memo_put(s, &t->key, t->len);
	*l = (struct landing){ NULL, t->key, t->flight, t->bytes, t->len, t->capacity };
	struct landing **p = &j->landings;
	while (*p != NULL)
		p = &(*p)->next;
	*p = l;
}

/* It lands at once or not at all. */
static void stopped_encode_done(struct store *s, struct job *j, const struct task *t)
{
	struct landing l = { NULL, t->key, t->flight, t->bytes, t->len, t->capacity };
	if (t->error == 0 && land(s, j, &l))
		return;
	j->slots_out--;
	if (t->error == 0)
		not_landed(s, &l);
	else if (t->flight != NULL)
		flight_fail(s, t->flight, ANSWER_FAILED, EIO);
}

static void prepare_done(struct job *j, const struct task *t)
{
	struct leaf *l = &j->leaf[t->leaf];
	l->band = t->bytes;
	if (j->ladder != NULL)
		return;
	j->phase = j->cost.pieces == 0 ? PHASE_CUT : PHASE_DECODE;
	l->state = LEAF_DECODE;
}

void store_task_done(struct store *s, struct task *t)
{
	store_enter(s);
	struct job *j = t->job;
	if (t->kind == TASK_FETCH)
		fetch_done(s, j, t);
	else
		j->tasks_out--;
	if (t->kind == TASK_DECODE)
		decode_done(s, j, t);
	if (t->kind == TASK_PREPARE && t->error == 0)
		prepare_done(j, t);
	if (j->ladder != NULL)
		ladder_task_done(s, j, t);
	if (j->state == JOB_STOP) {
		if (t->kind == TASK_ENCODE)
			stopped_encode_done(s, j, t);
		finish_stopped(s, j);
	} else if (t->kind == TASK_LOOK) {
		look_done(s, j, t->error);
	} else if (t->error != 0 && t->kind != TASK_ENCODE) {
		job_abort(s, j, t->error);
	} else {
		if (t->kind == TASK_ENCODE)
			encode_done(s, j, t);
		job_step(s, j);
	}
	store_leave(s);
}

/* What a job could not read counts for its chunks, whatever becomes of the memory of it. */
static void job_remember(struct store *s, const struct task *t, const struct spot *spot)
{
	struct job *j = t->job;
	if (j->ladder != NULL) {
		ladder_remember(j, t->leaf, spot);
		return;
	}
	for (uint32_t k = 0; k < j->cost.chunks && j->n_failed < j->cost.chunks; k++) {
		if (bit_is_set(j->failed, k))
			continue;
		struct store_key key = j->run;
		key.index = s->ops->chunk_of(s->ctx, &j->run, k);
		if (!s->ops->needs(s->ctx, &key, spot))
			continue;
		bit_set(j->failed, k);
		j->n_failed++;
	}
}

/* Every flight that still waits and whose chunk needs the spot fails, whichever job it belongs to. */
static void sweep(struct store *s, const struct spot *spot, int error)
{
	for (size_t i = 0; i < s->flights.n_buckets; i++) {
		struct table_node *next;
		for (struct table_node *n = s->flights.buckets[i]; n != NULL; n = next) {
			next = n->next;
			struct flight *f = CONTAINER(n, struct flight, node);
			if (f->state == FLIGHT_WAIT && f->key.level != STORE_FIRST_LOOK &&
			    f->key.image == spot->image && s->ops->needs(s->ctx, &f->key, spot))
				flight_fail(s, f, ANSWER_FAILED, error);
		}
	}
}

void store_report(struct store *s, struct task *t, const struct spot *spot, int error,
		  uint64_t for_ns)
{
	store_enter(s);
	enum bad_put put = bad_put(s, spot, error, for_ns == 0 ? 0 : store_now(s) + for_ns);
	job_remember(s, t, spot);
	t->job->leaf[t->leaf].hole |= for_ns != 0 || put == BAD_FORGOTTEN;
	if (put == BAD_NEW)
		sweep(s, spot, error);
	store_leave(s);
}

bool store_known_bad(struct store *s, struct task *t, const struct spot *spot)
{
	store_enter(s);
	bool for_good;
	int error = bad_get(s, spot, &for_good);
	if (error != 0) {
		job_remember(s, t, spot);
		t->job->leaf[t->leaf].hole |= !for_good;
	}
	store_leave(s);
	return error != 0;
}

bool store_any_bad(const struct store *s)
{
	return __atomic_load_n(&s->any_bad, __ATOMIC_RELAXED);
}

bool store_task_stopped(const struct task *t)
{
	return __atomic_load_n(&t->job->stop, __ATOMIC_RELAXED) != 0;
}
