/* Reading one piece: what the files produce_*.c share. Everything returns 0 or -errno; -EAGAIN: not without
 * waiting (a fetch without it), or not fetched. */
#pragma once

#include "fs/fetched.h"
#include "fs/produce.h"

/* One piece on its way from the file into the band. */
struct reading {
	const struct plant *plant;
	struct bench *bench; /* NULL while fetching */
	struct task *task;   /* NULL: for a sample, which reports nothing */
	uint32_t image;
	const struct image *im;
	const struct piece *piece;
	struct file_lease lease;
	struct reader from;	   /* tags and stored units: the lease's, or what was fetched */
	const struct reader *rows; /* rows that need no decoder */
	struct fetched *fetched;   /* NULL: units are read one by one as they are decoded */
	struct tiff_page page;
	struct reader_bytes tables;
	uint8_t fill[8];  /* a sparse voxel */
	bool no_fill;	  /* it is none that the image can have */
	uint64_t pixel;	  /* bytes of the band's pixel: samples x voxel */
	bool same_layout; /* the page's units are numbered as the image's */
	bool oversized;	  /* its units need more memory than the job reserved for one */
	uint64_t strips;
	uint64_t error_ns; /* how long it took to find that something cannot be read */
	int worst;	   /* first error that was taken note of */
	unsigned n_bad;	   /* errors that were taken note of */
};

/* Work on n units of the page, from column ux of unit row uy on: of tiles a row, of strips a column. */
typedef int units_work(struct reading *r, uint64_t ux, uint64_t uy, const struct tiff_unit *units,
		       size_t n, struct err *err);

/* produce_piece.c */
void reading_init(struct reading *r, const struct plant *p, struct task *t, uint32_t image,
		  const struct piece *piece);
void reading_done(struct reading *r);
bool reading_needs_file(struct reading *r); /* else its plane is missing, or known to be bad */
int reading_page(struct reading *r, struct err *err); /* header, JPEG tables, sparse voxel */
int reading_units(struct reading *r, units_work *work, struct err *err);
bool reading_known_bad(struct reading *r, uint64_t unit);
/* Takes note of a strip or tile (SPOT_ALL: a plane) that cannot be read. */
void reading_bad(struct reading *r, uint64_t unit, int code, const struct err *err);
void reading_fill(const struct reading *r, uint64_t y0, uint64_t y1, uint64_t x0, uint64_t x1,
		  const void *voxel);
uint64_t reading_unit_number(const struct reading *r, uint64_t ux, uint64_t uy);

/* produce_raw.c: strips that are rows of voxels as they lie in the file */
units_work raw_strips;
