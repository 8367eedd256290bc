/* OPENDIR and READDIR: names, kinds and numbers. Never a size, so that listings make no chunk. */
#include "fs/ops_request.h"

#include <errno.h>

static const size_t most_bytes = 128 * KiB;

/* Positions 0 and 1 are the two dots. */
static int entry_at(const struct request *r, uint64_t pos, struct node *out, char name[256])
{
	const struct tree *t = &r->ops->tree;
	if (pos >= 2)
		return tree_child_at(t, &r->node, pos - 2, out, name);
	name[0] = name[1] = '.';
	name[1 + pos] = '\0';
	*out = pos == 0 ? r->node : tree_parent(t, &r->node);
	return 0;
}

/* Bytes used; -errno where not even the first entry could be had. */
static int64_t fill(const struct request *r, char *buf, size_t room)
{
	size_t used = 0;
	for (uint64_t pos = r->off;; pos++) {
		struct node n;
		char name[256];
		int e = entry_at(r, pos, &n, name);
		if (e == -ENOENT)
			break;
		if (e < 0)
			return used > 0 ? (int64_t)used : -EIO;
		struct stat st = { .st_ino = tree_number(&r->ops->tree, &n),
				   .st_mode = node_is_dir(&n) ? S_IFDIR : S_IFREG };
		size_t need = fuse_add_direntry(r->req, buf + used, room - used, name, &st,
						(off_t)(pos + 1));
		if (need > room - used)
			break;
		used += need;
	}
	return (int64_t)used;
}

static void list(struct request *r)
{
	if (!node_is_dir(&r->node)) {
		request_fail(r, ENOTDIR);
		return;
	}
	CLEANUP(freep) char *buf = malloc(r->size);
	if (buf == NULL) {
		request_fail(r, ENOMEM);
		return;
	}
	int64_t n = fill(r, buf, r->size);
	if (n < 0) {
		request_fail(r, (int)-n);
		return;
	}
	fuse_reply_buf(r->req, buf, (size_t)n);
	request_done(r);
}

void ops_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		 UNUSED struct fuse_file_info *fi)
{
	struct request *r = request_new(req, ino, NULL);
	if (r == NULL)
		return;
	r->size = min_u64(size, most_bytes);
	r->off = (uint64_t)off;
	request_look(r, list);
}

/* Directories never change. Told once that nobody wants to know, the kernel opens and keeps them alone. */
void ops_opendir(fuse_req_t req, UNUSED fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (atomic_load(&ops_of(req)->no_opendir)) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	fi->cache_readdir = 1;
	fi->keep_cache = 1;
	fuse_reply_open(req, fi);
}
