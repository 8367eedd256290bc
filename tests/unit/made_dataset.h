/* A dataset made by hand, for the tests of what is printed about datasets. Nothing in it is allocated but
 * the planes, files, levels and images. */
#pragma once

#include "meta/image.h"

#include <stdio.h>
#include <string.h>

static char made_paths[400][40];
static char made_ids[400][24];

/* One READY image of n_z planes of 1024 x 1024 bytes, LZW in strips of 32 rows. */
static inline void made_image(struct image *im, struct plane *planes, uint32_t n_z)
{
	*im = (struct image){
		.n_t = 1,
		.n_c = 1,
		.n_z = n_z,
		.has_z = true,
		.planes = planes,
		.state = IMAGE_READY,
		.kind = { .width = 1024,
			  .height = 1024,
			  .samples = 1,
			  .bits = 8,
			  .compression = TIFF_COMPRESSION_LZW,
			  .predictor = 2,
			  .unit_w = 1024,
			  .unit_h = 32,
			  .units_x = 1,
			  .units_y = 32 },
		.dtype = DTYPE_U8,
		.encode = { CODEC_BLOSC_LZ4, 5, DTYPE_U8 },
		.voxel = { 40, 4, 4 },
		.unit = "nanometer",
		.voxel_from = { "option" },
		.z_from = { "option" },
		.axes_from = { "file names" },
		.codec_from = { "a sample saves 41 %" },
	};
	uint64_t size[AXIS_COUNT] = { 1, 1, n_z, 1024, 1024 };
	struct grid_layout layout = {
		.compressed = true, .unit_h = 32, .unit_w = 1024, .samples = 1
	};
	struct pyramid_options levels = { .preview = PREVIEW_AUTO };
	grid_make(size, 1, &layout, NULL, &im->grid, NULL);
	pyramid_make(&im->grid, im->voxel, true, 512 * KiB, &levels, &im->pyramid, NULL);
}

/* n_images images of n_z planes, one file each. */
static inline void made_dataset(struct dataset *d, uint32_t n_images, uint32_t n_z)
{
	static char source[] = "/data/em";
	static char name[] = "em";
	*d = (struct dataset){ .root_fd = -1,
			       .source = source,
			       .name = name,
			       .n_images = n_images,
			       .n_files = (size_t)n_images * n_z,
			       .one_image = n_images == 1 };
	d->images = calloc(n_images, sizeof(*d->images));
	d->files = calloc(d->n_files, sizeof(*d->files));
	for (uint32_t i = 0; i < n_images; i++) {
		struct plane *planes = calloc(n_z, sizeof(*planes));
		for (uint32_t z = 0; z < n_z; z++) {
			uint32_t f = i * n_z + z;
			planes[z] = (struct plane){ .file = f };
			snprintf(made_paths[f], sizeof(made_paths[f]), "em_%04u.tif", f);
			d->files[f] = (struct source_file){ .path = made_paths[f], .n_pages = 1 };
		}
		made_image(&d->images[i], planes, n_z);
		snprintf(made_ids[i], sizeof(made_ids[i]), n_images == 1 ? "em" : "em_%u", i);
		d->images[i].id = made_ids[i];
	}
}

static inline void made_done(struct dataset *d)
{
	for (size_t i = 0; i < d->n_images; i++) {
		pyramid_done(&d->images[i].pyramid);
		free(d->images[i].planes);
	}
	free(d->images);
	free(d->files);
}
