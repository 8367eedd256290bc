#include "fs/check_plan.h"

#include <string.h>

static const uint64_t piece_most = 2 * MiB;
static const uint64_t piece_least = 64 * KiB;

void check_plan_init(struct check_plan *p, const struct engine *e, uint64_t budget, unsigned items)
{
	uint64_t share = budget / max_u64(1, items) / 4;
	*p = (struct check_plan){ .engine = e };
	p->piece_bytes = max_u64(piece_least, min_u64(piece_most, share));
}

uint64_t check_plane_bytes(const struct image *im)
{
	const struct grid *g = &im->grid;
	return g->size[AXIS_C] / im->n_c * g->size[AXIS_Y] * g->size[AXIS_X] * g->voxel;
}

struct check_place check_plan_at(const struct check_plan *p)
{
	return (struct check_place){ p->image, p->plane };
}

/* Whole strips, whole tiles of a row or some whole rows of them. */
static void box_of(const struct check_plan *p, const struct image *im, struct piece *out)
{
	const struct tiff_page *k = &im->kind;
	uint64_t width = im->grid.size[AXIS_X], height = im->grid.size[AXIS_Y];
	uint64_t pixel = im->grid.layout.samples * im->grid.voxel;
	uint64_t unit_h = image_raw_rows(im, k) ? 1 : max_u64(1, min_u64(k->unit_h, height));
	uint64_t unit_w = k->tiled ? max_u64(1, min_u64(k->unit_w, width)) : width;
	uint64_t across = max_u64(1, p->piece_bytes / (unit_h * unit_w * pixel));
	bool whole = ceil_div(width, unit_w) <= across;
	uint64_t down = whole ? max_u64(1, p->piece_bytes / (unit_h * width * pixel)) : 1;
	*out = (struct piece){
		.plane = p->plane,
		.sample_c = p->sample,
		.y0 = p->y,
		.y1 = min_u64(height, p->y + down * unit_h),
		.x0 = p->x,
		.x1 = whole ? width : min_u64(width, p->x + across * unit_w),
		.discard = true,
	};
	out->row_bytes = (out->x1 - out->x0) * pixel;
}

static void item_of(const struct check_plan *p, const struct image *im, struct check_item *out)
{
	*out = (struct check_item){ .at = check_plan_at(p) };
	struct piece *b = &out->piece;
	box_of(p, im, b);
	out->bytes = (b->y1 - b->y0) * b->row_bytes;
	out->cost.in_place = image_raw_rows(im, &im->kind);
	out->cost.band = pool_round(out->bytes);
	out->cost.lane = pool_round(im->unit_bytes_max);
	if (!out->cost.in_place)
		out->cost.raw = produce_raw_bytes(im, b->row_bytes, b->y1 - b->y0);
	out->memory = out->cost.band + out->cost.raw + out->cost.lane;
}

/* On to what lies behind the piece: in its rows, below, in the next sample, in the next plane. */
static void advance(struct check_plan *p, const struct image *im, const struct piece *b)
{
	uint64_t samples = im->grid.size[AXIS_C] / im->n_c / im->grid.layout.samples;
	p->x = b->x1 < im->grid.size[AXIS_X] ? b->x1 : 0;
	if (p->x != 0)
		return;
	p->y = b->y1 < im->grid.size[AXIS_Y] ? b->y1 : 0;
	if (p->y != 0)
		return;
	p->sample = p->sample + 1 < samples ? p->sample + 1 : 0;
	p->plane += p->sample == 0;
}

void check_plan_skip(struct check_plan *p, const struct check_place *at)
{
	if (p->image != at->image || p->plane != at->plane)
		return;
	p->plane++;
	p->sample = p->y = p->x = 0;
}

/* A plane that a file has, in images that were looked at. */
static bool find_plane(struct check_plan *p)
{
	const struct dataset *d = p->engine->data;
	for (; p->image < d->n_images; p->image++, p->plane = 0) {
		const struct image *im = &d->images[p->image];
		enum image_state state = image_state(im);
		if (state == IMAGE_UNSEEN)
			return false;
		uint64_t n = state == IMAGE_READY ? image_planes(im) : 0;
		while (p->plane < n && im->planes[p->plane].file == PLANE_GAP)
			p->plane++;
		if (p->plane < n)
			return true;
	}
	return false;
}

/* An image that nobody looks at; a label's image comes first. */
static bool find_unseen(struct check_plan *p)
{
	const struct dataset *d = p->engine->data;
	while (p->to_look < d->n_images && image_state(&d->images[p->to_look]) != IMAGE_UNSEEN)
		p->to_look++;
	if (p->to_look == d->n_images)
		return false;
	const struct image *im = &d->images[p->to_look];
	return im->label == NULL || image_state(&d->images[im->parent]) != IMAGE_UNSEEN;
}

enum check_next check_plan_next(struct check_plan *p, struct check_item *out)
{
	if (find_plane(p)) {
		const struct image *im = &p->engine->data->images[p->image];
		item_of(p, im, out);
		advance(p, im, &out->piece);
		return CHECK_ITEM;
	}
	if (p->image == p->engine->data->n_images)
		return CHECK_END;
	if (!find_unseen(p))
		return CHECK_WAIT;
	/* A label has a sample taken. */
	bool label = p->engine->data->images[p->to_look].label != NULL;
	*out = (struct check_item){
		.at = { p->to_look++, 0 },
		.look = true,
		.memory = label ? 20 * MiB : MiB,
	};
	return CHECK_ITEM;
}
