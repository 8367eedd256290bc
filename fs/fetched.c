#include "fs/fetched.h"

#include <errno.h>
#include <string.h>

/* A stretch of the file, or with bytes NULL a place that cannot be read. */
struct stretch {
	uint64_t off, len;
	uint8_t *bytes;
	int error;
};

struct fetched {
	struct pool *pool;
	uint64_t limit, used;
	struct stretch *stretches;
	size_t n, cap;
	uint64_t ends; /* the file was found to end here */
	const struct reader *from;
	size_t block;
	uint64_t size;
	struct err failure;
	uint64_t error_ns;
	bool failed, missed;
};

struct fetched *fetched_new(struct pool *pool, uint64_t limit)
{
	struct fetched *f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	f->pool = pool;
	f->limit = limit;
	f->ends = UINT64_MAX;
	return f;
}

void fetched_clear(struct fetched *f)
{
	for (size_t i = 0; i < f->n; i++)
		pool_put(f->pool, f->stretches[i].bytes, f->stretches[i].len);
	f->n = 0;
	f->used = 0;
}

void fetched_free(struct fetched *f)
{
	if (f == NULL)
		return;
	fetched_clear(f);
	free(f->stretches);
	free(f);
}

/* What failed as a whole may have been read in parts. */
static const struct stretch *find(const struct fetched *f, uint64_t off)
{
	const struct stretch *bad = NULL;
	for (size_t i = 0; i < f->n; i++) {
		const struct stretch *s = &f->stretches[i];
		if (off < s->off || off - s->off >= s->len)
			continue;
		if (s->bytes != NULL)
			return s;
		bad = s;
	}
	return bad;
}

const void *fetched_bytes(const struct fetched *f, uint64_t off, uint64_t n)
{
	const struct stretch *s = find(f, off);
	bool whole = s != NULL && s->bytes != NULL && s->len - (off - s->off) >= n;
	return whole ? s->bytes + (off - s->off) : NULL;
}

static int keep(struct fetched *f, const struct stretch *s)
{
	if (f->n == f->cap) {
		size_t cap = f->cap * 2 + 8;
		struct stretch *more = realloc(f->stretches, cap * sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		f->stretches = more;
		f->cap = cap;
	}
	f->stretches[f->n++] = *s;
	return 0;
}

/* Reads up to n bytes; *got is less where the file ends. */
static int read_all(struct fetched *f, uint8_t *to, uint64_t off, uint64_t n, uint64_t *got)
{
	*got = 0;
	while (*got < n) {
		int64_t r = f->from->pread(f->from->ctx, to + *got, n - *got, off + *got);
		if (r < 0)
			return (int)r;
		if (r == 0) {
			f->ends = min_u64(f->ends, off + *got);
			return 0;
		}
		*got += (uint64_t)r;
	}
	return 0;
}

static int fetch(struct fetched *f, uint64_t off, uint64_t n)
{
	struct stretch s = { .off = off, .len = n, .bytes = pool_get(f->pool, n) };
	uint64_t got;
	if (s.bytes == NULL)
		return -ENOMEM;
	int e = read_all(f, s.bytes, off, n, &got);
	if (e == 0 && got < n) { /* the pool wants to know how much it gave */
		uint8_t *shorter = got == 0 ? NULL : pool_get(f->pool, got);
		if (shorter != NULL)
			memcpy(shorter, s.bytes, got);
		else if (got != 0)
			e = -ENOMEM;
		pool_put(f->pool, s.bytes, n);
		s.bytes = shorter;
		s.len = got;
	}
	if (e == 0 && s.len != 0)
		e = keep(f, &s);
	if (e < 0)
		pool_put(f->pool, s.bytes, s.len);
	return e;
}

static int fetch_or_note(struct fetched *f, uint64_t off, uint64_t n)
{
	int e = fetch(f, off, n);
	if (e == -EAGAIN)
		f->missed = true;
	if (e == 0 || e == -EAGAIN || e == -ENOMEM)
		return e;
	const struct stretch bad = { .off = off, .len = n, .error = -e };
	return keep(f, &bad) < 0 ? -ENOMEM : e;
}

uint64_t fetched_room(const struct fetched *f)
{
	return f->limit > f->used ? f->limit - f->used : 0;
}

int fetched_get(struct fetched *f, uint64_t off, uint64_t n)
{
	if (n == 0 || fetched_bytes(f, off, n) != NULL)
		return 0;
	if (n > fetched_room(f))
		return -ENOBUFS;
	int e = fetch_or_note(f, off, n);
	f->used += e == 0 ? pool_round(n) : 0;
	return e;
}

/* A block around a small read; where that fails the read by itself. */
static int fetch_block(struct fetched *f, uint64_t off, uint64_t n)
{
	uint64_t from = off - min_u64(off, f->block / 8);
	int e = fetch(f, from, min_u64(f->block, f->size - from));
	if (e == 0 || e == -EAGAIN || e == -ENOMEM) {
		f->missed |= e == -EAGAIN;
		return e;
	}
	return fetch_or_note(f, off, n);
}

static int64_t fetched_pread(void *ctx, void *buf, size_t n, uint64_t off)
{
	struct fetched *f = ctx;
	const struct stretch *s = find(f, off);
	if (s == NULL && off >= f->ends)
		return 0;
	if (s == NULL && f->from == NULL) {
		f->missed = true;
		return -EAGAIN;
	}
	if (s == NULL) {
		bool small = n < f->block / 2;
		int e = small ? fetch_block(f, off, n) : fetched_get(f, off, n);
		if (e == -ENOBUFS)
			return f->from->pread(f->from->ctx, buf, n, off);
		if (e < 0)
			return e;
		s = find(f, off);
		if (s == NULL)
			return 0;
	}
	if (s->bytes == NULL)
		return -s->error;
	size_t have = min_u64(n, s->len - (off - s->off));
	memcpy(buf, s->bytes + (off - s->off), have);
	return (int64_t)have;
}

struct reader fetched_reader(struct fetched *f, const struct reader *from, size_t block,
			     uint64_t size)
{
	f->from = from;
	f->block = block;
	f->size = size;
	return (struct reader){ .pread = fetched_pread, .ctx = f, .size = size };
}

bool fetched_missed(const struct fetched *f)
{
	return f->missed;
}

void fetched_fail(struct fetched *f, const struct err *err)
{
	f->failure = *err;
	f->failed = true;
}

const struct err *fetched_failure(const struct fetched *f)
{
	return f->failed ? &f->failure : NULL;
}

void fetched_set_error_ns(struct fetched *f, uint64_t ns)
{
	f->error_ns = ns;
}

uint64_t fetched_error_ns(const struct fetched *f)
{
	return f->error_ns;
}
