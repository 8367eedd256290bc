#include "fs/check_progress.h"

#include <stdio.h>

#include "fs/clock.h"
#include "fs/describe.h"

static const uint64_t draw_ns = 200000000;
static const uint64_t line_ns = 5000000000;
static const double second_ns = 1e9;

enum { CELLS = 20 };

void check_progress_begin(struct check_progress *p, const struct dataset *d)
{
	uint64_t now = clock_ns(), all = 0;
	*p = (struct check_progress){ .data = d, .began = now, .told = now };
	p->terminal = isatty(STDERR_FILENO) == 1;
	for (size_t i = 0; i < d->n_images; i++) {
		const struct image *im = &d->images[i];
		if (image_state(im) == IMAGE_UNSEEN)
			return;
		if (image_state(im) == IMAGE_READY)
			all += (image_planes(im) - im->n_gaps) * check_plane_bytes(im);
	}
	p->all = all;
}

/* By bytes where all images are known, else by images. */
static double done_share(const struct check_progress *p, const struct check_place *at,
			 uint64_t bytes)
{
	if (p->all > 0)
		return (double)min_u64(bytes, p->all) / (double)p->all;
	return (double)at->image / (double)max_u64(1, p->data->n_images);
}

static void add_bar(struct text *t, double share)
{
	int full = (int)(share * CELLS);
	text_add(t, "[");
	for (int i = 0; i < CELLS; i++)
		text_add(t, i < full ? "#" : ".");
	text_add(t, "] ");
}

static void add_words(const struct check_progress *p, double share, uint64_t bytes,
		      uint64_t damaged, struct text *t)
{
	double seconds = (double)(clock_ns() - p->began) / second_ns;
	text_addf(t, "%3.0f %% ", share * 100);
	text_add_size(t, bytes);
	if (seconds > 0)
		text_addf(t, ", %.0f MB/s", (double)bytes / 1e6 / seconds);
	text_addf(t, ", %llu damaged", (unsigned long long)damaged);
	if (share > 0.01 && seconds > 2) {
		text_add(t, ", ");
		describe_seconds(seconds / share - seconds, t);
		text_add(t, " left");
	}
}

void check_progress_show(struct check_progress *p, const struct check_place *at, uint64_t bytes,
			 uint64_t damaged)
{
	uint64_t now = clock_ns();
	if (now - p->told < (p->terminal ? draw_ns : line_ns))
		return;
	double share = done_share(p, at, bytes);
	struct text CLEANUP(text_done) t = { 0 };
	text_add(&t, p->terminal ? "\r\033[K" : "ngffuse: ");
	if (p->terminal)
		add_bar(&t, share);
	add_words(p, share, bytes, damaged, &t);
	text_add(&t, p->terminal ? "" : "\n");
	if (!t.oom)
		fputs(t.s, stderr);
	fflush(stderr);
	p->told = now;
	p->drawn = p->terminal;
}

void check_progress_clear(struct check_progress *p)
{
	if (!p->drawn)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	p->drawn = false;
}
