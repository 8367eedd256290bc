/* The geometry of one array: chunk shape by rule or as given, chunk grid, and the runs in which chunks
 * are made together because the same strips or tiles cover them. Pure integer arithmetic. */
#pragma once

#include "codec/base.h"

enum axis { AXIS_T, AXIS_C, AXIS_Z, AXIS_Y, AXIS_X };

enum { AXIS_COUNT = AXIS_X + 1 };

/* How planes are stored, as far as chunks care. */
struct grid_layout {
	bool tiled, compressed;
	uint32_t unit_h, unit_w; /* rows of a strip (may exceed the page), sides of a tile */
	uint32_t
		samples; /* interleaved samples of a page; 1 where each sample has planes of its own */
};

enum grid_rule { GRID_GIVEN, GRID_TILES, GRID_RAW, GRID_SHORT_STRIPS, GRID_TALL_STRIPS };

struct grid {
	uint64_t size[AXIS_COUNT];	 /* voxels; c counts samples; an absent axis has 1 */
	uint64_t chunk[AXIS_COUNT];	 /* voxels of a chunk; t and c: 1 */
	uint64_t chunks[AXIS_COUNT];	 /* chunks on each axis */
	uint64_t run_chunks[AXIS_COUNT]; /* chunks of a full run: t, z: 1; c: interleaved samples */
	uint64_t runs[AXIS_COUNT];	 /* runs on each axis */
	struct grid_layout layout;
	size_t voxel; /* bytes */
	enum grid_rule rule;
	bool border_twice; /* units on the border of runs are decoded for both */
};

/* A run(0) and what must be decoded for it. Upper ends are exclusive and cut at the image. */
struct grid_run {
	uint64_t t, c0, n_c; /* n_c = interleaved samples */
	uint64_t z0, z1;
	uint64_t y0, y1, x0, x1; /* voxels that the chunks of the run cover */
	/* The band: whole units (raw strips: the rows and columns themselves). Strips end with the image;
	 * tiles are decoded whole, so that the band of the last ones reaches beyond it. */
	uint64_t by0, by1, bx0, bx1;
};

/* One chunk: index in the grid and the voxels it covers, upper ends cut at the image. */
struct grid_chunk {
	uint64_t index[AXIS_COUNT];
	uint64_t lo[AXIS_COUNT], hi[AXIS_COUNT];
};

/* size: t,c,z,y,x; c a multiple of layout->samples; voxel: 1 .. 8 bytes. given: chunk of z,y,x, or NULL for
 * the rule `auto`. -EOVERFLOW where the array or one band has more than 2^62 bytes; -EINVAL for a zero
 * anywhere, and for a given shape with a chunk of more than 300 MiB (the WEBKNOSSOS server refuses those). */
struct err;
int grid_make(const uint64_t size[AXIS_COUNT], size_t voxel, const struct grid_layout *layout,
	      const uint64_t given[3], struct grid *out, struct err *err);

/* Linear indices of chunks are below this count; C order t,c,z,y,x. */
uint64_t grid_chunk_count(const struct grid *g);
uint64_t grid_run_count(const struct grid *g);
uint64_t grid_chunk_bytes(const struct grid *g); /* raw bytes of every chunk, edges included */

void grid_chunk_at(const struct grid *g, uint64_t linear, struct grid_chunk *out);
uint64_t grid_chunk_linear(const struct grid *g, const uint64_t index[AXIS_COUNT]);

/* The run that makes a chunk. */
uint64_t grid_run_of(const struct grid *g, uint64_t chunk);
void grid_run_at(const struct grid *g, uint64_t run, struct grid_run *out);

/* Chunks of a run, counted 0 .. n-1 in C order c,y,x. */
uint64_t grid_run_chunks(const struct grid *g, uint64_t run);
uint64_t grid_run_chunk(const struct grid *g, uint64_t run, uint64_t k); /* -> linear chunk index */
uint64_t grid_chunk_in_run(const struct grid *g, uint64_t chunk);	 /* -> k */

/* Bytes of the band of a run (planes that exist, all interleaved samples), and of the costliest run. */
uint64_t grid_band_bytes(const struct grid *g, const struct grid_run *r);
uint64_t grid_band_bytes_worst(const struct grid *g);

/* Units that one plane of the run touches: [u0,u1) down and across. */
void grid_run_units(const struct grid *g, const struct grid_run *r, uint64_t *uy0, uint64_t *uy1,
		    uint64_t *ux0, uint64_t *ux1);
