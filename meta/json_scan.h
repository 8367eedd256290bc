/* A cursor over a JSON text that a program wrote, of any size and perhaps cut off: values are taken where they are
 * asked for and passed over otherwise, nothing is kept. It is lenient: what reads well means what JSON says, but
 * not all that is no JSON is found. For texts that people write: meta/json_read.h. */
#pragma once

#include "codec/text.h"

struct json_scan {
	const char *s, *end;
	bool bad; /* what was there is not what was asked for, or the text ends; nothing is taken any more */
};

/* A string as it stands between its quotes. */
struct json_word {
	const char *s;
	size_t n;
};

static inline struct json_scan json_scan_of(const char *s, size_t n)
{
	return (struct json_scan){ .s = s, .end = s + n };
}

/* What comes next: '{', '[', '"', '0' (a number), 'n' (null, true, false); 0: no value. */
char json_scan_kind(struct json_scan *j);

/* Into an object or array. False: another value, which is passed over, or none. */
bool json_scan_enter(struct json_scan *j, char bracket);

/* To the next member of the object that was entered: true, and its value comes next. False: its end is passed, or
 * j->bad. */
bool json_scan_member(struct json_scan *j, struct json_word *key);

/* Likewise in an array. */
bool json_scan_item(struct json_scan *j);

void json_scan_skip(struct json_scan *j);

/* Those that follow take one value. False: it is another one, which was passed over, or none. */

bool json_scan_word(struct json_scan *j, struct json_word *out);

/* A number, also one in quotes. */
bool json_scan_real(struct json_scan *j, double *out);

/* A number without fraction and exponent. */
bool json_scan_int(struct json_scan *j, int64_t *out);

bool json_word_is(const struct json_word *w, const char *s);

/* Adds what it means, as valid UTF-8 without control characters; U+FFFD stands for what is none. */
void json_word_text(const struct json_word *w, struct text *out);
