/* OME-TIFFs that are named by their UUID alone: found among the files beside. Internal to meta/sets*.c. */
#pragma once

#include "meta/draft.h"

/* Replaces the paths "urn:uuid:.." among the files of `t`, which the file at `path` tells, by the names of those files of
 * its folder whose own OME-XML has that UUID, as far as there are such. At most 10000 files are asked. -ENOMEM. */
int sets_uuid_resolve(struct drafts *ds, const char *path, struct told *t);
