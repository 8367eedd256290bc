#include "fs/sample.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "codec/cut.h"
#include "meta/label_colors.h"

enum {
	SAMPLE_PLANES = 8,
	LABEL_PLANES = 256, /* of a label that is sampled whole */
	VALUES_MAX = 1 << 18,
	VALUES_LEAST = 256,
};

/* Beyond this not every whole number is a double, which is what JavaScript has. */
static const int64_t exact_max = INT64_C(1) << 53;

static const uint64_t sample_bytes = 8 * MiB;
static const uint64_t unit_bytes_limit = 64 * MiB;
static const uint64_t encode_block = 256 * KiB;

/* Values of one channel, thinned evenly. */
struct values {
	double *v;
	size_t n;
};

struct sampling {
	const struct plant *plant;
	struct bench *bench;
	const struct each *each;
	struct image *im;
	uint32_t image;
	struct values *channels; /* grid.size[AXIS_C] */
	uint64_t raw, encoded;	 /* bytes tried for the codec */
	struct encode_spec lz4;
	void *out;
	uint64_t out_cap;
	size_t values_max; /* of a channel */
	size_t per_plane;  /* wanted from one plane */
	bool whole;	   /* of a label: every voxel is read */
	bool ids_fit;	   /* and its ids fit into its list of colours */
	uint64_t largest;  /* id */
	bool below_zero;   /* there is an id below 0 */
	struct err *why;   /* of -ERANGE */
};

static int64_t id_at(enum dtype t, const uint8_t *p)
{
	uint64_t v = 0;
	size_t n = dtype_size(t);
	memcpy(&v, p, n);
	if (dtype_is_signed(t) && n < 8 && (v >> (8 * n - 1) & 1) != 0)
		v |= UINT64_MAX << 8 * n;
	return (int64_t)v;
}

/* Of a label: which ids there are. */
static void take_ids(struct sampling *s, const uint8_t *p, uint64_t pixels)
{
	enum dtype t = s->im->dtype;
	size_t size = dtype_size(t);
	int64_t last = 0;
	for (uint64_t i = 0; i < pixels; i++) {
		int64_t id = id_at(t, p + i * size);
		if (id == last)
			continue;
		last = id;
		if (id < 0 && dtype_is_signed(t))
			s->below_zero = true;
		else
			s->largest = max_u64(s->largest, (uint64_t)id);
		/* Colours belong to numbers that JSON can tell. */
		if (s->whole && s->ids_fit)
			s->ids_fit = (id >= 0 || dtype_is_signed(t)) &&
				     label_colors_add(s->im->colors, id);
	}
}

static double value_at(enum dtype t, const uint8_t *p)
{
	union {
		uint8_t b[8];
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
		int16_t i16;
		int32_t i32;
		int64_t i64;
		float f32;
		double f64;
	} u = { { 0 } };
	memcpy(u.b, p, dtype_size(t));
	switch (t) {
	case DTYPE_U8:
		return u.b[0];
	case DTYPE_I8:
		return (int8_t)u.b[0];
	case DTYPE_U16:
		return u.u16;
	case DTYPE_I16:
		return u.i16;
	case DTYPE_U32:
		return u.u32;
	case DTYPE_I32:
		return u.i32;
	case DTYPE_U64:
		return (double)u.u64;
	case DTYPE_I64:
		return (double)u.i64;
	case DTYPE_F32:
		return (double)u.f32;
	case DTYPE_F64:
		return u.f64;
	}
	return 0;
}

/* Every step-th voxel of one channel of the interleaved rows; not finite ones are left out. */
static void take_values(struct sampling *s, uint64_t c, const uint8_t *p, uint64_t pixels,
			uint64_t pixel)
{
	struct values *to = &s->channels[c];
	if (to->v == NULL)
		return; /* its window is known */
	uint64_t step = max_u64(1, pixels / s->per_plane);
	for (uint64_t i = 0; i < pixels && to->n < s->values_max; i += step) {
		double v = value_at(s->im->dtype, p + i * pixel);
		if (isfinite(v))
			to->v[to->n++] = v;
	}
}

static int try_codec(struct sampling *s, const uint8_t *p, uint64_t n)
{
	for (uint64_t off = 0; off + s->im->grid.voxel <= n; off += encode_block) {
		struct err err;
		size_t len, block = min_u64(encode_block, n - off);
		int e = encode(s->bench->encoder, &s->lz4, p + off, block, s->out, s->out_cap, &len,
			       &err);
		if (e < 0)
			return e;
		s->raw += block;
		s->encoded += len;
	}
	return 0;
}

/* `part` of `whole` in the middle, both in units of `unit` voxels, of `size` voxels: [*from, *to). */
static void middle(uint64_t part, uint64_t whole, uint64_t unit, uint64_t size, uint64_t *from,
		   uint64_t *to)
{
	part = min_u64(max_u64(1, part), whole);
	*from = (whole - part) / 2 * unit;
	*to = min_u64(size, *from + part * unit);
}

/* Whole strips or tiles in the middle of the page, as many as are decoded to `share` bytes, at least one;
 * of raw rows as much as that. */
static void middle_of_page(const struct image *im, uint64_t share, struct piece *p)
{
	const struct tiff_page *k = &im->kind;
	uint64_t pixel = (uint64_t)im->grid.layout.samples * im->grid.voxel;
	bool raw = image_raw_rows(im, k);
	uint64_t w = raw ? 1 : k->unit_w, h = raw ? 1 : k->unit_h;
	uint64_t across = max_u64(1, ceil_div(k->width, w)), down = ceil_div(k->height, h);
	uint64_t units = max_u64(1, share / max_u64(1, w * h * pixel));
	middle(units, across, w, k->width, &p->x0, &p->x1);
	middle(units / across, down, h, k->height, &p->y0, &p->y1);
	p->row_bytes = (p->x1 - p->x0) * pixel;
}

static uint64_t values_bytes(const struct image *im)
{
	return max_u64(VALUES_MAX, im->grid.size[AXIS_C] * VALUES_LEAST) * sizeof(double);
}

/* One plane on its way, with that many bytes wanted of it. */
static uint64_t plane_bytes(const struct image *im, uint64_t share)
{
	struct piece p = { 0 };
	middle_of_page(im, share, &p);
	return pool_round((p.y1 - p.y0) * p.row_bytes) + produce_decode_scratch(im);
}

/* As many planes as fit into what is reserved in any case. */
static size_t planes_at_once(const struct image *im, uint64_t share)
{
	uint64_t others = values_bytes(im) + 2 * encode_block;
	uint64_t room = SAMPLE_USUAL > others ? SAMPLE_USUAL - others : 0;
	uint64_t n = room / max_u64(1, plane_bytes(im, share));
	return max_u64(1, min_u64(SAMPLE_PLANES, n));
}

/* The middle of one plane. */
struct shot {
	struct piece piece;
	uint64_t pixels, size; /* of its voxels, in bytes */
	int error;
	struct err why;
};

/* Planes that are read at once, on their way into the sample in order. */
struct shots {
	const struct sampling *s;
	struct shot v[SAMPLE_PLANES];
	size_t n;
};

static void add_shot(struct shots *shots, uint64_t plane, uint64_t sample, uint64_t share)
{
	const struct image *im = shots->s->im;
	if (im->planes[plane].file == PLANE_GAP)
		return;
	struct shot *new = &shots->v[shots->n++];
	*new = (struct shot){ .piece = { .plane = plane, .sample_c = sample } };
	struct piece *p = &new->piece;
	middle_of_page(im, share, p);
	p->unit_max = unit_bytes_limit;
	new->pixels = (p->y1 - p->y0) * (p->x1 - p->x0);
	new->size = new->pixels * im->grid.layout.samples * im->grid.voxel;
}

static void read_shot(void *arg, size_t i)
{
	struct shots *shots = arg;
	const struct sampling *s = shots->s;
	struct shot *shot = &shots->v[i];
	struct bench bench;
	shot->error = -ENOMEM;
	shot->piece.out = pool_get(s->plant->pool, shot->size);
	if (shot->piece.out == NULL || !bench_init(&bench))
		return;
	shot->error =
		produce_piece(s->plant, &bench, NULL, s->image, &shot->piece, NULL, &shot->why);
	bench_done(&bench);
}

static int use_shot(struct sampling *s, const struct shot *shot)
{
	const struct image *im = s->im;
	const struct piece *p = &shot->piece;
	s->ids_fit &= shot->error == 0;
	/* What is met in the sample is a mistake of the label as a whole. */
	if (shot->error == -ERANGE) {
		*s->why = shot->why;
		return shot->error;
	}
	if (shot->error != 0)
		return shot->error == -ENOMEM ? -ENOMEM : 0;
	if (im->label != NULL)
		take_ids(s, p->out, shot->pixels);
	uint64_t page = p->plane / im->n_z % im->n_c;
	uint64_t c = page * (im->grid.size[AXIS_C] / im->n_c) + p->sample_c;
	for (uint32_t k = 0; k < im->grid.layout.samples && im->label == NULL; k++)
		take_values(s, c + k, p->out + k * im->grid.voxel, shot->pixels,
			    im->grid.layout.samples * im->grid.voxel);
	int e = s->out == NULL ? 0 : try_codec(s, p->out, shot->size);
	return e == -ENOMEM ? e : 0;
}

/* Reads the planes together and uses them in order. */
static int use_shots(struct sampling *s, struct shots *shots)
{
	int e = 0;
	each_run(s->each, shots->n, read_shot, shots);
	for (size_t i = 0; i < shots->n; i++) {
		struct shot *shot = &shots->v[i];
		e = e == 0 ? use_shot(s, shot) : e;
		pool_put(s->plant->pool, shot->piece.out, shot->size);
	}
	shots->n = 0;
	return e;
}

/* A small label is read whole: its colours can be listed where all of its ids are known. */
static bool is_small_label(const struct image *im)
{
	uint64_t places = im->n_t * im->n_z, voxels = im->grid.size[AXIS_Y], bytes;
	return im->label != NULL && places <= LABEL_PLANES &&
	       mul_u64(voxels, im->grid.size[AXIS_X], &voxels) &&
	       mul_u64(voxels, places * im->grid.voxel, &bytes) && bytes <= sample_bytes;
}

/* At most eight planes: spread over the channels first, then over t and z together. */
static int sample_planes(struct sampling *s)
{
	const struct image *im = s->im;
	struct shots shots = { .s = s };
	uint64_t parts = im->grid.size[AXIS_C] /
			 im->grid.layout.samples; /* planes and planar samples of one t, z */
	uint64_t per_page = parts / im->n_c, places = im->n_t * im->n_z;
	uint64_t total = min_u64(parts, SAMPLE_PLANES);
	uint64_t each = max_u64(1, min_u64(SAMPLE_PLANES / max_u64(1, parts), places));
	uint64_t share = sample_bytes / max_u64(1, total * each);
	if (s->whole) {
		each = places;
		share = UINT64_MAX;
	}
	size_t at_once = planes_at_once(im, share);
	s->per_plane = max_u64(1, s->values_max / each);
	for (uint64_t i = 0; i < total; i++) {
		uint64_t part = i * parts / total;
		for (uint64_t k = 0; k < each; k++) {
			uint64_t place = (2 * k + 1) * places / (2 * each);
			uint64_t plane =
				image_plane(im, place / im->n_z, part / per_page, place % im->n_z);
			add_shot(&shots, plane, part % per_page, share);
			int e = shots.n == at_once ? use_shots(s, &shots) : 0;
			if (e < 0)
				return e;
		}
	}
	return use_shots(s, &shots);
}

static int by_value(const void *a, const void *b)
{
	double x, y;
	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

/* Start and end: the 0.5 and 99.5 percentiles. min and max: the type's range, for floats the sample's. */
static void set_window(const struct sampling *s, uint64_t c)
{
	struct channel *ch = &s->im->channels[c];
	struct values *v = &s->channels[c];
	if (ch->has_window)
		return;
	bool is_float = dtype_is_float(s->im->dtype);
	if (v->n == 0) {
		ch->min = is_float ? 0 : dtype_min(s->im->dtype);
		ch->max = is_float ? 1 : dtype_max(s->im->dtype);
		ch->start = ch->min;
		ch->end = ch->max;
		return;
	}
	qsort(v->v, v->n, sizeof(v->v[0]), by_value);
	ch->min = is_float ? v->v[0] : dtype_min(s->im->dtype);
	ch->max = is_float ? v->v[v->n - 1] : dtype_max(s->im->dtype);
	ch->start = v->v[(v->n - 1) / 200];
	ch->end = v->v[v->n - 1 - (v->n - 1) / 200];
	if (ch->end <= ch->start) /* the second where doubles are further apart than 1 */
		ch->end = fmax(ch->start + 1, nextafter(ch->start, HUGE_VAL));
	if (is_float && ch->max <= ch->min)
		ch->max = ch->min + 1;
}

/* Channels beyond the sampled ones share the window of the one before. */
static void set_windows(const struct sampling *s)
{
	uint64_t n = s->im->grid.size[AXIS_C], last = 0;
	for (uint64_t c = 0; c < n; c++) {
		bool sampled = s->channels[c].n > 0;
		set_window(s, c);
		if (!sampled && c > 0 && s->channels[last].n > 0 &&
		    !s->im->channels[c].has_window) {
			struct channel *ch = &s->im->channels[c];
			const struct channel *from = &s->im->channels[last];
			ch->min = from->min;
			ch->max = from->max;
			ch->start = from->start;
			ch->end = from->end;
		}
		last = sampled ? c : last;
	}
}

/* blosc-lz4 where it saves at least a third. */
static void choose_codec(const struct sampling *s)
{
	struct image *im = s->im;
	bool pays = s->raw > 0 && s->encoded <= s->raw / 3 * 2;
	im->encode.codec = pays ? CODEC_BLOSC_LZ4 : CODEC_NONE;
	im->encode.level = pays ? s->lz4.level : 0;
	double saved = s->raw == 0 ? 0 : 100.0 * (1.0 - (double)s->encoded / (double)s->raw);
	snprintf(im->codec_from.text, sizeof(im->codec_from.text),
		 "auto: blosc-lz4 saves %.0f %% of a sample", saved < 0 ? 0.0 : saved);
}

static void sampling_done(struct sampling *s)
{
	for (uint64_t c = 0; s->channels != NULL && c < s->im->grid.size[AXIS_C]; c++)
		free(s->channels[c].v);
	free(s->channels);
	pool_put(s->plant->pool, s->out, s->out_cap);
}

static int sampling_init(struct sampling *s, bool codec_auto, struct err *err)
{
	uint64_t n = max_u64(1, s->im->grid.size[AXIS_C]);
	s->values_max = max_u64(VALUES_LEAST, VALUES_MAX / n);
	s->channels = calloc(n, sizeof(*s->channels));
	if (s->channels == NULL)
		return err_oom(err);
	for (uint64_t c = 0; c < n && s->im->label == NULL; c++) {
		if (s->im->channels[c].has_window)
			continue;
		s->channels[c].v = malloc(s->values_max * sizeof(double));
		if (s->channels[c].v == NULL)
			return err_oom(err);
	}
	s->lz4 = (struct encode_spec){ .dtype = s->im->dtype };
	int e = codec_parse("blosc-lz4", &s->lz4.codec, &s->lz4.level, err);
	if (e < 0 || !codec_auto)
		return e;
	s->out_cap = encode_bound(&s->lz4, encode_block);
	s->out = pool_get(s->plant->pool, s->out_cap);
	return s->out == NULL ? err_oom(err) : 0;
}

static void tell_ids(const struct sampling *s)
{
	struct image *im = s->im;
	im->colors->complete = s->whole && s->ids_fit;
	if (s->below_zero)
		image_warn(im, "ids below 0 were met");
	if (s->largest > (uint64_t)exact_max - 1)
		image_warn(im,
			   "ids above 2^53-1 were met (%llu): WEBKNOSSOS and viewers in a browser "
			   "cannot tell them apart",
			   (unsigned long long)s->largest);
}

static bool can_be_sampled(const struct image *im)
{
	return image_raw_rows(im, &im->kind) || im->unit_bytes_max <= unit_bytes_limit;
}

uint64_t sample_needs(const struct image *im)
{
	if (!can_be_sampled(im))
		return values_bytes(im);
	return plane_bytes(im, sample_bytes) + values_bytes(im) + 2 * encode_block;
}

int sample_image(const struct plant *p, struct bench *b, struct image *im, uint32_t image,
		 bool codec_auto, const struct each *each, struct err *err)
{
	struct sampling s = {
		.plant = p, .bench = b, .each = each, .im = im, .image = image, .why = err
	};
	bool label = im->label != NULL, wanted = codec_auto || label;
	for (uint64_t c = 0; c < im->grid.size[AXIS_C] && !label; c++)
		wanted |= !im->channels[c].has_window;
	s.whole = is_small_label(im) && can_be_sampled(im);
	s.ids_fit = true;
	if (!wanted)
		return 0;
	int e = sampling_init(&s, codec_auto, err);
	if (e == 0 && can_be_sampled(im))
		e = sample_planes(&s);
	if (e == 0) {
		if (label)
			tell_ids(&s);
		else
			set_windows(&s);
		if (codec_auto)
			choose_codec(&s);
	}
	sampling_done(&s);
	return e == 0 || e == -ERANGE ? e : err_oom(err);
}
