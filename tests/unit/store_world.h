/* The world in which tests play the store: clients, workers, a clock and a made-up source in virtual time, on one
 * thread, everything drawn from a seed. After each event store_check and store_checks.h are asked. */
#pragma once

#include "fs/store_core.h"

enum { MAX_CLIENTS = 120, MAX_THREADS = 8, MAX_FETCHERS = 32, MAX_DEPTH = 12 };

enum { MAX_BUSY = 2 * MAX_THREADS + MAX_FETCHERS, MAX_LEVELS = 7 };

static const uint64_t ms = 1000000;

/* One request and, for an open file, what follows it. */
struct client {
	struct world *w;
	struct handle handle;
	struct store_key key;
	enum wait_kind kind;
	uint64_t serial, cancel_at, act_at;
	unsigned answers, reads_left;
	bool keeps; /* leaves the file open until the very end */
	bool waiting, open, used;
};

struct busy {
	struct task task;
	uint64_t until;
	bool taken;
};

struct world {
	uint64_t rng, seed, now;
	struct store *store;
	unsigned threads, fetchers, runs, pieces, units, images;
	unsigned cold; /* percent of the pieces that do not lie in memory */
	struct run_cost cost;
	unsigned levels; /* the highest one */
	unsigned children
		[MAX_LEVELS]; /* runs of the level below in one of this; the last may have fewer */
	unsigned chunks_of[MAX_LEVELS];
	uint64_t blocks;      /* of each open level */
	unsigned pass_leaves; /* more leaves make a pass */
	uint64_t max_hang;
	bool exact, lone;
	unsigned damage, io_errors, encoder_errors, hold, keep;
	unsigned no_memory; /* per mille of the store's allocations that fail */
	struct client clients[MAX_CLIENTS];
	unsigned n_clients;
	struct busy busy[MAX_BUSY]; /* workers first, then those of passes, then fetchers */
	unsigned depth;
	uint64_t tick_at, events;
	long buffers, raws; /* raws: of the buffers those that were fetched */
	uint64_t bytes;	    /* of all buffers */
	unsigned opened;    /* ladders that began, the first ones in this order */
	struct store_key order[16];
	const char *why;
	bool running_out;
};

/* What the made-up buffers hold, so that bytes of another chunk or of an unfinished band are noticed. */
struct stamp {
	uint64_t size;
	struct store_key key;
	uint32_t lone;
	uint32_t pieces; /* that are decoded, a bit each */
	uint32_t empty;	 /* units that are not decoded in some piece, a bit each */
	uint64_t by;	 /* the job that cuts from it, its seq */
	uint32_t cut;	 /* chunks that this job has cut, a bit each */
};

/* A ladder's blocks: what has come together in the open run of each level. */
struct blocks {
	uint64_t size;
	struct {
		uint64_t run;
		unsigned children;
		uint32_t empty, cut;
		bool complete, used;
	} level[MAX_LEVELS];
	uint64_t leaves; /* the first one that is still to come */
	struct store_key key;
	unsigned encodes; /* tasks out */
	bool reduces;
};

static inline uint64_t next_random(struct world *w)
{
	w->rng += 0x9e3779b97f4a7c15ULL;
	uint64_t x = w->rng;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static inline uint64_t draw(struct world *w, uint64_t n)
{
	return next_random(w) % n;
}

static inline bool chance(struct world *w, unsigned percent)
{
	return draw(w, 100) < percent;
}

static inline void fault(struct world *w, const char *why)
{
	if (w->why == NULL)
		w->why = why;
}

/* store_source.c: what the store asks, and what workers do. */
extern const struct store_ops source_ops;
unsigned source_chunks(const struct world *w, unsigned level);
uint64_t source_runs(const struct world *w, unsigned level);
/* Runs of level `down` below run r of level `up`: from *first on, as many as are returned. */
uint64_t source_below(const struct world *w, unsigned up, uint64_t r, unsigned down,
		      uint64_t *first);
uint64_t source_length(const struct world *w, const struct store_key *chunk);
bool source_damaged(struct world *w, const struct store_key *chunk);
void task_begin(struct world *w, struct task *t);
void task_finish(struct world *w, struct task *t);

/* store_driver.c */
/* Made of what was drawn or given so far; the budget is `factor` percent of what is needed. */
void world_open(struct world *w, uint64_t factor, unsigned spots_max);
void world_ask(struct client *c);
/* Whoever is idle takes a task, where there is one. */
void world_work(struct world *w);
/* The next thing that is due happens; false: there is none. */
bool world_step(struct world *w);
/* No new requests; everything runs out. */
void world_run_out(struct world *w);
/* Once nothing is under way; frees it. NULL, or what was broken. */
const char *world_close(struct world *w);
/* Plays one seed; NULL, or what was broken. */
const char *world_play(uint64_t seed, enum store_fault planted);
/* Allocations that failed in all plays. */
extern uint64_t world_refused;
