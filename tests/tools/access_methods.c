/* Reads a file in every way that a reader may choose, and compares bytes and sizes with those of another
 * file that is known to be right. One line for each way; exit code 1 where one differs.
 *
 *	access_methods FILE EXPECTED_FILE [WAY..] */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* The file under test, the truth, and why the way that is tried now failed. */
static const char *path;
static char *truth;
static size_t size;
static char why[256];

#define FAIL(...)	 (snprintf(why, sizeof(why), __VA_ARGS__), false)
#define FAIL_ERRNO(what) FAIL("%s: %s", what, strerror(errno))

static int open_file(int flags)
{
	return open(path, O_RDONLY | O_CLOEXEC | flags);
}

static bool same(const char *got, size_t n, size_t at, size_t want)
{
	if (n != want)
		return FAIL("%zu bytes at %zu, %zu expected", n, at, want);
	for (size_t i = 0; i < n; i++)
		if (got[i] != truth[at + i])
			return FAIL("byte %zu is %02x, %02x expected", at + i, (uint8_t)got[i],
				    (uint8_t)truth[at + i]);
	return true;
}

/* What a read of n bytes at `at` gives of the truth. */
static size_t share(size_t at, size_t n)
{
	if (at >= size)
		return 0;
	return n < size - at ? n : size - at;
}

/* Room for what is read, one page larger than the truth, and aligned for O_DIRECT. */
static char *room(void)
{
	char *buf = aligned_alloc(4096, (size / 4096 + 2) * 4096);
	if (buf == NULL)
		abort();
	memset(buf, 0x5a, (size / 4096 + 2) * 4096);
	return buf;
}

static bool read_size(int fd)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return FAIL_ERRNO("fstat");
	if ((size_t)st.st_size != size)
		return FAIL("st_size %lld, %zu expected", (long long)st.st_size, size);
	char *buf = room(), byte;
	int64_t n = read(fd, buf, size);
	bool ok = n < 0 ? FAIL_ERRNO("read") : same(buf, (size_t)n, 0, size);
	if (ok && read(fd, &byte, 1) != 0)
		ok = FAIL("no end of file at %zu", size);
	free(buf);
	return ok;
}

/* Until the end, in pieces, without asking for the size. */
static bool read_to_end(int fd)
{
	char *buf = room();
	size_t at = 0;
	int64_t n = 1;
	while (n > 0 && at <= size) {
		size_t left = size + 4096 - at;
		n = read(fd, buf + at, left < 10000 ? left : 10000);
		at += n > 0 ? (size_t)n : 0;
	}
	bool ok = n < 0 ? FAIL_ERRNO("read") : same(buf, at, 0, size);
	free(buf);
	return ok;
}

static bool pread_around(int fd)
{
	char *buf = room();
	const size_t at[] = {
		0,    1,	size / 2,      size / 2 + 4095, size > 1 ? size - 1 : 0,
		size, size + 1, size + 1000000
	};
	bool ok = true;
	for (size_t i = 0; ok && i < sizeof(at) / sizeof(at[0]); i++) {
		int64_t n = pread(fd, buf, 4096, (int64_t)at[i]);
		if (n < 0)
			ok = FAIL_ERRNO("pread");
		else
			ok = same(buf, (size_t)n, at[i], share(at[i], 4096));
	}
	free(buf);
	return ok;
}

static bool pread_middle(int fd)
{
	char *buf = room();
	size_t at = size / 3;
	int64_t n = pread(fd, buf, size / 2, (int64_t)at);
	bool ok = n < 0 ? FAIL_ERRNO("pread") : same(buf, (size_t)n, at, size / 2);
	free(buf);
	return ok;
}

static bool read_vector(int fd)
{
	char *buf = room();
	size_t first = size / 3;
	struct iovec v[2] = { { buf, first }, { buf + first, size - first + 100 } };
	int64_t n = readv(fd, v, 2);
	bool ok = n < 0 ? FAIL_ERRNO("readv") : same(buf, (size_t)n, 0, size);
	free(buf);
	return ok;
}

static bool map(int fd, int flags)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return FAIL_ERRNO("fstat");
	if ((size_t)st.st_size != size)
		return FAIL("st_size %lld, %zu expected", (long long)st.st_size, size);
	char *p = mmap(NULL, size, PROT_READ, flags, fd, 0);
	if (p == MAP_FAILED)
		return FAIL_ERRNO("mmap");
	bool ok = same(p, size, 0, size);
	munmap(p, size);
	return ok;
}

static bool map_private(int fd)
{
	return map(fd, MAP_PRIVATE);
}

static bool map_shared(int fd)
{
	return map(fd, MAP_SHARED);
}

/* A nameless file that copies go to. */
static int sink(void)
{
	int fd = memfd_create("copy", MFD_CLOEXEC);
	if (fd < 0)
		abort();
	return fd;
}

static bool sink_same(int fd)
{
	char *buf = room();
	int64_t n = pread(fd, buf, size + 1, 0);
	bool ok = n < 0 ? FAIL_ERRNO("pread of the copy") : same(buf, (size_t)n, 0, size);
	free(buf);
	return ok;
}

static bool send_file(int fd)
{
	int to = sink();
	int64_t n;
	while ((n = sendfile(to, fd, NULL, 1 << 20)) > 0)
		continue;
	bool ok = n < 0 ? FAIL_ERRNO("sendfile") : sink_same(to);
	close(to);
	return ok;
}

static bool splice_pipe(int fd)
{
	int pipes[2], to = sink();
	if (pipe2(pipes, O_CLOEXEC) != 0)
		return FAIL_ERRNO("pipe");
	int64_t n, m = 0;
	while ((n = splice(fd, NULL, pipes[1], NULL, 65536, 0)) > 0)
		for (m = 0; n > 0; n -= m)
			if ((m = splice(pipes[0], NULL, to, NULL, (size_t)n, 0)) <= 0)
				abort();
	bool ok = n < 0 ? FAIL_ERRNO("splice") : sink_same(to);
	close(pipes[0]);
	close(pipes[1]);
	close(to);
	return ok;
}

/* Between two file systems the kernel may refuse, as it does for disks; then `cp` copies by itself. */
static bool copy_range(int fd)
{
	int to = sink();
	int64_t n;
	while ((n = copy_file_range(fd, NULL, to, NULL, 1 << 20, 0)) > 0)
		continue;
	bool refused = n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP);
	bool ok = refused ? true : n < 0 ? FAIL_ERRNO("copy_file_range") : sink_same(to);
	close(to);
	return ok;
}

static bool read_direct(int fd)
{
	(void)fd;
	int direct = open_file(O_DIRECT);
	if (direct < 0)
		return FAIL_ERRNO("open O_DIRECT");
	char *buf = room();
	size_t at = 0;
	int64_t n = 1;
	while (n > 0 && at <= size) {
		n = pread(direct, buf + at, (size / 4096 + 1) * 4096 - at / 4096 * 4096,
			  (int64_t)at);
		at += n > 0 ? (size_t)n : 0;
		if (at % 4096 != 0)
			break;
	}
	bool ok = n < 0 ? FAIL_ERRNO("pread O_DIRECT") : same(buf, at, 0, size);
	free(buf);
	close(direct);
	return ok;
}

static bool path_fstat(int fd)
{
	(void)fd;
	struct stat st;
	int p = open(path, O_PATH | O_CLOEXEC);
	if (p < 0)
		return FAIL_ERRNO("open O_PATH");
	bool ok = fstat(p, &st) == 0 ? true : FAIL_ERRNO("fstat");
	close(p);
	if (ok && (size_t)st.st_size != size)
		ok = FAIL("st_size %lld, %zu expected", (long long)st.st_size, size);
	return ok;
}

static bool plain_stat(int fd)
{
	(void)fd;
	struct stat st;
	if (stat(path, &st) != 0)
		return FAIL_ERRNO("stat");
	if ((size_t)st.st_size != size)
		return FAIL("st_size %lld, %zu expected", (long long)st.st_size, size);
	if ((size_t)st.st_blocks != (size + 511) / 512)
		return FAIL("st_blocks %lld for %zu bytes", (long long)st.st_blocks, size);
	return true;
}

static bool statx_with(int flags)
{
	struct statx st;
	if (statx(AT_FDCWD, path, flags, STATX_BASIC_STATS, &st) != 0)
		return FAIL_ERRNO("statx");
	if (st.stx_size != size)
		return FAIL("stx_size %llu, %zu expected", (unsigned long long)st.stx_size, size);
	return true;
}

static bool statx_sync(int fd)
{
	(void)fd;
	return statx_with(AT_STATX_FORCE_SYNC);
}

/* Whatever the kernel has: with a bound announced first this is the bound. */
static bool statx_dont_sync(int fd)
{
	(void)fd;
	return statx_with(AT_STATX_DONT_SYNC);
}

static bool seek_end(int fd)
{
	int64_t end = lseek(fd, 0, SEEK_END);
	if (end < 0)
		return FAIL_ERRNO("lseek");
	return (size_t)end == size ? true : FAIL("end at %lld, %zu expected", (long long)end, size);
}

static const struct {
	const char *name;
	bool opens; /* gets a fresh descriptor */
	bool (*run)(int fd);
} ways[] = {
	{ "stat", false, plain_stat },
	{ "statx", false, statx_sync },
	{ "statx-dont-sync", false, statx_dont_sync },
	{ "path-fstat", false, path_fstat },
	{ "read-size", true, read_size },
	{ "read-to-end", true, read_to_end },
	{ "pread-around", true, pread_around },
	{ "pread-middle", true, pread_middle },
	{ "readv", true, read_vector },
	{ "mmap-private", true, map_private },
	{ "mmap-shared", true, map_shared },
	{ "sendfile", true, send_file },
	{ "splice", true, splice_pipe },
	{ "copy-file-range", true, copy_range },
	{ "o-direct", false, read_direct },
	{ "seek-end", true, seek_end },
};

static bool load_truth(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		return false;
	size = (size_t)st.st_size;
	truth = malloc(size + 1);
	size_t n = 0;
	while (truth != NULL && n < size) {
		int64_t got = read(fd, truth + n, size - n);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	return size > 0 && n == size;
}

static bool try_way(size_t i)
{
	int fd = -1;
	bool ok = true;
	if (ways[i].opens && (fd = open_file(0)) < 0)
		ok = FAIL_ERRNO("open");
	if (ok)
		ok = ways[i].run(fd);
	if (fd >= 0)
		close(fd);
	printf("%-16s %s%s\n", ways[i].name, ok ? "ok" : "DIFFERS: ", ok ? "" : why);
	return ok;
}

static bool wanted(const char *name, char **names, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return n == 0;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "access_methods FILE EXPECTED_FILE [WAY..]\n");
		return 2;
	}
	path = argv[1];
	if (!load_truth(argv[2])) {
		fprintf(stderr, "%s: no such file, or empty\n", argv[2]);
		return 2;
	}
	bool ok = true;
	size_t tried = 0;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (!wanted(ways[i].name, argv + 3, argc - 3))
			continue;
		ok = try_way(i) && ok;
		tried++;
	}
	free(truth);
	if (tried == 0) {
		fprintf(stderr, "no such way\n");
		return 2;
	}
	return ok ? 0 : 1;
}
