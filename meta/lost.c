#include "meta/lost.h"

#include "meta/chunk_source.h"

static const uint64_t counted_max = (uint64_t)1 << 28; /* chunks of a level */
static const uint64_t visits_max = (uint64_t)1 << 24;  /* about a second */

struct lost {
	uint64_t chunks; /* atomic */
	bool more;	 /* atomic: not all was counted */
	uint64_t visits; /* of chunks, to see whether they are lost */
	unsigned levels;
	uint8_t *bits[]; /* of each level a bit for each chunk; NULL: nothing lost there */
};

void lost_free(struct lost *l)
{
	for (unsigned i = 0; l != NULL && i < l->levels; i++)
		free(l->bits[i]);
	free(l);
}

static uint64_t chunks_of(const struct image *im, bool *more)
{
	const struct lost *l = __atomic_load_n(&im->lost, __ATOMIC_ACQUIRE);
	*more |= l != NULL && __atomic_load_n(&l->more, __ATOMIC_RELAXED);
	return l == NULL ? 0 : __atomic_load_n(&l->chunks, __ATOMIC_RELAXED);
}

uint64_t lost_chunks(const struct image *im, bool *more)
{
	*more = false;
	uint64_t n = chunks_of(im, more);
	for (unsigned i = 0; i < im->n_overviews; i++)
		n += chunks_of(im->overviews[i], more);
	return n;
}

static struct lost *lost_of(struct image *im)
{
	if (im->lost != NULL)
		return im->lost;
	struct lost *l = calloc(1, sizeof(*l) + im->pyramid.n * sizeof(l->bits[0]));
	if (l == NULL)
		return NULL;
	l->levels = im->pyramid.n;
	__atomic_store_n(&im->lost, l, __ATOMIC_RELEASE);
	return l;
}

static uint8_t *bits_of(const struct image *im, struct lost *l, unsigned level)
{
	uint64_t n = level_chunk_count(&im->pyramid.level[level]);
	if (l->bits[level] == NULL && n <= counted_max)
		l->bits[level] = calloc(n / 8 + 1, 1);
	return l->bits[level];
}

/* Chunks of a level that can have a voxel under them which lies in the box of level 0. */
static void chunks_above(const struct level *l, const struct level_box *b, struct level_box *out)
{
	for (int a = 0; a < AXIS_COUNT; a++) {
		uint64_t under = l->chunk[a] * (a < AXIS_Z ? 1 : l->mag[a - AXIS_Z]);
		out->lo[a] = b->lo[a] / under;
		/* One more, whose window may be mirrored into the box. */
		out->hi[a] = min_u64((b->hi[a] - 1) / under + 1 + (a >= AXIS_Z), l->chunks[a]);
	}
}

static void box_of(const struct image *im, const struct plane_part *part, struct level_box *out)
{
	uint64_t samples = im->grid.size[AXIS_C] / im->n_c, page = part->plane / im->n_z;
	uint64_t t = page / im->n_c, c = page % im->n_c * samples, z = part->plane % im->n_z;
	*out = (struct level_box){
		.lo = { t, c, z, part->y0, part->x0 },
		.hi = { t + 1, c + samples, z + 1, min_u64(part->y1, im->grid.size[AXIS_Y]),
			min_u64(part->x1, im->grid.size[AXIS_X]) },
	};
}

static uint64_t add_chunk(const struct image *im, uint8_t *bits, unsigned level,
			  const uint64_t at[AXIS_COUNT], const struct plane_part *part)
{
	const struct level *l = &im->pyramid.level[level];
	uint64_t i = 0;
	for (int a = 0; a < AXIS_COUNT; a++)
		i = i * l->chunks[a] + at[a];
	uint8_t bit = (uint8_t)(1U << i % 8);
	if ((bits[i / 8] & bit) != 0 || !chunk_needs(im, level, i, part))
		return 0;
	bits[i / 8] |= bit;
	return 1;
}

/* -> false where that is too much. */
static bool add_in_level(const struct image *im, struct lost *l, unsigned level,
			 const struct plane_part *part, uint64_t *n)
{
	struct level_box of, b;
	box_of(im, part, &of);
	chunks_above(&im->pyramid.level[level], &of, &b);
	uint64_t all = 1;
	for (int a = 0; a < AXIS_COUNT; a++)
		all *= b.hi[a] - b.lo[a]; /* at most the level's chunks */
	l->visits += all;
	uint8_t *bits = l->visits > visits_max ? NULL : bits_of(im, l, level);
	for (uint64_t i = 0; bits != NULL && i < all; i++) {
		uint64_t at[AXIS_COUNT], rest = i;
		for (int a = AXIS_COUNT - 1; a >= 0; a--) {
			at[a] = b.lo[a] + rest % (b.hi[a] - b.lo[a]);
			rest /= b.hi[a] - b.lo[a];
		}
		*n += add_chunk(im, bits, level, at, part);
	}
	return bits != NULL;
}

uint64_t lost_add(struct image *im, const struct lost_units *u)
{
	/* The level 0 of overviews is a coarser level of what is shown. */
	unsigned first = im->first_level > 0 ? 0 : 1;
	struct lost *l = im->pyramid.own <= first ? NULL : lost_of(im);
	uint64_t n = 0;
	for (uint64_t i = 0; l != NULL && i < u->n;) {
		struct plane_part part;
		i += plane_part_of(im, u->plane, u->first == UNIT_ALL ? UNIT_ALL : u->first + i,
				   u->n - i, &part);
		for (unsigned level = first; level < im->pyramid.own; level++)
			if (l->visits > visits_max || !add_in_level(im, l, level, &part, &n))
				__atomic_store_n(&l->more, true, __ATOMIC_RELAXED);
	}
	if (n > 0)
		__atomic_fetch_add(&l->chunks, n, __ATOMIC_RELAXED);
	return n;
}

static void begin(const struct dataset *d, struct image *im)
{
	lost_free(im->lost);
	im->lost = NULL;
	uint64_t all = d->fill_damaged ? 0 : image_planes(im);
	for (uint64_t i = 0; i < all; i++)
		if (im->planes[i].file != PLANE_GAP && d->files[im->planes[i].file].trouble != 0)
			lost_add(im, &(struct lost_units){ i, UNIT_ALL, 1 });
	for (size_t i = 0; !d->fill_damaged && i < im->n_bad; i++)
		lost_add(im, &im->bad[i]);
}

void lost_begin(const struct dataset *d, struct image *im)
{
	begin(d, im);
	for (unsigned i = 0; i < im->n_overviews; i++)
		begin(d, im->overviews[i]);
}
