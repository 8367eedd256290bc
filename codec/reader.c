#include "codec/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static int64_t fd_pread(void *ctx, void *buf, size_t n, uint64_t off)
{
	const int *fd = ctx;
	if (off > INT64_MAX)
		return 0;
	for (;;) {
		ssize_t got = pread(*fd, buf, n, (off_t)off);
		if (got >= 0)
			return got;
		if (errno != EINTR)
			return errno == EAGAIN ? -EIO : -errno; /* nobody asked not to wait */
	}
}

struct reader reader_fd(const int *fd, uint64_t size)
{
	union {
		const int *in;
		void *ctx;
	} u = { .in = fd };
	return (struct reader){ .pread = fd_pread, .ctx = u.ctx, .size = size };
}

static int64_t mem_pread(void *ctx, void *buf, size_t n, uint64_t off)
{
	const struct reader_bytes *b = ctx;
	if (off >= b->len)
		return 0;
	size_t got = min_u64(n, b->len - off);
	memcpy(buf, b->bytes + off, got);
	return (int64_t)got;
}

struct reader reader_mem(const struct reader_bytes *b)
{
	union {
		const struct reader_bytes *in;
		void *ctx;
	} u = { .in = b };
	return (struct reader){ .pread = mem_pread, .ctx = u.ctx, .size = b->len };
}

int reader_exact(const struct reader *r, void *buf, size_t n, uint64_t off, struct err *err)
{
	uint8_t *to = buf;
	size_t done = 0;
	if (off > r->size || n > r->size - off)
		return err_set(err, ENODATA, "the file ends before %zu bytes at %" PRIu64, n, off);
	while (done < n) {
		int64_t got = r->pread(r->ctx, to + done, n - done, off + done);
		if (got < 0)
			return err_set(err, (int)-got, "reading %zu bytes at %" PRIu64 ": %s", n,
				       off, strerrordesc_np((int)-got));
		if (got == 0)
			return err_set(err, ENODATA, "the file ends before %zu bytes at %" PRIu64,
				       n, off);
		done += (size_t)got;
	}
	return 0;
}
