/* SOURCE and the folders below it: resolved, listed, stat'ed, each file once; nothing is opened but folders. The
 * first half of a scan. */
#pragma once

#include "codec/text.h"
#include "meta/each.h"
#include "meta/image.h"

/* One folder's TIFF files: d->files[first .. first+n-1], in no order. */
struct walk_folder {
	char *path; /* relative to the root descriptor, "" for SOURCE itself */
	size_t first, n;
	char **indices; /* names of files beside them that tell planes and are no TIFF */
	size_t n_indices;
	struct text notes;	      /* what is to be said of these, one a line */
	size_t first_draft, n_drafts; /* what the scan made of it */
};

/* Files by their suffix, to say what was there instead of TIFFs. */
struct walk_seen {
	char suffix[12]; /* ".png"; "" for names without one */
	size_t n;
};

struct walk {
	bool is_file; /* SOURCE is a file, not a folder */
	struct walk_folder
		*folders; /* those with files or indices, in natural order, parents first */
	size_t n_folders;
	size_t n_entered; /* folders listed below SOURCE */
	struct walk_seen seen[6];
	size_t n_seen;
};

enum { WALK_DEPTH = 4 };

/* Fills root_fd, source, name, mode, uid, gid, files and left_out of `d` (fresh, root_fd -1) and *out.
 * Folders more than `depth` below SOURCE are not entered, nor is `mountpoint` (may be NULL or not exist); with
 * `labels` what lies in a folder of that name in SOURCE is, in any case.
 * Files that cannot be TIFFs (empty, too short for a header, dangling) have their trouble set.
 * -ENOENT, -EACCES, .. with the sentence for the user. */
int walk_source(const char *source, const char *mountpoint, unsigned depth, bool labels,
		const struct each *each, struct dataset *d, struct walk *out, struct err *err);
void walk_done(struct walk *w);

/* Lists something that is no part of any image; `why` is a static text, `of` the file that is kept in its
 * place (copied), NULL where there is none. -ENOMEM. */
int dataset_leave_out(struct dataset *d, const char *path, const char *why, const char *of);

/* Size, times, owner and identity; its trouble where it is too short. */
struct stat;
void source_file_from_stat(struct source_file *f, const struct stat *st);

/* When it was changed last, ns since 1970. */
int64_t stat_mtime_ns(const struct stat *st);

/* Adds a file (its path taken over, also where this fails). -ENOMEM. */
int dataset_add_file(struct dataset *d, struct source_file *f);

/* Length of the folder part of a path with its slash; 0 where there is none. */
size_t path_folder(const char *path);
