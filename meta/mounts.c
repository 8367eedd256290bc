#include "meta/mounts.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

static const char *parse_number(const char *s, unsigned *out)
{
	unsigned v = 0;
	while (*s >= '0' && *s <= '9' && v < 100000000)
		v = 10 * v + (unsigned)(*s++ - '0');
	*out = v;
	return s;
}

bool mounts_type(const char *type, size_t n)
{
	static const char prefix[] = "fuse.", name[] = "ngffuse";
	size_t begin = sizeof(prefix) - 1, len = sizeof(name) - 1;
	if (n < begin + len || strncmp(type, prefix, begin) != 0 ||
	    memcmp(type + n - len, name, len) != 0)
		return false;
	return n == begin + len || type[n - len - 1] == '/';
}

bool mounts_line(const char *line, dev_t *dev)
{
	/* ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [FIELDS] - TYPE SOURCE OPTIONS */
	const char *type = strstr(line, " - ");
	if (type == NULL || !mounts_type(type + 3, strcspn(type + 3, " \n")))
		return false;
	const char *s = strchr(line, ' ');
	s = s == NULL ? NULL : strchr(s + 1, ' ');
	if (s == NULL)
		return false;
	unsigned major_number = 0, minor_number = 0;
	s = parse_number(s + 1, &major_number);
	if (*s != ':')
		return false;
	parse_number(s + 1, &minor_number);
	*dev = makedev(major_number, minor_number);
	return true;
}

void mounts_read(struct mounts *m)
{
	*m = (struct mounts){ 0 };
	FILE *f = fopen("/proc/self/mountinfo", "re");
	if (f == NULL)
		return;
	CLEANUP(freep) char *line = NULL;
	size_t cap = 0;
	while (getline(&line, &cap, f) > 0) {
		dev_t dev = 0;
		if (!mounts_line(line, &dev))
			continue;
		dev_t *more = reallocarray(m->devs, m->n + 1, sizeof(*more));
		if (more == NULL)
			break;
		m->devs = more;
		more[m->n++] = dev;
	}
	fclose(f);
}

bool mounts_has(const struct mounts *m, dev_t dev)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->devs[i] == dev)
			return true;
	return false;
}

void mounts_done(struct mounts *m)
{
	free(m->devs);
	*m = (struct mounts){ 0 };
}
