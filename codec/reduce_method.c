#include "codec/reduce_method.h"

#include <string.h>

static const char *const names[REDUCE_COUNT] = {
	[REDUCE_MEDIAN] = "median",   [REDUCE_MEAN] = "mean", [REDUCE_MODE] = "mode",
	[REDUCE_NEAREST] = "nearest", [REDUCE_MIN] = "min",   [REDUCE_MAX] = "max",
};

const char *reduce_method_name(enum reduce_method m)
{
	return names[m];
}

bool reduce_method_parse(const char *text, enum reduce_method *ret)
{
	for (unsigned i = 0; i < REDUCE_COUNT; i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum reduce_method)i;
			return true;
		}
	}
	return false;
}
