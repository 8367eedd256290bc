/* Where the OME-XML of a file is: in its description, or in the companion that this names. */
#pragma once

#include "meta/ome_xml.h"

struct ome_doc {
	struct ome_xml xml;
	char *uuid; /* of the file that was asked, "": none; xml.uuid may be its companion's */
	bool companion; /* the text stands in a file of its own, so that nothing in it is about "this file" */
	bool bare; /* some TiffData names no file */
};

/* 1: there is one; 0: there is none, or a note says why it is ignored; errors as of told_reader. */
int ome_doc_read(const struct told_source *s, struct ome_doc *out, struct told *told,
		 struct err *err);
void ome_doc_done(struct ome_doc *d);
