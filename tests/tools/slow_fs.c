/* Shows the folder SOURCE at MOUNT, read-only and as slow as a NAS: every READ, every stat and every OPEN
 * is answered after so many milliseconds, however many wait at the same time. It counts what it is asked, and
 * how many round trips that took. Stays in the foreground; SIGINT, SIGTERM or unmounting ends it.
 *
 *	slow_fs SOURCE MOUNT [--read-ms 10] [--stat-ms 10] [--open-ms 10]
 *
 * By hand:
 *
 *	slow_fs stack /tmp/slow --read-ms 10 --stat-ms 10 --open-ms 10 &
 *	ngffuse -f /tmp/slow /tmp/mnt &
 *	echo reset > /tmp/slow/.slow_fs          counts begin at nothing
 *	cat /tmp/mnt/slow.zarr/0/0/0/0 > /dev/null
 *	cat /tmp/slow/.slow_fs                   the counts, as JSON
 *	echo read-ms 500 > /tmp/slow/.slow_fs    another delay from now on; also stat-ms, open-ms
 *	fusermount3 -u /tmp/mnt; fusermount3 -u /tmp/slow
 *
 * The kernel keeps nothing of it: a pread whose buffer touches at most 256 pages (1 MiB if it is aligned) is
 * one READ, a longer one is several, each after the answer to the one before. A stat by name is one request,
 * as with NFS: the GETATTR that the kernel sends right after a LOOKUP, for want of attributes, is answered at
 * once and not counted. An open is a LOOKUP and an OPEN. Listing a folder costs nothing. Whoever is interrupted
 * or killed while he waits is let go at once.
 *
 * round_trips is the longest chain of requests of which one may have needed the answer to another: a request
 * is one deeper than the deepest answered before it came. 16 READs sent together are one round trip. A client
 * that takes longer than the delay to send what belongs together counts as if it had waited. trips says for
 * each depth (the first 64) what was asked there. mean_reads_in_flight is taken over busy_ms, the time in which
 * a READ waited. */
#define FUSE_USE_VERSION 312

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <getopt.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <search.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_THREADS = 4, TRIPS = 64 };

enum kind { STAT, OPEN, READ, KINDS };
static const char *const kind_name[KINDS] = { "stat", "open", "read" };

/* A name below SOURCE. Lives until the end, so that a name always has the same number. */
struct node {
	const char *path;
	unsigned looked; /* LOOKUPs whose GETATTR may follow */
};

/* A request that waits for its time. */
struct delayed {
	TAILQ_ENTRY(delayed) link;
	bool queued, interrupted;
	enum kind kind;
	unsigned depth, generation;
	uint64_t due;
	void (*answer)(struct delayed *d);
	fuse_req_t req;
	struct node *node;
	struct fuse_file_info fi;
	uint64_t at;
	size_t size;
};

static int source_fd;
static struct node root = { ".", 0 };
/* In the root, but not listed: read to see the counts, written to change something. */
static struct node control = { ".slow_fs", 0 };

/* Guards all that follows. Never held while libfuse is called. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static TAILQ_HEAD(requests,
		  delayed) queue = TAILQ_HEAD_INITIALIZER(queue); /* the first one is due first */
static bool ending;
static void *nodes;
static uint64_t delay_ns[KINDS];
static unsigned reads_in_flight;
static uint64_t reads_changed; /* when that number did */

static struct counts {
	uint64_t n[KINDS], read_bytes;
	unsigned most_reads;
	uint64_t busy_ns, waited_ns;
	unsigned round_trips, answered; /* greatest depth that came, and that was answered */
	unsigned trips[TRIPS][KINDS];
} counts;
static unsigned generation; /* of the counts */

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* --- counting, under the lock */

static void reads_become(unsigned n)
{
	uint64_t now = now_ns(), passed = now - reads_changed;
	counts.waited_ns += passed * reads_in_flight;
	counts.busy_ns += reads_in_flight > 0 ? passed : 0;
	reads_changed = now;
	reads_in_flight = n;
	if (n > counts.most_reads)
		counts.most_reads = n;
}

static void count_arrival(struct delayed *d)
{
	d->generation = generation;
	d->depth = counts.answered + 1;
	if (d->depth > counts.round_trips)
		counts.round_trips = d->depth;
	if (d->depth <= TRIPS)
		counts.trips[d->depth - 1][d->kind]++;
	counts.n[d->kind]++;
	if (d->kind == READ)
		reads_become(reads_in_flight + 1);
}

static void count_answer(const struct delayed *d, size_t bytes)
{
	if (d->kind == READ)
		reads_become(reads_in_flight - 1);
	if (d->generation != generation)
		return;
	counts.read_bytes += bytes;
	if (d->depth > counts.answered)
		counts.answered = d->depth;
}

static void reset(void)
{
	reads_become(reads_in_flight);
	counts = (struct counts){ .most_reads = reads_in_flight };
	generation++;
}

static void print_counts(FILE *f)
{
	const struct counts *c = &counts;
	double busy = (double)c->busy_ns;
	fprintf(f, "{\"reads\": %llu, \"read_bytes\": %llu, \"stats\": %llu, \"opens\": %llu,\n",
		(unsigned long long)c->n[READ], (unsigned long long)c->read_bytes,
		(unsigned long long)c->n[STAT], (unsigned long long)c->n[OPEN]);
	fprintf(f, " \"reads_in_flight\": %u, \"most_reads_in_flight\": %u,\n", reads_in_flight,
		c->most_reads);
	fprintf(f, " \"mean_reads_in_flight\": %.2f, \"busy_ms\": %.3f,\n",
		busy > 0 ? (double)c->waited_ns / busy : 0, busy / 1e6);
	fprintf(f, " \"round_trips\": %u, \"trips\": [", c->round_trips);
	for (unsigned i = 0; i < c->round_trips && i < TRIPS; i++)
		fprintf(f, "%s\n  {\"stats\": %u, \"opens\": %u, \"reads\": %u}", i > 0 ? "," : "",
			c->trips[i][STAT], c->trips[i][OPEN], c->trips[i][READ]);
	fprintf(f, "]}\n");
}

/* --- names */

static int compare_nodes(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->path, ((const struct node *)b)->path);
}

static struct node *node_of(fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? &root : (struct node *)(uintptr_t)ino;
}

/* NULL: no memory. */
static struct node *find_node(const struct node *parent, const char *name)
{
	char *path = NULL;
	struct node *made = calloc(1, sizeof(*made));
	if (made == NULL || asprintf(&path, "%s/%s", parent->path, name) < 0) {
		free(made);
		return NULL;
	}
	made->path = path;
	pthread_mutex_lock(&lock);
	void *entry = tsearch(made, &nodes, compare_nodes);
	pthread_mutex_unlock(&lock);
	struct node *found = entry == NULL ? NULL : *(struct node **)entry;
	if (found != made) {
		free(path);
		free(made);
	}
	return found;
}

static void free_node(void *p)
{
	struct node *n = p;
	free((void *)(uintptr_t)n->path);
	free(n);
}

/* Whether this request belongs to a LOOKUP before it. */
static bool was_looked_up(struct node *n)
{
	pthread_mutex_lock(&lock);
	bool was = n->looked > 0;
	n->looked -= was;
	pthread_mutex_unlock(&lock);
	return was;
}

/* --- waiting */

static void enqueue(struct delayed *d)
{
	struct delayed *before = TAILQ_LAST(&queue, requests);
	while (before != NULL && before->due > d->due)
		before = TAILQ_PREV(before, requests, link);
	if (before != NULL) {
		TAILQ_INSERT_AFTER(&queue, before, d, link);
	} else {
		TAILQ_INSERT_HEAD(&queue, d, link);
		pthread_cond_broadcast(&changed);
	}
	d->queued = true;
}

/* Called by libfuse: nobody waits for it any longer. */
static void hurry(fuse_req_t req, void *data)
{
	(void)req;
	struct delayed *d = data;
	pthread_mutex_lock(&lock);
	d->interrupted = true;
	if (d->queued) {
		TAILQ_REMOVE(&queue, d, link);
		d->due = 0;
		enqueue(d);
	}
	pthread_mutex_unlock(&lock);
}

static void delay(fuse_req_t req, struct delayed what)
{
	struct delayed *d = malloc(sizeof(*d));
	if (d == NULL || what.node == NULL) {
		free(d);
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*d = what;
	d->req = req;
	fuse_req_interrupt_func(req, hurry, d);
	pthread_mutex_lock(&lock);
	d->due = d->interrupted ? 0 : now_ns() + delay_ns[d->kind];
	count_arrival(d);
	enqueue(d);
	pthread_mutex_unlock(&lock);
}

/* Waits for the next one that is due; at the end all are. NULL: the end, and none is left. */
static struct delayed *next_due(void)
{
	struct delayed *d;
	pthread_mutex_lock(&lock);
	while ((d = TAILQ_FIRST(&queue)) != NULL || !ending) {
		if (d != NULL && (ending || d->due <= now_ns()))
			break;
		if (d == NULL) {
			pthread_cond_wait(&changed, &lock);
			continue;
		}
		struct timespec t = { (time_t)(d->due / 1000000000), (long)(d->due % 1000000000) };
		pthread_cond_timedwait(&changed, &lock, &t);
	}
	if (d != NULL) {
		TAILQ_REMOVE(&queue, d, link);
		d->queued = false;
	}
	pthread_mutex_unlock(&lock);
	return d;
}

static void *answer_loop(void *arg)
{
	for (struct delayed *d; (d = next_due()) != NULL; free(d)) {
		fuse_req_interrupt_func(d->req, NULL, NULL);
		d->answer(d);
	}
	return arg;
}

/* Counts before the reply goes out, for then the next request may come at once. */
static void answered(const struct delayed *d, size_t bytes)
{
	pthread_mutex_lock(&lock);
	count_answer(d, bytes);
	pthread_mutex_unlock(&lock);
}

/* --- LOOKUP and GETATTR */

/* Set where the kernel offers to send several LOOKUPs of a folder at a time. */
static bool offered;

static void op_init(void *data, struct fuse_conn_info *conn)
{
	(void)data;
	offered = (conn->capable & FUSE_CAP_PARALLEL_DIROPS) != 0;
}

/* Accepts that: libfuse before 3.17 does not by itself. INIT is the first request, and the only one that is
 * answered so. */
static ssize_t /* lint-ok: as libfuse declares it */
accepting_writev(int fd, struct iovec *iov, int n, void *data)
{
	(void)data;
	if (offered && n == 2 && iov[1].iov_len == sizeof(struct fuse_init_out)) {
		struct fuse_init_out *reply = iov[1].iov_base;
		reply->flags |= FUSE_PARALLEL_DIROPS;
		offered = false;
	}
	return writev(fd, iov, n);
}

static ssize_t /* lint-ok: as libfuse declares it */
plain_read(int fd, void *buf, size_t size, void *data)
{
	(void)data;
	return read(fd, buf, size);
}

static int stat_node(const struct node *n, struct stat *st)
{
	if (n == &control) {
		*st = (struct stat){ .st_mode = S_IFREG | 0644, .st_nlink = 1 };
		return 0;
	}
	return fstatat(source_fd, n->path, st, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
}

static void reply_entry(fuse_req_t req, struct node *n, int error, const struct stat *st)
{
	struct fuse_entry_param e = { .ino = (uintptr_t)n, .attr = *st };
	if (error != 0)
		fuse_reply_err(req, error);
	else
		fuse_reply_entry(req, &e);
}

static void reply_attr(fuse_req_t req, int error, const struct stat *st)
{
	if (error != 0)
		fuse_reply_err(req, error);
	else
		fuse_reply_attr(req, st, 0);
}

static void answer_lookup(struct delayed *d)
{
	struct stat st = { 0 };
	int error = d->interrupted ? EINTR : stat_node(d->node, &st);
	answered(d, 0);
	if (error == 0) {
		pthread_mutex_lock(&lock);
		d->node->looked++;
		pthread_mutex_unlock(&lock);
	}
	reply_entry(d->req, d->node, error, &st);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (parent == FUSE_ROOT_ID && strcmp(name, control.path) == 0) {
		struct stat st;
		reply_entry(req, &control, stat_node(&control, &st), &st);
		return;
	}
	delay(req, (struct delayed){ .kind = STAT,
				     .answer = answer_lookup,
				     .node = find_node(node_of(parent), name) });
}

static void answer_getattr(struct delayed *d)
{
	struct stat st;
	int error = d->interrupted ? EINTR : stat_node(d->node, &st);
	answered(d, 0);
	reply_attr(d->req, error, &st);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	struct node *n = node_of(ino);
	if (n != &control && !was_looked_up(n)) {
		delay(req, (struct delayed){ .kind = STAT, .answer = answer_getattr, .node = n });
		return;
	}
	struct stat st;
	int error = stat_node(n, &st);
	reply_attr(req, error, &st);
}

/* Only to let the shell truncate the control file. */
static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		       struct fuse_file_info *fi)
{
	(void)attr, (void)to_set, (void)fi;
	struct stat st;
	int error = node_of(ino) == &control ? stat_node(&control, &st) : EROFS;
	reply_attr(req, error, &st);
}

/* --- OPEN, READ and RELEASE */

static void open_control(fuse_req_t req, struct fuse_file_info *fi)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	if (f == NULL) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	pthread_mutex_lock(&lock);
	reads_become(reads_in_flight);
	print_counts(f);
	pthread_mutex_unlock(&lock);
	if (fclose(f) != 0) {
		free(text);
		fuse_reply_err(req, ENOMEM);
		return;
	}
	fi->direct_io = 1;
	fi->fh = (uintptr_t)text;
	fuse_reply_open(req, fi);
}

static void answer_open(struct delayed *d)
{
	int fd = -1, error = EINTR;
	if (!d->interrupted) {
		fd = openat(source_fd, d->node->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		error = errno;
	}
	answered(d, 0);
	d->fi.direct_io = 1;
	d->fi.fh = (uint64_t)fd;
	if (fd < 0)
		fuse_reply_err(d->req, error);
	else if (fuse_reply_open(d->req, &d->fi) != 0)
		close(fd);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *n = node_of(ino);
	if (n == &control) {
		open_control(req, fi);
		return;
	}
	was_looked_up(n);
	if ((fi->flags & O_ACCMODE) != O_RDONLY)
		fuse_reply_err(req, EROFS);
	else
		delay(req, (struct delayed){
				   .kind = OPEN, .answer = answer_open, .node = n, .fi = *fi });
}

static void answer_read(struct delayed *d)
{
	char *buf = malloc(d->size + 1);
	int error = d->interrupted ? EINTR : ENOMEM;
	int64_t n = -1;
	if (buf != NULL && !d->interrupted) {
		n = pread((int)d->fi.fh, buf, d->size, (int64_t)d->at);
		error = errno;
	}
	answered(d, n < 0 ? 0 : (size_t)n);
	if (n < 0)
		fuse_reply_err(d->req, error);
	else
		fuse_reply_buf(d->req, buf, (size_t)n);
	free(buf);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size,
		    off_t at, /* lint-ok: libfuse's own type */
		    struct fuse_file_info *fi)
{
	struct node *n = node_of(ino);
	if (n == &control) {
		const char *text = (const char *)(uintptr_t)fi->fh;
		size_t all = strlen(text), from = (size_t)at < all ? (size_t)at : all;
		fuse_reply_buf(req, text + from, size < all - from ? size : all - from);
		return;
	}
	delay(req, (struct delayed){ .kind = READ,
				     .answer = answer_read,
				     .node = n,
				     .fi = *fi,
				     .at = (uint64_t)at,
				     .size = size });
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (node_of(ino) == &control)
		free((void *)(uintptr_t)fi->fh);
	else
		close((int)fi->fh);
	fuse_reply_err(req, 0);
}

/* --- commands */

static bool parse_ms(const char *text, uint64_t *ns)
{
	char *end;
	double ms = strtod(text, &end);
	if (end == text || *end != '\0' || !(ms >= 0 && ms <= 1e9))
		return false;
	*ns = (uint64_t)(ms * 1e6);
	return true;
}

/* `reset`, or a delay as in `read-ms 10`. */
static bool obey(const char *text)
{
	char word[64];
	uint64_t ns = 0;
	bool known = strcmp(text, "reset") == 0;
	pthread_mutex_lock(&lock);
	if (known)
		reset();
	for (int kind = 0; kind < KINDS && !known; kind++) {
		int n = snprintf(word, sizeof(word), "%s-ms ", kind_name[kind]);
		known = strncmp(text, word, (size_t)n) == 0 && parse_ms(text + n, &ns);
		if (known)
			delay_ns[kind] = ns;
	}
	pthread_mutex_unlock(&lock);
	return known;
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size,
		     off_t at, /* lint-ok: libfuse's own type */
		     struct fuse_file_info *fi)
{
	(void)at, (void)fi;
	char text[64] = "";
	bool fits = node_of(ino) == &control && size < sizeof(text);
	if (fits) {
		memcpy(text, buf, size);
		text[strcspn(text, "\n")] = '\0';
	}
	if (fits && obey(text))
		fuse_reply_write(req, size);
	else
		fuse_reply_err(req, EINVAL);
}

/* --- folders, links and the file system: never slow */

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *n = node_of(ino);
	was_looked_up(n);
	int fd = openat(source_fd, n->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		fuse_reply_err(req, errno);
		if (fd >= 0)
			close(fd);
		return;
	}
	fi->fh = (uintptr_t)dir;
	fuse_reply_open(req, fi);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size,
		       off_t at, /* lint-ok: libfuse's own type */
		       struct fuse_file_info *fi)
{
	(void)ino;
	DIR *dir = (DIR *)(uintptr_t)fi->fh;
	char *buf = malloc(size);
	if (buf == NULL) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	size_t used = 0;
	seekdir(dir, (long)at);
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		struct stat st = { .st_ino = e->d_ino, .st_mode = (mode_t)DTTOIF(e->d_type) };
		size_t n =
			fuse_add_direntry(req, buf + used, size - used, e->d_name, &st, e->d_off);
		if (n > size - used)
			break;
		used += n;
	}
	fuse_reply_buf(req, buf, used);
	free(buf);
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	closedir((DIR *)(uintptr_t)fi->fh);
	fuse_reply_err(req, 0);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	char target[4096];
	int64_t n = readlinkat(source_fd, node_of(ino)->path, target, sizeof(target) - 1);
	if (n < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	target[n] = '\0';
	fuse_reply_readlink(req, target);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	(void)ino;
	struct statvfs s;
	if (fstatvfs(source_fd, &s) != 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_statfs(req, &s);
}

static const struct fuse_lowlevel_ops ops = {
	.init = op_init,
	.lookup = op_lookup,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.release = op_release,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.releasedir = op_releasedir,
	.statfs = op_statfs,
};

/* --- the program */

/* Serves until the end; false: threads are missing. */
static bool serve(struct fuse_session *session)
{
	pthread_t threads[ANSWER_THREADS];
	int n = 0;
	while (n < ANSWER_THREADS && pthread_create(&threads[n], NULL, answer_loop, NULL) == 0)
		n++;
	if (n > 0)
		fuse_session_loop(session);
	pthread_mutex_lock(&lock);
	ending = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return n > 0;
}

static bool serve_at(const char *mount)
{
	static char name[] = "slow_fs", o[] = "-o", options[] = "fsname=slow_fs,subtype=slow_fs";
	char *words[] = { name, o, options, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, words);
	struct fuse_session *session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	fuse_opt_free_args(&args);
	if (session == NULL)
		return false;
	bool ok = fuse_set_signal_handlers(session) == 0;
	static const struct fuse_custom_io io = { .writev = accepting_writev, .read = plain_read };
	if (ok && (ok = fuse_session_mount(session, mount) == 0)) {
		ok = fuse_session_custom_io(session, &io, fuse_session_fd(session)) == 0 &&
		     serve(session);
		fuse_session_unmount(session);
	}
	fuse_remove_signal_handlers(session);
	fuse_session_destroy(session);
	return ok;
}

static bool parse_options(int argc, char **argv)
{
	static const struct option known[] = { { "stat-ms", required_argument, NULL, STAT },
					       { "open-ms", required_argument, NULL, OPEN },
					       { "read-ms", required_argument, NULL, READ },
					       { NULL, 0, NULL, 0 } };
	for (int kind; (kind = getopt_long(argc, argv, "", known, NULL)) != -1;)
		if (kind < 0 || kind >= KINDS || !parse_ms(optarg, &delay_ns[kind]))
			return false;
	return argc - optind == 2;
}

int main(int argc, char **argv)
{
	if (!parse_options(argc, argv)) {
		fprintf(stderr, "slow_fs SOURCE MOUNT [--read-ms N] [--stat-ms N] [--open-ms N]\n");
		return 2;
	}
	source_fd = open(argv[optind], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (source_fd < 0) {
		fprintf(stderr, "%s: %s\n", argv[optind], strerror(errno));
		return 1;
	}
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &attr);
	pthread_condattr_destroy(&attr);
	bool ok = serve_at(argv[optind + 1]);
	tdestroy(nodes, free_node);
	close(source_fd);
	return ok ? 0 : 1;
}
