#include "fs/mount_text.h"

#include <errno.h>
#include <string.h>

int mount_text_fd(const char *mountpoint)
{
	static const char prefix[] = "/dev/fd/";
	size_t n = sizeof(prefix) - 1;
	if (strncmp(mountpoint, prefix, n) != 0 || mountpoint[n] == '\0')
		return -1;
	int fd = 0;
	for (const char *s = mountpoint + n; *s != '\0'; s++) {
		if (*s < '0' || *s > '9' || fd > 1000000)
			return -1;
		fd = 10 * fd + (*s - '0');
	}
	return fd;
}

bool mount_text_is_image(const char *mountpoint, size_t n_images)
{
	static const char suffix[] = ".zarr";
	size_t n = strlen(mountpoint), len = sizeof(suffix) - 1;
	while (n > 1 && mountpoint[n - 1] == '/')
		n--;
	return n_images == 1 && n > len && mountpoint[n - len - 1] != '/' &&
	       strncmp(mountpoint + n - len, suffix, len) == 0;
}

void mount_text_escape(struct text *t, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == ',' || *s == '\\')
			text_add(t, "\\");
		text_addn(t, s, 1);
	}
}

/* Three octal digits: how mountinfo writes blanks and backslashes. */
static bool octal(const char *s, char *out)
{
	for (int i = 0; i < 3; i++)
		if (s[i] < '0' || s[i] > '7')
			return false;
	*out = (char)((s[0] - '0') << 6 | (s[1] - '0') << 3 | (s[2] - '0'));
	return true;
}

/* A copy of the field of n bytes; NULL: out of memory. */
static char *unescape(const char *s, size_t n)
{
	char *out = malloc(n + 1), *to = out;
	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\' && n - i > 3 && octal(s + i + 1, to))
			i += 3;
		else
			*to = s[i];
		to++;
	}
	*to = '\0';
	return out;
}

/* Field number k of the line, counted from 0; empty where there is none. */
static const char *field(const char *line, unsigned k, size_t *n)
{
	while (k-- > 0) {
		line += strcspn(line, " \n");
		if (*line == ' ')
			line++;
	}
	*n = strcspn(line, " \n");
	return line;
}

/* ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [FIELDS..] - TYPE SOURCE OPTIONS */
static int take_line(const char *line, const char *path, struct mount_entry *out)
{
	size_t n, end = strcspn(line, "\n");
	const char *s = field(line, 4, &n);
	CLEANUP(freep) char *point = unescape(s, n);
	if (point == NULL)
		return -ENOMEM;
	const char *rest = memmem(line, end, " - ", 3);
	if (rest == NULL || strcmp(point, path) != 0)
		return 0;
	struct mount_entry e = { 0 };
	s = field(rest + 3, 0, &n);
	e.type = unescape(s, n);
	s = field(rest + 3, 1, &n);
	e.source = unescape(s, n);
	e.point = STEAL(point);
	mount_entry_done(out);
	*out = e;
	return e.type == NULL || e.source == NULL ? -ENOMEM : 0;
}

int mount_text_find(const char *mountinfo, const char *path, struct mount_entry *out)
{
	*out = (struct mount_entry){ 0 };
	for (const char *line = mountinfo; *line != '\0';) {
		int r = take_line(line, path, out);
		if (r < 0) {
			mount_entry_done(out);
			return r;
		}
		line += strcspn(line, "\n");
		if (*line == '\n')
			line++;
	}
	return out->point == NULL ? -ENOENT : 0;
}

void mount_entry_done(struct mount_entry *e)
{
	free(e->point);
	free(e->type);
	free(e->source);
	*e = (struct mount_entry){ 0 };
}

size_t mount_text_socket(const char *name, char *path, size_t room)
{
	size_t n = strlen(name);
	/* A name in the file system ends with a NUL. */
	if ((name[0] != '/' && name[0] != '@') || n < 2 || n + (name[0] == '/') > room)
		return 0;
	memcpy(path, name, n);
	if (name[0] == '@') {
		path[0] = '\0';
		return n;
	}
	path[n] = '\0';
	return n + 1;
}
