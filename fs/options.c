/* The command line: options in both spellings, the -o list, what is left as words, and what
 * contradicts what. The rows and their values are in option_table.c. */
#include "fs/options.h"

#include "fs/nearest.h"
#include "meta/names.h"
#include "meta/voxel.h"

#include <errno.h>
#include <string.h>

enum { MAX_WORDS = 4 };

/* What parsing carries around besides the options themselves. */
struct parse {
	struct options *o;
	const char *words[MAX_WORDS]; /* arguments that are no options */
	size_t n_words;		      /* of which at most MAX_WORDS are kept */
	bool commands_end;	      /* `--` was seen: words are no sub-commands any more */
	bool done;		      /* -h or -V: the rest is not looked at */
	struct text fuse;
	struct err *err;
};

const struct option_row *options_row(const char *name, size_t len)
{
	size_t n = 0;
	const struct option_row *rows = options_table(&n);
	for (size_t i = 0; i < n; i++)
		if (strncmp(rows[i].name, name, len) == 0 && rows[i].name[len] == '\0')
			return &rows[i];
	return NULL;
}

static const struct option_row *row_lettered(char letter)
{
	size_t n = 0;
	const struct option_row *rows = options_table(&n);
	for (size_t i = 0; i < n; i++)
		if (rows[i].letter == letter)
			return &rows[i];
	return NULL;
}

static struct option_given *given_of(struct options *o, const struct option_row *row)
{
	size_t n = 0;
	return &o->given[row - options_table(&n)];
}

const struct option_given *options_given(const struct options *o, const char *name)
{
	size_t n = 0;
	const struct option_row *row = options_row(name, strlen(name));
	return &o->given[row - options_table(&n)];
}

int options_set(struct options *o, const struct option_row *row, const char *value, struct err *err)
{
	struct option_given *g = given_of(o, row);
	char *copy = value != NULL ? strdup(value) : NULL;
	if (value != NULL && copy == NULL)
		return err_oom(err);
	free(g->text);
	g->text = copy;
	g->by = GIVEN_BY_LINE;
	return row->set(o, value, err);
}

static int set_row(struct parse *p, const struct option_row *row, const char *value,
		   const char *prefix)
{
	int rc = options_set(p->o, row, value, p->err);
	if (rc != 0) {
		err_prefix(p->err, "%s%s", prefix, row->name);
		return rc;
	}
	p->done = p->o->command == CMD_HELP || p->o->command == CMD_VERSION;
	return 0;
}

static const struct {
	const char *name;
	bool value, allows;
} fuse_words[] = {
	{ "allow_other", false, true },
	{ "allow_root", false, true },
	{ "default_permissions", false, false },
	{ "auto_unmount", false, false },
	{ "fsname", true, false },
};

static const struct {
	const char *word;
	enum command command;
} commands[] = {
	{ "info", CMD_INFO }, { "status", CMD_STATUS }, { "cat", CMD_CAT }, { "check", CMD_CHECK }
};

/* A word of n bytes in which '-' may stand for '_'. */
static bool same_word(const char *word, const char *s, size_t n)
{
	size_t i = 0;
	while (i < n && word[i] != '\0' && (word[i] == s[i] || (word[i] == '_' && s[i] == '-')))
		i++;
	return i == n && word[i] == '\0';
}

/* Rows that choose what is done, which -o does not. */
static bool is_command(const struct option_row *row)
{
	return row->letter == 'u' || row->letter == 'V' || row->letter == 'h';
}

static int unknown_option(struct parse *p, const char *name, size_t len)
{
	size_t n = 0;
	const struct option_row *rows = options_table(&n);
	struct nearest best;
	nearest_init(&best, name, len);
	for (size_t i = 0; i < ARRAY_SIZE(fuse_words); i++)
		if (same_word(fuse_words[i].name, name, len))
			return err_set(p->err, EINVAL, "unknown option --%.*s; it is -o %s",
				       (int)len, name, fuse_words[i].name);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (same_word(commands[i].word, name, len))
			return err_set(p->err, EINVAL, "%s is a command, no option: ngffuse %s ..",
				       commands[i].word, commands[i].word);
	for (size_t i = 0; i < n; i++)
		nearest_offer(&best, rows[i].name);
	if (best.word != NULL)
		return err_set(p->err, EINVAL, "unknown option --%.*s; the nearest is --%s",
			       (int)len, name, best.word);
	return err_set(p->err, EINVAL, "unknown option --%.*s; see ngffuse --help", (int)len, name);
}

/* `--name`, `--name=value` or `--name value`; *next is the argument behind, *used set when taken. */
static int parse_long(struct parse *p, const char *arg, const char *next, bool *used)
{
	size_t len = strcspn(arg, "=");
	const struct option_row *row = options_row(arg, len);
	if (row == NULL)
		return unknown_option(p, arg, len);
	const char *value = arg[len] == '=' ? arg + len + 1 : NULL;
	if (row->value == NULL && value != NULL)
		return err_set(p->err, EINVAL, "--%s takes no value", row->name);
	if (row->value != NULL && value == NULL) {
		if (next == NULL)
			return err_set(p->err, EINVAL, "--%s needs a value: --%s %s", row->name,
				       row->name, row->value);
		value = next;
		*used = true;
	}
	return set_row(p, row, value, "--");
}

/* Words that mount(8) and fstab lines carry and that change nothing for a read-only file system. */
static bool is_generic_word(const char *s)
{
	static const char *const words[] = {
		"defaults", "dev",     "nodev",	   "suid",	  "nosuid",   "exec",
		"noexec",   "rw",      "ro",	   "sync",	  "async",    "auto",
		"noauto",   "user",    "nouser",   "users",	  "group",    "owner",
		"atime",    "noatime", "relatime", "strictatime", "diratime", "nodiratime",
		"lazytime", "nofail",  "_netdev",
	};
	/* The type stays what others look for: fuse.ngffuse. */
	if (strncmp(s, "x-", 2) == 0 || strncmp(s, "user=", 5) == 0 ||
	    strncmp(s, "subtype=", 8) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	return false;
}

/* True and *rc set where the item is one of FUSE's own; `raw` still has its escapes. */
static bool take_fuse_word(struct parse *p, const char *raw, size_t raw_len, int *rc)
{
	size_t len = strcspn(raw, "=,");
	for (size_t i = 0; i < ARRAY_SIZE(fuse_words); i++) {
		const char *name = fuse_words[i].name;
		if (strlen(name) != len || strncmp(raw, name, len) != 0)
			continue;
		bool has_value = len < raw_len;
		*rc = 0;
		if (has_value && raw[len] == '=' && len + 1 == raw_len)
			*rc = err_set(p->err, EINVAL, "-o %s= has no value behind it", name);
		else if (fuse_words[i].value != has_value)
			*rc = err_set(p->err, EINVAL,
				      has_value ? "-o %s takes no value" : "-o %s needs a value",
				      name);
		text_addf(&p->fuse, "%s", p->fuse.len > 0 ? "," : "");
		text_addn(&p->fuse, raw, raw_len);
		/* Other users may look only where the modes let them. */
		if (fuse_words[i].allows)
			text_add(&p->fuse, ",default_permissions");
		p->o->allow_other = p->o->allow_other || strcmp(name, "allow_other") == 0;
		p->o->auto_unmount = p->o->auto_unmount || strcmp(name, "auto_unmount") == 0;
		return true;
	}
	return false;
}

static int unknown_word(struct parse *p, const char *name)
{
	size_t n = 0;
	const struct option_row *rows = options_table(&n);
	struct nearest best;
	nearest_init(&best, name, strcspn(name, "="));
	for (size_t i = 0; i < n; i++)
		if (!is_command(&rows[i]))
			nearest_offer(&best, rows[i].name);
	for (size_t i = 0; i < ARRAY_SIZE(fuse_words); i++)
		nearest_offer(&best, fuse_words[i].name);
	if (best.word != NULL)
		return err_set(p->err, EINVAL, "unknown word '%s' in -o; the nearest is %s", name,
			       best.word);
	return err_set(p->err, EINVAL, "unknown word '%s' in -o; see ngffuse --help", name);
}

/* One item of a -o list without its escapes. */
static int parse_word(struct parse *p, char *item)
{
	/* First, for `group` alone is mount(8)'s word and `group=none` ours. */
	if (is_generic_word(item))
		return 0;
	size_t len = strcspn(item, "=");
	const struct option_row *row = options_row(item, len);
	if (row == NULL || is_command(row))
		return unknown_word(p, item);
	if (row->value == NULL && item[len] == '=')
		return err_set(p->err, EINVAL, "-o %s takes no value", row->name);
	if (row->value != NULL && item[len] == '\0')
		return err_set(p->err, EINVAL, "-o %s needs a value: %s=%s", row->name, row->name,
			       row->value);
	return set_row(p, row, row->value == NULL ? NULL : item + len + 1, "-o ");
}

/* Length of the item at s, up to a comma that is not escaped. */
static size_t item_length(const char *s)
{
	size_t n = 0;
	while (s[n] != '\0' && s[n] != ',')
		n += s[n] == '\\' && s[n + 1] != '\0' ? 2 : 1;
	return n;
}

/* A backslash gives the character behind it; where the row wants it a bare `:` is a comma. */
static char *unescape(const char *raw, size_t n)
{
	const struct option_row *row = options_row(raw, min_u64(strcspn(raw, "="), n));
	bool colons = row != NULL && row->colons;
	char *out = malloc(n + 1);
	if (out == NULL)
		return NULL;
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		if (raw[i] == '\\' && i + 1 < n)
			out[len++] = raw[++i];
		else
			out[len++] = colons && raw[i] == ':' ? ',' : raw[i];
	}
	out[len] = '\0';
	return out;
}

static int parse_list(struct parse *p, const char *s)
{
	while (*s != '\0') {
		size_t n = item_length(s);
		int rc = 0;
		if (n > 0 && !take_fuse_word(p, s, n, &rc)) {
			char CLEANUP(freep) *item = unescape(s, n);
			if (item == NULL)
				return err_oom(p->err);
			rc = parse_word(p, item);
		}
		if (rc != 0)
			return rc;
		s += n;
		if (*s == ',')
			s++;
	}
	return 0;
}

/* `-fd`, `-o LIST`, `-oLIST`. */
static int parse_letters(struct parse *p, const char *s, const char *next, bool *used)
{
	for (; *s != '\0' && !p->done; s++) {
		if (*s == 'o') {
			*used = s[1] == '\0';
			const char *list = *used ? next : s + 1;
			if (list == NULL)
				return err_set(p->err, EINVAL, "-o needs a list of options");
			return parse_list(p, list);
		}
		const struct option_row *row = row_lettered(*s);
		if (row == NULL)
			return err_set(p->err, EINVAL, "unknown option -%c; see ngffuse --help",
				       *s);
		int rc = set_row(p, row, NULL, "--");
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int take_argument(struct parse *p, const char *arg)
{
	if (p->n_words == 0 && !p->commands_end && p->o->command == CMD_MOUNT)
		for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
			if (strcmp(arg, commands[i].word) == 0) {
				p->o->command = commands[i].command;
				p->commands_end = true;
				return 0;
			}
	if (p->n_words < MAX_WORDS)
		p->words[p->n_words] = arg;
	p->n_words++;
	return 0;
}

static int parse_all(struct parse *p, int argc, char **argv)
{
	bool words_only = false;
	for (int i = 1; i < argc && !p->done; i++) {
		const char *arg = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;
		bool used = false;
		int rc = 0;
		if (words_only || arg[0] != '-' || arg[1] == '\0')
			rc = take_argument(p, arg);
		else if (strcmp(arg, "--") == 0)
			words_only = p->commands_end = true;
		else if (arg[1] == '-')
			rc = parse_long(p, arg + 2, next, &used);
		else
			rc = parse_letters(p, arg + 1, next, &used);
		if (rc != 0)
			return rc;
		i += used;
	}
	return 0;
}

/* What each command is called with. */
static const struct {
	const char *form;
	size_t n;
	const char *words[2];
} forms[] = {
	[CMD_MOUNT] = { "ngffuse [options] SOURCE MOUNTPOINT", 2, { "SOURCE", "MOUNTPOINT" } },
	[CMD_INFO] = { "ngffuse info SOURCE", 1, { "SOURCE" } },
	[CMD_STATUS] = { "ngffuse status MOUNTPOINT", 1, { "MOUNTPOINT" } },
	[CMD_CAT] = { "ngffuse cat SOURCE PATH", 2, { "SOURCE", "PATH" } },
	[CMD_CHECK] = { "ngffuse check SOURCE", 1, { "SOURCE" } },
	[CMD_UNMOUNT] = { "ngffuse -u MOUNTPOINT", 1, { "MOUNTPOINT" } },
};

static bool is_question(const char *word)
{
	return strcmp(word, "help") == 0 || strcmp(word, "version") == 0;
}

static int too_many_words(struct parse *p)
{
	const char *form = forms[p->o->command].form, *first = p->words[0];
	size_t n = forms[p->o->command].n;
	bool slide;
	if (p->o->command == CMD_MOUNT && strcmp(first, "mount") == 0)
		return err_set(p->err, EINVAL, "there is no command mount, leave it out: %s", form);
	if (names_is_tiff(first, &slide))
		return err_set(p->err, EINVAL,
			       "SOURCE is one folder or one file, and here are %zu arguments (the "
			       "shell makes them of *.tif); give the folder: %s",
			       p->n_words, form);
	return err_set(p->err, EINVAL, "'%s' is one argument too many: %s", p->words[n], form);
}

static int assign_words(struct parse *p)
{
	struct options *o = p->o;
	size_t n = forms[o->command].n;
	if (p->n_words == 1 && n == 2 && is_question(p->words[0]))
		return err_set(p->err, EINVAL, "%s is an option: ngffuse --%s", p->words[0],
			       p->words[0]);
	if (p->n_words < n)
		return err_set(p->err, EINVAL, "%s is missing: %s",
			       forms[o->command].words[p->n_words], forms[o->command].form);
	if (p->n_words > n)
		return too_many_words(p);
	for (size_t i = 0; i < n; i++)
		if (*p->words[i] == '\0')
			return err_set(p->err, EINVAL, "%s is empty: %s",
				       forms[o->command].words[i], forms[o->command].form);
	bool has_source = o->command != CMD_STATUS && o->command != CMD_UNMOUNT;
	o->source = has_source ? p->words[0] : NULL;
	if (o->command == CMD_CAT)
		o->path = p->words[1];
	else if (o->command != CMD_INFO && o->command != CMD_CHECK)
		o->mountpoint = p->words[n - 1];
	return 0;
}

/* Rows that were given but mean nothing to the command. */
static int check_commands(const struct parse *p)
{
	static const char *const names[] = {
		[CMD_MOUNT] = "a mount", [CMD_INFO] = "info",	[CMD_STATUS] = "status",
		[CMD_CAT] = "cat",	 [CMD_CHECK] = "check", [CMD_UNMOUNT] = "-u"
	};
	size_t n = 0;
	const struct option_row *rows = options_table(&n);
	for (size_t i = 0; i < n; i++)
		if (p->o->given[i].by != GIVEN_NOT && (rows[i].commands >> p->o->command & 1) == 0)
			return err_set(p->err, EINVAL, "--%s means nothing to %s", rows[i].name,
				       names[p->o->command]);
	return 0;
}

int options_parse(int argc, char **argv, struct options *out, struct err *err)
{
	*out = (struct options){ .command = CMD_MOUNT, .codec_auto = true };
	struct parse p = { .o = out, .err = err };
	int rc = parse_all(&p, argc, argv);
	if (rc == 0 && p.fuse.oom)
		rc = err_oom(err);
	out->fuse = STEAL(p.fuse.s);
	if (rc != 0 || p.done)
		return rc;
	rc = assign_words(&p);
	if (rc == 0)
		rc = check_commands(&p);
	return rc;
}

void options_done(struct options *o)
{
	free(o->name);
	free(o->layer_name);
	free(o->unit);
	free(o->pattern);
	free(o->channel_names);
	free(o->channel_colors);
	free(o->windows);
	for (size_t i = 0; i < o->n_labels; i++) {
		free(o->labels[i].path);
		free(o->labels[i].source);
	}
	free(o->labels);
	free(o->fuse);
	free(o->sidecar);
	for (size_t i = 0; i < OPTION_ROWS; i++) {
		free(o->given[i].text);
		free(o->given[i].from);
	}
	*o = (struct options){ 0 };
}

/* Length in front, so that no value can pass for two. */
static void print_string(struct text *t, const char *name, const char *value)
{
	if (value != NULL)
		text_addf(t, "%s=%zu:%s\n", name, strlen(value), value);
}

static void print_double(struct text *t, const char *name, double v)
{
	char number[40];
	voxel_print(v, number, sizeof(number));
	text_addf(t, "%s=%s\n", name, number);
}

static void print_pyramid(const struct options *o, struct text *t)
{
	const struct ladder_options *l = &o->pyramid.ladder;
	text_addf(t, "sampling-mode=%d", (int)l->mode);
	for (unsigned i = 0; i < l->n_factors; i++)
		text_addf(t, ":%d,%d,%d", l->factors[i][0], l->factors[i][1], l->factors[i][2]);
	text_add(t, "\nmax-mag=");
	ladder_mag(t, l->max_mag);
	text_addf(t, "\ninterpolation-mode=%s%s\npreview=%d\n", reduce_method_name(o->method),
		  o->method_given ? "" : " as usual", (int)o->pyramid.preview);
	if (o->use_overviews)
		text_add(t, "overviews=use\n");
}

void options_fingerprint(const struct options *o, struct text *t)
{
	print_string(t, "name", o->name);
	print_string(t, "layer-name", o->layer_name);
	print_string(t, "unit", o->unit);
	print_string(t, "pattern", o->pattern);
	print_string(t, "channel-names", o->channel_names);
	print_string(t, "channel-colors", o->channel_colors);
	print_string(t, "windows", o->windows);
	for (size_t i = 0; i < o->n_labels; i++) {
		print_string(t, "label", o->labels[i].path);
		print_string(t, "label-source", o->labels[i].source);
	}
	for (unsigned i = 0; i < o->n_voxel; i++)
		print_double(t, "voxel-size", o->voxel_size[i]);
	print_double(t, "time-step", o->time_step);
	for (size_t i = 0; i < ARRAY_SIZE(o->chunk_shape); i++)
		text_addf(t, "chunk-shape=%llu\n", (unsigned long long)o->chunk_shape[i]);
	print_pyramid(o, t);
	if (o->codec_auto)
		text_add(t, "codec=auto\n");
	else
		text_addf(t, "codec=%s:%d\n", codec_name(o->codec), o->codec_level);
	text_addf(t, "layout=%d\nsegmentation=%d\nlargest-segment-id=%d:%llu\n", (int)o->layout,
		  o->segmentation, o->has_largest_id, (unsigned long long)o->largest_id);
	text_addf(t, "group-none=%d\ngaps=%d\nngff=%s\ndamaged=%d\n", o->group_none, (int)o->gaps,
		  o->v3 ? "0.5" : "0.4", (int)o->damaged);
}

static const char *layer_name_of(const struct options *o)
{
	if (o->layout == VIEWS_NGFF)
		return NULL;
	if (o->layer_name != NULL)
		return o->layer_name;
	return o->segmentation ? "segmentation" : "color";
}

struct engine_config options_engine(const struct options *o, const char *fingerprint)
{
	struct engine_config c = {
		.memory = o->memory,
		.threads = o->threads,
		.damaged = o->damaged,
		.codec_auto = o->codec_auto,
		.codec = o->codec,
		.codec_level = o->codec_level,
		.options = o,
		.scan = {
			.name = o->name,
			.pattern = o->pattern,
			.gaps = o->gaps,
			.group_none = o->group_none,
			.unit = o->unit,
			.time_step = o->time_step,
			.channel_names = o->channel_names,
			.channel_colors = o->channel_colors,
			.windows = o->windows,
			.from = {
				.voxel = options_given(o, "voxel-size")->from,
				.unit = options_given(o, "unit")->from,
				.time = options_given(o, "time-step")->from,
				.names = options_given(o, "channel-names")->from,
				.colors = options_given(o, "channel-colors")->from,
				.windows = options_given(o, "windows")->from,
			},
			.pyramid = o->pyramid,
			.use_overviews = o->use_overviews,
			.method = o->method,
			.method_given = o->method_given,
			.layer_name = layer_name_of(o),
			.segmentation = o->segmentation,
			.has_largest_id = o->has_largest_id,
			.largest_id = o->largest_id,
			.labels = o->labels,
			.n_labels = o->n_labels,
			.fingerprint_options = fingerprint,
			.fill_damaged = o->damaged == DAMAGED_FILL,
			.mountpoint = o->command == CMD_MOUNT ? o->mountpoint : NULL,
		},
	};
	memcpy(c.scan.voxel_size, o->voxel_size, sizeof(o->voxel_size));
	memcpy(c.scan.chunk_shape, o->chunk_shape, sizeof(o->chunk_shape));
	return c;
}
