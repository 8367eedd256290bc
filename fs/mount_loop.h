/* Serving a session until it is unmounted, or until a signal that asks to end. */
#pragma once

#include "codec/err.h"
#include "fs/ops_fuse.h"

#include <pthread.h>
#include <stdatomic.h>

struct loop {
	struct fuse_session *session;
	pthread_t server; /* the thread in loop_run */
	pthread_t watcher;
	atomic_bool over;
};

/* SIGHUP, SIGINT and SIGTERM wait from here on, in this thread and those it starts; SIGPIPE is ignored. To be
 * called before any thread runs. */
void loop_block_signals(void);

/* From here on loop_stop may be called, and the signals are heeded. */
int loop_begin(struct loop *l, struct fuse_session *se, struct err *err);

/* Returns once unmounted or stopped, with no request under way but parked ones. -EIO. */
int loop_run(struct loop *l, struct err *err);

/* Any thread, between loop_begin and loop_end. */
void loop_stop(struct loop *l);

/* After loop_run, and when nobody calls loop_stop any more. */
void loop_end(struct loop *l);
