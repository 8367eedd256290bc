/* Which axes the sizes of a shape are. Internal to told_shaped*.c. */
#pragma once

#include "meta/told_shaped_text.h"

/* Gives each size an axis (TOLD_AXES where it is 1 and of no axis that is known). A lone one without a name is z.
 * -EINVAL: several could be any axis; `name` is the file's, for a pattern that says it, unless pages are not the
 * planes (NULL). -ENOMEM. */
int shaped_axes(const struct shaped *s, const char *name, enum told_axis axis[SHAPED_DIMS],
		struct err *err);
