#include "codec/reduce_version.h"

#ifdef __x86_64__
#define REDUCE_VERSION reduce_avx512
#define REDUCE_NAME    "avx512"
#include "codec/reduce_kernels.h"
#endif
