/* Images whose planes lie in several files as one of them, or a file beside them, tells: OME-TIFF by UUIDs,
 * companions, MMStack, NDTiff. Found before names are interpreted. Internal to the scan. */
#pragma once

#include "meta/draft.h"
#include "meta/walk.h"

/* Adds the images of all sets to `ds`. What belongs to a set is taken out of the folders of `w`: its files stand behind
 * those of all folders, or of none. -ENOMEM, -EIO .. with the sentence. */
int sets_find(struct drafts *ds, struct walk *w, bool labels, struct err *err);
