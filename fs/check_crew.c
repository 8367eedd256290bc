#include "fs/check_crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "fs/clock.h"
#include "fs/engine_ops.h"
#include "fs/list.h"

struct worker {
	struct check_crew *crew;
	pthread_t thread;
	bool busy;
	struct check_item item;
};

/* Whoever decodes has a bench; who waits for storage puts it back. */
struct check_crew {
	struct engine *engine;
	struct plant plant;
	struct inspector inspector;
	atomic_bool stop;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t idle, fetched, ended;
	struct check_plan plan;
	struct check_item held; /* there was no memory for it yet */
	bool has_held;
	uint64_t reserved, limit;
	struct check_damages damage;
	uint64_t bytes, bytes_read;
	unsigned running, n_workers,
		n_fetched; /* n_fetched: wait for a bench with what they read */
	int error;
	struct worker *workers;
	struct bench *benches;
	unsigned n_benches, n_free;
	struct bench **free;
};

/* What a worker was given, and the task that tells how it went. */
struct work {
	struct task task;
	struct check_crew *crew;
	struct worker *worker;
};

static void fail(struct check_crew *c, int error)
{
	if (error == 0)
		return;
	c->error = error;
	atomic_store(&c->stop, true);
}

static void found(void *ctx, const struct task *t, const struct found *f)
{
	struct check_crew *c = ctx;
	const struct work *w = CONTAINER(t, const struct work, task);
	pthread_mutex_lock(&c->lock);
	fail(c, check_damages_add(&c->damage, &w->worker->item.at, f));
	if (f->unit == SPOT_ALL || f->units == 1)
		check_plan_skip(&c->plan, &w->worker->item.at);
	pthread_mutex_unlock(&c->lock);
}

static bool stopped(void *ctx)
{
	struct check_crew *c = ctx;
	return atomic_load(&c->stop);
}

/* One more can be done now: its memory is there, or nobody else has any. */
static enum check_next next_item(struct check_crew *c, struct check_item *out)
{
	enum check_next next = CHECK_ITEM;
	if (!c->has_held)
		next = check_plan_next(&c->plan, &c->held);
	if (next != CHECK_ITEM)
		return next;
	c->has_held = true;
	if (c->reserved != 0 && c->held.memory > c->limit - min_u64(c->limit, c->reserved))
		return CHECK_WAIT;
	c->has_held = false;
	*out = c->held;
	c->reserved += out->memory;
	return CHECK_ITEM;
}

/* With a bench and something to do. False: there is nothing more. Who has read something goes first. */
static bool take(struct check_crew *c, struct worker *w, struct bench **b)
{
	while (!atomic_load(&c->stop)) {
		enum check_next next = CHECK_WAIT;
		if (c->n_free > 0 && c->n_fetched == 0)
			next = next_item(c, &w->item);
		if (next == CHECK_END)
			break;
		if (next == CHECK_ITEM) {
			w->busy = true;
			*b = c->free[--c->n_free];
			if (c->n_free > 0)
				pthread_cond_signal(&c->idle);
			return true;
		}
		pthread_cond_wait(&c->idle, &c->lock);
	}
	pthread_cond_broadcast(&c->idle);
	return false;
}

static void put_bench(struct check_crew *c, struct bench *b)
{
	if (b != NULL)
		c->free[c->n_free++] = b;
	pthread_cond_signal(c->n_fetched > 0 ? &c->fetched : &c->idle);
}

static struct bench *bench_for_fetched(struct check_crew *c)
{
	c->n_fetched++;
	while (c->n_free == 0)
		pthread_cond_wait(&c->fetched, &c->lock);
	c->n_fetched--;
	struct bench *b = c->free[--c->n_free];
	if (c->n_free > 0)
		pthread_cond_signal(c->n_fetched > 0 ? &c->fetched : &c->idle);
	return b;
}

/* Not under the lock, and without a bench: it may wait for storage. An unusable image is told by its state. */
static int look(struct check_crew *c, const struct check_item *item)
{
	struct err ignored;
	return engine_look(c->engine, item->at.image, &ignored) == -ENOMEM ? -ENOMEM : 0;
}

/* What does not lie in memory is waited for without a bench. */
static int fetch(struct check_crew *c, struct work *w, struct bench **b, struct fetched **out)
{
	const struct check_item *item = &w->worker->item;
	int e = produce_fetch_piece(&c->plant, &w->task, &item->piece, &item->cost, FILE_NOWAIT,
				    out);
	if (e != -EAGAIN)
		return e;
	pthread_mutex_lock(&c->lock);
	put_bench(c, STEAL(*b));
	pthread_mutex_unlock(&c->lock);
	e = produce_fetch_piece(&c->plant, &w->task, &item->piece, &item->cost, FILE_WAIT, out);
	pthread_mutex_lock(&c->lock);
	*b = bench_for_fetched(c);
	pthread_mutex_unlock(&c->lock);
	return e;
}

static int read_piece(struct check_crew *c, struct work *w, struct bench **b)
{
	struct check_item *item = &w->worker->item;
	struct fetched *fetched = NULL;
	struct err err = { 0 };
	item->piece.out = pool_get(c->plant.pool, item->bytes);
	if (item->piece.out == NULL)
		return -ENOMEM;
	int e = fetch(c, w, b, &fetched);
	if (e == 0 && !w->task.decoded)
		e = produce_piece(&c->plant, *b, &w->task, item->at.image, &item->piece, fetched,
				  &err);
	fetched_free(fetched);
	pool_put(c->plant.pool, STEAL(item->piece.out), item->bytes);
	return e == -ENOMEM ? e : 0;
}

static void do_item(struct check_crew *c, struct worker *worker, struct bench *b)
{
	const struct check_item *item = &worker->item;
	struct work w = { .task = { .kind = TASK_DECODE, .key = { .image = item->at.image } },
			  .crew = c,
			  .worker = worker };
	if (item->look)
		put_bench(c, STEAL(b));
	pthread_mutex_unlock(&c->lock);
	int e = item->look ? look(c, item) : read_piece(c, &w, &b);
	pthread_mutex_lock(&c->lock);
	fail(c, e);
	worker->busy = atomic_load(&c->stop); /* perhaps not all of it was done */
	c->reserved -= item->memory;
	c->bytes += item->bytes;
	c->bytes_read += w.task.bytes_fetched;
	put_bench(c, b);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct check_crew *c = w->crew;
	struct bench *b = NULL;
	pthread_mutex_lock(&c->lock);
	while (take(c, w, &b))
		do_item(c, w, b);
	if (--c->running == 0)
		pthread_cond_signal(&c->ended);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static bool make_benches(struct check_crew *c)
{
	c->benches = calloc(c->n_benches, sizeof(*c->benches));
	c->free = calloc(c->n_benches, sizeof(struct bench *));
	if (c->benches == NULL || c->free == NULL)
		return false;
	for (unsigned i = 0; i < c->n_benches; i++) {
		if (!bench_init(&c->benches[i]))
			return false;
		c->free[c->n_free++] = &c->benches[i];
	}
	return true;
}

struct check_crew *check_crew_new(struct engine *e)
{
	struct check_crew *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->idle, NULL);
	pthread_cond_init(&c->fetched, NULL);
	pthread_cond_init(&c->ended, &attr);
	pthread_condattr_destroy(&attr);
	c->engine = e;
	c->inspector = (struct inspector){ found, stopped, c };
	c->plant = e->parts->plant;
	c->plant.inspector = &c->inspector;
	c->n_benches = e->config.threads;
	c->limit = engine_budget(e) / 4 * 3;
	check_plan_init(&c->plan, e, c->limit, c->n_benches + FETCHERS);
	c->workers = calloc(c->n_benches + FETCHERS, sizeof(*c->workers));
	if (c->workers != NULL && make_benches(c))
		return c;
	check_crew_free(c);
	return NULL;
}

int check_crew_start(struct check_crew *c, struct err *err)
{
	int e = 0;
	pthread_mutex_lock(&c->lock);
	while (e == 0 && c->n_workers < c->n_benches + FETCHERS) {
		struct worker *w = &c->workers[c->n_workers];
		w->crew = c;
		e = pthread_create(&w->thread, NULL, work, w);
		c->n_workers += e == 0;
	}
	c->running = c->n_workers;
	pthread_mutex_unlock(&c->lock);
	/* A few will do. */
	return c->n_workers > 0 ? 0 : err_set(err, e, "no thread can be started: %s", strerror(e));
}

static struct check_place all_before(const struct check_crew *c)
{
	struct check_place at = check_plan_at(&c->plan);
	if (c->has_held && !c->held.look && check_before(&c->held.at, &at))
		at = c->held.at;
	for (unsigned i = 0; i < c->n_workers; i++) {
		const struct worker *w = &c->workers[i];
		if (w->busy && check_before(&w->item.at, &at))
			at = w->item.at;
	}
	return at;
}

void check_crew_wait(struct check_crew *c, uint64_t ns, struct check_news *out)
{
	uint64_t until = clock_ns() + ns;
	struct timespec t = { .tv_sec = (time_t)(until / 1000000000),
			      .tv_nsec = (long)(until % 1000000000) };
	pthread_mutex_lock(&c->lock);
	int e = 0;
	while (c->running > 0 && e != ETIMEDOUT)
		e = pthread_cond_timedwait(&c->ended, &c->lock, &t);
	*out = (struct check_news){ .at = all_before(c),
				    .bytes = c->bytes,
				    .bytes_read = c->bytes_read,
				    .ended = c->running == 0 };
	fail(c, check_damages_take(&c->damage, &out->at, &out->damage));
	out->error = c->error;
	pthread_mutex_unlock(&c->lock);
}

void check_crew_stop(struct check_crew *c)
{
	pthread_mutex_lock(&c->lock);
	atomic_store(&c->stop, true);
	pthread_cond_broadcast(&c->idle);
	pthread_mutex_unlock(&c->lock);
}

void check_crew_free(struct check_crew *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; c->workers != NULL && i < c->n_workers; i++)
		pthread_join(c->workers[i].thread, NULL);
	for (unsigned i = 0; c->benches != NULL && i < c->n_benches; i++)
		bench_done(&c->benches[i]);
	check_damages_done(&c->damage);
	pthread_cond_destroy(&c->idle);
	pthread_cond_destroy(&c->fetched);
	pthread_cond_destroy(&c->ended);
	pthread_mutex_destroy(&c->lock);
	free(c->workers);
	free(c->benches);
	free(c->free);
	free(c);
}
