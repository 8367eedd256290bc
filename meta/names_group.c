#include "meta/names_group.h"

#include "meta/names_say.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static int order_of(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_bytes(const char *a, size_t n, const char *b, size_t m)
{
	int rc = memcmp(a, b, min_u64(n, m));
	return rc != 0 ? rc : order_of(n, m);
}

/* 0 for files of one series. */
static int compare_series(const struct name_file *a, const struct name_file *b)
{
	int rc = order_of(a->hash, b->hash);
	if (rc == 0)
		rc = order_of(a->class, b->class);
	if (rc == 0)
		rc = order_of(a->shape, b->shape);
	if (rc == 0)
		rc = order_of(a->n, b->n);
	for (uint32_t k = 0; rc == 0 && k <= a->n; k++) {
		size_t n, m;
		const char *s = name_text(a, k, &n), *t = name_text(b, k, &m);
		rc = compare_bytes(s, n, t, m);
	}
	return rc;
}

static int compare_fields(const struct name_file *a, const struct name_file *b)
{
	for (uint32_t k = 0; k < a->n; k++)
		if (a->fields[k].value != b->fields[k].value)
			return order_of(a->fields[k].value, b->fields[k].value);
	return 0;
}

static int compare_in_series(const void *a, const void *b)
{
	const struct name_file *x = *(struct name_file *const *)a;
	const struct name_file *y = *(struct name_file *const *)b;
	int rc = compare_fields(x, y);
	if (rc == 0)
		rc = strcmp(x->name, y->name);
	return rc != 0 ? rc : order_of(x->entry, y->entry);
}

static int compare_files(const void *a, const void *b)
{
	int rc = compare_series(*(struct name_file *const *)a, *(struct name_file *const *)b);
	return rc != 0 ? rc : compare_in_series(a, b);
}

static void split_series(struct name_groups *g)
{
	g->n = 0;
	for (size_t i = 0; i < g->n_files; i++) {
		if (i == 0 || compare_series(g->file[i - 1], g->file[i]) != 0)
			g->series[g->n++] = (struct name_series){ &g->file[i], 0 };
		g->series[g->n - 1].n++;
	}
}

/* What follows the digits of a MetaMorph channel. */
static const char *channel_name(const struct name_file *f, size_t *n)
{
	const char *s = f->name + f->fields[0].at;
	*n = f->fields[0].len;
	while (*n > 0 && name_is_digit(*s)) {
		s++;
		--*n;
	}
	return s;
}

/* A shape needs two files, and in MetaMorph's a channel has one name. */
static bool shape_holds(const struct name_series *s)
{
	if (s->n < 2)
		return false;
	for (size_t i = 1; s->file[0]->shape == SHAPE_METAMORPH && i < s->n; i++) {
		if (s->file[i - 1]->fields[0].value != s->file[i]->fields[0].value)
			continue;
		size_t n, m;
		const char *a = channel_name(s->file[i - 1], &n);
		const char *b = channel_name(s->file[i], &m);
		if (compare_bytes(a, n, b, m) != 0)
			return false;
	}
	return true;
}

/* Takes back the shapes that do not hold; true where there were any. */
static bool undo_shapes(struct name_groups *g)
{
	bool any = false;
	for (size_t i = 0; i < g->n; i++) {
		struct name_series *s = &g->series[i];
		if (s->file[0]->shape == SHAPE_NUMBERS || shape_holds(s))
			continue;
		any = true;
		for (size_t k = 0; k < s->n; k++)
			name_file_plain(s->file[k]);
	}
	return any;
}

struct channel {
	char *text;
	struct name_file *file;
};

static int compare_channels(const void *a, const void *b)
{
	const struct channel *x = a, *y = b;
	return names_compare(x->text, y->text);
}

/* Micro-Manager's channels are texts: their values are their ranks. */
static int rank_channels(struct name_series *s)
{
	CLEANUP(freep) struct channel *v = calloc(s->n, sizeof(*v));
	if (v == NULL)
		return -ENOMEM;
	int rc = 0;
	for (size_t i = 0; i < s->n && rc == 0; i++) {
		const struct name_field *f = &s->file[i]->fields[1];
		v[i].file = s->file[i];
		v[i].text = strndup(s->file[i]->name + f->at, f->len);
		rc = v[i].text == NULL ? -ENOMEM : 0;
	}
	if (rc == 0) {
		qsort(v, s->n, sizeof(*v), compare_channels);
		uint64_t rank = 0;
		for (size_t i = 0; i < s->n; i++) {
			rank += i > 0 && strcmp(v[i - 1].text, v[i].text) != 0;
			v[i].file->fields[1].value = rank;
		}
		qsort(s->file, s->n, sizeof(struct name_file *), compare_in_series);
	}
	for (size_t i = 0; i < s->n; i++)
		free(v[i].text);
	return rc;
}

int names_group(struct name_table *t, struct name_groups *out, struct err *err)
{
	struct name_groups CLEANUP(names_groups_done) g = { 0 };
	g.file = calloc(t->n + 1, sizeof(struct name_file *));
	g.series = calloc(t->n + 1, sizeof(*g.series));
	if (g.file == NULL || g.series == NULL)
		return err_oom(err);
	for (size_t i = 0; i < t->n; i++)
		if (t->files[i].class != CLASS_SLIDE)
			g.file[g.n_files++] = &t->files[i];
	do {
		qsort(g.file, g.n_files, sizeof(struct name_file *), compare_files);
		split_series(&g);
	} while (undo_shapes(&g));
	for (size_t i = 0; i < g.n; i++)
		if (g.series[i].file[0]->shape == SHAPE_MICRO_MANAGER &&
		    rank_channels(&g.series[i]) != 0)
			return err_oom(err);
	*out = g;
	g = (struct name_groups){ 0 };
	return 0;
}

void names_groups_done(struct name_groups *g)
{
	free(g->file);
	free(g->series);
	*g = (struct name_groups){ 0 };
}

static bool holds_thumb(const struct name_file *f)
{
	static const char word[] = "thumb";
	for (uint32_t k = 0; k <= f->n; k++) {
		size_t len;
		const char *s = name_text(f, k, &len);
		for (size_t i = 0; i + strlen(word) <= len; i++)
			if (strncasecmp(s + i, word, strlen(word)) == 0)
				return true;
	}
	return false;
}

static int leave_series(const struct name_series *s, const char *why, struct names_list *list,
			struct err *err)
{
	for (size_t i = 0; i < s->n; i++) {
		int rc = names_list_leave(list, s->file[i]->entry, why, NAMES_NO_INDEX, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int drop_thumbnails(struct name_groups *g, struct names_list *list, struct err *err)
{
	size_t kept = 0;
	for (size_t i = 0; i < g->n; i++)
		kept += !holds_thumb(g->series[i].file[0]);
	if (kept == 0)
		return 0;
	kept = 0;
	for (size_t i = 0; i < g->n; i++) {
		int rc = 0;
		if (holds_thumb(g->series[i].file[0]))
			rc = leave_series(&g->series[i], "a thumbnail", list, err);
		else
			g->series[kept++] = g->series[i];
		if (rc != 0)
			return rc;
	}
	g->n = kept;
	return 0;
}

int names_drop_strangers(struct name_groups *g, struct names_list *list, struct err *err)
{
	enum { STACK = 3 };
	int rc = drop_thumbnails(g, list, err);
	size_t in_stacks = 0, others = 0, kept = 0;
	for (size_t i = 0; i < g->n; i++)
		*(g->series[i].n >= STACK ? &in_stacks : &others) += g->series[i].n;
	if (rc != 0 || others >= in_stacks)
		return rc;
	for (size_t i = 0; rc == 0 && i < g->n; i++) {
		if (g->series[i].n >= STACK)
			g->series[kept++] = g->series[i];
		else
			rc = leave_series(&g->series[i], "a stranger beside a numbered series",
					  list, err);
	}
	g->n = kept;
	return rc;
}

/* How common a spelling is. */
struct spelling {
	struct name_file *file;
	size_t widths, suffix;
};

static int compare_widths(const void *a, const void *b)
{
	const struct spelling *x = a, *y = b;
	for (uint32_t k = 0; k < x->file->n; k++)
		if (x->file->fields[k].len != y->file->fields[k].len)
			return order_of(x->file->fields[k].len, y->file->fields[k].len);
	return 0;
}

static int compare_suffixes(const void *a, const void *b)
{
	const struct spelling *x = a, *y = b;
	return strcmp(x->file->name + x->file->stem, y->file->name + y->file->stem);
}

static int compare_spelt(const void *a, const void *b)
{
	const struct spelling *x = a, *y = b;
	return compare_in_series(&x->file, &y->file);
}

static void count_equal(struct spelling *v, size_t n, bool widths)
{
	int (*compare)(const void *, const void *) = widths ? compare_widths : compare_suffixes;
	qsort(v, n, sizeof(*v), compare);
	for (size_t i = 0, next; i < n; i = next) {
		for (next = i + 1; next < n && compare(&v[i], &v[next]) == 0; next++)
			;
		for (size_t k = i; k < next; k++)
			*(widths ? &v[k].widths : &v[k].suffix) = next - i;
	}
}

/* v is in the order of names, so that the first of equals has the smaller bytes. */
static const struct spelling *commonest(const struct spelling *v, size_t n)
{
	const struct spelling *best = v;
	for (size_t i = 1; i < n; i++)
		if (v[i].widths > best->widths ||
		    (v[i].widths == best->widths && v[i].suffix > best->suffix))
			best = &v[i];
	return best;
}

static int refuse_duplicates(const struct name_series *s, size_t n, struct err *err)
{
	size_t i = 1;
	while (compare_fields(s->file[i - 1], s->file[i]) != 0)
		i++;
	struct text CLEANUP(text_done) t = { 0 };
	names_say_file(&t, s->file[i - 1]->name);
	text_add(&t, " and ");
	names_say_file(&t, s->file[i]->name);
	text_addf(&t, s->file[0]->n > 0 ? " have the same numbers" : " differ in the suffix alone");
	text_addf(&t,
		  " (%zu such duplicate%s among %zu files, more than a tenth): take one of each "
		  "away, or --group none makes each file an image",
		  n, n == 1 ? "" : "s", s->n);
	return t.oom ? err_oom(err) : err_set(err, EINVAL, "%s", t.s);
}

static int drop_duplicates(struct name_series *s, struct names_list *list, struct err *err)
{
	CLEANUP(freep) struct spelling *v = calloc(s->n, sizeof(*v));
	if (v == NULL)
		return err_oom(err);
	for (size_t i = 0; i < s->n; i++)
		v[i].file = s->file[i];
	count_equal(v, s->n, true);
	count_equal(v, s->n, false);
	qsort(v, s->n, sizeof(*v), compare_spelt);
	size_t kept = 0;
	for (size_t i = 0, next; i < s->n; i = next) {
		for (next = i + 1; next < s->n && compare_fields(v[i].file, v[next].file) == 0;
		     next++)
			;
		const struct spelling *best = commonest(&v[i], next - i);
		for (size_t k = i; k < next; k++) {
			if (&v[k] == best)
				continue;
			int rc = names_list_leave(list, v[k].file->entry,
						  "a duplicate: the numbers of another file",
						  best->file->entry, err);
			if (rc != 0)
				return rc;
		}
		s->file[kept++] = best->file;
	}
	s->n = kept;
	return 0;
}

int names_drop_duplicates(struct name_series *s, struct names_list *list, struct err *err)
{
	size_t n = 0;
	for (size_t i = 1; i < s->n; i++)
		n += compare_fields(s->file[i - 1], s->file[i]) == 0;
	if (n == 0)
		return 0;
	return n > s->n / 10 ? refuse_duplicates(s, n, err) : drop_duplicates(s, list, err);
}
