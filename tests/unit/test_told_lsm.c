/* Planes of Zeiss LSM files: thumbnails left out, offsets beyond 4 GiB, counts that are those of decoded voxels. */
#include "meta/told_lsm.h"

#include <stdio.h>

#include "tests/unit/made_source.h"
#include "tests/unit/run_suite.h"

enum { HEADER = 300, MAX_PAGES = 64, STRIPS = 2 };

#define G4 (UINT64_C(1) << 32)

static struct made file;
static struct made_source src;
static struct told told;
static struct err err;
static size_t ifds[MAX_PAGES], n_pages, header;

struct lsm {
	uint32_t z, t, p, m, scan_type, data_type, size;
	double voxel[3], interval;
};

static void put_double(size_t at, double v)
{
	uint64_t bits;
	memcpy(&bits, &v, sizeof(bits));
	made_put(&file, at, bits, 8);
}

static void begin(const struct lsm *l)
{
	static const uint8_t zeros[HEADER];
	made_begin(&file, false, false);
	header = made_data(&file, zeros, HEADER);
	n_pages = 0;
	made_put(&file, header, 0x0400494c, 4);
	made_put(&file, header + 4, l->size != 0 ? l->size : HEADER, 4);
	made_put(&file, header + 16, l->z, 4);
	made_put(&file, header + 20, 2, 4);
	made_put(&file, header + 24, l->t, 4);
	made_put(&file, header + 28, l->data_type, 4);
	for (size_t i = 0; i < 3; i++)
		put_double(header + 40 + 8 * i, l->voxel[i]);
	made_put(&file, header + 88, l->scan_type, 2);
	put_double(header + 112, l->interval);
	made_put(&file, header + 264, l->p, 4);
	made_put(&file, header + 268, l->m, 4);
}

/* A page of two channels, each one strip of 8 x 8, at these true offsets. */
static void add_page(bool thumbnail, uint64_t compression, uint64_t first, uint64_t second)
{
	const uint64_t offsets[STRIPS] = { first % G4, second % G4 }, counts[STRIPS] = { 64, 64 };
	struct made_list l = made_page(8, 8, 0, 64);
	made_num(&l, 254, 4, thumbnail);
	made_set(&l,
		 (struct made_tag){
			 .tag = 258, .type = 3, .count = 2, .many = (const uint64_t[]){ 8, 8 } });
	made_num(&l, 259, 3, compression);
	made_set(&l, (struct made_tag){ .tag = 273, .type = 4, .count = STRIPS, .many = offsets });
	made_num(&l, 277, 3, 2);
	made_set(&l, (struct made_tag){ .tag = 279, .type = 4, .count = STRIPS, .many = counts });
	made_num(&l, 284, 3, 2);
	if (n_pages == 0)
		made_set(&l, (struct made_tag){ .tag = 34412,
						.type = 1,
						.count = HEADER,
						.value = header,
						.at = true });
	ifds[n_pages++] = made_ifd(&file, l.t);
}

/* n images, each followed by its thumbnail, from byte 8 on. */
static void add_pairs(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		add_page(false, 1, 1000 + 300 * i, 1100 + 300 * i);
		add_page(true, 1, 1200 + 300 * i, 1250 + 300 * i);
	}
}

static int64_t sparse_pread(void *ctx, void *buf, size_t n, uint64_t off)
{
	const struct made *m = ctx;
	memset(buf, 0, n);
	if (off < m->n)
		memcpy(buf, m->b + off, min_u64(n, m->n - off));
	return (int64_t)n;
}

/* The file, followed by zeros up to `size` bytes; 0: none. */
static int tell_sized(uint64_t size)
{
	made_source_close(&src);
	told_done(&told);
	told = (struct told){ 0 };
	err = (struct err){ 0 };
	made_source_open(&src, "a.lsm", file.b, file.n);
	ck_assert_uint_eq(src.s.n_pages, n_pages);
	if (size != 0)
		src.reader = (struct reader){ sparse_pread, &file, size };
	return told_lsm(&src.s, &told, &err);
}

static void must_tell(uint64_t size, size_t n_images, uint64_t t, uint64_t z)
{
	int rc = tell_sized(size);
	ck_assert_msg(rc == 1, "%d %s %s", rc, err.msg, told.notes.s);
	ck_assert_uint_eq(told.n_images, n_images);
	for (size_t i = 0; i < n_images; i++) {
		ck_assert_uint_eq(told.images[i].n[TOLD_T], t);
		ck_assert_uint_eq(told.images[i].n[TOLD_C], 1);
		ck_assert_uint_eq(told.images[i].n[TOLD_Z], z);
	}
	ck_assert(told.n_files == 1 && told.files[0] == NULL);
}

static void is_page(size_t image, uint64_t t, uint64_t z, uint64_t page)
{
	const struct told_plane *p = told_plane(&told.images[image], t, 0, z);
	ck_assert_int_eq(p->where, TOLD_PAGE);
	ck_assert_uint_eq(p->at, page);
}

/* Where the strips of a plane lie by its place: what the codec makes of it, and the end of the last. */
static void strips_of(const struct told_plane *p, uint64_t out[STRIPS], uint64_t *end)
{
	struct tiff_page page;
	struct tiff_unit u[STRIPS];
	struct tiff_place place = { 0 };
	if (p->where == TOLD_PLACE)
		place = told.places[p->at];
	else
		place.ifd = ifds[p->at];
	ck_assert_int_eq(tiff_page_at(&src.reader, &src.first.file, &place, &page, NULL), 0);
	ck_assert_int_eq(tiff_units_read(&src.reader, &page, 0, STRIPS, u, NULL), 0);
	for (size_t i = 0; i < STRIPS; i++) {
		struct tiff_unit alone;
		ck_assert_int_eq(tiff_units_read(&src.reader, &page, i, 1, &alone, NULL), 0);
		ck_assert_uint_eq(alone.offset, u[i].offset);
		out[i] = u[i].offset;
	}
	*end = place.end;
}

static void lies_at(size_t image, uint64_t t, uint64_t z, uint64_t first, uint64_t second)
{
	uint64_t at[STRIPS], end;
	strips_of(told_plane(&told.images[image], t, 0, z), at, &end);
	ck_assert_uint_eq(at[0], first);
	ck_assert_uint_eq(at[1], second);
	ck_assert_uint_eq(end, 0);
}

START_TEST(z_varies_before_t)
{
	static const uint32_t types[] = { 0, 3, 6, 7 };
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		begin(&(struct lsm){ .z = 3, .t = 2, .scan_type = types[i] });
		add_pairs(6);
		must_tell(0, 1, 2, 3);
		for (uint64_t k = 0; k < 6; k++)
			is_page(0, k / 3, k % 3, 2 * k);
		ck_assert_ptr_null(told.images[0].key);
		ck_assert_str_eq(told.kind, "LSM");
		ck_assert_ptr_null(told.notes.s);
	}
}
END_TEST

START_TEST(files_without_thumbnails)
{
	begin(&(struct lsm){ .z = 3, .t = 1 });
	for (uint64_t i = 0; i < 3; i++)
		add_page(false, 1, 1000 + 200 * i, 1100 + 200 * i);
	must_tell(0, 1, 1, 3);
	is_page(0, 0, 2, 2);
	begin(&(struct lsm){ .z = 1, .t = 1 });
	add_page(true, 1, 1000, 1100);
	ck_assert_int_eq(tell_sized(0), 0);
	ck_assert(made_notes(&told, "only thumbnails"));
}
END_TEST

START_TEST(positions_and_mosaics_are_images)
{
	static const char *const keys[] = { "P0-M0", "P1-M0", "P0-M1", "P1-M1" };
	begin(&(struct lsm){ .z = 2, .t = 2, .p = 2, .m = 2, .scan_type = 6 });
	add_pairs(16);
	must_tell(0, 4, 2, 2);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_str_eq(told.images[i].key, keys[i]);
		for (uint64_t k = 0; k < 4; k++)
			is_page(i, k / 2, k % 2, 2 * (4 * i + k));
	}
	/* An older header ends before these numbers. */
	begin(&(struct lsm){ .z = 2, .t = 8, .p = 2, .m = 2, .scan_type = 6, .size = 264 });
	add_pairs(16);
	must_tell(0, 1, 8, 2);
}
END_TEST

START_TEST(what_was_not_written_is_a_gap)
{
	begin(&(struct lsm){ .z = 3, .t = 4, .scan_type = 6 });
	add_pairs(5);
	must_tell(0, 1, 4, 3);
	is_page(0, 1, 1, 8);
	ck_assert_int_eq(told_plane(&told.images[0], 1, 0, 2)->where, TOLD_GAP);
	ck_assert(made_notes(&told, "12 planes are announced, 5 are there"));
}
END_TEST

START_TEST(planes_behind_a_broken_chain_are_claimed)
{
	begin(&(struct lsm){ .z = 3, .t = 4, .scan_type = 6 });
	add_pairs(5);
	made_cut(&file);
	must_tell(0, 1, 4, 3);
	is_page(0, 1, 1, 8);
	is_page(0, 1, 2, 10);
	is_page(0, 3, 2, 16);
}
END_TEST

START_TEST(sizes_that_do_not_fit_leave_single_planes)
{
	static const struct lsm rows[] = { { .z = 2, .t = 2 },
					   { .z = 1u << 30, .t = 1u << 30 },
					   { .z = 40000, .t = 1 },
					   { .z = 5, .t = 1, .scan_type = 1 },
					   { .z = 1, .t = 5, .scan_type = 2 },
					   { .z = 1, .t = 5, .scan_type = 77 } };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(&rows[i]);
		add_pairs(5);
		must_tell(0, 1, 5, 1);
		for (uint64_t k = 0; k < 5; k++)
			is_page(0, k, 0, 2 * k);
		ck_assert(made_notes(&told, "are taken as times") == (i < 3));
	}
	begin(&(struct lsm){ .z = 5, .t = 1 });
	made_put(&file, header, 1, 4);
	add_pairs(5);
	must_tell(0, 1, 1, 5);
	ck_assert(made_notes(&told, "header cannot be read"));
}
END_TEST

/* ---- beyond 4 GiB ---- */

START_TEST(offsets_wrap_at_4_gib)
{
	/* Images of 1.5 GiB a strip: the second strip of the second image lies beyond, and so on. */
	const uint64_t strip = 3 * G4 / 8;
	uint64_t at = 8000;
	begin(&(struct lsm){ .z = 6, .t = 1 });
	for (size_t i = 0; i < 6; i++, at += 2 * strip + 200) {
		add_page(false, 1, at, at + strip);
		add_page(true, 1, at + 2 * strip, at + 2 * strip + 100);
	}
	must_tell(at, 1, 1, 6);
	for (size_t i = 0; i < 6; i++)
		lies_at(0, 0, i, 8000 + i * (2 * strip + 200),
			8000 + i * (2 * strip + 200) + strip);
	is_page(0, 0, 0, 0);
	/* BigTIFF and small files tell offsets as they are. */
	src.first.file.bigtiff = true;
	told_done(&told);
	ck_assert_int_eq(told_lsm(&src.s, &told, &err), 1);
	ck_assert_uint_eq(told.n_places, 0);
	src.first.file.bigtiff = false;
	src.reader.size = G4;
	told_done(&told);
	ck_assert_int_eq(told_lsm(&src.s, &told, &err), 1);
	ck_assert_uint_eq(told.n_places, 0);
}
END_TEST

START_TEST(thumbnails_may_lie_first)
{
	const uint64_t strip = G4 / 2 - 50;
	uint64_t at = 8000;
	begin(&(struct lsm){ .z = 4, .t = 1 });
	for (size_t i = 0; i < 4; i++, at += 2 * strip + 200) {
		add_page(false, 1, at + 200, at + 200 + strip);
		add_page(true, 1, at, at + 100);
	}
	must_tell(at, 1, 1, 4);
	for (size_t i = 0; i < 4; i++)
		lies_at(0, 0, i, 8200 + i * (2 * strip + 200),
			8200 + i * (2 * strip + 200) + strip);
}
END_TEST

/* Pages stand position by position, but strips were written time by time. */
START_TEST(positions_were_written_in_turn)
{
	enum { P = 2, T = 3, Z = 2 };
	const uint64_t strip = G4 / 5;
	begin(&(struct lsm){ .z = Z, .t = T, .p = P, .scan_type = 6 });
	for (uint64_t p = 0; p < P; p++)
		for (uint64_t t = 0; t < T; t++)
			for (uint64_t z = 0; z < Z; z++) {
				uint64_t at = 8000 + ((t * P + p) * Z + z) * (2 * strip + 200);
				add_page(false, 1, at, at + strip);
				add_page(true, 1, at + 2 * strip, at + 2 * strip + 100);
			}
	must_tell(8000 + (uint64_t)P * T * Z * (2 * strip + 200), P, T, Z);
	for (uint64_t p = 0; p < P; p++)
		for (uint64_t t = 0; t < T; t++)
			for (uint64_t z = 0; z < Z; z++) {
				uint64_t at = 8000 + ((t * P + p) * Z + z) * (2 * strip + 200);
				lies_at(p, t, z, at, at + strip);
			}
}
END_TEST

START_TEST(a_hole_leaves_its_page_lost)
{
	begin(&(struct lsm){ .z = 4, .t = 1 });
	add_page(false, 1, 8000, 9000);
	add_page(true, 1, 10000, 10100);
	add_page(false, 1, 0, 12000);
	add_page(true, 1, 13000, 13100);
	add_page(false, 1, 0, 0);
	add_page(true, 1, 0, 0);
	add_page(false, 1, G4 + 700, G4 + 800);
	add_page(true, 1, G4 + 900, G4 + 910);
	must_tell(G4 + 5000, 1, 1, 4);
	is_page(0, 0, 0, 0);
	ck_assert_int_eq(told.images[0].planes[1].where, TOLD_IFD);
	ck_assert_uint_eq(told.images[0].planes[1].at, 0);
	is_page(0, 0, 2, 4);
	lies_at(0, 0, 3, G4 + 700, G4 + 800);
	/* In a small file the codec sees what is missing by itself. */
	must_tell(0, 1, 1, 4);
	is_page(0, 0, 1, 2);
}
END_TEST

/* ---- LZW ---- */

START_TEST(lzw_strips_end_where_others_begin)
{
	begin(&(struct lsm){ .z = 3, .t = 1 });
	add_page(false, 5, 2000, 2050);
	add_page(true, 1, 2090, 2100);
	/* This one lies behind the third. */
	add_page(false, 5, 2400, 2430);
	add_page(true, 1, 2500, 2510);
	add_page(false, 5, 2200, 2250);
	add_page(true, 1, 2300, 2310);
	must_tell(20000, 1, 1, 3);
	static const uint64_t ends[] = { 2090, 2500, 2300 };
	for (size_t i = 0; i < 3; i++) {
		uint64_t at[STRIPS], end;
		strips_of(&told.images[0].planes[i], at, &end);
		ck_assert_uint_eq(end, ends[i]);
	}
	/* The last one of the file: not to its end, which may be far. */
	begin(&(struct lsm){ .z = 1, .t = 1 });
	add_page(false, 5, 2000, 2050);
	must_tell(1 << 30, 1, 1, 1);
	ck_assert_uint_eq(told.places[0].end, 2050 + 2 * 64 + 4096);
	must_tell(3000, 1, 1, 1);
	ck_assert_uint_eq(told.places[0].end, 3000);
}
END_TEST

START_TEST(tables_that_share_their_bytes_end_the_walk)
{
	enum { ROWS = 4096 };
	static uint64_t offsets[ROWS];
	begin(&(struct lsm){ .z = 60, .t = 1 });
	for (size_t i = 0; i < ROWS; i++)
		offsets[i] = 5000;
	size_t table = 0;
	for (size_t i = 0; i < 60; i++) {
		struct made_list l = made_page(1, ROWS, 0, 1);
		made_num(&l, 259, 3, 5);
		made_num(&l, 278, 4, 1);
		if (i == 0)
			made_set(&l, (struct made_tag){ .tag = 34412,
							.type = 1,
							.count = HEADER,
							.value = header,
							.at = true });
		made_set(&l,
			 (struct made_tag){
				 .tag = 279, .type = 4, .count = ROWS, .value = 400, .at = true });
		struct made_tag t = { .tag = 273, .type = 4, .count = ROWS, .many = offsets };
		if (i > 0)
			t = (struct made_tag){
				.tag = 273, .type = 4, .count = ROWS, .value = table, .at = true
			};
		made_set(&l, t);
		ifds[n_pages++] = made_ifd(&file, l.t);
		if (i == 0)
			table = file.n - 4 * ROWS;
	}
	must_tell(0, 1, 1, 60);
	ck_assert_uint_ge(told.n_places, 1);
	ck_assert_uint_le(told.n_places, 2);
	ck_assert_int_eq(told.images[0].planes[59].where, TOLD_PAGE);
}
END_TEST

/* ---- facts ---- */

static void near(double a, double b)
{
	ck_assert_double_eq_tol(a, b, 1e-12);
}

static void add_colors(uint32_t n_names)
{
	static const uint8_t block[] = { 54, 0,	  0,   0,   2,	 0,   0,    0, 2, 0, 0,
					 0,  24,  0,   0,   0,	 32,  0,    0, 0, 0, 0,
					 0,  0,	  255, 0,   128, 0,   0,    0, 0, 0, 5,
					 0,  0,	  0,   'C', 'h', '1', 0xb5, 0, 8, 0, 0,
					 0,  'C', 'h', '2', 0,	 0,   0,    0, 0, 0 };
	size_t at = made_data(&file, block, sizeof(block));
	made_put(&file, header + 108, at, 4);
	made_put(&file, at + 8, n_names, 4);
}

START_TEST(facts_come_from_the_header)
{
	begin(&(struct lsm){
		.z = 2, .t = 1, .data_type = 2, .voxel = { 1e-7, 2e-7, 5e-7 }, .interval = 0.5 });
	add_colors(2);
	add_pairs(2);
	must_tell(0, 1, 1, 2);
	const struct told_image *im = &told.images[0];
	near(im->size[0].value, 5e-7);
	near(im->size[1].value, 2e-7);
	near(im->size[2].value, 1e-7);
	ck_assert_str_eq(im->size[2].unit, "meter");
	near(im->time_step, 0.5);
	ck_assert_uint_eq(im->bits, 0); /* 12 bits do not fit into 8 */
	ck_assert_uint_eq(im->n_channels, 2);
	ck_assert_str_eq(im->channels[0].color, "FF0080");
	ck_assert_str_eq(im->channels[1].color, "");
	ck_assert_str_eq(im->channels[0].name, "Ch1\xef\xbf\xbd");
	ck_assert_str_eq(im->channels[1].name, "Ch2");
}
END_TEST

START_TEST(facts_that_are_none)
{
	begin(&(struct lsm){ .z = 2, .t = 1, .voxel = { -1, 0, 1e-6 } });
	put_double(header + 40 + 8, 1 / (file.b[0] - (double)'I'));
	add_colors(1);
	add_pairs(2);
	must_tell(0, 1, 1, 2);
	ck_assert_ptr_null(told.images[0].size[1].unit);
	ck_assert_ptr_null(told.images[0].size[2].unit);
	near(told.images[0].time_step, 0);
	ck_assert_ptr_null(told.images[0].channels[0].name);
	ck_assert_str_eq(told.images[0].channels[0].color, "FF0080");
	/* A block that is not there. */
	static const uint32_t nowhere[] = { 0, 7, UINT32_MAX, 1u << 30 };
	for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++) {
		made_put(&file, header + 108, nowhere[i], 4);
		made_put(&file, header + 132, nowhere[i], 4);
		must_tell(0, 1, 1, 2);
		ck_assert_str_eq(told.images[0].channels[0].color, "");
	}
}
END_TEST

START_TEST(times_come_from_stamps)
{
	static const uint8_t zeros[32];
	begin(&(struct lsm){ .z = 1, .t = 3, .scan_type = 3 });
	size_t at = made_data(&file, zeros, sizeof(zeros));
	made_put(&file, at, 32, 4);
	made_put(&file, at + 4, 3, 4);
	put_double(at + 8, 10);
	put_double(at + 16, 13);
	put_double(at + 24, 15);
	made_put(&file, header + 132, at, 4);
	add_pairs(3);
	must_tell(0, 1, 3, 1);
	near(told.images[0].time_step, 2.5);
	made_put(&file, at + 4, 4, 4);
	must_tell(0, 1, 3, 1);
	near(told.images[0].time_step, 0);
}
END_TEST

START_TEST(rows_of_an_xz_scan_are_depths)
{
	begin(&(struct lsm){ .z = 2, .t = 1, .scan_type = 4, .voxel = { 1e-7, 2e-7, 5e-7 } });
	add_pairs(2);
	must_tell(0, 1, 2, 1);
	near(told.images[0].size[1].value, 5e-7);
	near(told.images[0].size[2].value, 1e-7);
	ck_assert_ptr_null(told.images[0].size[0].unit);
	begin(&(struct lsm){ .z = 2, .t = 1, .scan_type = 2, .voxel = { 1e-7, 2e-7, 5e-7 } });
	add_pairs(2);
	must_tell(0, 1, 2, 1);
	ck_assert_ptr_null(told.images[0].size[2].unit);
}
END_TEST

START_TEST(other_files_are_left_alone)
{
	made_begin(&file, false, false);
	n_pages = 1;
	struct made_list l = made_page(8, 8, 8, 64);
	made_ifd(&file, l.t);
	ck_assert_int_eq(tell_sized(0), 0);
	ck_assert_ptr_null(told.notes.s);
}
END_TEST

static int64_t failing_pread(void *ctx, void *buf, size_t n, uint64_t off)
{
	(void)ctx, (void)buf, (void)n, (void)off;
	return -EIO;
}

START_TEST(failing_storage_is_passed_on)
{
	begin(&(struct lsm){ .z = 2, .t = 1 });
	add_pairs(2);
	must_tell(0, 1, 1, 2);
	src.reader.pread = failing_pread;
	told_done(&told);
	ck_assert_int_eq(told_lsm(&src.s, &told, &err), -EIO);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("told_lsm");
	TCase *c = tcase_create("told_lsm");
	tcase_add_test(c, z_varies_before_t);
	tcase_add_test(c, files_without_thumbnails);
	tcase_add_test(c, positions_and_mosaics_are_images);
	tcase_add_test(c, what_was_not_written_is_a_gap);
	tcase_add_test(c, planes_behind_a_broken_chain_are_claimed);
	tcase_add_test(c, sizes_that_do_not_fit_leave_single_planes);
	tcase_add_test(c, offsets_wrap_at_4_gib);
	tcase_add_test(c, thumbnails_may_lie_first);
	tcase_add_test(c, positions_were_written_in_turn);
	tcase_add_test(c, a_hole_leaves_its_page_lost);
	tcase_add_test(c, lzw_strips_end_where_others_begin);
	tcase_add_test(c, tables_that_share_their_bytes_end_the_walk);
	tcase_add_test(c, facts_come_from_the_header);
	tcase_add_test(c, facts_that_are_none);
	tcase_add_test(c, times_come_from_stamps);
	tcase_add_test(c, rows_of_an_xz_scan_are_depths);
	tcase_add_test(c, other_files_are_left_alone);
	tcase_add_test(c, failing_storage_is_passed_on);
	suite_add_tcase(s, c);
	return run_suite(s);
}
