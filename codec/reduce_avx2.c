#include "codec/reduce_version.h"

#ifdef __x86_64__
#define REDUCE_VERSION reduce_avx2
#define REDUCE_NAME    "avx2"
#include "codec/reduce_kernels.h"
#endif
