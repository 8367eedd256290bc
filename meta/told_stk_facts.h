/* What an STK says of its planes together. Internal to meta/told_stk*.c. */
#pragma once

#include "meta/told_stk_uic.h"

/* Along which axis planes that are more than one lie. -ENOMEM. */
int stk_axis(const struct stk *k, enum told_axis *out);

/* Fills the facts of an image that has none. Errors as of reading. */
int stk_facts(const struct told_source *s, const struct stk *k, struct told_image *im,
	      struct err *err);
