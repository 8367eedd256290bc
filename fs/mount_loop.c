#include "fs/mount_loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* With replies given from other threads even one keeps up; a few hide the time of their system calls. */
enum { RECEIVERS = 4 };

static void ending_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGQUIT);
	sigaddset(set, SIGTERM);
}

static void wake(UNUSED int sig)
{
}

void loop_block_signals(void)
{
	sigset_t set;
	ending_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* Interrupts the server's wait. */
	struct sigaction sa = { .sa_handler = wake };
	sigaction(SIGUSR1, &sa, NULL);
}

/* libfuse looks whether the session is over before it waits, not in one step with it: it is woken until it
 * has noticed. */
static void *watch(void *data)
{
	struct loop *l = data;
	const struct timespec moment = { .tv_nsec = 20000000 };
	sigset_t set;
	int sig;
	ending_signals(&set);
	sigwait(&set, &sig);
	if (!atomic_load(&l->over))
		fuse_session_exit(l->session);
	while (!atomic_load(&l->over)) {
		pthread_kill(l->server, SIGUSR1);
		nanosleep(&moment, NULL);
	}
	return NULL;
}

int loop_begin(struct loop *l, struct fuse_session *se, struct err *err)
{
	*l = (struct loop){ .session = se, .server = pthread_self() };
	int e = pthread_create(&l->watcher, NULL, watch, l);
	return e == 0 ? 0 : err_set(err, e, "no thread can be started: %s", strerror(e));
}

void loop_stop(struct loop *l)
{
	pthread_kill(l->watcher, SIGTERM);
}

int loop_run(struct loop *l, struct err *err)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int r = -ENOMEM;
	if (config != NULL) {
		fuse_loop_cfg_set_max_threads(config, RECEIVERS);
		fuse_loop_cfg_set_clone_fd(config, 0);
		r = fuse_session_loop_mt(l->session, config);
		fuse_loop_cfg_destroy(config);
	}
	atomic_store(&l->over, true);
	return r < 0 ? err_set(err, -r, "the mount ended: %s", strerror(-r)) : 0;
}

void loop_end(struct loop *l)
{
	loop_stop(l);
	pthread_join(l->watcher, NULL);
}
