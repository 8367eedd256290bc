/* One request of the kernel while it is under way, and what the handlers share. */
#pragma once

#include "fs/ops.h"

/* Seconds for which the kernel may keep what never changes. */
static const double ops_forever = 3600;

struct request {
	struct ops *ops;
	fuse_req_t req;
	uint64_t number;  /* the node that the kernel named */
	struct node node; /* that one, or for LOOKUP what was found in it */
	bool is_lookup;
	void (*go)(struct request *r); /* what follows the first look at the image */
	uint32_t image;		       /* that is being looked at */
	size_t size;		       /* READ, READDIR */
	uint64_t off;
	struct fuse_file_info fi; /* OPEN */
	struct open_file *file;	  /* OPEN; not to be touched once the reply is out */
	char name[];		  /* LOOKUP */
};

/* What a file handle points to. */
struct open_file {
	struct handle handle; /* of a chunk */
	struct text text;     /* of a document or the status */
	bool is_chunk;
	atomic_uint refs; /* RELEASE's, and one for each reply from `text` that is being written */
	struct open_file *prev, *next;
};

/* Begins a request about a node. NULL: answered already, with ENOMEM or ESTALE. */
struct request *request_new(fuse_req_t req, fuse_ino_t number, const char *name);

/* After the reply. */
void request_done(struct request *r);

/* Replies with an error and ends the request. */
void request_fail(struct request *r, int error);

/* Calls go(r) once all images that r->node follows from were looked at, now or later, on any thread; at once
 * where there is none. A bad image: EIO. The node that the kernel named is checked again against the image's grid. */
void request_look(struct request *r, void (*go)(struct request *r));

/* Asks the store. `done` gets the request as its data. For WAIT_READ the handle's own bytes serve. */
void request_park(struct request *r, enum wait_kind kind, struct handle *h,
		  void (*done)(void *data, const struct answer *a));

/* The error number that a caller sees for an answer that brings no bytes. */
int request_error(const struct answer *a);

static inline struct store_key chunk_key(const struct request *r)
{
	const struct node *n = &r->node;
	return engine_key(r->ops->engine->data, n->image, n->array, n->index);
}

static inline struct ops *ops_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

void ops_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void ops_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void ops_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);

/* Gives a reference back, without a word to the kernel. */
void open_file_unref(struct ops *ops, struct open_file *f);
