/* What of level 0 a chunk of any level is made from: voxels, planes, strips or tiles. Pure. */
#pragma once

#include "meta/image.h"

/* For a unit's number: the whole plane. */
#define UNIT_ALL UINT64_MAX

/* Is the level made of single voxels of level 0, by its method or as a preview? */
bool level_is_sampled(const struct image *im, unsigned level);

/* The voxels of level 0 under a chunk, mirrored ones included; of a sampled level those between the ones that it
 * takes, too. c: samples. */
void chunk_source_box(const struct image *im, unsigned level, uint64_t chunk,
		      struct level_box *out);

/* The planes of that box: n that follow each other. */
void chunk_source_planes(const struct image *im, unsigned level, uint64_t chunk, uint64_t *first,
			 uint64_t *n);

/* A rectangle of one plane, of one of its samples or of all. */
struct plane_part {
	uint64_t plane, y0, y1, x0, x1; /* y1, x1: exclusive, may lie beyond the edge */
	uint64_t sample;		/* UNIT_ALL: of all */
};

/* What a unit (strip or tile, counted as the page's table does; UNIT_ALL) holds. With n > 1: of as many of the n
 * units from `unit` on as make a rectangle -> their number. */
uint64_t plane_part_of(const struct image *im, uint64_t plane, uint64_t unit, uint64_t n,
		       struct plane_part *out);

/* Is a voxel of the part in the chunk? */
bool chunk_needs(const struct image *im, unsigned level, uint64_t chunk,
		 const struct plane_part *part);
