/* Texts around a mount point: what names mean, how option values are escaped, what mountinfo says. Pure. */
#pragma once

#include "codec/text.h"

/* N of "/dev/fd/N", a descriptor of /dev/fuse that is mounted already; -1 for any other name. */
int mount_text_fd(const char *mountpoint);

/* MOUNTPOINT ends in .zarr and there is one image: the mount itself is that image. */
bool mount_text_is_image(const char *mountpoint, size_t n_images);

/* A value for libfuse's -o list: commas and backslashes get a backslash. Appended. */
void mount_text_escape(struct text *t, const char *s);

/* The parts of one line of mountinfo (proc(5)), unescaped. */
struct mount_entry {
	char *point, *type, *source;
};

/* The mount that covers `path` (absolute, without links): among those at that very place the last one.
 * -ENOENT where nothing is mounted there; -ENOMEM. */
int mount_text_find(const char *mountinfo, const char *path, struct mount_entry *out);
void mount_entry_done(struct mount_entry *e);

/* The name of a socket as NOTIFY_SOCKET gives it, in the form of sun_path: a leading @ is a NUL there.
 * Bytes used, 0 for a name that is none or does not fit. */
size_t mount_text_socket(const char *name, char *path, size_t room);
