#include "fs/sidecar_image.h"

#include "fs/sidecar.h"
#include "fs/sidecar_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* As the file was when the folder was listed, which the fingerprint follows. */
static bool is_unchanged(const struct sidecar *s, const struct stat *st)
{
	return s->size == (uint64_t)st->st_size &&
	       s->mtime_ns == (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
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

static bool given_here(const struct options *own, const char *name)
{
	return options_given(own, name)->by == GIVEN_BY_SIDECAR;
}

/* False where none of the keys below is meant. */
static bool is_fact(const char *name)
{
	static const char *const facts[] = { "voxel-size",    "unit",		"time-step",
					     "channel-names", "channel-colors", "windows" };
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		if (strcmp(facts[i], name) == 0)
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

static void overlay(const struct options *own, struct scan_options *scan)
{
	const struct engine_config c = options_engine(own, NULL);
	if (given_here(own, "voxel-size")) {
		memcpy(scan->voxel_size, c.scan.voxel_size, sizeof(scan->voxel_size));
		scan->from.voxel = c.scan.from.voxel;
	}
	if (given_here(own, "unit")) {
		scan->unit = c.scan.unit;
		scan->from.unit = c.scan.from.unit;
	}
	if (given_here(own, "time-step")) {
		scan->time_step = c.scan.time_step;
		scan->from.time = c.scan.from.time;
	}
	if (given_here(own, "channel-names")) {
		scan->channel_names = c.scan.channel_names;
		scan->from.names = c.scan.from.names;
	}
	if (given_here(own, "channel-colors")) {
		scan->channel_colors = c.scan.channel_colors;
		scan->from.colors = c.scan.from.colors;
	}
	if (given_here(own, "windows")) {
		scan->windows = c.scan.windows;
		scan->from.windows = c.scan.from.windows;
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
