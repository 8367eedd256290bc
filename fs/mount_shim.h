/* Features that the kernel offers and that libfuse before 3.17 never accepts: they are put into the reply
 * to the kernel's first request, between libfuse and the device. Newer libraries accept them by
 * themselves. */
#pragma once

#include "codec/err.h"
#include "fs/ops_fuse.h"

#include <stdatomic.h>

/* Bits of the protocol's INIT, flags and flags2 as one number. */
#define FEATURE_PARALLEL_DIROPS                                                                    \
	((uint64_t)1 << 18) /* look-ups in one directory do not wait for each other */
#define FEATURE_DIRECT_IO_MMAP ((uint64_t)1 << 36) /* files with direct_io can be mapped shared */

struct shim {
	bool needed; /* the library cannot do it */
	uint64_t wanted;
	uint64_t unique, offered; /* of INIT; of the one thread that serves it */
	atomic_bool settled;
	_Atomic uint64_t granted; /* in force; 0 until INIT is answered */
};

/* libfuse hands its userdata to the shim: the session's userdata must begin with the struct shim. Call it
 * after fuse_session_mount. Where it cannot be put in place no feature is granted, and that is no error. */
void shim_install(struct shim *shim, struct fuse_session *se);

/* To be called by the session's init. */
void shim_init(struct shim *shim, struct fuse_conn_info *conn);

static inline bool shim_granted(struct shim *shim, uint64_t feature)
{
	return (atomic_load_explicit(&shim->granted, memory_order_acquire) & feature) != 0;
}
