#include "fs/unmount.h"

#include "fs/mount_point.h"
#include "meta/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>

/* All that the descriptor gives until its end. */
static void drain(int fd, struct text *out)
{
	char buf[512];
	int64_t n;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		text_addn(out, buf, (size_t)n);
	while (out->len > 0 && out->s[out->len - 1] == '\n')
		out->s[--out->len] = '\0';
}

static int spawn(char *const argv[], int complaints, pid_t *pid)
{
	posix_spawn_file_actions_t a;
	if (posix_spawn_file_actions_init(&a) != 0)
		return -ENOMEM;
	int r = posix_spawn_file_actions_adddup2(&a, complaints, STDERR_FILENO);
	if (r == 0)
		r = posix_spawnp(pid, argv[0], &a, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&a);
	return -r;
}

/* The set-uid helper of libfuse, for those who may not call umount(2). */
static int fusermount(const char *path, bool lazy, struct text *said)
{
	CLEANUP(freep) char *copy = strdup(path);
	char name[] = "fusermount3", how[] = "-uz", end[] = "--";
	char *argv[] = { name, how, end, copy, NULL };
	int fds[2];
	pid_t pid = -1;
	if (!lazy)
		how[2] = '\0';
	if (copy == NULL || pipe2(fds, O_CLOEXEC) != 0)
		return -ENOMEM;
	int r = spawn(argv, fds[1], &pid);
	close(fds[1]);
	if (r == 0) {
		int status = 0;
		drain(fds[0], said);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
		r = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
	} else {
		text_addf(said, "fusermount3: %s", strerror(-r));
	}
	close(fds[0]);
	if (r < 0 && said->s != NULL && strstr(said->s, strerror(EBUSY)) != NULL)
		r = -EBUSY;
	return r;
}

static int detach(const char *path, bool lazy, struct text *said)
{
	if (geteuid() != 0)
		return fusermount(path, lazy, said);
	if (umount2(path, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0)
		return 0;
	int e = errno;
	text_add(said, strerror(e));
	return -e;
}

void unmount_lazily(const char *path)
{
	CLEANUP(text_done) struct text said = { 0 };
	detach(path, true, &said);
}

static int check_kind(const char *mountpoint, const char *real, struct err *err)
{
	struct mount_entry e;
	int r = mount_point_find(real, &e);
	if (r == -ENOENT)
		return err_set(err, EINVAL, "nothing is mounted at %s", mountpoint);
	if (r < 0)
		return err_set(err, -r, "/proc/self/mountinfo: %s", strerror(-r));
	if (!mounts_type(e.type, strlen(e.type)))
		r = err_set(err, EINVAL, "%s is a mount of type %s, not one of ngffuse", mountpoint,
			    e.type);
	mount_entry_done(&e);
	return r;
}

int unmount_run(const char *mountpoint, struct err *err)
{
	CLEANUP(freep) char *real = mount_point_real(mountpoint);
	if (real == NULL)
		return err_set(err, errno, "%s: %s", mountpoint, strerror(errno));
	int r = check_kind(mountpoint, real, err);
	if (r < 0)
		return r;
	/* Whether the mount is dead is asked only where that matters: a program that lives but hangs does not say. */
	CLEANUP(text_done) struct text said = { 0 };
	r = detach(real, false, &said);
	if (r == -EBUSY && mount_point_dead(real))
		r = detach(real, true, &said);
	if (r == -EBUSY)
		return err_set(err, EBUSY,
			       "%s is busy: a program has a file open or its working folder there; "
			       "fuser -vm %s names it. End it and try again",
			       mountpoint, mountpoint);
	if (r < 0)
		return err_set(err, -r, "%s cannot be unmounted: %s", mountpoint,
			       said.s != NULL ? said.s : strerror(-r));
	return 0;
}
