/* What `check` does next: looks at images, and pieces of their planes in order. The caller locks. */
#pragma once

#include "fs/engine.h"
#include "fs/produce.h"

struct check_plan {
	const struct engine *engine;
	uint64_t piece_bytes; /* decoded, of most pieces */
	uint32_t image,
		to_look; /* images before were handed out, or are known; were looked at, or will be */
	uint64_t plane;	       /* of `image` */
	uint64_t sample, y, x; /* where its next piece begins */
};

/* Where a plane stands in the order of all. */
struct check_place {
	uint32_t image;
	uint64_t plane;
};

static inline bool check_before(const struct check_place *a, const struct check_place *b)
{
	return a->image != b->image ? a->image < b->image : a->plane < b->plane;
}

struct check_item {
	struct check_place at;
	bool look; /* at an image that nobody looked at */
	struct piece piece;
	struct run_cost cost; /* band, raw, lane, in_place */
	uint64_t bytes;	      /* of the piece's voxels */
	uint64_t memory;
};

enum check_next { CHECK_ITEM, CHECK_WAIT, CHECK_END };

/* budget: bytes for all items that are under way together, of which there are at most so many. */
void check_plan_init(struct check_plan *p, const struct engine *e, uint64_t budget, unsigned items);

/* CHECK_WAIT: not before another item is done. */
enum check_next check_plan_next(struct check_plan *p, struct check_item *out);

/* No more of this plane, where it is the one that is handed out. */
void check_plan_skip(struct check_plan *p, const struct check_place *at);

/* All planes before this one were handed out as far as that makes sense. */
struct check_place check_plan_at(const struct check_plan *p);

/* Bytes of the voxels of one plane of an image that was looked at. */
uint64_t check_plane_bytes(const struct image *im);
