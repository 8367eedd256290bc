/* `ngffuse -u MOUNTPOINT`, and the unmounting of what a crashed background process left. */
#pragma once

#include "codec/err.h"

/* Unmounts a mount of ngffuse, also a dead one (lazily). -EINVAL: it is none; -EBUSY: in use, with what to
 * do. Nothing is removed. */
int unmount_run(const char *mountpoint, struct err *err);

/* Detaches what is mounted at the absolute path, in use or not. */
void unmount_lazily(const char *path);
