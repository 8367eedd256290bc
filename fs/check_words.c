#include "fs/check_form.h"

#include <string.h>

static void words_begin(UNUSED struct check_report *r)
{
}

static void words_image(struct check_report *r, const struct image *im)
{
	struct text *t = &r->text;
	if (image_state(im) != IMAGE_BAD)
		return;
	text_add(t, "unusable: ");
	image_place(r->data, im, t);
	text_add(t, ": ");
	text_add_name(t, im->why.msg, strlen(im->why.msg));
	text_add(t, "\n");
}

static void add_units(struct text *t, const struct check_damage *d)
{
	if (d->n < 2)
		return;
	text_addf(t, " (%s%llu of its %llu %s)", d->more ? "more than " : "",
		  (unsigned long long)d->n, (unsigned long long)d->of,
		  d->tiled ? "tiles" : "strips");
}

static void words_damage(struct check_report *r, const struct check_damage *d)
{
	struct text *t = &r->text;
	text_add(t, "damaged: ");
	image_plane_place(r->data, &r->data->images[d->at.image], d->at.plane, t);
	text_add(t, ": ");
	text_add_name(t, d->why, strlen(d->why));
	add_units(t, d);
	text_add(t, "\n");
}

static void words_image_end(struct check_report *r, const struct image *im, bool interrupted)
{
	if (interrupted || r->missing == 0)
		return;
	text_add(&r->text, "missing: ");
	image_place(r->data, im, &r->text);
	text_addf(&r->text, ": %llu of its %llu planes\n", (unsigned long long)r->missing,
		  (unsigned long long)r->planes);
}

static void words_images_end(UNUSED struct check_report *r)
{
}

static void words_broken(struct check_report *r, const struct source_file *f)
{
	struct text *t = &r->text;
	text_add(t, "broken: ");
	text_add_name(t, f->path, strlen(f->path));
	text_add(t, ": ");
	source_file_cut(f, t);
	text_add(t, "\n");
}

/* "1 image", "3 images" */
static void add_number(struct text *t, uint64_t n, const char *what)
{
	text_addf(t, "%llu %s%s", (unsigned long long)n, what, n == 1 ? "" : "s");
}

static void words_end(struct check_report *r, bool interrupted)
{
	const struct check_counts *c = &r->counts;
	struct text *t = &r->text;
	if (interrupted)
		text_add(t, "interrupted: ");
	add_number(t, c->images, "image");
	text_add(t, ", ");
	add_number(t, c->planes, "plane");
	text_addf(t, ": %llu damaged, %llu missing", (unsigned long long)c->damaged,
		  (unsigned long long)c->missing);
	if (c->unusable > 0) {
		text_add(t, ", ");
		add_number(t, c->unusable, "image");
		text_add(t, " unusable");
	}
	if (c->broken > 0) {
		text_add(t, ", ");
		add_number(t, c->broken, "file");
		text_add(t, " broken");
	}
	text_add(t, "; ");
	text_add_size(t, c->bytes);
	text_addf(t, " in %.1f s (%.0f MB/s)\n", c->seconds, check_rate(c));
}

const struct check_form check_words = { words_begin,	 words_image,	   words_damage,
					words_image_end, words_images_end, words_broken,
					words_end };
