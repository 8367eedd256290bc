/* `--pattern`: paths below SOURCE, and pages, to axes. Grammar: man/ngffuse.1, PATTERNS. */
#pragma once

#include "meta/names.h"

struct pattern;

/* -EINVAL with a sentence that points at the place. */
int pattern_parse(const char *text, struct pattern **out, struct err *err);
void pattern_free(struct pattern *p);

/* Interprets paths[n] (relative to SOURCE, any order) by the pattern; as names_interpret, one image for
 * each combination of {i}; members' t, c, z from the path alone. Paths that do not match are left out.
 * None matches: -EINVAL, naming the first that would without regard to case, or the first file. */
int pattern_interpret(const struct pattern *p, const char *const *paths, size_t n,
		      const struct name_options *opts, struct names *out, struct err *err);

/* What the pages of each file mean, `#{z,c=2}`: slowest first. False: the pattern has no '#'. */
struct pattern_pages {
	size_t n;	  /* axes named, at most 3 */
	char axis[3];	  /* 't', 'c', 'z' */
	uint32_t size[3]; /* size[0] is 0: whatever is left */
};
bool pattern_pages(const struct pattern *p, struct pattern_pages *out);

/* Deepest folder that can match, so that the scan walks no further. */
unsigned pattern_depth(const struct pattern *p);
