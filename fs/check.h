/* `ngffuse check`: decodes every plane of every image, lists what is damaged, and ends with counts. */
#pragma once

#include <stdio.h>

#include "fs/engine.h"
#include "fs/options.h"

/* The engine's threads must not run. Prints on `out`, progress on standard error. Returns the exit code: 0 fine, 1 a
 * plane is damaged, an image unusable or a file's chain of pages broken, 130 after SIGINT; or -errno. *hangs: a thread
 * still reads, and the process should end by _exit. */
int check_run(struct engine *e, const struct options *o, FILE *out, bool *hangs, struct err *err);
