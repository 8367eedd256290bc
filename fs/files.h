/* Open source files: a bounded number of descriptors, and whether a file is still the one that the scan
 * saw. Any thread. */
#pragma once

#include "codec/reader.h"
#include "meta/scan.h"

struct files;

/* A file in use by one thread. */
struct file_lease {
	uint32_t file;
	int fd;
	struct reader reader; /* counts bytes in *fetched */
	uint64_t fetched;
	struct open_file *open;
};

struct files *files_new(const struct dataset *data); /* NULL: out of memory */
void files_free(struct files *f);

/* Opens a file, or takes the open one, and checks its identity by name (at most once a second).
 * -ESTALE with a sentence: another size, time or inode than at the scan, for good; else -errno. The lease
 * must not move: its reader points into it. err is not NULL. */
int files_get(struct files *f, uint32_t file, struct file_lease *out, struct err *err);
void files_put(struct files *f, struct file_lease *l);

/* After reading: is it still the same? -ESTALE as above. */
int files_verify(struct files *f, const struct file_lease *l, struct err *err);
