/* What the machine, or the control group that this process lives in, grants. */
#pragma once

#include "codec/base.h"

/* Bytes of memory: the smaller of the machine's and the control group's (version 2 or 1) limit. */
uint64_t cgroup_memory(void);

/* Processors that this process may run on, at least 1. */
unsigned cgroup_cores(void);
