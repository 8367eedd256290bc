/* Command lines of any words, and the ladders that they ask for. Input: the size of an image, z, y, x in two bytes each,
 * a byte with more, and then words, one a line. A refusal is one line; what is accepted is written in one way only. */
#include <errno.h>
#include <string.h>

#include "fs/options.h"
#include "meta/label_path.h"
#include "meta/layers.h"
#include "tests/fuzz/fuzz.h"

enum { WORDS = 40, CONTROL = 7, BIG = 64, NO_Z = 128 };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_refused(int rc, const struct err *err)
{
	require(rc == -EINVAL && err->code == EINVAL && err->msg[0] != '\0');
	require(strchr(err->msg, '\n') == NULL);
}

/* The words that say the same. */
static char *word(const char *option, const struct text *value)
{
	struct text t = { 0 };
	text_addf(&t, "--%s=%s", option, value->s);
	require(!t.oom);
	return t.s;
}

/* Each mag follows from the one before by a step that there are kernels for. */
static void check_ladder(const struct ladder *l)
{
	require(l->n >= 1 && l->n <= LEVELS_MAX);
	for (unsigned k = 0; k < l->n; k++)
		for (int a = 0; a < 3; a++) {
			uint64_t before = k > 0 ? l->mag[k - 1][a] : 1,
				 step = l->mag[k][a] / before;
			require(l->mag[k][a] == before * step && l->mag[k][a] <= MAG_MAX);
			require(step == 1 || step == 2 || step == 4);
			require(k > 0 || step == 1);
		}
}

/* A mag given as it is written is the same again. */
static void check_mag(const uint64_t mag[3])
{
	struct text CLEANUP(text_done) name = { 0 };
	ladder_mag(&name, mag);
	require(!name.oom);
	char *again = word("max-mag", &name);
	char program[] = "ngffuse", source[] = "a", mountpoint[] = "b";
	char *argv[] = { program, again, source, mountpoint, NULL };
	struct options o = { 0 };
	struct err err = { 0 };
	require(options_parse(4, argv, &o, &err) == 0);
	require(memcmp(o.pyramid.ladder.max_mag, mag, 3 * sizeof(*mag)) == 0);
	options_done(&o);
	free(again);
}

static void check_ladders(const struct options *o, const uint64_t size[3], bool has_z)
{
	const double voxel[3] = { o->n_voxel > 2 ? o->voxel_size[2] : 1, o->voxel_size[1],
				  o->voxel_size[0] };
	struct ladder l;
	struct err err = { 0 };
	int rc = ladder_make(size, voxel, has_z, &o->pyramid.ladder, &l, &err);
	if (rc != 0) {
		require_refused(rc, &err);
		return;
	}
	check_ladder(&l);
	check_mag(l.mag[l.n - 1]);
}

static void check(const struct options *o, const uint64_t size[3], bool has_z)
{
	struct err err = { 0 };
	struct text CLEANUP(text_done) print = { 0 };
	options_fingerprint(o, &print);
	require(!print.oom && print.len > 0);
	for (size_t i = 0; i < o->n_labels; i++)
		require(label_path_check(o->labels[i].path, &err) == 0 &&
			*o->labels[i].source != '\0');
	require(o->layer_name == NULL || layer_check(o->layer_name, &err) == 0);
	struct engine_config e = options_engine(o, print.s);
	require(e.scan.n_labels == o->n_labels);
	check_ladders(o, size, has_z);
}

static void run(char *text, const uint64_t size[3], bool has_z)
{
	char program[] = "ngffuse", *argv[WORDS + 2] = { program };
	int argc = 1;
	while (text != NULL && argc <= WORDS)
		argv[argc++] = strsep(&text, "\n");
	struct options o = { 0 };
	struct err err = { 0 };
	int rc = options_parse(argc, argv, &o, &err);
	if (rc == 0)
		rc = options_check(&o, &err);
	if (rc == 0)
		check(&o, size, has_z);
	else
		require(rc < 0 && err.code == -rc && err.msg[0] != '\0');
	options_done(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < CONTROL)
		return 0;
	uint64_t image[3];
	const uint8_t *at = data;
	for (int a = 0; a < 3; a++, at += 2) {
		image[a] = (((uint64_t)at[0] << 8 | at[1]) + 1);
		image[a] = data[6] & BIG ? image[a] << (data[6] & 31) : image[a];
	}
	char *text = strndup((const char *)data + CONTROL, size - CONTROL);
	require(text != NULL);
	run(text, image, !(data[6] & NO_Z));
	free(text);
	return 0;
}
