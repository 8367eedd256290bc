/* What stands between the store and those who work for it: the questions it asks about a source, and
 * the tasks that workers take and bring back. Behind it stand the engine (threads, TIFFs) and the
 * deterministic driver of the tests (one thread, made-up sources, virtual time). */
#pragma once

#include "fs/store.h"

/* Somebody waits for it; a pass, which somebody waits for too, but which decodes much; read-ahead, which nobody
 * waits for. */
enum job_class { CLASS_FG, CLASS_PASS, CLASS_AHEAD };

/* What a run needs, in bytes rounded to the pool's size classes. */
struct run_cost {
	uint64_t band;	 /* decoded voxels */
	uint64_t raw;	 /* stored bytes of a piece, from its fetch until it is decoded */
	uint64_t lane;	 /* scratch of the task that works on a piece or a chunk */
	uint64_t slot;	 /* largest encoding of a chunk */
	uint32_t pieces; /* decode tasks */
	uint32_t chunks;
	bool in_place; /* a fetch puts the voxels into the band by itself */
	/* Of a run that is reduced from runs of level 0, its leaves: `band`, `raw`, `lane` are those of the
	 * costliest leaf, `pieces` is 0. */
	bool ladder;
	uint64_t
		blocks; /* the runs of levels 1 .. its own that are open at a time, and what joins them */
	bool pass;	  /* decodes so much that it is computed in the background */
	uint64_t decoded; /* bytes; passes are done smallest first */
};

/* A place that cannot be read: one strip or tile of a plane, or all of it. */
struct spot {
	uint32_t image;
	uint64_t plane, unit;
};

#define SPOT_ALL UINT64_MAX

#define RUN_WHOLE UINT32_MAX

/* Questions; called with the store's lock held, so they answer from constant data, at once. `ctx` is
 * the owner's. */
struct store_ops {
	/* The run that makes a chunk, and its number in it; and back. */
	uint64_t (*run_of)(void *ctx, const struct store_key *chunk, uint32_t *k);
	uint64_t (*chunk_of)(void *ctx, const struct store_key *run, uint32_t k);
	/* How many runs the array has. */
	uint64_t (*runs)(void *ctx, const struct store_key *run);
	/* Cost of a run (index = run), or where lone < chunks of making that chunk alone. */
	void (*cost)(void *ctx, const struct store_key *run, uint32_t lone, struct run_cost *out);
	/* May a chunk of this array be made alone, more cheaply than its run? */
	bool (*lone_pays)(void *ctx, const struct store_key *chunk);
	/* Largest size of the chunk; *exact: every encoding has it. */
	uint64_t (*bound)(void *ctx, const struct store_key *chunk, bool *exact);
	/* Planes first .. first+n-1 are what the chunk is made of. */
	void (*planes)(void *ctx, const struct store_key *chunk, uint64_t *first, uint64_t *n);
	/* Does the chunk need the spot? */
	bool (*needs)(void *ctx, const struct store_key *chunk, const struct spot *spot);
	/* path[j] is a run of level j, for all levels up to the run's own; below `from` it is filled in: the first
	 * run of level j in that of j + 1. */
	void (*descend)(void *ctx, const struct store_key *run, unsigned from, uint64_t *path);
	/* On to the next run of level `from`, and down to its first leaf. Returns the highest level whose run has
	 * ended; the run's own level: the end. */
	unsigned (*advance)(void *ctx, const struct store_key *run, unsigned from, uint64_t *path);
	/* The run one level up that is made of this one. */
	uint64_t (*above)(void *ctx, const struct store_key *run);
	uint32_t (*chunks)(void *ctx, const struct store_key *run);
	/* Nanoseconds that never go back. */
	uint64_t (*now)(void *ctx);
	/* Is this process about to die? Called without the lock. */
	bool (*dying)(void *ctx, int pid);
	/* n tasks may be ready; the clock has something new to look at. Called without the lock. */
	void (*wake_workers)(void *ctx, unsigned n);
	void (*wake_pass_workers)(void *ctx, unsigned n);
	void (*wake_fetchers)(void *ctx, unsigned n);
	void (*wake_clock)(void *ctx);
	/* Gives a buffer back to the pool. Called without the lock. */
	void (*give_back)(void *ctx, void *buf, uint64_t size);
	/* Frees what a TASK_FETCH brought and nobody decodes. Called without the lock, if memory is not short. */
	void (*drop_raw)(void *ctx, void *raw);
	/* Frees what a TASK_OPEN made. Called likewise. */
	void (*drop_blocks)(void *ctx, void *blocks);
};

struct store_config {
	uint64_t budget;
	uint64_t largest_slot; /* C: of any chunk of the mount */
	uint64_t ordinary;     /* O: largest smallest reservation of any job that is no pass */
	uint64_t pass;	       /* P: of any pass */
	unsigned threads, fetchers;
	unsigned spots_max; /* bad strips or tiles of one plane that are remembered */
};

/* A source that was looked at later has jobs with these smallest reservations and chunks of at most this size.
 * False: that does not fit the budget beside what others need. */
bool store_make_way(struct store *s, uint64_t ordinary, uint64_t pass, uint64_t slot);

/* NULL: out of memory. `ops` must live as long as the store. */
struct store *store_new(const struct store_config *config, const struct store_ops *ops, void *ctx);
/* Nothing may be under way. */
void store_free(struct store *s);

/* The smallest reservation with which a run of that cost can be made. */
uint64_t store_least(const struct run_cost *c);
/* The smallest budget that serves jobs whose smallest reservations are at most these: 4/3 x (ordinary + pass +
 * four chunks), at least sixteen chunks. */
uint64_t store_budget_needed(uint64_t ordinary, uint64_t pass, uint64_t largest_slot);

enum task_kind {
	TASK_LOOK,    /* first look at key.image */
	TASK_PREPARE, /* get the band's buffer */
	TASK_FETCH,   /* the stored bytes of a piece of the run, however long the storage takes */
	TASK_DECODE,  /* piece of the run into the band */
	TASK_ENCODE,  /* chunk out of the band, or of a ladder's block, into a slot */
	TASK_OPEN,    /* make the blocks of a ladder */
	TASK_REDUCE,  /* a leaf, or chunks of a level, into the blocks of coarser levels */
};

/* A chunk that is cached already. */
struct load {
	struct store_key key;
	const void *bytes;
	uint64_t len;
	struct entry *entry;
};

struct job;

/* One step of work; whoever takes it brings it back by store_task_done. */
struct task {
	enum task_kind kind;
	enum job_class class;
	struct job *job;
	struct store_key key; /* of the run, for TASK_ENCODE of the chunk */
	uint32_t lone;	      /* the band holds this chunk of the run only; RUN_WHOLE: all */
	uint32_t piece; /* TASK_FETCH, TASK_DECODE; TASK_ENCODE: the chunk's number in the run */
	void *band;
	uint64_t band_size, slot_size;
	struct flight *flight; /* TASK_ENCODE: NULL where nobody asked */
	unsigned leaf;	       /* which of the job's */
	/* TASK_REDUCE: path[j] is the run of level j. From level `from` (0: the band; else `loads`, all chunks of
	 * path[from]) to the next one, and as their runs are complete, further up to level `to` + 1 at most. */
	void *blocks; /* also TASK_ENCODE of a ladder; TASK_OPEN: in `bytes`, the store's from now on */
	const uint64_t *path;
	unsigned from, to;
	const struct load *loads;
	uint32_t n_loads;
	/* TASK_FETCH: what it brings, the store's from now on. TASK_DECODE: what was brought, the worker's from
	 * now on; where the piece was not fetched it takes what is there without waiting, else its error is
	 * EAGAIN and the piece will be fetched. */
	void *raw;
	bool fetched;
	/* filled by the worker */
	bool decoded; /* TASK_FETCH: the piece lies in the band already */
	int error;    /* 0 or an errno value */
	void *bytes; /* TASK_PREPARE: the band; TASK_ENCODE: the encoded chunk, the store's from now on */
	uint64_t len;	   /* TASK_ENCODE: bytes used */
	uint64_t capacity; /* TASK_ENCODE: size of the buffer as the pool counts it */
	uint64_t strips, planes, bytes_fetched; /* TASK_FETCH, TASK_DECODE: for the counters */
};

/* The next task of this class, oldest job first. False: there is none now. */
bool store_task_take(struct store *s, enum job_class class, struct task *out);

/* The next TASK_FETCH, foreground first; the others have at most three quarters of the fetchers. */
bool store_fetch_take(struct store *s, struct task *out);

void store_task_done(struct store *s, struct task *t);

/* During a TASK_FETCH or TASK_DECODE: the spot is bad. for_ns 0: for good (damage, a changed file); else an I/O error
 * that is remembered for so long. */
void store_report(struct store *s, struct task *t, const struct spot *spot, int error,
		  uint64_t for_ns);

/* A hint that costs no lock: false where nothing was ever found bad. */
bool store_any_bad(const struct store *s);

/* During a TASK_FETCH or TASK_DECODE: true where the spot is known to be bad, so that it is not read again. */
bool store_known_bad(struct store *s, struct task *t, const struct spot *spot);

/* A hint: nobody waits for this task's job any more. */
bool store_task_stopped(const struct task *t);

/* Everything that is timed. Called by the clock; returns nanoseconds until it wants to be called again
 * (UINT64_MAX: when woken). */
uint64_t store_tick(struct store *s);

/* No new gets; what waits is answered EIO; queues are emptied. Running tasks must still come back. */
void store_shutdown(struct store *s);

/* True when no task is out. */
bool store_idle(struct store *s);

/* Evicts everything that can be; for tests. */
void store_drop_caches(struct store *s);

/* For tests: NULL, or a sentence on the first broken invariant. `at_rest`: nothing is under way, so
 * reservations must be zero. */
const char *store_check(struct store *s, bool at_rest);

/* For tests: faults planted on purpose, to show that the driver finds them. */
enum store_fault {
	FAULT_NONE,
	FAULT_NO_LANDING_ZONE, /* reservations may take all but the pins' quarter */
	FAULT_NO_PIN_QUARTER,  /* pins may take everything */
	FAULT_NO_TICK,	       /* grants are tried at releases only */
	FAULT_LATE_RUN_TABLE,  /* a stopped job stays joinable until it ends */
	FAULT_NO_LAST_HAND,    /* giving back a hand does not admit */
	FAULT_FULL_SLOTS,      /* a job reserves for all wanted chunks at once */
	FAULT_LOST_WAITER,     /* a cancelled flight is told to stop before it leaves the table */
	FAULT_COUNT,
};
void store_plant(struct store *s, enum store_fault fault);
