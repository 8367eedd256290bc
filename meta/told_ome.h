/* OME-XML, in the description of a TIFF or in a companion: images of which each plane may lie in another file. */
#pragma once

#include "meta/told.h"

/* A file that is told by its UUID alone has this and the UUID in place of its path ("urn:uuid:4978087c-.."): it is
 * that file of the folder whose own OME-XML has the same text as OME@UUID, in front of which "urn:uuid:" was put where
 * it lacked. */
#define TOLD_OME_UUID "urn:uuid:"

/* A told_reader. Where the text cannot be read, or leaves no plane to be shown, a note says so, with line and column
 * where that is of use. Planes may be claimed in files that are not there and in IFDs that a file has not: these are
 * damaged; planes without a claim are gaps. */
int told_ome(const struct told_source *s, struct told *out, struct err *err);
