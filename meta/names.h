/* From the names of one folder to images and axes: fields, labels, series, order, gaps, duplicates,
 * strangers, ids. Names are bytes. Contents are never looked at. Rules: HACKING.md "Names"; they refuse
 * rather than guess wherever two answers are possible. */
#pragma once

#include "codec/err.h"
#include "codec/text.h"

enum gaps {
	GAPS_AUTO,
	GAPS_FILL,
	GAPS_CLOSE,
	GAPS_ERROR
}; /* auto: fill up to a tenth, else an error */

struct name_options {
	enum gaps gaps;
	bool group_none; /* each file an image */
	const char
		*folder;   /* name of the folder: id where nothing else is left, and for messages */
	bool among_others; /* the folder has images beside these: a lone one does not have its name */
};

#define NAMES_NO_INDEX UINT32_MAX

/* A file's place in its image; NAMES_NO_INDEX on an axis that the image has not. */
struct name_member {
	uint32_t entry; /* index into the caller's entries */
	uint32_t t, c, z;
};

struct name_axis {
	bool present;
	uint32_t size;	  /* planes on this axis, gaps included */
	uint32_t missing; /* values that no file has (z, t) */
	uint64_t first,
		step;  /* of the numbers; step 1 where it does not apply: index is then the rank */
	bool labelled; /* a word in the name said so */
	char *token;   /* that word, as spelt ("ch", "Channel_"), NULL if none */
};

struct name_image {
	char *id; /* without ".zarr", cleaned, unique in this result; see names_id_clean */
	struct name_member *members; /* in order t, c, z */
	size_t n_members;
	struct name_axis t, c, z;
	char **channel_labels; /* c.size texts where c is present: the token with its value, "ch00" */
	size_t missing;	       /* planes of the grid t x c x z that no file claims */
	char *how; /* one line: what was taken for what, and the --pattern that would say otherwise; may be NULL */
};

struct name_left_out {
	uint32_t entry;
	const char *why; /* static text: "stranger", "thumbnail", "duplicate" .. */
	uint32_t of;	 /* the entry kept in its place, for a duplicate; else NAMES_NO_INDEX */
};

struct names {
	struct name_image *images; /* in natural order of their first files */
	size_t n_images;
	struct name_left_out *left_out;
	size_t n_left_out;
	char *pattern; /* the --pattern that says what was found, of the last series; may be NULL */
	char *hint; /* the one by which the images would be channels of one; NULL: there is none */
};

/* True for names that the scan looks at: a TIFF suffix, not hidden, no backup. *slide: one of the
 * formats that are always an image of their own (.svs ..). */
bool names_is_tiff(const char *name, bool *slide);

/* Our own file beside TIFFs: of a folder, or with ".ngffuse.json" behind a file's stem. */
#define NAMES_SIDECAR "ngffuse.json"
bool names_is_sidecar(const char *name);

/* Folders that are never entered (__MACOSX, thumbs, ..), hidden ones included. */
bool names_is_junk_folder(const char *name);

/* Interprets entries[n] (regular files and dangling links for which names_is_tiff holds, any order) of
 * one folder. -EINVAL: refused, with the sentence for the user (two extreme names, what varies, patterns
 * that can be pasted); -ENOMEM. */
int names_interpret(const char *const *entries, size_t n, const struct name_options *opts,
		    struct names *out, struct err *err);
void names_done(struct names *names);

/* The --pattern by which files paths[n] in several folders would be one image, with a phrase that says
 * so: appended to t, or nothing. -ENOMEM. */
int names_hint_folders(const char *const *paths, size_t n, struct text *t, struct err *err);

/* Natural order: digits by value, then length, texts by byte. <0, 0, >0. */
int names_compare(const char *a, const char *b);

/* An id that is a safe file name: forbidden bytes to '_', at most 200 bytes, "labels" -> "labels_",
 * empty -> "image". Appended to t. */
void names_id_clean(struct text *t, const char *s, size_t n);

/* Length of the name without its TIFF suffix (".ome.tif" whole). */
size_t names_stem(const char *name);
