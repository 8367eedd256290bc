/* What must hold beyond store_check: looked at from outside, with the tables in view. */
#pragma once

#include "tests/unit/store_world.h"

/* After each event. */
void checks_after_event(struct world *w);

/* Before a TASK_REDUCE begins: whoever waits for the ladder waits for what is still to come. */
void checks_before_reduce(struct world *w, const struct task *t);

/* Around a call in which a chunk of level 1 may be offered to the cache. */
struct quiet {
	uint64_t events, jobs, reserved, memo, evicted;
	bool lands;
};
struct quiet checks_before_offer(const struct world *w);
/* t: what was taken; or NULL. */
void checks_after_offer(struct world *w, const struct quiet *before, const struct task *t);
