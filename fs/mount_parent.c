#include "fs/mount_parent.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int parent_open(struct err *err)
{
	pid_t parent = getppid();
	int fd = (int)syscall(SYS_pidfd_open, parent, 0);
	if (fd < 0)
		return err_set(err, errno, "--exit-with-parent: the parent cannot be watched: %s",
			       strerror(errno));
	/* Its number may already be somebody else's. */
	if (getppid() == parent)
		return fd;
	close(fd);
	return err_set(err, ESRCH, "--exit-with-parent: the parent has ended");
}

static void *wait_for_end(void *data)
{
	struct pollfd p = { .fd = (int)(intptr_t)data, .events = POLLIN };
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		continue;
	kill(getpid(), SIGTERM);
	return NULL;
}

int parent_watch(int fd, struct err *err)
{
	pthread_t thread;
	int e = pthread_create(&thread, NULL, wait_for_end, (void *)(intptr_t)fd);
	if (e != 0)
		return err_set(err, e, "no thread can be started: %s", strerror(e));
	pthread_detach(thread); /* it ends with the process */
	return 0;
}
