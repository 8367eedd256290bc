/* Names of a folder, and the same names as paths below a pattern. The first line: options and pattern; each
 * further line: a name. What comes out must be a consistent set of images. */
#include <string.h>

#include "meta/pattern.h"

enum { NAMES = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_axis(const struct name_axis *a, uint32_t index)
{
	require(a->present ? index < a->size : index == NAMES_NO_INDEX && a->size == 0);
}

static void check_image(const struct name_image *im, bool *seen, size_t n)
{
	require(im->id != NULL && im->id[0] != '\0' && strchr(im->id, '/') == NULL);
	require(im->n_members > 0);
	for (size_t i = 0; i < im->n_members; i++) {
		const struct name_member *m = &im->members[i];
		require(m->entry < n && !seen[m->entry]);
		seen[m->entry] = true;
		check_axis(&im->t, m->t);
		check_axis(&im->c, m->c);
		check_axis(&im->z, m->z);
	}
	uint64_t planes = max_u64(im->t.size, 1);
	planes *= max_u64(im->c.size, 1);
	planes *= max_u64(im->z.size, 1);
	require(planes == im->n_members + im->missing);
	for (uint32_t i = 0; i < im->c.size; i++)
		require(im->channel_labels[i] != NULL);
}

/* Every entry is in one image or left out, once. */
static void check(const struct names *names, size_t n)
{
	bool seen[NAMES] = { false };
	for (size_t i = 0; i < names->n_images; i++)
		check_image(&names->images[i], seen, n);
	for (size_t i = 0; i < names->n_left_out; i++) {
		const struct name_left_out *o = &names->left_out[i];
		require(o->entry < n && !seen[o->entry] && o->why != NULL);
		require(o->of == NAMES_NO_INDEX || o->of < n);
		seen[o->entry] = true;
	}
	for (size_t i = 0; i < n; i++)
		require(seen[i]);
}

static void by_names(const char *const *v, size_t n, const struct name_options *o)
{
	const char *tiffs[NAMES];
	size_t k = 0;
	for (size_t i = 0; i < n; i++) {
		bool slide;
		names_is_junk_folder(v[i]);
		if (names_is_tiff(v[i], &slide))
			tiffs[k++] = v[i];
	}
	struct names names = { 0 };
	struct err err = { 0 };
	int rc = names_interpret(tiffs, k, o, &names, &err);
	require(rc == 0 || err.msg[0] != '\0');
	if (rc == 0)
		check(&names, k);
	names_done(&names);
}

static void by_pattern(const char *pattern, const char *const *v, size_t n,
		       const struct name_options *o)
{
	struct pattern *p = NULL;
	struct err err = { 0 };
	if (pattern_parse(pattern, &p, &err) != 0) {
		require(err.msg[0] != '\0');
		return;
	}
	struct pattern_pages pages;
	pattern_pages(p, &pages);
	pattern_depth(p);
	struct names names = { 0 };
	int rc = pattern_interpret(p, v, n, o, &names, &err);
	require(rc == 0 || err.msg[0] != '\0');
	if (rc == 0)
		check(&names, n);
	names_done(&names);
	pattern_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum gaps gaps[] = { GAPS_AUTO, GAPS_FILL, GAPS_CLOSE, GAPS_ERROR };
	if (size < 2)
		return 0;
	struct name_options o = { .gaps = gaps[data[0] & 3],
				  .group_none = (data[0] & 12) == 12,
				  .folder = data[0] & 16 ? NULL : "src" };
	char *text = malloc(size);
	require(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	const char *v[NAMES];
	size_t n = 0;
	char *rest = text, *pattern = strsep(&rest, "\n");
	while (rest != NULL && n < NAMES)
		v[n++] = strsep(&rest, "\n");
	by_names(v, n, &o);
	by_pattern(pattern, v, n, &o);
	free(text);
	return 0;
}
