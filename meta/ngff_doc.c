#include "meta/ngff_doc.h"
#include "meta/told.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "meta/label_colors.h"
#include "meta/label_path.h"
#include "meta/zarr_doc.h"

/* Ranges of filled planes that an image lists at most; further ones are only counted. */
enum { MAX_RANGES = 500 };

static void axes_list(struct json *j, cJSON *obj, const struct image *im)
{
	static const char *const types[AXIS_COUNT] = { "time", "channel", "space", "space",
						       "space" };
	enum axis axes[AXIS_COUNT];
	unsigned n = image_axes(im, axes);
	cJSON *list = json_array(j, obj, "axes");
	for (unsigned i = 0; i < n; i++) {
		cJSON *axis = json_object(j, list, NULL);
		json_string(j, axis, "name", zarr_axis_name(axes[i]));
		json_string(j, axis, "type", types[axes[i]]);
		/* "" and made-up units make neuroglancer and WEBKNOSSOS refuse the image. */
		if (axes[i] == AXIS_T && im->time_step > 0)
			json_string(j, axis, "unit", "second");
		else if (axes[i] >= AXIS_Z && im->unit[0] != '\0')
			json_string(j, axis, "unit", im->unit);
	}
}

static double axis_scale(const struct image *im, enum axis a)
{
	double v = 1;
	if (a == AXIS_T)
		v = im->time_step;
	else if (a >= AXIS_Z)
		v = im->voxel[a - AXIS_Z];
	return isfinite(v) && v > 0 ? v : 1;
}

/* The mag whose windows decide where the level's voxels lie: single voxels stay where they are, which is in the middle
 * of a window where they are taken from a stored overview. NULL: at the voxels of level 0. */
static const uint64_t *window_mag(const struct image *im, unsigned k)
{
	const struct level *l = im->pyramid.level;
	if (l[k].made == LEVEL_TRUE && im->method != REDUCE_NEAREST)
		return l[k].mag;
	while (k > 0 && l[k].made != LEVEL_OVERVIEW)
		k--;
	return k > 0 ? l[k].mag : NULL;
}

/* Windows begin at voxel 0, so that the middle of one lies half a window less half a voxel beyond that of its
 * first voxel. */
static void transforms(struct json *j, cJSON *obj, const struct image *im, unsigned k)
{
	enum axis axes[AXIS_COUNT];
	unsigned n = image_axes(im, axes);
	const uint64_t *mag = im->pyramid.level[k].mag, *window = window_mag(im, k);
	cJSON *list = json_array(j, obj, "coordinateTransformations");
	cJSON *scale = json_object(j, list, NULL);
	json_string(j, scale, "type", "scale");
	cJSON *factors = json_array(j, scale, "scale");
	for (unsigned i = 0; i < n; i++) {
		double by = axes[i] < AXIS_Z ? 1 : (double)mag[axes[i] - AXIS_Z];
		json_double(j, factors, NULL, axis_scale(im, axes[i]) * by);
	}
	if (window == NULL)
		return;
	cJSON *translation = json_object(j, list, NULL);
	json_string(j, translation, "type", "translation");
	cJSON *way = json_array(j, translation, "translation");
	for (unsigned i = 0; i < n; i++) {
		double side = axes[i] < AXIS_Z ? 1 : (double)window[axes[i] - AXIS_Z];
		json_double(j, way, NULL, axis_scale(im, axes[i]) * (side - 1) / 2);
	}
}

static void datasets_list(struct json *j, cJSON *obj, const struct image *im, const char *folder)
{
	cJSON *list = json_array(j, obj, "datasets");
	for (unsigned k = 0; k < im->pyramid.n; k++) {
		cJSON *set = json_object(j, list, NULL);
		CLEANUP(text_done) struct text path = { 0 };
		if (folder != NULL) {
			text_add(&path, folder);
			text_add(&path, "/");
		}
		text_addf(&path, "%u", k);
		if (path.oom)
			j->oom = true;
		else
			json_string(j, set, "path", path.s);
		transforms(j, set, im, k);
	}
}

/* How a level follows from the one before. */
static const char *method_text(const struct image *im)
{
	static const char *const texts[REDUCE_COUNT] = {
		[REDUCE_MEDIAN] = "median of each window of the level before; of an even number "
				  "half the sum of the middle two, integers toward zero",
		[REDUCE_MEAN] = "mean of each window of the level before; integers half up",
		[REDUCE_MODE] = "most frequent value of each window of the level before; of "
				"several the first",
		[REDUCE_NEAREST] = "first voxel of each window",
		[REDUCE_MIN] = "least value of each window of the level before",
		[REDUCE_MAX] = "greatest value of each window of the level before",
	};
	return im->pyramid.n > 1 ? texts[im->method]
				 : "one level: the voxels as stored, not reduced";
}

/* For people; ids are names of folders. */
static const char *shown_name(const struct image *im)
{
	if (im->label != NULL)
		return im->label;
	const char *title = im->told != NULL ? im->told->title : NULL;
	return title != NULL && *title != '\0' ? title : im->id;
}

static void multiscales(struct json *j, cJSON *obj, const struct image *im, const char *folder,
			bool v3)
{
	cJSON *m = json_object(j, json_array(j, obj, "multiscales"), NULL);
	if (!v3)
		json_string(j, m, "version", "0.4");
	json_string(j, m, "name", shown_name(im));
	axes_list(j, m, im);
	datasets_list(j, m, im, folder);
	json_string(j, m, "type", reduce_method_name(im->method));
	cJSON *meta = json_object(j, m, "metadata");
	json_string(j, meta, "method", "ngffuse");
	json_string(j, meta, "version", NGFFUSE_VERSION);
	json_string(j, meta, "description", method_text(im));
}

/* The ends of 64-bit types are beyond what a double can say exactly. */
void ngff_window_number(struct json *j, cJSON *obj, const char *key, double v, enum dtype t)
{
	char digits[32];
	if (!dtype_is_float(t) && v >= dtype_max(t) && dtype_size(t) == 8) {
		uint64_t max = dtype_is_signed(t) ? (uint64_t)INT64_MAX : UINT64_MAX;
		json_u64(j, obj, key, max);
		return;
	}
	if (isfinite(v) && fabs(v) < 18446744073709551616.0 && !(floor(v) < v)) {
		snprintf(digits, sizeof(digits), "%.0f", v);
		json_digits(j, obj, key, strcmp(digits, "-0") == 0 ? "0" : digits);
		return;
	}
	json_double(j, obj, key, v);
}

void ngff_window(const struct channel *ch, double out[4])
{
	double min = isfinite(ch->min) ? ch->min : 0, max = isfinite(ch->max) ? ch->max : 1;
	double start = isfinite(ch->start) ? ch->start : min;
	double end = isfinite(ch->end) ? ch->end : max;
	if (!(end > start))
		end = start + 1;
	out[0] = min;
	out[1] = max;
	out[2] = start;
	out[3] = end;
}

static void window(struct json *j, cJSON *obj, const struct channel *ch, enum dtype t)
{
	static const char *const keys[] = { "min", "max", "start", "end" };
	double ends[ARRAY_SIZE(keys)];
	ngff_window(ch, ends);
	cJSON *w = json_object(j, obj, "window");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		ngff_window_number(j, w, keys[i], ends[i], t);
}

static void omero(struct json *j, cJSON *obj, const struct image *im, bool v3)
{
	cJSON *o = json_object(j, obj, "omero");
	json_u64(j, o, "id", 1);
	json_string(j, o, "name", im->id);
	json_string(j, o, "version", v3 ? "0.5" : "0.4");
	cJSON *list = json_array(j, o, "channels");
	uint64_t n = im->channels != NULL ? im->grid.size[AXIS_C] : 0;
	for (uint64_t c = 0; c < n; c++) {
		const struct channel *ch = &im->channels[c];
		cJSON *item = json_object(j, list, NULL);
		json_string(j, item, "label", ch->label != NULL ? ch->label : "");
		json_string(j, item, "color", ch->color);
		/* What follows red, green and blue is transparency. */
		json_bool(j, item, "active", !(im->rgb && c > 2));
		json_u64(j, item, "coefficient", 1);
		json_string(j, item, "family", "linear");
		json_bool(j, item, "inverted", false);
		window(j, item, ch, im->dtype);
	}
	cJSON *rdefs = json_object(j, o, "rdefs");
	json_u64(j, rdefs, "defaultT", 0);
	json_u64(j, rdefs, "defaultZ", im->grid.size[AXIS_Z] / 2);
	json_string(j, rdefs, "model", n > 1 ? "color" : "greyscale");
}

static void colors(struct json *j, cJSON *obj, const struct image *im)
{
	size_t n = label_colors_count(im);
	if (n == 0)
		return; /* an empty list is not allowed */
	cJSON *list = json_array(j, obj, "colors");
	for (size_t i = 0; i < n; i++) {
		char digits[24];
		uint8_t rgb[3];
		snprintf(digits, sizeof(digits), "%" PRId64, label_color(im, i, rgb));
		cJSON *item = json_object(j, list, NULL);
		json_digits(j, item, "label-value", digits);
		cJSON *rgba = json_array(j, item, "rgba");
		for (unsigned k = 0; k < 3; k++)
			json_u64(j, rgba, NULL, rgb[k]);
		json_u64(j, rgba, NULL, 255);
	}
}

static void image_label(struct json *j, cJSON *obj, const struct image *im, bool v3)
{
	cJSON *o = json_object(j, obj, "image-label");
	json_string(j, o, "version", v3 ? "0.5" : "0.4");
	/* Up from the label to its image. */
	CLEANUP(text_done) struct text up = { 0 };
	for (unsigned i = 0; i <= label_path_depth(im->label); i++)
		text_add(&up, "../");
	if (up.oom)
		j->oom = true;
	else
		json_string(j, json_object(j, o, "source"), "image", up.s);
	colors(j, o, im);
}

/* A run of gaps: planes first .. last in the order t, c, z, equal on all axes but one. */
struct gap_run {
	uint64_t t[2], c[2], z[2];
};

static bool is_gap(const struct dataset *d, const struct image *im, uint64_t t, uint64_t c,
		   uint64_t z)
{
	return image_plane_filled(d, im, image_plane(im, t, c, z));
}

/* Both ends are inclusive; c counts channels, of which a page may hold several. */
static void gap_range(struct json *j, cJSON *list, const struct image *im,
		      const struct gap_run *run)
{
	uint64_t pages = im->n_c > 0 ? im->n_c : 1;
	uint64_t samples = max_u64(im->grid.size[AXIS_C] / pages, 1);
	const uint64_t ends[3][2] = { { run->t[0], run->t[1] },
				      { run->c[0] * samples, (run->c[1] + 1) * samples - 1 },
				      { run->z[0], run->z[1] } };
	const bool present[3] = { im->has_t, im->has_c, im->has_z };
	cJSON *range = json_object(j, list, NULL);
	for (enum axis a = AXIS_T; a <= AXIS_Z; a++) {
		if (!present[a])
			continue;
		cJSON *pair = json_array(j, range, zarr_axis_name(a));
		json_u64(j, pair, NULL, ends[a][0]);
		json_u64(j, pair, NULL, ends[a][1]);
	}
}

/* Runs go along z, or along t in an image without z. False: there were more than `room`. */
static bool gap_runs(struct json *j, cJSON *list, const struct dataset *d, const struct image *im,
		     struct gap_run run, unsigned *room)
{
	uint64_t n = im->has_z ? im->n_z : im->n_t;
	uint64_t *ends = im->has_z ? run.z : run.t;
	for (uint64_t at = 0; at < n; at++) {
		ends[0] = at;
		while (at < n && (im->has_z ? is_gap(d, im, run.t[0], run.c[0], at)
					    : is_gap(d, im, at, run.c[0], 0)))
			at++;
		if (at == ends[0])
			continue;
		if (*room == 0)
			return false;
		--*room;
		ends[1] = at - 1;
		gap_range(j, list, im, &run);
	}
	return true;
}

static bool gap_ranges(struct json *j, cJSON *list, const struct dataset *d, const struct image *im)
{
	unsigned room = MAX_RANGES;
	uint64_t n_outer = im->has_z ? im->n_t : 1;
	for (uint64_t t = 0; t < n_outer; t++) {
		for (uint64_t c = 0; c < im->n_c; c++) {
			struct gap_run run = { { t, t }, { c, c }, { 0, 0 } };
			if (!gap_runs(j, list, d, im, run, &room))
				return false;
		}
	}
	return true;
}

static uint64_t count_gaps(const struct dataset *d, const struct image *im)
{
	uint64_t all_planes = im->planes != NULL ? image_planes(im) : 0, n = 0;
	for (uint64_t i = 0; i < all_planes; i++)
		n += image_plane_filled(d, im, i);
	return n;
}

static void levels_made(struct json *j, cJSON *obj, const struct image *im, enum level_made made)
{
	cJSON *levels = json_array(j, obj, "levels");
	for (unsigned k = 0; k < im->pyramid.n; k++)
		if (im->pyramid.level[k].made == made)
			json_u64(j, levels, NULL, k);
}

/* So that nobody takes what we filled in for data, or single voxels and stored overviews for what the method gives. */
static void remarks(struct json *j, cJSON *obj, const struct dataset *d, const struct image *im)
{
	uint64_t n_gaps = count_gaps(d, im);
	unsigned n_previews = image_previews(im);
	if (n_gaps == 0 && n_previews == 0 && im->n_overviews == 0)
		return;
	cJSON *own = json_object(j, obj, "ngffuse");
	if (n_gaps > 0) {
		cJSON *filled = json_object(j, own, "filled");
		json_u64(j, filled, "planes", n_gaps);
		json_u64(j, filled, "fill_value", 0);
		bool all = gap_ranges(j, json_array(j, filled, "ranges"), d, im);
		json_bool(j, filled, "complete", all);
	}
	if (n_previews > 0) {
		cJSON *preview = json_object(j, own, "preview");
		levels_made(j, preview, im, LEVEL_PREVIEW);
		json_string(j, preview, "method", reduce_method_name(REDUCE_NEAREST));
	}
	if (im->n_overviews > 0)
		levels_made(j, json_object(j, own, "overviews"), im, LEVEL_OVERVIEW);
}

void ngff_image(struct json *j, cJSON *obj, const struct dataset *d, const struct image *im,
		const char *folder, bool v3)
{
	cJSON *ome = obj;
	if (v3) {
		ome = json_object(j, obj, "ome");
		json_string(j, ome, "version", "0.5");
	}
	multiscales(j, ome, im, folder, v3);
	if (im->label != NULL)
		image_label(j, ome, im, v3);
	else
		omero(j, ome, im, v3);
	if (!v3)
		zarr_dimensions(j, obj, im, 0);
	remarks(j, obj, d, im);
}

void ngff_labels(struct json *j, cJSON *obj, const struct dataset *d, const struct image *im,
		 bool v3)
{
	cJSON *ome = obj;
	if (v3) {
		ome = json_object(j, obj, "ome");
		json_string(j, ome, "version", "0.5");
	}
	cJSON *list = json_array(j, ome, "labels");
	for (uint32_t i = 0; i < im->n_labels; i++) {
		const struct image *label = &d->images[im->first_label + i];
		if (image_state(label) == IMAGE_READY)
			json_string(j, list, NULL, label->label);
	}
}
