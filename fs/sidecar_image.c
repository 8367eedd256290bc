#include "fs/sidecar_image.h"

#include "fs/sidecar.h"
#include "fs/sidecar_file.h"
#include "meta/walk.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* As the file was when the folder was listed, which the fingerprint follows. */
static bool is_unchanged(const struct sidecar *s, const struct stat *st)
{
	return s->size == (uint64_t)st->st_size && s->mtime_ns == stat_mtime_ns(st);
}

/* What the command line has said stands. */
static void begin(const struct options *o, struct options *own)
{
	for (size_t i = 0; i < OPTION_ROWS; i++)
		if (o->given[i].by == GIVEN_BY_LINE)
			own->given[i].by = GIVEN_BY_LINE;
	own->group_none = o->group_none;
}

static int load(const struct options *o, const struct dataset *d, const struct sidecar *side,
		struct options *own, struct err *err)
{
	CLEANUP(freep) char *s = NULL;
	struct text CLEANUP(text_done) shown = { 0 };
	struct stat st;
	size_t n = 0, len = strlen(d->source);
	text_addf(&shown, "%s%s%s", d->source, len > 0 && d->source[len - 1] == '/' ? "" : "/",
		  side->path);
	if (shown.oom)
		return err_oom(err);
	int rc = sidecar_read(d->root_fd, side->path, shown.s, &s, &n, &st, err);
	if (rc < 0)
		return rc;
	if (rc == 0 || !is_unchanged(side, &st))
		return err_set(err, ESTALE, "%s: the side-car has changed since the scan", shown.s);
	begin(o, own);
	return sidecar_take(own, shown.s, s, n, err);
}

/* What holds of one image: where it stands in the options of a scan, and where that says who gave it. */
#define FACT(name, field, origin)                                                                  \
	{                                                                                          \
		name, offsetof(struct scan_options, field),                                        \
			sizeof(((struct scan_options *)NULL)->field),                              \
			offsetof(struct scan_options, from.origin)                                 \
	}
static const struct {
	const char *name;
	size_t at, size, from;
} facts[] = {
	FACT("voxel-size", voxel_size, voxel),
	FACT("unit", unit, unit),
	FACT("time-step", time_step, time),
	FACT("channel-names", channel_names, names),
	FACT("channel-colors", channel_colors, colors),
	FACT("windows", windows, windows),
};

static bool is_fact(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		if (strcmp(facts[i].name, name) == 0)
			return true;
	return false;
}

/* The name, which `info --sidecar` prints, is not worth a word. */
static void warn_others(const struct options *own, struct image *im)
{
	size_t n = 0;
	const struct option_row *rows = options_table(&n);
	for (size_t i = 0; i < n; i++)
		if (own->given[i].by == GIVEN_BY_SIDECAR && !is_fact(rows[i].name) &&
		    strcmp(rows[i].name, "name") != 0)
			image_warn(im, "%s: \"%s\" holds only where the file itself is mounted",
				   own->given[i].from, rows[i].name);
}

static void copy(struct scan_options *to, const struct scan_options *from, size_t at, size_t size)
{
	memcpy((char *)to + at, (const char *)from + at, size);
}

static void overlay(const struct options *own, struct scan_options *scan)
{
	const struct engine_config c = options_engine(own, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		if (options_given(own, facts[i].name)->by != GIVEN_BY_SIDECAR)
			continue;
		copy(scan, &c.scan, facts[i].at, facts[i].size);
		copy(scan, &c.scan, facts[i].from, sizeof(const char *));
	}
}

int sidecar_image(const struct options *o, const struct dataset *d, struct image *im,
		  struct options *own, struct scan_options *scan, struct err *err)
{
	*own = (struct options){ 0 };
	if (o == NULL || im->sidecar == 0)
		return 0;
	int rc = load(o, d, &d->sidecars[im->sidecar - 1], own, err);
	if (rc != 0)
		return rc;
	overlay(own, scan);
	if (own->unit != NULL && scan->voxel_size[0] <= 0) {
		err_set(err, EINVAL, "--unit says nothing without --voxel-size: give both");
		options_blame(own, err);
		return -EINVAL;
	}
	warn_others(own, im);
	return 0;
}
