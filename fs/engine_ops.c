#include "fs/engine_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "fs/clock.h"

static const struct image *image_of(const struct engine_parts *p, const struct store_key *key)
{
	return &p->plant.data->images[key->image];
}

static uint64_t run_of(void *ctx, const struct store_key *chunk, uint32_t *k)
{
	const struct grid *g = &image_of(ctx, chunk)->grid;
	*k = (uint32_t)grid_chunk_in_run(g, chunk->index);
	return grid_run_of(g, chunk->index);
}

static uint64_t chunk_of(void *ctx, const struct store_key *run, uint32_t k)
{
	return grid_run_chunk(&image_of(ctx, run)->grid, run->index, k);
}

/* The budget was chosen so that an image's largest run fits, which holds as much as its sample. */
static uint64_t look_needs(const struct engine_parts *p, uint32_t image)
{
	return max_u64(p->look_least, min_u64(pool_round(p->sample_needs[image]), p->budget / 2));
}

static uint64_t runs(void *ctx, const struct store_key *run)
{
	return grid_run_count(&image_of(ctx, run)->grid);
}

static void cost(void *ctx, const struct store_key *run, uint32_t lone, struct run_cost *out)
{
	const struct engine_parts *p = ctx;
	if (run->level == STORE_FIRST_LOOK)
		*out = (struct run_cost){ .lane = look_needs(p, run->image) };
	else
		produce_cost(image_of(p, run), run->index, lone, out);
}

static bool lone_pays(void *ctx, const struct store_key *chunk)
{
	return produce_lone_pays(image_of(ctx, chunk));
}

static uint64_t bound(void *ctx, const struct store_key *chunk, bool *exact)
{
	const struct image *im = image_of(ctx, chunk);
	const struct encode_spec *spec = image_encode(im, chunk->level);
	*exact = encode_size_known(spec);
	return encode_bound(spec, level_chunk_bytes(&im->pyramid.level[chunk->level]));
}

static void planes(void *ctx, const struct store_key *chunk, uint64_t *first, uint64_t *n)
{
	const struct image *im = image_of(ctx, chunk);
	struct grid_chunk c;
	grid_chunk_at(&im->grid, chunk->index, &c);
	uint64_t samples = im->grid.size[AXIS_C] / im->n_c;
	*first = image_plane(im, c.lo[AXIS_T], c.lo[AXIS_C] / samples, c.lo[AXIS_Z]);
	*n = c.hi[AXIS_Z] - c.lo[AXIS_Z];
}

static bool needs(void *ctx, const struct store_key *chunk, const struct spot *spot)
{
	const struct image *im = image_of(ctx, chunk);
	const struct tiff_page *k = &im->kind;
	uint64_t first, n;
	if (spot->image != chunk->image)
		return false;
	planes(ctx, chunk, &first, &n);
	if (spot->plane < first || spot->plane >= first + n)
		return false;
	if (spot->unit == SPOT_ALL)
		return true;
	struct grid_chunk c;
	grid_chunk_at(&im->grid, chunk->index, &c);
	uint64_t per_sample = (uint64_t)k->units_x * k->units_y, unit = spot->unit % per_sample;
	uint64_t samples = im->grid.size[AXIS_C] / im->n_c;
	if (k->planar && spot->unit / per_sample != c.lo[AXIS_C] % samples)
		return false;
	uint64_t y = unit / k->units_x * k->unit_h, x = unit % k->units_x * k->unit_w;
	return y < c.hi[AXIS_Y] && y + k->unit_h > c.lo[AXIS_Y] && x < c.hi[AXIS_X] &&
	       x + k->unit_w > c.lo[AXIS_X];
}

static uint64_t now(UNUSED void *ctx)
{
	return clock_ns();
}

/* SIGKILL is pending for the process, as proc(5) shows it: also after a signal that ends it by default. A
 * process that is gone needs no answer either. */
static bool dying(UNUSED void *ctx, int pid)
{
	char path[40], buf[4096];
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) /* with hidepid a process that lives may be invisible */
		return errno == ENOENT && kill(pid, 0) < 0 && errno == ESRCH;
	int64_t n = read(fd, buf, sizeof(buf) - 1);
	if (n <= 0)
		return errno == ESRCH;
	buf[n] = '\0';
	static const char *const fields[] = { "\nSigPnd:", "\nShdPnd:" };
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *at = strstr(buf, fields[i]);
		if (at == NULL)
			continue;
		uint64_t set =
			strtoull(at + strlen(fields[i]), NULL, 16); /* lint-ok: the kernel's */
		if ((set & 0x100) != 0)
			return true;
	}
	return false;
}

static void wake_workers(void *ctx, unsigned n)
{
	const struct engine_parts *p = ctx;
	workers_wake(p->workers, n);
}

static void wake_fetchers(void *ctx, unsigned n)
{
	const struct engine_parts *p = ctx;
	workers_wake_fetchers(p->workers, n);
}

static void wake_clock(void *ctx)
{
	const struct engine_parts *p = ctx;
	workers_wake_clock(p->workers);
}

static void give_back(void *ctx, void *buf, uint64_t size)
{
	const struct engine_parts *p = ctx;
	pool_put(p->plant.pool, buf, size);
}

static void drop_raw(UNUSED void *ctx, void *raw)
{
	fetched_free(raw);
}

const struct store_ops engine_ops = {
	run_of, chunk_of, runs,		cost,	       lone_pays,  bound,     planes,  needs,
	now,	dying,	  wake_workers, wake_fetchers, wake_clock, give_back, drop_raw
};

uint64_t engine_least(const struct image *im, uint64_t *slot)
{
	struct run_cost c;
	uint64_t most = 0;
	/* The first run is as deep as any; the costliest rows and columns are found among the first few of
	 * each axis and the last. */
	uint64_t n = grid_run_count(&im->grid);
	for (uint64_t i = 0; i < n && i < 4096; i++) {
		produce_cost(im, i, RUN_WHOLE, &c);
		most = max_u64(most, c.band + c.raw + c.lane + c.slot);
	}
	produce_cost(im, 0, RUN_WHOLE, &c);
	*slot = c.slot;
	uint64_t worst = pool_round(grid_band_bytes_worst(&im->grid)) + c.raw + c.lane + c.slot;
	return max_u64(most, worst);
}
