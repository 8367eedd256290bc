#include "meta/told_stk.h"

#include <errno.h>
#include <inttypes.h>

#include "meta/told_stk_facts.h"

/* Bytes from one plane to the next. 0: they cannot be found, and *why says it; errors as of reading. */
static int find_step(const struct told_source *s, uint64_t *step, const char **why, struct err *err)
{
	const struct tiff_page *p = s->first;
	struct tiff_unit first, last;
	*step = 0;
	*why = "their strips cannot be found";
	if (p->compression != TIFF_COMPRESSION_NONE)
		*why = "it is compressed";
	else if (p->tiled || p->planar)
		*why = "it has tiles or planes of samples";
	if (p->compression != TIFF_COMPRESSION_NONE || p->tiled || p->planar)
		return 0;
	int rc = tiff_units_read(s->r, p, 0, 1, &first, err);
	if (rc == 0)
		rc = tiff_units_read(s->r, p, p->units_y - 1, 1, &last, err);
	if (rc != 0)
		return rc;
	if (first.state != TIFF_UNIT_STORED || last.state != TIFF_UNIT_STORED ||
	    last.offset < first.offset)
		return 0;
	uint64_t bytes = last.offset + last.count - first.offset, row = 0, need = 0;
	if (!mul_u64((uint64_t)p->width * p->samples, p->bits, &row) ||
	    !mul_u64(ceil_div(row, 8), p->height, &need))
		return 0;
	/* Planes would lie in one another. */
	if (bytes < need)
		return 0;
	*step = bytes;
	return 0;
}

static int tell(const struct told_source *s, const struct stk *k, struct told *out, struct err *err)
{
	uint64_t n[TOLD_AXES] = { 1, 1, 1 }, step = 0;
	enum told_axis axis = TOLD_Z;
	const char *why = NULL;
	uint32_t file;
	int rc = k->n > 1 ? find_step(s, &step, &why, err) : 0;
	if (rc != 0)
		return rc;
	if (k->n > 1 && step == 0)
		told_note(out, "STK: only the first of %" PRIu64 " planes can be read: %s", k->n,
			  why);
	if (step != 0) {
		if (stk_axis(k, &axis) != 0)
			return err_oom(err);
		n[axis] = k->n;
	}
	out->kind = "STK";
	struct told_image *im = told_add_image(out, n, err);
	if (im == NULL)
		return -ENOMEM;
	if (told_add_file(out, NULL, &file) != 0)
		return err_oom(err);
	/* What lies past the end of the file is claimed, and damaged. */
	for (uint64_t i = 0; i < n[axis]; i++) {
		struct told_plane *p = &im->planes[i];
		*p = (struct told_plane){ .file = file, .where = TOLD_BEHIND };
		if (!mul_u64(i, step, &p->at))
			p->at = UINT64_MAX / 2;
	}
	rc = stk_facts(s, k, im, err);
	return rc != 0 ? rc : 1;
}

int told_stk(const struct told_source *s, struct told *out, struct err *err)
{
	struct stk CLEANUP(stk_done) k = { 0 };
	if (s->r == NULL || s->first->uic2.count == 0)
		return 0;
	/* Pages that have the tags, too, are planes by themselves. */
	if (s->n_pages != 1)
		return 0;
	int rc = stk_read(s, &k, err);
	if (rc == 0)
		told_note(out,
			  "STK: what it tells of %" PRIu64 " planes (tag 33629) cannot be read",
			  s->first->uic2.count);
	return rc <= 0 ? rc : tell(s, &k, out, err);
}
