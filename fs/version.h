/* `ngffuse -V`: the program, its libraries, and which TIFF compressions they can decode. */
#pragma once

#include "codec/text.h"

const char *version_string(void); /* "0.1.0" */

/* All lines of -V. Appended. */
void version_print(struct text *t);
