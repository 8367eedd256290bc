/* Small things that every room uses: checked arithmetic, cleanup, sizes. No state, no I/O. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define UNUSED		__attribute__((unused))
#define ALWAYS_INLINE	__attribute__((always_inline))
#define PRINTF(fmt, va) __attribute__((format(printf, fmt, va)))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define KiB ((uint64_t)1 << 10)
#define MiB ((uint64_t)1 << 20)
#define GiB ((uint64_t)1 << 30)

/* Runs `f(&variable)` when the variable goes out of scope; every such declaration has an initialiser. */
#define CLEANUP(f) __attribute__((cleanup(f)))

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Hands an owned pointer over: yields it and leaves NULL behind, so that CLEANUP does nothing. */
#define STEAL(p)                                                                                   \
	__extension__({                                                                            \
		__typeof__(p) stolen_ = (p);                                                       \
		(p) = NULL;                                                                        \
		stolen_;                                                                           \
	})

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* 0 where b is 0, which no checked size is. */
static inline uint64_t ceil_div(uint64_t a, uint64_t b)
{
	return b == 0 ? 0 : a / b + (a % b != 0);
}

/* Room for one more item in a list of n that doubles, whose room is always the power of two at or above n. NULL: out of
 * memory, and the list is as it was. */
static inline void *grown(void *list, size_t n, size_t item)
{
	if (n != 0 && (n & (n - 1)) != 0)
		return list;
	return reallocarray(list, n == 0 ? 1 : 2 * n, item);
}

/* True and *out set when a * b (a + b) fits; false and *out untouched else. */
static inline bool mul_u64(uint64_t a, uint64_t b, uint64_t *out)
{
	uint64_t r;
	if (__builtin_mul_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

static inline bool add_u64(uint64_t a, uint64_t b, uint64_t *out)
{
	uint64_t r;
	if (__builtin_add_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

static inline uint64_t gcd_u64(uint64_t a, uint64_t b)
{
	while (b != 0) {
		uint64_t r = a % b;
		a = b;
		b = r;
	}
	return a;
}

/* Smallest power of two >= n; n is 1 .. 2^63. */
static inline uint64_t pow2_at_least(uint64_t n)
{
	uint64_t p = 1;
	while (p < n)
		p <<= 1;
	return p;
}
