/* The option table: parsing, `--help`, the -o forms and the tests that hold the manual page and the
 * README against it come from it. */
#pragma once

#include "codec/text.h"
#include "fs/engine.h"
#include "meta/tree.h"

enum command {
	CMD_MOUNT,
	CMD_INFO,
	CMD_STATUS,
	CMD_CAT,
	CMD_CHECK,
	CMD_UNMOUNT,
	CMD_HELP,
	CMD_VERSION,
};

/* Most rows that the table may have. */
enum { OPTION_ROWS = 64 };

/* Where the value of a row came from. */
struct option_given {
	enum { GIVEN_NOT, GIVEN_BY_LINE, GIVEN_BY_SIDECAR } by;
	uint32_t line; /* of the side-car, also where that is overridden; 0: it says nothing */
	char *from;    /* where in the side-car, as `info` says it; NULL: the command line */
	char *text;    /* as it was given last, on the command line's terms; NULL: a flag */
};

struct options {
	enum command command;
	const char *source, *mountpoint, *path; /* of the command line; not owned */
	char *layer_name;			/* NULL: by the category */
	char *name, *unit, *pattern, *channel_names, *channel_colors, *windows;
	struct scan_label *labels;
	size_t n_labels;
	double voxel_size[3]; /* x, y, z; 0: not given */
	unsigned n_voxel;     /* values given */
	double time_step;     /* seconds; 0: not given */
	bool group_none, use_overviews, v3, json, sidecar_wanted, foreground, debug, quiet;
	enum gaps gaps;
	uint64_t chunk_shape[3]; /* z, y, x; [0] 0: auto */
	struct pyramid_options pyramid;
	enum reduce_method method;
	bool method_given; /* else a label has the mode */
	bool codec_auto;
	enum codec codec;
	int codec_level;
	enum tree_views layout;
	bool segmentation, has_largest_id;
	uint64_t largest_id;
	enum damaged damaged;
	uint64_t memory;
	unsigned threads;
	char *fuse; /* FUSE's own -o words, comma list with its escapes, to be passed on; or NULL */
	bool auto_unmount, exit_with_parent;
	bool allow_other;
	struct option_given given[OPTION_ROWS]; /* in the order of the table */
	char *sidecar; /* path of the one that was read, for messages, or NULL */
};

/* What a side-car gives for a row. A string in the spelling of the command line always will do. */
enum option_side {
	SIDE_NOT,     /* nothing: it is about the mount or the command, not about the images */
	SIDE_TEXT,    /* a string alone */
	SIDE_NUMBER,  /* 4 */
	SIDE_NUMBERS, /* [4, 4, 40] */
	SIDE_SHAPE,   /* 64 or [32, 64, 64] */
	SIDE_TEXTS,   /* ["DAPI", "GFP, dim"] */
	SIDE_WINDOWS, /* [[0, 255], "10-4000"] */
	SIDE_FACTORS, /* [[1, 2, 2], [2, 2, 2]] */
	SIDE_LABELS,  /* ["nuclei=../nuclei"], relative to the side-car's folder */
};

/* One row of the table. */
struct option_row {
	const char *name;   /* "voxel-size" */
	char letter;	    /* 'f' or 0 */
	const char *value;  /* "X,Y,Z"; NULL: a flag */
	const char *help;   /* one sentence without a dot */
	const char *preset; /* default as a person reads it, or NULL */
	unsigned commands;  /* bit 1 << enum command: where it makes sense */
	bool colons;	    /* inside -o a `:` stands for the comma of its value */
	enum option_side side;
	int (*set)(struct options *o, const char *value,
		   struct err *err); /* -EINVAL and what would be right */
};

const struct option_row *options_table(size_t *n);

/* The row of this name (`len` bytes), or NULL. */
const struct option_row *options_row(const char *name, size_t len);

/* Sets a row's value and notes it as given. Errors as those of the row's setter. */
int options_set(struct options *o, const struct option_row *row, const char *value,
		struct err *err);

/* Who gave the row of this name, which there is. */
const struct option_given *options_given(const struct options *o, const char *name);

/* -EINVAL with one line that names the option and what would be right (exit code 2). Strings are
 * owned by *out: options_done, also after an error. What contradicts what is for options_check to say. */
int options_parse(int argc, char **argv, struct options *out, struct err *err);
void options_done(struct options *o);

/* Values that exclude each other, or say nothing alone, whoever gave them: -EINVAL. */
int options_check(const struct options *o, struct err *err);

/* Puts file, line and key of the side-car in front of a sentence about the value of the row `name`, where that is the
 * side-car's. options_blame: the sentence begins with that name ("--unit .."), or is about something else. */
void options_prefix(const struct options *o, const char *name, struct err *err);
void options_blame(const struct options *o, struct err *err);

/* Text of every option that documents or bytes depend on, for the fingerprint. Appended. */
void options_fingerprint(const struct options *o, struct text *t);

/* What the engine needs of the options. The strings stay those of `o` and `fingerprint` (text of
 * options_fingerprint), which must outlive the engine. */
struct engine_config options_engine(const struct options *o, const char *fingerprint);

/* The whole of `--help`, and the few lines that `ngffuse` alone prints. Appended. */
void options_help(struct text *t);
void options_usage(struct text *t);
