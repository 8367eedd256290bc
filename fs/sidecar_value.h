/* A value of a side-car in the spelling of the command line, which setters take. Internal to fs/sidecar.c. */
#pragma once

#include "codec/text.h"
#include "fs/options.h"
#include "meta/json_read.h"

/* So many bytes of a key or a value stand in a sentence. */
enum { SIDECAR_SHOWN = 60 };

/* v is of the tree. -EINVAL: of another type than `side` says; the sentence names what is expected. */
int sidecar_value(enum option_side side, const struct json_tree *t, const struct json_value *v,
		  struct text *out, struct err *err);

/* One label "PATH=SOURCE", its SOURCE relative to the folder of the file `sidecar`. */
int sidecar_label(const struct json_value *v, const char *sidecar, struct text *out,
		  struct err *err);
