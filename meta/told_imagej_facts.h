/* What ImageJ's lines say beside the planes: sizes, times, values to show. Internal to told_imagej*.c. */
#pragma once

#include "meta/told.h"

struct imagej {
	const char *text;
	uint64_t n[TOLD_AXES];		 /* of the planes */
	enum told_axis order[TOLD_AXES]; /* fastest first */
};

/* Fills all of the image but its planes. -ENOMEM, or as reading. */
int imagej_facts(const struct told_source *s, const struct imagej *j, struct told *out,
		 struct told_image *im, struct err *err);
