/* What contradicts what among options, wherever they were given, and where the culprit stands. */
#include "fs/options.h"

#include <errno.h>
#include <string.h>

void options_prefix(const struct options *o, const char *name, struct err *err)
{
	const struct option_given *g = options_given(o, name);
	if (g->by == GIVEN_BY_SIDECAR)
		err_prefix(err, "%s:%u: \"%s\"", o->sidecar, (unsigned)g->line, name);
}

void options_blame(const struct options *o, struct err *err)
{
	if (strncmp(err->msg, "--", 2) != 0)
		return;
	size_t len = strspn(err->msg + 2, "abcdefghijklmnopqrstuvwxyz-");
	const struct option_row *row = options_row(err->msg + 2, len);
	if (row != NULL)
		options_prefix(o, row->name, err);
}

/* The error of two options; the sentence begins with the second one where that is the side-car's. */
static int exclude(const struct options *o, struct err *err, const char *a, const char *b,
		   const char *cure)
{
	const struct option_given *first = options_given(o, a), *second = options_given(o, b);
	if (first->by != GIVEN_BY_SIDECAR && second->by == GIVEN_BY_SIDECAR)
		return exclude(o, err, b, a, cure);
	const char *blank_a = first->text != NULL ? " " : "";
	const char *blank_b = second->text != NULL ? " " : "";
	err_set(err, EINVAL, "--%s%s%.60s and --%s%s%.60s exclude each other: %s", a, blank_a,
		first->text != NULL ? first->text : "", b, blank_b,
		second->text != NULL ? second->text : "", cure);
	options_blame(o, err);
	return -EINVAL;
}

static int check_codec(const struct options *o, struct err *err)
{
	if (o->codec_auto)
		return 0;
	if (o->v3 && o->codec == CODEC_ZLIB)
		return exclude(o, err, "codec", "ngff", "Zarr v3 has no zlib, give gzip");
	bool plain = o->codec == CODEC_NONE || o->codec == CODEC_GZIP;
	if (o->damaged == DAMAGED_POISON && plain)
		return exclude(o, err, "damaged", "codec",
			       "not every reader would notice; give zstd");
	return 0;
}

/* A side-car may hold what only some mounts show. */
static int check_dataset(const struct options *o, struct err *err)
{
	static const char *const names[] = { "layer-name", "category", "largest-segment-id" };
	for (size_t i = 0; o->layout == VIEWS_NGFF && i < ARRAY_SIZE(names); i++)
		if (options_given(o, names[i])->by == GIVEN_BY_LINE)
			return err_set(err, EINVAL,
				       "--layer-name, --category and --largest-segment-id say "
				       "nothing without --layout webknossos or both");
	return 0;
}

int options_check(const struct options *o, struct err *err)
{
	int rc = check_codec(o, err);
	if (rc == 0)
		rc = check_dataset(o, err);
	if (rc != 0)
		return rc;
	if (o->json && o->sidecar_wanted)
		return exclude(o, err, "json", "sidecar", "a side-car is JSON anyway");
	if (o->group_none && o->pattern != NULL)
		return exclude(o, err, "group", "pattern",
			       "give {i} in the pattern for one image each");
	if (o->unit != NULL && o->n_voxel == 0) {
		err_set(err, EINVAL, "--unit says nothing without --voxel-size: give both");
		options_blame(o, err);
		return -EINVAL;
	}
	return 0;
}
