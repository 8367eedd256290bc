/* The parsers that are linked in, for `ngffuse -V`. */
#pragma once

#include "codec/text.h"

/* "cJSON 1.7.15, expat 2.5.0"; appended. */
void meta_versions(struct text *t);
