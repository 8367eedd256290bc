/* Where the planes of a source file lie in it. Internal to the scan and the first look. */
#pragma once

#include "meta/image.h"
#include "meta/told.h"

/* In place of an IFD's offset. */
#define PLACE_FIRST UINT64_C(0)	     /* the first IFD, whatever the header says */
#define PLACE_NONE  UINT64_MAX	     /* nothing claims this plane */
#define PLACE_LOST  (UINT64_MAX - 1) /* claimed, but the file has no such page */

/* Makes v[n] (taken over, also where this fails) what the plane numbers of `f` count, in place of what was there. */
void places_set(struct source_file *f, struct tiff_place *v, uint32_t n);

/* The place of plane `number`; PLACE_FIRST is not left in it. -EBADMSG: the file has no such page. */
int places_get(const struct source_file *f, uint32_t number, const struct tiff_header *h,
	       struct tiff_place *out, struct err *err);

/* Is the page at this offset one of the planes? */
bool places_has(const struct source_file *f, uint64_t ifd);

/* False: the list says that nothing claims this plane. */
bool places_claims(const struct source_file *f, uint32_t number);

/* Where a plane that is told of a file with this main chain lies in it. */
struct tiff_place places_told(const struct told *t, const struct told_plane *p,
			      const uint64_t *chain, uint32_t n_chain);

/* The same for all planes of all images of `t`, which tells of its own file alone, one after another.
 * -ENOMEM. */
int places_set_told(struct source_file *f, const struct told *t, const uint64_t *chain,
		    uint32_t n_chain);

void places_done(struct source_file *f);
