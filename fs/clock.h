/* Nanoseconds that never go back; from when does not matter. */
#pragma once

#include <time.h>

#include "codec/base.h"

static inline uint64_t clock_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}
