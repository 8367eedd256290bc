#include "fs/mount_shim.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/uio.h>

/* The library whose header this is, and newer ones, set the features themselves. */
#define NATIVE_SINCE FUSE_MAKE_VERSION(3, 17)
#if FUSE_VERSION >= NATIVE_SINCE && defined(FUSE_CAP_DIRECT_IO_ALLOW_MMAP)
#define HAVE_NATIVE 1
#else
#define HAVE_NATIVE 0
#endif

static bool library_is_new(void)
{
	return HAVE_NATIVE && fuse_version() >= NATIVE_SINCE;
}

/* Notes what the kernel offers. */
static void see_request(struct shim *shim, const void *buf, size_t len)
{
	struct fuse_in_header h;
	struct fuse_init_in in = { 0 };
	if (len < sizeof(h))
		return;
	memcpy(&h, buf, sizeof(h));
	/* Older kernels send less of it: the rest is 0. */
	size_t body = min_u64(len - sizeof(h), sizeof(in));
	if (h.opcode != FUSE_INIT)
		return;
	memcpy(&in, (const char *)buf + sizeof(h), body);
	shim->unique = h.unique;
	shim->offered = in.flags;
	if (in.flags & FUSE_INIT_EXT)
		shim->offered |= (uint64_t)in.flags2 << 32;
}

static ssize_t shim_read(int fd, void *buf, size_t len, void *userdata)
{
	struct shim *shim = userdata;
	ssize_t n = read(fd, buf, len);
	if (n > 0 && !atomic_load_explicit(&shim->settled, memory_order_acquire)) {
		int keep = errno;
		see_request(shim, buf, (size_t)n);
		errno = keep;
	}
	return n;
}

static bool is_init_reply(const struct shim *shim, const struct iovec *iov, int count)
{
	struct fuse_out_header h;
	if (count != 2 || iov[0].iov_len != sizeof(h) ||
	    iov[1].iov_len != sizeof(struct fuse_init_out))
		return false;
	memcpy(&h, iov[0].iov_base, sizeof(h));
	return h.unique == shim->unique && h.error == 0;
}

/* Accepts what is wanted and offered. A bit that was not offered would break the connection. */
static uint64_t accept_features(const struct shim *shim, struct fuse_init_out *out)
{
	uint64_t bits = shim->wanted & shim->offered;
	if ((out->flags & FUSE_INIT_EXT) == 0)
		bits = (uint32_t)bits;
	out->flags |= (uint32_t)bits;
	out->flags2 |= (uint32_t)(bits >> 32);
	return bits;
}

static ssize_t shim_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct shim *shim = userdata;
	if (atomic_load_explicit(&shim->settled, memory_order_acquire) ||
	    !is_init_reply(shim, iov, count))
		return writev(fd, iov, count);
	struct fuse_init_out out;
	memcpy(&out, iov[1].iov_base, sizeof(out));
	if (out.major == FUSE_KERNEL_VERSION) {
		/* Known before the first request that this reply lets through. */
		atomic_store(&shim->granted, accept_features(shim, &out));
		atomic_store(&shim->settled, true);
	}
	struct iovec copy[2] = { iov[0], { &out, sizeof(out) } };
	return writev(fd, copy, 2);
}

void shim_install(struct shim *shim, struct fuse_session *se)
{
	static const struct fuse_custom_io io = { .writev = shim_writev, .read = shim_read };
	shim->wanted = FEATURE_PARALLEL_DIROPS | FEATURE_DIRECT_IO_MMAP;
	shim->needed = !library_is_new();
	if (shim->needed && fuse_session_custom_io(se, &io, fuse_session_fd(se)) != 0)
		atomic_store(&shim->settled, true);
}

#if HAVE_NATIVE
void shim_init(struct shim *shim, struct fuse_conn_info *conn)
{
	uint64_t granted = 0;
	if (shim->needed)
		return;
	if (fuse_set_feature_flag(conn, FUSE_CAP_PARALLEL_DIROPS))
		granted |= FEATURE_PARALLEL_DIROPS;
	if (fuse_set_feature_flag(conn, FUSE_CAP_DIRECT_IO_ALLOW_MMAP))
		granted |= FEATURE_DIRECT_IO_MMAP;
	atomic_store(&shim->granted, granted);
}
#else
void shim_init(UNUSED struct shim *shim, UNUSED struct fuse_conn_info *conn)
{
}
#endif
