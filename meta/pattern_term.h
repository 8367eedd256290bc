/* What a pattern is made of. Internal to patterns. */
#pragma once

#include "meta/pattern.h"

enum term_kind {
	TERM_LITERAL,
	TERM_DIGITS,  /* `width` digits, or one and more */
	TERM_DECIMAL, /* [+-]digits[.digits] */
	TERM_TEXT,    /* one and more bytes but '/', as few as possible */
	TERM_IGNORED, /* {}: any bytes but '/', as few as possible */
};

struct pattern_term {
	enum term_kind kind;
	char axis; /* 't', 'c', 'z', 'i'; 0: none */
	uint32_t width;
	size_t at, len; /* of a literal: in pattern->literals */
};

enum { PATTERN_TERMS = 16 }; /* that are no literals */

struct pattern {
	char *text;	/* as given, for messages */
	char *literals; /* the bytes of all literals */
	struct pattern_term term[2 * PATTERN_TERMS + 1];
	size_t n;
	bool has_pages;
	struct pattern_pages pages;
};

/* Where a term matched. */
struct pattern_span {
	uint32_t at, len;
};

/* What matching needs; all zero at first, freed by the caller. */
struct pattern_room {
	bool *can;
	size_t n;
};

/* Time and memory grow as terms x bytes, whatever pattern and path are. `fold`: without regard to ASCII
 * case. 1: matches, spans[p->n] set; 0; -ENOMEM. */
int pattern_match(const struct pattern *p, const char *path, bool fold, struct pattern_room *room,
		  struct pattern_span *spans);
