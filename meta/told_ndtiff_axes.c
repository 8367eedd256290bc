#include "meta/told_ndtiff_axes.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const struct {
	const char *name;
	enum told_axis axis;
} known[] = { { "time", TOLD_T }, { "t", TOLD_T }, { "frame", TOLD_T }, { "channel", TOLD_C },
	      { "c", TOLD_C },	  { "z", TOLD_Z }, { "slice", TOLD_Z } };

/* Of the other axes these come first, in this order. */
static const char *const leading[] = { "position", "p", "row", "column" };

void nd_axes_done(struct nd_axes *a)
{
	free(a->image_of);
	free(a->first);
	*a = (struct nd_axes){ 0 };
}

/* ---- roles ---- */

static void find_range(const struct nd_index *x, uint32_t axis, int64_t *low, uint64_t *n)
{
	int64_t least = INT64_MAX, most = INT64_MIN;
	for (size_t i = 0; i < x->n; i++) {
		int64_t v = nd_at(x, i)[axis];
		least = v < least ? v : least;
		most = v > most ? v : most;
	}
	*low = least;
	*n = (uint64_t)(most - least) + 1;
}

/* The first axis of a meaning has it; a second one ("z" beside "slice") tells images apart. */
static bool take_role(const struct nd_index *x, uint32_t axis, struct nd_axes *out)
{
	for (size_t k = 0; k < ARRAY_SIZE(known); k++) {
		enum told_axis role = known[k].axis;
		if (strcmp(x->axes[axis].raw, known[k].name) != 0 || out->t_c_z[role] >= 0)
			continue;
		out->t_c_z[role] = (int)axis;
		find_range(x, axis, &out->low[role], &out->n[role]);
		return true;
	}
	return false;
}

static size_t lead_of(const struct nd_axis *a)
{
	size_t k = 0;
	while (k < ARRAY_SIZE(leading) && strcmp(leading[k], a->raw) != 0)
		k++;
	return k;
}

/* Keeps the axes in the order of `leading`, then that of the index. */
static void add_other(const struct nd_index *x, uint32_t axis, struct nd_axes *out)
{
	uint32_t i = out->n_other++;
	size_t lead = lead_of(&x->axes[axis]);
	for (; i > 0 && lead_of(&x->axes[out->other[i - 1]]) > lead; i--)
		out->other[i] = out->other[i - 1];
	out->other[i] = axis;
}

static void find_roles(const struct nd_index *x, struct nd_axes *out)
{
	for (int a = 0; a < TOLD_AXES; a++) {
		out->t_c_z[a] = -1;
		out->n[a] = 1;
	}
	for (uint32_t axis = 0; axis < x->n_axes; axis++) {
		int64_t low;
		uint64_t n;
		if (take_role(x, axis, out))
			continue;
		find_range(x, axis, &low, &n);
		if (n > 1)
			add_other(x, axis, out);
	}
}

/* ---- images ---- */

struct order {
	const struct nd_index *x;
	const struct nd_axes *a;
};

static int compare(const void *p, const void *q, void *ctx)
{
	const struct order *o = ctx;
	const int32_t *x = nd_at(o->x, *(const uint32_t *)p),
		      *y = nd_at(o->x, *(const uint32_t *)q);
	for (uint32_t i = 0; i < o->a->n_other; i++) {
		uint32_t axis = o->a->other[i];
		if (x[axis] != y[axis])
			return x[axis] < y[axis] ? -1 : 1;
	}
	/* So that the first record of an image stays the first. */
	return *(const uint32_t *)p < *(const uint32_t *)q ? -1 : 1;
}

static bool is_same_image(const struct order *o, uint32_t p, uint32_t q)
{
	const int32_t *x = nd_at(o->x, p), *y = nd_at(o->x, q);
	for (uint32_t i = 0; i < o->a->n_other; i++)
		if (x[o->a->other[i]] != y[o->a->other[i]])
			return false;
	return true;
}

int nd_axes_find(const struct nd_index *x, struct nd_axes *out)
{
	struct order o = { x, out };
	find_roles(x, out);
	CLEANUP(freep) uint32_t *sorted = reallocarray(NULL, x->n, sizeof(*sorted));
	out->image_of = calloc(x->n, sizeof(*out->image_of));
	out->first = reallocarray(NULL, x->n, sizeof(*out->first));
	if (sorted == NULL || out->image_of == NULL || out->first == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < x->n; i++)
		sorted[i] = (uint32_t)i;
	if (out->n_other > 0)
		qsort_r(sorted, x->n, sizeof(*sorted), compare, &o);
	for (size_t i = 0; i < x->n; i++) {
		if (i == 0 || !is_same_image(&o, sorted[i - 1], sorted[i]))
			out->first[out->n_images++] = sorted[i];
		out->image_of[sorted[i]] = out->n_images - 1;
	}
	return 0;
}

void nd_axes_key(const struct nd_index *x, const struct nd_axes *a, uint32_t image,
		 struct text *out)
{
	for (uint32_t i = 0; i < a->n_other; i++) {
		const struct nd_axis *axis = &x->axes[a->other[i]];
		int32_t v = nd_at(x, a->first[image])[a->other[i]];
		if (out->len > 0)
			text_add(out, "-");
		/* A position's name speaks for itself. */
		if (!axis->is_text)
			text_addf(out, "%s%" PRId32, axis->name, v);
		else if (lead_of(axis) < 2)
			text_add(out, axis->labels[v]);
		else
			text_addf(out, "%s%s", axis->name, axis->labels[v]);
	}
}
