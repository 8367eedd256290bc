/* A box of one level from boxes of the level before that come one after another. Windows that lie across two
 * of them are served by keeping the last rows, planes or columns of the first. */
#pragma once

#include "codec/reduce.h"

enum { BOX_Z, BOX_Y, BOX_X, BOX_AXES };

/* What is made from what. Boxes are z, y, x; upper ends are exclusive. */
struct reduce_box {
	enum reduce_method method;
	enum dtype dtype;
	struct reduce_step step;
	uint64_t samples;		     /* done one after another */
	uint64_t size[BOX_AXES];	     /* voxels of the level before, for the mirrored edge */
	uint64_t lo[BOX_AXES], hi[BOX_AXES]; /* the box that is made */
	uint64_t from_lo[BOX_AXES], from_hi[BOX_AXES]; /* all boxes that come, together */
	uint64_t from_most[BOX_AXES];		       /* the largest of them */
};

/* Voxels of the level before; bytes from plane to plane, row to row, voxel to voxel, sample to sample. */
struct reduce_source {
	const void *voxels; /* at `lo` */
	uint64_t stride_z, stride_y, stride_x, stride_c;
	uint64_t lo[BOX_AXES], hi[BOX_AXES]; /* cut at the level */
};

/* Bytes of the box: samples, z, y, x without gaps; of what is kept between the boxes that come; and of what one
 * call works with. UINT64_MAX where that does not fit 64 bits. */
uint64_t reduce_box_bytes(const struct reduce_box *b);
uint64_t reduce_box_kept_bytes(const struct reduce_box *b);
uint64_t reduce_box_scratch_bytes(const struct reduce_box *b);

/* Boxes come in the order z, y, x, each once. What of the result is known with this one is written. `kept` stays
 * from call to call, `scratch` need not. */
void reduce_box_add(const struct reduce_box *b, const struct reduce_source *s, void *box,
		    void *kept, void *scratch);
