/* corpus_check [SHARED_DIR]: decodes every page of SHARED_DIR/tiff/pixels.tsv whose kind is supported and
 * compares its pixels with the table; then reads every file of SHARED_DIR/tiff/files to its end, for
 * crashes. Prints counts; exits 1 where pixels differ, 77 where there is no such folder. Without an
 * argument the folder is $NGFFUSE_SHARED or ../shared. */
#include "codec/tiff.h"
#include "codec/unit.h"
#include "tests/corpus/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_PIXELS_BYTES = 512 << 20, MAX_REASONS = 64, MAX_UNIT = 64 << 20, MAX_UNITS = 2000 };

/* Pages of the table that are equal with any build of libtiff. */
enum { LEAST_EQUAL = 1300 };

struct source {
	int fd;
	struct reader r;
	struct tiff_header h;
	uint64_t *pages;
	size_t n_pages;
};

struct reason {
	struct err err;
	unsigned n;
};

static struct {
	unsigned equal, refused, different, error;
	unsigned files, no_tiff, pages, bad_pages, units, bad_units;
	struct reason reasons[MAX_REASONS];
	size_t n_reasons;
} counts;

static struct unit_decoder *decoder;

static void source_close(struct source *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->pages);
	*s = (struct source){ .fd = -1 };
}

static int source_open(struct source *s, const char *path, struct err *err)
{
	struct stat st;
	bool cut;
	*s = (struct source){ .fd = open(path, O_RDONLY | O_CLOEXEC) };
	if (s->fd < 0 || fstat(s->fd, &st) != 0)
		return err_set(err, errno, "cannot be opened");
	s->r = reader_fd(&s->fd, (uint64_t)st.st_size);
	int rc = tiff_header_read(&s->r, &s->h, err);
	return rc != 0 ? rc : tiff_walk(&s->r, &s->h, &s->pages, &s->n_pages, &cut, err);
}

static void count_reason(const struct err *err)
{
	size_t i = 0;
	while (i < counts.n_reasons && strcmp(counts.reasons[i].err.msg, err->msg) != 0)
		i++;
	if (i == MAX_REASONS)
		return;
	if (i == counts.n_reasons)
		counts.reasons[counts.n_reasons++].err = *err;
	counts.reasons[i].n++;
}

static int read_tables(const struct source *s, const struct tiff_page *p, char **text,
		       struct reader_bytes *out, struct err *err)
{
	size_t len = 0;
	*out = (struct reader_bytes){ 0 };
	if (p->jpeg_tables.count == 0)
		return 0;
	int rc = tiff_text_read(&s->r, &p->jpeg_tables, MiB, text, &len, err);
	*out = (struct reader_bytes){ (const uint8_t *)*text, len };
	return rc;
}

/* One unit into `out`, which holds tiff_unit_bytes of its rows. */
static int decode_unit(const struct source *s, const struct tiff_page *p,
		       const struct reader_bytes *tables, uint64_t index, void *out,
		       struct err *err)
{
	struct tiff_unit u;
	uint32_t uy = (uint32_t)(index % ((uint64_t)p->units_x * p->units_y) / p->units_x);
	uint32_t rows = tiff_unit_rows(p, uy);
	size_t n_out = tiff_unit_bytes(p, rows);
	enum dtype t = DTYPE_U8;
	uint64_t voxel = 0;
	int rc = tiff_units_read(&s->r, p, index, 1, &u, err);
	if (rc == 0)
		rc = tiff_page_dtype(p, &t, err);
	if (rc != 0)
		return rc;
	if (u.state == TIFF_UNIT_DAMAGED)
		return err_set(err, EBADMSG, "%s", u.why);
	if (u.state == TIFF_UNIT_SPARSE) {
		(void)tiff_sparse_value(&s->r, p, t, &voxel, NULL);
		for (size_t i = 0; i < n_out; i += dtype_size(t))
			memcpy((uint8_t *)out + i, &voxel, dtype_size(t));
		return 0;
	}
	size_t n = min_u64(u.count, unit_stored_max(p));
	rc = unit_weigh(p, n, rows, err);
	if (rc != 0)
		return rc;
	CLEANUP(freep) uint8_t *raw = malloc(n);
	if (raw == NULL)
		return err_oom(err);
	rc = reader_exact(&s->r, raw, n, u.offset, err);
	return rc != 0 ? rc : unit_decode(decoder, p, tables, raw, n, rows, out, n_out, err);
}

/* A unit to its place in the whole array: y,x,s, or s,y,x where the page is planar. */
static void place(const struct tiff_page *p, uint64_t index, const uint8_t *unit, uint8_t *whole)
{
	uint64_t per_sample = (uint64_t)p->units_x * p->units_y;
	uint64_t s = index / per_sample, uy = index % per_sample / p->units_x,
		 ux = index % p->units_x;
	uint64_t pixel = (uint64_t)(p->planar ? 1 : p->samples) * tiff_voxel_bytes(p);
	uint64_t x = ux * p->unit_w, y = uy * p->unit_h;
	uint64_t w = min_u64(p->unit_w, p->width - x), h = min_u64(p->unit_h, p->height - y);
	for (uint64_t i = 0; i < h; i++)
		memcpy(whole + ((s * p->height + y + i) * p->width + x) * pixel,
		       unit + i * p->unit_w * pixel, w * pixel);
}

static int decode_page(const struct source *s, const struct tiff_page *p, uint8_t **out,
		       size_t *len, struct err *err)
{
	CLEANUP(freep) char *text = NULL;
	struct reader_bytes tables;
	uint64_t n = (uint64_t)p->units_x * p->units_y * (p->planar ? p->samples : 1);
	uint64_t bytes = (uint64_t)p->width * p->height * p->samples * tiff_voxel_bytes(p);
	if (bytes > MAX_PIXELS_BYTES)
		return err_set(err, ENOMEM, "too large for this test");
	CLEANUP(freep) uint8_t *whole = malloc(bytes);
	CLEANUP(freep) uint8_t *unit = malloc(tiff_unit_bytes(p, p->unit_h));
	if (whole == NULL || unit == NULL)
		return err_oom(err);
	int rc = read_tables(s, p, &text, &tables, err);
	for (uint64_t i = 0; rc == 0 && i < n; i++) {
		rc = decode_unit(s, p, &tables, i, unit, err);
		if (rc == 0)
			place(p, i, unit, whole);
		else
			err_prefix(err, "unit %llu", (unsigned long long)i);
	}
	if (rc != 0)
		return rc;
	*out = STEAL(whole);
	*len = bytes;
	return 0;
}

struct row {
	const char *file, *dtype, *shape, *sha256, *decoder;
	size_t page;
};

/* A float32 as the shorter float that it was: `mantissa` bits below the exponent, which is at most `most`. */
static uint32_t shorter_float(uint32_t v, unsigned mantissa, uint32_t most)
{
	uint32_t sign = v >> 31 << (mantissa + (most == 31 ? 5 : 7)), rest = v & 0x7fffff;
	uint32_t exponent = v >> 23 & 0xff, lost = 23 - mantissa, rebias = 127 - most / 2;
	if (exponent == 255)
		return sign | most << mantissa | rest >> lost;
	if (exponent > rebias)
		return sign | (exponent - rebias) << mantissa | rest >> lost;
	uint32_t shift = lost + rebias - exponent + 1;
	return sign | (shift < 24 ? (rest | 0x800000) >> shift : 0);
}

/* From our voxels to those that the table was made of, in place; returns how many bytes. It has float16, 24-bit floats
 * that only libtiff decodes as their bits, and 24-bit integers always with the highest byte first. */
static size_t as_in_table(const struct tiff_page *p, const struct row *row, uint8_t *pixels,
			  size_t len)
{
	bool halves = strcmp(row->dtype, "float16") == 0;
	bool bits = p->bits == 24 && p->sample_format == 3 && strcmp(row->decoder, "libtiff") == 0;
	bool turned = p->bits == 24 && p->sample_format != 3 && !p->file.big_endian;
	for (size_t i = 0; (halves || bits || turned) && i < len / 4; i++) {
		uint32_t v;
		memcpy(&v, pixels + 4 * i, 4);
		if (halves)
			v = shorter_float(v, 10, 31);
		else if (bits)
			v = shorter_float(v, 16, 127);
		else
			v = __builtin_bswap32(v) >> 8;
		if (halves)
			memcpy(pixels + 2 * i, &(uint16_t){ (uint16_t)v }, 2);
		else
			memcpy(pixels + 4 * i, &v, 4);
	}
	return halves ? len / 2 : len;
}

/* Whether the table's type is what becomes ours. */
static bool is_type(const char *table, enum dtype t)
{
	if (strcmp(table, "bool") == 0)
		return t == DTYPE_U8;
	if (strcmp(table, "float16") == 0)
		return t == DTYPE_F32;
	return strcmp(table, dtype_v3(t)) == 0;
}

static int check_pixels(const struct source *s, const struct row *row, bool *equal, struct err *err)
{
	struct tiff_page p;
	enum dtype t = DTYPE_U8;
	CLEANUP(freep) uint8_t *pixels = NULL;
	size_t len = 0;
	char hex[65];
	*equal = false;
	if (row->page >= s->n_pages)
		return err_set(err, EBADMSG, "only %zu pages", s->n_pages);
	int rc = tiff_page_read(&s->r, &s->h, s->pages[row->page], &p, err);
	if (rc == 0)
		rc = tiff_page_dtype(&p, &t, err);
	if (rc == 0)
		rc = decode_page(s, &p, &pixels, &len, err);
	if (rc != 0)
		return rc;
	len = as_in_table(&p, row, pixels, len);
	sha256_hex(pixels, len, hex);
	*equal = strcmp(hex, row->sha256) == 0 && is_type(row->dtype, t);
	return 0;
}

static void check_row(const char *dir, const struct row *row)
{
	char path[4096];
	struct source s;
	struct err err = { 0 };
	bool equal = false;
	snprintf(path, sizeof(path), "%s/tiff/files/%s", dir, row->file);
	int rc = source_open(&s, path, &err);
	if (rc == 0)
		rc = check_pixels(&s, row, &equal, &err);
	source_close(&s);
	if (rc == -ENOTSUP) {
		counts.refused++;
		count_reason(&err);
	} else if (rc != 0) {
		counts.error++;
		printf("error: %s page %zu: %s\n", row->file, row->page, err.msg);
	} else if (equal) {
		counts.equal++;
	} else {
		counts.different++;
		printf("DIFFERENT: %s page %zu: %s %s\n", row->file, row->page, row->dtype,
		       row->shape);
	}
}

static bool parse_row(char *line, struct row *row)
{
	char *col[6] = { 0 };
	size_t n = 0;
	line[strcspn(line, "\n")] = '\0';
	for (char *p = line; p != NULL && n < ARRAY_SIZE(col);)
		col[n++] = strsep(&p, "\t");
	/* Without pixels: tifffile has no integers of 24 bits with a sign. */
	bool empty = n == ARRAY_SIZE(col) && strcmp(col[3], "0") == 0;
	if (n < ARRAY_SIZE(col) || strcmp(col[0], "file") == 0 || empty)
		return false;
	*row = (struct row){ .file = col[0],
			     .dtype = col[2],
			     .shape = col[3],
			     .sha256 = col[4],
			     .decoder = col[5] };
	for (const char *p = col[1]; *p >= '0' && *p <= '9'; p++)
		row->page = row->page * 10 + (size_t)(*p - '0');
	return true;
}

static int check_table(const char *dir)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/tiff/pixels.tsv", dir);
	FILE *f = fopen(path, "re");
	if (f == NULL) {
		fprintf(stderr, "corpus_check: %s cannot be opened\n", path);
		return -1;
	}
	CLEANUP(freep) char *line = NULL;
	size_t cap = 0;
	struct row row;
	while (getline(&line, &cap, f) > 0)
		if (parse_row(line, &row))
			check_row(dir, &row);
	fclose(f);
	return 0;
}

/* ---- every file, whatever it is ---- */

static void exercise_page(const struct source *s, const struct tiff_page *p)
{
	CLEANUP(freep) char *text = NULL;
	CLEANUP(freep) char *description = NULL;
	struct reader_bytes tables;
	size_t len;
	enum dtype t;
	tiff_text_read(&s->r, &p->description, MiB, &description, &len, NULL);
	if (tiff_page_dtype(p, &t, NULL) != 0 || read_tables(s, p, &text, &tables, NULL) != 0)
		return;
	uint64_t bytes = tiff_unit_bytes(p, p->unit_h);
	if (bytes > MAX_UNIT)
		return;
	CLEANUP(freep) uint8_t *unit = malloc(bytes);
	uint64_t n = min_u64(MAX_UNITS,
			     (uint64_t)p->units_x * p->units_y * (p->planar ? p->samples : 1));
	for (uint64_t i = 0; unit != NULL && i < n; i++) {
		counts.units++;
		if (decode_unit(s, p, &tables, i, unit, NULL) != 0)
			counts.bad_units++;
	}
}

static int exercise(const char *path, const struct stat *st, int type, UNUSED struct FTW *ftw)
{
	struct source s;
	if (type != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	counts.files++;
	if (source_open(&s, path, NULL) != 0)
		counts.no_tiff++;
	for (size_t i = 0; i < s.n_pages; i++) {
		struct tiff_page p;
		counts.pages++;
		if (tiff_page_read(&s.r, &s.h, s.pages[i], &p, NULL) == 0)
			exercise_page(&s, &p);
		else
			counts.bad_pages++;
	}
	source_close(&s);
	return 0;
}

int main(int argc, char **argv)
{
	char path[4096];
	const char *shared = argc == 2 ? argv[1] : getenv("NGFFUSE_SHARED");
	if (shared == NULL)
		shared = "../shared";
	snprintf(path, sizeof(path), "%s/tiff/pixels.tsv", shared);
	if (access(path, R_OK) != 0) {
		printf("skipped: there is no %s (set NGFFUSE_SHARED)\n", path);
		return 77;
	}
	decoder = unit_decoder_new();
	if (decoder == NULL || check_table(shared) != 0)
		return 2;
	snprintf(path, sizeof(path), "%s/tiff/files", shared);
	nftw(path, exercise, 16, FTW_PHYS);
	unit_decoder_free(decoder);
	for (size_t i = 0; i < counts.n_reasons; i++)
		printf("refused %4u: %s\n", counts.reasons[i].n, counts.reasons[i].err.msg);
	printf("pages of the table: %u equal, %u refused, %u different, %u error\n", counts.equal,
	       counts.refused, counts.different, counts.error);
	printf("all files: %u, of which %u no TIFF; %u pages, %u malformed; %u units, %u not "
	       "decoded\n",
	       counts.files, counts.no_tiff, counts.pages, counts.bad_pages, counts.units,
	       counts.bad_units);
	return counts.different == 0 && counts.equal >= LEAST_EQUAL ? 0 : 1;
}
