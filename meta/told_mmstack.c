#include "meta/told_mmstack.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "meta/told_bytes.h"
#include "meta/told_mm_planes.h"
#include "meta/told_mm_summary.h"

/* Source: Micro-Manager File Formats, "Image file stack". All numbers in the file's byte order: at 8 and 12 magic and
 * offset of the index map, at 32 and 36 magic and length of the summary, which follows. NDTiff has magic and version at
 * 8 and 12, and its summary at 16 or, from version 3 on, at 20. */
enum {
	AT_SUMMARY = 32,
	HEAD = 40,
	MAGIC_INDEX = 54773648,
	MAGIC_NDTIFF = 483729,
	MAGIC_SUMMARY = 2355492,
	MAGIC_MAP = 3453623,
	MAP_ENTRY = 20,
	PLANE_MAX = 1 << 20, /* bytes of the metadata of one plane */
};

/* ---- the index map ---- */

/* 1: the planes are in `list`. 0: there is no map that can be used. */
static int read_map(const struct told_source *s, const uint8_t *head, struct mm_planes *list,
		    struct err *err)
{
	bool big = s->first->file.big_endian;
	CLEANUP(freep) uint8_t *b = NULL;
	uint64_t at = bytes_u32(head + 12, big);
	if (bytes_u32(head + 8, big) != MAGIC_INDEX || at == 0)
		return 0;
	int rc = bytes_read(s->r, at, 8, &b, err);
	if (rc <= 0 || bytes_u32(b, big) != MAGIC_MAP)
		return rc < 0 ? rc : 0;
	uint64_t n = bytes_u32(b + 4, big);
	free(STEAL(b));
	if (n > TIFF_MAX_PAGES)
		return 0;
	rc = bytes_read(s->r, at + 8, n * MAP_ENTRY, &b, err);
	if (rc <= 0)
		return rc;
	for (uint64_t i = 0; rc > 0 && i < n; i++) {
		const uint8_t *e = b + i * MAP_ENTRY;
		struct mm_plane p = { .i = { [TOLD_C] = bytes_u32(e, big),
					     [TOLD_Z] = bytes_u32(e + 4, big),
					     [TOLD_T] = bytes_u32(e + 8, big) },
				      .position = bytes_u32(e + 12, big),
				      .ifd = bytes_u32(e + 16, big) };
		/* Room in the map that was never filled. */
		if (p.ifd != 0 && mm_planes_add(list, &p) != 0)
			rc = err_oom(err);
	}
	return rc < 0 ? rc : list->n > 0;
}

/* ---- what each IFD says ---- */

/* 1; 0: this IFD says nothing, which is no reason to believe the others less. */
static int read_ifd(const struct told_source *s, uint64_t ifd, struct mm_plane *out,
		    struct err *err)
{
	struct tiff_page p;
	struct err own = { 0 };
	CLEANUP(freep) char *text = NULL;
	size_t len = 0;
	int rc = tiff_page_read(s->r, &s->first->file, ifd, &p, &own);
	if (rc == 0 && p.mm_metadata.count > PLANE_MAX)
		return 0;
	if (rc == 0)
		rc = tiff_text_read(s->r, &p.mm_metadata, PLANE_MAX, &text, &len, &own);
	if (rc != 0 && err_is_passing(rc))
		return err_set(err, -rc, "%s", own.msg);
	if (rc != 0)
		return 0;
	out->ifd = ifd;
	return mm_plane_read(text, len, out);
}

/* 1: the planes are in `list`; 0: some are told twice, or none. */
static int read_ifds(const struct told_source *s, struct told *out, struct mm_planes *list,
		     struct err *err)
{
	uint32_t silent = 0;
	for (uint32_t i = 0; i < s->n_pages; i++) {
		struct mm_plane p = { 0 };
		int rc = read_ifd(s, s->ifds[i], &p, err);
		if (rc < 0)
			return rc;
		silent += rc == 0;
		if (rc > 0 && mm_planes_add(list, &p) != 0)
			return err_oom(err);
	}
	if (list->n == 0)
		return 0;
	if (mm_planes_repeat(list)) {
		told_note(out, "Micro-Manager: several pages claim to be the same plane");
		return 0;
	}
	if (silent > 0)
		told_note(out, "Micro-Manager: %" PRIu32 " pages do not say which plane they are",
			  silent);
	return 1;
}

/* ---- the whole ---- */

/* The size of a pixel stands with the planes where newer versions do not put it into the summary. */
static int read_facts(const struct told_source *s, const uint8_t *head, struct mm_summary *sum,
		      struct err *err)
{
	CLEANUP(freep) uint8_t *b = NULL;
	CLEANUP(freep) char *text = NULL;
	size_t len = bytes_u32(head + 36, s->first->file.big_endian);
	int rc = len <= MM_SUMMARY_MAX ? bytes_read(s->r, HEAD, len, &b, err) : 0;
	if (rc > 0 && mm_summary_read((const char *)b, len, sum) < 0)
		rc = err_oom(err);
	if (rc < 0 || s->first->mm_metadata.count > PLANE_MAX)
		return rc;
	struct err own = { 0 };
	rc = tiff_text_read(s->r, &s->first->mm_metadata, PLANE_MAX, &text, &len, &own);
	if (rc != 0)
		return err_is_passing(rc) ? err_set(err, -rc, "%s", own.msg) : 0;
	mm_summary_add_plane(sum, text, len);
	return 0;
}

/* What the files of one acquisition have in common; a file of another name stands alone. */
static int set_run(const struct told_source *s, const struct mm_summary *sum, struct told *out)
{
	const char *end = strstr(s->name, "_MMStack");
	if (end == NULL)
		return 0;
	struct text t = { 0 };
	text_addn(&t, s->name, (size_t)(end - s->name));
	text_addf(&t, "\n%s%s", sum->prefix.len > 0 ? sum->prefix.s : "",
		  sum->id.len > 0 ? sum->id.s : "");
	if (t.oom) {
		text_done(&t);
		return -ENOMEM;
	}
	out->run = t.s;
	return 0;
}

/* A file of an NDTiff set whose index is not there, or does not name it. */
static int refuse_ndtiff(const struct told_source *s, const uint8_t *head, struct err *err)
{
	bool big = s->first->file.big_endian;
	if (bytes_u32(head + 8, big) != MAGIC_NDTIFF || s->n_pages <= 1 ||
	    (bytes_u32(head + 16, big) != MAGIC_SUMMARY &&
	     bytes_u32(head + 20, big) != MAGIC_SUMMARY))
		return 0;
	return err_set(err, ENOTSUP,
		       "NDTiff: which planes its %" PRIu32
		       " pages are is told by NDTiff.index, which does not lie beside it",
		       s->n_pages);
}

int mmstack_is_one(const struct reader *r, const struct tiff_header *h, struct err *err)
{
	uint8_t b[4];
	if (h->bigtiff || r->size < HEAD)
		return 0;
	/* A crash leaves all but the summary unwritten. */
	int rc = reader_exact(r, b, sizeof(b), AT_SUMMARY, err);
	return rc != 0 ? rc : bytes_u32(b, h->big_endian) == MAGIC_SUMMARY;
}

int told_mmstack(const struct told_source *s, struct told *out, struct err *err)
{
	struct mm_planes CLEANUP(mm_planes_done) list = { 0 };
	struct mm_summary CLEANUP(mm_summary_done) sum = { 0 };
	uint8_t head[HEAD];
	if (s->r == NULL || s->first->file.bigtiff || s->r->size < HEAD)
		return 0;
	int rc = reader_exact(s->r, head, HEAD, 0, err);
	if (rc != 0)
		return rc;
	if (bytes_u32(head + AT_SUMMARY, s->first->file.big_endian) != MAGIC_SUMMARY)
		return refuse_ndtiff(s, head, err);
	rc = read_facts(s, head, &sum, err);
	if (rc < 0)
		return rc;
	if (s->first->samples > 1)
		mm_summary_drop_channels(&sum);
	rc = read_map(s, head, &list, err);
	if (rc == 0) {
		rc = read_ifds(s, out, &list, err);
		told_note(out, rc > 0 ? "Micro-Manager: there is no index map; the pages say which "
					"planes they are"
				      : "Micro-Manager: neither an index map nor the pages say "
					"which planes there are");
	}
	if (rc <= 0)
		return rc;
	out->kind = "Micro-Manager";
	rc = mm_planes_tell(&list, &sum, out, err);
	return rc > 0 && set_run(s, &sum, out) != 0 ? err_oom(err) : rc;
}
