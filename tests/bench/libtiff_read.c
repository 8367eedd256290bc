/* Decodes strips or tiles of all files given, by libtiff alone, on THREADS threads: what a mount is held
 * against. FIRST and END are rows: only what holds some of them is decoded (0 0: everything).
 * One line: bytes decoded, wall seconds, seconds of processor time in user and system mode.
 *
 *	libtiff_read THREADS FIRST END FILE.. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <tiffio.h>
#include <time.h>

static char **files;
static int n_files;
static unsigned long first_row, end_row;
static atomic_int next_file;
static atomic_ullong bytes;

static uint32_t number(TIFF *t, uint32_t tag)
{
	uint32_t v = 0;
	if (TIFFGetFieldDefaulted(t, tag, &v) != 1)
		exit(1);
	return v;
}

static void decode_piece(TIFF *t, uint32_t i, void *buf, tmsize_t size)
{
	tmsize_t got = TIFFIsTiled(t) ? TIFFReadEncodedTile(t, i, buf, size)
				      : TIFFReadEncodedStrip(t, i, buf, size);
	if (got < 0)
		exit(1);
	bytes += (unsigned long long)got;
}

static void decode_file(const char *path)
{
	TIFF *t = TIFFOpen(path, "rmc"); /* lint-ok: libtiff is the peer here */
	if (t == NULL)
		exit(1);
	bool tiled = TIFFIsTiled(t) != 0;
	uint32_t n = tiled ? TIFFNumberOfTiles(t) : TIFFNumberOfStrips(t);
	uint32_t rows = number(t, tiled ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP);
	uint32_t across =
		tiled ? (number(t, TIFFTAG_IMAGEWIDTH) - 1) / number(t, TIFFTAG_TILEWIDTH) + 1 : 1;
	tmsize_t size = tiled ? TIFFTileSize(t) : TIFFStripSize(t);
	void *buf = malloc((size_t)size);
	if (buf == NULL)
		exit(1);
	for (uint32_t i = 0; i < n; i++) {
		unsigned long row = (unsigned long)(i / across) * rows;
		if (end_row == 0 || (row < end_row && row + rows > first_row))
			decode_piece(t, i, buf, size);
	}
	free(buf);
	TIFFClose(t);
}

static void *worker(void *arg)
{
	for (int i; (i = next_file++) < n_files;)
		decode_file(files[i]);
	return arg;
}

static void run(int n)
{
	pthread_t threads[64];
	for (int i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, worker, NULL) != 0)
			exit(1);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	int n = argc > 4 ? (int)strtoul(argv[1], NULL, 10) : 0; /* lint-ok: a bench */
	if (n < 1 || n > 64) {
		fprintf(stderr, "usage: libtiff_read THREADS FIRST END FILE..\n");
		return 2;
	}
	first_row = strtoul(argv[2], NULL, 10); /* lint-ok: a bench */
	end_row = strtoul(argv[3], NULL, 10);	/* lint-ok: a bench */
	files = argv + 4;
	n_files = argc - 4;

	struct timespec start, end;
	struct rusage use;
	clock_gettime(CLOCK_MONOTONIC, &start);
	run(n);
	clock_gettime(CLOCK_MONOTONIC, &end);
	getrusage(RUSAGE_SELF, &use);
	printf("%llu %.6f %.6f %.6f\n", (unsigned long long)bytes,
	       (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9,
	       seconds(use.ru_utime), seconds(use.ru_stime));
	return 0;
}
