#include "fs/ops_request.h"

#include <errno.h>
#include <string.h>

struct request *request_new(fuse_req_t req, fuse_ino_t number, const char *name)
{
	struct ops *ops = ops_of(req);
	struct node node;
	int e = tree_node(&ops->tree, number, &node);
	if (e < 0) {
		fuse_reply_err(req, -e);
		return NULL;
	}
	size_t len = name == NULL ? 0 : strlen(name) + 1;
	struct request *r = calloc(1, sizeof(*r) + len);
	if (r == NULL) {
		fuse_reply_err(req, ENOMEM);
		return NULL;
	}
	r->ops = ops;
	r->req = req;
	r->number = number;
	r->node = node;
	if (len > 0)
		memcpy(r->name, name, len);
	atomic_fetch_add(&ops->waiting, 1);
	return r;
}

void request_done(struct request *r)
{
	struct ops *ops = r->ops;
	free(r);
	/* Last: who sees 0 may free the ops. */
	atomic_fetch_sub(&ops->waiting, 1);
}

void request_fail(struct request *r, int error)
{
	fuse_reply_err(r->req, error);
	request_done(r);
}

int request_error(const struct answer *a)
{
	if (a->kind != ANSWER_CANCELLED)
		return EIO;
	return a->error != 0 ? a->error : EINTR;
}

/* libfuse calls it under its own lock, perhaps after the reply: a number goes to the store, no pointer. */
static void interrupted(fuse_req_t req, void *data)
{
	struct ops *ops = ops_of(req);
	store_interrupt(ops->engine->store, (uintptr_t)data, fuse_req_ctx(req)->pid);
}

static void ask(struct request *r, struct get *g)
{
	struct store *s = r->ops->engine->store;
	g->data = r;
	g->serial = store_serial(s);
	/* Before the store is asked: after it the request may be answered and gone. */
	fuse_req_interrupt_func(r->req, interrupted, (void *)(uintptr_t)g->serial);
	if (g->kind == WAIT_READ)
		store_read(s, g->handle, g);
	else
		store_get(s, g);
}

void request_park(struct request *r, enum wait_kind kind, struct handle *h,
		  void (*done)(void *data, const struct answer *a))
{
	struct get g = { .key = chunk_key(r), .kind = kind, .handle = h, .done = done };
	ask(r, &g);
}

/* The image is ready: what was not known of the node before it was is checked now. */
static void go_on(struct request *r)
{
	struct node n;
	int e = tree_node(&r->ops->tree, r->number, &n);
	if (e < 0)
		request_fail(r, -e);
	else
		r->go(r);
}

static void look_again(struct request *r);

static void looked(void *data, const struct answer *a)
{
	struct request *r = data;
	const struct dataset *d = r->ops->tree.data;
	bool failed = a->kind == ANSWER_FAILED && image_state(&d->images[r->image]) == IMAGE_UNSEEN;
	if (a->kind == ANSWER_CANCELLED || failed)
		request_fail(r, request_error(a));
	else
		look_again(r);
}

/* A label that is bad fails what lies in it, not what tells of it. */
static void look_again(struct request *r)
{
	const struct tree *t = &r->ops->tree;
	struct get g = { .key = { .level = STORE_FIRST_LOOK }, .kind = WAIT_TAKE, .done = looked };
	uint32_t image;
	if (tree_needs_look(t, &r->node, &r->image)) {
		g.key.image = r->image;
		ask(r, &g);
	} else if (tree_image(t, &r->node, &image) &&
		   image_state(&t->data->images[image]) == IMAGE_BAD) {
		request_fail(r, EIO);
	} else {
		go_on(r);
	}
}

void request_look(struct request *r, void (*go)(struct request *r))
{
	r->go = go;
	look_again(r);
}
