/* Where the stored bytes of one file come from: the one door to file bytes for everything in codec/
 * and meta/, so that tests, fuzzers and fault injection can stand in for a file. Not locked; one
 * thread at a time. */
#pragma once

#include "codec/err.h"

struct reader {
	/* Reads at most n bytes at `off` into buf. Returns the bytes read (fewer than n only at the end of
	 * the file) or -errno. */
	int64_t (*pread)(void *ctx, void *buf, size_t n, uint64_t off);
	void *ctx;
	uint64_t size; /* bytes of the file as the scan saw it; nothing is read beyond */
};

/* A reader over an open descriptor, which stays the caller's; `fd` must outlive the reader. */
struct reader reader_fd(const int *fd, uint64_t size);

struct reader_bytes {
	const uint8_t *bytes;
	size_t len;
};

/* A reader over memory, for tests and fuzzers; `b` must outlive the reader. */
struct reader reader_mem(const struct reader_bytes *b);

/* Reads exactly n bytes at `off`. -ENODATA: the file ends before; else what pread said. */
int reader_exact(const struct reader *r, void *buf, size_t n, uint64_t off, struct err *err);
