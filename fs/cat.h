/* `ngffuse cat SOURCE PATH`: one file of the mount that would be, without a mount. */
#pragma once

#include "fs/engine.h"
#include "fs/options.h"

#include <stdio.h>

/* Writes the file at o->path to `out`. The engine's threads are started where they are needed. -ENOENT, -EISDIR,
 * -EIO, .. with a sentence. */
int cat_run(struct engine *e, const struct options *o, FILE *out, struct err *err);
