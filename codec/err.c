#include "codec/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *fmt, ...)
{
	if (err != NULL) {
		va_list ap;
		va_start(ap, fmt);
		vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		va_end(ap);
		err->code = code;
	}
	return -code;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	if (err == NULL)
		return -EIO;
	char old[sizeof(err->msg)];
	memcpy(old, err->msg, sizeof(old));
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(err->msg)) {
		size_t room = sizeof(err->msg) - (size_t)n;
		/* A sentence that no longer fits is cut: the file's name in front matters most. */
		if (room > 3) {
			memcpy(err->msg + n, ": ", 2);
			size_t len = min_u64(strlen(old), room - 3);
			memcpy(err->msg + n + 2, old, len);
			err->msg[(size_t)n + 2 + len] = '\0';
		}
	}
	return -err->code;
}

bool err_is_passing(int rc)
{
	switch (rc) {
	case 0:
	case -EBADMSG:
	case -ENODATA:
	case -ENOTSUP:
	case -EINVAL:
	case -EOVERFLOW:
		return false;
	default:
		return true;
	}
}

int err_oom(struct err *err)
{
	return err_set(err, ENOMEM, "out of memory");
}
