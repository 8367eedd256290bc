/* Small reads of a far file, a block at a time: header, tags and tables of a page cost a round trip or two, not
 * one each. Not locked; one thread at a time. */
#pragma once

#include "codec/reader.h"

enum { BUFFERED_BLOCK = 16384, BUFFERED_SPANS = 4 };

/* One block, or two neighbours where a read lay across their border. */
struct buffered_span {
	uint8_t *bytes; /* NULL: never used */
	uint64_t off;
	size_t len; /* 0: holds nothing */
	uint64_t used;
};

/* Begins as { 0 }. */
struct reader_buffer {
	struct reader from;
	struct buffered_span spans[BUFFERED_SPANS];
	uint64_t clock;
};

/* A reader of what `from` reads. Reads of less than a block are answered from the last few blocks, those of more
 * go through. Only what was read well is kept: an error, or an end before the file's, is met again by the next
 * read. `from.ctx` and `b` must outlive the reader; what `b` held of another file is forgotten. */
struct reader reader_buffered(struct reader_buffer *b, const struct reader *from);
void reader_buffer_done(struct reader_buffer *b);
