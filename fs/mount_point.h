/* The folder that a mount is put on: checked, created where it is missing, removed again. */
#pragma once

#include "codec/err.h"
#include "fs/mount_text.h"

struct mount_point {
	char *path; /* absolute, without links; as given for /dev/fd/N */
	int fd;	    /* N of /dev/fd/N, -1 else */
	bool created;
};

/* Whether a mount of `source` can be put there; changes nothing. A missing last component is fine, and so is
 * the folder `source` itself. -ENOTCONN (a dead
 * mount), -ENOTDIR, -ENOTEMPTY, .. with the sentence for the user. */
int mount_point_check(const char *mountpoint, const char *source, struct err *err);

/* Checks, and creates what is missing. */
int mount_point_open(const char *mountpoint, const char *source, struct mount_point *out,
		     struct err *err);

/* After a failed mount: creates the folder once more where it is gone. False: that was not the reason. */
bool mount_point_again(struct mount_point *p);

/* Removes the folder if it was created and is empty, and frees. */
void mount_point_close(struct mount_point *p);
/* Frees alone: the folder stays for another process. */
void mount_point_done(struct mount_point *p);

/* Absolute path without links, also of a dead mount; the caller frees. NULL with errno. */
char *mount_point_real(const char *path);

/* A mount whose program has ended. Asks a question that the kernel never answers from its caches. */
bool mount_point_dead(const char *path);

/* Says that the mount at or above the path is dead, and what clears it. Returns -ENOTCONN. */
int mount_point_say_dead(const char *path, struct err *err);

/* What is mounted at that very place, from this process's mountinfo. -ENOENT: nothing. */
int mount_point_find(const char *real, struct mount_entry *out);
