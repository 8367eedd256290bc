#include "fs/mount_ready.h"

#include "fs/mount_text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* A look at the root from a thread of its own. */
struct probe {
	const char *path;
	int error;
};

/* Raw calls: a thread sanitizer takes descriptors of the same number for the same, whatever their table. */
static int read_root(const char *path)
{
	struct stat st;
	char names[1024];
	if (stat(path, &st) != 0)
		return errno;
	long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int e = fd >= 0 && syscall(SYS_getdents64, fd, names, sizeof(names)) >= 0 ? 0 : errno;
	if (fd >= 0)
		syscall(SYS_close, fd);
	return e;
}

/* If the process is killed while this thread waits for an answer that it alone could give, the thread ends only
 * once the device is closed: it must not be the one that has it open, so it lets go of all descriptors. */
static void *probe_root(void *data)
{
	struct probe *p = data;
	(void)syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_UNSHARE); /* Linux 5.9 */
	p->error = read_root(p->path);
	return NULL;
}

static int look_at_root(const char *path)
{
	struct probe p = { path, 0 };
	pthread_t thread;
	int e = pthread_create(&thread, NULL, probe_root, &p);
	if (e != 0)
		return e;
	pthread_join(thread, NULL);
	return p.error;
}

static void *wait_ready(void *data)
{
	struct ready *r = data;
	while (sem_wait(&r->hello) != 0)
		continue;
	int e = r->path == NULL || atomic_load(&r->stopped) ? 0 : look_at_root(r->path);
	if (!atomic_load(&r->stopped))
		r->told(r->data, e);
	return NULL;
}

int ready_start(struct ready *r, const char *path, void (*told)(void *data, int error), void *data,
		struct err *err)
{
	r->path = path;
	r->told = told;
	r->data = data;
	atomic_store(&r->stopped, false);
	sem_init(&r->hello, 0, 0);
	int e = pthread_create(&r->thread, NULL, wait_ready, r);
	if (e == 0)
		return 0;
	sem_destroy(&r->hello);
	return err_set(err, e, "no thread can be started: %s", strerror(e));
}

void ready_hello(void *ready)
{
	struct ready *r = ready;
	sem_post(&r->hello);
}

void ready_cancel(struct ready *r)
{
	atomic_store(&r->stopped, true);
}

void ready_stop(struct ready *r)
{
	ready_cancel(r);
	sem_post(&r->hello);
	pthread_join(r->thread, NULL);
	sem_destroy(&r->hello);
}

void ready_notify(const char *state)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = name == NULL ? 0 : mount_text_socket(name, a.sun_path, sizeof(a.sun_path));
	if (n == 0)
		return;
	CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	/* A manager that does not listen is no reason not to serve. */
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&a, len);
}
