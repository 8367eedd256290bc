/* A text that grows. After an allocation failed `oom` is set and further adds do nothing, so that
 * callers check once, at the end. Not for voxels: those live in pool buffers. */
#pragma once

#include "codec/base.h"

struct text {
	char *s; /* always terminated once something was added; NULL before */
	size_t len, cap;
	bool oom;
};

void text_add(struct text *t, const char *s);
void text_addn(struct text *t, const char *s, size_t n);
void text_addf(struct text *t, const char *fmt, ...) PRINTF(2, 3);

/* "1.5 MiB", "820 KiB", "37 bytes": three digits, for people. */
void text_add_size(struct text *t, uint64_t bytes);

/* Adds bytes of a file name with invalid UTF-8 and control characters replaced by U+FFFD. */
void text_add_name(struct text *t, const char *s, size_t n);

/* Length of the valid UTF-8 sequence (RFC 3629) at text, of which n >= 1 bytes are there; 0 where there is none. */
size_t text_utf8_length(const char *text, size_t n);

void text_done(struct text *t);

/* The n bytes as a plain decimal number with optional fraction and exponent; false for anything else, also for
 * "inf" and "0x10". */
bool text_to_double(const char *s, size_t n, double *out);

/* The n bytes as decimal digits alone, without sign or blank; false, and *out untouched, for anything else and where 64
 * bits do not hold the number. */
bool text_to_u64(const char *s, size_t n, uint64_t *out);
