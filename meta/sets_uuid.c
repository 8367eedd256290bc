#include "meta/sets_uuid.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "codec/reader_buffered.h"
#include "meta/told_ome.h"
#include "meta/walk.h"

enum { ASKED_MAX = 10000, HEAD_BYTES = 4096, UUID_BYTES = 64 };

/* One file beside, and the UUID that it says it has; "" none. */
struct sibling {
	uint32_t file;
	char uuid[UUID_BYTES];
};

struct siblings {
	const struct dataset *d;
	struct sibling *v;
	size_t n;
};

static bool is_urn(const char *path)
{
	return path != NULL && strncmp(path, TOLD_OME_UUID, strlen(TOLD_OME_UUID)) == 0;
}

/* The attribute UUID of the root element, as told_ome names files by it. The rest of the XML, which may be megabytes, need
 * not be read. */
static void find_uuid(const char *head, char uuid[UUID_BYTES])
{
	const char *ome = strstr(head, "<OME"), *end = ome != NULL ? strchr(ome, '>') : NULL;
	const char *at = ome != NULL ? strstr(ome, " UUID=") : NULL;
	if (at == NULL || end == NULL || at > end)
		return;
	char quote = at[6];
	const char *from = at + 7, *to = quote == '"' || quote == '\'' ? strchr(from, quote) : NULL;
	if (to == NULL || to - from > UUID_BYTES)
		return;
	bool prefixed = strncmp(from, TOLD_OME_UUID, strlen(TOLD_OME_UUID)) == 0;
	snprintf(uuid, UUID_BYTES, "%s%.*s", prefixed ? "" : TOLD_OME_UUID, (int)(to - from), from);
}

/* The beginning of the first page's description, to be freed; NULL: there is none. */
static char *read_head(const struct dataset *d, const struct source_file *f)
{
	CLEANUP(closep) int fd = f->trouble == 0 ? dataset_open(d, f, true) : -1;
	if (fd < 0)
		return NULL;
	struct reader_buffer buffer CLEANUP(reader_buffer_done) = { 0 };
	struct reader file = reader_fd(&fd, f->size), r = reader_buffered(&buffer, &file);
	struct tiff_header h;
	struct tiff_page p;
	char *head = NULL;
	size_t len = 0;
	if (tiff_header_read(&r, &h, NULL) != 0 ||
	    tiff_page_read(&r, &h, h.first_ifd, &p, NULL) != 0 ||
	    tiff_text_read(&r, &p.description, HEAD_BYTES, &head, &len, NULL) != 0)
		return NULL;
	return head;
}

static void ask_one(void *arg, size_t i)
{
	struct siblings *s = arg;
	char *head = read_head(s->d, &s->d->files[s->v[i].file]);
	if (head != NULL)
		find_uuid(head, s->v[i].uuid);
	free(head);
}

static int list_siblings(const struct dataset *d, const char *path, struct siblings *s)
{
	size_t folder = path_folder(path);
	s->d = d;
	s->v = calloc(min_u64(d->n_files, ASKED_MAX) + 1, sizeof(*s->v));
	if (s->v == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < d->n_files && s->n < ASKED_MAX; i++)
		if (path_folder(d->files[i].path) == folder &&
		    strncmp(d->files[i].path, path, folder) == 0)
			s->v[s->n++].file = (uint32_t)i;
	return 0;
}

static const char *name_with(const struct siblings *s, const char *uuid)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].uuid, uuid) == 0)
			return s->d->files[s->v[i].file].path +
			       path_folder(s->d->files[s->v[i].file].path);
	return NULL;
}

int sets_uuid_resolve(struct drafts *ds, const char *path, struct told *t)
{
	size_t first = 0;
	while (first < t->n_files && !is_urn(t->files[first]))
		first++;
	if (first == t->n_files)
		return 0;
	struct siblings s = { 0 };
	int rc = list_siblings(ds->d, path, &s);
	if (rc == 0)
		each_run(ds->each, s.n, ask_one, &s);
	for (size_t i = first; rc == 0 && i < t->n_files; i++) {
		const char *name = is_urn(t->files[i]) ? name_with(&s, t->files[i]) : NULL;
		char *copy = name != NULL ? strdup(name) : NULL;
		if (name == NULL)
			continue;
		free(t->files[i]);
		t->files[i] = copy;
		/* NULL would mean the telling file itself. */
		rc = copy == NULL ? -ENOMEM : 0;
	}
	free(s.v);
	return rc;
}
