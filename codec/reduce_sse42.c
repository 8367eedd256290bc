#include "codec/reduce_version.h"

#ifdef __x86_64__
#define REDUCE_VERSION reduce_sse42
#define REDUCE_NAME    "sse4.2"
#include "codec/reduce_kernels.h"
#endif
