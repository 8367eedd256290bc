#include "meta/told_mm_summary.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "meta/told_mm_lists.h"

enum { MAX_AXIS = 1 << 30 };

void mm_summary_drop_channels(struct mm_summary *s)
{
	for (size_t i = 0; i < s->n_channels; i++)
		free(s->channels[i].name);
	free(s->channels);
	s->channels = NULL;
	s->n_channels = 0;
}

void mm_summary_done(struct mm_summary *s)
{
	for (size_t i = 0; i < s->n_labels; i++)
		free(s->labels[i]);
	mm_summary_drop_channels(s);
	free(s->labels);
	text_done(&s->prefix);
	text_done(&s->id);
	*s = (struct mm_summary){ 0 };
}

/* A number that is at least 1. */
static void read_count(struct json_scan *j, uint64_t *out)
{
	int64_t v;
	if (json_scan_int(j, &v) && v > 0 && v < MAX_AXIS)
		*out = (uint64_t)v;
}

static void read_length(struct json_scan *j, double *out)
{
	double v;
	if (json_scan_real(j, &v) && fabs(v) > 0)
		*out = fabs(v);
}

static void read_bits(struct json_scan *j, unsigned *out)
{
	int64_t v;
	if (json_scan_int(j, &v) && v > 0 && v <= 64)
		*out = (unsigned)v;
}

static int read_text(struct json_scan *j, struct text *out)
{
	struct json_word w;
	if (json_scan_word(j, &w) && out->len == 0)
		json_word_text(&w, out);
	return out->oom ? -ENOMEM : 0;
}

static int read_id(struct json_scan *j, struct text *out)
{
	struct json_word w;
	if (json_scan_word(j, &w)) {
		text_add(out, "\n");
		json_word_text(&w, out);
	}
	return out->oom ? -ENOMEM : 0;
}

static int read_member(struct mm_summary *s, const struct json_word *key, struct json_scan *j)
{
	static const struct {
		const char *key;
		enum mm_channel_fact what;
	} lists[] = { { "ChNames", MM_NAMES },
		      { "ChColors", MM_COLORS },
		      { "ChContrastMin", MM_MINIMA },
		      { "ChContrastMax", MM_MAXIMA } };
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (json_word_is(key, lists[i].key))
			return mm_channels_read(s, lists[i].what, j);
	if (json_word_is(key, "StagePositions") || json_word_is(key, "InitialPositionList"))
		return mm_labels_read(s, j);
	if (json_word_is(key, "Prefix"))
		return read_text(j, &s->prefix);
	if (json_word_is(key, "UUID") || json_word_is(key, "StartTime"))
		return read_id(j, &s->id);
	if (json_word_is(key, "Frames"))
		read_count(j, &s->n[TOLD_T]);
	else if (json_word_is(key, "Channels"))
		read_count(j, &s->n[TOLD_C]);
	else if (json_word_is(key, "Slices"))
		read_count(j, &s->n[TOLD_Z]);
	else if (json_word_is(key, "Positions"))
		read_count(j, &s->positions);
	else if (json_word_is(key, "PixelSize_um"))
		read_length(j, &s->pixel_um);
	else if (json_word_is(key, "z-step_um"))
		read_length(j, &s->z_um);
	else if (json_word_is(key, "Interval_ms"))
		read_length(j, &s->interval_ms);
	else if (json_word_is(key, "BitDepth"))
		read_bits(j, &s->bits);
	else
		json_scan_skip(j);
	return 0;
}

int mm_summary_read(const char *text, size_t len, struct mm_summary *out)
{
	struct json_scan j = json_scan_of(text, len);
	struct json_word key;
	int rc = 0;
	if (!json_scan_enter(&j, '{'))
		return 0;
	while (rc == 0 && json_scan_member(&j, &key))
		rc = read_member(out, &key, &j);
	if (rc == 0)
		rc = mm_labels_settle(out);
	return rc != 0 ? rc : !j.bad;
}

void mm_summary_add_plane(struct mm_summary *s, const char *text, size_t len)
{
	struct json_scan j = json_scan_of(text, len);
	struct json_word key;
	double pixel_um = 0;
	unsigned bits = 0;
	if (!json_scan_enter(&j, '{'))
		return;
	while (json_scan_member(&j, &key)) {
		if (json_word_is(&key, "PixelSizeUm") || json_word_is(&key, "PixelSize_um"))
			read_length(&j, &pixel_um);
		else if (json_word_is(&key, "BitDepth"))
			read_bits(&j, &bits);
		else
			json_scan_skip(&j);
	}
	if (!(s->pixel_um > 0))
		s->pixel_um = pixel_um;
	if (s->bits == 0)
		s->bits = bits;
}

static void set_size(struct told_size *s, double um)
{
	if (um > 0)
		*s = (struct told_size){ .value = um, .unit = "micrometer" };
}

int mm_summary_tell(const struct mm_summary *s, uint64_t n_channels, struct told_image *im)
{
	set_size(&im->size[0], s->z_um);
	set_size(&im->size[1], s->pixel_um);
	set_size(&im->size[2], s->pixel_um);
	im->time_step = s->interval_ms / 1000;
	im->bits = s->bits;
	if (s->n_channels == 0 || im->n_channels != 0)
		return 0;
	if (told_make_channels(im, n_channels) != 0)
		return -ENOMEM;
	for (size_t i = 0; i < im->n_channels && i < s->n_channels; i++) {
		const struct told_channel *from = &s->channels[i];
		struct told_channel *to = &im->channels[i];
		*to = *from;
		to->name = from->name != NULL ? strdup(from->name) : NULL;
		if (from->name != NULL && to->name == NULL)
			return -ENOMEM;
	}
	return 0;
}

int mm_metadata_tell(const char *text, size_t len, struct told_image *im)
{
	struct mm_summary CLEANUP(mm_summary_done) s = { 0 };
	struct json_scan j = json_scan_of(text, len);
	struct json_word key;
	bool found = false;
	if (!json_scan_enter(&j, '{'))
		return 0;
	/* The summary comes first, and the planes may be many. */
	while (!(found && s.pixel_um > 0) && json_scan_member(&j, &key)) {
		const char *from = j.s;
		json_scan_skip(&j);
		size_t n = (size_t)(j.s - from);
		if (json_word_is(&key, "Summary") && !found) {
			if (mm_summary_read(from, n, &s) < 0)
				return -ENOMEM;
			found = true;
		} else {
			mm_summary_add_plane(&s, from, n);
		}
	}
	if (!found)
		return 0;
	return mm_summary_tell(&s, s.n_channels, im) != 0 ? -ENOMEM : 1;
}
