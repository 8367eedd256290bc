#include "meta/look_grid.h"

#include <errno.h>

int look_grid(struct image *im, const uint64_t chunk[3], struct err *err)
{
	const struct tiff_page *p = &im->kind;
	struct grid_layout layout = {
		.tiled = p->tiled,
		/* What must be made to voxels (packed bits, ids that are floats) is like what is decompressed. */
		.compressed = p->compression != TIFF_COMPRESSION_NONE || tiff_is_widened(p) ||
			      p->fill_order == 2 || im->stored != im->dtype,
		.unit_h = p->unit_h,
		.unit_w = p->unit_w,
		.samples = p->planar ? 1 : p->samples,
	};
	im->has_c = im->has_c || p->samples > 1;
	uint64_t size[AXIS_COUNT] = { im->n_t, 0, im->n_z, p->height, p->width };
	if (!mul_u64(im->n_c, p->samples, &size[AXIS_C]))
		return err_set(err, EOVERFLOW, "too many channels");
	int rc = grid_make(size, dtype_size(im->dtype), &layout, chunk, &im->grid, err);
	if (rc != 0)
		return rc;
	im->encode.dtype = im->dtype;
	return 0;
}

uint64_t look_page_bytes(const struct image *im)
{
	const struct tiff_page *p = &im->kind;
	uint64_t h = p->tiled ? ceil_div(p->height, p->unit_h) * p->unit_h : p->height;
	uint64_t w = p->tiled ? ceil_div(p->width, p->unit_w) * p->unit_w : p->width;
	double bytes = im->stored_share * (double)h * (double)w *
		       (double)(im->grid.layout.samples * dtype_size(im->stored));
	return bytes < (double)INT64_MAX ? (uint64_t)bytes : INT64_MAX;
}
