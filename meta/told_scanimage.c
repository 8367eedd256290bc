#include "meta/told_scanimage.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "meta/told_pages.h"
#include "meta/told_scanimage_text.h"

/* Page c + channels * (frame + frames * slice + stride * volume); frames of all volumes are t, slices z. None is 0. */
struct scan {
	uint64_t channels, frames, slices, volumes, stride;
};

static uint64_t planes_of(const struct scan *n)
{
	return n->channels * n->frames * n->slices * n->volumes;
}

/* Newer settings: what is known of `pages` pages, as many whole volumes as there are. False: not even one page of each
 * channel. */
static bool fit_pages(const struct scan_settings *set, uint64_t pages, struct scan *n)
{
	uint64_t each = pages / max_u64(set->channels, 1);
	*n = (struct scan){ .channels = set->channels,
			    .frames = min_u64(set->frames, each),
			    .slices = 1,
			    .volumes = 1 };
	if (each == 0 || n->channels == 0)
		return false;
	uint64_t most = each / max_u64(n->frames, 1);
	if (set->frames != UINT64_MAX)
		n->slices = set->slices == 0 ? most : min_u64(set->slices, most);
	n->stride = n->frames * n->slices;
	if (n->frames == 1 && set->per_volume > n->stride && each % set->per_volume == 0)
		n->stride = set->per_volume;
	n->volumes = each / max_u64(n->stride, 1);
	return n->volumes > 0;
}

/* Older ones count what was recorded, which was not always stored: only numbers that are those of the pages count. */
static bool fit_exactly(const struct scan_settings *set, uint64_t pages, struct scan *n)
{
	uint64_t slices = max_u64(set->slices, 1), all = 0;
	*n = (struct scan){
		.channels = set->channels, .frames = set->frames, .slices = slices, .volumes = 1
	};
	if (!mul_u64(slices, set->channels, &all))
		return false;
	if (all == pages)
		n->frames = 1;
	else if (!mul_u64(all, set->frames, &all) || all != pages)
		return false;
	n->stride = n->frames * n->slices;
	return true;
}

/* All volumes that the pages of a chain reach into that is cut, as they were announced. False: it is whole, or too much
 * is not known. */
static bool fit_cut(const struct told_source *s, const struct scan_settings *set, uint64_t pages,
		    struct scan *n)
{
	if (!s->cut || !set->sure || set->channels == 0)
		return false;
	uint64_t each = ceil_div(pages, set->channels), all = set->channels;
	*n = (struct scan){ .channels = set->channels, .frames = set->frames, .slices = 1 };
	if (set->frames == UINT64_MAX)
		n->frames = each;
	else if (set->slices != 0)
		n->slices = set->slices;
	else
		n->slices = ceil_div(each, max_u64(n->frames, 1));
	if (n->frames == 0 || !mul_u64(n->frames, n->slices, &n->stride))
		return false;
	/* Whether the way back was stored shows only in a chain that is whole. */
	if (n->frames == 1 && set->per_volume > n->stride)
		return false;
	n->volumes = ceil_div(each, n->stride);
	return mul_u64(all, n->stride, &all) && mul_u64(all, n->volumes, &all) &&
	       told_goes_on(s, pages, all);
}

static bool fit(const struct told_source *s, const struct scan_settings *set, uint64_t pages,
		struct scan *n)
{
	if (fit_cut(s, set, pages, n))
		return true;
	return set->sure ? fit_pages(set, pages, n) : fit_exactly(set, pages, n);
}

static void fill(const struct scan *n, const struct told_pages *pages, struct told_image *im)
{
	for (uint64_t t = 0; t < im->n[TOLD_T]; t++) {
		uint64_t volume = t / n->frames, frame = t % n->frames;
		for (uint64_t c = 0; c < n->channels; c++)
			for (uint64_t z = 0; z < n->slices; z++) {
				uint64_t i = c + n->channels * (frame + n->frames * z +
								n->stride * volume);
				*told_plane(im, t, c, z) = (struct told_plane){
					.where = TOLD_PAGE,
					.at = told_page(pages, i),
				};
			}
	}
}

static int set_facts(const struct told_source *s, const struct scan_settings *set,
		     const struct scan *n, struct told_image *im)
{
	if (n->slices > 1 && set->z_step > 0)
		im->size[0] = (struct told_size){ .value = set->z_step, .unit = "micrometer" };
	/* Frames of volumes, or of several slices each, are not so far apart. */
	if (n->volumes == 1 || n->slices == 1)
		im->time_step = set->frame_step;
	if (s->first->samples != 1 || set->number[0] == 0)
		return 0;
	if (told_make_channels(im, n->channels) != 0)
		return -ENOMEM;
	for (size_t i = 0; i < im->n_channels; i++) {
		CLEANUP(text_done) struct text name = { 0 };
		text_addf(&name, "channel %u", set->number[i]);
		if (name.oom)
			return -ENOMEM;
		im->channels[i].name = STEAL(name.s);
	}
	return 0;
}

static int add_image(const struct told_source *s, const struct scan_settings *set,
		     const struct scan *n, const struct told_pages *pages, struct told *out,
		     struct err *err)
{
	const uint64_t sizes[TOLD_AXES] = {
		[TOLD_T] = n->frames * n->volumes, [TOLD_C] = n->channels, [TOLD_Z] = n->slices
	};
	uint64_t all = pages->at != NULL ? pages->n : s->n_pages;
	uint32_t file;
	struct told_image *im = told_add_image(out, sizes, err);
	if (im == NULL || told_add_file(out, NULL, &file) != 0)
		return err_oom(err);
	out->kind = "ScanImage";
	fill(n, pages, im);
	if (planes_of(n) < all)
		told_note(out,
			  "ScanImage: %" PRIu64 " of %" PRIu64 " pages belong to no whole slice or "
			  "volume and are left out",
			  all - planes_of(n), all);
	return set_facts(s, set, n, im) != 0 ? err_oom(err) : 1;
}

static int tell(const struct told_source *s, const char *text, struct told *out, struct err *err)
{
	CLEANUP(told_pages_done) struct told_pages pages = { 0 };
	struct scan_settings set;
	struct scan n = { 0 };
	if (!scan_settings_read(text, &set)) {
		if (s->n_pages > 1)
			told_note(out, "ScanImage: it does not tell which channels there are; its "
				       "pages are taken as z");
		return 0;
	}
	bool fits = fit(s, &set, s->n_pages, &n);
	if (!fits || planes_of(&n) != s->n_pages) {
		int rc = told_pages_read(s, &pages, err);
		if (rc != 0)
			return rc;
		fits = fit(s, &set, pages.n, &n);
	}
	if (fits)
		return add_image(s, &set, &n, &pages, out, err);
	told_note(out,
		  "ScanImage: what it tells of %u channels, slices and frames does not fit %" PRIu32
		  " page%s; taken as z",
		  set.channels, pages.n, pages.n == 1 ? "" : "s");
	return 0;
}

/* Its lines stand in Software, in older files in the description, which then says so at its end or begins with them.
 * 1: this tag; 0: none; errors as of reading. */
static int find_lines(const struct told_source *s, const struct tiff_values **where,
		      struct err *err)
{
	enum { HEAD = 8, TAIL = 256 };
	CLEANUP(freep) char *software = NULL;
	CLEANUP(freep) char *head = NULL;
	CLEANUP(freep) char *tail = NULL;
	*where = &s->first->software;
	int rc = told_text(s, *where, HEAD, &software, err);
	if (rc < 0 || (rc > 0 && strncmp(software, "SI.", 3) == 0))
		return rc;
	*where = &s->first->description;
	rc = told_text(s, *where, HEAD, &head, err);
	if (rc <= 0 || strncmp(head, "state.", 6) == 0)
		return rc;
	struct tiff_values end = **where;
	uint64_t n = min_u64(end.count, TAIL);
	end.offset += end.count - n;
	end.count = n;
	rc = told_text(s, &end, TAIL, &tail, err);
	return rc > 0 ? strstr(tail, "scanimage.SI") != NULL : rc;
}

static int tell_lines(const struct told_source *s, const struct tiff_values *where,
		      struct told *out, struct err *err)
{
	enum { MOST = 1 << 22 };
	CLEANUP(freep) char *text = NULL;
	int rc = told_text(s, where, MOST, &text, err);
	return rc > 0 ? tell(s, text, out, err) : rc;
}

int told_scanimage(const struct told_source *s, struct told *out, struct err *err)
{
	const struct tiff_values *where = NULL;
	if (s->r == NULL)
		return 0;
	int rc = find_lines(s, &where, err);
	return rc > 0 ? tell_lines(s, where, out, err) : rc;
}
