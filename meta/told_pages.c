#include "meta/told_pages.h"

#include <errno.h>

int told_text(const struct told_source *s, const struct tiff_values *v, size_t max, char **out,
	      struct err *err)
{
	struct err own = { 0 };
	size_t len = 0;
	*out = NULL;
	if (v->count == 0)
		return 0;
	int rc = tiff_text_read(s->r, v, max, out, &len, &own);
	if (rc == 0)
		return 1;
	return err_is_passing(rc) ? err_set(err, -rc, "%s", own.msg) : 0;
}

enum { REDUCED = 1, MASK = 4 };

bool told_is_reduced(const struct told_source *s, const struct tiff_page *p)
{
	return (p->subfile_type & ~s->first->subfile_type & (REDUCED | MASK)) != 0;
}

void told_pages_done(struct told_pages *p)
{
	free(p->at);
	*p = (struct told_pages){ 0 };
}

/* Whether page i may be a plane beside the first one, as one that cannot be read may. 1, 0, -ENOMEM. */
static int is_like_first(const struct told_source *s, uint32_t i)
{
	if (s->kinds != NULL) {
		const struct page_kind *k = &s->kinds[i], *first = &s->kinds[0];
		bool reduced = (k->subfile & ~first->subfile & (REDUCED | MASK)) != 0;
		return k->kind == PAGE_BROKEN || (!reduced && k->kind == first->kind);
	}
	struct tiff_page p;
	int rc = tiff_page_read(s->r, &s->first->file, s->ifds[i], &p, NULL);
	if (rc == -ENOMEM)
		return rc;
	return rc != 0 || (!told_is_reduced(s, &p) && tiff_same_kind(s->first, &p));
}

int told_pages_read(const struct told_source *s, struct told_pages *out, struct err *err)
{
	*out = (struct told_pages){ .at = calloc(s->n_pages, sizeof(*out->at)), .all = s->n_pages };
	if (out->at == NULL)
		return err_oom(err);
	out->n = 1;
	int rc = 0;
	for (uint32_t i = 1; rc >= 0 && i < s->n_pages; i++) {
		rc = is_like_first(s, i);
		if (rc > 0)
			out->at[out->n++] = i;
	}
	if (rc >= 0)
		return 0;
	told_pages_done(out);
	return err_oom(err);
}

bool told_goes_on(const struct told_source *s, uint64_t pages, uint64_t planes)
{
	return s->cut && planes > pages && planes <= TIFF_MAX_PAGES &&
	       (planes <= TOLD_FEW_PLANES || planes / TOLD_TIMES <= pages);
}

/* Where the strips of a page begin, if each lies right behind the one before. 1, 0; errors as of reading. */
static int find_strips(const struct told_source *s, const struct tiff_page *p, uint64_t *begin,
		       struct err *err)
{
	enum { AT_ONCE = 4096 };
	CLEANUP(freep) struct tiff_unit *units = calloc(AT_ONCE, sizeof(*units));
	uint64_t end = 0;
	if (units == NULL)
		return err_oom(err);
	for (uint64_t i = 0; i < p->units_y; i += AT_ONCE) {
		size_t n = min_u64(AT_ONCE, p->units_y - i);
		int rc = tiff_units_read(s->r, p, i, n, units, err);
		if (rc != 0)
			return rc;
		if (i == 0)
			*begin = end = units[0].offset;
		for (size_t k = 0; k < n; k++) {
			if (units[k].state != TIFF_UNIT_STORED || units[k].offset != end)
				return 0;
			end += units[k].count;
		}
	}
	return end - *begin == tiff_packed_bytes(p, p->height);
}

/* What the tags of the page and the IFDs lie at is no voxels. */
static bool is_free(const struct told_source *s, const struct tiff_page *p, uint64_t from,
		    uint64_t to)
{
	const uint64_t others[] = { p->description.offset,   p->offsets.offset, p->counts.offset,
				    p->imagej_counts.offset, p->imagej.offset,	p->nih.offset,
				    p->software.offset };
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (others[i] >= from && others[i] < to)
			return false;
	for (uint32_t i = 0; i < s->n_pages; i++)
		if (s->ifds[i] >= from && s->ifds[i] < to)
			return false;
	return true;
}

bool told_is_far_out(const struct told_source *s, uint64_t planes, uint64_t bytes)
{
	enum { HARMLESS = 65536, TIMES = 4 };
	if (planes > TOLD_MAX_PLANES)
		return true;
	return planes > HARMLESS && planes / TIMES > s->r->size / max_u64(bytes, 1);
}

int told_behind(const struct told_source *s, const struct tiff_page *p, uint64_t planes,
		uint64_t *step, const char **why, struct err *err)
{
	uint64_t begin = 0, bytes = tiff_packed_bytes(p, p->height), all = 0, end = 0;
	*step = bytes;
	*why = "its voxels are compressed or in tiles";
	if (p->compression != TIFF_COMPRESSION_NONE || p->tiled)
		return 0;
	*why = "its samples are stored apart";
	if (p->planar && p->samples > 1)
		return 0;
	*why = "its strips do not lie one behind another";
	int rc = find_strips(s, p, &begin, err);
	if (rc <= 0)
		return rc;
	*why = "there is no room for so many";
	if (told_is_far_out(s, planes, bytes) || !mul_u64(planes, bytes, &all) ||
	    !add_u64(begin, all, &end))
		return 0;
	*why = "other parts of the file lie behind its first plane";
	return is_free(s, p, begin + bytes, end);
}
