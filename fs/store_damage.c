/* What could not be read, plane by plane: damage for good, I/O errors for a while. */
#include "fs/store_core.h"

struct bad_unit {
	uint64_t unit; /* or SPOT_ALL */
	int error;
	uint64_t until; /* 0: for good */
};

struct bad_plane {
	struct table_node node;
	uint32_t image;
	uint64_t plane;
	size_t n, cap;
	struct bad_unit *units;
};

static struct bad_plane *plane_find(struct store *s, uint32_t image, uint64_t plane)
{
	for (struct table_node *n = table_first(&s->bad, table_hash(image, plane, 0)); n != NULL;
	     n = table_next(n)) {
		struct bad_plane *p = CONTAINER(n, struct bad_plane, node);
		if (p->image == image && p->plane == plane)
			return p;
	}
	return NULL;
}

static struct bad_plane *plane_new(struct store *s, uint32_t image, uint64_t plane)
{
	struct bad_plane *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->image = image;
	p->plane = plane;
	table_insert(&s->bad, &p->node, table_hash(image, plane, 0));
	__atomic_store_n(&s->any_bad, true, __ATOMIC_RELAXED);
	return p;
}

static void plane_free(struct store *s, struct bad_plane *p)
{
	table_remove(&s->bad, &p->node);
	free(p->units);
	free(p);
}

static void drop_expired(struct bad_plane *p, uint64_t now)
{
	for (size_t i = 0; i < p->n;)
		if (p->units[i].until != 0 && p->units[i].until <= now)
			p->units[i] = p->units[--p->n];
		else
			i++;
}

/* A free place; NULL where there is none. A plane that cannot be read at all is remembered beyond the limit. */
static struct bad_unit *place(const struct store *s, struct bad_plane *p, uint64_t unit)
{
	if (p->n >= s->config.spots_max && unit != SPOT_ALL)
		return NULL;
	if (p->n == p->cap) {
		size_t cap = p->cap * 2 + 1;
		struct bad_unit *more = realloc(p->units, cap * sizeof(*more));
		if (more == NULL)
			return NULL;
		p->units = more;
		p->cap = cap;
	}
	return &p->units[p->n++];
}

enum bad_put bad_put(struct store *s, const struct spot *spot, int error, uint64_t until)
{
	struct bad_plane *p = plane_find(s, spot->image, spot->plane);
	if (p == NULL)
		p = plane_new(s, spot->image, spot->plane);
	if (p == NULL)
		return BAD_FORGOTTEN;
	drop_expired(p, store_now(s));
	for (size_t i = 0; i < p->n; i++) {
		struct bad_unit *u = &p->units[i];
		if (u->unit != spot->unit)
			continue;
		if (u->until != 0)
			*u = (struct bad_unit){ u->unit, error, until };
		return BAD_KNOWN;
	}
	struct bad_unit *u = place(s, p, spot->unit);
	if (u == NULL) {
		if (p->n == 0)
			plane_free(s, p);
		return BAD_FORGOTTEN;
	}
	*u = (struct bad_unit){ spot->unit, error, until };
	return BAD_NEW;
}

int bad_get(struct store *s, const struct spot *spot, bool *for_good)
{
	const struct bad_plane *p = s->bad.n == 0 ? NULL : plane_find(s, spot->image, spot->plane);
	uint64_t now = p == NULL ? 0 : store_now(s);
	int error = 0;
	for (size_t i = 0; p != NULL && i < p->n; i++) {
		const struct bad_unit *u = &p->units[i];
		if ((u->unit != SPOT_ALL && u->unit != spot->unit) ||
		    (u->until != 0 && u->until <= now))
			continue;
		error = u->error;
		*for_good = u->until == 0;
		if (*for_good)
			break;
	}
	return error;
}

static int plane_bad_for(struct store *s, struct bad_plane *p, const struct store_key *key)
{
	drop_expired(p, store_now(s));
	for (size_t i = 0; i < p->n; i++) {
		const struct spot spot = { p->image, p->plane, p->units[i].unit };
		if (s->ops->needs(s->ctx, key, &spot))
			return p->units[i].error;
	}
	if (p->n == 0)
		plane_free(s, p);
	return 0;
}

/* Of all that is remembered: where that is less than the planes of the chunk. */
static int any_plane_bad_for(struct store *s, const struct store_key *key)
{
	int error = 0;
	for (size_t i = 0; i < s->bad.n_buckets && error == 0; i++) {
		struct table_node *next;
		for (struct table_node *n = s->bad.buckets[i]; n != NULL && error == 0; n = next) {
			next = n->next;
			struct bad_plane *p = CONTAINER(n, struct bad_plane, node);
			if (p->image == key->image)
				error = plane_bad_for(s, p, key);
		}
	}
	return error;
}

int bad_for_chunk(struct store *s, const struct store_key *key)
{
	if (s->bad.n == 0 || key->level == STORE_FIRST_LOOK)
		return 0;
	uint64_t first, n;
	s->ops->planes(s->ctx, key, &first, &n);
	if (n > s->bad.n)
		return any_plane_bad_for(s, key);
	int error = 0;
	for (uint64_t plane = first; plane < first + n && error == 0; plane++) {
		struct bad_plane *p = plane_find(s, key->image, plane);
		error = p == NULL ? 0 : plane_bad_for(s, p, key);
	}
	return error;
}

void bad_clear(struct store *s)
{
	for (size_t i = 0; i < s->bad.n_buckets; i++)
		while (s->bad.buckets[i] != NULL)
			plane_free(s, CONTAINER(s->bad.buckets[i], struct bad_plane, node));
}
