/* Strips and tiles of any bytes, by every compression. Input: 16 bytes of control, JPEGTables, the stored
 * bytes. What decodes must decode to the same voxels again, whatever the buffer held before. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec/unit.h"
#include "tests/fuzz/fuzz.h"

enum { CONTROL = 16, MAX_SIDE = 512 };

static void must(bool holds)
{
	if (!holds)
		abort();
}

static struct tiff_page page_of(const uint8_t *c)
{
	static const uint16_t compressions[] = { 1,	5,     7, 8, 32773, 32946, 34887, 34925,
						 50000, 50001, 2, 3, 4,	    34676, 34677 };
	static const uint16_t bits[] = { 8, 16, 32, 64, 1, 2, 4, 12, 3, 10, 14, 24, 7, 9, 20, 31 };
	struct tiff_page p = { .compression = compressions[c[0] % ARRAY_SIZE(compressions)],
			       .bits = bits[(c[1] & 3) + (c[6] >> 6) * 4],
			       .sample_format = (uint16_t)((c[1] >> 2) % 3 + 1),
			       .samples = (uint16_t)(c[2] % 6 + 1),
			       .predictor = (uint16_t)(c[3] % 3 + 1),
			       .fill_order = c[4] & 1 ? 2 : 1,
			       .planar = c[4] & 2,
			       .tiled = c[4] & 4,
			       .image_depth = 1 };
	p.file.big_endian = c[4] & 8;
	p.counts.count = c[4] & 16 ? 0 : 1;
	p.photometric = tiff_is_sgilog(&p) ? 32844 + c[5] % 2 : c[5] % 10;
	p.extra_kind = c[5] / 10 % 3;
	p.subsampling[0] = c[6] & 7;
	p.subsampling[1] = c[6] >> 3 & 7;
	p.width = p.unit_w = (uint32_t)(c[7] | c[8] << 8) % MAX_SIDE + 1;
	p.height = p.unit_h = (uint32_t)(c[9] | c[10] << 8) % MAX_SIDE + 1;
	p.lerc[0] = c[11] & 7;
	p.lerc[1] = c[11] >> 3 & 3;
	p.t4_options = p.t6_options = c[11] >> 5;
	p.units_x = p.units_y = 1;
	return p;
}

static int decode(const struct tiff_page *p, const struct reader_bytes *tables,
		  const struct reader_bytes *raw, uint32_t rows, uint8_t fill, uint8_t **out)
{
	static struct unit_decoder *d;
	struct err err = { 0 };
	size_t n = tiff_unit_bytes(p, rows);
	if (d == NULL)
		d = unit_decoder_new();
	uint8_t *copy = malloc(raw->len > 0 ? raw->len : 1);
	*out = malloc(n);
	must(d != NULL && copy != NULL && *out != NULL);
	if (raw->len > 0)
		memcpy(copy, raw->bytes, raw->len);
	memset(*out, fill, n);
	int rc = unit_decode(d, p, tables, copy, raw->len, rows, *out, n, &err);
	must(rc == 0 ||
	     ((rc == -EBADMSG || rc == -ENOTSUP) && err.code == -rc && err.msg[0] != '\0'));
	free(copy);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *a, *b;
	enum dtype t;
	if (size < CONTROL)
		return 0;
	struct tiff_page p = page_of(data);
	uint32_t rows = data[12] & 1 ? (uint32_t)data[13] % p.unit_h + 1 : p.unit_h;
	size_t n_tables = min_u64((size_t)(data[14] | data[15] << 8), size - CONTROL);
	struct reader_bytes tables = { data + CONTROL, n_tables };
	struct reader_bytes raw = { data + CONTROL + n_tables, size - CONTROL - n_tables };
	if (tiff_page_dtype(&p, &t, NULL) != 0 || unit_weigh(&p, raw.len, rows, NULL) != 0)
		return 0;
	must(tiff_voxel_bytes(&p) == dtype_size(t));
	must(tiff_packed_bytes(&p, rows) <= tiff_unit_bytes(&p, rows));
	int rc = decode(&p, &tables, &raw, rows, 0, &a);
	if (rc == 0) {
		must(decode(&p, &tables, &raw, rows, 0xff, &b) == 0);
		must(memcmp(a, b, tiff_unit_bytes(&p, rows)) == 0);
		free(b);
	}
	free(a);
	return 0;
}
