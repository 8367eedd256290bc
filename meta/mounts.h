/* The file systems that are mounts of ngffuse, so that a scan never enters one. */
#pragma once

#include "codec/base.h"

#include <sys/types.h>

struct mounts {
	dev_t *devs;
	size_t n;
};

/* Devices of type fuse.ngffuse among this process's mounts; none where /proc does not tell. */
void mounts_read(struct mounts *m);
bool mounts_has(const struct mounts *m, dev_t dev);
void mounts_done(struct mounts *m);

/* Whether a mount's type (n bytes) is one of ngffuse: mount.fuse3 calls it after the program's path. */
bool mounts_type(const char *type, size_t n);

/* The device of one line of mountinfo (proc(5)) if its type is one of ngffuse. */
bool mounts_line(const char *line, dev_t *dev);
