/* Attributes of OME-XML elements as expat hands them over: name, value, name, value, .. NULL. */
#pragma once

#include "meta/ome_xml.h"

/* The name without its namespace prefix. */
const char *ome_local(const char *name);

/* NULL: absent. */
const char *ome_attr(const char **atts, const char *name);

/* A number without sign. False where the attribute is there but no such number; absent, *told is false and *out 0. */
bool ome_attr_number(const char **atts, const char *name, bool *told, uint64_t *out);

/* A number with its unit, which the attribute of the same name and "Unit" tells. */
struct ome_quantity ome_attr_quantity(const char **atts, const char *name);

/* Three of "XYZCT" behind "XY", any order. False: it is none. */
bool ome_attr_order(const char **atts, uint8_t order[TOLD_AXES]);

/* Everything of a channel; -ENOMEM. */
int ome_attr_channel(const char **atts, struct ome_channel *out);
