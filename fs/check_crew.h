/* The threads of `check`: as many as there are cores decode, and more wait for storage that is not at hand. */
#pragma once

#include "fs/check_damage.h"

struct check_crew;

/* How far they are. */
struct check_news {
	struct check_place at;	     /* all planes before this one are done */
	struct check_damages damage; /* of those, since last time; the caller's */
	uint64_t bytes, bytes_read;  /* decoded, and read from files, in all */
	bool ended;		     /* no thread runs any more */
	int error;		     /* -ENOMEM: it stops because of that; else 0 */
};

/* NULL: out of memory. */
struct check_crew *check_crew_new(struct engine *e);

/* -errno and a sentence where not a single thread can be started. */
int check_crew_start(struct check_crew *c, struct err *err);

/* After so many nanoseconds, or at the end. */
void check_crew_wait(struct check_crew *c, uint64_t ns, struct check_news *out);

/* They end with the strip that they are at. */
void check_crew_stop(struct check_crew *c);

/* All threads must have ended. NULL does nothing. */
void check_crew_free(struct check_crew *c);
