/* An error is a code and a sentence. Functions that read what users give take a last `struct err *`
 * (may be NULL) and return 0 or -code; nobody below fs/ logs. */
#pragma once

#include "codec/base.h"

struct err {
	int code;      /* errno value, 0 = none */
	char msg[500]; /* one sentence: what was found and what was expected; no final dot */
};

/* Sets code and sentence and returns -code. The sentence names tag, value, strip; callers further
 * up put the file's name in front with err_prefix. */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF(3, 4);

/* Puts "text: " in front of the sentence. Returns -err->code (or -EIO where err is NULL). */
int err_prefix(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/* Whether what a file was asked may have another answer later: true for failing memory and storage, false
 * where the file itself is malformed or of a kind that is not supported. */
bool err_is_passing(int rc);

/* The sentence for memory that ran out; returns -ENOMEM. */
int err_oom(struct err *err);
