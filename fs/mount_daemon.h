/* To the background: a child that serves, and a parent that ends when the child is ready. */
#pragma once

#include "codec/err.h"

#include <sys/types.h>

/* Descriptors that this program got from its caller and that nobody needs: a pipe that stays open here would
 * hang whoever reads it. To be called before libfuse opens its own. `keep` stays open. */
void daemon_close_inherited(int keep);

/* 0 in the child, its number in the parent, -errno; *fd is the end of the pipe between them. */
pid_t daemon_fork(int *fd, struct err *err);

/* Child: cuts its ties to terminal and folder. Before any thread starts. */
void daemon_settle(void);

/* Child: says that it is ready, or why it will never be; closes the pipe. */
void daemon_tell(int fd, const struct err *failure);

/* Parent: waits for either; ending signals meanwhile go to the child. *crashed: the child ended without a
 * word, and its mount may be left. */
int daemon_wait(pid_t child, int fd, bool *crashed, struct err *err);
