/* Planes by channel, slice, frame and position, and the images that they make. Internal to meta/told_mm*.c. */
#pragma once

#include "meta/told_mm_summary.h"

struct mm_plane {
	uint64_t i[TOLD_AXES];
	uint32_t position;
	uint64_t ifd;
};

struct mm_planes {
	struct mm_plane *v;
	size_t n;
};

void mm_planes_done(struct mm_planes *l);

/* -ENOMEM. */
int mm_planes_add(struct mm_planes *l, const struct mm_plane *p);

/* Whether a plane is there twice. Sorts the list. */
bool mm_planes_repeat(struct mm_planes *l);

/* From the metadata of a plane. True: they say which one it is. */
bool mm_plane_read(const char *text, size_t len, struct mm_plane *out);

/* Adds an image for each position of the list, with the facts of the summary. Of a plane that is there twice the last one
 * counts. 1; 0: the planes are too far apart, which a note says; -ENOMEM. */
int mm_planes_tell(const struct mm_planes *l, const struct mm_summary *sum, struct told *out,
		   struct err *err);
