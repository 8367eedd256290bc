/* The rows of the option table and what each does with its value. */
#include "fs/options.h"

#include "fs/nearest.h"
#include "meta/label_path.h"
#include "meta/layers.h"
#include "meta/pattern.h"
#include "meta/voxel.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static int set_string(char **slot, const char *value, struct err *err)
{
	if (*value == '\0')
		return err_set(err, EINVAL, "the value is empty");
	char *copy = strdup(value);
	if (copy == NULL)
		return err_oom(err);
	free(*slot);
	*slot = copy;
	return 0;
}

/* Splits at commas: items[i] with lens[i]; returns how many, max + 1 where there are more. */
static size_t split(const char *s, const char **items, size_t *lens, size_t max)
{
	for (size_t n = 0;; n++) {
		size_t len = strcspn(s, ",");
		if (n == max)
			return max + 1;
		items[n] = s;
		lens[n] = len;
		if (s[len] == '\0')
			return n + 1;
		s += len + 1;
	}
}

static int set_name(struct options *o, const char *value, struct err *err)
{
	if (strchr(value, '/') != NULL)
		return err_set(err, EINVAL, "'%s' has a '/': give a plain name", value);
	return set_string(&o->name, value, err);
}

static int set_voxel_size(struct options *o, const char *value, struct err *err)
{
	const char *items[3];
	size_t lens[3];
	size_t n = split(value, items, lens, 3);
	double v[3] = { 0, 0, 0 };
	bool good = n == 2 || n == 3;
	for (size_t i = 0; good && i < n; i++)
		good = text_to_double(items[i], lens[i], &v[i]) && v[i] > 0;
	if (!good)
		return err_set(err, EINVAL,
			       "'%s' is no voxel size: give X,Y,Z as numbers above 0, "
			       "or X,Y for a 2-D image",
			       value);
	memcpy(o->voxel_size, v, sizeof(v));
	o->n_voxel = (unsigned)n;
	return 0;
}

static int set_unit(struct options *o, const char *value, struct err *err)
{
	static const char *const usual[] = {
		"angstrom",  "picometer", "nanometer", "micrometer", "millimeter", "centimeter",
		"decimeter", "meter",	  "kilometer", "micron",     "inch",	   "foot",
	};
	const char *unit = voxel_unit(value, strlen(value));
	if (unit != NULL && voxel_unit_is_ngff(unit))
		return set_string(&o->unit, unit, err);
	struct nearest best;
	nearest_init(&best, value, strlen(value));
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		nearest_offer(&best, usual[i]);
	if (best.word != NULL)
		return err_set(err, EINVAL, "'%s' is no unit of OME-NGFF; the nearest is %s", value,
			       best.word);
	return err_set(err, EINVAL,
		       "'%s' is no unit of OME-NGFF: give nanometer, micrometer, .. or nm, um, ..",
		       value);
}

static int set_time_step(struct options *o, const char *value, struct err *err)
{
	double v = 0;
	if (!text_to_double(value, strlen(value), &v) || v <= 0)
		return err_set(err, EINVAL, "'%s' is not a number of seconds above 0", value);
	o->time_step = v;
	return 0;
}

static int set_pattern(struct options *o, const char *value, struct err *err)
{
	struct pattern *p = NULL;
	int rc = pattern_parse(value, &p, err);
	if (rc != 0)
		return rc;
	pattern_free(p);
	return set_string(&o->pattern, value, err);
}

/* The index of `value` among words[n], or -EINVAL with all of them. */
static int choose(const char *value, const char *const *words, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(value, words[i]) == 0)
			return (int)i;
	struct text CLEANUP(text_done) list = { 0 };
	for (size_t i = 0; i < n; i++)
		text_addf(&list, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", words[i]);
	if (list.oom)
		return err_oom(err);
	return err_set(err, EINVAL, "'%s' is not %s", value, list.s);
}

static int set_group(struct options *o, const char *value, struct err *err)
{
	static const char *const words[] = { "auto", "none" };
	int k = choose(value, words, ARRAY_SIZE(words), err);
	if (k < 0)
		return k;
	o->group_none = k == 1;
	return 0;
}

static int set_gaps(struct options *o, const char *value, struct err *err)
{
	static const char *const words[] = { "fill", "close", "error" };
	static const enum gaps meanings[] = { GAPS_FILL, GAPS_CLOSE, GAPS_ERROR };
	int k = choose(value, words, ARRAY_SIZE(words), err);
	if (k < 0)
		return k;
	o->gaps = meanings[k];
	return 0;
}

static int set_channel_names(struct options *o, const char *value, struct err *err)
{
	return set_string(&o->channel_names, value, err);
}

static int set_channel_colors(struct options *o, const char *value, struct err *err)
{
	for (const char *s = value;; s++) {
		s += *s == '#';
		size_t len = strcspn(s, ",");
		if (len != 6 || strspn(s, "0123456789abcdefABCDEF") < 6)
			return err_set(err, EINVAL,
				       "'%.*s' is no colour: give RRGGBB, six hexadecimal digits, "
				       "one for each channel",
				       (int)len, s);
		s += len;
		if (*s == '\0')
			return set_string(&o->channel_colors, value, err);
	}
}

/* May be given several times. */
static int set_label(struct options *o, const char *value, struct err *err)
{
	size_t n = strcspn(value, "=");
	if (n == 0 || value[n] == '\0' || value[n + 1] == '\0')
		return err_set(err, EINVAL, "'%s' is not PATH=SOURCE, such as nuclei=/data/nuclei",
			       value);
	struct scan_label *more = reallocarray(o->labels, o->n_labels + 1, sizeof(*more));
	if (more == NULL)
		return err_oom(err);
	o->labels = more;
	struct scan_label new = { strndup(value, n), strdup(value + n + 1) };
	int rc = new.path == NULL || new.source == NULL ? err_oom(err)
							: label_path_check(new.path, err);
	if (rc != 0) {
		free(new.path);
		free(new.source);
		return rc;
	}
	more[o->n_labels++] = new;
	return 0;
}

/* START-END or START:END of n bytes; a sign at the start belongs to its number. */
static bool is_window(const char *s, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		double lo = 0, hi = 0;
		if ((s[i] == '-' || s[i] == ':') && text_to_double(s, i, &lo) &&
		    text_to_double(s + i + 1, n - i - 1, &hi))
			return lo < hi;
	}
	return false;
}

static int set_windows(struct options *o, const char *value, struct err *err)
{
	for (const char *s = value;; s++) {
		size_t len = strcspn(s, ",");
		if (!is_window(s, len))
			return err_set(err, EINVAL,
				       "'%.*s' is no window: give START-END with START below END, "
				       "one for each channel",
				       (int)len, s);
		s += len;
		if (*s == '\0')
			return set_string(&o->windows, value, err);
	}
}

static int set_chunk_shape(struct options *o, const char *value, struct err *err)
{
	const char *items[3];
	size_t lens[3];
	uint64_t v[3] = { 0, 0, 0 };
	size_t n = strcmp(value, "auto") == 0 ? 0 : split(value, items, lens, 3);
	bool good = n == 0 || n == 1 || n == 3;
	for (size_t i = 0; good && i < n; i++)
		good = text_to_u64(items[i], lens[i], &v[i]) && v[i] > 0 && v[i] <= INT32_MAX;
	if (!good)
		return err_set(err, EINVAL,
			       "'%s' is no chunk shape: give Z,Y,X in voxels, one number for a "
			       "cube, or auto",
			       value);
	if (n == 1)
		v[1] = v[2] = v[0];
	memcpy(o->chunk_shape, v, sizeof(v));
	return 0;
}

/* "1,2,2": z, y, x, each 1 or 2 and not all 1. */
static bool parse_factor(const char *s, size_t n, uint8_t out[3])
{
	bool good = n == 5 && s[1] == ',' && s[3] == ',';
	unsigned product = 1;
	for (size_t i = 0; good && i < 3; i++) {
		good = s[2 * i] == '1' || s[2 * i] == '2';
		out[i] = (uint8_t)(s[2 * i] - '0');
		product *= out[i];
	}
	return good && product > 1;
}

static int parse_factors(struct ladder_options *l, const char *value, struct err *err)
{
	for (const char *s = value;; s++) {
		size_t n = strcspn(s, ":");
		if (l->n_factors == FACTORS_MAX)
			return err_set(err, EINVAL, "more than %d factors", FACTORS_MAX);
		if (!parse_factor(s, n, l->factors[l->n_factors++]))
			return err_set(err, EINVAL,
				       "'%.*s' is no factor Z,Y,X: each number is 1 or 2, and one "
				       "of them 2",
				       (int)n, s);
		s += n;
		if (*s == '\0')
			break;
	}
	l->mode = SAMPLING_EXPLICIT;
	return 0;
}

static int set_sampling_mode(struct options *o, const char *value, struct err *err)
{
	static const char *const words[] = { [SAMPLING_ANISOTROPIC] = "anisotropic",
					     [SAMPLING_ISOTROPIC] = "isotropic",
					     [SAMPLING_CONSTANT_Z] = "constant_z" };
	struct ladder_options *l = &o->pyramid.ladder;
	l->n_factors = 0;
	if (*value >= '0' && *value <= '9')
		return parse_factors(l, value, err);
	int k = choose(value, words, ARRAY_SIZE(words), NULL);
	if (k < 0)
		return err_set(err, EINVAL,
			       "'%s' is not anisotropic, isotropic or constant_z, and no list of "
			       "factors Z,Y,X such as 1,2,2:2,2,2",
			       value);
	l->mode = (enum sampling_mode)k;
	return 0;
}

/* "16" or "16-16-8", x-y-z as the WEBKNOSSOS CLI has it. */
static int set_max_mag(struct options *o, const char *value, struct err *err)
{
	uint64_t v[3] = { 0, 0, 0 };
	size_t n = 0;
	bool good = true;
	for (const char *s = value; good; s++) {
		size_t len = strcspn(s, "-");
		good = n < 3 && text_to_u64(s, len, &v[n]) && v[n] > 0 && v[n] <= MAG_MAX &&
		       (v[n] & (v[n] - 1)) == 0;
		n++;
		s += len;
		if (*s == '\0')
			break;
	}
	if (!good || n == 2)
		return err_set(err, EINVAL,
			       "'%s' is no mag: give a power of two such as 16, or three of them "
			       "for x, y and z such as 16-16-8",
			       value);
	for (size_t i = 0; i < 3; i++)
		o->pyramid.ladder.max_mag[2 - i] = n == 1 ? v[0] : v[i];
	return 0;
}

static int set_interpolation_mode(struct options *o, const char *value, struct err *err)
{
	if (!reduce_method_parse(value, &o->method))
		return err_set(err, EINVAL, "'%s' is not median, mean, mode, nearest, min or max",
			       value);
	o->method_given = true;
	return 0;
}

static int set_overviews(struct options *o, const char *value, struct err *err)
{
	static const char *const words[] = { "ignore", "use" };
	int k = choose(value, words, ARRAY_SIZE(words), err);
	if (k < 0)
		return k;
	o->use_overviews = k == 1;
	return 0;
}

static int set_preview(struct options *o, const char *value, struct err *err)
{
	static const char *const words[] = {
		[PREVIEW_AUTO] = "auto", [PREVIEW_NEVER] = "never", [PREVIEW_ALWAYS] = "always"
	};
	int k = choose(value, words, ARRAY_SIZE(words), err);
	if (k < 0)
		return k;
	o->pyramid.preview = (enum preview)k;
	return 0;
}

static int set_codec(struct options *o, const char *value, struct err *err)
{
	o->codec_auto = strcmp(value, "auto") == 0;
	return o->codec_auto ? 0 : codec_parse(value, &o->codec, &o->codec_level, err);
}

static int set_ngff(struct options *o, const char *value, struct err *err)
{
	static const char *const words[] = { "0.4", "0.5" };
	int k = choose(value, words, ARRAY_SIZE(words), err);
	if (k < 0)
		return k;
	o->v3 = k == 1;
	return 0;
}

static int set_layout(struct options *o, const char *value, struct err *err)
{
	static const char *const words[] = {
		[VIEWS_NGFF] = "ome-zarr", [VIEWS_WK] = "webknossos", [VIEWS_BOTH] = "both"
	};
	int k = choose(value, words, ARRAY_SIZE(words), err);
	if (k < 0)
		return k;
	o->layout = (enum tree_views)k;
	return 0;
}

static int set_layer_name(struct options *o, const char *value, struct err *err)
{
	int rc = layer_check(value, err);
	return rc == 0 ? set_string(&o->layer_name, value, err) : rc;
}

static int set_category(struct options *o, const char *value, struct err *err)
{
	static const char *const words[] = { "color", "segmentation" };
	int k = choose(value, words, ARRAY_SIZE(words), err);
	if (k < 0)
		return k;
	o->segmentation = k == 1;
	return 0;
}

static int set_largest_segment_id(struct options *o, const char *value, struct err *err)
{
	if (!text_to_u64(value, strlen(value), &o->largest_id))
		return err_set(err, EINVAL, "'%s' is no whole number from 0 on", value);
	o->has_largest_id = true;
	return 0;
}

static int set_damaged(struct options *o, const char *value, struct err *err)
{
	static const char *const words[] = {
		[DAMAGED_ERROR] = "error", [DAMAGED_POISON] = "poison", [DAMAGED_FILL] = "fill"
	};
	int k = choose(value, words, ARRAY_SIZE(words), err);
	if (k < 0)
		return k;
	o->damaged = (enum damaged)k;
	return 0;
}

static int set_memory(struct options *o, const char *value, struct err *err)
{
	static const char suffixes[] = "kKmMgG";
	size_t n = strlen(value);
	unsigned shift = 0;
	if (n > 0) {
		const char *suffix = strchr(suffixes, value[n - 1]);
		if (suffix != NULL) {
			shift = 10 * (1 + (unsigned)(suffix - suffixes) / 2);
			n--;
		}
	}
	uint64_t v = 0;
	if (!text_to_u64(value, n, &v) || v == 0 || !mul_u64(v, (uint64_t)1 << shift, &v))
		return err_set(err, EINVAL,
			       "'%s' is no size: give a whole number with K, M or G behind it",
			       value);
	o->memory = v;
	return 0;
}

static int set_threads(struct options *o, const char *value, struct err *err)
{
	uint64_t v = 0;
	if (!text_to_u64(value, strlen(value), &v) || v == 0 || v > 1024)
		return err_set(err, EINVAL, "'%s' is not a number from 1 to 1024", value);
	o->threads = (unsigned)v;
	return 0;
}

static int set_json(struct options *o, const char *value UNUSED, struct err *err UNUSED)
{
	o->json = true;
	return 0;
}

static int set_sidecar(struct options *o, const char *value UNUSED, struct err *err UNUSED)
{
	o->sidecar_wanted = true;
	return 0;
}

static int set_foreground(struct options *o, const char *value UNUSED, struct err *err UNUSED)
{
	o->foreground = true;
	return 0;
}

static int set_exit_with_parent(struct options *o, const char *value UNUSED, struct err *err UNUSED)
{
	o->exit_with_parent = true;
	return 0;
}

static int set_debug(struct options *o, const char *value UNUSED, struct err *err UNUSED)
{
	o->debug = true;
	o->foreground = true;
	return 0;
}

static int set_quiet(struct options *o, const char *value UNUSED, struct err *err UNUSED)
{
	o->quiet = true;
	return 0;
}

static int set_unmount(struct options *o, const char *value UNUSED, struct err *err UNUSED)
{
	o->command = CMD_UNMOUNT;
	return 0;
}

static int set_version(struct options *o, const char *value UNUSED, struct err *err UNUSED)
{
	o->command = CMD_VERSION;
	return 0;
}

static int set_help(struct options *o, const char *value UNUSED, struct err *err UNUSED)
{
	o->command = CMD_HELP;
	return 0;
}

enum {
	MOUNT = 1u << CMD_MOUNT,
	INFO = 1u << CMD_INFO,
	STATUS = 1u << CMD_STATUS,
	CAT = 1u << CMD_CAT,
	CHECK = 1u << CMD_CHECK,
	UNMOUNT = 1u << CMD_UNMOUNT,
	SHOWN = MOUNT | INFO | CAT,
	SOURCES = SHOWN | CHECK,
};

static const struct option_row rows[] = {
	{ "name", 0, "NAME", "name of the image; an error where the source is several",
	  "the source's name", SOURCES, false, SIDE_TEXT, set_name },
	{ "voxel-size", 0, "X,Y,Z", "size of a voxel (X,Y for a 2-D image)",
	  "from the files, else 1,1,1 without a unit", SOURCES, true, SIDE_NUMBERS,
	  set_voxel_size },
	{ "unit", 0, "U", "unit of the voxel size: nanometer, um, .. as OME-NGFF names them",
	  "from the files; nanometer where only the size is given", SOURCES, false, SIDE_TEXT,
	  set_unit },
	{ "time-step", 0, "S", "seconds between time points", "unknown", SOURCES, false,
	  SIDE_NUMBER, set_time_step },
	{ "pattern", 0, "P", "paths below SOURCE to axes, such as '{c}/{z}.tif'",
	  "guessed from the names", SOURCES, false, SIDE_TEXT, set_pattern },
	{ "group", 0, "auto|none", "numbered files are one stack, or each file is an image", "auto",
	  SOURCES, false, SIDE_TEXT, set_group },
	{ "gaps", 0, "fill|close|error", "what missing numbers become",
	  "fill up to a tenth of the range, else error", SOURCES, false, SIDE_TEXT, set_gaps },
	{ "channel-names", 0, "A,B,..", "names of the channels", "from the file names", SOURCES,
	  true, SIDE_TEXTS, set_channel_names },
	{ "channel-colors", 0, "RRGGBB,..", "colours of the channels",
	  "by the names, else by their number", SOURCES, true, SIDE_TEXTS, set_channel_colors },
	{ "windows", 0, "START-END,..", "display windows of the channels",
	  "from the tags, else from a sample", SOURCES, false, SIDE_WINDOWS, set_windows },
	{ "label", 0, "PATH=SOURCE",
	  "a segmentation laid beside the image, as labels/PATH; may be given several times",
	  "what lies in the folder labels of SOURCE", SOURCES, false, SIDE_LABELS, set_label },
	{ "chunk-shape", 0, "auto|Z,Y,X", "voxels of a chunk", "auto", SOURCES, true, SIDE_SHAPE,
	  set_chunk_shape },
	{ "codec", 0, "C[:LEVEL]",
	  "auto, none, blosc-lz4, blosc-lz4hc, blosc-zstd, zlib, gzip or zstd", "auto", SOURCES,
	  false, SIDE_TEXT, set_codec },
	{ "ngff", 0, "0.4|0.5", "version of OME-NGFF: 0.4 is Zarr v2, 0.5 is Zarr v3", "0.4",
	  SOURCES, false, SIDE_NUMBER, set_ngff },
	{ "layout", 0, "ome-zarr|webknossos|both",
	  "the image as OME-Zarr, as a dataset of WEBKNOSSOS, or both over the same bytes",
	  "ome-zarr", SOURCES, false, SIDE_TEXT, set_layout },
	{ "layer-name", 0, "NAME", "name of the image's layer in the dataset", "the category",
	  SOURCES, false, SIDE_TEXT, set_layer_name },
	{ "category", 0, "color|segmentation", "what that layer holds", "color", SOURCES, false,
	  SIDE_TEXT, set_category },
	{ "largest-segment-id", 0, "ID", "the largest id of the dataset's segmentations",
	  "left out", SOURCES, false, SIDE_NUMBER, set_largest_segment_id },
	{ "sampling-mode", 0, "MODE",
	  "steps of the pyramid: anisotropic, isotropic, constant_z, or factors Z,Y,X from level "
	  "to "
	  "level such as 1,2,2:2,2,2",
	  "anisotropic", SOURCES, false, SIDE_FACTORS, set_sampling_mode },
	{ "max-mag", 0, "MAG", "the coarsest level, such as 16 or 16-16-8 (x-y-z)",
	  "by the width and height", SOURCES, false, SIDE_NUMBER, set_max_mag },
	{ "interpolation-mode", 0, "METHOD",
	  "how levels are reduced: median, mean, mode, nearest, min or max", "median", SOURCES,
	  false, SIDE_TEXT, set_interpolation_mode },
	{ "preview", 0, "auto|never|always",
	  "coarse levels of single voxels, where true ones would read too much", "auto", SOURCES,
	  false, SIDE_TEXT, set_preview },
	{ "overviews", 0, "ignore|use",
	  "what to do with smaller pages that are stored beside planes", "ignore", SOURCES, false,
	  SIDE_TEXT, set_overviews },
	{ "damaged", 0, "error|poison|fill",
	  "what a damaged plane gives: a read error, bytes that no reader decodes, or the fill "
	  "value",
	  "error", SHOWN, false, SIDE_TEXT, set_damaged },
	{ "memory", 0, "M", "budget for buffers and caches, with K, M or G",
	  "a quarter of what there is, 256M to 4G", SOURCES, false, SIDE_NOT, set_memory },
	{ "threads", 0, "N", "number of workers", "all cores", SOURCES, false, SIDE_NOT,
	  set_threads },
	{ "json", 0, NULL, "info, status and check: print JSON", NULL, INFO | STATUS | CHECK, false,
	  SIDE_NOT, set_json },
	{ "sidecar", 0, NULL, "info: print a side-car ngffuse.json to be edited and saved", NULL,
	  INFO, false, SIDE_NOT, set_sidecar },
	{ "foreground", 'f', NULL, "stay in the foreground, log to stderr", NULL, MOUNT, false,
	  SIDE_NOT, set_foreground },
	{ "debug", 'd', NULL, "show each request; stays in the foreground", NULL, MOUNT, false,
	  SIDE_NOT, set_debug },
	{ "exit-with-parent", 0, NULL, "unmount and end when the process that started it ends",
	  NULL, MOUNT, false, SIDE_NOT, set_exit_with_parent },
	{ "quiet", 'q', NULL, "no summary at the start", NULL, MOUNT, false, SIDE_NOT, set_quiet },
	{ "unmount", 'u', NULL, "unmount MOUNTPOINT, also where the mount is dead", NULL, UNMOUNT,
	  false, SIDE_NOT, set_unmount },
	{ "version", 'V', NULL, "print versions of the program and of its libraries", NULL, ~0u,
	  false, SIDE_NOT, set_version },
	{ "help", 'h', NULL, "print this help", NULL, ~0u, false, SIDE_NOT, set_help },
};

_Static_assert(ARRAY_SIZE(rows) <= OPTION_ROWS, "struct options has a place for each row");

const struct option_row *options_table(size_t *n)
{
	*n = ARRAY_SIZE(rows);
	return rows;
}
