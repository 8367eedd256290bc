#ifdef __x86_64__
#define REDUCE_VERSION reduce_avx2
#define REDUCE_NAME    "avx2"
#include "codec/reduce_kernels.h"
#else
typedef int reduce_nothing_here;
#endif
