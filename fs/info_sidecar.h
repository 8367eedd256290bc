/* The side-car in `ngffuse info`: what it gave, and one that says all that was found. */
#pragma once

#include "fs/options.h"

/* A side-car with every key that one may hold: facts as they are (unknown ones, and such as only some of the images have,
 * are null), other options as they were given (else null). Saved, it gives the same images. Allocated; NULL: out of memory. */
char *info_sidecar(const struct dataset *d, const struct options *o);

/* A row for people: the path, the keys that hold and those that are overridden. Nothing where there is no side-car. */
void info_sidecar_row(const struct options *o, struct text *t);

/* The same as a member "sidecar" of a cJSON object. False: out of memory. */
struct cJSON;
bool info_sidecar_add(const struct options *o, struct cJSON *to);
