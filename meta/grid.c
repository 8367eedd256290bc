#include "meta/grid.h"

#include "codec/err.h"
#include "codec/text.h"
#include "meta/grid_index.h"
#include "meta/grid_shape.h"

#include <errno.h>
#include <inttypes.h>

#define GIVEN_MAX   (300 * MiB)
#define RAW_ROW_MAX (32 * MiB)
#define ARRAY_MAX   ((uint64_t)1 << 62)

static int check_given(const uint64_t given[3], size_t voxel, struct err *err)
{
	if (given[0] == 0 || given[1] == 0 || given[2] == 0)
		return err_set(err, EINVAL,
			       "--chunk-shape %" PRIu64 ",%" PRIu64 ",%" PRIu64
			       " has a zero; each number is at least 1",
			       given[0], given[1], given[2]);
	uint64_t bytes = voxel;
	bool fits = mul_u64(bytes, given[0], &bytes) && mul_u64(bytes, given[1], &bytes) &&
		    mul_u64(bytes, given[2], &bytes);
	if (fits && bytes <= GIVEN_MAX)
		return 0;
	struct text t = { 0 };
	text_addf(&t, "--chunk-shape %" PRIu64 ",%" PRIu64 ",%" PRIu64 " makes chunks of ",
		  given[0], given[1], given[2]);
	text_add_size(&t, fits ? bytes : UINT64_MAX);
	text_add(&t, "; at most 300 MiB are allowed");
	int rc = t.oom ? err_oom(err) : err_set(err, EINVAL, "%s", t.s);
	text_done(&t);
	return rc;
}

static int check_inputs(const uint64_t size[AXIS_COUNT], size_t voxel, const struct grid_layout *l,
			struct err *err)
{
	bool zero = l->unit_h == 0 || l->unit_w == 0 || l->samples == 0 || voxel == 0;
	for (int a = 0; a < AXIS_COUNT; a++)
		zero = zero || size[a] == 0;
	if (zero || voxel > 8 || size[AXIS_C] % l->samples != 0)
		return err_set(err, EINVAL,
			       "an array of %" PRIu64 " x %" PRIu64 " x %" PRIu64 " x %" PRIu64
			       " x %" PRIu64 " voxels of %zu bytes over units of %" PRIu32
			       " x %" PRIu32 " with %" PRIu32 " samples has no grid",
			       size[AXIS_T], size[AXIS_C], size[AXIS_Z], size[AXIS_Y], size[AXIS_X],
			       voxel, l->unit_h, l->unit_w, l->samples);
	uint64_t bytes = voxel;
	bool fits = true;
	for (int a = 0; a < AXIS_COUNT; a++)
		fits = fits && mul_u64(bytes, size[a], &bytes) && bytes <= ARRAY_MAX;
	if (!fits)
		return err_set(err, EOVERFLOW,
			       "an array of %" PRIu64 " x %" PRIu64 " x %" PRIu64 " x %" PRIu64
			       " x %" PRIu64 " voxels has more than 2^62 bytes",
			       size[AXIS_T], size[AXIS_C], size[AXIS_Z], size[AXIS_Y],
			       size[AXIS_X]);
	return 0;
}

/* Chunks across in a run over raw strips, which need not be read to their whole width. */
static uint64_t raw_columns(const struct grid *g)
{
	uint64_t rows = min_u64(g->chunk[AXIS_Y], g->size[AXIS_Y]) * g->voxel * g->layout.samples;
	if (rows * g->size[AXIS_X] <= RAW_ROW_MAX)
		return g->chunks[AXIS_X];
	return max_u64(1, RAW_ROW_MAX / (rows * g->chunk[AXIS_X]));
}

static void set_runs(struct grid *g)
{
	struct grid_axis y = grid_axis_y(&g->layout, g->chunk[AXIS_Y], g->size[AXIS_Y]);
	struct grid_axis x = grid_axis_x(&g->layout, g->chunk[AXIS_X], g->size[AXIS_X]);
	g->run_chunks[AXIS_T] = g->run_chunks[AXIS_Z] = 1;
	g->run_chunks[AXIS_C] = g->layout.samples;
	g->run_chunks[AXIS_Y] = y.run_chunks;
	g->run_chunks[AXIS_X] = x.run_chunks;
	if (!g->layout.tiled && !g->layout.compressed)
		g->run_chunks[AXIS_X] = raw_columns(g);
	g->border_twice = y.border_twice || x.border_twice;
	for (int a = 0; a < AXIS_COUNT; a++)
		g->runs[a] = ceil_div(g->chunks[a], g->run_chunks[a]);
}

static bool band_worst(const struct grid *g, uint64_t *out)
{
	struct grid_axis y = grid_axis_y(&g->layout, g->chunk[AXIS_Y], g->size[AXIS_Y]);
	struct grid_axis x = grid_axis_x(&g->layout, g->chunk[AXIS_X], g->size[AXIS_X]);
	if (!g->layout.tiled)
		x.band = min_u64(x.band, g->run_chunks[AXIS_X] * g->chunk[AXIS_X]);
	uint64_t bytes = g->voxel;
	return mul_u64(bytes, g->layout.samples, &bytes) &&
	       mul_u64(bytes, min_u64(g->chunk[AXIS_Z], g->size[AXIS_Z]), &bytes) &&
	       mul_u64(bytes, y.band, &bytes) && mul_u64(bytes, x.band, out);
}

int grid_make(const uint64_t size[AXIS_COUNT], size_t voxel, const struct grid_layout *layout,
	      const uint64_t given[3], struct grid *out, struct err *err)
{
	int rc = check_inputs(size, voxel, layout, err);
	if (rc == 0 && given != NULL)
		rc = check_given(given, voxel, err);
	if (rc < 0)
		return rc;
	struct grid g = { .layout = *layout, .voxel = voxel, .rule = GRID_GIVEN };
	g.chunk[AXIS_T] = g.chunk[AXIS_C] = 1;
	for (int a = AXIS_Z; a <= AXIS_X && given != NULL; a++)
		g.chunk[a] = given[a - AXIS_Z];
	if (given == NULL)
		g.rule = grid_shape_auto(size, voxel, layout, g.chunk);
	for (int a = 0; a < AXIS_COUNT; a++) {
		g.size[a] = size[a];
		g.chunks[a] = ceil_div(size[a], g.chunk[a]);
	}
	set_runs(&g);
	uint64_t worst;
	if (!band_worst(&g, &worst) || worst > ARRAY_MAX)
		return err_set(err, EOVERFLOW,
			       "tiles of %" PRIu32 " x %" PRIu32
			       " make more than 2^62 bytes that are decoded at once",
			       layout->unit_h, layout->unit_w);
	*out = g;
	return 0;
}

uint64_t grid_chunk_count(const struct grid *g)
{
	return index_count(g->chunks);
}

uint64_t grid_run_count(const struct grid *g)
{
	return index_count(g->runs);
}

uint64_t grid_chunk_bytes(const struct grid *g)
{
	return index_count(g->chunk) * g->voxel;
}

void grid_chunk_at(const struct grid *g, uint64_t linear, struct grid_chunk *out)
{
	index_split(linear, g->chunks, out->index);
	for (int a = 0; a < AXIS_COUNT; a++) {
		out->lo[a] = out->index[a] * g->chunk[a];
		out->hi[a] = min_u64(out->lo[a] + g->chunk[a], g->size[a]);
	}
}

uint64_t grid_chunk_linear(const struct grid *g, const uint64_t index[AXIS_COUNT])
{
	return index_join(g->chunks, index);
}

uint64_t grid_run_of(const struct grid *g, uint64_t chunk)
{
	uint64_t index[AXIS_COUNT];
	index_split(chunk, g->chunks, index);
	for (int a = 0; a < AXIS_COUNT; a++)
		index[a] /= g->run_chunks[a];
	return index_join(g->runs, index);
}

/* The chunks of a run: the first on each axis, and how many. */
static void run_extent(const struct grid *g, uint64_t run, uint64_t first[AXIS_COUNT],
		       uint64_t n[AXIS_COUNT])
{
	index_split(run, g->runs, first);
	for (int a = 0; a < AXIS_COUNT; a++) {
		first[a] *= g->run_chunks[a];
		n[a] = min_u64(g->run_chunks[a], g->chunks[a] - first[a]);
	}
}

static void set_band(const struct grid *g, struct grid_run *r)
{
	const struct grid_layout *l = &g->layout;
	uint64_t rows = grid_unit_rows(l, g->size[AXIS_Y]);
	r->by0 = r->y0 / rows * rows;
	r->by1 = ceil_div(r->y1, rows) * rows;
	r->bx0 = r->x0;
	r->bx1 = r->x1;
	if (l->tiled) {
		r->bx0 = r->x0 / l->unit_w * l->unit_w;
		r->bx1 = ceil_div(r->x1, l->unit_w) * l->unit_w;
	} else {
		r->by1 = min_u64(r->by1, g->size[AXIS_Y]);
	}
}

void grid_run_at(const struct grid *g, uint64_t run, struct grid_run *out)
{
	uint64_t first[AXIS_COUNT], n[AXIS_COUNT], lo[AXIS_COUNT], hi[AXIS_COUNT];
	run_extent(g, run, first, n);
	for (int a = 0; a < AXIS_COUNT; a++) {
		lo[a] = first[a] * g->chunk[a];
		hi[a] = min_u64(lo[a] + n[a] * g->chunk[a], g->size[a]);
	}
	*out = (struct grid_run){
		.t = lo[AXIS_T],
		.c0 = lo[AXIS_C],
		.n_c = n[AXIS_C],
		.z0 = lo[AXIS_Z],
		.z1 = hi[AXIS_Z],
		.y0 = lo[AXIS_Y],
		.y1 = hi[AXIS_Y],
		.x0 = lo[AXIS_X],
		.x1 = hi[AXIS_X],
	};
	set_band(g, out);
}

uint64_t grid_run_chunks(const struct grid *g, uint64_t run)
{
	uint64_t first[AXIS_COUNT], n[AXIS_COUNT];
	run_extent(g, run, first, n);
	return index_count(n);
}

uint64_t grid_run_chunk(const struct grid *g, uint64_t run, uint64_t k)
{
	uint64_t first[AXIS_COUNT], n[AXIS_COUNT], index[AXIS_COUNT];
	run_extent(g, run, first, n);
	index_split(k, n, index);
	for (int a = 0; a < AXIS_COUNT; a++)
		index[a] += first[a];
	return index_join(g->chunks, index);
}

uint64_t grid_chunk_in_run(const struct grid *g, uint64_t chunk)
{
	uint64_t first[AXIS_COUNT], n[AXIS_COUNT], index[AXIS_COUNT];
	run_extent(g, grid_run_of(g, chunk), first, n);
	index_split(chunk, g->chunks, index);
	for (int a = 0; a < AXIS_COUNT; a++)
		index[a] -= first[a];
	return index_join(n, index);
}

uint64_t grid_band_bytes(const struct grid *g, const struct grid_run *r)
{
	return (r->z1 - r->z0) * (r->by1 - r->by0) * (r->bx1 - r->bx0) * r->n_c * g->voxel;
}

uint64_t grid_band_bytes_worst(const struct grid *g)
{
	uint64_t bytes = 0;
	band_worst(g, &bytes); /* grid_make has seen that it fits */
	return bytes;
}

void grid_run_units(const struct grid *g, const struct grid_run *r, uint64_t *uy0, uint64_t *uy1,
		    uint64_t *ux0, uint64_t *ux1)
{
	const struct grid_layout *l = &g->layout;
	*uy0 = r->y0 / l->unit_h;
	*uy1 = ceil_div(r->y1, l->unit_h);
	*ux0 = l->tiled ? r->x0 / l->unit_w : 0;
	*ux1 = l->tiled ? ceil_div(r->x1, l->unit_w) : 1;
}
