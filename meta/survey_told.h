/* The part of a survey that takes what files tell. Internal to the survey. */
#pragma once

#include "meta/survey.h"
#include "meta/tell.h"

/* Takes what the first readable file, `member`, tells, as far as it is of use: facts, planes, a refusal. */
void survey_take_told(const struct drafts *ds, size_t first, const struct name_image *ni,
		      struct telling *t, uint32_t member, struct survey *out);

/* The planes of a lone file that tells them, and its pages that are none. -ENOMEM. */
int survey_told_lone(struct dataset *d, struct source_file *f, const struct pages *p,
		     const struct told *t);

/* One of several files that each tell planes: the same as the first one, or `equal` ends. -ENOMEM. */
int survey_told_one(struct source_file *f, size_t member, const struct pages *p,
		    const struct telling *t, struct survey *out);
