#include "meta/told_stk_facts.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "meta/voxel.h"

/* ---- the axis ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* 1: no two values are the same, of which there are at least two. -ENOMEM. */
static int all_differ(const double *v, uint64_t n)
{
	if (v == NULL || n < 2)
		return 0;
	CLEANUP(freep) double *sorted = reallocarray(NULL, n, sizeof(*sorted));
	if (sorted == NULL)
		return -ENOMEM;
	memcpy(sorted, v, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	for (uint64_t i = 1; i < n; i++)
		if (compare(&sorted[i - 1], &sorted[i]) == 0)
			return 0;
	return 1;
}

static bool is_zero(double v)
{
	return !(v < 0) && !(v > 0);
}

static bool none_zero(const double *v, uint64_t from, uint64_t n)
{
	for (uint64_t i = from; i < n; i++)
		if (is_zero(v[i]))
			return false;
	return true;
}

static int times_differ(const struct stk *k)
{
	CLEANUP(freep) double *t = reallocarray(NULL, k->n, sizeof(*t));
	if (t == NULL)
		return -ENOMEM;
	/* Milliseconds of some million days: exact. */
	for (uint64_t i = 0; i < k->n; i++)
		t[i] = (double)k->created[i];
	return all_differ(t, k->n);
}

int stk_axis(const struct stk *k, enum told_axis *out)
{
	enum { MAX_WAVES = 8 };
	*out = TOLD_Z;
	int rc = k->n <= MAX_WAVES && k->wave != NULL && none_zero(k->wave, 0, k->n)
			 ? all_differ(k->wave, k->n)
			 : 0;
	if (rc != 0) {
		*out = TOLD_C;
		return rc < 0 ? rc : 0;
	}
	if (none_zero(k->distance, 1, k->n))
		return 0;
	rc = all_differ(k->absolute, k->n);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = times_differ(k);
	if (rc > 0)
		*out = TOLD_T;
	return rc < 0 ? rc : 0;
}

/* ---- steps ---- */

/* The mean of values that differ from it by at most `share` of it, as a length; 0: they differ more. */
static double constant(const double *v, uint64_t n, double share)
{
	double sum = 0;
	for (uint64_t i = 0; i < n; i++)
		sum += v[i];
	double mean = n == 0 ? 0 : sum / (double)n;
	for (uint64_t i = 0; i < n; i++)
		if (!(fabs(v[i] - mean) <= share * fabs(mean)))
			return 0;
	return fabs(mean);
}

/* Micrometer between planes; 0: not told. */
static int z_step(const struct stk *k, double *out)
{
	enum { PERCENT = 1 };
	*out = 0;
	if (k->n < 2)
		return 0;
	if (k->absolute != NULL) {
		CLEANUP(freep) double *d = reallocarray(NULL, k->n, sizeof(*d));
		if (d == NULL)
			return -ENOMEM;
		for (uint64_t i = 1; i < k->n; i++)
			d[i - 1] = k->absolute[i] - k->absolute[i - 1];
		*out = constant(d, k->n - 1, PERCENT / 100.);
	}
	if (is_zero(*out))
		*out = constant(k->distance + 1, k->n - 1, PERCENT / 100.);
	return 0;
}

/* Seconds between planes; 0: not told. */
static int t_step(const struct stk *k, double *out)
{
	enum { PERCENT = 5 };
	*out = 0;
	if (k->n < 2 || k->created[k->n - 1] <= k->created[0])
		return 0;
	CLEANUP(freep) double *d = reallocarray(NULL, k->n, sizeof(*d));
	if (d == NULL)
		return -ENOMEM;
	for (uint64_t i = 1; i < k->n; i++)
		d[i - 1] = (double)(k->created[i] - k->created[i - 1]);
	*out = constant(d, k->n - 1, PERCENT / 100.) / 1000;
	return 0;
}

/* ---- MetaSeries: XML of <prop id=".." type=".." value=".."/> in the description ---- */

/* The value of a property; false: there is none. */
static bool find_prop(const char *xml, const char *id, const char **value, size_t *n)
{
	static const char mark[] = "value=\"";
	size_t len = strlen(id);
	for (const char *p = strstr(xml, "id=\""); p != NULL; p = strstr(p, "id=\"")) {
		p += 4;
		if (strncmp(p, id, len) != 0 || p[len] != '"')
			continue;
		const char *v = strstr(p, mark);
		if (v == NULL || v >= p + strcspn(p, ">"))
			return false;
		*value = v + sizeof(mark) - 1;
		*n = strcspn(*value, "\"");
		return true;
	}
	return false;
}

static bool prop_is(const char *xml, const char *id, const char *want)
{
	const char *v;
	size_t n;
	return find_prop(xml, id, &v, &n) && n == strlen(want) && memcmp(v, want, n) == 0;
}

static void read_calibration(const char *xml, struct told_image *im)
{
	static const char *const ids[] = { "spatial-calibration-y", "spatial-calibration-x" };
	const char *v;
	size_t n;
	if (!prop_is(xml, "spatial-calibration-state", "on") ||
	    !find_prop(xml, "spatial-calibration-units", &v, &n))
		return;
	const char *unit = voxel_unit(v, n);
	for (int i = 0; unit != NULL && i < 2; i++) {
		double size;
		if (find_prop(xml, ids[i], &v, &n) && text_to_double(v, n, &size) && size > 0)
			im->size[1 + i] = (struct told_size){ .value = size, .unit = unit };
	}
}

static int read_metaseries(const struct told_source *s, struct told_image *im, struct err *err)
{
	enum { MAX = 1 << 20 };
	CLEANUP(freep) char *xml = NULL;
	struct err own = { 0 };
	size_t len = 0, n;
	const char *v;
	int rc = s->first->description.count > MAX
			 ? 0
			 : tiff_text_read(s->r, &s->first->description, MAX, &xml, &len, &own);
	if (rc != 0)
		return err_is_passing(rc) ? err_set(err, -rc, "%s", own.msg) : 0;
	if (xml == NULL || strstr(xml, "<MetaData>") == NULL)
		return 0;
	if (im->size[2].unit == NULL)
		read_calibration(xml, im);
	struct told_channel *c = im->channels;
	if (im->n_channels != 1 || c->name != NULL || !find_prop(xml, "image-name", &v, &n) ||
	    n == 0)
		return 0;
	struct text t = { 0 };
	text_add_name(&t, v, n);
	c->name = t.s;
	return t.oom ? err_oom(err) : 0;
}

/* ---- the whole ---- */

static int set_channels(const struct stk *k, struct told_image *im)
{
	bool axis = im->n[TOLD_C] > 1;
	if (told_make_channels(im, im->n[TOLD_C]) != 0)
		return -ENOMEM;
	for (size_t i = 0; i < im->n_channels; i++) {
		struct told_channel *c = &im->channels[i];
		struct text t = { 0 };
		if (k->scaled && k->low < k->high) {
			c->start = k->low;
			c->end = k->high;
		}
		bool one = axis || constant(k->wave, k->wave != NULL ? k->n : 0, 1e-9) > 0;
		if (k->wave == NULL || !one || is_zero(k->wave[i]))
			continue;
		char digits[32];
		voxel_print(k->wave[i], digits, sizeof(digits));
		text_addf(&t, "%s nm", digits);
		c->name = t.s;
		if (t.oom)
			return -ENOMEM;
	}
	return 0;
}

int stk_facts(const struct told_source *s, const struct stk *k, struct told_image *im,
	      struct err *err)
{
	double um = 0;
	if (z_step(k, &um) != 0 || t_step(k, &im->time_step) != 0)
		return err_oom(err);
	if (um > 0)
		im->size[0] = (struct told_size){ .value = um, .unit = "micrometer" };
	for (int i = 0; k->unit != NULL && i < 2; i++)
		if (k->calibration[i] > 0)
			im->size[2 - i] =
				(struct told_size){ .value = k->calibration[i], .unit = k->unit };
	/* Of colour the samples are the channels. */
	if (s->first->samples == 1 && set_channels(k, im) != 0)
		return err_oom(err);
	return read_metaseries(s, im, err);
}
