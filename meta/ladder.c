#include "meta/ladder.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "codec/err.h"
#include "codec/text.h"

/* The coarsest level of an image is some hundred voxels wide. */
enum { WIDTH_KEPT = 100, LEAST_LIMIT = 4 };

struct climb {
	uint64_t mag[3], limit[3]; /* z, y, x */
	double voxel[3];
	const struct ladder_options *o;
};

static uint64_t largest(const uint64_t v[3])
{
	return max_u64(v[0], max_u64(v[1], v[2]));
}

void ladder_mag(struct text *t, const uint64_t mag[3])
{
	if (mag[0] == mag[1] && mag[1] == mag[2])
		text_addf(t, "%" PRIu64, mag[0]);
	else
		text_addf(t, "%" PRIu64 "-%" PRIu64 "-%" PRIu64, mag[2], mag[1], mag[0]);
}

static int unreachable(const struct climb *c, struct err *err)
{
	struct text CLEANUP(text_done) limit = { 0 }, mag = { 0 };
	ladder_mag(&limit, c->limit);
	ladder_mag(&mag, c->mag);
	if (limit.oom || mag.oom)
		return err_oom(err);
	return err_set(err, EINVAL,
		       "--max-mag %s cannot be reached from %s with voxels of %g x %g x %g (x,y,z)",
		       limit.s, mag.s, c->voxel[2], c->voxel[1], c->voxel[0]);
}

/* Sides of a voxel that is that large. */
static double ratio(const double voxel[3], const uint64_t mag[3])
{
	double least = HUGE_VAL, most = 0;
	for (int a = 0; a < 3; a++) {
		least = fmin(least, (double)mag[a] * voxel[a]);
		most = fmax(most, (double)mag[a] * voxel[a]);
	}
	return most / least;
}

/* The mag with all axes doubled, or with its smallest voxel sides alone where that leaves the voxel no more
 * uneven. True: all. */
static bool double_evenly(const struct climb *c, uint64_t next[3])
{
	uint64_t all[3];
	double least = HUGE_VAL;
	for (int a = 0; a < 3; a++) {
		all[a] = 2 * c->mag[a];
		least = fmin(least, (double)c->mag[a] * c->voxel[a]);
	}
	for (int a = 0; a < 3; a++)
		next[a] = (double)c->mag[a] * c->voxel[a] <= least ? all[a] : c->mag[a];
	if (!(ratio(c->voxel, all) < ratio(c->voxel, next)))
		return false;
	memcpy(next, all, sizeof(all));
	return true;
}

/* Steps until there is a level: a mag whose largest entry stays as it is makes none. */
static int step_anisotropic(struct climb *c, struct err *err)
{
	for (;;) {
		uint64_t next[3];
		bool all = double_evenly(c, next);
		for (int a = 0; a < 3; a++)
			next[a] = min_u64(next[a], c->limit[a]);
		if (memcmp(next, c->mag, sizeof(next)) == 0)
			return unreachable(c, err);
		bool skip = !all && largest(next) == largest(c->mag);
		memcpy(c->mag, next, sizeof(next));
		if (!skip)
			return 0;
	}
}

static int step_explicit(struct climb *c, unsigned level, struct err *err)
{
	const struct ladder_options *o = c->o;
	unsigned i = (unsigned)min_u64(level, o->n_factors) - 1;
	const uint8_t *f = o->n_factors == 0 ? (const uint8_t[]){ 1, 1, 1 } : o->factors[i];
	if (f[0] == 1 && f[1] == 1 && f[2] == 1)
		return err_set(err, EINVAL,
			       "--sampling-mode: a factor 1,1,1 makes no level, give 2 somewhere");
	for (int a = 0; a < 3; a++)
		c->mag[a] *= f[a];
	return 0;
}

static int step(struct climb *c, enum sampling_mode mode, unsigned level, struct err *err)
{
	switch (mode) {
	case SAMPLING_ANISOTROPIC:
		return step_anisotropic(c, err);
	case SAMPLING_EXPLICIT:
		return step_explicit(c, level, err);
	case SAMPLING_ISOTROPIC:
	case SAMPLING_CONSTANT_Z:
		break;
	}
	for (int a = 0; a < 3; a++)
		c->mag[a] = min_u64(2 * c->mag[a], c->limit[a]);
	return 0;
}

static int set_limit(struct climb *c, const uint64_t size[3], struct err *err)
{
	const uint64_t *given = c->o->max_mag;
	uint64_t least = max_u64(LEAST_LIMIT, ceil_div(max_u64(size[1], size[2]), WIDTH_KEPT));
	if (least > MAG_MAX)
		return err_set(err, EINVAL,
			       "an image of %" PRIu64 " x %" PRIu64
			       " pixels is too large for a pyramid",
			       size[1], size[2]);
	for (int a = 0; a < 3; a++) {
		c->limit[a] = given[0] != 0 ? given[a] : pow2_at_least(least);
		if (c->limit[a] == 0 || c->limit[a] > MAG_MAX ||
		    (c->limit[a] & (c->limit[a] - 1)) != 0)
			return err_set(err, EINVAL,
				       "--max-mag: %" PRIu64 " is no power of two up to %" PRIu64,
				       c->limit[a], MAG_MAX);
	}
	return 0;
}

int ladder_make(const uint64_t size[3], const double voxel[3], bool has_z,
		const struct ladder_options *o, struct ladder *out, struct err *err)
{
	struct climb c = { .mag = { 1, 1, 1 }, .o = o };
	int rc = set_limit(&c, size, err);
	if (rc != 0)
		return rc;
	for (int a = 0; a < 3; a++)
		c.voxel[a] = isfinite(voxel[a]) && voxel[a] > 0 ? voxel[a] : 1;
	bool flat = !has_z || size[0] == 1;
	enum sampling_mode mode = o->mode;
	if (flat && mode != SAMPLING_EXPLICIT)
		mode = SAMPLING_CONSTANT_Z;
	if (mode == SAMPLING_CONSTANT_Z)
		c.limit[0] = 1;
	struct ladder l = { .n = 1, .mag = { { 1, 1, 1 } } };
	while (largest(c.mag) < largest(c.limit)) {
		rc = step(&c, mode, l.n, err);
		if (rc != 0)
			return rc;
		if (l.n == LEVELS_MAX)
			return err_set(err, EINVAL, "more than %d levels", LEVELS_MAX);
		memcpy(l.mag[l.n++], c.mag, sizeof(c.mag));
	}
	*out = l;
	return 0;
}
