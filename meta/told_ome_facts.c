#include "meta/told_ome_facts.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "meta/voxel.h"

/* False: it has no length. */
static bool to_size(const struct ome_quantity *q, struct told_size *out)
{
	if (!isfinite(q->value) || q->value <= 0)
		return false;
	double factor = 1;
	const char *unit =
		q->unit[0] == '\0' ? "micrometer" : voxel_length(q->unit, strlen(q->unit), &factor);
	if (unit == NULL)
		return false;
	*out = (struct told_size){ voxel_convert(q->value, factor), unit, NULL };
	return true;
}

static void get_sizes(struct ome_layout *l, size_t i, struct told_image *out)
{
	static const char letters[] = "ZYX";
	const struct ome_image *im = &l->doc->xml.images[i];
	for (size_t a = 0; a < ARRAY_SIZE(out->size); a++) {
		const struct ome_quantity *q = &im->physical[a];
		if (!q->told || to_size(q, &out->size[a]))
			continue;
		char number[40];
		voxel_print(q->value, number, sizeof(number));
		CLEANUP(text_done) struct text unit = { 0 };
		text_add(&unit, "");
		text_add_name(&unit, q->unit, strlen(q->unit));
		l->out->notes.oom |= unit.oom;
		ome_note(l, i, "PhysicalSize%c %s \"%s\" is no length and ignored", letters[a],
			 number, unit.s != NULL ? unit.s : "");
	}
}

static int compare_deltas(const void *a, const void *b)
{
	const struct ome_delta *x = a, *y = b;
	return (x->t > y->t) - (x->t < y->t);
}

static int compare_doubles(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* The median of the steps, where they vary by less than a twentieth of it; else 0. Sorts `d`. */
static double median_step(struct ome_delta *d, size_t n, double *steps)
{
	size_t n_steps = 0;
	qsort(d, n, sizeof(*d), compare_deltas);
	for (size_t i = 1; i < n; i++)
		if (d[i].t == d[i - 1].t + 1)
			steps[n_steps++] = d[i].seconds - d[i - 1].seconds;
	if (n_steps == 0)
		return 0;
	qsort(steps, n_steps, sizeof(*steps), compare_doubles);
	double median = steps[n_steps / 2];
	if (n_steps % 2 == 0)
		median = (median + steps[n_steps / 2 - 1]) / 2;
	bool steady = steps[n_steps - 1] - steps[0] < median / 20;
	return steady && isfinite(median) && median > 0 ? median : 0;
}

static int get_time(const struct ome_layout *l, size_t i, struct told_image *out)
{
	const struct ome_image *im = &l->doc->xml.images[i];
	const struct ome_quantity *q = &im->time_increment;
	double unit = q->unit[0] == '\0' ? 1 : voxel_seconds(q->unit, strlen(q->unit));
	double step = q->told ? q->value * unit : 0;
	if (isfinite(step) && step > 0) {
		out->time_step = step;
		return 0;
	}
	if (im->n_deltas < 2)
		return 0;
	CLEANUP(freep) double *steps = calloc(im->n_deltas, sizeof(*steps));
	if (steps == NULL)
		return -ENOMEM;
	out->time_step = median_step(&l->doc->xml.deltas[im->delta], im->n_deltas, steps);
	return 0;
}

static const char *voxel_type(const char *type)
{
	static const struct {
		const char *ome, *type;
	} other[] = { { "bit", "uint8" }, { "float", "float32" }, { "double", "float64" } };
	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		if (strcasecmp(type, other[i].ome) == 0)
			return other[i].type;
	return type;
}

/* Where they differ the page is right. */
static void compare_page(struct ome_layout *l, size_t i, const struct tiff_page *page)
{
	const struct ome_image *im = &l->doc->xml.images[i];
	if ((im->width != 0 && im->width != page->width) ||
	    (im->height != 0 && im->height != page->height))
		ome_note(l, i,
			 "%" PRIu64 " x %" PRIu64 " voxels (X, Y) where its first page has %" PRIu32
			 " x %" PRIu32,
			 im->width, im->height, page->width, page->height);
	enum dtype type = DTYPE_U8;
	if (im->type[0] == '\0' || tiff_page_dtype(page, &type, NULL) < 0 ||
	    strcasecmp(voxel_type(im->type), dtype_v3(type)) == 0)
		return;
	CLEANUP(text_done) struct text name = { 0 };
	ome_print_name(&name, im->type);
	l->out->notes.oom |= name.oom;
	ome_note(l, i, "type \"%s\" where its first page has %s", name.s != NULL ? name.s : "",
		 dtype_v3(type));
}

int ome_facts(struct ome_layout *l, size_t i, const struct ome_first_page *first,
	      struct told_image *out)
{
	const struct ome_image *im = &l->doc->xml.images[i];
	if (im->name != NULL) {
		out->title = strdup(im->name);
		if (out->title == NULL)
			return -ENOMEM;
	}
	out->bits = im->bits;
	get_sizes(l, i, out);
	if (first->page != NULL)
		compare_page(l, i, first->page);
	return get_time(l, i, out);
}
