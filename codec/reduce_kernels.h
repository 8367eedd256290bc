/* All kernels, for the one version that the including file names (REDUCE_VERSION, REDUCE_NAME) and that the
 * compiler was given the instruction set for. The templates are compiled once for each type. */
#pragma once

#include <string.h>

#include "codec/reduce_version.h"

/* Scratch: the filling of variables that hardened builds ask for would cost more than the kernels. */
#define SCRATCH	       __attribute__((uninitialized, aligned(64)))
#define JOIN_(a, b)    a##_##b
#define JOIN(a, b)     JOIN_(a, b)
#define NAME(function) JOIN(function, ID)
#define LANES	       (REDUCE_COLUMN / sizeof(T))

/* Columns are written as integers and read as what they are. */
typedef float f32_voxel __attribute__((may_alias));
typedef double f64_voxel __attribute__((may_alias));

#define ID    u8
#define T     uint8_t
#define COUNT int8_t
#define WIDE  uint16_t
#include "codec/reduce_int.h"
#include "codec/reduce_mode.h"
#include "codec/reduce_row.h"
#include "codec/reduce_undef.h"

#define ID   i8
#define T    int8_t
#define WIDE int16_t
#define SIGNED
#include "codec/reduce_int.h"
#include "codec/reduce_undef.h"

#define ID    u16
#define T     uint16_t
#define COUNT int16_t
#define WIDE  uint32_t
#include "codec/reduce_int.h"
#include "codec/reduce_mode.h"
#include "codec/reduce_row.h"
#include "codec/reduce_undef.h"

#define ID   i16
#define T    int16_t
#define WIDE int32_t
#define SIGNED
#include "codec/reduce_int.h"
#include "codec/reduce_undef.h"

#define ID    u32
#define T     uint32_t
#define COUNT int32_t
#define WIDE  uint64_t
#include "codec/reduce_int.h"
#include "codec/reduce_mode.h"
#include "codec/reduce_row.h"
#include "codec/reduce_undef.h"

#define ID   i32
#define T    int32_t
#define WIDE int64_t
#define SIGNED
#include "codec/reduce_int.h"
#include "codec/reduce_undef.h"

#define ID    u64
#define T     uint64_t
#define COUNT int64_t
#include "codec/reduce_int.h"
#include "codec/reduce_mode.h"
#include "codec/reduce_row.h"
#include "codec/reduce_undef.h"

#define ID i64
#define T  int64_t
#define SIGNED
#include "codec/reduce_int.h"
#include "codec/reduce_undef.h"

#define ID	      f32
#define T	      f32_voxel
#define COUNT	      int32_t
#define NOT_NAN(v)    (!__builtin_isnan(v))
#define KEY(function) function##_i32
#define INFINITE      0x7f800000
#define NOT_A_NUMBER  INT32_MAX
#include "codec/reduce_float.h"
#include "codec/reduce_mode.h"
#include "codec/reduce_undef.h"

#define ID	      f64
#define T	      f64_voxel
#define COUNT	      int64_t
#define NOT_NAN(v)    (!__builtin_isnan(v))
#define KEY(function) function##_i64
#define INFINITE      0x7ff0000000000000
#define NOT_A_NUMBER  INT64_MAX
#include "codec/reduce_float.h"
#include "codec/reduce_mode.h"
#include "codec/reduce_undef.h"

#define EACH_TYPE(method)                                                                          \
	{                                                                                          \
		[DTYPE_U8] = method##_u8, [DTYPE_U16] = method##_u16, [DTYPE_U32] = method##_u32,  \
		[DTYPE_U64] = method##_u64, [DTYPE_I8] = method##_i8, [DTYPE_I16] = method##_i16,  \
		[DTYPE_I32] = method##_i32, [DTYPE_I64] = method##_i64,                            \
		[DTYPE_F32] = method##_f32, [DTYPE_F64] = method##_f64                             \
	}

/* Those that ask only whether voxels are equal, or nothing, do not tell signed from unsigned. */
#define mode_i8	    mode_u8
#define mode_i16    mode_u16
#define mode_i32    mode_u32
#define mode_i64    mode_u64
#define nearest_i8  nearest_u8
#define nearest_i16 nearest_u16
#define nearest_i32 nearest_u32
#define nearest_i64 nearest_u64
#define nearest_f32 nearest_u32
#define nearest_f64 nearest_u64

const struct reduce_version REDUCE_VERSION = {
	.name = REDUCE_NAME,
	.row = { row_u8, row_u16, row_u32, row_u64 },
	.block = { [REDUCE_MEDIAN] = EACH_TYPE(median),
		   [REDUCE_MEAN] = EACH_TYPE(mean),
		   [REDUCE_MODE] = EACH_TYPE(mode),
		   [REDUCE_NEAREST] = EACH_TYPE(nearest),
		   [REDUCE_MIN] = EACH_TYPE(smallest),
		   [REDUCE_MAX] = EACH_TYPE(largest) },
};
