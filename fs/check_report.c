#include "fs/check_report.h"

#include <errno.h>
#include <string.h>

#include "fs/check_form.h"

void check_report_begin(struct check_report *r, const struct dataset *d, bool json, FILE *out)
{
	*r = (struct check_report){ .data = d,
				    .form = json ? &check_json : &check_words,
				    .out = out };
	r->form->begin(r);
}

static void begin_image(struct check_report *r)
{
	if (r->begun)
		return;
	const struct image *im = &r->data->images[r->image];
	bool bad = image_state(im) == IMAGE_BAD;
	r->begun = true;
	r->any = false;
	r->planes = bad ? 0 : image_planes(im);
	r->missing = bad ? 0 : im->n_gaps;
	r->counts.images++;
	r->counts.unusable += bad;
	r->form->image(r, im);
}

static void end_image(struct check_report *r)
{
	r->counts.planes += r->planes - r->missing;
	r->counts.missing += r->missing;
	r->form->image_end(r, &r->data->images[r->image], false);
	r->image++;
	r->begun = false;
}

void check_report_to(struct check_report *r, const struct check_place *at,
		     const struct check_damages *damage)
{
	for (size_t i = 0; i < damage->n; i++) {
		const struct check_damage *d = &damage->list[i];
		for (; r->image < d->at.image; end_image(r))
			begin_image(r);
		begin_image(r);
		r->form->damage(r, d);
		r->any = true;
		r->counts.damaged++;
	}
	for (; r->image < at->image; end_image(r))
		begin_image(r);
}

double check_rate(const struct check_counts *c)
{
	return c->seconds > 0 ? (double)c->bytes / 1e6 / c->seconds : 0;
}

/* Planes of an image that is not done. */
static void count_part(struct check_report *r, const struct check_place *at)
{
	if (r->image >= r->data->n_images || at->image != r->image || at->plane == 0)
		return;
	const struct image *im = &r->data->images[r->image];
	begin_image(r);
	for (uint64_t i = 0; i < at->plane; i++) {
		bool gap = im->planes[i].file == PLANE_GAP;
		r->counts.missing += gap;
		r->counts.planes += !gap;
	}
}

/* Files that have lost pages, which no plane tells of. */
static void add_broken(struct check_report *r)
{
	const struct dataset *d = r->data;
	for (size_t i = 0; i < d->n_files; i++) {
		if (d->files[i].cut_after == 0)
			continue;
		r->form->broken(r, &d->files[i]);
		r->counts.broken++;
	}
}

void check_report_end(struct check_report *r, const struct check_place *at, bool interrupted)
{
	count_part(r, at);
	if (r->begun)
		r->form->image_end(r, &r->data->images[r->image], true);
	r->form->images_end(r);
	add_broken(r);
	r->form->end(r, interrupted);
}

bool check_report_waits(const struct check_report *r)
{
	return r->text.len > 0 || r->text.oom;
}

int check_report_flush(struct check_report *r, struct err *err)
{
	struct text t = r->text;
	int e = t.oom ? -ENOMEM : 0;
	r->text = (struct text){ 0 };
	errno = 0;
	if (e == 0 && t.len > 0 && (fwrite(t.s, 1, t.len, r->out) != t.len || fflush(r->out) != 0))
		e = errno != 0 ? -errno : -EIO;
	text_done(&t);
	if (e == -ENOMEM)
		return err_oom(err);
	return e == 0 ? 0 : err_set(err, -e, "standard output: %s", strerror(-e));
}

void check_report_done(struct check_report *r)
{
	text_done(&r->text);
}
