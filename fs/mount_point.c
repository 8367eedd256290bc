#include "fs/mount_point.h"

#include "meta/mounts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

char *mount_point_real(const char *path)
{
	/* O_PATH asks nothing of the file system at the end of the path, which may be dead. */
	CLEANUP(closep) int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	char name[40];
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	char *real = malloc(PATH_MAX + 1);
	if (real == NULL)
		return NULL;
	int64_t n = readlink(name, real, PATH_MAX);
	if (n < 0) {
		free(real);
		return realpath(path, NULL);
	}
	real[n] = '\0';
	return real;
}

static int read_mountinfo(struct text *out)
{
	CLEANUP(closep) int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	char buf[4096];
	int64_t n;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		text_addn(out, buf, (size_t)n);
	if (n < 0)
		return -errno;
	return out->oom ? -ENOMEM : 0;
}

int mount_point_find(const char *real, struct mount_entry *out)
{
	*out = (struct mount_entry){ 0 };
	CLEANUP(text_done) struct text info = { 0 };
	int r = read_mountinfo(&info);
	if (r < 0)
		return r;
	return info.s == NULL ? -ENOENT : mount_text_find(info.s, real, out);
}

/* 1: something is in the folder, 0: nothing is, -errno: it cannot be read. */
static int is_filled(const char *path)
{
	DIR *dir = opendir(path);
	if (dir == NULL)
		return -errno;
	const struct dirent *d;
	bool filled = false;
	errno = 0;
	while (!filled && (d = readdir(dir)) != NULL)
		filled = strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
	int rc = filled ? 1 : -errno;
	closedir(dir);
	return rc;
}

static int refuse_filled(const char *path, const char *source, struct err *err)
{
	CLEANUP(freep) char *real = mount_point_real(path);
	struct mount_entry e = { 0 };
	int found = real == NULL ? -ENOENT : mount_point_find(real, &e);
	int r;
	if (found == 0 && mounts_type(e.type, strlen(e.type)))
		r = err_set(err, EBUSY, "%s shows %s already; ngffuse -u %s unmounts it", path,
			    e.source, path);
	else if (source != NULL && is_filled(source) == 0)
		r = err_set(err, ENOTEMPTY,
			    "%s is not empty, but %s is: are the two swapped? ngffuse SOURCE "
			    "MOUNTPOINT",
			    path, source);
	else
		r = err_set(err, ENOTEMPTY,
			    "%s is a folder that is not empty; give an empty one, or a new name",
			    path);
	mount_entry_done(&e);
	return r;
}

static int check_empty(const char *path, const char *source, struct err *err)
{
	int rc = is_filled(path);
	if (rc < 0)
		return err_set(err, -rc, "%s cannot be read: %s", path, strerror(-rc));
	return rc == 1 ? refuse_filled(path, source, err) : 0;
}

bool mount_point_dead(const char *path)
{
	struct statfs s;
	return statfs(path, &s) != 0 && (errno == ENOTCONN || errno == ECONNABORTED);
}

/* The mount that holds a path which cannot be reached; NULL where none is found. */
static char *mount_above(const char *path)
{
	CLEANUP(text_done) struct text t = { 0 };
	if (path[0] != '/') {
		CLEANUP(freep) char *cwd = getcwd(NULL, 0);
		text_addf(&t, "%s/", cwd != NULL ? cwd : "");
	}
	text_add(&t, path);
	while (t.s != NULL && !t.oom) {
		struct mount_entry e = { 0 };
		bool found = mount_point_find(t.s, &e) == 0;
		mount_entry_done(&e);
		char *slash = strrchr(t.s, '/');
		if (found)
			return STEAL(t.s);
		if (slash == NULL || slash == t.s)
			return NULL;
		*slash = '\0';
	}
	return NULL;
}

int mount_point_say_dead(const char *path, struct err *err)
{
	CLEANUP(freep) char *above = mount_above(path);
	const char *at = above != NULL ? above : path;
	return err_set(err, ENOTCONN,
		       "%s is a dead mount: its program has ended; ngffuse -u %s clears it", at,
		       at);
}

/* A mount may hide its own source: that is open before. */
static bool is_source(const struct stat *st, const char *source)
{
	struct stat src;
	return source != NULL && stat(source, &src) == 0 && src.st_dev == st->st_dev &&
	       src.st_ino == st->st_ino;
}

static int check(const char *path, const char *source, bool *missing, struct err *err)
{
	struct stat st;
	*missing = false;
	if (mount_point_dead(path))
		return mount_point_say_dead(path, err);
	if (stat(path, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			return err_set(err, ENOTDIR,
				       "%s is a file; give an empty folder, or a new name", path);
		return is_source(&st, source) ? 0 : check_empty(path, source, err);
	}
	if (errno != ENOENT)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	if (lstat(path, &st) == 0)
		return err_set(err, ENOENT, "%s is a link to a folder that does not exist", path);
	*missing = true;
	return 0;
}

int mount_point_check(const char *mountpoint, const char *source, struct err *err)
{
	bool missing;
	return mount_text_fd(mountpoint) >= 0 ? 0 : check(mountpoint, source, &missing, err);
}

static int create(const char *path, struct err *err)
{
	if (mkdir(path, 0755) == 0)
		return 0;
	if (errno == ENOENT)
		return err_set(err, ENOENT,
			       "%s cannot be created: the folder above it does not exist", path);
	return err_set(err, errno, "%s cannot be created: %s", path, strerror(errno));
}

int mount_point_open(const char *mountpoint, const char *source, struct mount_point *out,
		     struct err *err)
{
	*out = (struct mount_point){ .fd = mount_text_fd(mountpoint) };
	if (out->fd >= 0) {
		out->path = strdup(mountpoint);
		return out->path == NULL ? err_oom(err) : 0;
	}
	int r = check(mountpoint, source, &out->created, err);
	if (r == 0 && out->created)
		r = create(mountpoint, err);
	if (r < 0)
		return r;
	out->path = mount_point_real(mountpoint);
	if (out->path != NULL)
		return 0;
	r = err_set(err, errno, "%s: %s", mountpoint, strerror(errno));
	if (out->created)
		rmdir(mountpoint);
	return r;
}

bool mount_point_again(struct mount_point *p)
{
	if (p->fd >= 0 || access(p->path, F_OK) == 0 || errno != ENOENT ||
	    mkdir(p->path, 0755) != 0)
		return false;
	p->created = true;
	return true;
}

void mount_point_close(struct mount_point *p)
{
	if (p->created)
		rmdir(p->path);
	mount_point_done(p);
}

void mount_point_done(struct mount_point *p)
{
	free(p->path);
	*p = (struct mount_point){ .fd = -1 };
}
