/* Threads: the workers, which take tasks from the store, as many more at a lower priority for passes, the fetchers,
 * which wait for storage, and the clock. */
#pragma once

#include "fs/produce.h"

struct workers;

enum { FETCHERS = 32 };

/* What a worker does with a task of each kind, besides decode and encode. */
struct workers_config {
	const struct plant *plant;
	unsigned threads;
	int (*look)(void *ctx, struct bench *b, uint32_t image); /* TASK_LOOK: 0 or -errno */
	void *ctx;
};

/* No thread runs yet. NULL: out of memory. */
struct workers *workers_new(const struct workers_config *config);
int workers_start(struct workers *w, struct err *err);

/* Ends the threads once their tasks are done, and frees. False: after two seconds some are not, which is how
 * a hanging read looks; then nothing is freed. */
bool workers_stop(struct workers *w);

/* n tasks may be ready. */
void workers_wake(struct workers *w, unsigned n);
void workers_wake_pass(struct workers *w, unsigned n);	   /* likewise of a pass */
void workers_wake_fetchers(struct workers *w, unsigned n); /* likewise fetches */
void workers_wake_clock(struct workers *w);
