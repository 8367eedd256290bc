#include "meta/told_metadata.h"

#include <errno.h>
#include <string.h>

#include "meta/told_mm_summary.h"

/* The summary comes first; of the planes, which may be many, the first one is enough. */
enum { HEAD_BYTES = 256 << 10 };

int told_metadata(const struct told_source *s, struct told *out, struct err *err)
{
	static const uint64_t one[TOLD_AXES] = { 1, 1, 1 };
	CLEANUP(freep) char *text = NULL;
	size_t len = 0;
	if (s->r == NULL || s->n_pages != 1 || strncmp(s->name, "img_", 4) != 0)
		return 0;
	int rc = s->beside_at(s->ctx, "metadata.txt", 0, HEAD_BYTES, &text, &len);
	if (rc == -ENOMEM)
		return err_oom(err);
	if (rc != 0)
		return 0;
	struct told_image *im = told_add_image(out, one, err);
	uint32_t file = 0;
	if (im == NULL || told_add_file(out, NULL, &file) != 0)
		return err_oom(err);
	im->planes[0] = (struct told_plane){ .file = file, .where = TOLD_PAGE };
	rc = mm_metadata_tell(text, len, im);
	out->kind = "metadata.txt";
	return rc < 0 ? err_oom(err) : rc;
}
