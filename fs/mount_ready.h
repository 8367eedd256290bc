/* When a mount is ready, and who is told: the process that started it, and the service manager. */
#pragma once

#include "codec/err.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

/* A thread that waits until the kernel has said hello and the root can be listed. */
struct ready {
	const char *path; /* of the mount; NULL: not known, the hello is enough */
	void (*told)(void *data, int error); /* on that thread, unless cancelled before */
	void *data;
	sem_t hello;
	atomic_bool stopped;
	pthread_t thread;
};

int ready_start(struct ready *r, const char *path, void (*told)(void *data, int error), void *data,
		struct err *err);
/* A struct ready; from the session's init. */
void ready_hello(void *ready);

/* It is over: what the root says from now on means nothing. */
void ready_cancel(struct ready *r);

/* Once the mount is gone, so that nothing in it can hold the thread. */
void ready_stop(struct ready *r);

/* A datagram to the socket of NOTIFY_SOCKET, if there is one (sd_notify(3)). */
void ready_notify(const char *state);
