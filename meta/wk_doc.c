#include "meta/wk_doc.h"

#include "meta/layers.h"
#include "meta/ngff_doc.h"
#include "meta/zarr_doc.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* What a number is to JavaScript. */
static const uint64_t safe_integer = (UINT64_C(1) << 53) - 1;

static bool is_segmentation(const struct dataset *d, const struct image *im)
{
	return im->label != NULL || d->segmentation;
}

static int check_type(const struct dataset *d, const struct image *im, struct err *err)
{
	bool ids = is_segmentation(d, im);
	if (ids ? !dtype_is_float(im->dtype) : im->dtype == DTYPE_F32 || dtype_size(im->dtype) < 8)
		return 0;
	if (ids)
		return err_set(err, EINVAL,
			       "--category segmentation: WEBKNOSSOS has no segmentation of %s",
			       dtype_v3(im->dtype));
	return err_set(err, EINVAL, "--layout: WEBKNOSSOS has no color layer of %s%s",
		       dtype_v3(im->dtype),
		       dtype_is_float(im->dtype) ? "" : "; for ids give --category segmentation");
}

static uint64_t largest(const uint64_t mag[3])
{
	return max_u64(mag[0], max_u64(mag[1], mag[2]));
}

/* WEBKNOSSOS tells mags apart by their largest factor. */
static int check_mags(const struct pyramid *p, struct err *err)
{
	for (unsigned k = 1; k < p->n; k++) {
		const uint64_t *a = p->level[k - 1].mag, *b = p->level[k].mag;
		char one[LAYER_NAME], two[LAYER_NAME];
		if (largest(a) != largest(b))
			continue;
		layer_mag_name(a, one);
		layer_mag_name(b, two);
		return err_set(
			err, EINVAL,
			"--layout: WEBKNOSSOS tells mags apart by their largest factor, which "
			"%.80s and %.80s have in common: give another --sampling-mode",
			one, two);
	}
	return 0;
}

int wk_check(const struct dataset *d, const struct image *im, struct err *err)
{
	int rc = check_type(d, im, err);
	if (rc == 0)
		rc = check_mags(&im->pyramid, err);
	if (rc == 0 && layer_parts(im) > LAYERS_MAX)
		return err_set(err, EINVAL,
			       "--layout: %" PRIu64 " channels and time points, and a dataset of "
			       "WEBKNOSSOS has at most %d layers here",
			       layer_parts(im), LAYERS_MAX);
	return rc;
}

static const char *element_class(enum dtype t)
{
	return t == DTYPE_F32 ? "float" : t == DTYPE_F64 ? "double" : dtype_v3(t);
}

static void bounding_box(struct json *j, cJSON *obj, const struct image *im)
{
	const uint64_t *size = im->pyramid.level[0].size;
	cJSON *box = json_object(j, obj, "boundingBox");
	cJSON *at = json_array(j, box, "topLeft");
	for (unsigned i = 0; i < 3; i++)
		json_u64(j, at, NULL, 0);
	json_u64(j, box, "width", size[AXIS_X]);
	json_u64(j, box, "height", size[AXIS_Y]);
	json_u64(j, box, "depth", size[AXIS_Z]);
}

static void mags(struct json *j, cJSON *obj, const struct image *im, const char *layer)
{
	static const char *const axes[] = { "c", "x", "y", "z" };
	cJSON *list = json_array(j, obj, "mags");
	for (unsigned k = 0; k < im->pyramid.n; k++) {
		const uint64_t *mag = im->pyramid.level[k].mag;
		cJSON *item = json_object(j, list, NULL);
		cJSON *numbers = json_array(j, item, "mag");
		for (unsigned i = 3; i-- > 0;)
			json_u64(j, numbers, NULL, mag[i]);
		char name[LAYER_NAME];
		CLEANUP(text_done) struct text path = { 0 };
		layer_mag_name(mag, name);
		text_addf(&path, "./%s/%s", layer, name);
		j->oom |= path.oom;
		json_string(j, item, "path", path.oom ? "" : path.s);
		cJSON *order = json_object(j, item, "axisOrder");
		for (unsigned i = 0; i < ARRAY_SIZE(axes); i++)
			json_u64(j, order, axes[i], i);
	}
}

static uint64_t hex_digit(char c)
{
	return c >= '0' && c <= '9' ? (uint64_t)(c - '0') : (uint64_t)((c | 32) - 'a' + 10);
}

/* How it looks at first: colour and display window, as omero has them. */
static void view(struct json *j, cJSON *obj, const struct image *im, uint64_t channel)
{
	if (im->channels == NULL)
		return;
	const struct channel *ch = &im->channels[channel];
	cJSON *v = json_object(j, obj, "defaultViewConfiguration");
	cJSON *color = json_array(j, v, "color");
	for (unsigned i = 0; i < 6; i += 2)
		json_u64(j, color, NULL,
			 hex_digit(ch->color[i]) * 16 + hex_digit(ch->color[i + 1]));
	double ends[4];
	ngff_window(ch, ends);
	cJSON *range = json_array(j, v, "intensityRange");
	ngff_window_number(j, range, NULL, ends[2], im->dtype);
	ngff_window_number(j, range, NULL, ends[3], im->dtype);
	ngff_window_number(j, v, "min", ends[0], im->dtype);
	ngff_window_number(j, v, "max", ends[1], im->dtype);
}

/* Larger numbers stand in an envelope. */
static void largest_id(struct json *j, cJSON *obj, uint64_t id)
{
	if (id <= safe_integer) {
		json_u64(j, obj, "largestSegmentId", id);
		return;
	}
	char digits[24];
	snprintf(digits, sizeof(digits), "%" PRIu64, id);
	cJSON *envelope = json_object(j, obj, "largestSegmentId");
	json_string(j, envelope, "customJsonEncoding", "bigint");
	json_string(j, envelope, "value", digits);
}

static void layer(struct json *j, cJSON *list, const struct dataset *d, const struct layer *l)
{
	const struct image *im = &d->images[l->image];
	bool ids = is_segmentation(d, im);
	char name[LAYER_NAME];
	layer_name(d, l, name);
	cJSON *obj = json_object(j, list, NULL);
	json_string(j, obj, "name", name);
	json_string(j, obj, "category", ids ? "segmentation" : "color");
	bounding_box(j, obj, im);
	json_string(j, obj, "dataFormat", "zarr");
	mags(j, obj, im, name);
	if (!ids)
		view(j, obj, im, l->part % im->grid.size[AXIS_C]);
	json_u64(j, obj, "numChannels", 1);
	json_string(j, obj, "elementClass", element_class(im->dtype));
	if (ids && d->has_largest_id)
		largest_id(j, obj, d->largest_id);
}

void wk_properties(struct json *j, cJSON *obj, const struct dataset *d, const struct image *im)
{
	cJSON *id = json_object(j, obj, "id");
	char name[LAYER_NAME];
	layer_clean(im->id, name);
	json_string(j, id, "name", name);
	json_string(j, id, "team", "");
	cJSON *scale = json_object(j, obj, "scale");
	cJSON *factor = json_array(j, scale, "factor");
	for (unsigned i = 3; i-- > 0;)
		json_double(j, factor, NULL,
			    isfinite(im->voxel[i]) && im->voxel[i] > 0 ? im->voxel[i] : 1);
	/* It knows every unit that OME-NGFF knows, but must be told one. */
	json_string(j, scale, "unit", im->unit[0] != '\0' ? im->unit : "nanometer");
	cJSON *list = json_array(j, obj, "dataLayers");
	struct layer l;
	for (uint64_t k = 0; layer_at(d, (uint32_t)(im - d->images), k, &l); k++)
		if (image_state(&d->images[l.image]) == IMAGE_READY)
			layer(j, list, d, &l);
	json_u64(j, obj, "version", 1);
}

void wk_array(struct json *j, cJSON *obj, enum tree_view which, const struct image *im,
	      uint32_t level)
{
	const struct level *l = &im->pyramid.level[level];
	struct zarr_grid g = { .order = "F" };
	if (which == VIEW_WK)
		g.size[0] = g.chunk[g.n++] = 1;
	for (enum axis a = AXIS_X; a >= AXIS_Z; a--) {
		g.size[g.n] = l->size[a];
		g.chunk[g.n++] = l->chunk[a];
	}
	zarr_grid_v2(j, obj, &g, im, level);
}
