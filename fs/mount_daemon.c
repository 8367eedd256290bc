#include "fs/mount_daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "fs/log.h"

/* What the child writes: one of these and, for a failure, the sentence. */
static const char said_ready = 'R', said_failed = 'F';

static int parse_fd(const char *name)
{
	int fd = 0;
	for (; *name != '\0'; name++) {
		if (*name < '0' || *name > '9' || fd > 100000000)
			return -1;
		fd = 10 * fd + (*name - '0');
	}
	return fd;
}

void daemon_close_inherited(int keep)
{
	DIR *dir = opendir("/proc/self/fd");
	if (dir == NULL)
		return;
	const struct dirent *d;
	while ((d = readdir(dir)) != NULL) {
		int fd = parse_fd(d->d_name);
		if (fd <= STDERR_FILENO || fd == keep)
			continue;
		/* All that this program opens is closed by exec; what came through exec is not. */
		int flags = fcntl(fd, F_GETFD);
		if (flags >= 0 && (flags & FD_CLOEXEC) == 0)
			close(fd);
	}
	closedir(dir);
}

pid_t daemon_fork(int *fd, struct err *err)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_set(err, errno, "pipe: %s", strerror(errno));
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0) {
		int e = errno;
		close(fds[0]);
		close(fds[1]);
		return err_set(err, e, "no process can be started: %s", strerror(e));
	}
	*fd = fds[pid == 0];
	close(fds[pid != 0]);
	return pid;
}

void daemon_settle(void)
{
	setsid();
	if (chdir("/") != 0)
		log_line("chdir /: %s", strerror(errno));
	log_to_syslog();
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		dup2(fd, i);
	if (fd > STDERR_FILENO)
		close(fd);
}

void daemon_tell(int fd, const struct err *failure)
{
	/* Small enough to go through a pipe at once. The parent may be gone: nothing to be done then. */
	char buf[sizeof(failure->msg) + 1] = { said_ready };
	size_t n = 1;
	if (failure != NULL) {
		buf[0] = said_failed;
		n += strlen(failure->msg);
		memcpy(buf + 1, failure->msg, n - 1);
	}
	while (write(fd, buf, n) < 0 && errno == EINTR)
		continue;
	close(fd);
}

/* Waits for the pipe, with the signals let in that may end this program. */
static bool await(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	sigset_t none;
	sigemptyset(&none);
	return ppoll(&p, 1, NULL, &none) > 0;
}

static void interrupt(UNUSED int sig)
{
}

int daemon_wait(pid_t child, int fd, bool *crashed, struct err *err)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	struct sigaction sa = { .sa_handler = interrupt };
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &sa, NULL);
	while (!await(fd))
		kill(child, SIGTERM);
	char buf[sizeof(err->msg) + 1];
	int64_t n;
	while ((n = read(fd, buf, sizeof(buf) - 1)) < 0 && errno == EINTR)
		continue;
	close(fd);
	*crashed = n <= 0;
	if (n > 0 && buf[0] == said_ready)
		return 0;
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
	if (n <= 0)
		return err_set(err, EIO, "the background process ended before the mount was ready");
	buf[n] = '\0';
	return err_set(err, EIO, "%s", buf + 1);
}
