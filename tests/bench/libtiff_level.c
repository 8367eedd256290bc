/* Decodes every strip or tile of all files given, by libtiff alone, on N threads: the floor that a mount is
 * held against. Usage: libtiff_level N FILE.. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <tiffio.h>

static char **files;
static int n_files;
static atomic_int next_file;
static atomic_ullong bytes;

static void decode(const char *path)
{
	TIFF *t = TIFFOpen(path, "rmc"); /* lint-ok: libtiff is the peer here */
	if (t == NULL)
		exit(1);
	bool tiled = TIFFIsTiled(t) != 0;
	tmsize_t size = tiled ? TIFFTileSize(t) : TIFFStripSize(t);
	uint32_t n = tiled ? TIFFNumberOfTiles(t) : TIFFNumberOfStrips(t);
	void *buf = malloc((size_t)size);
	for (uint32_t i = 0; i < n && buf != NULL; i++) {
		tmsize_t got = tiled ? TIFFReadEncodedTile(t, i, buf, size)
				     : TIFFReadEncodedStrip(t, i, buf, size);
		if (got < 0)
			exit(1);
		bytes += (unsigned long long)got;
	}
	free(buf);
	TIFFClose(t);
}

static void *worker(void *arg)
{
	for (int i; (i = next_file++) < n_files;)
		decode(files[i]);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t threads[64];
	int n = argc > 2 ? (int)strtoul(argv[1], NULL, 10) : 0; /* lint-ok: a bench */
	if (n < 1 || n > 64) {
		fprintf(stderr, "usage: libtiff_level THREADS FILE..\n");
		return 2;
	}
	files = argv + 2;
	n_files = argc - 2;
	for (int i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, worker, NULL) != 0)
			return 1;
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	printf("%llu bytes\n", (unsigned long long)bytes);
	return 0;
}
