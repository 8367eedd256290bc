/* Files beside the one that is asked which planes there are. What a file names never leads out of SOURCE, whatever
 * links stand on the way. */
#pragma once

#include "meta/image.h"

struct beside {
	int root_fd;
	const char *path; /* of the file that names others */
};

/* Valid as long as `d` and `path`. */
struct beside beside_of(const struct dataset *d, const char *path);

/* As `beside` of struct told_source; ctx is a struct beside. */
int beside_read(void *ctx, const char *path, size_t max, char **out, size_t *len);

/* As `beside_at` of it. */
int beside_read_at(void *ctx, const char *path, uint64_t off, size_t max, char **out, size_t *len);

/* Opens a path relative to root_fd, without leaving it: descriptor, -EXDEV or another -errno. */
int beside_open(int root_fd, const char *path);

/* The path of what a file at `from` calls `name`: folders joined, "." and ".." resolved as text. False: it leads
 * out of the root, or memory ran out (t->oom). */
bool beside_path(const char *from, const char *name, struct text *t);
