#include "codec/dtype.h"

#include <float.h>

static const struct {
	const char *v2, *v3;
	double min, max;
	uint8_t size;
	bool is_float, is_signed;
} types[DTYPE_COUNT] = {
	[DTYPE_U8] = { "|u1", "uint8", 0, 255, 1, false, false },
	[DTYPE_U16] = { "<u2", "uint16", 0, 65535, 2, false, false },
	[DTYPE_U32] = { "<u4", "uint32", 0, 4294967295.0, 4, false, false },
	[DTYPE_U64] = { "<u8", "uint64", 0, 18446744073709551615.0, 8, false, false },
	[DTYPE_I8] = { "|i1", "int8", -128, 127, 1, false, true },
	[DTYPE_I16] = { "<i2", "int16", -32768, 32767, 2, false, true },
	[DTYPE_I32] = { "<i4", "int32", -2147483648.0, 2147483647.0, 4, false, true },
	[DTYPE_I64] = { "<i8", "int64", -9223372036854775808.0, 9223372036854775807.0, 8, false,
			true },
	[DTYPE_F32] = { "<f4", "float32", -(double)FLT_MAX, (double)FLT_MAX, 4, true, true },
	[DTYPE_F64] = { "<f8", "float64", -DBL_MAX, DBL_MAX, 8, true, true },
};

size_t dtype_size(enum dtype t)
{
	return types[t].size;
}

bool dtype_is_float(enum dtype t)
{
	return types[t].is_float;
}

bool dtype_is_signed(enum dtype t)
{
	return types[t].is_signed;
}

const char *dtype_v2(enum dtype t)
{
	return types[t].v2;
}

const char *dtype_v3(enum dtype t)
{
	return types[t].v3;
}

double dtype_min(enum dtype t)
{
	return types[t].min;
}

double dtype_max(enum dtype t)
{
	return types[t].max;
}
