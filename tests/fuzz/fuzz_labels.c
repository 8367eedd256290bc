/* Labels of any names: the paths that files below a folder `labels` have as labels, their order, and the names of their
 * layers. Input: a byte with bits, then paths of files, one a line; the first line names the image's layer. */
#include <errno.h>
#include <string.h>

#include "meta/label_find.h"
#include "meta/label_path.h"
#include "meta/layers.h"
#include "tests/fuzz/fuzz.h"

enum { FILES = 40 };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

/* What is made of a name may be given as one. NULL: too deep, or nothing below `labels`. */
static char *label_of(const char *path, uint8_t bits)
{
	const char *base = strrchr(path, '/');
	char *folder = strndup(path, base == NULL ? 0 : (size_t)(base - path));
	require(folder != NULL);
	struct label_folder f;
	struct text t = { 0 };
	if (*path != '\0' && label_folder(folder, &f)) {
		require(f.base <= strlen(folder) && f.below >= folder &&
			strlen(f.below) <= strlen(folder));
		label_path_make(&t, f.below, 1 + (bits & 1), 1 + (bits >> 1 & 1),
				bits & 4 ? base + 1 : NULL, path);
	}
	struct err err = { 0 };
	if (t.len > 0 && label_path_depth(t.s) <= LABEL_DEPTH)
		require(label_path_check(t.s, &err) == 0);
	else
		text_done(&t);
	free(folder);
	return t.s;
}

static void check_order(char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			int rc = sign(label_path_compare(v[i], v[k]));
			require(rc == -sign(label_path_compare(v[k], v[i])));
			for (size_t m = 0; rc <= 0 && m < n; m++)
				require(label_path_compare(v[k], v[m]) > 0 ||
					label_path_compare(v[i], v[m]) <= 0);
		}
}

/* Layers that WEBKNOSSOS takes, no two with one name, each found again. */
static void check_layers(struct dataset *d)
{
	struct layer l, again;
	char name[LAYER_NAME], other[LAYER_NAME];
	struct err err = { 0 };
	uint64_t n = 0;
	for (; layer_at(d, 0, n, &l); n++) {
		layer_name(d, &l, name);
		require(layer_check(d->images[l.image].label != NULL ? d->images[l.image].layer
								     : d->layer,
				    &err) == 0);
		require(layer_find(d, 0, name, &again) && again.image == l.image &&
			again.part == l.part);
		for (uint64_t k = 0; k < n; k++) {
			require(layer_at(d, 0, k, &again));
			layer_name(d, &again, other);
			require(strcmp(name, other) != 0);
		}
	}
	require(n >= d->n_images);
}

static void name_layers(const char *layer, char **labels, size_t n, uint8_t bits)
{
	struct level level = { .chunks = { 1 + (bits >> 3 & 1), 1 + (bits >> 4 & 1), 1, 1, 1 } };
	struct image images[FILES + 1] = { { .first_label = 1, .n_labels = (uint32_t)n } };
	images[0].pyramid = (struct pyramid){ .n = 1, .level = &level };
	for (size_t i = 0; i < n; i++)
		images[1 + i] = (struct image){ .label = labels[i], .n_t = 1 + (bits >> 5 & 1) };
	struct dataset d = { .images = images, .n_images = n + 1, .n_labels = n };
	struct err err = { 0 };
	if (layer_check(layer, &err) == 0) {
		require(layers_name(&d, layer, &err) == 0);
		check_layers(&d);
	} else {
		require(err.code == EINVAL && err.msg[0] != '\0');
	}
	for (size_t i = 0; i <= n; i++)
		free(images[i].layer);
	free(d.layer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	char *text = strndup((const char *)data + 1, size - 1), *rest = text, *labels[FILES];
	require(text != NULL);
	const char *layer = strsep(&rest, "\n");
	size_t n = 0;
	for (size_t i = 0; rest != NULL && i < FILES; i++) {
		char *label = label_of(strsep(&rest, "\n"), data[0]);
		bool is_new = label != NULL;
		for (size_t k = 0; is_new && k < n; k++)
			is_new = strcmp(labels[k], label) != 0;
		if (is_new)
			labels[n++] = label;
		else
			free(label);
	}
	check_order(labels, n);
	name_layers(layer, labels, n, data[0]);
	for (size_t i = 0; i < n; i++)
		free(labels[i]);
	free(text);
	return 0;
}
