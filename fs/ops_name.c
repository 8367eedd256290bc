/* LOOKUP and GETATTR: what a name stands for, and how large it is. */
#include "fs/ops_attr.h"
#include "fs/ops_request.h"
#include "fs/status.h"
#include "meta/documents.h"

#include <errno.h>
#include <string.h>

/* Both answers, for a size that holds for `timeout` seconds. */
static void answer(struct request *r, uint64_t size, double timeout)
{
	struct fuse_entry_param e = { .generation = r->ops->generation,
				      .entry_timeout = ops_forever,
				      .attr_timeout = timeout };
	attr_fill(&r->ops->tree, &r->node, size, &e.attr);
	e.ino = e.attr.st_ino;
	if (r->is_lookup)
		fuse_reply_entry(r->req, &e);
	else
		fuse_reply_attr(r->req, &e.attr, timeout);
	request_done(r);
}

/* A name that is not there, and never will be. */
static void answer_none(struct request *r)
{
	struct fuse_entry_param e = { .entry_timeout = ops_forever };
	fuse_reply_entry(r->req, &e);
	request_done(r);
}

static void document_size(struct request *r)
{
	CLEANUP(text_done) struct text t = { 0 };
	int e = document_make(&r->ops->tree, &r->node, &t);
	if (e < 0 || t.oom)
		request_fail(r, EIO);
	else
		answer(r, t.len, ops_forever);
}

/* A size announced too small would cut files in silence: without an exact one the bound is told, and not
 * kept by the kernel. */
static void sized(void *data, const struct answer *a)
{
	struct request *r = data;
	switch (a->kind) {
	case ANSWER_BYTES:
		answer(r, a->len, ops_forever);
		return;
	case ANSWER_BOUND:
	case ANSWER_FAILED:
		answer(r, store_bound(r->ops->engine->store, chunk_key(r)), 0);
		return;
	case ANSWER_CANCELLED:
		break;
	}
	request_fail(r, request_error(a));
}

static void chunk_size(struct request *r)
{
	struct store *s = r->ops->engine->store;
	struct store_key key = chunk_key(r);
	uint64_t size;
	if (store_size_known(s, key, &size))
		answer(r, size, ops_forever);
	else if (!r->is_lookup)
		request_park(r, WAIT_ATTR, NULL, sized);
	else if (shim_granted(&r->ops->shim, FEATURE_PARALLEL_DIROPS))
		request_park(r, WAIT_LOOK, NULL, sized);
	else
		/* A parked look-up would hold up the whole directory; GETATTR asks again. */
		answer(r, store_bound(s, key), 0);
}

/* The node is known to exist. */
static void find_size(struct request *r)
{
	switch (r->node.kind) {
	case NODE_ROOT:
	case NODE_IMAGE:
	case NODE_ARRAY:
	case NODE_CHUNK_DIR:
	case NODE_STATUS_DIR:
	case NODE_GROUP:
	case NODE_LAYER:
		answer(r, 0, ops_forever);
		return;
	case NODE_ROOT_DOC:
	case NODE_IMAGE_DOC:
	case NODE_ARRAY_DOC:
	case NODE_GROUP_DOC:
	case NODE_LAYER_DOC:
		request_look(r, document_size);
		return;
	case NODE_STATUS:
		answer(r, STATUS_SIZE, 0);
		return;
	case NODE_CHUNK:
		chunk_size(r);
		return;
	}
}

/* r->node is the directory. */
static void find_child(struct request *r)
{
	const struct tree *t = &r->ops->tree;
	struct node child;
	int e = 0;
	if (strcmp(r->name, ".") == 0)
		child = r->node;
	else if (strcmp(r->name, "..") == 0)
		child = tree_parent(t, &r->node);
	else
		e = tree_child(t, &r->node, r->name, &child);
	if (e == -ENOENT) {
		answer_none(r);
	} else if (e < 0) {
		request_fail(r, e == -EAGAIN ? EIO : -e);
	} else {
		r->node = child;
		find_size(r);
	}
}

/* The roots of trees that are no image yet answer for themselves. */
static bool needs_look(const struct request *r)
{
	bool top = r->node.kind == NODE_ROOT || r->node.kind == NODE_IMAGE;
	return !top || (strcmp(r->name, ".") != 0 && strcmp(r->name, "..") != 0 &&
			strcmp(r->name, ".ngffuse") != 0);
}

void ops_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (strnlen(name, 256) > 255) {
		fuse_reply_err(req, ENAMETOOLONG);
		return;
	}
	struct request *r = request_new(req, parent, name);
	if (r == NULL)
		return;
	r->is_lookup = true;
	if (needs_look(r))
		request_look(r, find_child);
	else
		find_child(r);
}

void ops_getattr(fuse_req_t req, fuse_ino_t ino, UNUSED struct fuse_file_info *fi)
{
	struct request *r = request_new(req, ino, NULL);
	if (r == NULL)
		return;
	bool top = r->node.kind == NODE_ROOT || r->node.kind == NODE_IMAGE;
	if (!top)
		request_look(r, find_size);
	else
		find_size(r);
}
