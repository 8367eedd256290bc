#include "codec/reduce_method.h"

#include <errno.h>
#include <string.h>

static const char *const names[REDUCE_COUNT] = {
	[REDUCE_MEDIAN] = "median",   [REDUCE_MEAN] = "mean", [REDUCE_MODE] = "mode",
	[REDUCE_NEAREST] = "nearest", [REDUCE_MIN] = "min",   [REDUCE_MAX] = "max",
};

const char *reduce_method_name(enum reduce_method m)
{
	return names[m];
}

int reduce_method_parse(const char *text, enum reduce_method *out, struct err *err)
{
	for (int m = 0; m < REDUCE_COUNT; m++) {
		if (strcmp(text, names[m]) == 0) {
			*out = (enum reduce_method)m;
			return 0;
		}
	}
	return err_set(err, EINVAL, "'%s' is not median, mean, mode, nearest, min or max", text);
}
