#include "meta/told_ndtiff_facts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "meta/json_scan.h"
#include "meta/told_bytes.h"
#include "meta/told_mm_summary.h"

enum {
	MAGIC_SUMMARY = 2355492,
	HEAD = 28,
	PLANE_MAX = 1 << 20, /* bytes of the metadata of one plane */
	NAMED_MAX = 64,	     /* channels whose names are looked for in planes */
	DISPLAY_MAX = 4 << 20,
};

/* 1: read. 0: not there, or not to be had; else what storage or memory said. */
static int answer(int rc, const char *path, struct err *err)
{
	if (rc == 0)
		return 1;
	bool absent =
		rc == -ENOENT || rc == -EXDEV || rc == -EFBIG || rc == -EACCES || rc == -EPERM;
	return !absent && err_is_passing(rc) ? err_set(err, -rc, "%s: %s", path, strerror(-rc)) : 0;
}

static int read_at(const struct told_source *s, const char *path, uint64_t off, size_t max,
		   char **out, size_t *len, struct err *err)
{
	*out = NULL;
	*len = 0;
	if (s->beside_at == NULL || max == 0)
		return 0;
	return answer(s->beside_at(s->ctx, path, off, max, out, len), path, err);
}

static int read_summary_at(const struct told_source *s, const char *path, uint64_t off, size_t size,
			   struct mm_summary *sum, struct err *err)
{
	CLEANUP(freep) char *text = NULL;
	size_t len;
	int rc = read_at(s, path, off, size, &text, &len, err);
	if (rc <= 0)
		return rc;
	return mm_summary_read(text, len, sum) < 0 ? err_oom(err) : 0;
}

/* The summary in the head of a file: magic and length at 16, from version 3 on at 20. */
static int read_summary(const struct told_source *s, const char *path, struct mm_summary *sum,
			struct err *err)
{
	CLEANUP(freep) char *head = NULL;
	size_t len;
	int rc = read_at(s, path, 0, HEAD, &head, &len, err);
	if (rc <= 0 || len < HEAD)
		return rc < 0 ? rc : 0;
	const uint8_t *b = (const uint8_t *)head;
	bool big = b[0] == 'M';
	uint32_t at = bytes_u32(b + 16, big) == MAGIC_SUMMARY ? 16 : 20;
	uint32_t size = bytes_u32(b + at + 4, big);
	if (bytes_u32(b + at, big) != MAGIC_SUMMARY || size > MM_SUMMARY_MAX)
		return 0;
	return read_summary_at(s, path, at + 8, size, sum, err);
}

static int read_plane(const struct told_source *s, const struct nd_index *x, size_t record,
		      char **text, size_t *len, struct err *err)
{
	const struct nd_record *r = &x->records[record];
	*text = NULL;
	if (r->meta_size > PLANE_MAX)
		return 0;
	return read_at(s, x->files[r->file], r->meta_at, r->meta_size, text, len, err);
}

/* ---- channels ---- */

/* "Channel": "DAPI" */
static void find_channel(const char *text, size_t len, struct text *name)
{
	struct json_scan j = json_scan_of(text, len);
	struct json_word key, w;
	if (!json_scan_enter(&j, '{'))
		return;
	while (json_scan_member(&j, &key)) {
		if (!json_word_is(&key, "Channel") || name->len > 0)
			json_scan_skip(&j);
		else if (json_scan_word(&j, &w))
			json_word_text(&w, name);
	}
}

static int name_from_plane(const struct told_source *s, const struct nd_index *x, size_t record,
			   struct told_channel *c, struct err *err)
{
	CLEANUP(freep) char *text = NULL;
	struct text name = { 0 };
	size_t len = 0;
	int rc = read_plane(s, x, record, &text, &len, err);
	if (rc <= 0)
		return rc;
	find_channel(text, len, &name);
	c->name = name.s;
	return name.oom ? err_oom(err) : 0;
}

static int name_channels(const struct told_source *s, const struct nd_index *x,
			 const struct nd_axes *a, struct told_image *im, struct err *err)
{
	int axis = a->t_c_z[TOLD_C];
	size_t open = im->n_channels;
	for (size_t i = 0; i < x->n && open > 0; i++) {
		struct told_channel *c = &im->channels[nd_index_on(x, a, i, TOLD_C)];
		/* A mark that this one was asked. */
		if (c->end < 0)
			continue;
		c->end = -1;
		open--;
		int rc = 0;
		if (axis >= 0 && x->axes[axis].is_text) {
			c->name = strdup(x->axes[axis].labels[nd_at(x, i)[axis]]);
			rc = c->name == NULL ? err_oom(err) : 0;
		} else if (im->n_channels <= NAMED_MAX) {
			rc = name_from_plane(s, x, i, c, err);
		}
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < im->n_channels; i++)
		im->channels[i].end = 0;
	return 0;
}

/* What the summary says of channels that the planes do not name. */
static int add_summary(const struct mm_summary *sum, struct told_image *im)
{
	for (size_t i = 0; i < im->n_channels && i < sum->n_channels; i++) {
		const struct told_channel *from = &sum->channels[i];
		struct told_channel *to = &im->channels[i];
		memcpy(to->color, from->color, sizeof(to->color));
		to->start = from->start;
		to->end = from->end;
		if (to->name == NULL && from->name != NULL &&
		    (to->name = strdup(from->name)) == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* ---- display_settings.txt ---- */

static void read_setting(struct json_scan *j, struct told_channel *c)
{
	struct json_word key;
	int64_t rgb;
	if (!json_scan_enter(j, '{'))
		return;
	while (json_scan_member(j, &key)) {
		if (json_word_is(&key, "Min"))
			json_scan_real(j, &c->start);
		else if (json_word_is(&key, "Max"))
			json_scan_real(j, &c->end);
		else if (!json_word_is(&key, "Color"))
			json_scan_skip(j);
		else if (json_scan_int(j, &rgb))
			snprintf(c->color, sizeof(c->color), "%06X", (unsigned)(rgb & 0xffffff));
	}
}

/* {"DAPI": {"Min": 0, "Max": 65535, "Color": -13421569, ..}, ..} */
static int read_display(const char *text, size_t len, struct told_image *im)
{
	struct json_scan j = json_scan_of(text, len);
	struct json_word key;
	if (!json_scan_enter(&j, '{'))
		return 0;
	while (json_scan_member(&j, &key)) {
		struct text CLEANUP(text_done) name = { 0 };
		struct told_channel set = { 0 };
		json_word_text(&key, &name);
		if (name.oom)
			return -ENOMEM;
		read_setting(&j, &set);
		for (size_t i = 0; i < im->n_channels; i++) {
			struct told_channel *c = &im->channels[i];
			if (c->name == NULL || name.s == NULL || strcmp(c->name, name.s) != 0)
				continue;
			memcpy(c->color, set.color, sizeof(c->color));
			c->start = set.start;
			c->end = set.end;
		}
	}
	return 0;
}

static int find_display(const struct told_source *s, struct told_image *im, struct err *err)
{
	/* In the folder of a stored pyramid the index lies one deeper. */
	static const char *const paths[] = { "display_settings.txt", "../display_settings.txt" };
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		CLEANUP(freep) char *text = NULL;
		size_t len = 0;
		int rc = answer(s->beside(s->ctx, paths[i], DISPLAY_MAX, &text, &len), paths[i],
				err);
		if (rc > 0 && read_display(text, len, im) != 0)
			return err_oom(err);
		if (rc != 0)
			return rc < 0 ? rc : 0;
	}
	return 0;
}

int nd_facts(const struct told_source *s, const struct nd_index *x, const struct nd_axes *a,
	     struct told_image *im, struct err *err)
{
	struct mm_summary CLEANUP(mm_summary_done) sum = { 0 };
	CLEANUP(freep) char *text = NULL;
	size_t len = 0;
	int rc = read_summary(s, x->files[x->records[0].file], &sum, err);
	if (rc == 0)
		rc = read_plane(s, x, 0, &text, &len, err);
	if (rc < 0)
		return rc;
	if (rc > 0)
		mm_summary_add_plane(&sum, text, len);
	sum.bits = im->bits;
	/* Of RGB the samples are the channels. */
	bool gray = x->records[0].type != 2;
	if (!gray) {
		mm_summary_drop_channels(&sum);
	} else {
		if (told_make_channels(im, im->n[TOLD_C]) != 0)
			return err_oom(err);
		rc = name_channels(s, x, a, im, err);
	}
	if (rc >= 0 && mm_summary_tell(&sum, im->n[TOLD_C], im) != 0)
		rc = err_oom(err);
	if (rc < 0 || !gray)
		return rc < 0 ? rc : 0;
	if (add_summary(&sum, im) != 0)
		return err_oom(err);
	return find_display(s, im, err);
}
