/* Calls of the program that fail, the n-th or all from the n-th on: allocations, whatever makes them, and
 * reads. It stands between the objects of a test program and the libraries (the linker's --wrap, see
 * tests/CMakeLists.txt), so what a library does by itself never fails, but for cJSON, which takes hooks.
 * Also the clock, which can be put forward. */
#pragma once

#include "codec/base.h"

enum failing_what {
	FAIL_NOTHING,
	FAIL_ALLOCATION, /* ENOMEM; a thread that is not started is one of them (EAGAIN) */
	FAIL_READ,	 /* EIO */
	FAIL_SHORT,	 /* half of what was asked for */
	FAIL_SIGNAL,	 /* EINTR; lasting: every other one */
};

/* Counts from 1; any thread's calls. */
void failing_begin(enum failing_what what, uint64_t n, bool lasting);

/* How many calls were counted; none fails from now on. */
uint64_t failing_end(void);

/* Every allocation may fail from now on, as `fails` says; NULL: none. */
void failing_choose(bool (*fails)(void *ctx), void *ctx);

/* calloc that does not fail. */
void *failing_not(size_t n, size_t size);

/* What the n-th failure hit; NULL before it. */
const char *failing_hit(void);

/* Prints who called that, for addr2line. */
void failing_show(void);

/* CLOCK_MONOTONIC goes by so much more than it does; 0: as it is. */
void failing_clock(uint64_t ns);
