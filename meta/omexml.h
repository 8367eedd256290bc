/* What an OME-XML says about planes: sizes, channels, and which IFD of which file holds which plane.
 * Schemas of 2003 to 2016-06; names are compared without their namespace prefix. Streaming, bounded;
 * documents with a DTD are refused, so that no entity is ever expanded. */
#pragma once

#include "codec/err.h"
#include "codec/text.h"

enum { OMEXML_MAX_BYTES = 64 << 20, OMEXML_MAX_DEPTH = 64, OMEXML_MAX_TIFFDATA = 1 << 20 };

enum ome_axis { OME_Z, OME_C, OME_T, OME_AXES };

/* One TiffData: `count` planes from plane `first` on lie in the IFDs from `ifd` on. */
struct ome_tiffdata {
	uint64_t first[OME_AXES];
	uint64_t ifd, count;
	bool has_ifd, has_count;
};

struct omexml {
	/* BinaryOnly@MetadataFile: the planes are told elsewhere. s NULL: there is none. */
	struct text binary_only;
	/* A file that a TiffData names and that is not this one. s NULL: there is none. */
	struct text other_file;
	uint32_t n_pixels;	       /* Pixels elements; what follows describes the first */
	uint64_t size[OME_AXES];       /* 0: absent or no number */
	uint32_t n_channels;	       /* Channel elements */
	uint64_t channel_samples;      /* sum of their SamplesPerPixel; 0: one of them says none */
	bool channels_differ;	       /* in samples */
	bool no_pixels_here;	       /* BinData or MetadataOnly */
	struct ome_tiffdata *tiffdata; /* in document order */
	size_t n_tiffdata;
};

/* -EBADMSG: not well-formed (line and column in the sentence), or no OME; -ENOTSUP: DTD, too deep, too
 * long, too many TiffData; -ENOMEM. *out is to be given to omexml_done in every case. */
int omexml_parse(const char *text, size_t len, struct omexml *out, struct err *err);
void omexml_done(struct omexml *x);

/* 0 where the document claims no more than n_pages pages of `samples` samples each show: as many planes, in
 * order, along one axis. -ENOTSUP with a sentence; -ENOMEM. */
int omexml_check(const struct omexml *x, uint32_t samples, uint32_t n_pages, struct err *err);
