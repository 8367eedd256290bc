#include "fs/source.h"

#include <errno.h>
#include <string.h>

/* A sentence about an option that only the files could prove wrong. */
static bool names_option(const struct err *err)
{
	return strncmp(err->msg, "--", 2) == 0;
}

/* What an option names may be missing, too, which is no wrong usage. */
static bool is_usage(const struct err *err)
{
	return err->code == EINVAL && names_option(err);
}

/* A sentence about a value in the side-car of the first image. */
static bool names_sidecar(const struct dataset *d, const struct err *err)
{
	if (d->n_images == 0 || d->images[0].sidecar == 0 || err->code != EINVAL)
		return false;
	const char *path = d->sidecars[d->images[0].sidecar - 1].path;
	const char *at = strstr(err->msg, path);
	return at != NULL && at[strlen(path)] == ':';
}

/* A sentence about an option is about its place in the side-car; one about names only where that gave a pattern or name. */
static void blame_name(const struct options *o, bool usage, struct err *err)
{
	const char *const givers[] = { "pattern", "name" };
	if (names_option(err)) {
		options_blame(o, err);
		return;
	}
	for (size_t i = 0; usage && i < ARRAY_SIZE(givers); i++)
		if (options_given(o, givers[i])->by != GIVEN_NOT) {
			options_prefix(o, givers[i], err);
			return;
		}
}

int source_open(const struct options *o, struct source *out, bool *usage, struct err *err)
{
	*out = (struct source){ 0 };
	*usage = false;
	options_fingerprint(o, &out->fingerprint);
	if (out->fingerprint.oom) {
		text_done(&out->fingerprint);
		return err_oom(err);
	}
	struct engine_config config = options_engine(o, out->fingerprint.s);
	config.scan.each = crowd_each(&out->crowd);
	config.parse_all = o->command == CMD_INFO;
	config.unsampled = o->command == CMD_CHECK;
	struct dataset *data = NULL;
	int rc = dataset_scan(o->source, &config.scan, &data, err);
	/* What the scan finds invalid is the pattern or the name where one was given, else the source. */
	*usage = rc == -EINVAL && (o->pattern != NULL || o->name != NULL || names_option(err));
	if (rc == 0) {
		rc = engine_new(data, &config, &out->engine, err);
		*usage = rc == -ENOBUFS && o->memory != 0;
		if (rc != 0)
			dataset_free(data);
	}
	if (rc != 0) {
		text_done(&out->fingerprint);
		blame_name(o, *usage, err);
	}
	out->open = rc == 0;
	return rc;
}

bool source_refused(const struct source *s, const struct options *o, bool *usage, struct err *err)
{
	const struct dataset *d = s->engine.data;
	for (size_t i = 0; i < dataset_shown(d); i++)
		if (image_state(&d->images[i]) != IMAGE_BAD)
			return false;
	if (d->n_images == 0)
		err_set(err, ENOENT, "%s has no image", d->source);
	else
		*err = d->images[0].why;
	*usage = is_usage(err) || names_sidecar(d, err);
	options_blame(o, err);
	return true;
}

bool source_close(struct source *s)
{
	bool ended = !s->open || engine_stop(&s->engine);
	if (ended)
		text_done(&s->fingerprint);
	s->open = false;
	return ended;
}
