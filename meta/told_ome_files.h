/* Which file each UUID element of an OME-XML means. */
#pragma once

#include "meta/text_index.h"
#include "meta/told_ome_doc.h"

struct ome_files {
	/* Index into told.files of each of the document's files. */
	uint32_t *file;
	struct text_index paths; /* those in told.files; "": the file that was asked */
};

/* Looks for all of them; those that are not there keep their paths, which a note says. As told_reader. */
int ome_files_find(const struct told_source *s, const struct ome_doc *d, struct told *out,
		   struct ome_files *files, struct err *err);

/* The file that was asked; -ENOMEM, -EOVERFLOW. */
int ome_files_this(struct ome_files *files, struct told *out, uint32_t *file);

void ome_files_done(struct ome_files *files);

/* The path with '/' between its parts and without drive, empty parts, "." and what makes it absolute. The caller's;
 * NULL: out of memory. */
char *ome_normal_path(const char *path);

/* Behind the last '/'. */
const char *ome_last_part(const char *path);

/* Adds a name from a file, printable and cut to a line's length. */
void ome_print_name(struct text *t, const char *name);

/* Whether what `beside` returned means that there can be no such file. */
bool ome_is_absent(int rc);
