#include "meta/look_voxel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "meta/told_sizes.h"
#include "meta/voxel.h"

static void set_origin(struct origin *o, const char *text)
{
	snprintf(o->text, sizeof(o->text), "%s", text);
}

static int given_voxel(struct image *im, const struct scan_options *opts, struct err *err)
{
	const double *v = opts->voxel_size; /* x, y, z */
	if (im->has_z && v[2] <= 0)
		return err_set(err, EINVAL,
			       "--voxel-size has two numbers, the image has z: X,Y,Z is needed");
	im->voxel[0] = im->has_z ? v[2] : 1;
	im->voxel[1] = v[1];
	im->voxel[2] = v[0];
	const char *unit = opts->unit != NULL ? opts->unit : "nanometer";
	if (!voxel_unit_is_ngff(unit)) {
		const char *meant = voxel_unit(unit, strlen(unit));
		if (meant == NULL)
			return err_set(err, EINVAL, "--unit: '%s' is no unit of OME-NGFF", unit);
		unit = meant;
	}
	snprintf(im->unit, sizeof(im->unit), "%s", unit);
	const struct scan_from *from = &opts->from;
	set_origin(&im->voxel_from, from->voxel != NULL ? from->voxel : "option --voxel-size");
	if (opts->unit != NULL && (from->unit != NULL) != (from->voxel != NULL))
		snprintf(im->voxel_from.text, sizeof(im->voxel_from.text), "%s, unit: %s",
			 from->voxel != NULL ? from->voxel : "option --voxel-size",
			 from->unit != NULL ? from->unit : "option --unit");
	if (im->has_z)
		im->z_from = im->voxel_from;
	return 0;
}

/* The axes z, y, x as they are found one after another. */
struct found {
	struct told_size size[3];
	struct origin from[3];
	const char *why; /* why the tags tell nothing; NULL: they do */
};

static void find_told(const struct image *im, struct found *f)
{
	if (im->told == NULL)
		return;
	for (int a = 0; a < 3; a++) {
		f->size[a] = im->told->size[a];
		if (f->size[a].from != NULL)
			set_origin(&f->from[a], f->size[a].from);
		else
			snprintf(f->from[a].text, sizeof(f->from[a].text), "%s of %s",
				 im->told_kind, im->told_by);
	}
}

/* Resolution tags say nothing of z. */
static void find_tagged(const struct image *im, const char *tagged, struct found *f)
{
	double x = 0, y = 0;
	const char *unit = NULL;
	bool tags = voxel_from_tags(&im->kind, &x, &y, &unit, &f->why);
	if (!tags || f->size[1].value > 0 || f->size[2].value > 0)
		return;
	f->size[1] = (struct told_size){ y, unit, NULL };
	f->size[2] = (struct told_size){ x, unit, NULL };
	snprintf(f->from[2].text, sizeof(f->from[2].text), "tags 282 and 283 of %s", tagged);
	f->from[1] = f->from[2];
}

/* A step of z told in pixels; 0: it is not. */
static double take_ratio(struct found *f)
{
	double ratio = f->size[0].value;
	if (f->size[0].unit == NULL || *f->size[0].unit != '\0')
		return 0;
	f->size[0].value = 0;
	return ratio > 1e-6 && ratio < 1e6 ? ratio : 0;
}

static void not_stated(struct image *im, const struct found *f, double ratio)
{
	im->voxel[0] = im->voxel[1] = im->voxel[2] = 1;
	snprintf(im->voxel_from.text, sizeof(im->voxel_from.text), "not stated%s%s",
		 f->why != NULL ? ": " : "", f->why != NULL ? f->why : "");
	image_warn(im, "voxel size unknown, taken as 1 without a unit: --voxel-size %s",
		   im->has_z ? "X,Y,Z" : "X,Y");
	if (!im->has_z)
		return;
	set_origin(&im->z_from, "not stated");
	if (ratio > 0) {
		im->voxel[0] = ratio;
		im->z_from = f->from[0];
	}
}

/* One of x and y, of which at least one is known, stands for the other. */
static void fill_plane(struct found *f)
{
	double *y = &f->size[1].value, *x = &f->size[2].value;
	if (!(*x > 0) && *y > 0) {
		*x = *y;
		f->from[2] = f->from[1];
	}
	if (!(*y > 0))
		*y = *x;
}

static void found_voxel(struct image *im, const char *tagged)
{
	struct found f = { .why = NULL };
	const char *unit = NULL;
	find_told(im, &f);
	double ratio = take_ratio(&f);
	unsigned bad = told_sizes_settle(f.size, &unit);
	if (bad > 0)
		image_warn(im, "%s tells a voxel size that cannot be true: it is ignored",
			   im->told_kind);
	find_tagged(im, tagged, &f);
	told_sizes_settle(f.size, &unit);
	/* z alone has no pixels to be compared with. */
	if (unit == NULL || (!(f.size[1].value > 0) && !(f.size[2].value > 0))) {
		not_stated(im, &f, ratio);
		return;
	}
	fill_plane(&f);
	snprintf(im->unit, sizeof(im->unit), "%s", unit);
	im->voxel[0] = 1;
	im->voxel[1] = f.size[1].value;
	im->voxel[2] = f.size[2].value;
	im->voxel_from = f.from[2];
	if (!im->has_z)
		return;
	bool told = f.size[0].value > 0;
	im->voxel[0] = told ? f.size[0].value : im->voxel[2];
	im->z_from = f.from[0];
	if (told && f.size[0].from == NULL)
		return;
	if (told) {
		image_warn(im, "z spacing %s: --voxel-size X,Y,Z", f.size[0].from);
		return;
	}
	set_origin(&im->z_from, "assumed, as x");
	image_warn(im, "z spacing unknown, taken as x: --voxel-size X,Y,Z");
}

static void set_time(struct image *im, const struct scan_options *opts)
{
	im->time_step = opts->time_step;
	if (!im->has_t)
		return;
	if (im->time_step > 0) {
		set_origin(&im->time_from,
			   opts->from.time != NULL ? opts->from.time : "option --time-step");
	} else if (im->told != NULL && im->told->time_step > 0) {
		im->time_step = im->told->time_step;
		snprintf(im->time_from.text, sizeof(im->time_from.text), "%s of %s", im->told_kind,
			 im->told_by);
	} else {
		set_origin(&im->time_from, "not stated");
	}
}

int look_voxel(struct image *im, const char *tagged, const struct scan_options *opts,
	       struct err *err)
{
	set_time(im, opts);
	if (opts->voxel_size[0] > 0)
		return given_voxel(im, opts, err);
	found_voxel(im, tagged);
	return 0;
}
