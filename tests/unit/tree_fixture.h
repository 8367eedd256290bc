/* Datasets made by hand, for the tests of names and documents. */
#pragma once

#include <string.h>

#include "meta/image.h"

enum { FIXTURE_MAX_CHANNELS = 4, FIXTURE_MAX_LEVELS = 4 };

/* An image that is READY; strings are borrowed, channels lie beside it. */
struct fixture_image {
	struct image im;
	struct channel channels[FIXTURE_MAX_CHANNELS];
	struct level levels[FIXTURE_MAX_LEVELS];
	char id[32];
	char labels[FIXTURE_MAX_CHANNELS][24];
};

static inline void fixture_axis(struct grid *g, enum axis a, uint64_t size, uint64_t chunk)
{
	g->size[a] = size;
	g->chunk[a] = chunk;
	g->chunks[a] = ceil_div(size, chunk);
}

/* axes: any of "tczyx". size, chunk: t,c,z,y,x; 1 where the axis is absent. */
static inline void fixture_make(struct fixture_image *f, const char *id, const char *axes,
				const uint64_t size[AXIS_COUNT], const uint64_t chunk[AXIS_COUNT],
				enum dtype dtype)
{
	memset(f, 0, sizeof(*f));
	memcpy(f->id, id, strlen(id) + 1);
	struct image *im = &f->im;
	im->id = f->id;
	im->has_t = strchr(axes, 't') != NULL;
	im->has_c = strchr(axes, 'c') != NULL;
	im->has_z = strchr(axes, 'z') != NULL;
	im->n_t = size[AXIS_T];
	im->n_c = size[AXIS_C];
	im->n_z = size[AXIS_Z];
	for (enum axis a = AXIS_T; a <= AXIS_X; a++)
		fixture_axis(&im->grid, a, size[a], chunk[a]);
	im->state = IMAGE_READY;
	im->dtype = dtype;
	im->grid.voxel = dtype_size(dtype);
	im->encode = (struct encode_spec){ .codec = CODEC_NONE, .dtype = dtype };
	im->encode_coarse = im->encode;
	im->pyramid = (struct pyramid){ .n = 1, .level = f->levels };
	struct level *l = &f->levels[0];
	*l = (struct level){ .mag = { 1, 1, 1 }, .voxel = im->grid.voxel };
	memcpy(l->size, im->grid.size, sizeof(l->size));
	memcpy(l->chunk, im->grid.chunk, sizeof(l->chunk));
	memcpy(l->chunks, im->grid.chunks, sizeof(l->chunks));
	im->voxel[0] = im->voxel[1] = im->voxel[2] = 1;
	im->channels = f->channels;
	for (uint64_t c = 0; c < size[AXIS_C] && c < FIXTURE_MAX_CHANNELS; c++) {
		struct channel *ch = &f->channels[c];
		ch->label = f->labels[c];
		memcpy(ch->color, "FFFFFF", 7);
		ch->max = ch->end = 255;
	}
}

/* One level more, reduced by z, y, x from the one before; chunks keep their shape. */
static inline void fixture_reduce(struct fixture_image *f, const uint64_t step[3])
{
	const struct level *before = &f->levels[f->im.pyramid.n - 1];
	struct level *l = &f->levels[f->im.pyramid.n++];
	*l = *before;
	l->made = LEVEL_TRUE;
	for (int i = 0; i < 3; i++) {
		l->mag[i] *= step[i];
		l->size[AXIS_Z + i] = ceil_div(f->levels[0].size[AXIS_Z + i], l->mag[i]);
		l->chunks[AXIS_Z + i] = ceil_div(l->size[AXIS_Z + i], l->chunk[AXIS_Z + i]);
	}
}
