#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "meta/omexml.h"

/* Refuses with "OME-XML <what> "<name>"", the name made printable. */
static int refuse_name(struct err *err, const char *what, const char *name)
{
	CLEANUP(text_done) struct text t = { 0 };
	text_add(&t, "");
	text_add_name(&t, name, strnlen(name, 200));
	if (t.oom)
		return err_oom(err);
	return err_set(err, ENOTSUP, "OME-XML %s \"%s\"", what, t.s);
}

/* Planes along c: the samples of a page are channels too. Where XML and TIFF differ about how many samples
 * there are, the TIFF is right. */
static uint64_t planes_along_c(const struct omexml *x, uint32_t samples)
{
	uint64_t size = x->size[OME_C];
	bool told = x->n_channels > 0 && x->channel_samples == size;
	if (told && x->channels_differ)
		return x->n_channels;
	if (samples > 0 && size % samples == 0)
		return size / samples;
	return told ? x->n_channels : size;
}

/* "7 x 5 planes (T, Z)", the outermost axis first; axes of size 1 are left out. */
static void claim(struct text *t, const uint64_t size[OME_AXES])
{
	static const enum ome_axis order[] = { OME_T, OME_C, OME_Z };
	static const char *const letters[OME_AXES] = { "Z", "C", "T" };
	const char *sep = "";
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		if (size[order[i]] > 1) {
			text_addf(t, "%s%" PRIu64, sep, size[order[i]]);
			sep = " x ";
		}
	}
	if (*sep == '\0') {
		text_add(t, "1 plane");
		return;
	}
	text_add(t, " planes (");
	sep = "";
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		if (size[order[i]] > 1) {
			text_addf(t, "%s%s", sep, letters[order[i]]);
			sep = ", ";
		}
	}
	text_add(t, ")");
}

static int refuse_claim(struct err *err, const uint64_t size[OME_AXES], uint32_t n_pages)
{
	CLEANUP(text_done) struct text t = { 0 };
	claim(&t, size);
	if (t.oom)
		return err_oom(err);
	return err_set(err, ENOTSUP,
		       "OME-XML claims %s where the file has %" PRIu32
		       " page%s; only pages along one axis can be shown",
		       t.s, n_pages, n_pages == 1 ? "" : "s");
}

/* Some writers count First* from 1: never 0, and as large as the axis. */
static void one_based(const struct omexml *x, const uint64_t size[OME_AXES],
		      uint64_t base[OME_AXES])
{
	for (int a = 0; a < OME_AXES; a++) {
		uint64_t min = UINT64_MAX, max = 0;
		for (size_t i = 0; i < x->n_tiffdata; i++) {
			min = min_u64(min, x->tiffdata[i].first[a]);
			max = max_u64(max, x->tiffdata[i].first[a]);
		}
		base[a] = x->n_tiffdata > 0 && min > 0 && max == size[a];
	}
}

/* Marks the planes of one TiffData in `edges` (+1 where they begin, -1 behind their end). False: a plane of
 * it is not the page of its number. At most one axis has more than one plane, so that the index on it is the
 * plane's number whatever DimensionOrder says. */
static bool in_order(const struct ome_tiffdata *d, const uint64_t size[OME_AXES],
		     const uint64_t base[OME_AXES], uint32_t n, int32_t *edges)
{
	uint64_t start = 0;
	for (int a = 0; a < OME_AXES; a++) {
		uint64_t first = d->first[a] - base[a];
		if (first >= size[a])
			return true;
		start += first;
	}
	if (!d->has_ifd && !d->has_count) {
		/* All pages of the file, for planes that nothing else claims. */
		if (start == 0) {
			edges[0]++;
			edges[n]--;
		}
		return true;
	}
	uint64_t count = d->has_count ? d->count : 1;
	if (count == 0 || d->ifd >= n)
		return true;
	if (d->ifd != start)
		return false;
	edges[start]++;
	edges[start + min_u64(count, n - start)]--;
	return true;
}

static int check_order(const struct omexml *x, const uint64_t size[OME_AXES], uint32_t n,
		       struct err *err)
{
	uint64_t base[OME_AXES];
	one_based(x, size, base);
	CLEANUP(freep) int32_t *edges = calloc((size_t)n + 1, sizeof(*edges));
	if (edges == NULL)
		return err_oom(err);
	for (size_t i = 0; i < x->n_tiffdata; i++)
		if (!in_order(&x->tiffdata[i], size, base, n, edges))
			return err_set(
				err, ENOTSUP,
				"OME-XML puts the planes in another order than the pages have");
	int64_t covered = 0;
	for (uint32_t k = 0; k < n && x->n_tiffdata > 0; k++) {
		covered += edges[k];
		if (covered <= 0)
			return err_set(err, ENOTSUP,
				       "OME-XML claims plane %" PRIu32 " without a page for it", k);
	}
	return 0;
}

int omexml_check(const struct omexml *x, uint32_t samples, uint32_t n_pages, struct err *err)
{
	if (x->binary_only.s != NULL)
		return refuse_name(
			err, "leaves the planes to another file (BinaryOnly):", x->binary_only.s);
	if (x->n_pixels == 0)
		return 0;
	if (x->other_file.s != NULL)
		return refuse_name(err, "claims planes in other files (TiffData), such as",
				   x->other_file.s);
	if (x->n_pixels > 1)
		return err_set(err, ENOTSUP, "OME-XML claims %" PRIu32 " images in one file",
			       x->n_pixels);
	if (x->no_pixels_here && x->n_tiffdata == 0)
		return 0;
	if (x->size[OME_Z] == 0 || x->size[OME_C] == 0 || x->size[OME_T] == 0)
		return 0;
	uint64_t size[OME_AXES] = { 0 };
	memcpy(size, x->size, sizeof(size));
	size[OME_C] = planes_along_c(x, samples);
	unsigned axes = 0;
	for (int a = 0; a < OME_AXES; a++)
		axes += size[a] > 1;
	uint64_t planes = max_u64(size[OME_Z], max_u64(size[OME_C], size[OME_T]));
	if (axes > 1 || planes != n_pages)
		return refuse_claim(err, size, n_pages);
	return check_order(x, size, n_pages, err);
}
