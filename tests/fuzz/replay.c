/* A main for fuzz targets where libFuzzer is not: runs every file named, and every file of the folders
 * named. Each input lies in a block of just its size, so that AddressSanitizer sees reads beyond it. */
#include "tests/fuzz/fuzz.h"

#include "codec/base.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void fclosep(FILE **f)
{
	if (*f != NULL)
		fclose(*f);
}

static int run_file(const char *path)
{
	FILE *f CLEANUP(fclosep) = fopen(path, "rb");
	struct stat st;
	if (f == NULL || fstat(fileno(f), &st) != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	size_t size = (size_t)st.st_size;
	uint8_t *data CLEANUP(freep) = malloc(size > 0 ? size : 1);
	if (data == NULL || fread(data, 1, size, f) != size) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return -1;
	}
	/* Printed before the run: the last line names the input that crashed. */
	printf("%s: %zu bytes\n", path, size);
	fflush(stdout);
	return LLVMFuzzerTestOneInput(data, size);
}

static void closedirp(DIR **d)
{
	if (*d != NULL)
		closedir(*d);
}

/* Returns how many inputs were run, -1 after a failure. */
static int run(const char *path)
{
	DIR *dir CLEANUP(closedirp) = opendir(path);
	if (dir == NULL && errno == ENOTDIR)
		return run_file(path) == 0 ? 1 : -1;
	if (dir == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	int n = 0;
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		if (e->d_name[0] == '.')
			continue;
		char *file CLEANUP(freep) = NULL;
		if (asprintf(&file, "%s/%s", path, e->d_name) < 0 || run_file(file) != 0)
			return -1;
		n++;
	}
	return n;
}

int main(int argc, char **argv)
{
	int total = 0;
	for (int i = 1; i < argc; i++) {
		int n = run(argv[i]);
		if (n < 0)
			return 1;
		total += n;
	}
	printf("%d inputs\n", total);
	/* A replay of nothing proves nothing. */
	return total > 0 ? 0 : 1;
}
