#include "fs/ops_request.h"

#include <errno.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <time.h>

enum { BACKGROUND = 256, MAX_WRITE = 1 << 20 };

#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
static bool offered(const struct fuse_conn_info *c, uint64_t flag)
{
	return (c->capable_ext & flag) != 0;
}

static void want(struct fuse_conn_info *c, uint64_t flag, bool on)
{
	if (on)
		fuse_set_feature_flag(c, flag);
	else
		fuse_unset_feature_flag(c, flag);
}
#else
static bool offered(const struct fuse_conn_info *c, unsigned flag)
{
	return (c->capable & flag) != 0;
}

static void want(struct fuse_conn_info *c, unsigned flag, bool on)
{
	if (on)
		c->want |= flag & c->capable;
	else
		c->want &= ~flag;
}
#endif

static void init(void *userdata, struct fuse_conn_info *conn)
{
	struct ops *ops = userdata;
	want(conn, FUSE_CAP_EXPORT_SUPPORT, true);
	/* Where a LOOKUP announced a bound, a read must ask for the exact size first: without this the kernel
	 * asks only at what it takes for the end, and a reader that does not stat gets zeros behind the end. */
	want(conn, FUSE_CAP_AUTO_INVAL_DATA, true);
	/* Copies through pipes are slower than plain ones. */
	want(conn, FUSE_CAP_SPLICE_READ, false);
	want(conn, FUSE_CAP_SPLICE_WRITE, false);
	want(conn, FUSE_CAP_SPLICE_MOVE, false);
	want(conn, FUSE_CAP_READDIRPLUS, false);
	shim_init(&ops->shim, conn);
	atomic_store(&ops->proto_minor, conn->proto_minor);
	atomic_store(&ops->no_opendir,
		     offered(conn, FUSE_CAP_NO_OPENDIR_SUPPORT) && !ops->ask_opendir);
	/* A READ may meet a chunk that must be made again: others shall not wait behind it. */
	conn->max_background = BACKGROUND;
	conn->congestion_threshold = BACKGROUND;
	/* This is what makes READs of that size. */
	if (conn->max_write > MAX_WRITE)
		conn->max_write = MAX_WRITE;
	if (ops->initialised != NULL)
		ops->initialised(ops->initialised_data);
}

void ops_protocol(struct ops *ops, char out[OPS_PROTOCOL])
{
	snprintf(out, OPS_PROTOCOL, "7.%u%s%s%s", atomic_load(&ops->proto_minor),
		 shim_granted(&ops->shim, FEATURE_PARALLEL_DIROPS) ? ", parallel_dirops" : "",
		 shim_granted(&ops->shim, FEATURE_DIRECT_IO_MMAP) ? ", direct_io_allow_mmap" : "",
		 atomic_load(&ops->no_opendir) ? ", no_opendir" : "");
}

static void forget(fuse_req_t req, UNUSED fuse_ino_t ino, UNUSED uint64_t n)
{
	fuse_reply_none(req);
}

static void forget_multi(fuse_req_t req, UNUSED size_t count, UNUSED struct fuse_forget_data *all)
{
	fuse_reply_none(req);
}

static void statfs(fuse_req_t req, UNUSED fuse_ino_t ino)
{
	const struct ops *ops = ops_of(req);
	struct statvfs s = { .f_bsize = 4096,
			     .f_frsize = 4096,
			     .f_blocks = ceil_div(ops->source_bytes, 4096),
			     .f_files = ops->tree.data->n_files,
			     .f_namemax = 255 };
	fuse_reply_statfs(req, &s);
}

/* Whatever writes is refused here, too: the kernel's own check goes by how it was mounted. */

static void no_setattr(fuse_req_t req, UNUSED fuse_ino_t ino, UNUSED struct stat *st,
		       UNUSED int set, UNUSED struct fuse_file_info *fi)
{
	fuse_reply_err(req, EROFS);
}

static void no_mknod(fuse_req_t req, UNUSED fuse_ino_t ino, UNUSED const char *name,
		     UNUSED mode_t mode, UNUSED dev_t dev)
{
	fuse_reply_err(req, EROFS);
}

static void no_mkdir(fuse_req_t req, UNUSED fuse_ino_t ino, UNUSED const char *name,
		     UNUSED mode_t mode)
{
	fuse_reply_err(req, EROFS);
}

static void no_unlink(fuse_req_t req, UNUSED fuse_ino_t ino, UNUSED const char *name)
{
	fuse_reply_err(req, EROFS);
}

static void no_symlink(fuse_req_t req, UNUSED const char *link, UNUSED fuse_ino_t ino,
		       UNUSED const char *name)
{
	fuse_reply_err(req, EROFS);
}

static void no_rename(fuse_req_t req, UNUSED fuse_ino_t ino, UNUSED const char *name,
		      UNUSED fuse_ino_t to, UNUSED const char *to_name, UNUSED unsigned flags)
{
	fuse_reply_err(req, EROFS);
}

static void no_link(fuse_req_t req, UNUSED fuse_ino_t ino, UNUSED fuse_ino_t to,
		    UNUSED const char *name)
{
	fuse_reply_err(req, EROFS);
}

static void no_write(fuse_req_t req, UNUSED fuse_ino_t ino, UNUSED const char *buf,
		     UNUSED size_t size, UNUSED off_t off, UNUSED struct fuse_file_info *fi)
{
	fuse_reply_err(req, EROFS);
}

static void no_create(fuse_req_t req, UNUSED fuse_ino_t ino, UNUSED const char *name,
		      UNUSED mode_t mode, UNUSED struct fuse_file_info *fi)
{
	fuse_reply_err(req, EROFS);
}

static void no_setxattr(fuse_req_t req, UNUSED fuse_ino_t ino, UNUSED const char *name,
			UNUSED const char *value, UNUSED size_t size, UNUSED int flags)
{
	fuse_reply_err(req, EROFS);
}

static void no_fallocate(fuse_req_t req, UNUSED fuse_ino_t ino, UNUSED int mode, UNUSED off_t off,
			 UNUSED off_t len, UNUSED struct fuse_file_info *fi)
{
	fuse_reply_err(req, EROFS);
}

/* What is not here (getxattr, listxattr, lseek, access, flush, ..) libfuse answers with ENOSYS, and the
 * kernel never asks again. */
const struct fuse_lowlevel_ops ops_table = {
	.init = init,
	.lookup = ops_lookup,
	.forget = forget,
	.forget_multi = forget_multi,
	.getattr = ops_getattr,
	.open = ops_open,
	.read = ops_read,
	.release = ops_release,
	.opendir = ops_opendir,
	.readdir = ops_readdir,
	.statfs = statfs,
	.setattr = no_setattr,
	.mknod = no_mknod,
	.mkdir = no_mkdir,
	.unlink = no_unlink,
	.rmdir = no_unlink,
	.symlink = no_symlink,
	.rename = no_rename,
	.link = no_link,
	.write = no_write,
	.create = no_create,
	.setxattr = no_setxattr,
	.removexattr = no_unlink,
	.fallocate = no_fallocate,
};

void ops_init(struct ops *ops, struct engine *e, bool image_is_root, bool v3)
{
	const struct dataset *d = e->data;
	*ops = (struct ops){ .engine = e, .poison = e->config.damaged == DAMAGED_POISON };
	tree_init(&ops->tree, d, image_is_root, v3);
	ops->generation = (uint32_t)d->fingerprint;
	if (ops->generation == 0)
		ops->generation = 1;
	for (size_t i = 0; i < d->n_files; i++)
		if (!add_u64(ops->source_bytes, d->files[i].size, &ops->source_bytes))
			ops->source_bytes = UINT64_MAX;
	pthread_mutex_init(&ops->lock, NULL);
}

void ops_done(struct ops *ops)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	while (atomic_load(&ops->waiting) > 0)
		nanosleep(&moment, NULL);
	while (ops->files != NULL)
		open_file_unref(ops, ops->files);
	pthread_mutex_destroy(&ops->lock);
}
