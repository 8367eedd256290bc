#include "meta/told_mm_planes.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "meta/json_scan.h"

void mm_planes_done(struct mm_planes *l)
{
	free(l->v);
	*l = (struct mm_planes){ 0 };
}

int mm_planes_add(struct mm_planes *l, const struct mm_plane *p)
{
	struct mm_plane *more = grown(l->v, l->n, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	l->v = more;
	l->v[l->n++] = *p;
	return 0;
}

static int order_of(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare(const void *a, const void *b)
{
	const struct mm_plane *x = a, *y = b;
	int o = order_of(x->position, y->position);
	for (int k = 0; o == 0 && k < TOLD_AXES; k++)
		o = order_of(x->i[k], y->i[k]);
	return o;
}

bool mm_planes_repeat(struct mm_planes *l)
{
	qsort(l->v, l->n, sizeof(*l->v), compare);
	for (size_t k = 1; k < l->n; k++)
		if (compare(&l->v[k - 1], &l->v[k]) == 0)
			return true;
	return false;
}

static bool read_index(struct json_scan *j, uint64_t *out)
{
	int64_t v;
	if (!json_scan_int(j, &v) || v < 0 || v > UINT32_MAX)
		return false;
	*out = (uint64_t)v;
	return true;
}

bool mm_plane_read(const char *text, size_t len, struct mm_plane *out)
{
	struct json_scan j = json_scan_of(text, len);
	struct json_word key;
	uint64_t position = 0;
	unsigned axes = 0;
	if (!json_scan_enter(&j, '{'))
		return false;
	while (json_scan_member(&j, &key)) {
		if (json_word_is(&key, "FrameIndex"))
			axes += read_index(&j, &out->i[TOLD_T]);
		else if (json_word_is(&key, "ChannelIndex"))
			axes += read_index(&j, &out->i[TOLD_C]);
		else if (json_word_is(&key, "SliceIndex"))
			axes += read_index(&j, &out->i[TOLD_Z]);
		else if (json_word_is(&key, "PositionIndex"))
			read_index(&j, &position);
		else
			json_scan_skip(&j);
	}
	out->position = (uint32_t)position;
	return axes == TOLD_AXES && !j.bad;
}

/* ---- images ---- */

/* Whether n_images of these sizes are no more planes than those that are there allow for. */
static bool is_plausible(const uint64_t n[TOLD_AXES], uint64_t n_images, uint64_t n_planes)
{
	/* Most of a long acquisition may be missing, and a short one costs nothing. */
	enum { ALWAYS = 1 << 20, TIMES = 256 };
	uint64_t all = n_images;
	for (int k = 0; k < TOLD_AXES; k++)
		if (!mul_u64(all, n[k], &all))
			return false;
	return all <= ALWAYS || (all <= TIMES * n_planes && all <= TOLD_MAX_PLANES);
}

/* The size of every image: as announced, and larger where a plane says so. False: no such images can be made. */
static bool find_sizes(const struct mm_planes *l, const struct mm_summary *sum, uint64_t n_images,
		       struct told *out, uint64_t n[TOLD_AXES])
{
	uint64_t written[TOLD_AXES] = { 1, 1, 1 };
	for (size_t k = 0; k < l->n; k++)
		for (int a = 0; a < TOLD_AXES; a++)
			written[a] = max_u64(written[a], l->v[k].i[a] + 1);
	for (int a = 0; a < TOLD_AXES; a++)
		n[a] = max_u64(written[a], sum->n[a]);
	if (is_plausible(n, n_images, l->n))
		return true;
	told_note(out,
		  "Micro-Manager: the announced %" PRIu64 " x %" PRIu64 " x %" PRIu64
		  " planes (t, c, z) are too many to be true",
		  n[TOLD_T], n[TOLD_C], n[TOLD_Z]);
	memcpy(n, written, sizeof(written));
	return is_plausible(n, n_images, l->n);
}

static int compare_u32(const void *a, const void *b)
{
	return order_of(*(const uint32_t *)a, *(const uint32_t *)b);
}

/* The positions of the list, ascending, each once. NULL: no memory. */
static uint32_t *find_positions(const struct mm_planes *l, size_t *n)
{
	uint32_t *p = reallocarray(NULL, l->n + 1, sizeof(*p));
	if (p == NULL)
		return NULL;
	for (size_t k = 0; k < l->n; k++)
		p[k] = l->v[k].position;
	qsort(p, l->n, sizeof(*p), compare_u32);
	*n = 0;
	for (size_t k = 0; k < l->n; k++)
		if (k == 0 || p[k] != p[*n - 1])
			p[(*n)++] = p[k];
	return p;
}

/* Its name, or its number, which is no other position's name in any list that people make. NULL: no memory. */
static char *name_of(const struct mm_summary *sum, uint32_t position)
{
	struct text t = { 0 };
	if (position < sum->n_labels)
		text_add(&t, sum->labels[position]);
	else
		text_addf(&t, "Pos%" PRIu32 "%s", position,
			  sum->n_labels > 0 ? " without a name" : "");
	if (t.oom)
		text_done(&t);
	return t.s;
}

static void put_planes(const struct mm_planes *l, const uint32_t *positions, size_t n_positions,
		       uint32_t file, struct told *out)
{
	for (size_t k = 0; k < l->n; k++) {
		const struct mm_plane *p = &l->v[k];
		const uint32_t *at = bsearch(&p->position, positions, n_positions,
					     sizeof(*positions), compare_u32);
		if (at == NULL)
			continue;
		struct told_image *im = &out->images[at - positions];
		*told_plane(im, p->i[TOLD_T], p->i[TOLD_C], p->i[TOLD_Z]) =
			(struct told_plane){ .file = file, .where = TOLD_IFD, .at = p->ifd };
	}
}

int mm_planes_tell(const struct mm_planes *l, const struct mm_summary *sum, struct told *out,
		   struct err *err)
{
	uint64_t n[TOLD_AXES];
	size_t n_positions = 0;
	uint32_t file;
	CLEANUP(freep) uint32_t *positions = find_positions(l, &n_positions);
	if (positions == NULL)
		return err_oom(err);
	if (!find_sizes(l, sum, n_positions, out, n))
		return 0;
	bool only = sum->positions <= 1 && n_positions == 1 && positions[0] == 0;
	for (size_t i = 0; i < n_positions; i++) {
		struct told_image *im = told_add_image(out, n, err);
		if (im == NULL)
			return -ENOMEM;
		if (!only && (im->key = name_of(sum, positions[i])) == NULL)
			return err_oom(err);
		if (mm_summary_tell(sum, im->n[TOLD_C], im) != 0)
			return err_oom(err);
	}
	if (told_add_file(out, NULL, &file) != 0)
		return err_oom(err);
	put_planes(l, positions, n_positions, file, out);
	return 1;
}
