#include "meta/voxel.h"

#include <math.h>
#include <string.h>

/* Space units of OME-NGFF 0.4 and 0.5. */
static const char *const ngff_units[] = {
	"angstrom",   "attometer",  "centimeter", "decimeter",	"exameter",   "femtometer",
	"foot",	      "gigameter",  "hectometer", "inch",	"kilometer",  "megameter",
	"meter",      "micrometer", "mile",	  "millimeter", "nanometer",  "parsec",
	"petameter",  "picometer",  "terameter",  "yard",	"yoctometer", "yottameter",
	"zeptometer", "zettameter",
};

static const struct {
	const char *word, *unit;
} short_units[] = {
	{ "um", "micrometer" },
	{ "u", "micrometer" },
	{ "mu", "micrometer" },
	{ "micron", "micrometer" },
	{ "microns", "micrometer" },
	{ "nm", "nanometer" },
	{ "A", "angstrom" },
	{ "ang", "angstrom" },
	{ "pm", "picometer" },
	{ "Pm", "petameter" },
	{ "mm", "millimeter" },
	{ "Mm", "megameter" },
	{ "cm", "centimeter" },
	{ "dm", "decimeter" },
	{ "m", "meter" },
	{ "fm", "femtometer" },
	{ "km", "kilometer" },
	{ "in", "inch" },
	{ "inches", "inch" },
	{ "ft", "foot" },
	{ "feet", "foot" },
	{ "yd", "yard" },
	{ "mi", "mile" },
};

bool voxel_unit_is_ngff(const char *unit)
{
	for (size_t i = 0; i < ARRAY_SIZE(ngff_units); i++)
		if (strcmp(unit, ngff_units[i]) == 0)
			return true;
	return false;
}

struct word {
	char s[48];
	size_t len;
};

static void word_add(struct word *w, char c)
{
	if (w->len + 1 < sizeof(w->s))
		w->s[w->len++] = c;
	w->s[w->len] = '\0';
}

static bool starts(const char *s, size_t n, const char *with)
{
	size_t len = strlen(with);
	return n >= len && memcmp(s, with, len) == 0;
}

static bool starts_any(const char *s, size_t n, const char *const *with, size_t *len)
{
	for (size_t i = 0; with[i] != NULL; i++) {
		if (starts(s, n, with[i])) {
			*len = strlen(with[i]);
			return true;
		}
	}
	return false;
}

/* The micro sign becomes 'u' and the angstrom sign 'A', in UTF-8, as Java escapes, and as the single
 * bytes of Latin-1 and MacRoman. */
static void word_fold(struct word *w, const char *s, size_t n)
{
	static const char *const micro[] = { "\xc2\xb5", "\xce\xbc", "\\u00b5", "\\u00B5",
					     "\\u03bc",	 "\\u03BC",  "\xb5",	NULL };
	static const char *const angstrom[] = { "\xc3\x85", "\xe2\x84\xab", "\\u00c5",
						"\\u00C5",  "\\u212b",	    "\\u212B",
						"\xc5",	    "\x81",	    NULL };
	while (n > 0) {
		size_t len = 1;
		if (starts_any(s, n, micro, &len))
			word_add(w, 'u');
		else if (starts_any(s, n, angstrom, &len))
			word_add(w, 'A');
		else
			word_add(w, *s);
		s += len;
		n -= len;
	}
}

static bool is_wrapping(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '"' || c == '\'' ||
	       c == '\0';
}

/* Cuts blanks and quotes; of a Python tuple ("('cm',)") the first quoted word is left. */
static void cut_wrapping(const char **s, size_t *n)
{
	if (*n > 2 && (*s)[0] == '(') {
		const char *quote = memchr(*s, '\'', *n);
		size_t rest = quote != NULL ? *n - (size_t)(quote + 1 - *s) : 0;
		const char *end = quote != NULL ? memchr(quote + 1, '\'', rest) : NULL;
		if (end != NULL) {
			*s = quote + 1;
			*n = (size_t)(end - *s);
		}
	}
	while (*n > 0 && is_wrapping((*s)[0])) {
		++*s;
		--*n;
	}
	while (*n > 0 && is_wrapping((*s)[*n - 1]))
		--*n;
}

static const void *find_unit(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(short_units); i++)
		if (strcmp(word, short_units[i].word) == 0)
			return short_units[i].unit;
	for (size_t i = 0; i < ARRAY_SIZE(ngff_units); i++)
		if (strcmp(word, ngff_units[i]) == 0)
			return ngff_units[i];
	return NULL;
}

static void lower(struct word *w)
{
	for (size_t i = 0; i < w->len; i++)
		if (w->s[i] >= 'A' && w->s[i] <= 'Z')
			w->s[i] = (char)(w->s[i] - 'A' + 'a');
}

/* "micrometres" -> "micrometer". */
static void spell(struct word *w)
{
	if (w->len > 3 && w->s[w->len - 1] == 's')
		w->s[--w->len] = '\0';
	if (w->len >= 5 && strcmp(w->s + w->len - 5, "metre") == 0)
		memcpy(w->s + w->len - 5, "meter", 5);
}

/* What `find` knows under this word: as it is written, else in lower case, else spelled in another way. */
static const void *find_word(const char *word, size_t len, const void *(*find)(const char *word))
{
	cut_wrapping(&word, &len);
	if (len == 0 || len > 40)
		return NULL;
	struct word w = { 0 };
	word_fold(&w, word, len);
	const void *found = find(w.s);
	if (found == NULL) {
		lower(&w);
		found = find(w.s);
	}
	if (found == NULL) {
		spell(&w);
		found = find(w.s);
	}
	return found;
}

const char *voxel_unit(const char *word, size_t len)
{
	if (len == 1 && word[0] == '"')
		return "inch";
	return find_word(word, len, find_unit);
}

/* Lengths that OME-NGFF has no name for, in micrometers. */
static const struct length {
	const char *word;
	double micrometers;
} lengths[] = {
	{ "thou", 25.4 },	   { "mil", 25.4 },	   { "pt", 25400.0 / 72 },
	{ "point", 25400.0 / 72 }, { "li", 25400.0 / 12 },
};

static const void *find_length(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
		if (strcmp(word, lengths[i].word) == 0)
			return &lengths[i];
	return NULL;
}

const char *voxel_length(const char *word, size_t len, double *factor)
{
	*factor = 1;
	const char *unit = voxel_unit(word, len);
	if (unit != NULL)
		return unit;
	const struct length *l = find_word(word, len, find_length);
	if (l == NULL)
		return NULL;
	*factor = l->micrometers;
	return "micrometer";
}

static const struct prefix {
	const char *name, *symbol;
	double factor;
} prefixes[] = {
	{ "", "", 1 },		{ "yotta", "Y", 1e24 },	 { "zetta", "Z", 1e21 },
	{ "exa", "E", 1e18 },	{ "peta", "P", 1e15 },	 { "tera", "T", 1e12 },
	{ "giga", "G", 1e9 },	{ "mega", "M", 1e6 },	 { "kilo", "k", 1e3 },
	{ "hecto", "h", 1e2 },	{ "deca", "da", 10 },	 { "deci", "d", 1e-1 },
	{ "centi", "c", 1e-2 }, { "milli", "m", 1e-3 },	 { "micro", "u", 1e-6 },
	{ "nano", "n", 1e-9 },	{ "pico", "p", 1e-12 },	 { "femto", "f", 1e-15 },
	{ "atto", "a", 1e-18 }, { "zepto", "z", 1e-21 }, { "yocto", "y", 1e-24 },
};

static const struct time_word {
	const char *word;
	double seconds;
} time_words[] = {
	{ "sec", 1 },	 { "msec", 1e-3 }, { "usec", 1e-6 }, { "nsec", 1e-9 },
	{ "min", 60 },	 { "minute", 60 }, { "h", 3600 },    { "hr", 3600 },
	{ "hrs", 3600 }, { "hour", 3600 }, { "d", 86400 },   { "day", 86400 },
};

static bool is_prefixed(const char *word, const char *prefix, const char *base)
{
	size_t len = strlen(prefix);
	return strncmp(word, prefix, len) == 0 && strcmp(word + len, base) == 0;
}

static const void *find_seconds(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(time_words); i++)
		if (strcmp(word, time_words[i].word) == 0)
			return &time_words[i].seconds;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (is_prefixed(word, prefixes[i].symbol, "s") ||
		    is_prefixed(word, prefixes[i].name, "second"))
			return &prefixes[i].factor;
	return NULL;
}

double voxel_seconds(const char *word, size_t len)
{
	const double *seconds = find_word(word, len, find_seconds);
	return seconds != NULL ? *seconds : 0;
}

double voxel_convert(double value, double factor)
{
	double inverse = round(1 / factor);
	return factor < 1 && inverse > 0 ? value / inverse : value * factor;
}
