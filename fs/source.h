/* From the options to an engine over a scanned source: what mount, `info` and `cat` begin with. */
#pragma once

#include "fs/crowd.h"
#include "fs/engine.h"
#include "fs/options.h"

struct source {
	struct text fingerprint; /* lives as long as the engine, which points into it */
	struct crowd crowd;	 /* of the engine, too: images that are looked at later */
	struct engine engine;
	bool open;
};

/* Scans, looks at the first images (`info`: at all) and makes the engine; no thread runs yet. On failure
 * there is nothing to close, and *usage tells whether an option is to blame (exit code 2). `err` is not
 * NULL. */
int source_open(const struct options *o, struct source *out, bool *usage, struct err *err);

/* True where no image is usable, with the sentence of the first, which may be about an option (*usage). */
bool source_refused(const struct source *s, const struct options *o, bool *usage, struct err *err);

/* False where a read hangs: nothing is freed then, and the process should end by _exit. */
bool source_close(struct source *s);
