/* What a viewer's first look at an image costs: the coarsest level, whole, of one time point. Bytes are reckoned;
 * the time is measured by making a part of it. */
#pragma once

#include "fs/engine.h"

/* The coarsest level made one way. */
struct view {
	enum level_made made;
	uint64_t decoded, stored; /* bytes: decoded, and read from the files */
	double seconds;		  /* below 0: not measured */
};

struct prediction {
	unsigned level;
	struct view made;  /* as it is */
	struct view other; /* with the other choice of --preview */
	bool has_other;
};

/* For an image that is READY and has more than one level; else false. Nothing is measured. */
bool predict_reckon(const struct image *im, struct prediction *out);

/* Adds seconds, where something could be made. The engine's threads run, and nobody else asks it for anything. Takes
 * PREDICT_NS for each of the two ways, twice that where storage or strips are slow or the engine is busy before. */
void predict_measure(struct engine *e, uint32_t image, struct prediction *p);

/* For each image its prediction, with seconds as far as two of them go; .level is 0 where there is none. Starts the
 * engine. The caller frees; NULL: out of memory. */
struct prediction *predict_all(struct engine *e);

#define PREDICT_NS UINT64_C(500000000)
