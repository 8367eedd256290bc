#include "fs/mount.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/log.h"
#include "fs/mount_daemon.h"
#include "fs/mount_loop.h"
#include "fs/mount_parent.h"
#include "fs/mount_point.h"
#include "fs/mount_ready.h"
#include "fs/ops.h"
#include "fs/store_task.h"
#include "fs/summary.h"
#include "fs/unmount.h"

struct mount {
	struct engine *engine;
	const struct options *options;
	struct mount_point point;
	struct ops ops;
	struct fuse_session *session;
	struct loop loop;
	struct ready ready;
	int parent;  /* --exit-with-parent: its descriptor; else -1 */
	int starter; /* pipe to the process that was started; -1: this one, or told already */
	atomic_int not_ready; /* errno of the root */
};

/* What libfuse complains of: before the mount stands it explains a failure. libfuse gives no other way to
 * reach it than a static one. */
static struct text *complaints;

PRINTF(2, 0)
static void libfuse_says(enum fuse_log_level level, const char *fmt, va_list ap)
{
	if (level == FUSE_LOG_DEBUG) {
		vfprintf(stderr, fmt, ap);
		return;
	}
	char line[256];
	vsnprintf(line, sizeof(line), fmt, ap);
	size_t n = strcspn(line, "\n");
	line[n] = '\0';
	const char *s = strncmp(line, "fuse: ", 6) == 0 ? line + 6 : line;
	if (complaints != NULL)
		text_addf(complaints, "%s%s", complaints->len > 0 ? "; " : "", s);
	else
		log_problem("fuse", "libfuse", s);
}

static void add_options(struct text *t, const struct options *o)
{
	CLEANUP(freep) char *real = realpath(o->source, NULL);
	text_add(t, "ro,subtype=ngffuse,fsname=");
	mount_text_escape(t, real != NULL ? real : o->source);
	/* Where others may look, they see what the modes let them. */
	if (o->allow_other)
		text_add(t, ",allow_other,default_permissions");
	if (o->debug)
		text_add(t, ",debug");
	if (o->fuse != NULL && o->fuse[0] != '\0')
		text_addf(t, ",%s", o->fuse);
}

static int new_session(struct mount *m, struct err *err)
{
	CLEANUP(text_done) struct text list = { 0 };
	add_options(&list, m->options);
	if (list.oom)
		return err_oom(err);
	char name[] = "ngffuse", flag[] = "-o";
	char *argv[] = { name, flag, list.s, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	m->session = fuse_session_new(&args, &ops_table, sizeof(ops_table), &m->ops);
	fuse_opt_free_args(&args);
	return m->session == NULL ? -EINVAL : 0;
}

static int put_up(struct mount *m, struct err *err)
{
	CLEANUP(text_done) struct text said = { 0 };
	fuse_set_log_func(libfuse_says);
	complaints = &said;
	int r = new_session(m, err);
	if (r == 0 && fuse_session_mount(m->session, m->point.path) != 0 &&
	    !(mount_point_again(&m->point) && fuse_session_mount(m->session, m->point.path) == 0))
		r = -EIO;
	complaints = NULL;
	if (r == 0) {
		shim_install(&m->ops.shim, m->session);
		return 0;
	}
	if (r == -ENOMEM)
		return r;
	bool device = said.s != NULL && strstr(said.s, "/dev/fuse: Permission denied") != NULL;
	return err_set(err, -r, "no mount at %s: %s%s", m->point.path,
		       said.s != NULL ? said.s : "fusermount3 refused it",
		       device ? " (root can allow it: chmod 666 /dev/fuse)" : "");
}

static void told_ready(void *data, int error)
{
	struct mount *m = data;
	if (error != 0) {
		atomic_store(&m->not_ready, error);
		loop_stop(&m->loop);
		return;
	}
	if (m->starter >= 0)
		daemon_tell(m->starter, NULL);
	m->starter = -1;
	char state[64];
	snprintf(state, sizeof(state), "READY=1\nMAINPID=%ld", (long)getpid());
	ready_notify(state);
}

/* With everything running. */
static int serve_loop(struct mount *m, struct err *err)
{
	int r = loop_begin(&m->loop, m->session, err);
	if (r < 0)
		return r;
	m->ops.initialised = ready_hello;
	m->ops.initialised_data = &m->ready;
	r = ready_start(&m->ready, m->point.fd >= 0 ? NULL : m->point.path, told_ready, m, err);
	bool watched = r == 0;
	if (r < 0)
		loop_stop(&m->loop);
	int served = loop_run(&m->loop, err);
	if (watched)
		ready_cancel(&m->ready);
	ready_notify("STOPPING=1");
	store_shutdown(m->engine->store);
	ops_done(&m->ops);
	fuse_session_unmount(m->session);
	if (watched)
		ready_stop(&m->ready);
	loop_end(&m->loop);
	int root = atomic_load(&m->not_ready);
	if (root != 0)
		r = err_set(err, root, "the root of the mount cannot be read: %s", strerror(root));
	return r < 0 ? r : served;
}

static int serve(struct mount *m, struct err *err)
{
	int r = engine_start(m->engine, err);
	if (r == 0 && m->parent >= 0)
		r = parent_watch(m->parent, err);
	if (r == 0)
		r = serve_loop(m, err);
	fuse_session_unmount(m->session);
	return r;
}

/* By the name that the folder really has, which `.` and links do not show. */
static bool is_image(const struct mount *m)
{
	return m->options->layout == VIEWS_NGFF &&
	       mount_text_is_image(m->point.path, dataset_shown(m->engine->data));
}

/* In the process that serves. */
static int mount_here(struct mount *m, struct err *err)
{
	const struct options *o = m->options;
	bool background = m->starter >= 0;
	ops_init(&m->ops, m->engine, is_image(m), o->v3);
	tree_show(&m->ops.tree, o->layout);
	m->ops.ask_opendir = o->auto_unmount;
	int r = put_up(m, err);
	/* Not before: fusermount3 complains to the terminal. */
	if (background)
		daemon_settle();
	else if (r == 0 && !o->quiet)
		summary_print(m->engine, o, is_image(m), false, stdout);
	if (r == 0)
		r = serve(m, err);
	if (m->session != NULL)
		fuse_session_destroy(m->session);
	mount_point_close(&m->point);
	if (m->starter >= 0 && r == 0)
		r = err_set(err, EINTR, "unmounted before the mount was ready");
	if (m->starter >= 0)
		daemon_tell(m->starter, err);
	return r;
}

/* In the process that was started. */
static int wait_for(pid_t child, struct mount *m, struct err *err)
{
	bool crashed;
	int r = daemon_wait(child, m->starter, &crashed, err);
	if (r == 0 && !m->options->quiet)
		summary_print(m->engine, m->options, is_image(m), true, stdout);
	if (crashed) {
		unmount_lazily(m->point.path);
		mount_point_close(&m->point);
	}
	mount_point_done(&m->point);
	return r;
}

int mount_run(struct engine *e, const struct options *o, struct err *err)
{
	struct mount m = { .engine = e, .options = o, .parent = -1, .starter = -1 };
	loop_block_signals();
	if (o->exit_with_parent && (m.parent = parent_open(err)) < 0)
		return m.parent;
	int r = mount_point_open(o->mountpoint, o->source, &m.point, err);
	if (r < 0)
		return r;
	daemon_close_inherited(m.point.fd);
	pid_t child = o->foreground ? 0 : daemon_fork(&m.starter, err);
	if (child < 0) {
		mount_point_close(&m.point);
		return child;
	}
	return child == 0 ? mount_here(&m, err) : wait_for(child, &m, err);
}
