/* The engine: a store over a dataset, its workers and its clock. What a mount, `cat` and `info` share. */
#pragma once

#include "fs/store.h"
#include "meta/scan.h"
#include "meta/tree.h"

enum damaged { DAMAGED_ERROR, DAMAGED_FILL };

struct engine_config {
	uint64_t memory; /* 0: by the design's default */
	unsigned threads; /* 0: all cores */
	enum damaged damaged;
	bool codec_auto; /* else `encode` holds for every image */
	enum codec codec;
	int codec_level;
	struct scan_options scan;
};

struct engine {
	struct dataset *data;
	struct store *store;
	struct engine_parts *parts; /* workers, clock, pool, files */
	struct engine_config config;
};

/* Starts nothing yet: threads do not survive a fork. -EINVAL with the number that would do where the
 * budget is too small. */
int engine_new(struct dataset *data, const struct engine_config *config, struct engine *out, struct err *err);
int engine_start(struct engine *e, struct err *err);

/* Answers what waits with EIO, ends the workers, frees the store and the dataset. */
void engine_stop(struct engine *e);

/* The first look at an image now, on this thread (before the threads start): scan, codec and windows. */
int engine_look(struct engine *e, size_t image, struct err *err);

/* The budget in force, in bytes. */
uint64_t engine_budget(const struct engine *e);
