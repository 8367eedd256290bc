/* What the axes of an NDTiff.index mean, and which image and plane each record is. Internal to meta/told_ndtiff*.c. */
#pragma once

#include "meta/told_ndtiff_index.h"

struct nd_axes {
	int t_c_z[TOLD_AXES]; /* index of the axis; -1: there is none */
	int64_t low[TOLD_AXES];
	uint64_t n[TOLD_AXES];
	uint32_t other[ND_MAX_AXES]; /* those that tell images apart, most significant first */
	uint32_t n_other;
	uint32_t *image_of; /* for each record */
	uint32_t *first;    /* for each image, in order, its first record */
	uint32_t n_images;
};

/* -ENOMEM. `out` begins as { 0 } and is to be given to nd_axes_done in every case. The index has at least one record. */
int nd_axes_find(const struct nd_index *x, struct nd_axes *out);
void nd_axes_done(struct nd_axes *a);

/* Where a record lies on one of the axes t, c, z. */
static inline uint64_t nd_index_on(const struct nd_index *x, const struct nd_axes *a, size_t record,
				   enum told_axis axis)
{
	int k = a->t_c_z[axis];
	return k < 0 ? 0 : (uint64_t)((int64_t)nd_at(x, record)[k] - a->low[axis]);
}

/* "row0-column1"; NULL where there is only one image. Adds to `out`, which may lack memory then. */
void nd_axes_key(const struct nd_index *x, const struct nd_axes *a, uint32_t image,
		 struct text *out);
