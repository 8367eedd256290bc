#include "fs/cgroup.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

/* First number in a small file; UINT64_MAX where there is none ("max"). */
static uint64_t number_in(const char *path)
{
	char line[64] = "";
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return UINT64_MAX;
	char *got = fgets(line, sizeof(line), f);
	fclose(f);
	if (got == NULL || line[0] < '0' || line[0] > '9')
		return UINT64_MAX;
	return strtoull(line, NULL, 10); /* lint-ok: the kernel writes it */
}

/* The group's own path and those above it: the tightest limit counts. */
static uint64_t group_limit(const char *mount, const char *group, const char *file)
{
	char path[1024], dir[512];
	uint64_t limit = UINT64_MAX;
	snprintf(dir, sizeof(dir), "%s", group);
	for (;;) {
		snprintf(path, sizeof(path), "%s%s/%s", mount, dir, file);
		limit = min_u64(limit, number_in(path));
		char *slash = strrchr(dir, '/');
		if (slash == NULL)
			return limit;
		*slash = '\0';
	}
}

static uint64_t cgroup_limit(void)
{
	char line[512];
	uint64_t limit = UINT64_MAX;
	FILE *f = fopen("/proc/self/cgroup", "re");
	if (f == NULL)
		return limit;
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		char *controllers = strchr(line, ':');
		char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
		if (group == NULL)
			continue;
		*group++ = '\0';
		if (controllers[1] == '\0')
			limit = min_u64(limit, group_limit("/sys/fs/cgroup", group, "memory.max"));
		else if (strstr(controllers, "memory") != NULL)
			limit = min_u64(limit, group_limit("/sys/fs/cgroup/memory", group,
							   "memory.limit_in_bytes"));
	}
	fclose(f);
	return limit;
}

uint64_t cgroup_memory(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	uint64_t machine = pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : GiB;
	return min_u64(machine, cgroup_limit());
}

unsigned cgroup_cores(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	int n = CPU_COUNT(&set);
	return n < 1 ? 1 : (unsigned)n;
}
