#include "meta/names_axes.h"

#include "meta/names_say.h"

#include <errno.h>

/* What gaps may add to: a number in a name alone must not ask for gigabytes of table. */
enum { PLANES_MAX = 1 << 26 };

static int compare_values(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

size_t names_distinct(uint64_t *v, size_t n)
{
	if (n == 0)
		return 0;
	bool sorted = true;
	for (size_t i = 1; i < n && sorted; i++)
		sorted = v[i - 1] <= v[i];
	if (!sorted)
		qsort(v, n, sizeof(*v), compare_values);
	size_t k = 1;
	for (size_t i = 1; i < n; i++)
		if (v[i] != v[k - 1])
			v[k++] = v[i];
	return k;
}

uint64_t names_step(const uint64_t *v, size_t n, bool *even)
{
	uint64_t g = 0;
	*even = true;
	for (size_t i = 1; i < n; i++) {
		g = gcd_u64(v[i] - v[i - 1], g);
		*even = *even && v[i] - v[i - 1] == v[1] - v[0];
	}
	return g == 0 ? 1 : g;
}

static bool too_many(uint64_t missing, uint64_t of, enum gaps gaps)
{
	if (gaps == GAPS_ERROR)
		return missing > 0;
	return gaps != GAPS_FILL && missing > of / 10;
}

static void add_names(struct text *t, const char *a, const char *b)
{
	text_add(t, " between ");
	names_say_file(t, a);
	text_add(t, " and ");
	names_say_file(t, b);
}

static int refuse(struct text *t, struct err *err)
{
	int rc = t->oom ? err_oom(err) : err_set(err, EINVAL, "%s", t->s);
	text_done(t);
	return rc;
}

static int refuse_axis(const struct name_spots *s, int a, const char *const *entries,
		       uint64_t missing, uint64_t of, struct err *err)
{
	const struct name_spot *low = s->spot, *high = s->spot;
	for (size_t i = 1; i < s->n; i++) {
		low = s->spot[i].v[a] < low->v[a] ? &s->spot[i] : low;
		high = s->spot[i].v[a] > high->v[a] ? &s->spot[i] : high;
	}
	struct text t = { 0 };
	text_addf(&t, "%llu of %llu numbers ", (unsigned long long)missing, (unsigned long long)of);
	if ((a == SPOT_T ? s->present[SPOT_Z] : s->present[SPOT_T]) || s->present[SPOT_C])
		text_addf(&t, "of %c ", "tcz"[a]);
	text_add(&t, missing == 1 ? "is missing" : "are missing");
	add_names(&t, entries[low->entry], entries[high->entry]);
	text_add(&t,
		 of <= PLANES_MAX
			 ? ": --gaps fill shows them as empty planes, --gaps close leaves them out"
			 : ": --gaps close leaves them out");
	return refuse(&t, err);
}

static int refuse_grid(const struct name_spots *s, const char *const *entries, uint64_t missing,
		       uint64_t of, struct err *err)
{
	struct text t = { 0 };
	if (of > PLANES_MAX)
		text_addf(&t, "%zu files would be spread over more than %d planes", s->n,
			  PLANES_MAX);
	else
		text_addf(&t, "%llu of %llu planes", (unsigned long long)missing,
			  (unsigned long long)of);
	for (int a = 0, any = 0; a < SPOT_AXES; a++)
		if (s->present[a])
			text_addf(&t, "%s%c", any++ ? " x " : " (", "tcz"[a]);
	text_add(&t, of > PLANES_MAX ? ")" : missing == 1 ? ") is missing" : ") are missing");
	add_names(&t, entries[s->spot[0].entry], entries[s->spot[s->n - 1].entry]);
	if (of <= PLANES_MAX)
		text_add(&t, ": --gaps fill shows them as empty planes");
	return refuse(&t, err);
}

static size_t rank_of(const uint64_t *v, size_t n, uint64_t value)
{
	size_t low = 0;
	while (n > 1) {
		size_t half = n / 2;
		if (v[low + half] <= value)
			low += half;
		n -= half;
	}
	return low;
}

static uint32_t *member_axis(struct name_member *m, int a)
{
	return a == SPOT_T ? &m->t : a == SPOT_C ? &m->c : &m->z;
}

static int place_axis(const struct name_spots *s, int a, const char *const *entries,
		      const struct name_options *opts, struct name_image *im, struct err *err)
{
	struct name_axis *axis = a == SPOT_T ? &im->t : a == SPOT_C ? &im->c : &im->z;
	for (size_t i = 0; i < s->n; i++)
		s->room[i] = s->spot[i].v[a];
	size_t n = names_distinct(s->room, s->n);
	bool even = true;
	uint64_t first = s->room[0], size = n, step = 1;
	if (s->numbered[a])
		step = names_step(s->room, n, &even);
	if (!even && opts->gaps == GAPS_CLOSE) {
		step = 1;
	} else if (!even) {
		size = (s->room[n - 1] - first) / step + 1;
		if (too_many(size - n, size, opts->gaps) || size > PLANES_MAX)
			return refuse_axis(s, a, entries, size - n, size, err);
	}
	*axis = (struct name_axis){ .present = true, .first = first, .step = step };
	axis->size = (uint32_t)size;
	axis->missing = (uint32_t)(size - n);
	for (size_t i = 0; i < s->n; i++) {
		uint64_t v = s->spot[i].v[a];
		bool by_rank = size == n;
		uint64_t index = by_rank ? rank_of(s->room, n, v) : (v - first) / step;
		*member_axis(&im->members[i], a) = (uint32_t)index;
	}
	return 0;
}

int names_place(const struct name_spots *s, const char *const *entries,
		const struct name_options *opts, struct name_image *im, struct err *err)
{
	im->members = calloc(s->n, sizeof(*im->members));
	if (im->members == NULL)
		return err_oom(err);
	im->n_members = s->n;
	for (size_t i = 0; i < s->n; i++)
		im->members[i] = (struct name_member){ s->spot[i].entry, NAMES_NO_INDEX,
						       NAMES_NO_INDEX, NAMES_NO_INDEX };
	for (int a = 0; a < SPOT_AXES; a++) {
		int rc = s->present[a] ? place_axis(s, a, entries, opts, im, err) : 0;
		if (rc != 0)
			return rc;
	}
	uint64_t planes = 1;
	bool fits = mul_u64(planes, max_u64(im->t.size, 1), &planes) &&
		    mul_u64(planes, max_u64(im->c.size, 1), &planes) &&
		    mul_u64(planes, max_u64(im->z.size, 1), &planes);
	if (!fits)
		planes = UINT64_MAX;
	uint64_t missing = planes - s->n;
	if (too_many(missing, planes, opts->gaps) || (missing > 0 && planes > PLANES_MAX))
		return refuse_grid(s, entries, missing, planes, err);
	im->missing = missing;
	return 0;
}
