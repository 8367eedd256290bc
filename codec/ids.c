#include "codec/ids.h"

#include <errno.h>
#include <string.h>

static double value_at(enum dtype t, const uint8_t *p)
{
	float f = 0;
	double v = 0;
	if (t == DTYPE_F64) {
		memcpy(&v, p, sizeof(v));
		return v;
	}
	memcpy(&f, p, sizeof(f));
	return (double)f;
}

/* False for NaN, too. */
static bool is_id(double v)
{
	return v >= 0 && v <= UINT32_MAX && !((double)(uint32_t)v < v);
}

int ids_from_floats(enum dtype t, const void *in, size_t n, void *out, struct err *err)
{
	const uint8_t *from = in;
	uint8_t *to = out;
	size_t size = dtype_size(t);
	for (size_t i = 0; i < n; i++) {
		double v = value_at(t, from + i * size);
		if (!is_id(v))
			return err_set(err, ERANGE,
				       "%.17g (number %zu) is no id: ids of a label are whole "
				       "numbers from 0 to 4294967295",
				       v, i);
		uint32_t id = (uint32_t)v;
		memcpy(to + i * sizeof(id), &id, sizeof(id));
	}
	return 0;
}
