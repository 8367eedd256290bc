/* Zarr's own documents: groups, arrays, codecs; v2 and v3. Each function adds keys to an object. */
#pragma once

#include "meta/image.h"
#include "meta/json.h"

void zarr_group_v2(struct json *j, cJSON *obj);
/* An array as it is described: `order` says how voxels follow in a chunk. */
struct zarr_grid {
	unsigned n;
	uint64_t size[AXIS_COUNT], chunk[AXIS_COUNT];
	const char *order;
};

/* Type and codec are those of the image's level. */
void zarr_grid_v2(struct json *j, cJSON *obj, const struct zarr_grid *g, const struct image *im,
		  uint32_t array);
void zarr_array_v2(struct json *j, cJSON *obj, const struct image *im, uint32_t array);

/* `_ARRAY_DIMENSIONS`: names of the axes; levels above 0 have names of their own where their size differs,
 * without which xarray and netCDF-C refuse the whole group. */
void zarr_dimensions(struct json *j, cJSON *obj, const struct image *im, uint32_t array);

/* Yields the object of the group's attributes. */
cJSON *zarr_group_v3(struct json *j, cJSON *obj);

/* -ENOTSUP: the codec has no counterpart in Zarr v3 (zlib). */
int zarr_array_v3(struct json *j, cJSON *obj, const struct image *im, uint32_t array);

const char *zarr_axis_name(enum axis a);
