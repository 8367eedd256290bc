/* Where the planes of an Image are. */
#pragma once

#include "meta/told_ome_files.h"

/* What goes from one Image to the next. */
struct ome_layout {
	const struct told_source *s;
	const struct ome_doc *doc;
	struct ome_files *files;
	struct told *out;
	uint64_t
		next_page; /* of a document without any TiffData: its images lie one after another */
	uint64_t planes;   /* of all images until now */
	unsigned notes;	   /* on images */
	uint64_t work;	   /* how often a plane was claimed, again and again included */
};

/* The first page of the Image, where that is in the file that was asked, else NULL. */
struct ome_first_page {
	const struct tiff_page *page;
	struct tiff_page own; /* what `page` may point to */
	uint16_t samples;     /* of it, or what they probably are; 0: not known */
};

/* A note on the Image number `i`; those beyond the twentieth are left out. */
void ome_note(struct ome_layout *l, size_t i, const char *fmt, ...) PRINTF(3, 4);

/* 0, also where nothing is known of it; errors of failing storage. */
int ome_first_page(const struct ome_layout *l, const struct ome_image *im,
		   struct ome_first_page *out, struct err *err);

/* Adds the Image number `i` to l->out. 1; 0: it has no planes, which a note says. -EOVERFLOW: too many planes;
 * -ENOMEM. `err` is not NULL. */
int ome_planes(struct ome_layout *l, size_t i, const struct ome_first_page *first, struct err *err);
