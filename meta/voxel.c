#include "meta/voxel.h"

#include <math.h>
#include <stdio.h>
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

static const char *find_unit(const char *word)
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

const char *voxel_unit(const char *word, size_t len)
{
	if (len == 1 && word[0] == '"')
		return "inch";
	cut_wrapping(&word, &len);
	if (len == 0 || len > 40)
		return NULL;
	struct word w = { 0 };
	word_fold(&w, word, len);
	const char *unit = find_unit(w.s);
	if (unit == NULL) {
		lower(&w);
		unit = find_unit(w.s);
	}
	if (unit == NULL) {
		spell(&w);
		unit = find_unit(w.s);
	}
	return unit;
}

static const struct {
	const char *word;
	double seconds;
} time_units[] = {
	{ "s", 1 },	  { "sec", 1 },	    { "second", 1 },  { "msec", 1e-3 },
	{ "usec", 1e-6 }, { "min", 60 },    { "minute", 60 }, { "h", 3600 },
	{ "hr", 3600 },	  { "hour", 3600 }, { "d", 86400 },   { "day", 86400 },
};

static const struct {
	const char *letter, *word;
	double factor;
} time_prefixes[] = {
	{ "Y", "yotta", 1e24 },	 { "Z", "zetta", 1e21 },  { "E", "exa", 1e18 },
	{ "P", "peta", 1e15 },	 { "T", "tera", 1e12 },	  { "G", "giga", 1e9 },
	{ "M", "mega", 1e6 },	 { "k", "kilo", 1e3 },	  { "h", "hecto", 1e2 },
	{ "da", "deca", 1e1 },	 { "d", "deci", 1e-1 },	  { "c", "centi", 1e-2 },
	{ "m", "milli", 1e-3 },	 { "u", "micro", 1e-6 },  { "n", "nano", 1e-9 },
	{ "p", "pico", 1e-12 },	 { "f", "femto", 1e-15 }, { "a", "atto", 1e-18 },
	{ "z", "zepto", 1e-21 }, { "y", "yocto", 1e-24 },
};

/* True for `prefix` with `unit` behind it. */
static bool is_joined(const char *word, const char *prefix, const char *unit)
{
	size_t n = strlen(prefix);
	return strncmp(word, prefix, n) == 0 && strcmp(word + n, unit) == 0;
}

static double find_seconds(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(time_units); i++)
		if (strcmp(word, time_units[i].word) == 0)
			return time_units[i].seconds;
	for (size_t i = 0; i < ARRAY_SIZE(time_prefixes); i++)
		if (is_joined(word, time_prefixes[i].letter, "s") ||
		    is_joined(word, time_prefixes[i].word, "second"))
			return time_prefixes[i].factor;
	return 0;
}

double voxel_seconds(const char *word, size_t len)
{
	cut_wrapping(&word, &len);
	if (len == 0 || len > 40)
		return 0;
	struct word w = { 0 };
	word_fold(&w, word, len);
	double seconds = find_seconds(w.s);
	if (!(seconds > 0)) {
		lower(&w);
		seconds = find_seconds(w.s);
	}
	/* "minutes". */
	if (!(seconds > 0) && w.len > 2 && w.s[w.len - 1] == 's') {
		w.s[--w.len] = '\0';
		seconds = find_seconds(w.s);
	}
	return seconds;
}

/* Resolutions of screens, printers, scanners and faxes, per inch. */
static const double device_dpi[] = {
	72,   75,   90,	  96,	98,   100,  120,  125,	144,  150,  180,  182,
	196,  200,  204,  240,	300,  350,  360,  400,	600,  720,  800,  1000,
	1200, 1800, 2000, 2400, 3000, 3200, 3600, 4000, 4800, 6400, 7200, 9600,
};

static bool near(double v, double target)
{
	return fabs(v - target) <= target * 0.005;
}

static bool is_device(double dpi)
{
	for (size_t i = 0; i < ARRAY_SIZE(device_dpi); i++)
		if (near(dpi, device_dpi[i]))
			return true;
	return false;
}

/* Pixels per unit that say nothing about the specimen; NULL: believable. */
static const char *nonsense(const struct tiff_rational *r, bool cm)
{
	if (r->num == 0 && r->den == 0)
		return "no resolution tags";
	if (r->num == 0 || r->den == 0)
		return "a resolution of zero";
	if (r->num == r->den)
		return "one pixel per unit is a writer's default";
	double per_unit = (double)r->num / (double)r->den;
	if (is_device(cm ? per_unit * 2.54 : per_unit))
		return "a printer's or screen's number";
	if (cm && (near(per_unit, 72) || near(per_unit, 96) || near(per_unit, 300)))
		return "a printer's or screen's number";
	if (cm && (uint64_t)r->num == (uint64_t)10000 * r->den)
		return "10000 per centimeter is a writer's default";
	return NULL;
}

/* The decimal with the fewest digits in [lo, hi], which holds v; of several the nearest to v. */
static double fewest_digits(double lo, double v, double hi)
{
	int magnitude = (int)floor(log10(v));
	for (int digits = 1; digits < 17; digits++) {
		int exponent = magnitude - digits + 1;
		double scaled = floor(v * pow(10, -exponent));
		double best = 0;
		for (int up = 0; up < 2; up++) {
			char text[40];
			snprintf(text, sizeof(text), "%.0fe%d", scaled + up, exponent);
			double d = strtod(text, NULL);
			if (d >= lo && d <= hi && (best <= 0 || fabs(d - v) < fabs(best - v)))
				best = d;
		}
		if (best > 0)
			return best;
	}
	return v;
}

/* Size of a pixel where `unit` is the length that the resolution counts in. Writers cut 1/size to a
 * rational, so that 17 comes back as 17.000153: any size that rounds or cuts to num may be meant. */
static double pixel_size(const struct tiff_rational *r, double unit)
{
	double num = r->num, den = r->den;
	double v = unit * den / num;
	if (r->num < 10000)
		return v;
	return fewest_digits(unit * den / (num + 1), v, unit * 2 * den / (2 * num - 1));
}

/* Seen from the sizes in micrometers. */
static const char *implausible(double x, double y)
{
	if (x > 50 || y > 50)
		return "a size above 50 micrometers, as scanners and printers have it";
	if (x > 4 * y || y > 4 * x)
		return "x and y that differ by more than a factor of four";
	if (x < 1e-9 || y < 1e-9)
		return "a size below a millionth of a nanometer";
	return NULL;
}

bool voxel_from_tags(const struct tiff_page *p, double *x, double *y, const char **unit,
		     const char **why)
{
	bool cm = p->resolution_unit == 3;
	double length = cm ? 10000 : 25400;
	*why = nonsense(&p->x_resolution, cm);
	if (*why == NULL)
		*why = nonsense(&p->y_resolution, cm);
	if (*why == NULL && !cm && p->resolution_unit != 2)
		*why = "a resolution without a unit";
	if (*why == NULL)
		*why = implausible(pixel_size(&p->x_resolution, length),
				   pixel_size(&p->y_resolution, length));
	if (*why != NULL)
		return false;
	bool fine = pixel_size(&p->x_resolution, length) < 0.1;
	if (fine)
		length *= 1000;
	*x = pixel_size(&p->x_resolution, length);
	*y = pixel_size(&p->y_resolution, length);
	*unit = fine ? "nanometer" : "micrometer";
	return true;
}

void voxel_print(double v, char *out, size_t n)
{
	if (!isfinite(v) || fpclassify(v) == FP_ZERO) {
		snprintf(out, n, "0");
		return;
	}
	int digits = 1;
	for (; digits < 17; digits++) {
		snprintf(out, n, "%.*e", digits - 1, v);
		double back = strtod(out, NULL);
		if (!(back < v) && !(back > v))
			break;
	}
	double size = fabs(v);
	if (size >= 1e-4 && size < 1e15) {
		/* As people write it: 500, not 5e+02. */
		int magnitude = (int)strtod(strchr(out, 'e') + 1, NULL);
		int decimals = digits - 1 - magnitude;
		snprintf(out, n, "%.*f", decimals > 0 ? decimals : 0, v);
	} else {
		snprintf(out, n, "%.*g", digits, v);
	}
}
