/* `ngffuse SOURCE MOUNTPOINT`: from an engine to a mount that is served until it is unmounted. */
#pragma once

#include "fs/engine.h"
#include "fs/options.h"

/* Mounts, prints the summary (unless o->quiet) and serves; in the background unless o->foreground. Returns in
 * the serving process after the unmount, with the engine's store shut down, and in the process that was
 * started once the root can be read. The caller stops the engine in both. -errno with the sentence. To be
 * called before any thread runs; ending signals stay blocked afterwards. */
int mount_run(struct engine *e, const struct options *o, struct err *err);
