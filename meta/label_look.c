#include "meta/label_look.h"

#include "codec/text.h"
#include "meta/look_levels.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

void label_dtype(struct image *im)
{
	if (dtype_is_float(im->stored)) {
		im->dtype = DTYPE_U32;
		image_warn(im, "%s: its whole numbers are given as uint32, others are errors",
			   dtype_v3(im->stored));
	}
	if (im->dtype == DTYPE_U64 || im->dtype == DTYPE_I64)
		image_warn(im, "%s: viewers in a browser read labels of at most 32 bits",
			   dtype_v3(im->dtype));
	if (dtype_is_signed(im->dtype))
		image_warn(im, "%s: WEBKNOSSOS shows ids below 0 as large ones",
			   dtype_v3(im->dtype));
}

/* "t,z,y,x = 2 x 16 x 250 x 250", without axes that are not there. */
static void add_shape(struct text *t, const struct image *im)
{
	static const char names[] = "tczyx";
	enum axis axes[AXIS_COUNT];
	unsigned n = image_axes(im, axes);
	for (unsigned i = 0; i < n; i++)
		text_addf(t, "%s%c", i > 0 ? "," : "", names[axes[i]]);
	for (unsigned i = 0; i < n; i++)
		text_addf(t, "%s%" PRIu64, i > 0 ? " x " : " = ", im->grid.size[axes[i]]);
}

static bool fits(const struct image *im, const struct image *of)
{
	const uint64_t *a = im->grid.size, *b = of->grid.size;
	return a[AXIS_Z] == b[AXIS_Z] && a[AXIS_Y] == b[AXIS_Y] && a[AXIS_X] == b[AXIS_X] &&
	       a[AXIS_C] == 1 && (a[AXIS_T] == b[AXIS_T] || a[AXIS_T] == 1);
}

static int does_not_fit(const struct image *im, const struct image *of, struct err *err)
{
	struct text CLEANUP(text_done) own = { 0 };
	struct text CLEANUP(text_done) its = { 0 };
	add_shape(&own, im);
	add_shape(&its, of);
	if (own.oom || its.oom)
		return err_oom(err);
	return err_set(err, EINVAL,
		       "it is %s, but its image %s: a label has the z, y and x of its image, one "
		       "channel, and as many times or one",
		       own.s, its.s);
}

/* The label's own tags say nothing against its image's: it lies on it voxel for voxel. */
static void take_facts(struct image *im, const struct image *of)
{
	static const struct origin from = { "its image" };
	im->has_c = false;
	im->has_z = of->has_z;
	im->has_t = of->has_t && im->grid.size[AXIS_T] == of->grid.size[AXIS_T];
	memcpy(im->voxel, of->voxel, sizeof(im->voxel));
	memcpy(im->unit, of->unit, sizeof(im->unit));
	im->time_step = of->time_step;
	im->voxel_from = im->z_from = im->time_from = from;
}

static int check(const struct image *im, const struct image *of, struct err *err)
{
	if (image_state(of) != IMAGE_READY)
		return err_set(err, EINVAL, "its image is unusable");
	return fits(im, of) ? 0 : does_not_fit(im, of, err);
}

int label_check(const struct dataset *d, struct image *im, const struct scan_options *opts,
		struct err *err)
{
	const struct image *of = &d->images[im->parent];
	struct err own = { 0 };
	int rc = check(im, of, &own);
	if (rc == 0) {
		take_facts(im, of);
		rc = look_levels(d, im, opts, NULL, &own);
	}
	if (rc != 0)
		*err = im->why = own;
	return rc;
}
