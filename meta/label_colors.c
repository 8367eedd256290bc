#include "meta/label_colors.h"

#include <errno.h>
#include <math.h>
#include <string.h>

int label_colors_begin(struct image *im, const struct reader *r, struct err *note)
{
	im->colors = calloc(1, sizeof(*im->colors));
	if (im->colors == NULL)
		return err_oom(note);
	if (im->kind.photometric != 3)
		return 0;
	int rc = tiff_colors_read(r, &im->kind, &im->colors->palette, &im->colors->n_palette, note);
	return rc == -ENOMEM ? rc : 0;
}

void label_colors_free(struct label_colors *c)
{
	if (c != NULL)
		free(c->palette);
	free(c);
}

/* The place of an id, or where it belongs. */
static size_t place_of(const struct label_colors *c, int64_t id)
{
	size_t low = 0, high = c->n;
	while (low < high) {
		size_t at = low + (high - low) / 2;
		if (c->ids[at] < id)
			low = at + 1;
		else
			high = at;
	}
	return low;
}

bool label_colors_add(struct label_colors *c, int64_t id)
{
	size_t at = place_of(c, id);
	if (id == 0 || (at < c->n && c->ids[at] == id))
		return true;
	if (c->n == LABEL_COLORS)
		return false;
	memmove(&c->ids[at + 1], &c->ids[at], (c->n - at) * sizeof(c->ids[0]));
	c->ids[at] = id;
	c->n++;
	return true;
}

static bool is_byte(const struct image *im)
{
	return dtype_size(im->dtype) == 1;
}

size_t label_colors_count(const struct image *im)
{
	if (im->colors == NULL)
		return 0;
	return im->colors->complete ? im->colors->n : is_byte(im) ? 255 : 0;
}

/* Hues a golden angle apart differ most from those of the ids before; three rounds of brightness. */
static void color_by_rule(int64_t id, uint8_t rgb[3])
{
	static const double golden = 0.6180339887498949;
	uint64_t n = (uint64_t)id;
	double hue = 6 * fmod((double)(n % 1000003) * golden, 1),
	       value = 255 - 45 * (double)(n % 3);
	for (unsigned k = 0; k < 3; k++) {
		/* Each colour is high on a third of the circle. */
		double from = fabs(fmod(hue + 6 - 2 * k, 6) - 3),
		       share = fmin(fmax(from - 1, 0), 1);
		rgb[k] = (uint8_t)lround(value * (0.25 + 0.75 * share));
	}
}

int64_t label_color(const struct image *im, size_t i, uint8_t rgb[3])
{
	const struct label_colors *c = im->colors;
	int64_t id = (int64_t)i + 1;
	if (c->complete)
		id = c->ids[i];
	else if (dtype_is_signed(im->dtype))
		id = i < 128 ? (int64_t)i - 128 : (int64_t)i - 127;
	if (id > 0 && id < (int64_t)c->n_palette)
		memcpy(rgb, c->palette + 3 * id, 3);
	else
		color_by_rule(id, rgb);
	return id;
}
