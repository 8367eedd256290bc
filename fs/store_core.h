/* Inside the store: its tables and the transitions that its files share. Everything here needs
 * store.lock, unless it says otherwise. A transition touches one job and what it names; what follows for
 * other jobs is noted (note_*) and worked off by store_leave, one by one, each asked afresh. */
#pragma once

#include <pthread.h>

#include "fs/list.h"
#include "fs/store_task.h"

/* An encoded chunk, or a band (index = run). Immutable bytes. */
enum entry_list { LIST_BANDS, LIST_COARSE, LIST_CHUNKS };

enum { LIST_COUNT = LIST_CHUNKS + 1 };

struct entry {
	struct table_node node; /* in entries[list == LIST_BANDS] */
	struct link lru;	/* in its list while it has no hand and no pin */
	enum entry_list list;
	struct store_key key;
	void *bytes;
	uint64_t len, charge; /* charge: size of the buffer */
	unsigned hands;	      /* replies being written */
	unsigned pins;	      /* handles that pin it */
	bool gone;	      /* no longer in the table; freed with its last hand */
};

enum waiter_state { WAITER_WAITING, WAITER_SILENT };

struct waiter {
	struct table_node node; /* by serial, where that is not 0 */
	struct link in_flight, timed, interrupted;
	struct flight *flight;
	struct get get;
	enum waiter_state state;
	uint64_t since, deadline;
	int pid; /* of an interrupted caller, 0: none */
	/* once answered */
	struct link answered;
	struct answer answer;
	struct entry *hand;
};

enum flight_state { FLIGHT_WAIT, FLIGHT_MAKE };

struct flight {
	struct table_node node;
	struct link in_job; /* wanted or next */
	struct link waiters;
	struct store_key key;
	struct job *job;
	uint32_t k;
	enum flight_state state;
	uint64_t seq;
};

enum job_state { JOB_QUEUED, JOB_RUN, JOB_STOP };
enum job_phase { PHASE_PREPARE, PHASE_DECODE, PHASE_CUT, PHASE_LOOK, PHASE_LADDER };

/* A finished chunk that waits in its slot for room in the cache. */
struct landing {
	struct landing *next;
	struct store_key key;
	struct flight *flight; /* NULL: offered, nobody asked */
	void *bytes;
	uint64_t len, capacity;
};

/* A piece that was fetched and waits to be decoded. */
struct got {
	uint32_t piece;
	void *raw;
};

enum leaf_state { LEAF_FREE, LEAF_PREPARE, LEAF_DECODE, LEAF_DONE };

/* A run on its way into a band. */
struct leaf {
	struct store_key run;
	enum leaf_state state;
	void *band;	 /* stays from one leaf of a ladder to the next */
	bool cold;	 /* what is not in memory has to be fetched, and so has all that follows */
	bool hole;	 /* part of the band is empty and will not be known to be bad for good */
	uint32_t *again; /* pieces that a worker did not find in memory; room for `threads` */
	struct got *got; /* oldest first; room for `raws` */
	unsigned n_again, n_got;
	uint32_t pieces, pieces_issued, pieces_left;
};

enum { LEAVES = 2 };

struct job {
	struct table_node node; /* in the run table: new flights may join */
	bool joinable;
	struct link queued, running, ready, fetchable, doubtful; /* queues of the store */
	struct link wanted, next;				 /* flights */
	struct store_key run;
	uint32_t lone;
	enum job_class class;
	enum job_state state;
	enum job_phase phase;
	uint64_t seq, t0;
	unsigned overtaken; /* passes that came later and went first */
	uint64_t
		linger_until; /* a pass that nobody waits for goes on until then; 0: somebody does */
	struct run_cost cost;
	uint64_t reserved;
	unsigned bands, lanes, slots, raws;
	unsigned tasks_out, slots_out, raws_out;
	unsigned fetches_out; /* not among tasks_out */
	uint64_t bytes_fetched;
	void *lists;		  /* of the leaves */
	struct leaf leaf[LEAVES]; /* without a ladder the first one is the run itself */
	struct ladder *ladder;	  /* NULL: the chunks are cut from the band */
	bool issued;		  /* the one task of PHASE_PREPARE or PHASE_LOOK is out */
	uint8_t *emitted;	  /* a bit a chunk */
	uint8_t *
		failed; /* likewise, in the same allocation: chunks that need what this job could not read */
	uint32_t n_failed;
	struct landing *landings;
	unsigned making; /* flights in FLIGHT_MAKE */
	int stop;	 /* atomic copy of state == JOB_STOP, a hint for workers */
};

enum { MEMO_SLOTS = 512 };

struct memo_page {
	struct table_node node;
	struct link age;
	uint32_t image, level;
	uint64_t first;
	uint32_t size[MEMO_SLOTS]; /* 0: not known */
};

/* A buffer to be freed after the lock is dropped. */
struct spent {
	void *buf;
	uint64_t size; /* SPENT_RAW: what a fetch brought; SPENT_BLOCKS: of a ladder */
};

#define SPENT_RAW    0
#define SPENT_BLOCKS UINT64_MAX

enum { EARLY_COUNT = 256, LONE_COUNT = 64, VISITED_COUNT = 1024 };

struct store {
	pthread_mutex_t lock;
	struct store_config config;
	const struct store_ops *ops;
	void *ctx;
	enum store_fault fault;
	bool closed;

	struct table flights, runs, entries[2], serials, bad, memo;
	struct link queue[CLASS_AHEAD + 1]; /* jobs in order of seq */
	struct link running;
	struct job *pass; /* the running one, until it has given everything back */
	struct link ready[CLASS_AHEAD + 1];	/* jobs with a task to hand out, in order of seq */
	struct link fetchable[CLASS_AHEAD + 1]; /* jobs with a fetch to hand out, likewise */
	unsigned low_fetches_out;		/* of other classes than the foreground */
	struct link doubtful;			/* jobs that may have nobody left */
	struct link timed, interrupted;		/* waiters */
	struct link lru[LIST_COUNT];		/* entries, oldest first */
	struct link memo_pages;
	struct handle *pinned_first, *pinned_last; /* most recently read first */
	bool any_bad;				   /* atomic: something was found bad once */
	bool admit; /* something was given back, or somebody new waits */

	uint64_t seq, serial;
	uint64_t charge, reserved, pinned_bytes, memo_bytes, listed, list_bytes[LIST_COUNT];
	unsigned parked;
	struct {
		uint64_t serial;
		int pid;
	} early[EARLY_COUNT];
	unsigned n_early;
	uint64_t lone_runs[LONE_COUNT];
	struct {
		uint64_t hash, at;
	} visited[VISITED_COUNT]; /* runs that somebody asked for, and when in terms of `visits` */
	uint64_t visits;
	bool in_tick;
	uint64_t late_by_tick; /* what the tick did although an earlier event should have */
	struct store_stats stats;

	/* what store_leave does after the lock is dropped */
	struct link answered;
	struct spent *spent;
	size_t n_spent, cap_spent;
	unsigned wake, wake_pass, wake_fetchers;
	bool wake_clock;
};

void store_enter(struct store *s);
/* Works off what was noted, drops the lock, answers, frees, wakes; comes back when nothing is left. */
void store_leave(struct store *s);

bool same_key(const struct store_key *a, const struct store_key *b);
uint64_t key_hash(const struct store_key *k);
static inline uint64_t store_now(struct store *s)
{
	return s->ops->now(s->ctx);
}

void spend(struct store *s, void *buf, uint64_t size); /* to the pool, once the lock is dropped */
void spend_raw(struct store *s, void *raw);
void spend_blocks(struct store *s, void *blocks);

/* The counters of the level of a chunk. */
static inline struct store_level *store_level(struct store *s, const struct store_key *key)
{
	return &s->stats.level[key->level < STORE_LEVELS ? key->level : 0];
}

static inline bool bit_is_set(const uint8_t *bits, uint64_t k)
{
	return (bits[k / 8] >> (k % 8) & 1) != 0;
}

static inline void bit_set(uint8_t *bits, uint64_t k)
{
	bits[k / 8] |= (uint8_t)(1 << (k % 8));
}

/* Into a queue of jobs, the oldest first. */
#define INSERT_BY_SEQ(head, j, member)                                                             \
	do {                                                                                       \
		struct link *at_ = (head)->prev;                                                   \
		while (at_ != (head) && CONTAINER(at_, struct job, member)->seq > (j)->seq)        \
			at_ = at_->prev;                                                           \
		list_insert_before(at_->next, &(j)->member);                                       \
	} while (0)

/* A LOOKUP holds up others who want the same name and cannot be killed meanwhile, so it waits no longer than
 * this; the work goes on for as long again, for the GETATTR or OPEN that follows. */
static const uint64_t store_look_ns = 500000000;

/* store_flight.c */
bool waiter_wants_bytes(enum wait_kind kind);
void waiter_park(struct store *s,
		 struct waiter *w); /* on its chunk's flight, which is made where there is none */
void waiter_answer(struct store *s, struct waiter *w, const struct answer *a, struct entry *hand);
void waiter_bytes(struct store *s, struct waiter *w,
		  struct entry *e); /* e NULL: done, without bytes */
void waiter_fail(struct store *s, struct waiter *w, enum answer_kind kind, int error);
void waiter_unlink(struct store *s, struct waiter *w);
bool waiter_drop_if_silent(struct store *s, struct waiter *w); /* frees it */
struct waiter *waiter_find(struct store *s, uint64_t serial);
void waiter_interrupted(struct store *s, struct waiter *w, int pid);
struct flight *flight_find(struct store *s, const struct store_key *key);
void flight_lost_waiter(struct store *s, struct flight *f);
void flight_answer(struct store *s, struct flight *f, struct entry *e); /* ends the flight */
void flight_fail(struct store *s, struct flight *f, enum answer_kind kind, int error);

/* store_job.c */
struct job *run_find(struct store *s,
		     const struct store_key *run); /* that can be joined; or NULL */
struct job *job_new(struct store *s, const struct store_key *run, uint32_t lone,
		    enum job_class class, uint64_t seq); /* NULL: out of memory */
void job_stop(struct store *s, struct job *j);
struct job *job_attach(struct store *s, struct flight *f); /* NULL: out of memory */
void job_lost_flight(struct store *s, struct job *j);
void job_check_empty(struct store *s, struct job *j);
void job_start(struct store *s, struct job *j); /* after its grant */
void job_drop_queued(struct store *s, struct job *j);
/* Nothing that the job does can succeed: its flights fail with the errno value. */
void job_abort(struct store *s, struct job *j, int error);
void job_refresh(struct store *s, struct job *j); /* puts it on or off the ready list */
void job_step(struct store *s, struct job *j);	  /* ends it where nothing is left to do */

bool job_has_nobody(const struct job *j);
/* The flight, if any, is being made from now on; the task encodes its chunk. */
void job_make(struct job *j, struct flight *f, struct task *t);

/* store_fetch.c: how a leaf comes into its band */
bool leaf_lists_new(const struct store *s, struct job *j);
void leaf_start(struct leaf *l, const struct store_key *run, uint32_t pieces);
unsigned fetch_ready(const struct job *j); /* fetches to hand out now */
unsigned decode_ready(const struct job *j);
void decode_issue(struct job *j, struct task *t);
void decode_done(struct store *s, struct job *j, struct task *t);
void fetch_done(struct store *s, struct job *j, struct task *t);
void fetch_drop(struct store *s, struct job *j); /* what was fetched and will not be decoded */

/* store_ladder.c: jobs that reduce leaves to coarser levels */
bool ladder_new(struct store *s, struct job *j);
void ladder_free(struct store *s, struct job *j);
void ladder_start(struct store *s, struct job *j);
unsigned ladder_oldest(const struct job *j); /* of its leaves */
unsigned ladder_ready(const struct job *j);
bool ladder_open_at(const struct job *j, unsigned level, uint64_t run,
		    const uint64_t *above); /* see pass_for */
bool ladder_issue(struct store *s, struct job *j, struct task *t);
void ladder_task_done(struct store *s, struct job *j, struct task *t);
void ladder_step(struct store *s, struct job *j); /* what can begin, begins */
bool ladder_emits_the_last(
	const struct job *j); /* all is reduced, some chunks are not encoded yet */
bool ladder_ended(const struct job *j);
/* A leaf of it cannot be read there. Without memory to remember that, none of its chunks is made. */
void ladder_remember(struct job *j, unsigned leaf, const struct spot *spot);

/* store_pass.c: ladders over more than an ordinary job may decode; one at a time */
struct job *pass_candidate(const struct store *s);
uint64_t
pass_set_aside(const struct store *s); /* what the foreground leaves to a pass that waits */
void pass_granted(struct store *s, struct job *j);
/* The running pass, where it will emit the chunk and the chunk may wait for that; or NULL. */
struct job *pass_for(struct store *s, const struct store_key *chunk);
void pass_linger(struct store *s, struct job *j);
void pass_tick(struct store *s);

/* store_ahead.c */
/* Somebody asks for a run: the one after it is started where the one before was asked for lately. */
void ahead_follow(struct store *s, const struct store_key *run);
void ahead_promote(struct store *s, struct job *j); /* somebody waits for it now */
void ahead_give_way(struct store *s);		    /* the foreground waits for memory */

/* store_budget.c */
static const uint64_t budget_patience_ns =
	100000000; /* after that a job may be granted less than its wish,
						       * and nobody younger gets memory before it */
uint64_t budget_limit(const struct store *s);
uint64_t budget_least(const struct job *j); /* its smallest reservation */
void budget_admit(struct store *s);
void budget_release(struct store *s, struct job *j, uint64_t bytes);
/* More room for fetched pieces, as far as nobody else wants the memory. */
void budget_widen(struct store *s, struct job *j);

/* store_cache.c */
struct entry *cache_find(struct store *s, const struct store_key *key, bool band);
/* True when `need` more bytes can be charged, after eviction. */
bool cache_make_room(struct store *s, uint64_t need);
/* The same for a chunk of level 1 that nobody asked for: no coarser one is evicted for it. */
bool cache_make_room_for_offer(struct store *s, uint64_t need);
/* Adds an entry whose charge was added by the caller; NULL: out of memory (the buffer stays the caller's). */
struct entry *cache_add(struct store *s, const struct store_key *key, enum entry_list list,
			void *bytes, uint64_t len, uint64_t charge);
void *cache_take_band(struct store *s, struct entry *e);
void cache_touch(struct store *s, struct entry *e);
void cache_hand(struct store *s, struct entry *e);
void cache_hand_back(struct store *s, struct entry *e);
void cache_pin(struct store *s, struct entry *e, struct handle *h);
void cache_unpin(struct store *s, struct handle *h);
void cache_evict_all(struct store *s);

/* store_memo.c: sizes of chunks that were made */
void memo_put(struct store *s, const struct store_key *key, uint64_t size);
uint64_t memo_get(struct store *s, const struct store_key *key); /* 0: not known */
bool memo_drop_oldest(struct store *s);
void memo_clear(struct store *s);

/* store_damage.c */
enum bad_put {
	BAD_NEW,
	BAD_KNOWN,
	BAD_FORGOTTEN, /* no memory for it, or its plane has too many: it has to be found again */
};
enum bad_put bad_put(struct store *s, const struct spot *spot, int error, uint64_t until);
/* errno or 0; *for_good: it will not be forgotten. */
int bad_get(struct store *s, const struct spot *spot, bool *for_good);
int bad_for_chunk(struct store *s, const struct store_key *key);
void bad_clear(struct store *s);
