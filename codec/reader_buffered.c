#include "codec/reader_buffered.h"

#include <string.h>

/* As many of n bytes as there are, however few each read gives. */
static int64_t read_full(const struct reader *from, uint8_t *to, size_t n, uint64_t off)
{
	size_t done = 0;
	while (done < n) {
		int64_t got = from->pread(from->ctx, to + done, n - done, off + done);
		if (got < 0)
			return got;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (int64_t)done;
}

static struct buffered_span *span_with(struct reader_buffer *b, uint64_t off, size_t n)
{
	for (size_t i = 0; i < BUFFERED_SPANS; i++) {
		struct buffered_span *s = &b->spans[i];
		if (off >= s->off && off - s->off < s->len && n <= s->len - (off - s->off))
			return s;
	}
	return NULL;
}

static struct buffered_span *oldest_span(struct reader_buffer *b)
{
	struct buffered_span *oldest = &b->spans[0];
	for (size_t i = 1; i < BUFFERED_SPANS; i++)
		if (b->spans[i].used < oldest->used)
			oldest = &b->spans[i];
	return oldest;
}

/* The blocks around n bytes at `off`, which lie inside the file. NULL: they cannot be read whole. */
static struct buffered_span *fill_span(struct reader_buffer *b, uint64_t off, size_t n)
{
	struct buffered_span *s = oldest_span(b);
	if (s->bytes == NULL)
		s->bytes = malloc(2 * (size_t)BUFFERED_BLOCK);
	if (s->bytes == NULL)
		return NULL;
	uint64_t begin = off - off % BUFFERED_BLOCK;
	size_t blocks = off + n - begin > BUFFERED_BLOCK ? 2 : 1;
	size_t len = min_u64(blocks * BUFFERED_BLOCK, b->from.size - begin);
	s->len = 0;
	if (read_full(&b->from, s->bytes, len, begin) != (int64_t)len)
		return NULL;
	s->off = begin;
	s->len = len;
	return s;
}

static int64_t buffered_pread(void *ctx, void *buf, size_t n, uint64_t off)
{
	struct reader_buffer *b = ctx;
	if (off >= b->from.size)
		return 0;
	n = min_u64(n, b->from.size - off);
	struct buffered_span *s = n < BUFFERED_BLOCK ? span_with(b, off, n) : NULL;
	if (s == NULL && n < BUFFERED_BLOCK)
		s = fill_span(b, off, n);
	/* What lies beside the bytes asked for may be what cannot be read. */
	if (s == NULL)
		return read_full(&b->from, buf, n, off);
	s->used = ++b->clock;
	memcpy(buf, s->bytes + (off - s->off), n);
	return (int64_t)n;
}

struct reader reader_buffered(struct reader_buffer *b, const struct reader *from)
{
	b->from = *from;
	for (size_t i = 0; i < BUFFERED_SPANS; i++)
		b->spans[i].len = 0;
	return (struct reader){ .pread = buffered_pread, .ctx = b, .size = from->size };
}

void reader_buffer_done(struct reader_buffer *b)
{
	for (size_t i = 0; i < BUFFERED_SPANS; i++)
		free(b->spans[i].bytes);
	*b = (struct reader_buffer){ 0 };
}
