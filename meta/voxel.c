#include "meta/voxel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

double voxel_from_resolution(const struct tiff_rational *r, double unit)
{
	return r->num == 0 || r->den == 0 ? 0 : pixel_size(r, unit);
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
