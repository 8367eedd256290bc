#include "meta/told_ndtiff_index.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "meta/json_scan.h"
#include "meta/told_bytes.h"

/* Source: NDTiffStorage README, "NDTiff.index". Records back to back, little-endian: u32 length and JSON of the axes, u32
 * length and name of the file, u32 offset of the pixels, i32 width, height, type, compression, u32 offset of the
 * metadata, i32 length, compression. */
enum { TAIL = 32, MAX_FILE_NAME = 4096 };

/* A value as a record tells it. */
struct value {
	uint32_t record;
	uint16_t axis;
	bool is_text; /* `v` is its rank */
	int32_t v;
};

struct reading {
	struct nd_index *x;
	const uint8_t *b, *end;
	struct value *values;
	size_t n_values;
};

static void axis_done(struct nd_axis *a)
{
	for (uint32_t i = 0; a->labels != NULL && i < a->ranks.n; i++)
		free(a->labels[i]);
	free(a->labels);
	free(a->name);
	text_index_done(&a->ranks);
}

void nd_index_done(struct nd_index *x)
{
	for (uint32_t i = 0; i < x->n_axes; i++)
		axis_done(&x->axes[i]);
	for (uint32_t i = 0; x->files != NULL && i < x->file_ranks.n; i++)
		free(x->files[i]);
	free(x->files);
	free(x->records);
	free(x->at);
	text_index_done(&x->file_ranks);
	*x = (struct nd_index){ 0 };
}

/* The rank of a text. What a new one is called goes to the end of *names, as it is spelled or, with `decode`, as it is
 * meant. */
static int rank(struct text_index *ranks, char ***names, const struct json_word *w, bool decode,
		uint32_t *out)
{
	uint32_t before = ranks->n;
	char **more = grown(*names, before, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	*names = more;
	struct text t = { 0 };
	int rc = text_index_add(ranks, w->s, w->n, out);
	if (rc != 0 || ranks->n == before)
		return rc;
	if (decode)
		json_word_text(w, &t);
	else
		text_addn(&t, w->s, w->n);
	text_add(&t, "");
	(*names)[before] = t.oom ? NULL : t.s;
	if (t.oom)
		text_done(&t);
	return (*names)[before] != NULL ? 0 : -ENOMEM;
}

/* ---- axes ---- */

/* The number of the axis of this name, which is made if need be. 1; 0: there are too many; -ENOMEM. */
static int find_axis(struct nd_index *x, const struct json_word *key, uint16_t *out)
{
	char raw[sizeof(x->axes[0].raw)];
	struct text t = { 0 };
	if (key->n == 0 || key->n >= sizeof(raw))
		return 0;
	for (size_t i = 0; i < key->n; i++)
		raw[i] = key->s[i] >= 'A' && key->s[i] <= 'Z' ? (char)(key->s[i] + 32) : key->s[i];
	raw[key->n] = '\0';
	for (uint32_t i = 0; i < x->n_axes; i++) {
		if (strcmp(x->axes[i].raw, raw) != 0)
			continue;
		*out = (uint16_t)i;
		return 1;
	}
	if (x->n_axes == ND_MAX_AXES)
		return 0;
	json_word_text(key, &t);
	text_add(&t, "");
	if (t.oom) {
		text_done(&t);
		return -ENOMEM;
	}
	struct nd_axis *a = &x->axes[x->n_axes];
	*a = (struct nd_axis){ .name = t.s };
	memcpy(a->raw, raw, key->n + 1);
	*out = (uint16_t)x->n_axes++;
	return 1;
}

/* {"z": 3, "channel": "DAPI"}: 1; 0: something else; -ENOMEM. */
static int read_axes(struct reading *r, const char *s, size_t n)
{
	struct json_scan j = json_scan_of(s, n);
	struct json_word key, w;
	int64_t number = 0;
	if (!json_scan_enter(&j, '{'))
		return 0;
	while (json_scan_member(&j, &key)) {
		struct value v = { .record = (uint32_t)r->x->n };
		uint32_t text_rank = 0;
		int rc = find_axis(r->x, &key, &v.axis);
		if (rc <= 0)
			return rc;
		struct nd_axis *a = &r->x->axes[v.axis];
		v.is_text = json_scan_kind(&j) == '"';
		if (v.is_text ? !json_scan_word(&j, &w) : !json_scan_int(&j, &number))
			return 0;
		if (!v.is_text && (number < INT32_MIN || number > INT32_MAX))
			return 0;
		if (v.is_text && rank(&a->ranks, &a->labels, &w, true, &text_rank) != 0)
			return -ENOMEM;
		v.v = v.is_text ? (int32_t)text_rank : (int32_t)number;
		a->is_text |= v.is_text;
		struct value *more = grown(r->values, r->n_values, sizeof(v));
		if (more == NULL)
			return -ENOMEM;
		r->values = more;
		r->values[r->n_values++] = v;
	}
	return !j.bad;
}

/* The rank of a number on an axis of texts. */
static int rank_number(struct nd_axis *a, int32_t v, int32_t *out)
{
	char s[16];
	uint32_t r;
	int n = snprintf(s, sizeof(s), "%" PRId32, v);
	struct json_word w = { s, (size_t)n };
	if (rank(&a->ranks, &a->labels, &w, true, &r) != 0)
		return -ENOMEM;
	*out = (int32_t)r;
	return 0;
}

/* x->at from what the records told. */
static int lay_out(struct reading *r)
{
	struct nd_index *x = r->x;
	int32_t absent[ND_MAX_AXES] = { 0 };
	size_t n = 0;
	x->at = __builtin_mul_overflow(x->n, (size_t)x->n_axes, &n)
			? NULL
			: reallocarray(NULL, n + 1, sizeof(*x->at));
	CLEANUP(freep) bool *told = calloc(n + 1, sizeof(*told));
	if (x->at == NULL || told == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < r->n_values; i++) {
		const struct value *v = &r->values[i];
		struct nd_axis *a = &x->axes[v->axis];
		size_t k = (size_t)v->record * x->n_axes + v->axis;
		/* Of a record that broke off. */
		if (v->record >= x->n)
			break;
		told[k] = true;
		x->at[k] = v->v;
		if (a->is_text && !v->is_text && rank_number(a, v->v, &x->at[k]) != 0)
			return -ENOMEM;
	}
	for (size_t k = 0; k < n; k++) {
		uint32_t axis = (uint32_t)(k % x->n_axes);
		if (told[k])
			continue;
		if (x->axes[axis].is_text && rank_number(&x->axes[axis], 0, &absent[axis]) != 0)
			return -ENOMEM;
		x->at[k] = absent[axis];
	}
	return 0;
}

/* ---- records ---- */

static bool take_u32(struct reading *r, uint32_t *out)
{
	if (r->end - r->b < 4)
		return false;
	*out = bytes_u32(r->b, false);
	r->b += 4;
	return true;
}

/* A length and that many bytes. */
static bool take_bytes(struct reading *r, struct json_word *out)
{
	uint32_t n;
	if (!take_u32(r, &n) || n > (uint64_t)(r->end - r->b))
		return false;
	*out = (struct json_word){ (const char *)r->b, n };
	r->b += n;
	return true;
}

static int take_file(struct reading *r, const struct json_word *name, uint32_t *file)
{
	struct nd_index *x = r->x;
	/* Files come in long runs. */
	uint32_t last = x->n > 0 ? x->records[x->n - 1].file : 0;
	if (x->n > 0 && json_word_is(name, x->files[last])) {
		*file = last;
		return 0;
	}
	return rank(&x->file_ranks, &x->files, name, false, file);
}

/* 1; 0: it does not fit; -ENOMEM. */
static int take_record(struct reading *r)
{
	struct nd_record rec = { 0 };
	struct json_word axes, name;
	if (!take_bytes(r, &axes) || !take_bytes(r, &name) || name.n == 0 ||
	    name.n > MAX_FILE_NAME || memchr(name.s, '\0', name.n) != NULL || r->end - r->b < TAIL)
		return 0;
	uint32_t v[TAIL / 4] = { 0 };
	for (unsigned i = 0; i < ARRAY_SIZE(v); i++)
		take_u32(r, &v[i]);
	if (v[1] == 0 || v[1] > INT32_MAX || v[2] == 0 || v[2] > INT32_MAX || v[3] > INT32_MAX)
		return 0;
	int rc = read_axes(r, axes.s, axes.n);
	if (rc <= 0)
		return rc;
	rec.at = v[0];
	rec.width = v[1];
	rec.height = v[2];
	rec.type = v[3];
	rec.packed = v[4] != 0;
	rec.meta_at = v[5];
	rec.meta_size = v[6] <= INT32_MAX && v[7] == 0 ? v[6] : 0;
	struct nd_record *more = grown(r->x->records, r->x->n, sizeof(rec));
	if (more == NULL)
		return -ENOMEM;
	r->x->records = more;
	if (take_file(r, &name, &rec.file) != 0)
		return -ENOMEM;
	r->x->records[r->x->n++] = rec;
	return 1;
}

int nd_index_read(const char *bytes, size_t len, struct nd_index *out)
{
	const uint8_t *b = (const uint8_t *)bytes;
	struct reading r = { .x = out, .b = b, .end = b + len };
	int rc = 1;
	while (rc > 0 && r.b < r.end && out->n < TOLD_MAX_PLANES)
		rc = take_record(&r);
	out->cut = rc == 0 || r.b < r.end;
	if (rc >= 0)
		rc = lay_out(&r);
	free(r.values);
	return rc;
}
