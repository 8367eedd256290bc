/* OPEN, READ and RELEASE. */
#include "fs/ops_request.h"
#include "fs/poison.h"
#include "fs/status.h"
#include "meta/documents.h"

#include <errno.h>
#include <fcntl.h>

/* Below this a page cache pays, above it a copy less does. */
static const uint64_t direct_least = 128 * KiB;

static struct open_file *open_file_new(struct ops *ops)
{
	struct open_file *f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	atomic_init(&f->refs, 1);
	pthread_mutex_lock(&ops->lock);
	f->next = ops->files;
	if (f->next != NULL)
		f->next->prev = f;
	ops->files = f;
	pthread_mutex_unlock(&ops->lock);
	return f;
}

void open_file_unref(struct ops *ops, struct open_file *f)
{
	if (atomic_fetch_sub(&f->refs, 1) > 1)
		return;
	pthread_mutex_lock(&ops->lock);
	if (f->next != NULL)
		f->next->prev = f->prev;
	if (f->prev != NULL)
		f->prev->next = f->next;
	else
		ops->files = f->next;
	pthread_mutex_unlock(&ops->lock);
	if (f->is_chunk)
		store_unpin(ops->engine->store, &f->handle);
	text_done(&f->text);
	free(f);
}

/* Raw chunks have an exact size from the start, and their readers take them whole. */
static bool reads_directly(struct ops *ops, const struct node *n)
{
	const struct image *im = &ops->tree.data->images[n->image];
	return image_encode(im, n->array)->codec == CODEC_NONE &&
	       level_chunk_bytes(&im->pyramid.level[n->array]) >= direct_least &&
	       shim_granted(&ops->shim, FEATURE_DIRECT_IO_MMAP);
}

static void open_failed(struct request *r, int error)
{
	open_file_unref(r->ops, r->file);
	request_fail(r, error);
}

static void answer_open(struct request *r, bool direct)
{
	r->fi.direct_io = direct;
	r->fi.keep_cache = !direct;
	r->fi.noflush = 1;
	r->fi.fh = (uintptr_t)r->file;
	/* After a reply that did not arrive (an interrupted open) no RELEASE comes; after one that did the
	 * file may be gone already. */
	if (fuse_reply_open(r->req, &r->fi) < 0)
		open_file_unref(r->ops, r->file);
	request_done(r);
}

/* A chunk that cannot be made opens all the same: its error belongs to READ, and no page of it may stay. */
static void opened(void *data, const struct answer *a)
{
	struct request *r = data;
	switch (a->kind) {
	case ANSWER_BYTES:
		answer_open(r, reads_directly(r->ops, &r->node));
		return;
	case ANSWER_BOUND:
	case ANSWER_FAILED:
		answer_open(r, true);
		return;
	case ANSWER_CANCELLED:
		break;
	}
	open_failed(r, request_error(a));
}

static void open_chunk(struct request *r)
{
	r->file->is_chunk = true;
	r->file->handle.key = chunk_key(r);
	request_park(r, WAIT_OPEN, &r->file->handle, opened);
}

static void open_text(struct request *r)
{
	bool status = r->node.kind == NODE_STATUS;
	struct text *t = &r->file->text;
	int e;
	if (status) {
		char protocol[OPS_PROTOCOL];
		ops_protocol(r->ops, protocol);
		e = status_make(r->ops->engine, protocol, t);
	} else {
		e = document_make(&r->ops->tree, &r->node, t);
	}
	if (e < 0 || t->oom)
		open_failed(r, EIO);
	else
		answer_open(r, status);
}

static void open_node(struct request *r)
{
	if (node_is_dir(&r->node)) {
		request_fail(r, EISDIR);
		return;
	}
	r->file = open_file_new(r->ops);
	if (r->file == NULL)
		request_fail(r, ENOMEM);
	else if (r->node.kind == NODE_CHUNK)
		open_chunk(r);
	else
		open_text(r);
}

void ops_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if ((fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC) != 0) {
		fuse_reply_err(req, EROFS);
		return;
	}
	struct request *r = request_new(req, ino, NULL);
	if (r == NULL)
		return;
	r->fi = *fi;
	request_look(r, open_node);
}

static void reply_slice(fuse_req_t req, const void *bytes, uint64_t len, uint64_t off, size_t size)
{
	if (off >= len)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_buf(req, (const char *)bytes + off, min_u64(size, len - off));
}

/* In place of `len` bytes that nobody can make. */
static void reply_poison(struct request *r, uint64_t len)
{
	uint64_t n = r->off < len ? min_u64(r->size, len - r->off) : 0;
	CLEANUP(freep) uint8_t *bytes = malloc(n + 1);
	if (bytes == NULL) {
		request_fail(r, ENOMEM);
		return;
	}
	poison_fill(bytes, r->off, n);
	fuse_reply_buf(r->req, (const char *)bytes, n);
	request_done(r);
}

static void got_bytes(void *data, const struct answer *a)
{
	struct request *r = data;
	if (a->kind == ANSWER_FAILED && a->error == EIO && r->ops->poison) {
		reply_poison(r, a->len);
		return;
	}
	if (a->kind != ANSWER_BYTES) {
		request_fail(r, request_error(a));
		return;
	}
	reply_slice(r->req, a->bytes, a->len, r->off, r->size);
	request_done(r);
}

void ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct open_file *f = (struct open_file *)(uintptr_t)fi->fh;
	if (!f->is_chunk) {
		/* Once the kernel has the bytes RELEASE may come, before this thread is back. */
		struct ops *ops = ops_of(req);
		atomic_fetch_add(&f->refs, 1);
		reply_slice(req, f->text.s, f->text.len, (uint64_t)off, size);
		open_file_unref(ops, f);
		return;
	}
	struct request *r = request_new(req, ino, NULL);
	if (r == NULL)
		return;
	r->size = size;
	r->off = (uint64_t)off;
	request_park(r, WAIT_READ, &f->handle, got_bytes);
}

void ops_release(fuse_req_t req, UNUSED fuse_ino_t ino, struct fuse_file_info *fi)
{
	open_file_unref(ops_of(req), (struct open_file *)(uintptr_t)fi->fh);
	fuse_reply_err(req, 0);
}
