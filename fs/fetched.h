/* The stored bytes that one piece needs of its file, read before the piece is decoded: stretches of the file,
 * and the errors met in it. One thread at a time. */
#pragma once

#include "codec/reader.h"
#include "fs/pool.h"

struct fetched;

/* At most `limit` bytes are kept, small reads (headers, tags) not counted. NULL: out of memory. */
struct fetched *fetched_new(struct pool *pool, uint64_t limit);
void fetched_free(struct fetched *f); /* NULL is fine */

/* Gives back the bytes that were kept. */
void fetched_clear(struct fetched *f);

/* How many bytes more can be kept. */
uint64_t fetched_room(const struct fetched *f);

/* A reader of what was fetched, in a file of `size` bytes. What was not is read from `from` (which must outlive
 * the reader) and kept, a small read as part of a block of `block` bytes; with `from` NULL it is -EAGAIN, and
 * fetched_missed says so from then on. */
struct reader fetched_reader(struct fetched *f, const struct reader *from, size_t block,
			     uint64_t size);
bool fetched_missed(const struct fetched *f);

/* Fetches n bytes at `off` as one stretch. -ENOBUFS: beyond the limit. Another error is kept, for whoever reads
 * there (but for -EAGAIN and -ENOMEM). */
int fetched_get(struct fetched *f, uint64_t off, uint64_t n);

/* n bytes at `off`, where they lie in one stretch; else NULL. Valid as long as f. */
const void *fetched_bytes(const struct fetched *f, uint64_t off, uint64_t n);

/* The file as a whole cannot be used. */
void fetched_fail(struct fetched *f, const struct err *err);
const struct err *fetched_failure(const struct fetched *f); /* NULL: none */

/* How long the slowest failing read took. */
void fetched_set_error_ns(struct fetched *f, uint64_t ns);
uint64_t fetched_error_ns(const struct fetched *f);
