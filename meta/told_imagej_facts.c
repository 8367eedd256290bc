#include "meta/told_imagej_facts.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "meta/told_imagej_blob.h"
#include "meta/told_imagej_text.h"
#include "meta/voxel.h"

/* The unit of an axis, from a line of its own or the common one; NULL: none, or no length. */
static const char *find_unit(const char *text, const char *own_key, double *factor,
			     struct text *word)
{
	const char *s;
	size_t n;
	*factor = 1;
	word->len = 0;
	if (!imagej_find(text, own_key, &s, &n) && !imagej_find(text, "unit", &s, &n))
		return NULL;
	imagej_unescape(word, s, n);
	return word->oom ? NULL : voxel_length(word->s != NULL ? word->s : "", word->len, factor);
}

/* x and y: pixels on a unit. */
static void set_pixel(const struct told_source *s, const char *text, int axis, struct text *word,
		      struct told_image *im)
{
	static const char *const keys[] = { [1] = "yunit", [2] = "xunit" };
	const struct tiff_rational *r =
		axis == 2 ? &s->first->x_resolution : &s->first->y_resolution;
	double factor, per = 1;
	const char *unit = find_unit(text, keys[axis], &factor, word);
	if (unit == NULL)
		return;
	/* Micro-Manager's files count on a centimeter although they name another unit. */
	if (s->first->resolution_unit == 3 && strcmp(word->s, "um") == 0)
		per = 10000;
	double size = voxel_convert(voxel_from_resolution(r, per), factor);
	if (size > 0)
		im->size[axis] = (struct told_size){ .value = size, .unit = unit };
}

static bool is_blank(const struct text *word)
{
	return word->len == 0 || strspn(word->s, " ") == word->len;
}

static void set_depth(const char *text, struct text *word, struct told_image *im)
{
	static const char assumed[] = "assumed (ImageJ omits 1.0)";
	const char *spacing;
	size_t n;
	double factor, value = 0;
	const char *unit = find_unit(text, "zunit", &factor, word);
	/* How many pixels a step of z has. */
	if (unit == NULL && is_blank(word))
		unit = "";
	if (unit == NULL)
		return;
	if (imagej_find(text, "spacing", &spacing, &n)) {
		if (imagej_real(text, "spacing", &value) && fabs(value) > 0)
			im->size[0] =
				(struct told_size){ .value = voxel_convert(fabs(value), factor),
						    .unit = unit };
		return;
	}
	if (im->n[TOLD_Z] > 1 && *unit != '\0' && im->size[2].value > 0)
		im->size[0] = (struct told_size){ .value = factor, .unit = unit, .from = assumed };
}

static void set_time(const char *text, struct text *word, struct told *out, struct told_image *im)
{
	const char *s;
	size_t n;
	double v = 0;
	if (imagej_find(text, "finterval", &s, &n)) {
		double unit = 1;
		if (imagej_find(text, "tunit", &s, &n)) {
			word->len = 0;
			imagej_unescape(word, s, n);
			unit = word->s != NULL ? voxel_seconds(word->s, word->len) : 0;
		}
		if (unit > 0 && imagej_real(text, "finterval", &v) && v > 0)
			im->time_step = voxel_convert(v, unit);
	} else if (im->n[TOLD_T] > 1 && imagej_real(text, "fps", &v) && v > 0) {
		im->time_step = 1 / v;
	}
	if (im->n[TOLD_T] == 1 && im->n[TOLD_Z] > 1 && im->time_step > 0)
		told_note(out, "ImageJ: it tells of slices (z), and how long they are apart: they "
			       "may be time points");
}

/* Of one channel; of several nobody knows whose they are. */
static void set_window(const char *text, struct told_image *im)
{
	double low, high;
	if (im->n_channels != 1 || im->channels[0].start < im->channels[0].end ||
	    !imagej_real(text, "min", &low) || !imagej_real(text, "max", &high) || !(low < high))
		return;
	im->channels[0].start = low;
	im->channels[0].end = high;
}

static void say_calibration(const char *text, struct told *out)
{
	const char *s;
	size_t n;
	uint64_t v;
	if (!imagej_find(text, "cf", &s, &n))
		return;
	/* Functions from 20 on are none. */
	if (imagej_count(text, "cf", &v) && v >= 20)
		return;
	told_note(out, "ImageJ: its values are calibrated; those shown are as they are stored");
}

int imagej_facts(const struct told_source *s, const struct imagej *j, struct told *out,
		 struct told_image *im, struct err *err)
{
	enum { MAX_CHANNELS = 4096 };
	CLEANUP(text_done) struct text word = { 0 };
	set_pixel(s, j->text, 2, &word, im);
	set_pixel(s, j->text, 1, &word, im);
	set_depth(j->text, &word, im);
	set_time(j->text, &word, out, im);
	if (word.oom)
		return err_oom(err);
	say_calibration(j->text, out);
	uint64_t channels = im->n[TOLD_C] * s->first->samples;
	if (channels > MAX_CHANNELS)
		return 0;
	if (told_make_channels(im, channels) != 0)
		return err_oom(err);
	int rc = imagej_blob(s, j, out, im, err);
	if (rc == 0)
		set_window(j->text, im);
	return rc;
}
