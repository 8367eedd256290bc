#include "meta/told_mm_lists.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LABELS = 1 << 16, MAX_CHANNELS = 4096 };

/* ---- names of positions ---- */

static int add_label(struct mm_summary *s, const struct json_word *w)
{
	struct text t = { 0 };
	json_word_text(w, &t);
	char **more = grown(s->labels, s->n_labels, sizeof(*more));
	if (more != NULL)
		s->labels = more;
	if (t.oom || more == NULL) {
		text_done(&t);
		return -ENOMEM;
	}
	/* An empty one has no bytes; it makes all of them useless, see mm_labels_settle. */
	s->labels[s->n_labels++] = t.s;
	return 0;
}

/* {"Label": "Pos0", ..}; what has none gives an empty word. */
static struct json_word read_label(struct json_scan *j)
{
	struct json_word key, label = { 0 };
	if (!json_scan_enter(j, '{'))
		return label;
	while (json_scan_member(j, &key)) {
		if (json_word_is(&key, "Label"))
			json_scan_word(j, &label);
		else
			json_scan_skip(j);
	}
	return label;
}

int mm_labels_read(struct mm_summary *s, struct json_scan *j)
{
	bool first = s->n_labels == 0;
	if (!json_scan_enter(j, '['))
		return 0;
	while (json_scan_item(j)) {
		struct json_word label = read_label(j);
		if (first && s->n_labels < MAX_LABELS && add_label(s, &label) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int compare_labels(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	return strcmp(*x, *y);
}

/* Positions of one name could not be told apart. */
int mm_labels_settle(struct mm_summary *s)
{
	bool good = true;
	for (size_t i = 0; i < s->n_labels; i++)
		good &= s->labels[i] != NULL && s->labels[i][0] != '\0';
	if (good && s->n_labels > 1) {
		CLEANUP(freep) char **sorted = reallocarray(NULL, s->n_labels, sizeof(*sorted));
		if (sorted == NULL)
			return -ENOMEM;
		memcpy(sorted, s->labels, s->n_labels * sizeof(*sorted));
		qsort(sorted, s->n_labels, sizeof(*sorted), compare_labels);
		for (size_t i = 1; i < s->n_labels; i++)
			good &= strcmp(sorted[i - 1], sorted[i]) != 0;
	}
	for (size_t i = 0; !good && i < s->n_labels; i++)
		free(s->labels[i]);
	if (!good)
		s->n_labels = 0;
	return 0;
}

/* ---- channels ---- */

/* Channel i, which is made if need be; NULL: too many, or no memory. */
static struct told_channel *channel_at(struct mm_summary *s, size_t i, int *rc)
{
	if (i >= MAX_CHANNELS)
		return NULL;
	if (i >= s->n_channels) {
		struct told_channel *more = reallocarray(s->channels, i + 1, sizeof(*more));
		if (more == NULL) {
			*rc = -ENOMEM;
			return NULL;
		}
		memset(more + s->n_channels, 0, (i + 1 - s->n_channels) * sizeof(*more));
		s->channels = more;
		s->n_channels = i + 1;
	}
	return &s->channels[i];
}

static int read_channel(struct told_channel *c, enum mm_channel_fact what, struct json_scan *j)
{
	struct json_word w;
	struct text t = { 0 };
	int64_t rgb;
	switch (what) {
	case MM_NAMES:
		if (!json_scan_word(j, &w) || w.n == 0)
			return 0;
		json_word_text(&w, &t);
		if (t.oom) {
			text_done(&t);
			return -ENOMEM;
		}
		free(c->name);
		c->name = t.s;
		return 0;
	case MM_COLORS:
		if (json_scan_int(j, &rgb))
			snprintf(c->color, sizeof(c->color), "%06X", (unsigned)(rgb & 0xffffff));
		return 0;
	case MM_MINIMA:
		json_scan_real(j, &c->start);
		return 0;
	case MM_MAXIMA:
		json_scan_real(j, &c->end);
		return 0;
	}
	return 0;
}

int mm_channels_read(struct mm_summary *s, enum mm_channel_fact what, struct json_scan *j)
{
	int rc = 0;
	if (!json_scan_enter(j, '['))
		return 0;
	for (size_t i = 0; rc == 0 && json_scan_item(j); i++) {
		struct told_channel *c = channel_at(s, i, &rc);
		if (c != NULL)
			rc = read_channel(c, what, j);
		else
			json_scan_skip(j);
	}
	return rc;
}
