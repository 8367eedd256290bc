#include "fs/sidecar_file.h"

#include "meta/json_read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* 1: opened; 0: there is none. */
static int open_sidecar(int at, const char *path, const char *shown, int *fd, struct stat *st,
			struct err *err)
{
	/* Not to wait for somebody who writes into a pipe. */
	*fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int code = errno;
	/* Of a folder that is a dead mount the scan says what to do. */
	bool none = *fd < 0 && (code == ENOENT || code == ENOTCONN) &&
		    fstatat(at, path, st, AT_SYMLINK_NOFOLLOW) != 0 && errno == code;
	if (none)
		return 0;
	if (*fd < 0)
		return err_set(err, code, "%s: the side-car cannot be read: %s", shown,
			       code == ENOENT ? "a link to nothing" : strerror(code));
	if (fstat(*fd, st) != 0 || !S_ISREG(st->st_mode))
		return err_set(err, EINVAL, "%s: the side-car is no regular file", shown);
	return 1;
}

static int read_bounded(int fd, const char *shown, char *s, size_t *n, struct err *err)
{
	*n = 0;
	while (*n <= JSON_MAX_BYTES) {
		ssize_t got = read(fd, s + *n, JSON_MAX_BYTES + 1 - *n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, errno, "%s: the side-car cannot be read: %s", shown,
				       strerror(errno));
		if (got == 0)
			break;
		*n += (size_t)got;
	}
	return 1;
}

int sidecar_read(int at, const char *path, const char *shown, char **s, size_t *n, struct stat *st,
		 struct err *err)
{
	CLEANUP(closep) int fd = -1;
	int rc = open_sidecar(at, path, shown, &fd, st, err);
	if (rc <= 0)
		return rc;
	*s = malloc(JSON_MAX_BYTES + 1);
	return *s == NULL ? err_oom(err) : read_bounded(fd, shown, *s, n, err);
}
