/* The store answers two questions that are one: the bytes of a chunk, and how many they are. FUSE, `cat`
 * and later clients ask it; none of them knows how bytes are made. It owns every job, the budget and the
 * caches; the rules are in HACKING.md, "The store". Any thread may call anything here, with no lock held.
 * Callbacks run on any thread, outside all locks, exactly once for each get. */
#pragma once

#include "codec/base.h"
#include "codec/err.h"

struct store;
struct store_ops;

/* A chunk, or with level STORE_FIRST_LOOK the first look at an image (index 0, no bytes). */
struct store_key {
	uint32_t image, level;
	uint64_t index; /* linear chunk index in the level's grid */
};

enum { STORE_FIRST_LOOK = 255 };

enum wait_kind {
	WAIT_LOOK, /* size, answered with the bound after half a second */
	WAIT_ATTR, /* size */
	WAIT_OPEN, /* bytes, pinned for a handle */
	WAIT_READ, /* bytes of a handle whose pin was taken away */
	WAIT_TAKE, /* bytes, used before the callback returns */
};

enum answer_kind {
	ANSWER_BYTES, /* bytes and len; valid until the callback returns (pinned: until unpinned) */
	ANSWER_BOUND, /* len is the largest size that the chunk can have; work goes on */
	ANSWER_FAILED,	  /* error: errno value; len: the bound */
	ANSWER_CANCELLED, /* by store_cancel, store_interrupt or shutdown (error: EINTR, EIO) */
};

struct answer {
	enum answer_kind kind;
	int error;
	const uint8_t *bytes;
	uint64_t len;
};

/* An open file: holds a pin on its chunk's bytes for as long as the budget allows. */
struct handle {
	struct store_key key;
	struct entry *entry;	    /* the store's; NULL: not pinned */
	struct handle *prev, *next; /* among the handles that pin, most recently read first */
};

struct get {
	struct store_key key;
	enum wait_kind kind;
	struct handle *handle; /* for WAIT_OPEN and WAIT_READ */
	uint64_t serial;       /* from store_serial; 0: cannot be interrupted */
	void (*done)(void *data, const struct answer *a);
	void *data;
};

/* A number for one request, to be given to the interrupt callback before store_get is called. */
uint64_t store_serial(struct store *s);

/* The exact size where it is known without work (raw codec, remembered, cached). */
bool store_size_known(struct store *s, struct store_key key, uint64_t *size);

/* The largest size that the chunk can have. */
uint64_t store_bound(struct store *s, struct store_key key);

/* Answers at once on this thread, or later from another. */
void store_get(struct store *s, const struct get *g);

/* Bytes of a handle for one READ: from its pin, or as store_get with WAIT_READ. */
void store_read(struct store *s, struct handle *h, const struct get *g);

/* Ends a handle's pin (RELEASE, or an OPEN whose reply did not arrive). */
void store_unpin(struct store *s, struct handle *h);

/* The request `serial` need not be answered any more. */
void store_cancel(struct store *s, uint64_t serial);

/* A signal arrived at the process `pid` that waits for `serial`: cancelled when the process is being
 * killed, now or later; else it goes on waiting. Takes a lock for a moment only; never answers by itself. */
void store_interrupt(struct store *s, uint64_t serial, int pid);

enum { STORE_LEVELS = 64 }; /* levels are below */

/* Counters for status.json; see fs/status.c. */
struct store_level {
	uint64_t made, remade, hits, joined, evicted, failed, bytes;
};

struct store_stats {
	struct store_level
		level[STORE_LEVELS]; /* all images together; first looks count as level 0 */
	bool pass;		     /* one is under way */
	struct store_key pass_run;
	uint64_t pass_fetched; /* bytes */
	uint64_t planes_decoded, strips_decoded, bytes_fetched;
	uint64_t memory_now, memory_peak, budget, reserved, pinned, cached;
	uint64_t parked, queued, running;
	uint64_t longest_ms; /* of the requests that wait now */
	struct store_key longest;
};
void store_stats(struct store *s, struct store_stats *out);
