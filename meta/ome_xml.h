/* What an OME-XML says: images with their sizes, channels and times, and which IFD of which file holds which plane.
 * Schemas of 2003 to 2016-06; names are compared without their namespace prefix. Streaming, bounded; documents with a
 * DTD are refused, so that no entity is ever expanded. */
#pragma once

#include "meta/told.h"

enum {
	OME_XML_MAX_BYTES = 64 << 20,
	OME_XML_MAX_DEPTH = 64,
	OME_XML_MAX_IMAGES = 1 << 16,
	OME_XML_MAX_CHANNELS = 1 << 18,
	OME_XML_MAX_TIFFDATA = 1 << 20,
	OME_XML_MAX_DELTAS = 1 << 20, /* those beyond are passed over */
};

#define OME_XML_NO_FILE UINT32_MAX

/* A number as it is spelled, with the word for its unit. */
struct ome_quantity {
	bool told;
	double value;
	char unit[24]; /* cut to fit; "": not told */
};

struct ome_channel {
	char *name; /* Name, else Fluor, else the wavelength of emission; NULL: none of them */
	uint64_t samples; /* 0: not told */
	bool has_color;
	uint32_t color; /* red in the highest byte, alpha in the lowest */
};

/* One TiffData: planes from `first` on lie in the IFDs from `ifd` on. */
struct ome_tiffdata {
	uint64_t first[TOLD_AXES];
	uint64_t ifd, count;
	uint32_t file; /* index into `files`; OME_XML_NO_FILE: it has no UUID */
	bool has_ifd, has_count;
};

/* When a plane with z = 0 and c = 0 was taken. */
struct ome_delta {
	uint64_t t;
	double seconds;
};

/* One Image with its first Pixels. Ranges of the document's lists are given by the first one and how many. */
struct ome_image {
	char *name;		  /* NULL: none */
	bool has_pixels;	  /* else nothing of what follows counts */
	bool elsewhere;		  /* BinData or MetadataOnly */
	bool more_pixels;	  /* further Pixels were passed over */
	uint64_t size[TOLD_AXES]; /* at least 1; SizeC counts samples */
	uint64_t width, height;	  /* 0: not told */
	uint8_t order[TOLD_AXES]; /* axes of DimensionOrder behind X and Y, the fastest first */
	char type[20];
	unsigned bits;			 /* SignificantBits; 0: not told */
	struct ome_quantity physical[3]; /* z, y, x */
	struct ome_quantity time_increment;
	size_t channel, n_channels, tiffdata, n_tiffdata, delta, n_deltas;
};

/* What UUID elements say; each pair once. "": absent. */
struct ome_file {
	char *name, *uuid;
};

struct ome_xml {
	char *uuid;	   /* OME@UUID; "": absent; NULL: never after success */
	char *binary_only; /* BinaryOnly@MetadataFile: all else is told there. NULL: there is none */
	struct ome_image *images;
	struct ome_channel *channels;
	struct ome_tiffdata *tiffdata;
	struct ome_delta *deltas;
	struct ome_file *files;
	size_t n_images, n_channels, n_tiffdata, n_deltas, n_files;
	bool modulo[TOLD_AXES]; /* a ModuloAlongT, C, Z splits the axis */
};

/* -EBADMSG: not well-formed, no OME, or sizes, DimensionOrder or TiffData that cannot be read; -ENOTSUP: DTD, too deep,
 * too long, too much of something. The sentence begins with line and column. -ENOMEM. *out is to be given to
 * ome_xml_done in every case. */
int ome_xml_parse(const char *text, size_t len, struct ome_xml *out, struct err *err);
void ome_xml_done(struct ome_xml *x);

/* Of an image; NULL where it has none. */
static inline const struct ome_channel *ome_xml_channels(const struct ome_xml *x,
							 const struct ome_image *im)
{
	return im->n_channels > 0 ? &x->channels[im->channel] : NULL;
}

static inline const struct ome_tiffdata *ome_xml_tiffdata(const struct ome_xml *x,
							  const struct ome_image *im)
{
	return im->n_tiffdata > 0 ? &x->tiffdata[im->tiffdata] : NULL;
}
