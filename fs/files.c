#include "fs/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "fs/clock.h"
#include "fs/list.h"
#include "meta/walk.h"

static const uint64_t name_check_ns = 1000000000;

/* File systems whose inode numbers change with a remount, by statfs(2). */
static const unsigned long network_magic[] = {
	NFS_SUPER_MAGIC,       0xff534d42 /* cifs */,	0xfe534d42 /* smb2 */,
	0x517b /* smb */,      0x65735546 /* fuse */,	V9FS_MAGIC,
	AFS_SUPER_MAGIC,       0x00c36400 /* ceph */,	0x0bd00bd0 /* lustre */,
	0x47504653 /* gpfs */, 0x19830326 /* beegfs */,
};

struct open_file {
	struct table_node node;
	struct link idle; /* in files->idle while nobody uses it */
	uint32_t file;
	int fd;
	unsigned users;
	uint64_t checked; /* time of the last check by name */
};

struct files {
	const struct dataset *data;
	bool local; /* its inode numbers last, and opening a file costs nothing worth mentioning */
	pthread_mutex_t lock; /* guards what follows */
	struct table open;
	struct link idle;   /* oldest first */
	struct link in_use; /* leases, likewise */
	unsigned n_open, limit;
	uint8_t *changed; /* a bit a file: found to be another; for good */
};

static bool is_local(int fd)
{
	struct statfs s;
	if (fstatfs(fd, &s) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(network_magic); i++)
		if ((unsigned long)s.f_type == network_magic[i])
			return false;
	return true;
}

/* Half of the descriptors that the process may have, the soft limit raised to the hard one first. */
static unsigned descriptor_limit(void)
{
	struct rlimit r = { 1024, 1024 };
	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		struct rlimit more = { r.rlim_max, r.rlim_max };
		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			r = more;
	}
	return (unsigned)max_u64(16, min_u64(r.rlim_cur / 2, 4096));
}

struct files *files_new(const struct dataset *data)
{
	struct files *f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	f->data = data;
	f->local = is_local(data->root_fd);
	for (size_t i = 0; i < data->n_others; i++)
		f->local = f->local && is_local(data->others[i].fd);
	f->limit = descriptor_limit();
	list_init(&f->idle);
	list_init(&f->in_use);
	pthread_mutex_init(&f->lock, NULL);
	f->changed = calloc(1, data->n_files / 8 + 1);
	if (f->changed == NULL || !table_init(&f->open)) {
		files_free(f);
		return NULL;
	}
	return f;
}

void files_free(struct files *f)
{
	if (f == NULL)
		return;
	for (struct link *l; (l = list_first(&f->idle)) != NULL;) {
		struct open_file *o = CONTAINER(l, struct open_file, idle);
		list_remove(l);
		close(o->fd);
		free(o);
	}
	table_done(&f->open);
	free(f->changed);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static bool same_file(const struct files *f, const struct source_file *s, const struct stat *st)
{
	return (uint64_t)st->st_size == s->size && stat_mtime_ns(st) == s->mtime_ns &&
	       (!f->local || st->st_ino == s->ino);
}

static int changed(struct files *f, uint32_t file, struct err *err)
{
	pthread_mutex_lock(&f->lock);
	f->changed[file / 8] |= (uint8_t)(1 << (file % 8));
	pthread_mutex_unlock(&f->lock);
	return err_set(err, ESTALE,
		       "changed since it was mounted; mount again to see the new contents");
}

/* Is that errno value the answer where another thing, or nothing, has the name? */
static bool is_gone(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ESTALE;
}

static struct open_file *find_open(struct files *f, uint32_t file)
{
	for (struct table_node *n = table_first(&f->open, file); n != NULL; n = table_next(n)) {
		struct open_file *o = CONTAINER(n, struct open_file, node);
		if (o->file == file)
			return o;
	}
	return NULL;
}

/* Under the lock: takes an idle one out of the table when there are too many; its descriptor, or -1. */
static int make_place(struct files *f)
{
	struct link *l = f->n_open < f->limit ? NULL : list_first(&f->idle);
	if (l == NULL)
		return -1;
	struct open_file *o = CONTAINER(l, struct open_file, idle);
	list_remove(l);
	table_remove(&f->open, &o->node);
	f->n_open--;
	int fd = o->fd;
	free(o);
	return fd;
}

/* Opens and enters into the table; where another thread was faster, its entry is used. NULL: err says why. */
static struct open_file *open_new(struct files *f, uint32_t file, enum file_wait wait,
				  struct err *err)
{
	const struct source_file *s = &f->data->files[file];
	CLEANUP(closep) int fd = dataset_open(f->data, s, wait == FILE_WAIT);
	if (is_gone(-fd)) {
		changed(f, file, err);
		return NULL;
	}
	if (fd == -EAGAIN && wait == FILE_WAIT)
		fd = -EBUSY; /* the other has its meaning here */
	if (fd < 0) {
		err_set(err, -fd, "cannot be opened: %s", strerror(-fd));
		return NULL;
	}
	/* On far storage the look after reading is enough: one round trip less. */
	struct stat st;
	if (f->local && fstat(fd, &st) != 0) {
		err_set(err, errno, "cannot be examined: %s", strerror(errno));
		return NULL;
	}
	if (f->local && !same_file(f, s, &st)) {
		changed(f, file, err);
		return NULL;
	}
	struct open_file *o = calloc(1, sizeof(*o));
	if (o == NULL) {
		err_oom(err);
		return NULL;
	}
	pthread_mutex_lock(&f->lock);
	struct open_file *other = find_open(f, file);
	int old = -1;
	if (other == NULL) {
		old = make_place(f);
		o->file = file;
		o->fd = fd;
		o->checked = clock_ns();
		table_insert(&f->open, &o->node, file);
		f->n_open++;
		other = STEAL(o);
		fd = -1;
	}
	other->users++;
	list_remove(&other->idle);
	pthread_mutex_unlock(&f->lock);
	free(o);
	closep(&old);
	return other;
}

static int64_t pread_all(const struct file_lease *l, void *buf, size_t n, uint64_t off)
{
	size_t done = 0;
	while (done < n) {
		struct iovec to = { (char *)buf + done, n - done };
		ssize_t r = preadv2(l->fd, &to, 1, (off_t)(off + done), /* lint-ok: its own types */
				    l->wait == FILE_NOWAIT ? RWF_NOWAIT : 0);
		if (r < 0 && errno == EINTR)
			continue;
		/* The file system cannot say; and Linux 5.9 and 5.10 may say 0 where the file goes on. */
		if (l->wait == FILE_NOWAIT && (r == 0 || (r < 0 && errno == EOPNOTSUPP)))
			return -EAGAIN;
		if (r < 0)
			return l->wait == FILE_WAIT && errno == EAGAIN ? -EIO : -errno;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	return (int64_t)done;
}

static int64_t lease_pread(void *ctx, void *buf, size_t n, uint64_t off)
{
	struct file_lease *l = ctx;
	uint64_t began = clock_ns();
	int64_t r = pread_all(l, buf, n, off);
	if (r >= 0)
		l->fetched += (uint64_t)r;
	else if (r != -EAGAIN)
		l->error_ns = max_u64(l->error_ns, clock_ns() - began);
	return r;
}

static int check_by_name(struct files *f, struct open_file *o, uint64_t now, struct err *err)
{
	const struct source_file *s = &f->data->files[o->file];
	const char *path;
	int at = source_file_at(f->data, s, &path);
	struct stat st;
	if (fstatat(at, path, &st, 0) != 0) {
		if (is_gone(errno))
			return changed(f, o->file, err);
		return err_set(err, errno, "cannot be examined: %s", strerror(errno));
	}
	if (!same_file(f, s, &st))
		return changed(f, o->file, err);
	pthread_mutex_lock(&f->lock);
	o->checked = now;
	pthread_mutex_unlock(&f->lock);
	return 0;
}

/* Under the lock: the open file, if it is there and need not be waited for. */
static struct open_file *take_open(struct files *f, const struct file_lease *l, bool *stale,
				   bool *waits)
{
	struct open_file *o = find_open(f, l->file);
	*stale = o != NULL && l->began > o->checked && l->began - o->checked >= name_check_ns;
	*waits = !f->local && l->wait == FILE_NOWAIT && (o == NULL || *stale);
	if (o == NULL || *waits)
		return NULL;
	o->users++;
	list_remove(&o->idle);
	return o;
}

static int take_or_open(struct files *f, struct file_lease *l, struct err *err)
{
	bool stale = false, waits = false;
	pthread_mutex_lock(&f->lock);
	bool gone = (f->changed[l->file / 8] >> (l->file % 8) & 1) != 0;
	l->open = gone ? NULL : take_open(f, l, &stale, &waits);
	if (!gone && !waits)
		list_append(&f->in_use, &l->in_use);
	pthread_mutex_unlock(&f->lock);
	if (gone)
		return changed(f, l->file, err);
	if (waits)
		return -EAGAIN;
	if (l->open == NULL)
		l->open = open_new(f, l->file, l->wait, err);
	if (l->open == NULL)
		return -err->code;
	return stale ? check_by_name(f, l->open, l->began, err) : 0;
}

int files_get(struct files *f, uint32_t file, enum file_wait wait, struct file_lease *out,
	      struct err *err)
{
	*out = (struct file_lease){ .file = file, .wait = wait, .began = clock_ns() };
	int e = take_or_open(f, out, err);
	if (e < 0 || out->open == NULL) {
		out->error_ns = clock_ns() - out->began;
		files_put(f, out);
		return e;
	}
	out->fd = out->open->fd;
	out->reader = (struct reader){ lease_pread, out, f->data->files[file].size };
	return 0;
}

void files_put(struct files *f, struct file_lease *l)
{
	int old = -1;
	pthread_mutex_lock(&f->lock);
	list_remove(&l->in_use);
	if (l->open != NULL && --l->open->users == 0) {
		list_append(&f->idle, &l->open->idle);
		if (f->n_open > f->limit)
			old = make_place(f);
	}
	pthread_mutex_unlock(&f->lock);
	closep(&old);
	l->open = NULL;
}

void files_longest(struct files *f, struct file_in_use *out)
{
	*out = (struct file_in_use){ 0 };
	pthread_mutex_lock(&f->lock);
	const struct link *l = list_first(&f->in_use);
	if (l != NULL) {
		const struct file_lease *lease = CONTAINER(l, struct file_lease, in_use);
		*out = (struct file_in_use){ true, lease->file,
					     (clock_ns() - lease->began) / 1000000 };
	}
	pthread_mutex_unlock(&f->lock);
}

int files_verify(struct files *f, const struct file_lease *l, struct err *err)
{
	struct stat st;
	if (fstat(l->fd, &st) != 0)
		return err_set(err, errno, "cannot be examined: %s", strerror(errno));
	return same_file(f, &f->data->files[l->file], &st) ? 0 : changed(f, l->file, err);
}
