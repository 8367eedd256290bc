/* Work on many items at once, for a scan that mostly waits for storage. The threads live for one call: a mount
 * goes to the background after its scan, and they would not come along. */
#pragma once

#include <stdatomic.h>

#include "meta/each.h"

enum { CROWD_MAX = 64 };

/* Begins as { 0 }. Several threads may use one. */
struct crowd {
	atomic_bool slow; /* the storage was met as one that is worth waiting for in parallel */
};

/* What lets a scan use it; `c` must outlive that. A call begins alone where nothing was slow yet: a disk at hand
 * answers faster than a thread starts. */
struct each crowd_each(struct crowd *c);
