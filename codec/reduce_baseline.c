#define REDUCE_VERSION reduce_baseline
#define REDUCE_NAME    "baseline"
#include "codec/reduce_kernels.h"
