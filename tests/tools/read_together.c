/* Processes that read one file each, all at once; small ones, so that the processors are left to the program
 * under test. One line: milliseconds from the start until the last had its bytes, milliseconds of processor time
 * that the readers took meanwhile, and the bytes read in all.
 * Exit code 1 where a read failed.
 *
 *	read_together FILE.. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What a child leaves for its parent, in shared memory. */
struct result {
	int error;
	uint64_t bytes;
	int64_t cpu_ns, end_ns;
};

static char buf[1 << 20];

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void read_file(const char *path, struct result *r)
{
	int64_t start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int64_t n = fd < 0 ? -1 : 1;
	while (n > 0) {
		n = read(fd, buf, sizeof(buf));
		r->bytes += n > 0 ? (uint64_t)n : 0;
	}
	r->error = n < 0 ? errno : 0;
	r->cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start;
	r->end_ns = clock_ns(CLOCK_MONOTONIC);
}

/* Says that it is there, and reads once the gate is closed. */
static void child(int ready, int gate, const char *path, struct result *r)
{
	char c = 0;
	memset(buf, 1, sizeof(buf));
	if (write(ready, &c, 1) == 1 && read(gate, &c, 1) == 0)
		read_file(path, r);
	else
		r->error = EPIPE;
	_exit(0);
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? (size_t)argc - 1 : 0;
	int ready[2], gate[2];
	struct result *results = mmap(NULL, (n + 1) * sizeof(*results), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (n == 0 || results == MAP_FAILED || pipe(ready) != 0 || pipe(gate) != 0) {
		fprintf(stderr, "read_together FILE..\n");
		return 2;
	}
	for (size_t i = 0; i < n; i++) {
		pid_t pid = fork();
		if (pid < 0)
			return 2;
		if (pid == 0) {
			close(gate[1]);
			child(ready[1], gate[0], argv[1 + i], &results[i]);
		}
	}
	char c;
	for (size_t i = 0; i < n; i++)
		if (read(ready[0], &c, 1) != 1)
			return 2;
	int64_t start = clock_ns(CLOCK_MONOTONIC), end = start, cpu = 0;
	close(gate[1]);
	while (wait(NULL) > 0)
		continue;
	uint64_t bytes = 0;
	int failed = 0;
	for (size_t i = 0; i < n; i++) {
		end = results[i].end_ns > end ? results[i].end_ns : end;
		cpu += results[i].cpu_ns;
		bytes += results[i].bytes;
		failed = results[i].error != 0 ? results[i].error : failed;
	}
	printf("%.3f %.3f %llu\n", (double)(end - start) / 1e6, (double)cpu / 1e6,
	       (unsigned long long)bytes);
	if (failed != 0)
		fprintf(stderr, "%s\n", strerror(failed));
	return failed != 0;
}
