/* The engine: a store over a dataset, its workers and its clock. What a mount, `cat` and `info` share. */
#pragma once

#include "fs/store.h"
#include "meta/scan.h"
#include "meta/tree.h"

enum damaged {
	DAMAGED_ERROR,
	DAMAGED_POISON, /* an error for the store; who serves the chunk gives poison_fill's bytes */
	DAMAGED_FILL,
};

struct options;

struct engine_config {
	uint64_t memory;  /* 0: by the design's default */
	unsigned threads; /* 0: all cores */
	enum damaged damaged;
	bool codec_auto; /* else `encode` holds for every image */
	enum codec codec;
	int codec_level;
	bool unsampled; /* windows and codecs are of no interest (`check`): no sample but of labels */
	bool parse_all; /* every file of every image is parsed at once (`info`) */
	struct scan_options scan;
	/* Of the command line, which overrides side-cars of single images; NULL: none are read. */
	const struct options *options;
};

struct engine {
	struct dataset *data;
	struct store *store;
	struct engine_parts *parts; /* workers, clock, pool, files */
	struct engine_config config;
};

/* Looks at the first images (up to ENGINE_FIRST_LOOKS; the others when somebody asks for them) and makes
 * the store. No thread yet: threads do not survive a fork. On success the engine owns the dataset.
 * -ENOBUFS with the number that would do where --memory is too small; -ENOMEM. */
int engine_new(struct dataset *data, const struct engine_config *config, struct engine *out,
	       struct err *err);

enum { ENGINE_FIRST_LOOKS = 64 };

int engine_start(struct engine *e, struct err *err);

/* Answers what waits with EIO, ends the threads, frees the store and the dataset. False where a read hangs:
 * then a thread still uses all of it, nothing is freed, and the process should end by _exit. */
bool engine_stop(struct engine *e);

/* The first look at an image on this thread, where it did not take place yet (not while workers run):
 * scan, windows, codec. An unusable image is its error. */
int engine_look(struct engine *e, size_t image, struct err *err);

/* The key of a chunk of a level as it is shown. */
struct store_key engine_key(const struct dataset *d, uint32_t image, unsigned level,
			    uint64_t index);

struct file_in_use;
void engine_longest_file(const struct engine *e, struct file_in_use *out); /* as files_longest */

/* The budget in force, in bytes. */
uint64_t engine_budget(const struct engine *e);
