/* Ids of a label that were written as floats. */
#pragma once

#include "codec/dtype.h"
#include "codec/err.h"

/* Makes n numbers of type DTYPE_F32 or DTYPE_F64 at `in` to uint32 at `out`, any alignment; `out` may be `in`, or
 * lie before it. -ERANGE: one is no whole number from 0 to 2^32-1; the sentence has it and its position. What is
 * at `out` then is undefined. */
int ids_from_floats(enum dtype t, const void *in, size_t n, void *out, struct err *err);
