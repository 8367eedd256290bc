/* The lines of ScanImage's settings. Internal to told_scanimage*.c. */
#pragma once

#include "codec/text.h"

enum { SCAN_CHANNELS = 64 };

struct scan_settings {
	bool sure; /* the newer kind, whose numbers are those of what was stored */
	/* Channels that were saved, by their numbers (0: only how many there are is known). */
	unsigned channels, number[SCAN_CHANNELS];
	uint64_t frames;     /* of a slice, as they were stored; UINT64_MAX: without end */
	uint64_t slices;     /* 0: not told */
	uint64_t per_volume; /* frames of a volume with those that the way back took; 0: not told */
	double z_step;	     /* micrometer; 0: not told */
	double frame_step;   /* seconds; 0: not told */
};

/* False: there is no line of the channels, without which nothing else tells an order. */
bool scan_settings_read(const char *text, struct scan_settings *out);
