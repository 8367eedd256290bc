/* One line per problem and cause: to stderr in the foreground, to syslog in the background. The first
 * line of a cause at once, then counts. Any thread. */
#pragma once

#include "codec/text.h"

/* From now on; before: stderr. What is remembered is written there at once. */
void log_to_syslog(void);

/* While muted, problems are remembered but not written, for the program itself tells what it finds; one that
 * comes again later is written then. */
void log_mute(bool mute);

/* Forgets what was remembered: what log_recent and log_tell give is what comes from now on. */
void log_forget(void);

/* Writes what was remembered and not yet written, and mutes no more. */
void log_tell(void);

/* `what` is the image or file, `msg` the sentence; equal pairs are written once, then after 10, 100, ..
 * repetitions with their count. Also remembered (the last 32) for status.json. */
void log_problem(const char *kind, const char *what, const char *msg);

/* A plain line, for start and end. */
void log_line(const char *fmt, ...) PRINTF(1, 2);

/* The last problems, oldest first: f is called for each under no lock of the caller's. */
struct log_entry {
	char kind[16], what[256], msg[256];
	uint64_t count;
	int64_t time; /* of the last, seconds since the epoch */
};
size_t log_recent(struct log_entry out[32]);
