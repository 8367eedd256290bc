/* ImageJ's description: lines of key=value, where Java escapes stand for some characters. */
#pragma once

#include "codec/text.h"

/* True for what ImageJ and SCIFIO write. */
bool imagej_is_text(const char *text);

/* The value of the first line `key=..`, as it stands there. False: there is no such line. */
bool imagej_find(const char *text, const char *key, const char **value, size_t *n);

/* A whole number above 0. False: there is no such line, or another value. */
bool imagej_count(const char *text, const char *key, uint64_t *out);

/* A finite number. */
bool imagej_real(const char *text, const char *key, double *out);

/* Adds a value with its escapes resolved, as UTF-8: "\u00B5m" -> "µm". */
void imagej_unescape(struct text *out, const char *value, size_t n);
