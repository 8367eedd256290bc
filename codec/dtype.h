/* The types of voxels that Zarr arrays of ngffuse have: always little-endian in the chunk, always
 * native in memory (the two are the same on every machine that is supported). */
#pragma once

#include "codec/base.h"

enum dtype {
	DTYPE_U8,
	DTYPE_U16,
	DTYPE_U32,
	DTYPE_U64,
	DTYPE_I8,
	DTYPE_I16,
	DTYPE_I32,
	DTYPE_I64,
	DTYPE_F32,
	DTYPE_F64
};

enum { DTYPE_COUNT = DTYPE_F64 + 1 };

size_t dtype_size(enum dtype t); /* bytes: 1, 2, 4 or 8 */
bool dtype_is_float(enum dtype t);
bool dtype_is_signed(enum dtype t); /* integers and floats with a sign */
const char *dtype_v2(enum dtype t); /* "|u1", "<f4": Zarr v2 */
const char *dtype_v3(enum dtype t); /* "uint8", "float32": Zarr v3, and for people */

/* Smallest and largest value of an integer type, as doubles (rounded for 64 bit). */
double dtype_min(enum dtype t);
double dtype_max(enum dtype t);
