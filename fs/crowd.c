#include "fs/crowd.h"

#include <pthread.h>
#include <sys/resource.h>

#include "fs/clock.h"

/* An item that takes so long waits for something, or is worth a thread anyway. */
static const uint64_t slow_ns = 500000;

/* Of what is read, a little is decoded. */
static const size_t stack_size = MiB;

struct work {
	each_one *one;
	void *arg;
	size_t n;
	atomic_size_t next;
};

static bool do_next(struct work *w)
{
	size_t i = atomic_fetch_add(&w->next, 1);
	if (i < w->n)
		w->one(w->arg, i);
	return i < w->n;
}

static void *member_main(void *arg)
{
	while (do_next(arg))
		;
	return NULL;
}

/* Items done by the caller until they prove slow. */
static void begin_alone(struct crowd *c, struct work *w)
{
	uint64_t began = clock_ns();
	for (uint64_t done = 1; !atomic_load(&c->slow) && do_next(w); done++)
		if (clock_ns() - began > done * slow_ns)
			atomic_store(&c->slow, true);
}

/* Each member may hold a file open. */
static size_t most_members(void)
{
	struct rlimit r = { 1024, 1024 };
	getrlimit(RLIMIT_NOFILE, &r);
	return min_u64(CROWD_MAX, r.rlim_cur / 8);
}

/* Members beside the caller, one at most for each item left; fewer where no more can be started. */
static size_t start(struct work *w, pthread_t *members)
{
	size_t begun = atomic_load(&w->next), most = most_members(), n = 0;
	pthread_attr_t attr;
	if (begun >= w->n || pthread_attr_init(&attr) != 0)
		return 0;
	pthread_attr_setstacksize(&attr, stack_size);
	most = min_u64(most, w->n - begun);
	while (n + 1 < most && pthread_create(&members[n], &attr, member_main, w) == 0)
		n++;
	pthread_attr_destroy(&attr);
	return n;
}

static void crowd_run(void *ctx, size_t n, each_one *one, void *arg)
{
	struct work w = { .one = one, .arg = arg, .n = n };
	pthread_t members[CROWD_MAX];
	begin_alone(ctx, &w);
	size_t started = start(&w, members);
	member_main(&w);
	for (size_t i = 0; i < started; i++)
		pthread_join(members[i], NULL);
}

struct each crowd_each(struct crowd *c)
{
	return (struct each){ .run = crowd_run, .ctx = c };
}
