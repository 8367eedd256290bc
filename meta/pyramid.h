/* The levels of an image: their sizes, chunks, and the runs in which chunks are made together; runs nest, so
 * that those of a level are made from whole runs of the level before. Pure integer arithmetic. */
#pragma once

#include "meta/grid.h"
#include "meta/ladder.h"

enum preview { PREVIEW_AUTO, PREVIEW_NEVER, PREVIEW_ALWAYS };

enum level_made {
	LEVEL_STORED,	/* level 0 */
	LEVEL_TRUE,	/* reduced from the level before */
	LEVEL_PREVIEW,	/* single voxels of level 0; runs have one layer of chunks */
	LEVEL_OVERVIEW, /* stored beside level 0: what is said of runs is as overviews have them */
};

struct level {
	uint64_t mag[3], step[3];	 /* z, y, x: from level 0, from the level before */
	uint64_t size[AXIS_COUNT];	 /* voxels */
	uint64_t chunk[AXIS_COUNT];	 /* voxels of a chunk; t and c: 1 */
	uint64_t chunks[AXIS_COUNT];	 /* chunks on each axis */
	uint64_t run_chunks[AXIS_COUNT]; /* chunks of a full run; c: interleaved samples */
	uint64_t runs[AXIS_COUNT];	 /* runs on each axis */
	size_t voxel;			 /* bytes */
	enum level_made made;
	/* What the true level asks for, be it made or not. */
	uint64_t run[AXIS_COUNT]; /* voxels of a full run, cut at the level */
	uint64_t run_bytes;	  /* of a full run; level 0: of the costliest band */
	uint64_t source[3];	  /* voxels of level 0 under the first run: z, y, x */
	uint64_t decoded, stored; /* bytes decoded and read to make the first run from nothing */
	bool pass;		  /* so much that it is no ordinary job */
};

struct pyramid {
	unsigned n;   /* levels */
	unsigned own; /* those below are made from level 0, the others from stored overviews */
	struct level *level;
	uint64_t open_bytes; /* one run of every level */
	uint64_t
		depth; /* chunks of levels above 0 are at most that deep; 0: as given by the user */
};

struct pyramid_options {
	struct ladder_options ladder;
	enum preview preview;
};

/* voxel: z, y, x. page: stored bytes of a page with its interleaved samples. -EINVAL as ladder_make, -ENOMEM.
 * *out is then untouched. */
int pyramid_make(const struct grid *g, const double voxel[3], bool has_z, uint64_t page,
		 const struct pyramid_options *o, struct pyramid *out, struct err *err);
/* The same with a ladder that is known. -ENOMEM. */
int pyramid_of_ladder(const struct grid *g, const struct ladder *ladder, uint64_t page,
		      enum preview preview, struct pyramid *out, struct err *err);
void pyramid_done(struct pyramid *p);

/* Linear indices are below these counts; C order t,c,z,y,x. */
uint64_t level_chunk_count(const struct level *l);
uint64_t level_run_count(const struct level *l);
uint64_t level_chunk_bytes(const struct level *l); /* raw bytes of every chunk, edges included */

void level_chunk_at(const struct level *l, uint64_t linear, struct grid_chunk *out);

/* The run that makes a chunk, and the voxels of the level that it covers. */
uint64_t level_run_of(const struct level *l, uint64_t chunk);

struct level_box {
	uint64_t lo[AXIS_COUNT], hi[AXIS_COUNT]; /* hi: exclusive, cut at the level */
};

void level_run_box(const struct level *l, uint64_t run, struct level_box *out);

/* Chunks of a run, counted 0 .. n-1 in C order c,z,y,x. */
uint64_t level_run_chunks(const struct level *l, uint64_t run);
uint64_t level_run_chunk(const struct level *l, uint64_t run,
			 uint64_t k);				    /* -> linear chunk index */
uint64_t level_chunk_in_run(const struct level *l, uint64_t chunk); /* -> k */

/* Runs of one level that lie together: those of a box of indices. */
struct run_span {
	uint64_t first[AXIS_COUNT], n[AXIS_COUNT];
};

/* Voxels *lo .. *hi - 1 of an axis of a level that is no preview -> from the first to the last voxel of level 0 that
 * they are made from, mirrored ones included. */
void pyramid_source(const struct pyramid *p, unsigned level, enum axis a, uint64_t *lo,
		    uint64_t *hi);

/* The runs of level `below` (less than `level`) that a run of `level` is made from: its children where that is
 * level - 1, its leaves where it is 0. Of a preview those leaves that it takes voxels from. */
void pyramid_under(const struct pyramid *p, unsigned level, uint64_t run, unsigned below,
		   struct run_span *out);

uint64_t run_span_count(const struct run_span *s);

/* The k-th of them in C order -> linear index of the run; l is their level. */
uint64_t run_span_at(const struct run_span *s, const struct level *l, uint64_t k);
bool run_span_has(const struct run_span *s, const struct level *l, uint64_t run);
uint64_t run_span_find(const struct run_span *s, const struct level *l, uint64_t run); /* -> k */

/* The run of level + 1 that a run of `level` is part of. */
uint64_t pyramid_above(const struct pyramid *p, unsigned level, uint64_t run);
