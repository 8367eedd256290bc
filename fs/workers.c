#include "fs/workers.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

#include "fs/clock.h"

struct crew;

struct worker {
	struct workers *all;
	struct crew *crew;
	struct bench bench; /* not of a fetcher */
	pthread_t thread;
};

/* Threads that do the same; guarded by the lock of all. */
struct crew {
	pthread_cond_t work;
	uint64_t wakes; /* counts wake-ups, so that none falls between a look and a sleep */
	unsigned idle;
};

/* Passes leave the processor to whoever waits for less. */
enum { PASS_NICE = 10 };

/* A fetcher opens, examines and reads files; no decoder and no client runs on it. */
static const size_t fetcher_stack = 256 * KiB;

struct workers {
	struct workers_config config;
	struct worker *threads;
	struct worker fetchers[FETCHERS];
	pthread_t clock;
	unsigned n_threads, n_fetchers; /* n_threads: for the foreground and for passes, in turn */
	bool clock_runs;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t tick, ended;
	struct crew work, pass, fetch;
	unsigned running;
	bool clock_woken, ending;
};

struct workers *workers_new(const struct workers_config *config)
{
	struct workers *w = calloc(1, sizeof(*w));
	if (w == NULL)
		return NULL;
	w->config = *config;
	w->threads = calloc(2 * (size_t)config->threads, sizeof(w->threads[0]));
	if (w->threads == NULL) {
		free(w);
		return NULL;
	}
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->work.work, NULL);
	pthread_cond_init(&w->pass.work, NULL);
	pthread_cond_init(&w->fetch.work, NULL);
	pthread_cond_init(&w->tick, &attr);
	pthread_cond_init(&w->ended, &attr);
	pthread_condattr_destroy(&attr);
	return w;
}

static void wake(struct workers *w, struct crew *c, unsigned n)
{
	pthread_mutex_lock(&w->lock);
	c->wakes++;
	if (n >= c->idle)
		pthread_cond_broadcast(&c->work);
	else
		for (unsigned i = 0; i < n; i++)
			pthread_cond_signal(&c->work);
	pthread_mutex_unlock(&w->lock);
}

void workers_wake(struct workers *w, unsigned n)
{
	wake(w, &w->work, n);
}

void workers_wake_pass(struct workers *w, unsigned n)
{
	wake(w, &w->pass, n);
}

void workers_wake_fetchers(struct workers *w, unsigned n)
{
	wake(w, &w->fetch, n);
}

void workers_wake_clock(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	w->clock_woken = true;
	pthread_cond_signal(&w->tick);
	pthread_mutex_unlock(&w->lock);
}

static void run(const struct workers *w, struct bench *b, struct task *t)
{
	const struct plant *p = w->config.plant;
	switch (t->kind) {
	case TASK_LOOK: {
		int e = w->config.look(w->config.ctx, b, t->key.image);
		t->error = -e;
		break;
	}
	case TASK_PREPARE:
		t->bytes = pool_get(p->pool, t->band_size);
		t->error = t->bytes == NULL ? ENOMEM : 0;
		break;
	case TASK_FETCH:
		produce_fetch(p, t);
		break;
	case TASK_DECODE:
		produce_decode(p, b, t);
		break;
	case TASK_ENCODE:
		produce_encode(p, b, t);
		break;
	case TASK_OPEN:
		produce_open(p, t);
		break;
	case TASK_REDUCE:
		produce_reduce(t);
		break;
	}
	store_task_done(p->store, t);
}

/* Sleeps until there may be work; false: the end. `seen` is the count of wake-ups before the last look. */
static bool wait_for_work(struct workers *w, struct crew *c, uint64_t seen)
{
	pthread_mutex_lock(&w->lock);
	c->idle++;
	while (c->wakes == seen && !w->ending)
		pthread_cond_wait(&c->work, &w->lock);
	c->idle--;
	bool go_on = !w->ending;
	pthread_mutex_unlock(&w->lock);
	return go_on;
}

static uint64_t wakes_so_far(struct workers *w, const struct crew *c)
{
	pthread_mutex_lock(&w->lock);
	uint64_t n = c->wakes;
	pthread_mutex_unlock(&w->lock);
	return n;
}

static void thread_ends(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	w->running--;
	pthread_cond_signal(&w->ended);
	pthread_mutex_unlock(&w->lock);
}

static bool decode_or_encode(struct store *s, struct task *t)
{
	return store_task_take(s, CLASS_FG, t) || store_task_take(s, CLASS_AHEAD, t);
}

/* Takes tasks until the end. After the store's shutdown there are soon none: its jobs are stopped. */
static void work(struct worker *me, bool (*next)(struct store *s, struct task *t))
{
	struct workers *w = me->all;
	struct crew *c = me->crew;
	uint64_t seen;
	do {
		struct task t;
		seen = wakes_so_far(w, c);
		while (next(w->config.plant->store, &t))
			run(w, &me->bench, &t);
	} while (wait_for_work(w, c, seen));
	thread_ends(w);
}

static void *worker_main(void *arg)
{
	struct worker *me = arg;
	work(me, decode_or_encode);
	return NULL;
}

static bool of_a_pass(struct store *s, struct task *t)
{
	return store_task_take(s, CLASS_PASS, t);
}

/* On Linux each thread has a priority of its own. */
static void *pass_worker_main(void *arg)
{
	struct worker *me = arg;
	setpriority(PRIO_PROCESS, (id_t)gettid(), PASS_NICE);
	work(me, of_a_pass);
	return NULL;
}

static void *fetcher_main(void *arg)
{
	struct worker *me = arg;
	work(me, store_fetch_take);
	return NULL;
}

static void *clock_main(void *arg)
{
	static const uint64_t trim_ns = 1000000000;
	struct workers *w = arg;
	bool go_on = true;
	while (go_on) {
		uint64_t next = min_u64(store_tick(w->config.plant->store), trim_ns);
		uint64_t until = clock_ns();
		pool_trim(w->config.plant->pool, until);
		until += next;
		struct timespec t = { (time_t)(until / 1000000000), (long)(until % 1000000000) };
		pthread_mutex_lock(&w->lock);
		int e = 0;
		while (!w->clock_woken && !w->ending && e != ETIMEDOUT)
			e = pthread_cond_timedwait(&w->tick, &w->lock, &t);
		w->clock_woken = false;
		go_on = !w->ending;
		pthread_mutex_unlock(&w->lock);
	}
	return NULL;
}

static int start_thread(struct workers *w, struct worker *me, void *(*main)(void *),
			const pthread_attr_t *attr)
{
	me->all = w;
	pthread_mutex_lock(&w->lock);
	int e = pthread_create(&me->thread, attr, main, me);
	w->running += e == 0;
	pthread_mutex_unlock(&w->lock);
	return e;
}

/* One of the foreground, one for passes, and so on. */
static int start_worker(struct workers *w, struct worker *me)
{
	bool pass = w->n_threads % 2 != 0;
	if (!bench_init(&me->bench))
		return ENOMEM;
	me->crew = pass ? &w->pass : &w->work;
	int e = start_thread(w, me, pass ? pass_worker_main : worker_main, NULL);
	if (e != 0)
		bench_done(&me->bench);
	return e;
}

static int start_fetchers(struct workers *w)
{
	pthread_attr_t attr;
	int e = pthread_attr_init(&attr);
	if (e != 0)
		return e;
	pthread_attr_setstacksize(&attr, fetcher_stack);
	while (e == 0 && w->n_fetchers < FETCHERS) {
		w->fetchers[w->n_fetchers].crew = &w->fetch;
		e = start_thread(w, &w->fetchers[w->n_fetchers], fetcher_main, &attr);
		w->n_fetchers += e == 0;
	}
	pthread_attr_destroy(&attr);
	return e;
}

int workers_start(struct workers *w, struct err *err)
{
	int e = pthread_create(&w->clock, NULL, clock_main, w);
	w->clock_runs = e == 0;
	while (e == 0 && w->n_threads < 2 * w->config.threads) {
		e = start_worker(w, &w->threads[w->n_threads]);
		w->n_threads += e == 0;
	}
	if (e == 0)
		e = start_fetchers(w);
	if (w->n_threads < 2 || w->n_fetchers == 0 || !w->clock_runs)
		return err_set(err, e, "no thread can be started: %s", strerror(e));
	return 0; /* fewer than asked for are slower, not wrong */
}

static bool all_ended(struct workers *w)
{
	uint64_t until = clock_ns() + 2000000000;
	struct timespec t = { (time_t)(until / 1000000000), (long)(until % 1000000000) };
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_broadcast(&w->work.work);
	pthread_cond_broadcast(&w->pass.work);
	pthread_cond_broadcast(&w->fetch.work);
	pthread_cond_signal(&w->tick);
	int e = 0;
	while (w->running > 0 && e != ETIMEDOUT)
		e = pthread_cond_timedwait(&w->ended, &w->lock, &t);
	bool ended = w->running == 0;
	pthread_mutex_unlock(&w->lock);
	return ended;
}

/* Some thread hangs; none will be joined. */
static void let_go(struct workers *w)
{
	for (unsigned i = 0; i < w->n_threads; i++)
		pthread_detach(w->threads[i].thread);
	for (unsigned i = 0; i < w->n_fetchers; i++)
		pthread_detach(w->fetchers[i].thread);
	if (w->clock_runs)
		pthread_detach(w->clock);
}

bool workers_stop(struct workers *w)
{
	if (w == NULL)
		return true;
	if (!all_ended(w)) {
		let_go(w);
		return false;
	}
	for (unsigned i = 0; i < w->n_threads; i++) {
		pthread_join(w->threads[i].thread, NULL);
		bench_done(&w->threads[i].bench);
	}
	for (unsigned i = 0; i < w->n_fetchers; i++)
		pthread_join(w->fetchers[i].thread, NULL);
	if (w->clock_runs)
		pthread_join(w->clock, NULL);
	pthread_cond_destroy(&w->work.work);
	pthread_cond_destroy(&w->pass.work);
	pthread_cond_destroy(&w->fetch.work);
	pthread_cond_destroy(&w->tick);
	pthread_cond_destroy(&w->ended);
	pthread_mutex_destroy(&w->lock);
	free(w->threads);
	free(w);
	return true;
}
