/* The FUSE face: requests of the kernel become questions to the tree, the documents and the store. It
 * holds no thread of its own: what must wait is parked in the store, and answered from there. Rules that
 * look odd here (sizes, timeouts, errors at READ alone) are explained in HACKING.md, "The file system". */
#pragma once

#include "fs/engine.h"
#include "fs/mount_shim.h"

#include <pthread.h>

struct open_file;

/* The userdata of the session. Constant while requests come, but for what is marked. */
struct ops {
	struct shim shim; /* first: see shim_install */
	struct engine *engine;
	struct tree tree;
	uint64_t generation;   /* of handles: another one is another dataset */
	uint64_t source_bytes; /* of all files, for statfs */
	bool poison;	       /* chunks that cannot be made read as poison */
	/* OPENDIR is answered, so that opening a folder of a dead mount fails: fusermount3 looks for that when it
	 * is to unmount by itself. Set before the session begins. */
	bool ask_opendir;
	atomic_bool no_opendir;		 /* the kernel can do without OPENDIR; set by init */
	atomic_uint proto_minor;	 /* negotiated; set by init */
	atomic_size_t waiting;		 /* requests that are not answered yet */
	void (*initialised)(void *data); /* called once the kernel has said hello; may be NULL */
	void *initialised_data;

	pthread_mutex_t lock;	 /* guards `files` */
	struct open_file *files; /* all that are open */
};

enum { OPS_PROTOCOL = 128 };

/* What was negotiated with the kernel: "7.41, parallel_dirops, no_opendir". */
void ops_protocol(struct ops *ops, char out[OPS_PROTOCOL]);

extern const struct fuse_lowlevel_ops ops_table;

void ops_init(struct ops *ops, struct engine *e, bool image_is_root, bool v3);

/* When no request comes any more and the store is shut down: waits until the last is answered, then lets go
 * of what is open. The session must still be there, and the store. */
void ops_done(struct ops *ops);
