/* Open source files: a bounded number of descriptors, and whether a file is still the one that the scan
 * saw. Any thread. */
#pragma once

#include "codec/reader.h"
#include "fs/list.h"
#include "meta/image.h"

struct files;

/* May a call wait for storage? */
enum file_wait {
	FILE_WAIT,
	FILE_NOWAIT, /* -EAGAIN from files_get and from the reader, where that would be necessary */
};

/* A file in use by one thread. */
struct file_lease {
	uint32_t file;
	int fd;
	enum file_wait wait;
	struct reader reader; /* counts bytes in *fetched */
	uint64_t fetched;
	uint64_t error_ns; /* how long a read that failed took at most */
	struct open_file *open;
	struct link in_use; /* among all leases, oldest first */
	uint64_t began;
};

struct files *files_new(const struct dataset *data); /* NULL: out of memory */
void files_free(struct files *f);

/* Opens a file, or takes the open one, and checks its identity by name (once a second, by all who ask just then).
 * -ESTALE with a sentence: another size, time or inode than at the scan, for good; else -errno. The lease
 * must not move: its reader points into it. err is not NULL. FILE_NOWAIT: opening and examining a file of a
 * local file system is not counted as waiting. */
int files_get(struct files *f, uint32_t file, enum file_wait wait, struct file_lease *out,
	      struct err *err);
void files_put(struct files *f, struct file_lease *l);

/* The file that somebody has been opening or reading for longest, as a hanging one is. */
struct file_in_use {
	bool any;
	uint32_t file;
	uint64_t ms;
};

void files_longest(struct files *f, struct file_in_use *out);

/* After reading: is it still the same? -ESTALE as above. */
int files_verify(struct files *f, const struct file_lease *l, struct err *err);
