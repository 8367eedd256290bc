#include "fs/describe.h"

#include "meta/layers.h"
#include "meta/names.h"
#include "meta/voxel.h"

#include <string.h>

void describe_name(struct text *t, const char *s)
{
	text_add_name(t, s, strlen(s));
}

void describe_files(const struct dataset *d, struct text *t)
{
	if (d->n_files == 0) {
		text_add(t, "no files");
		return;
	}
	const char *first = d->files[0].path, *last = d->files[0].path;
	for (size_t i = 1; i < d->n_files; i++) {
		if (names_compare(d->files[i].path, first) < 0)
			first = d->files[i].path;
		if (names_compare(d->files[i].path, last) > 0)
			last = d->files[i].path;
	}
	if (d->n_files == 1) {
		text_add(t, "one file, ");
		describe_name(t, first);
		return;
	}
	text_addf(t, "%zu files, ", d->n_files);
	describe_name(t, first);
	text_add(t, " .. ");
	describe_name(t, last);
}

void describe_axes(const struct image *im, struct text *t)
{
	static const char letters[AXIS_COUNT] = "tczyx";
	enum axis axes[AXIS_COUNT];
	unsigned n = image_axes(im, axes);
	for (unsigned i = 0; i < n; i++)
		text_addf(t, "%s%c", i > 0 ? "," : "", letters[axes[i]]);
}

void describe_numbers(const struct image *im, const uint64_t v[AXIS_COUNT], struct text *t)
{
	enum axis axes[AXIS_COUNT];
	unsigned n = image_axes(im, axes);
	for (unsigned i = 0; i < n; i++)
		text_addf(t, "%s%llu", i > 0 ? " x " : "", (unsigned long long)v[axes[i]]);
}

void describe_voxel(const struct image *im, struct text *t)
{
	static const char letters[] = "zyx";
	for (int i = 2; i >= 0; i--) {
		if (i == 0 && !im->has_z)
			break;
		char number[40];
		voxel_print(im->voxel[i], number, sizeof(number));
		text_addf(t, "%s%c %s", i < 2 ? ", " : "", letters[i], number);
	}
	text_addf(t, "%s", im->unit[0] != '\0' ? " " : ", no unit");
	text_add(t, im->unit);
}

void describe_layout(const struct image *im, struct text *t)
{
	const struct tiff_page *p = &im->kind;
	if (p->tiled)
		text_addf(t, "tiles of %u x %u", p->unit_h, p->unit_w);
	else if (p->units_y == 1)
		text_add(t, "one strip a page");
	else
		text_addf(t, "strips of %u row%s", p->unit_h, p->unit_h == 1 ? "" : "s");
	if (p->compression == TIFF_COMPRESSION_NONE)
		text_add(t, ", not compressed");
	else
		text_addf(t, ", %s", tiff_compression_name(p->compression));
	if (p->predictor > 1)
		text_addf(t, ", predictor %u", p->predictor);
	if (p->samples > 1)
		text_addf(t, ", %u samples %s", p->samples, p->planar ? "apart" : "interleaved");
	if (p->file.bigtiff)
		text_add(t, ", BigTIFF");
}

void describe_chunk(const struct image *im, struct text *t)
{
	const struct grid *g = &im->grid;
	describe_numbers(im, g->chunk, t);
	text_add(t, ", ");
	text_add_size(t, grid_chunk_bytes(g));
	text_add(t, " raw; ");
	uint64_t together = grid_run_count(g) > 0 ? grid_run_chunks(g, 0) : 1;
	if (together > 1)
		text_addf(t, "%llu made together by decoding ", (unsigned long long)together);
	else
		text_add(t, "made by decoding ");
	text_add_size(t, grid_band_bytes_worst(g));
	if (g->border_twice)
		text_add(t, ", border strips twice");
}

static void add_codec(const struct encode_spec *s, struct text *t)
{
	text_add(t, codec_name(s->codec));
	if (s->codec != CODEC_NONE)
		text_addf(t, " level %d", s->level);
}

void describe_codec(const struct image *im, struct text *t)
{
	add_codec(&im->encode, t);
}

void describe_codec_coarse(const struct image *im, struct text *t)
{
	add_codec(&im->encode_coarse, t);
}

/* "2", "3..5", "1, 3..5" */
static void add_made(const struct image *im, enum level_made made, struct text *t)
{
	const struct level *l = im->pyramid.level;
	const char *before = "";
	for (unsigned k = 0, end; k < im->pyramid.n; k = end) {
		end = k + 1;
		if (l[k].made != made)
			continue;
		while (end < im->pyramid.n && l[end].made == made)
			end++;
		text_addf(t, "%s%u", before, k);
		if (end > k + 1)
			text_addf(t, "..%u", end - 1);
		before = ", ";
	}
}

void describe_previews(const struct image *im, struct text *t)
{
	add_made(im, LEVEL_PREVIEW, t);
}

void describe_levels(const struct image *im, struct text *t)
{
	const struct pyramid *p = &im->pyramid;
	if (p->n == 1) {
		text_add(t, "1, the full size alone");
		return;
	}
	const struct level *last = &p->level[p->n - 1];
	text_addf(t, "%u, the coarsest (mag ", p->n);
	ladder_mag(t, last->mag);
	text_add(t, ") ");
	describe_numbers(im, last->size, t);
	text_addf(t, ", by %s", reduce_method_name(im->method));
	if (im->n_overviews > 0) {
		text_add(t, "; ");
		add_made(im, LEVEL_OVERVIEW, t);
		text_add(t,
			 im->n_overviews == 1 ? " is a stored overview" : " are stored overviews");
	}
	unsigned n = image_previews(im);
	if (n == 0)
		return;
	text_add(t, "; ");
	describe_previews(im, t);
	text_add(t, n == 1 ? " is a PREVIEW" : " are PREVIEWS");
	text_add(t, " of single voxels (--preview)");
}

void describe_seconds(double seconds, struct text *t)
{
	static const struct {
		double from, unit;
		const char *name;
	} units[] = {
		{ 2 * 86400.0, 86400, "days" },
		{ 2 * 3600.0, 3600, "h" },
		{ 120, 60, "min" },
		{ 0, 1, "s" },
	};
	size_t i = 0;
	while (i + 1 < ARRAY_SIZE(units) && seconds < units[i].from)
		i++;
	double v = seconds / units[i].unit;
	text_addf(t, v < 10 ? "%.2g %s" : "%.0f %s", v, units[i].name);
}

static void add_view(const struct view *v, struct text *t)
{
	text_add(t, "reads ");
	text_add_size(t, v->stored);
	text_add(t, ", decodes ");
	text_add_size(t, v->decoded);
	if (v->seconds < 0)
		return;
	text_add(t, ", ");
	describe_seconds(v->seconds, t);
}

void describe_prediction(const struct prediction *p, struct text *t)
{
	bool preview = p->made.made == LEVEL_PREVIEW;
	text_addf(t, "level %u%s: ", p->level, preview ? ", a PREVIEW" : "");
	add_view(&p->made, t);
	text_add(t, p->made.seconds < 0 ? "" : " here");
	if (!p->has_other)
		return;
	text_add(t, preview ? "; true (--preview never): " : "; as a preview (--preview always): ");
	add_view(&p->other, t);
}

void describe_layers(const struct dataset *d, const struct image *im, struct text *t)
{
	enum { LISTED = 12 };
	struct layer l;
	char name[LAYER_NAME];
	if (d->layer == NULL)
		return;
	uint64_t n = 0;
	for (; layer_at(d, (uint32_t)(im - d->images), n, &l); n++) {
		layer_name(d, &l, name);
		if (n < LISTED)
			text_addf(t, "%s%s", n > 0 ? ", " : "", name);
	}
	if (n > LISTED)
		text_addf(t, " and %llu more", (unsigned long long)(n - LISTED));
}

/* "t 3 c 0 z 17..19", axes of one plane left out where others stand. */
static void add_planes(const struct image *im, uint64_t first, uint64_t last, struct text *t)
{
	uint64_t z = first % im->n_z, c = first / im->n_z % im->n_c, n = first / im->n_z / im->n_c;
	bool others = im->n_t > 1 || im->n_c > 1;
	if (im->n_t > 1)
		text_addf(t, "t %llu", (unsigned long long)n);
	if (im->n_c > 1)
		text_addf(t, "%sc %llu", im->n_t > 1 ? " " : "", (unsigned long long)c);
	if (im->n_z > 1 || !others)
		text_addf(t, "%sz %llu", others ? " " : "", (unsigned long long)z);
	if (last > first)
		text_addf(t, "..%llu", (unsigned long long)(z + last - first));
}

void describe_gaps(const struct image *im, struct text *t)
{
	enum { LISTED = 20 };
	if (im->n_gaps == 0 || im->n_z == 0)
		return;
	text_addf(t, "%llu plane%s missing and filled:", (unsigned long long)im->n_gaps,
		  im->n_gaps == 1 ? " is" : "s are");
	uint64_t all = image_planes(im);
	unsigned listed = 0;
	for (uint64_t i = 0; i < all; i++) {
		uint64_t last = i;
		if (im->planes[i].file != PLANE_GAP)
			continue;
		while (last + 1 < all && (last + 1) % im->n_z != 0 &&
		       im->planes[last + 1].file == PLANE_GAP)
			last++;
		if (listed++ == LISTED) {
			text_add(t, ", ..");
			return;
		}
		text_add(t, listed == 1 ? " " : ", ");
		add_planes(im, i, last, t);
		i = last;
	}
}

void describe_left_out(const struct left_out *o, struct text *t)
{
	if (o->of == NULL) {
		text_add(t, o->why);
		return;
	}
	text_add(t, "a duplicate of ");
	describe_name(t, o->of);
}

uint64_t describe_damaged(const struct dataset *d, const struct image *im)
{
	uint64_t n = 0, all = 0;
	if (im->planes == NULL || !mul_u64(im->n_t, im->n_c, &all) || !mul_u64(all, im->n_z, &all))
		return 0;
	for (uint64_t i = 0; i < all; i++)
		if (im->planes[i].file != PLANE_GAP && d->files[im->planes[i].file].trouble != 0)
			n++;
	return n + (image_state(im) == IMAGE_READY ? im->n_damaged : 0);
}
