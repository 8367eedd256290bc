/* The program: options, then the command. */
#include "fs/cat.h"
#include "fs/check.h"
#include "fs/info.h"
#include "fs/log.h"
#include "fs/mount.h"
#include "fs/mount_point.h"
#include "fs/options.h"
#include "fs/sidecar.h"
#include "fs/source.h"
#include "fs/status.h"
#include "fs/unmount.h"
#include "fs/version.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_FINE, EXIT_TROUBLE, EXIT_USAGE };

static int complain(const struct err *err, int code)
{
	struct text CLEANUP(text_done) line = { 0 };
	text_add_name(&line, err->msg, strlen(err->msg));
	fprintf(stderr, "ngffuse: %s\n", line.s != NULL ? line.s : "out of memory");
	return code;
}

/* Prints and frees a text. */
static int show(struct text *t, FILE *out, int code)
{
	bool ok = !t->oom && t->s != NULL && fputs(t->s, out) >= 0 && fflush(out) == 0;
	text_done(t);
	return ok ? code : EXIT_TROUBLE;
}

static int run_mount(const struct options *o, struct source *s, struct err *err)
{
	bool usage = false;
	/* An empty mount would look like success. */
	if (source_refused(s, o, &usage, err))
		return complain(err, usage ? EXIT_USAGE : EXIT_TROUBLE);
	log_mute(false);
	return mount_run(&s->engine, o, err) == 0 ? EXIT_FINE : complain(err, EXIT_TROUBLE);
}

static int run_cat(const struct options *o, struct source *s, struct err *err)
{
	return cat_run(&s->engine, o, stdout, err) == 0 ? EXIT_FINE : complain(err, EXIT_TROUBLE);
}

/* *hangs: a thread still reads, and nothing may be freed. */
static int run_check(const struct options *o, struct source *s, bool *hangs, struct err *err)
{
	bool usage = false;
	/* Of a source with images each is told on its own, unless an option is to blame. */
	if (source_refused(s, o, &usage, err) && (usage || s->engine.data->n_images == 0))
		return complain(err, usage ? EXIT_USAGE : EXIT_TROUBLE);
	int code = check_run(&s->engine, o, stdout, hangs, err);
	return code >= 0 ? code : complain(err, EXIT_TROUBLE);
}

static int run_info(const struct options *o, struct source *s)
{
	struct prediction *measured = predict_all(&s->engine);
	int code = info_print(s->engine.data, engine_budget(&s->engine), measured, o, stdout);
	free(measured);
	return code;
}

/* A single word that is no file: somebody looked for a command. */
static bool is_no_command(const char *source, struct err *err)
{
	struct stat st;
	if (strchr(source, '/') != NULL || lstat(source, &st) == 0 || errno != ENOENT)
		return false;
	err_set(err, EINVAL,
		"'%s' is neither a file or folder nor a command (info, status, cat, check; -u "
		"unmounts)",
		source);
	return true;
}

static int run_source(struct options *o)
{
	struct err err = { 0 };
	struct source s;
	bool usage = false;
	if (o->command == CMD_MOUNT && is_no_command(o->source, &err))
		return complain(&err, EXIT_USAGE);
	if (sidecar_load(o, &usage, &err) != 0)
		return complain(&err, usage ? EXIT_USAGE : EXIT_TROUBLE);
	if (options_check(o, &err) != 0)
		return complain(&err, EXIT_USAGE);
	/* Before a long scan, not after it; but what is wrong with the source comes first. */
	if (o->command == CMD_MOUNT && access(o->source, F_OK) == 0 &&
	    mount_point_check(o->mountpoint, o->source, &err) != 0)
		return complain(&err, EXIT_TROUBLE);
	/* Until a mount begins, problems are told by what is printed. */
	log_mute(true);
	if (source_open(o, &s, &usage, &err) != 0)
		return complain(&err, usage ? EXIT_USAGE : EXIT_TROUBLE);
	int code = EXIT_FINE;
	bool hangs = false;
	if (o->command == CMD_INFO)
		code = run_info(o, &s);
	else if (o->command == CMD_CHECK)
		code = run_check(o, &s, &hangs, &err);
	else if (o->command == CMD_CAT)
		code = run_cat(o, &s, &err);
	else
		code = run_mount(o, &s, &err);
	if (!hangs && source_close(&s))
		return code;
	log_line("something still reads or decodes %s (storage that hangs?), and is left behind",
		 o->source);
	fflush(stdout);
	_exit(code);
}

static int run(struct options *o)
{
	struct err err = { 0 };
	struct text t = { 0 };
	int code = EXIT_FINE;
	switch (o->command) {
	case CMD_HELP:
		options_help(&t);
		return show(&t, stdout, EXIT_FINE);
	case CMD_VERSION:
		version_print(&t);
		return show(&t, stdout, EXIT_FINE);
	case CMD_STATUS:
		code = status_run(o, stdout, &err);
		return err.code != 0 ? complain(&err, EXIT_TROUBLE) : code;
	case CMD_UNMOUNT:
		return unmount_run(o->mountpoint, &err) == 0 ? EXIT_FINE
							     : complain(&err, EXIT_TROUBLE);
	case CMD_MOUNT:
	case CMD_INFO:
	case CMD_CAT:
	case CMD_CHECK:
		break;
	}
	return run_source(o);
}

/* What a closed standard stream leaves free would be taken by the next file that is opened, and lost to the
 * background process. Opened so that reading or writing still fails. */
static bool hold_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	if (!hold_streams()) {
		err_set(&err, EBADF, "a standard stream is closed, and /dev/null cannot be opened");
		return complain(&err, EXIT_TROUBLE);
	}
	if (argc < 2) {
		struct text t = { 0 };
		options_usage(&t);
		text_add(&t, "Everything else: ngffuse --help\n");
		return show(&t, stderr, EXIT_USAGE);
	}
	struct options o;
	int code = EXIT_FINE;
	if (options_parse(argc, argv, &o, &err) == 0)
		code = run(&o);
	else
		code = complain(&err, err.code == ENOMEM ? EXIT_TROUBLE : EXIT_USAGE);
	options_done(&o);
	return code;
}
