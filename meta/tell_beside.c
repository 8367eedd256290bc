#include "meta/tell_beside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "codec/reader.h"
#include "codec/text.h"
#include "meta/walk.h"

struct beside beside_of(const struct dataset *d, const char *path)
{
	return (struct beside){ d->root_fd, path };
}

static size_t part_length(const char *s)
{
	return strcspn(s, "/");
}

static bool is_dots(const char *s, size_t n, size_t dots)
{
	return n == dots && strncmp(s, "..", n) == 0;
}

/* Adds one part, or takes the last one away for "..". */
static bool add_part(struct text *t, const char *s, size_t n)
{
	if (n == 0 || is_dots(s, n, 1))
		return true;
	if (!is_dots(s, n, 2)) {
		text_addf(t, "%s%.*s", t->len > 0 ? "/" : "", (int)n, s);
		return !t->oom;
	}
	if (t->len == 0)
		return false;
	size_t cut = path_folder(t->s);
	t->len = cut > 0 ? cut - 1 : 0;
	t->s[t->len] = '\0';
	return true;
}

bool beside_path(const char *from, const char *name, struct text *t)
{
	size_t folder = path_folder(from);
	bool inside = folder == 0;
	if (folder > 0) {
		text_addn(t, from, folder - 1);
		inside = !t->oom;
	}
	for (const char *s = name; inside && *s != '\0';) {
		size_t n = part_length(s);
		inside = add_part(t, s, n);
		s += n + (s[n] == '/');
	}
	return inside && t->len > 0;
}

/* For kernels and containers without openat2: no link at all is followed. */
static int open_by_parts(int root_fd, const char *path)
{
	int at = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
	for (const char *s = path; at >= 0 && *s != '\0';) {
		size_t n = part_length(s);
		bool last = s[n] == '\0';
		char part[256];
		if (n >= sizeof(part) || is_dots(s, n, 2)) {
			close(at);
			return n >= sizeof(part) ? -ENAMETOOLONG : -EXDEV;
		}
		memcpy(part, s, n);
		part[n] = '\0';
		int next = openat(at, n == 0 ? "." : part,
				  O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
					  (last ? 0 : O_DIRECTORY));
		int code = next < 0 ? errno : 0;
		close(at);
		if (next < 0)
			return code == ELOOP ? -EXDEV : -code;
		at = next;
		s += n + !last;
	}
	return at < 0 ? -errno : at;
}

int beside_open(int root_fd, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	if (fd >= 0)
		return (int)fd;
	if (errno == ENOSYS || errno == EPERM || errno == EINVAL)
		return open_by_parts(root_fd, path);
	return -errno;
}

/* Opens the file that `b` calls `path`: descriptor, its size in *size; -ENOENT, -EXDEV .. */
static int open_named(const struct beside *b, const char *path, uint64_t *size)
{
	struct text CLEANUP(text_done) full = { 0 };
	if (!beside_path(b->path, path, &full))
		return full.oom ? -ENOMEM : -EXDEV;
	int fd = beside_open(b->root_fd, full.s);
	if (fd < 0)
		return fd == -ENOTDIR || fd == -ELOOP || fd == -ENAMETOOLONG ? -ENOENT : fd;
	struct stat st;
	int rc = fstat(fd, &st) != 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -ENOENT;
	if (rc != 0) {
		close(fd);
		return rc;
	}
	*size = (uint64_t)st.st_size;
	return fd;
}

static int read_some(int fd, uint64_t off, uint64_t size, size_t n, char **out, size_t *len)
{
	CLEANUP(freep) char *s = malloc(n + 1);
	if (s == NULL)
		return -ENOMEM;
	struct reader r = reader_fd(&fd, size);
	int rc = n > 0 ? reader_exact(&r, s, n, off, NULL) : 0;
	if (rc != 0)
		return rc;
	s[n] = '\0';
	*len = n;
	*out = STEAL(s);
	return 0;
}

int beside_read(void *ctx, const char *path, size_t max, char **out, size_t *len)
{
	uint64_t size = 0;
	CLEANUP(closep) int fd = open_named(ctx, path, &size);
	if (fd < 0 || max == 0)
		return fd < 0 ? fd : 0;
	return size > max ? -EFBIG : read_some(fd, 0, size, size, out, len);
}

int beside_read_at(void *ctx, const char *path, uint64_t off, size_t max, char **out, size_t *len)
{
	uint64_t size = 0;
	CLEANUP(closep) int fd = open_named(ctx, path, &size);
	if (fd < 0)
		return fd;
	size_t n = off < size ? (size_t)min_u64(max, size - off) : 0;
	return read_some(fd, off, size, n, out, len);
}
