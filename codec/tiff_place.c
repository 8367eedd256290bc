/* Pages whose voxels do not lie where their IFD says. */
#include <errno.h>
#include <inttypes.h>

#include "codec/tiff.h"

static int check_moved(const struct tiff_page *p, struct err *err)
{
	if (p->compression != TIFF_COMPRESSION_NONE)
		return err_set(err, EBADMSG,
			       "its voxels lie behind those of the first page, which is "
			       "compressed (%s)",
			       tiff_compression_name(p->compression));
	if (p->tiled)
		return err_set(err, EBADMSG,
			       "its voxels lie behind those of the first page, which has tiles");
	return 0;
}

/* All rows in one strip at place.skip. */
static void lay_bare(struct tiff_page *p)
{
	static const struct tiff_values none = { 0 };
	p->compression = TIFF_COMPRESSION_NONE;
	p->predictor = p->fill_order = 1;
	p->tiled = p->planar = false;
	p->unit_w = p->width;
	p->unit_h = p->height;
	p->units_x = p->units_y = 1;
	p->offsets = p->counts = none;
}

int tiff_page_at(const struct reader *r, const struct tiff_header *h,
		 const struct tiff_place *place, struct tiff_page *out, struct err *err)
{
	struct tiff_page p;
	int rc = tiff_page_read(r, h, place->ifd, &p, err);
	if (rc != 0)
		return rc;
	if (place->skip != 0 && !place->bare && !place->wraps) {
		rc = check_moved(&p, err);
		if (rc != 0)
			return rc;
	}
	p.place = *place;
	if (place->bare)
		lay_bare(&p);
	*out = p;
	return 0;
}
