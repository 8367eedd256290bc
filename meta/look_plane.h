/* Pages of an image read one after another, the last file kept open. Internal to the first look. */
#pragma once

#include "codec/reader_buffered.h"
#include "meta/image.h"

struct look_file {
	const struct dataset *d;
	uint32_t file; /* PLANE_GAP: none open */
	int fd;
	struct reader_buffer buffer;
	struct reader reader; /* of the open file */
	struct tiff_header header;
};

/* `f` must stay where it is until it is done. */
void look_file_init(struct look_file *f, const struct dataset *d);
void look_file_done(struct look_file *f);

/* Opens the file of the plane unless it is open. The sentence has the file's name in front. */
int look_file_open(struct look_file *f, const struct plane *p, struct err *err);

/* The page of a plane of the image as it stands, of whatever kind. -EBADMSG, -EIO, .. with the file's name in front. */
int look_page(struct look_file *f, const struct image *im, const struct plane *p,
	      struct tiff_page *out, struct err *err);

/* Leaves nothing in it that lies in one file: each plane has its own. */
void look_forget_file(struct tiff_page *p);

/* True where the two can be planes of one image: kind, type and planar or not. */
bool look_compatible(const struct tiff_page *a, const struct tiff_page *b);

/* "100 x 200 uint8", "100 x 200 x 3 uint8", "100 x 200 uint8 (palette)"; appended. */
struct text;
void look_describe(struct text *t, const struct tiff_page *p);
