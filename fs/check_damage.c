#include "fs/check_damage.h"

#include <errno.h>
#include <string.h>

enum {
	SPANS_MAX = 1 << 16,
	SPANS_OPEN = 64, /* pieces of a plane come along together, each with its strips in order */
};

static void damage_done(struct check_damage *d)
{
	free(d->span);
	free(d->why);
}

void check_damages_done(struct check_damages *d)
{
	for (size_t i = 0; i < d->n; i++)
		damage_done(&d->list[i]);
	free(d->list);
	*d = (struct check_damages){ 0 };
}

static int append(struct check_damages *d, const struct check_damage *item)
{
	struct check_damage *list = grown(d->list, d->n, sizeof(*list));
	if (list == NULL)
		return -ENOMEM;
	d->list = list;
	d->list[d->n++] = *item;
	return 0;
}

static struct check_damage *find(struct check_damages *d, const struct check_place *at)
{
	for (size_t i = d->n; i-- > 0;)
		if (d->list[i].at.image == at->image && d->list[i].at.plane == at->plane)
			return &d->list[i];
	const struct check_damage new = { .at = *at };
	return append(d, &new) == 0 ? &d->list[d->n - 1] : NULL;
}

static int add_span(struct check_damage *d, uint64_t unit)
{
	for (size_t i = d->n_spans, tried = 0; i-- > 0 && tried < SPANS_OPEN; tried++) {
		struct check_span *s = &d->span[i];
		if (unit >= s->from && unit <= s->to)
			return 0;
		if (unit == s->to + 1) {
			s->to = unit;
			return 0;
		}
	}
	if (d->n_spans == SPANS_MAX) {
		d->more = true;
		return 0;
	}
	struct check_span *span = grown(d->span, d->n_spans, sizeof(*span));
	if (span == NULL)
		return -ENOMEM;
	d->span = span;
	d->span[d->n_spans++] = (struct check_span){ unit, unit };
	return 0;
}

int check_damages_add(struct check_damages *d, const struct check_place *at, const struct found *f)
{
	struct check_damage *e = find(d, at);
	if (e == NULL)
		return -ENOMEM;
	bool whole = f->unit == SPOT_ALL;
	/* What is wrong with the plane explains more than what is wrong with a strip. */
	if (e->why == NULL || (whole && !e->whole) || (!whole && !e->whole && f->unit < e->first)) {
		char *why = strdup(f->err->msg);
		if (why == NULL)
			return -ENOMEM;
		free(e->why);
		e->why = why;
		e->first = f->unit;
		e->tiled = f->tiled;
	}
	e->whole = e->whole || whole;
	e->of = max_u64(e->of, f->units);
	return whole ? 0 : add_span(e, f->unit);
}

static int by_place(const void *a, const void *b)
{
	const struct check_damage *x = a, *y = b;
	return check_before(&x->at, &y->at) ? -1 : check_before(&y->at, &x->at);
}

static int by_start(const void *a, const void *b)
{
	const struct check_span *x = a, *y = b;
	return x->from < y->from ? -1 : x->from > y->from;
}

static void count_units(struct check_damage *d)
{
	uint64_t next = 0;
	d->n = 0;
	if (d->whole || d->n_spans == 0)
		return;
	qsort(d->span, d->n_spans, sizeof(*d->span), by_start);
	for (size_t i = 0; i < d->n_spans; i++) {
		uint64_t from = max_u64(next, d->span[i].from);
		if (d->span[i].to >= from)
			d->n += d->span[i].to - from + 1;
		next = max_u64(next, d->span[i].to + 1);
	}
}

int check_damages_take(struct check_damages *d, const struct check_place *end,
		       struct check_damages *out)
{
	size_t kept = 0;
	int e = 0;
	*out = (struct check_damages){ 0 };
	for (size_t i = 0; i < d->n; i++) {
		if (e == 0 && check_before(&d->list[i].at, end) &&
		    (e = append(out, &d->list[i])) == 0)
			continue;
		d->list[kept++] = d->list[i];
	}
	d->n = kept;
	for (size_t i = 0; i < out->n; i++)
		count_units(&out->list[i]);
	if (out->n > 1)
		qsort(out->list, out->n, sizeof(*out->list), by_place);
	return e;
}
