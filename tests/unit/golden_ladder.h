/* What rows of ladder.tsv and runs.tsv ask of a ladder. */
#pragma once

#include "codec/text.h"
#include "meta/ladder.h"
#include "tests/unit/golden_table.h"

static inline double real(const char *s)
{
	double v;
	ck_assert_msg(text_to_double(s, strlen(s), &v), "no number: %s", s);
	return v;
}

/* "16" or "16-16-8" (x-y-z), of n bytes. */
static inline void mag_of(const char *s, size_t n, uint64_t zyx[3])
{
	uint64_t v[3] = { 0 };
	size_t k = 0;
	for (size_t i = 0; i < n && k < 3; k++) {
		v[k] = number(s + i);
		while (i < n && s[i] != '-')
			i++;
		i++;
	}
	if (k == 1)
		v[1] = v[2] = v[0];
	for (int a = 0; a < 3; a++)
		zyx[a] = v[2 - a];
}

static inline void factors_of(const char *s, struct ladder_options *o)
{
	while (*s != '-' && *s != '\0') {
		uint64_t f[3];
		triple(s, f);
		for (int a = 0; a < 3; a++)
			o->factors[o->n_factors][a] = (uint8_t)f[a];
		o->n_factors++;
		s += strcspn(s, ":");
		s += *s == ':';
	}
}

static inline enum sampling_mode mode_of(const char *s)
{
	static const char *const names[] = { "anisotropic", "isotropic", "constant_z", "explicit" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(s, names[i]) == 0)
			return (enum sampling_mode)i;
	ck_abort_msg("no mode %s", s);
	return SAMPLING_EXPLICIT;
}
