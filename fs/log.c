#include "fs/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

enum {
	RECENT = 32,
	/* Problems whose repetitions are counted. More of them make the least repeated ones forgotten,
	 * which costs a line written again, no more. */
	COUNTED = 4096,
	PROBES = 8,
};

struct counted {
	uint64_t hash; /* 0: free */
	uint64_t count;
	bool told; /* a line of it was written */
};

/* Guards `counted`, `recent`, `recent_hash` and `n_recent`. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct counted counted[COUNTED];
static struct log_entry recent[RECENT]; /* oldest first */
static uint64_t recent_hash[RECENT];
static size_t n_recent;

static _Atomic bool to_syslog, muted;

static void write_line(int priority, const char *line)
{
	if (to_syslog)
		syslog(priority, "%s", line);
	else
		fprintf(stderr, "ngffuse: %s\n", line);
}

/* FNV-1a. */
static uint64_t hash_add(uint64_t h, const char *s)
{
	for (;; s++) {
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
		if (*s == '\0')
			return h;
	}
}

/* The problem, this time counted. */
static struct counted *count_locked(uint64_t hash)
{
	struct counted *least = NULL;
	for (size_t i = 0; i < PROBES; i++) {
		struct counted *c = &counted[(hash + i) % COUNTED];
		if (c->hash == hash) {
			c->count++;
			return c;
		}
		if (least == NULL || c->count < least->count)
			least = c;
	}
	*least = (struct counted){ .hash = hash, .count = 1 };
	return least;
}

static void copy_cut(char *out, size_t cap, const char *s)
{
	size_t n = strlen(s);
	if (n >= cap) {
		n = cap - 1;
		/* Not in the middle of a UTF-8 sequence. */
		while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(out, s, n);
	out[n] = '\0';
}

/* Puts the entry at the end, taken from its old place if it is still remembered. */
static void remember_locked(const struct log_entry *e, uint64_t hash)
{
	size_t k = 0;
	while (k < n_recent &&
	       (strcmp(recent[k].kind, e->kind) != 0 || strcmp(recent[k].what, e->what) != 0 ||
		strcmp(recent[k].msg, e->msg) != 0))
		k++;
	if (k == n_recent && n_recent < RECENT)
		n_recent++;
	else if (k == n_recent)
		k = 0;
	memmove(&recent[k], &recent[k + 1], (n_recent - 1 - k) * sizeof(recent[0]));
	memmove(&recent_hash[k], &recent_hash[k + 1], (n_recent - 1 - k) * sizeof(recent_hash[0]));
	recent[n_recent - 1] = *e;
	recent_hash[n_recent - 1] = hash;
}

static bool is_power_of_ten(uint64_t n)
{
	while (n >= 10 && n % 10 == 0)
		n /= 10;
	return n == 1;
}

static void write_problem(const char *what, const char *msg, uint64_t count)
{
	struct text CLEANUP(text_done) line = { 0 };
	text_addf(&line, "%s%s%s", what, *what != '\0' ? ": " : "", msg);
	if (count > 1)
		text_addf(&line, " (%llu times)", (unsigned long long)count);
	write_line(LOG_WARNING, line.s != NULL && !line.oom ? line.s : msg);
}

void log_problem(const char *kind, const char *what, const char *msg)
{
	/* File names may hold anything; a line of the log stays one line. */
	struct text CLEANUP(text_done) clean_what = { 0 };
	struct text CLEANUP(text_done) clean_msg = { 0 };
	text_add_name(&clean_what, what, strlen(what));
	text_add_name(&clean_msg, msg, strlen(msg));
	const char *w = clean_what.s != NULL ? clean_what.s : "";
	const char *m = clean_msg.s != NULL ? clean_msg.s : "";

	struct log_entry e = { .time = (int64_t)time(NULL) };
	copy_cut(e.kind, sizeof(e.kind), kind);
	copy_cut(e.what, sizeof(e.what), w);
	copy_cut(e.msg, sizeof(e.msg), m);
	uint64_t hash = hash_add(hash_add(hash_add(0xcbf29ce484222325, kind), what), msg) | 1;

	pthread_mutex_lock(&lock);
	struct counted *c = count_locked(hash);
	e.count = c->count;
	bool first = !c->told && !muted;
	bool again = c->told && !muted && is_power_of_ten(e.count);
	c->told |= first;
	remember_locked(&e, hash);
	pthread_mutex_unlock(&lock);

	if (first || again)
		write_problem(w, m, again ? e.count : 1);
}

void log_mute(bool mute)
{
	muted = mute;
}

void log_forget(void)
{
	pthread_mutex_lock(&lock);
	n_recent = 0;
	pthread_mutex_unlock(&lock);
}

/* Of the i-th of those remembered: from now on it counts as written. Whether it did before. */
static bool tell_locked(size_t i)
{
	bool told = false;
	for (size_t k = 0; k < PROBES; k++) {
		struct counted *c = &counted[(recent_hash[i] + k) % COUNTED];
		if (c->hash != recent_hash[i])
			continue;
		told = c->told;
		c->told = true;
	}
	return told;
}

/* Writes what is remembered; again: also what was written. */
static void write_recent(bool again)
{
	struct log_entry e[RECENT];
	size_t n = 0;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < n_recent; i++)
		if (!tell_locked(i) || again)
			e[n++] = recent[i];
	pthread_mutex_unlock(&lock);
	for (size_t i = 0; i < n; i++)
		write_problem(e[i].what, e[i].msg, e[i].count);
}

void log_tell(void)
{
	muted = false;
	write_recent(false);
}

void log_to_syslog(void)
{
	openlog("ngffuse", LOG_PID, LOG_DAEMON);
	to_syslog = true;
	write_recent(true);
}

void log_line(const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	write_line(LOG_INFO, line);
}

size_t log_recent(struct log_entry out[32])
{
	pthread_mutex_lock(&lock);
	size_t n = n_recent;
	memcpy(out, recent, n * sizeof(recent[0]));
	pthread_mutex_unlock(&lock);
	return n;
}
