#include "meta/told_nih.h"

#include <inttypes.h>

#include "meta/told_bytes.h"
#include "meta/told_pages.h"

/* How many planes the header says; 0: it says nothing. Errors as of reading. Its numbers are big-endian in every
 * file. */
static int read_count(const struct told_source *s, uint64_t *planes, struct err *err)
{
	enum { NUMBERS = 131, AT = 260 };
	CLEANUP(freep) uint8_t *b = NULL;
	*planes = 0;
	if (s->first->nih.count < NUMBERS)
		return 0;
	int rc = bytes_read(s->r, s->first->nih.offset + AT, 2, &b, err);
	if (rc > 0)
		*planes = (uint64_t)b[0] << 8 | b[1];
	return rc < 0 ? rc : 0;
}

int told_nih(const struct told_source *s, struct told *out, struct err *err)
{
	uint64_t planes, step;
	const char *why;
	uint32_t file;
	if (s->r == NULL)
		return 0;
	int rc = read_count(s, &planes, err);
	if (rc != 0 || planes <= s->n_pages)
		return rc;
	rc = told_behind(s, s->first, planes, &step, &why, err);
	if (rc == 0 && told_goes_on(s, s->n_pages, planes)) {
		step = 0;
		rc = 1;
	} else if (rc == 0)
		told_note(out,
			  "NIH Image: it tells of %" PRIu64 " planes, but there %s %" PRIu32
			  " page%s, and %s",
			  planes, s->n_pages == 1 ? "is" : "are", s->n_pages,
			  s->n_pages == 1 ? "" : "s", why);
	if (rc <= 0)
		return rc;
	const uint64_t n[TOLD_AXES] = { [TOLD_T] = 1, [TOLD_C] = 1, [TOLD_Z] = planes };
	out->kind = "NIH Image";
	struct told_image *im = told_add_image(out, n, err);
	if (im == NULL || told_add_file(out, NULL, &file) != 0)
		return err_oom(err);
	for (uint64_t i = 0; i < planes; i++)
		im->planes[i] = (struct told_plane){ .file = file,
						     .where = step != 0 ? TOLD_BEHIND : TOLD_PAGE,
						     .at = step != 0 ? i * step : i };
	return 1;
}
