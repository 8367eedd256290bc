#include "meta/fingerprint.h"

#include "codec/encode.h"
#include "codec/text.h"

#include <string.h>

/* Raised whenever the same source and options give other documents or bytes than before. */
enum { DOCUMENT_VERSION = 1 };

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t add(uint64_t h, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* With its end, so that "ab", "c" is not "a", "bc". */
static uint64_t add_string(uint64_t h, const char *s)
{
	return add(h, s, strlen(s) + 1);
}

static uint64_t add_number(uint64_t h, uint64_t v)
{
	unsigned char b[8];
	for (unsigned i = 0; i < 8; i++)
		b[i] = (unsigned char)(v >> 8 * i);
	return add(h, b, sizeof(b));
}

int fingerprint_set(struct dataset *d, const char *options, struct err *err)
{
	struct text CLEANUP(text_done) versions = { 0 };
	text_add(&versions, NGFFUSE_VERSION " ");
	encode_versions(&versions);
	if (versions.oom)
		return err_oom(err);
	uint64_t h = add_number(UINT64_C(0xcbf29ce484222325), DOCUMENT_VERSION);
	h = add_string(h, versions.s);
	h = add_string(h, options == NULL ? "" : options);
	for (size_t i = 0; i < d->n_files; i++) {
		h = add_string(h, d->files[i].path);
		h = add_number(h, d->files[i].size);
		h = add_number(h, (uint64_t)d->files[i].mtime_ns);
	}
	for (size_t i = 0; i < d->n_sidecars; i++) {
		h = add_string(h, d->sidecars[i].path);
		h = add_number(h, d->sidecars[i].size);
		h = add_number(h, (uint64_t)d->sidecars[i].mtime_ns);
	}
	h = add_number(h, d->indices);
	if ((uint32_t)h == 0)
		h |= 1;
	d->fingerprint = h;
	return 0;
}
