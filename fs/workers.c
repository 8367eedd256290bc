#include "fs/workers.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

struct worker {
	struct workers *all;
	struct bench bench;
	pthread_t thread;
};

struct workers {
	struct workers_config config;
	struct worker *threads;
	pthread_t clock;
	unsigned n_threads;
	bool clock_runs;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work, tick, ended;
	uint64_t wakes; /* counts wake-ups, so that none falls between a look and a sleep */
	unsigned idle, running;
	bool clock_woken, ending;
};

struct workers *workers_new(const struct workers_config *config)
{
	struct workers *w = calloc(1, sizeof(*w));
	if (w == NULL)
		return NULL;
	w->config = *config;
	w->threads = calloc(config->threads, sizeof(w->threads[0]));
	if (w->threads == NULL) {
		free(w);
		return NULL;
	}
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->work, NULL);
	pthread_cond_init(&w->tick, &attr);
	pthread_cond_init(&w->ended, &attr);
	pthread_condattr_destroy(&attr);
	return w;
}

void workers_wake(struct workers *w, unsigned n)
{
	pthread_mutex_lock(&w->lock);
	w->wakes++;
	if (n >= w->idle)
		pthread_cond_broadcast(&w->work);
	else
		for (unsigned i = 0; i < n; i++)
			pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
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
	case TASK_DECODE:
		produce_decode(p, b, t);
		break;
	case TASK_ENCODE:
		produce_encode(p, b, t);
		break;
	}
	store_task_done(p->store, t);
}

/* Sleeps until there may be work; false: the end. `seen` is the count of wake-ups before the last look. */
static bool wait_for_work(struct workers *w, uint64_t seen)
{
	pthread_mutex_lock(&w->lock);
	w->idle++;
	while (w->wakes == seen && !w->ending)
		pthread_cond_wait(&w->work, &w->lock);
	w->idle--;
	bool go_on = !w->ending;
	pthread_mutex_unlock(&w->lock);
	return go_on;
}

static uint64_t wakes_so_far(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	uint64_t n = w->wakes;
	pthread_mutex_unlock(&w->lock);
	return n;
}

static void *worker_main(void *arg)
{
	struct worker *me = arg;
	struct workers *w = me->all;
	uint64_t seen;
	do {
		struct task t;
		seen = wakes_so_far(w);
		while (store_task_take(w->config.plant->store, CLASS_FG, &t))
			run(w, &me->bench, &t);
	} while (wait_for_work(w, seen));
	pthread_mutex_lock(&w->lock);
	w->running--;
	pthread_cond_signal(&w->ended);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void *clock_main(void *arg)
{
	static const uint64_t trim_ns = 1000000000;
	struct workers *w = arg;
	bool go_on = true;
	while (go_on) {
		uint64_t next = min_u64(store_tick(w->config.plant->store), trim_ns);
		uint64_t until = now_ns();
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

static int start_worker(struct workers *w, struct worker *me)
{
	me->all = w;
	if (!bench_init(&me->bench))
		return ENOMEM;
	pthread_mutex_lock(&w->lock);
	int e = pthread_create(&me->thread, NULL, worker_main, me);
	w->running += e == 0;
	pthread_mutex_unlock(&w->lock);
	if (e != 0)
		bench_done(&me->bench);
	return e;
}

int workers_start(struct workers *w, struct err *err)
{
	int e = pthread_create(&w->clock, NULL, clock_main, w);
	w->clock_runs = e == 0;
	while (e == 0 && w->n_threads < w->config.threads) {
		e = start_worker(w, &w->threads[w->n_threads]);
		w->n_threads += e == 0;
	}
	if (w->n_threads == 0 || !w->clock_runs)
		return err_set(err, e, "no thread can be started: %s", strerror(e));
	return 0; /* fewer workers than asked for are slower, not wrong */
}

static bool all_ended(struct workers *w)
{
	uint64_t until = now_ns() + 2000000000;
	struct timespec t = { (time_t)(until / 1000000000), (long)(until % 1000000000) };
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_broadcast(&w->work);
	pthread_cond_signal(&w->tick);
	int e = 0;
	while (w->running > 0 && e != ETIMEDOUT)
		e = pthread_cond_timedwait(&w->ended, &w->lock, &t);
	bool ended = w->running == 0;
	pthread_mutex_unlock(&w->lock);
	return ended;
}

bool workers_stop(struct workers *w)
{
	if (w == NULL)
		return true;
	if (!all_ended(w))
		return false;
	for (unsigned i = 0; i < w->n_threads; i++) {
		pthread_join(w->threads[i].thread, NULL);
		bench_done(&w->threads[i].bench);
	}
	if (w->clock_runs)
		pthread_join(w->clock, NULL);
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->tick);
	pthread_cond_destroy(&w->ended);
	pthread_mutex_destroy(&w->lock);
	free(w->threads);
	free(w);
	return true;
}
