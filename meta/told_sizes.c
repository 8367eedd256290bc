#include "meta/told_sizes.h"

#include <math.h>
#include <string.h>

static const struct {
	const char *unit;
	int exponent; /* of ten, in metres */
	double factor;
} units[] = {
	{ "yoctometer", -24, 1 }, { "zeptometer", -21, 1 }, { "attometer", -18, 1 },
	{ "femtometer", -15, 1 }, { "picometer", -12, 1 },  { "angstrom", -10, 1 },
	{ "nanometer", -9, 1 },	  { "micrometer", -6, 1 },  { "millimeter", -3, 1 },
	{ "centimeter", -2, 1 },  { "decimeter", -1, 1 },   { "meter", 0, 1 },
	{ "decameter", 1, 1 },	  { "hectometer", 2, 1 },   { "kilometer", 3, 1 },
	{ "megameter", 6, 1 },	  { "gigameter", 9, 1 },    { "inch", -6, 25400 },
	{ "foot", -6, 304800 },	  { "yard", -6, 914400 },   { "mile", -3, 1609344 },
};

enum { MICROMETER = 7, METER = 11 };

static size_t find_unit(const char *unit)
{
	size_t i = 0;
	while (i < ARRAY_SIZE(units) && strcmp(units[i].unit, unit) != 0)
		i++;
	return i;
}

/* v * 10^exponent. A multiplication with 0.001 would not be exact where a division by 1000 is. */
static double scaled(double v, int exponent)
{
	return exponent >= 0 ? v * pow(10, exponent) : v / pow(10, -exponent);
}

static bool is_possible(double metres)
{
	return isfinite(metres) && metres >= 1e-15 && metres <= 1000;
}

unsigned told_sizes_settle(struct told_size s[3], const char **unit)
{
	unsigned bad = 0;
	size_t to = ARRAY_SIZE(units);
	*unit = NULL;
	for (int a = 0; a < 3; a++) {
		size_t u = s[a].unit != NULL ? find_unit(s[a].unit) : ARRAY_SIZE(units);
		bool told = s[a].value > 0 || s[a].value < 0 || isnan(s[a].value);
		if (told && u < ARRAY_SIZE(units) &&
		    is_possible(scaled(s[a].value * units[u].factor, units[u].exponent))) {
			to = u;
			continue;
		}
		bad += told;
		s[a].value = 0;
	}
	if (to == ARRAY_SIZE(units))
		return bad;
	if (to == METER || units[to].factor > 1)
		to = MICROMETER;
	for (int a = 0; a < 3; a++) {
		if (!(s[a].value > 0))
			continue;
		size_t u = find_unit(s[a].unit);
		if (u != to)
			s[a].value = scaled(s[a].value * units[u].factor,
					    units[u].exponent - units[to].exponent);
		s[a].unit = units[to].unit;
	}
	*unit = units[to].unit;
	return bad;
}
