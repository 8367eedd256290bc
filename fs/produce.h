/* The work behind the store's tasks: reading and decoding pieces of runs into bands, cutting and
 * encoding chunks. Everything here is called by one worker at a time with its own `struct bench`. */
#pragma once

#include <pthread.h>

#include "codec/unit.h"
#include "fs/engine.h"
#include "fs/fetched.h"
#include "fs/files.h"
#include "fs/pool.h"
#include "fs/store_task.h"

/* What one worker works with. */
struct bench {
	struct unit_decoder *decoder;
	struct encoder *encoder;
};

bool bench_init(struct bench *b); /* false: out of memory */
void bench_done(struct bench *b);

/* What cannot be read of a piece: a strip or tile, or the plane. Others may need the same. */
struct found {
	uint64_t unit;	/* SPOT_ALL: the plane */
	uint64_t units; /* of the plane, where that is known; else 0 */
	bool tiled;
	const struct err *err;
};

/* Who hears of what cannot be read in place of the store and the log. Any thread. */
struct inspector {
	void (*found)(void *ctx, const struct task *t, const struct found *f);
	bool (*stopped)(void *ctx); /* the rest of a piece may be left out */
	void *ctx;
};

/* What all workers share; constant but for what locks itself. */
struct plant {
	/* Held while a strip or tile is decoded that is larger than the image's others, for which its job
	 * reserved nothing: one at a time. */
	pthread_mutex_t *oversized;
	pthread_mutex_t *lost; /* guards what images count as lost */
	struct dataset *data;
	struct files *files;
	struct pool *pool;
	struct store *store;
	enum damaged damaged;
	const struct inspector *inspector; /* NULL: there is none */
};

/* A run of a coarse level that decodes more is a pass. */
#define PASS_DECODES (256 * MiB)

/* The part of a plane that one decode task fills, and where in the band. */
struct piece {
	uint64_t plane, sample_c; /* plane of the image; first sample of c in the run */
	uint64_t y0, y1, x0, x1;  /* voxels of the plane */
	uint8_t *out;		  /* voxel (y0, x0) in the band */
	uint64_t row_bytes;	  /* of the band */
	uint64_t
		unit_max; /* decoded strips or tiles above this are refused; 0: by the image's own */
	uint64_t gather;  /* memory for rows that are read with what lies between them; 0: none */
	bool discard; /* nobody wants the voxels: `out` gets rows that need no decoder, or nothing */
};

/* The box of voxels that the band of a run (of a lone chunk) holds. */
struct band_box {
	uint64_t t, c0, n_c, z0, z1, y0, y1, x0, x1;
};

void produce_band_box(const struct image *im, uint64_t run, uint32_t lone, struct band_box *out);

/* Cost of a run of level 0, or of one of its chunks alone. */
void produce_cost(const struct image *im, uint64_t run, uint32_t lone, struct run_cost *out);

/* A run that is no run of level 0: reduced from the level before, or (level_is_sampled) single voxels of level 0,
 * which it reads without what lies between. */
void produce_sampled_cost(const struct image *im, unsigned level, uint64_t run,
			  struct run_cost *out);
/* Costs among which is that of each run of the level, `chunks` aside: runs at its ends are smaller, and runs touch
 * different numbers of strips, so that some are passes and others are not. Returns how many. */
enum { SAMPLED_COSTS = 16 };
unsigned produce_sampled_costs(const struct image *im, unsigned level,
			       struct run_cost out[SAMPLED_COSTS]);
/* Bytes and strips or tiles that all of the level decodes, of one time point, were it made so. */
void produce_sampled_decodes(const struct image *im, unsigned level, uint64_t *bytes,
			     uint64_t *units);
/* leaf: band, raw and lane of the costliest run of level 0. */
void produce_ladder_cost(const struct image *im, unsigned level, uint64_t run,
			 const struct run_cost *leaf, struct run_cost *out);

/* Bytes of stored data and decoded scratch that decoding one strip or tile may hold beside the band. */
uint64_t produce_decode_scratch(const struct image *im);

/* True where a lone chunk is better read by itself: raw strips that need no work but a byte swap. */
bool produce_lone_pays(const struct image *im);

void produce_fetch(const struct plant *p, struct task *t);
void produce_decode(const struct plant *p, struct bench *b, struct task *t);
void produce_encode(const struct plant *p, struct bench *b, struct task *t);
void produce_open(const struct plant *p, struct task *t);
void produce_reduce(struct task *t);

/* The tasks of runs that are sampled. */
void produce_sampled_fetch(const struct plant *p, struct task *t, enum file_wait wait);
void produce_sampled_decode(const struct plant *p, struct bench *b, struct task *t);

/* Stored bytes of a piece of so many rows, between its fetch and its decoding. */
uint64_t produce_raw_bytes(const struct image *im, uint64_t row_bytes, uint64_t rows);

/* Fetches what a piece needs of its file, as far as that can be kept in `limit` bytes; rows that need no decoder
 * go into the band at once where `in_place`, and then *decoded. *out is the caller's; NULL where no file is
 * needed. -EAGAIN: with FILE_NOWAIT, where that is not possible without waiting. -ENOMEM. */
int produce_fetch_piece(const struct plant *p, struct task *t, const struct piece *piece,
			const struct run_cost *cost, enum file_wait wait, struct fetched **out);

/* Decodes into piece->out, from what was fetched (NULL: from the file); spots that cannot be read are reported to
 * the store under the image's number, or with --damaged fill filled and logged; then 0. Without a task (t NULL)
 * nothing is reported and the first error is returned. -ENOMEM. */
int produce_piece(const struct plant *p, struct bench *b, struct task *t, uint32_t image,
		  const struct piece *piece, struct fetched *fetched, struct err *err);
