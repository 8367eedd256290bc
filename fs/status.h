/* .ngffuse/status.json, an interface (the manual has its table), and `ngffuse status`, which reads it. */
#pragma once

#include "fs/engine.h"
#include "fs/files.h"
#include "fs/options.h"

#include <stdio.h>

enum { STATUS_SIZE = 64 << 10 };

/* The text of status.json: one JSON object and blanks behind it, STATUS_SIZE bytes in all, appended. Images
 * that do not fit are left out; `images_total` counts all. `protocol`: what was negotiated with the kernel, NULL
 * without a mount. -ENOMEM. Any thread. */
int status_make(const struct engine *e, const char *protocol, struct text *out);

/* The same from its parts. */
int status_text(const struct dataset *d, const struct store_stats *s, const struct file_in_use *f,
		const char *protocol, struct text *out);

/* Reads the status of the mount at o->mountpoint and prints it as words or as JSON. Returns the exit code:
 * 1 where chunks have failed, with the sentence in err where there is no ngffuse mount. */
int status_run(const struct options *o, FILE *out, struct err *err);
