/* --exit-with-parent: a mount that somebody's process has started ends when that process does, however it
 * ends, so that killed workers leave no mounts behind. */
#pragma once

#include "codec/err.h"

/* A descriptor of the process that started this one; to be called before a fork. -errno: there is none any
 * more, or the kernel has no such descriptors (Linux before 5.3). It stays open
 * until the process ends. */
int parent_open(struct err *err);

/* Starts a thread that waits for the parent's end and then sends SIGTERM to this process. */
int parent_watch(int fd, struct err *err);
