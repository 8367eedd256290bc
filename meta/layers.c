#include "meta/layers.h"

#include "codec/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const taken[] = { "xyz", "datasource-properties.json" };

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("_$@-", c) != NULL);
}

static bool is_taken(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		if (strcmp(name, taken[i]) == 0)
			return true;
	return false;
}

int layer_check(const char *name, struct err *err)
{
	size_t n = 0;
	while (is_plain(name[n]) || (n > 0 && name[n] == '.'))
		n++;
	if (n == 0 || name[n] != '\0' || n > LAYER_BASE_MAX)
		return err_set(err, EINVAL,
			       "'%s' is no name that WEBKNOSSOS takes: at most %d letters, digits "
			       "and _ $ @ - . with no dot in front",
			       name, LAYER_BASE_MAX);
	if (is_taken(name))
		return err_set(err, EINVAL, "'%s' means something else in a dataset", name);
	return 0;
}

void layer_clean(const char *s, char out[LAYER_NAME])
{
	size_t n = 0;
	for (; *s != '\0' && n < LAYER_BASE_MAX; s++) {
		/* A character of several bytes becomes one. */
		if (((unsigned char)*s & 0xC0) == 0x80)
			continue;
		out[n] = is_plain(*s) || (n > 0 && *s == '.') ? *s : '_';
		n++;
	}
	if (n == 0)
		out[n++] = '_';
	out[n] = '\0';
}

/* The same name, or one that the other could have with its suffixes. */
static bool clash(const char *a, const char *b)
{
	size_t n = 0;
	while (a[n] != '\0' && a[n] == b[n])
		n++;
	const char *rest = a[n] == '\0' ? b + n : a + n;
	bool one_ends = a[n] == '\0' || b[n] == '\0';
	return one_ends && (*rest == '\0' || strncmp(rest, "__", 2) == 0);
}

static bool is_free(const struct dataset *d, uint32_t label, const char *name)
{
	const struct image *of = &d->images[d->images[label].parent];
	if (is_taken(name) || clash(d->layer, name))
		return false;
	for (uint32_t i = of->first_label; i < label; i++)
		if (clash(d->images[i].layer, name))
			return false;
	return true;
}

static int name_label(struct dataset *d, uint32_t label, struct err *err)
{
	char clean[LAYER_NAME], name[LAYER_NAME];
	layer_clean(d->images[label].label, clean);
	snprintf(name, sizeof(name), "%s", clean);
	/* A number behind it, or before it where the name goes on from another one. Cut to have room for it. */
	for (uint32_t n = 2; !is_free(d, label, name); n++) {
		snprintf(name, sizeof(name), "%.*s_%" PRIu32, LAYER_BASE_MAX - 11, clean, n);
		if (!is_free(d, label, name))
			snprintf(name, sizeof(name), "%" PRIu32 "_%.*s", n, LAYER_BASE_MAX - 11,
				 clean);
	}
	d->images[label].layer = strdup(name);
	return d->images[label].layer != NULL ? 0 : err_oom(err);
}

int layers_name(struct dataset *d, const char *layer, struct err *err)
{
	d->layer = strdup(layer);
	if (d->layer == NULL)
		return err_oom(err);
	int rc = 0;
	for (size_t i = dataset_shown(d); rc == 0 && i < d->n_images; i++)
		rc = name_label(d, (uint32_t)i, err);
	return rc;
}

uint64_t layer_parts(const struct image *im)
{
	if (im->label != NULL)
		return max_u64(im->n_t, 1);
	return im->pyramid.level[0].chunks[AXIS_T] * im->pyramid.level[0].chunks[AXIS_C];
}

bool layers_several(const struct image *im)
{
	return im->n_labels > 0 || layer_parts(im) > 1;
}

static uint64_t channels_of(const struct image *im)
{
	return im->label != NULL ? 1 : im->pyramid.level[0].chunks[AXIS_C];
}

void layer_name(const struct dataset *d, const struct layer *l, char name[LAYER_NAME])
{
	const struct image *im = &d->images[l->image];
	uint64_t n_c = channels_of(im), n_t = layer_parts(im) / n_c;
	int n = snprintf(name, LAYER_NAME, "%s%s", im->label != NULL ? im->layer : d->layer,
			 n_c > 1 || n_t > 1 ? "__" : "");
	if (n_c > 1)
		n += snprintf(name + n, LAYER_NAME - (size_t)n, "channel%" PRIu64 "%s",
			      l->part % n_c, n_t > 1 ? "_" : "");
	if (n_t > 1)
		snprintf(name + n, LAYER_NAME - (size_t)n, "timepoint%" PRIu64, l->part / n_c);
}

/* The number behind `word`; *s is moved behind both. */
static bool take_number(const char **s, const char *word, uint64_t *out)
{
	size_t n = strlen(word);
	if (strncmp(*s, word, n) != 0)
		return false;
	*s += n;
	size_t digits = strspn(*s, "0123456789");
	if (!text_to_u64(*s, digits, out))
		return false;
	*s += digits;
	return true;
}

/* Is it the name of one of this image's layers? */
static bool find_part(const struct dataset *d, uint32_t image, const char *name, struct layer *out)
{
	const struct image *im = &d->images[image];
	const char *base = im->label != NULL ? im->layer : d->layer;
	size_t len = strlen(base);
	uint64_t n_c = channels_of(im), n_parts = layer_parts(im), c = 0, t = 0;
	if (strncmp(name, base, len) != 0)
		return false;
	const char *s = name + len;
	if (s[0] == '_' && s[1] == '_')
		s += 2;
	if (n_c > 1 && !take_number(&s, "channel", &c))
		return false;
	s += n_c > 1 && n_parts > n_c && *s == '_';
	if (n_parts > n_c && !take_number(&s, "timepoint", &t))
		return false;
	if (c >= n_c || t >= n_parts / n_c)
		return false;
	*out = (struct layer){ image, t * n_c + c };
	/* Zeros in front and what stands behind make it another name. */
	char own[LAYER_NAME];
	layer_name(d, out, own);
	return strcmp(own, name) == 0;
}

bool layer_find(const struct dataset *d, uint32_t image, const char *name, struct layer *out)
{
	const struct image *im = &d->images[image];
	if (find_part(d, image, name, out))
		return true;
	for (uint32_t i = 0; i < im->n_labels; i++)
		if (find_part(d, im->first_label + i, name, out))
			return true;
	return false;
}

bool layer_at(const struct dataset *d, uint32_t image, uint64_t k, struct layer *out)
{
	const struct image *im = &d->images[image];
	*out = (struct layer){ image, k };
	for (uint32_t i = 0; i < im->n_labels; i++) {
		uint64_t n = layer_parts(&d->images[out->image]);
		if (out->part < n)
			return true;
		out->part -= n;
		out->image = im->first_label + i;
	}
	return out->part < layer_parts(&d->images[out->image]);
}

void layer_mag_name(const uint64_t mag[3], char name[LAYER_NAME])
{
	if (mag[0] == mag[1] && mag[1] == mag[2])
		snprintf(name, LAYER_NAME, "%" PRIu64, mag[0]);
	else
		snprintf(name, LAYER_NAME, "%" PRIu64 "-%" PRIu64 "-%" PRIu64, mag[2], mag[1],
			 mag[0]);
}
