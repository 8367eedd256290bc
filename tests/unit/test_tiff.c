#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "codec/tiff.h"
#include "tests/unit/made_tiff.h"

static struct made file;
static struct reader_bytes bytes;
static struct reader r;
static struct err err;

static const uint8_t pixels[4096] = { 1, 2, 3 };

/* ---- helpers ---- */

static int open_file(struct tiff_header *h)
{
	bytes = (struct reader_bytes){ file.b, file.n };
	r = reader_mem(&bytes);
	err = (struct err){ 0 };
	return tiff_header_read(&r, h, &err);
}

static int read_first(struct tiff_page *p)
{
	struct tiff_header h;
	int rc = open_file(&h);
	return rc != 0 ? rc : tiff_page_read(&r, &h, h.first_ifd, p, &err);
}

/* A little-endian classic file: 4096 bytes of pixels at byte 8, then this page. */
static int read_made(const struct made_list *l, struct tiff_page *p)
{
	made_begin(&file, false, false);
	made_data(&file, pixels, sizeof(pixels));
	made_ifd(&file, l->t);
	return read_first(p);
}

static struct tiff_page must_read(const struct made_list *l)
{
	struct tiff_page p;
	ck_assert_msg(read_made(l, &p) == 0, "%s", err.msg);
	return p;
}

static void must_fail(const struct made_list *l, const char *word)
{
	struct tiff_page p;
	ck_assert_int_eq(read_made(l, &p), -EBADMSG);
	ck_assert_int_eq(err.code, EBADMSG);
	ck_assert_msg(strstr(err.msg, word) != NULL, "'%s' without '%s'", err.msg, word);
}

static struct tiff_unit unit_of(const struct tiff_page *p, uint64_t i)
{
	struct tiff_unit u;
	ck_assert_msg(tiff_units_read(&r, p, i, 1, &u, &err) == 0, "%s", err.msg);
	return u;
}

static struct tiff_unit only_unit(const struct made_list *l)
{
	struct tiff_page p = must_read(l);
	return unit_of(&p, 0);
}

static struct made_list base(void)
{
	return made_page(64, 64, 8, 4096);
}

static struct made_list with(uint16_t tag, uint16_t type, uint64_t value)
{
	struct made_list l = base();
	made_num(&l, tag, type, value);
	return l;
}

/* ---- the reader ---- */

START_TEST(reader_reads_files_and_memory)
{
	char name[] = "/tmp/test_tiff.XXXXXX", buf[8] = "";
	int fd = mkstemp(name);
	ck_assert_int_ge(fd, 0);
	unlink(name);
	ck_assert_int_eq(write(fd, "abcdef", 6), 6);
	struct reader f = reader_fd(&fd, 6);
	ck_assert_int_eq(reader_exact(&f, buf, 3, 2, &err), 0);
	ck_assert_mem_eq(buf, "cde", 3);
	ck_assert_int_eq(reader_exact(&f, buf, 3, 4, &err), -ENODATA);
	ck_assert_int_eq(reader_exact(&f, buf, 1, UINT64_MAX, &err), -ENODATA);
	/* The file has shrunk since its size was taken. */
	ck_assert_int_eq(ftruncate(fd, 3), 0);
	ck_assert_int_eq(reader_exact(&f, buf, 3, 2, &err), -ENODATA);
	close(fd);
	ck_assert_int_eq(reader_exact(&f, buf, 3, 2, &err), -EBADF);
	struct reader_bytes m = { (const uint8_t *)"abc", 3 };
	struct reader mem = reader_mem(&m);
	ck_assert_int_eq(reader_exact(&mem, buf, 3, 0, &err), 0);
	ck_assert_int_eq(mem.pread(mem.ctx, buf, 8, 1), 2);
	ck_assert_int_eq(mem.pread(mem.ctx, buf, 8, 9), 0);
}
END_TEST

/* ---- header ---- */

START_TEST(header_of_four_kinds)
{
	for (int i = 0; i < 4; i++) {
		struct tiff_header h;
		made_begin(&file, i & 1, i & 2);
		made_data(&file, pixels, 100);
		size_t ifd = made_ifd(&file, base().t);
		ck_assert_int_eq(open_file(&h), 0);
		ck_assert_int_eq(h.big_endian, (i & 1) != 0);
		ck_assert_int_eq(h.bigtiff, (i & 2) != 0);
		ck_assert_uint_eq(h.first_ifd, ifd);
	}
}
END_TEST

START_TEST(header_that_is_none)
{
	struct tiff_header h;
	made_begin(&file, false, false);
	file.n = 7;
	ck_assert_int_eq(open_file(&h), -EBADMSG);
	made_begin(&file, false, false);
	made_put(&file, 2, 41, 2);
	ck_assert_int_eq(open_file(&h), -EBADMSG);
	made_begin(&file, false, false);
	file.b[0] = 'P';
	ck_assert_int_eq(open_file(&h), -EBADMSG);
	made_begin(&file, true, true);
	made_put(&file, 4, 4, 2);
	ck_assert_int_eq(open_file(&h), -EBADMSG);
	made_begin(&file, true, true);
	file.n = 15;
	ck_assert_int_eq(open_file(&h), -EBADMSG);
}
END_TEST

/* ---- pages ---- */

START_TEST(page_of_four_kinds)
{
	for (int i = 0; i < 4; i++) {
		struct made_list l = made_page(30, 20, 16, 400);
		uint64_t res[2] = { 72, 5 }, offs[3] = { 16, 216, 416 },
			 cnts[3] = { 210, 210, 180 };
		uint8_t rational[8];
		struct tiff_page p;
		made_begin(&file, i & 1, i & 2);
		made_data(&file, pixels, 600);
		for (int k = 0; k < 8; k++)
			rational[k] = (uint8_t)(res[k / 4] >> 8 * (i & 1 ? 3 - k % 4 : k % 4));
		made_set(&l, (struct made_tag){ 282, 5, 1, 0, NULL, NULL, false });
		made_find(&l, 282)->value = file.n;
		made_find(&l, 282)->at = !(i & 2);
		if (i & 2)
			made_find(&l, 282)->value =
				i & 1 ? res[0] << 32 | res[1] : res[0] | res[1] << 32;
		else
			made_data(&file, rational, 8);
		made_set(&l, (struct made_tag){ .tag = 273, .type = 4, .count = 3, .many = offs });
		made_set(&l, (struct made_tag){ .tag = 279, .type = 3, .count = 3, .many = cnts });
		made_num(&l, 278, 3, 7);
		made_set(&l,
			 (struct made_tag){ .tag = 270, .type = 2, .count = 6, .bytes = "hello" });
		made_num(&l, 296, 3, 3);
		made_num(&l, 254, 4, 5);
		made_num(&l, 274, 3, 6);
		size_t ifd = made_ifd(&file, l.t);
		ck_assert_msg(read_first(&p) == 0, "%s", err.msg);
		ck_assert_uint_eq(p.ifd, ifd);
		ck_assert_uint_eq(p.next_ifd, 0);
		ck_assert(p.width == 30 && p.height == 20 && p.bits == 8 && p.samples == 1);
		ck_assert(p.unit_w == 30 && p.unit_h == 7 && p.units_x == 1 && p.units_y == 3);
		ck_assert(!p.tiled && !p.planar && p.compression == 1 && p.photometric == 1);
		ck_assert(p.predictor == 1 && p.fill_order == 1 && p.image_depth == 1);
		ck_assert(p.sample_format == 1 && p.extra_samples == 0 && !p.mixed_bits);
		ck_assert(p.subfile_type == 5 && p.orientation == 6 && p.resolution_unit == 3);
		ck_assert_uint_eq(p.x_resolution.num, 72);
		ck_assert_uint_eq(p.x_resolution.den, 5);
		ck_assert_uint_eq(p.y_resolution.den, 0);
		char *text;
		size_t len;
		ck_assert_int_eq(tiff_text_read(&r, &p.description, 100, &text, &len, &err), 0);
		ck_assert_str_eq(text, "hello");
		ck_assert_uint_eq(len, 5);
		free(text);
		struct tiff_unit u[3];
		ck_assert_int_eq(tiff_units_read(&r, &p, 0, 3, u, &err), 0);
		for (int k = 0; k < 3; k++) {
			ck_assert_int_eq(u[k].state, TIFF_UNIT_STORED);
			ck_assert_uint_eq(u[k].offset, offs[k]);
			ck_assert_uint_eq(u[k].count, cnts[k]);
			ck_assert_ptr_null(u[k].why);
		}
		ck_assert_uint_eq(tiff_unit_rows(&p, 1), 7);
		ck_assert_uint_eq(tiff_unit_rows(&p, 2), 6);
		ck_assert_uint_eq(tiff_unit_bytes(&p, 6), 180);
		ck_assert_int_eq(tiff_units_read(&r, &p, 2, 2, u, &err), -EINVAL);
	}
}
END_TEST

START_TEST(defaults_where_tags_are_missing)
{
	struct made_list l = made_page(64, 64, 8, 512);
	made_drop(&l, 258);
	made_drop(&l, 259);
	made_drop(&l, 262);
	made_drop(&l, 277);
	made_drop(&l, 278);
	struct tiff_page p = must_read(&l);
	ck_assert(p.bits == 1 && p.compression == 1 && p.samples == 1 && p.photometric == 1);
	ck_assert(p.unit_h == 64 && p.resolution_unit == 2 && p.orientation == 1 && !p.planar);
	l = with(278, 4, UINT32_MAX);
	p = must_read(&l);
	ck_assert_uint_eq(p.unit_h, 64);
	l = with(278, 4, 65);
	p = must_read(&l);
	ck_assert_uint_eq(p.unit_h, 64);
}
END_TEST

START_TEST(tags_out_of_order_and_twice)
{
	struct made_list l = base(), back = { 0 };
	for (int i = 0; i < 9; i++)
		back.t[8 - i] = l.t[i];
	back.t[9] = (struct made_tag){ .tag = 256, .type = 4, .count = 1, .value = 9999 };
	struct tiff_page p = must_read(&back);
	ck_assert_uint_eq(p.width, 64);
}
END_TEST

START_TEST(numbers_of_every_integer_type)
{
	static const uint16_t types[] = { 1, 3, 4, 6, 8, 9, 13, 16, 17, 18 };
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		for (int k = 0; k < 4; k++) {
			struct made_list l = made_page(64, 64, 16, 4096);
			struct tiff_page p;
			made_num(&l, 256, types[i], 64);
			made_begin(&file, k & 1, k & 2);
			made_data(&file, pixels, sizeof(pixels));
			made_ifd(&file, l.t);
			ck_assert_msg(read_first(&p) == 0, "type %u: %s", types[i], err.msg);
			ck_assert_uint_eq(p.width, 64);
		}
	}
	struct made_list l = with(256, 6, 0xff);
	must_fail(&l, "negative");
	l = with(256, 11, 64);
	must_fail(&l, "ImageWidth (256): type 11 (FLOAT)");
	l = with(256, 99, 64);
	must_fail(&l, "ImageWidth (256)");
}
END_TEST

START_TEST(tables_of_every_type)
{
	static const uint16_t types[] = { 3, 4, 16, 17, 18, 1 };
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		for (int n = 1; n <= 3; n += 2) {
			uint64_t offs[3] = { 8, 72, 136 }, cnts[3] = { 64, 64, 64 };
			struct made_list l = made_page(8, 8 * (uint64_t)n, 0, 0);
			made_num(&l, 278, 3, 8);
			/* BYTE is for counts alone. */
			uint16_t type = types[i] == 1 ? 4 : types[i];
			made_set(&l, (struct made_tag){ .tag = 273,
							.type = type,
							.count = (unsigned)n,
							.many = offs });
			made_set(&l, (struct made_tag){ .tag = 279,
							.type = types[i],
							.count = (unsigned)n,
							.many = cnts });
			struct tiff_page p = must_read(&l);
			for (int k = 0; k < n; k++) {
				struct tiff_unit u = unit_of(&p, (unsigned)k);
				ck_assert_int_eq(u.state, TIFF_UNIT_STORED);
				ck_assert_uint_eq(u.offset, offs[k]);
				ck_assert_uint_eq(u.count, 64);
			}
		}
	}
	struct made_list l = with(273, 11, 0x41000000);
	must_fail(&l, "StripOffsets (273) has type 11 (FLOAT)");
	l = with(273, 1, 8);
	must_fail(&l, "StripOffsets (273) has type 1 (BYTE)");
	l = with(279, 5, 8);
	must_fail(&l, "StripByteCounts (279) has type 5 (RATIONAL)");
	/* A negative offset is one past the end. */
	l = with(273, 17, 0);
	uint64_t minus = UINT64_MAX - 7;
	made_set(&l, (struct made_tag){ .tag = 273, .type = 17, .count = 1, .many = &minus });
	ck_assert_int_eq(only_unit(&l).state, TIFF_UNIT_DAMAGED);
}
END_TEST

START_TEST(tags_that_must_be_sane)
{
	static const struct {
		uint16_t tag, type;
		uint64_t value;
		const char *word;
	} rows[] = {
		{ 256, 4, 0, "ImageWidth (256) is 0" },
		{ 257, 4, 0, "ImageLength (257) is 0" },
		{ 256, 4, UINT32_MAX, "ImageWidth (256) is 4294967295" },
		{ 257, 4, 1u << 31, "ImageLength (257) is 2147483648" },
		{ 258, 3, 0, "BitsPerSample (258) is 0" },
		{ 258, 3, 7777, "BitsPerSample (258) is 7777" },
		{ 277, 3, 0, "SamplesPerPixel (277) is 0" },
		{ 277, 3, 65535, "SamplesPerPixel (277) is 65535" },
		{ 278, 4, 0, "RowsPerStrip (278) is 0" },
		{ 284, 3, 0, "PlanarConfiguration (284) is 0" },
		{ 284, 3, 3, "PlanarConfiguration (284) is 3" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct made_list l = with(rows[i].tag, rows[i].type, rows[i].value);
		must_fail(&l, rows[i].word);
	}
	static const uint16_t needed[] = { 256, 257, 273 };
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		struct made_list l = base();
		made_drop(&l, needed[i]);
		must_fail(&l, "the tag is missing");
	}
	struct made_list l = base();
	made_set(&l, (struct made_tag){
			     .tag = 257, .type = 4, .count = 2, .many = (uint64_t[]){ 64, 64 } });
	must_fail(&l, "ImageLength (257)");
	l = base();
	made_set(&l, (struct made_tag){ .tag = 277, .type = 3, .count = 0, .value = 1 });
	must_fail(&l, "SamplesPerPixel (277)");
	l = base();
	made_set(&l, (struct made_tag){
			     .tag = 273, .type = 4, .count = 1000, .value = 4000, .at = true });
	must_fail(&l, "StripOffsets (273)");
	l = base();
	made_set(&l, (struct made_tag){ .tag = 273, .type = 4, .count = 0 });
	must_fail(&l, "StripOffsets (273)");
}
END_TEST

START_TEST(tags_that_only_describe_are_left_out)
{
	struct made_list l = base();
	made_set(&l, (struct made_tag){
			     .tag = 270, .type = 2, .count = 1000000000, .value = 8, .at = true });
	made_set(&l, (struct made_tag){
			     .tag = 305, .type = 2, .count = 5, .value = 1u << 30, .at = true });
	made_set(&l, (struct made_tag){
			     .tag = 282, .type = 5, .count = 1, .value = 1u << 30, .at = true });
	made_set(&l,
		 (struct made_tag){
			 .tag = 34412, .type = 99, .count = 1000000000, .value = 8, .at = true });
	made_num(&l, 266, 3, 0);
	made_num(&l, 274, 3, 77);
	made_num(&l, 296, 11, 1);
	struct tiff_page p = must_read(&l);
	ck_assert_uint_eq(p.description.count, 0);
	ck_assert_uint_eq(p.software.count, 0);
	ck_assert_uint_eq(p.lsm.count, 0);
	ck_assert_uint_eq(p.x_resolution.den, 0);
	ck_assert(p.fill_order == 1 && p.orientation == 1 && p.resolution_unit == 2);
}
END_TEST

START_TEST(tiles_of_any_side)
{
	struct made_list l = made_page(64, 64, 8, 100);
	made_tiles(&l, 10, 10);
	struct tiff_page p = must_read(&l);
	ck_assert(p.tiled && p.unit_w == 10 && p.units_x == 7 && p.units_y == 7);
	ck_assert_uint_eq(tiff_unit_rows(&p, 6), 10);
	ck_assert_int_eq(unit_of(&p, 0).state, TIFF_UNIT_STORED);
	ck_assert_int_eq(unit_of(&p, 48).state, TIFF_UNIT_DAMAGED);
	/* Tiles in the tags of strips. */
	l = base();
	made_num(&l, 322, 3, 64);
	made_num(&l, 323, 3, 64);
	p = must_read(&l);
	ck_assert(p.tiled && p.offsets.count == 1 && p.counts.count == 1);
	l = base();
	made_tiles(&l, 0, 16);
	must_fail(&l, "TileWidth (322) is 0");
	l = base();
	made_tiles(&l, (1 << 20) + 1, 16);
	must_fail(&l, "TileWidth (322) is 1048577");
	l = base();
	made_tiles(&l, 16, 16);
	made_drop(&l, 323);
	must_fail(&l, "TileLength (323)");
}
END_TEST

START_TEST(planar_samples_have_units_of_their_own)
{
	uint64_t offs[6], cnts[6];
	for (size_t i = 0; i < 6; i++) {
		offs[i] = 8 + 320 * i;
		cnts[i] = i % 2 == 0 ? 320 : 80;
	}
	struct made_list l = made_page(16, 25, 8, 100);
	made_num(&l, 277, 3, 3);
	made_num(&l, 278, 3, 20);
	made_num(&l, 284, 3, 2);
	made_num(&l, 262, 3, 2);
	made_set(&l, (struct made_tag){ .tag = 273, .type = 4, .count = 6, .many = offs });
	made_set(&l, (struct made_tag){ .tag = 279, .type = 4, .count = 6, .many = cnts });
	struct tiff_page p = must_read(&l);
	ck_assert(p.planar && p.units_y == 2 && p.samples == 3 && p.extra_samples == 0);
	for (size_t i = 0; i < 6; i++) {
		ck_assert_uint_eq(unit_of(&p, i).offset, offs[i]);
		ck_assert_uint_eq(unit_of(&p, i).count, cnts[i]);
		ck_assert_int_eq(unit_of(&p, i).state, TIFF_UNIT_STORED);
	}
}
END_TEST

START_TEST(extra_samples_and_mixed_ones)
{
	struct made_list l = made_page(4, 4, 8, 80);
	made_num(&l, 277, 3, 5);
	made_num(&l, 262, 3, 2);
	made_set(&l, (struct made_tag){
			     .tag = 338, .type = 3, .count = 2, .many = (uint64_t[]){ 0, 2 } });
	made_set(&l, (struct made_tag){ .tag = 258,
					.type = 3,
					.count = 5,
					.many = (uint64_t[]){ 8, 8, 8, 8, 8 } });
	struct tiff_page p = must_read(&l);
	ck_assert(p.extra_samples == 2 && p.extra_kind == 2 && !p.mixed_bits && !p.mixed_formats);
	made_set(&l, (struct made_tag){ .tag = 258,
					.type = 3,
					.count = 5,
					.many = (uint64_t[]){ 8, 8, 8, 8, 16 } });
	made_set(&l, (struct made_tag){ .tag = 339,
					.type = 3,
					.count = 5,
					.many = (uint64_t[]){ 1, 2, 1, 1, 1 } });
	p = must_read(&l);
	ck_assert(p.mixed_bits && p.mixed_formats && p.bits == 8);
	enum dtype t;
	ck_assert_int_eq(tiff_page_dtype(&p, &t, &err), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.msg, "BitsPerSample"));
}
END_TEST

/* ---- sizes that lie ---- */

START_TEST(sizes_that_no_file_has)
{
	struct made_list l = made_page(UINT32_MAX, UINT32_MAX, 8, 100);
	must_fail(&l, "4294967295");
	/* 64 GiB in one strip. */
	l = made_page(262144, 262144, 8, 100);
	made_num(&l, 259, 3, 8);
	must_fail(&l, "over 1 GiB");
	l = made_page(200000, 200000, 8, 4096);
	must_fail(&l, "over 1 GiB");
	/* The same in strips that each are small: the first does not fit into the file. */
	l = made_page(200000, 200000, 8, 4096);
	made_num(&l, 278, 4, 1);
	struct tiff_page p = must_read(&l);
	ck_assert_int_eq(unit_of(&p, 0).state, TIFF_UNIT_DAMAGED);
	ck_assert_int_eq(unit_of(&p, 199999).state, TIFF_UNIT_DAMAGED);
	l = made_page(64, 64, 8, 73);
	made_tiles(&l, 65536, 16384);
	must_fail(&l, "tiles of 65536 x 16384");
	l = made_page(64, 64, 8, 73);
	made_num(&l, 277, 3, 4096);
	made_num(&l, 258, 3, 64);
	made_tiles(&l, 1 << 20, 1 << 20);
	must_fail(&l, "over 1 GiB");
	/* More tiles than 64 bits can number. */
	l = made_page(INT32_MAX, INT32_MAX, 8, 1);
	made_num(&l, 277, 3, 4096);
	made_num(&l, 284, 3, 2);
	made_tiles(&l, 1, 1);
	must_fail(&l, "2^64");
}
END_TEST

START_TEST(table_shorter_than_the_page)
{
	struct made_list l = made_page(1000, 900000, 8, 1000);
	made_num(&l, 278, 3, 1);
	struct tiff_page p = must_read(&l);
	ck_assert_int_eq(unit_of(&p, 0).state, TIFF_UNIT_STORED);
	static struct tiff_unit u[1000];
	ck_assert_int_eq(tiff_units_read(&r, &p, 0, 1000, u, &err), 0);
	ck_assert_int_eq(u[1].state, TIFF_UNIT_DAMAGED);
	ck_assert_int_eq(u[999].state, TIFF_UNIT_DAMAGED);
	ck_assert_int_eq(unit_of(&p, 800000).state, TIFF_UNIT_DAMAGED);
	/* Offsets for all, counts for one. */
	l = made_page(64, 64, 8, 2048);
	made_num(&l, 278, 3, 32);
	made_set(&l, (struct made_tag){
			     .tag = 273, .type = 4, .count = 2, .many = (uint64_t[]){ 8, 2056 } });
	p = must_read(&l);
	ck_assert_int_eq(unit_of(&p, 0).state, TIFF_UNIT_STORED);
	ck_assert_int_eq(unit_of(&p, 1).state, TIFF_UNIT_DAMAGED);
}
END_TEST

/* ---- strips that lie ---- */

START_TEST(sparse_and_damaged_units)
{
	static const struct {
		unsigned compression;
		uint64_t offset, count;
		enum tiff_unit_state state;
		uint64_t get; /* the count that is given; 0: not looked at */
		bool mended;
	} rows[] = {
		{ 1, 0, 0, TIFF_UNIT_SPARSE, 0, false },
		{ 5, 0, 0, TIFF_UNIT_SPARSE, 0, false },
		{ 1, 0, 4096, TIFF_UNIT_DAMAGED, 0, false },
		{ 8, 0, 100, TIFF_UNIT_DAMAGED, 0, false },
		{ 1, 7, 4096, TIFF_UNIT_DAMAGED, 0, false },
		{ 1, 8, 4096, TIFF_UNIT_STORED, 4096, false },
		{ 1, 8, 4100, TIFF_UNIT_STORED, 4096, false },
		{ 1, 8, 0, TIFF_UNIT_STORED, 4096, true },
		{ 1, 8, 100, TIFF_UNIT_STORED, 4096, true },
		{ 1, 8, UINT32_MAX, TIFF_UNIT_STORED, 4096, true },
		{ 8, 8, 0, TIFF_UNIT_DAMAGED, 0, false },
		{ 8, 8, 100, TIFF_UNIT_STORED, 100, false },
		{ 8, 8, 1 << 20, TIFF_UNIT_DAMAGED, 0, false },
		{ 50000, 8, UINT32_MAX, TIFF_UNIT_DAMAGED, 0, false },
		{ 1, 1 << 30, 4096, TIFF_UNIT_DAMAGED, 0, false },
		{ 5, 1 << 30, 4096, TIFF_UNIT_DAMAGED, 0, false },
		/* The strip would reach into the IFD behind it. */
		{ 1, 100, 4000, TIFF_UNIT_DAMAGED, 0, false },
		{ 1, 100, 4096, TIFF_UNIT_STORED, 4096, false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct made_list l = made_page(64, 64, rows[i].offset, rows[i].count);
		made_num(&l, 259, 3, rows[i].compression);
		struct tiff_unit u = only_unit(&l);
		ck_assert_msg(u.state == rows[i].state, "row %zu: %d", i, u.state);
		if (rows[i].get != 0)
			ck_assert_uint_eq(u.count, rows[i].get);
		bool said = u.state == TIFF_UNIT_DAMAGED || rows[i].mended;
		ck_assert_msg((u.why != NULL) == said, "row %zu", i);
	}
}
END_TEST

START_TEST(header_of_bigtiff_is_no_strip)
{
	struct made_list l = made_page(8, 8, 15, 64);
	struct tiff_page p;
	made_begin(&file, false, true);
	made_data(&file, pixels, 200);
	made_ifd(&file, l.t);
	ck_assert_int_eq(read_first(&p), 0);
	ck_assert_int_eq(unit_of(&p, 0).state, TIFF_UNIT_DAMAGED);
}
END_TEST

START_TEST(wrong_count_does_not_reach_into_the_next_strip)
{
	struct made_list l = made_page(64, 64, 8, 0);
	made_num(&l, 278, 3, 32);
	made_set(&l, (struct made_tag){
			     .tag = 273, .type = 4, .count = 2, .many = (uint64_t[]){ 8, 1000 } });
	made_set(&l, (struct made_tag){
			     .tag = 279, .type = 4, .count = 2, .many = (uint64_t[]){ 0, 0 } });
	struct tiff_page p = must_read(&l);
	ck_assert_int_eq(unit_of(&p, 0).state, TIFF_UNIT_DAMAGED);
	ck_assert_int_eq(unit_of(&p, 1).state, TIFF_UNIT_STORED);
	/* Alone, and as one of two, a strip is judged alike. */
	struct tiff_unit u[2];
	ck_assert_int_eq(tiff_units_read(&r, &p, 0, 2, u, &err), 0);
	ck_assert(u[0].state == TIFF_UNIT_DAMAGED && u[1].state == TIFF_UNIT_STORED);
}
END_TEST

START_TEST(file_that_ends_in_its_strip)
{
	/* 4000 of 4096 bytes, and the IFD before them. */
	made_begin(&file, false, false);
	struct made_list l = made_page(64, 64, 200, 4096);
	made_ifd(&file, l.t);
	file.n = 4200;
	struct tiff_page p;
	ck_assert_int_eq(read_first(&p), 0);
	ck_assert_int_eq(unit_of(&p, 0).state, TIFF_UNIT_DAMAGED);
	file.n = 4296;
	ck_assert_int_eq(read_first(&p), 0);
	ck_assert_int_eq(unit_of(&p, 0).state, TIFF_UNIT_STORED);
}
END_TEST

START_TEST(page_without_byte_counts)
{
	struct made_list l = base();
	made_drop(&l, 279);
	struct tiff_unit u = only_unit(&l);
	ck_assert(u.state == TIFF_UNIT_STORED && u.count == 4096 && u.why != NULL);
	made_num(&l, 259, 3, 8);
	u = only_unit(&l);
	ck_assert(u.state == TIFF_UNIT_STORED && u.offset == 8 && u.count == file.n - 8);
	made_num(&l, 278, 3, 32);
	made_set(&l, (struct made_tag){
			     .tag = 273, .type = 4, .count = 2, .many = (uint64_t[]){ 8, 1000 } });
	struct tiff_page p = must_read(&l);
	ck_assert_uint_eq(unit_of(&p, 0).count, 992);
	ck_assert_uint_eq(unit_of(&p, 1).count, file.n - 1000);
	l = base();
	made_drop(&l, 279);
	made_num(&l, 273, 4, 0);
	ck_assert_int_eq(only_unit(&l).state, TIFF_UNIT_DAMAGED);
}
END_TEST

/* ---- chains ---- */

static size_t walk_file(bool *cut, uint64_t **list)
{
	struct tiff_header h;
	size_t n = 0;
	*list = NULL;
	ck_assert_int_eq(open_file(&h), 0);
	ck_assert_int_eq(tiff_walk(&r, &h, list, &n, cut, &err), 0);
	return n;
}

START_TEST(chain_of_pages)
{
	for (int i = 0; i < 4; i++) {
		uint64_t *list, want[100];
		bool cut;
		made_begin(&file, i & 1, i & 2);
		for (int k = 0; k < 100; k++)
			want[k] = made_ifd(&file, base().t);
		ck_assert_uint_eq(walk_file(&cut, &list), 100);
		ck_assert(!cut);
		ck_assert_mem_eq(list, want, sizeof(want));
		free(list);
		/* The last one's pointer is cut off: no next. */
		file.n = file.next + 1;
		ck_assert_uint_eq(walk_file(&cut, &list), 100);
		ck_assert(!cut);
		struct tiff_page p;
		struct tiff_header h;
		ck_assert_int_eq(open_file(&h), 0);
		ck_assert_int_eq(tiff_page_read(&r, &h, list[99], &p, &err), 0);
		ck_assert_uint_eq(p.next_ifd, 0);
		ck_assert_int_eq(tiff_page_read(&r, &h, list[98], &p, &err), 0);
		ck_assert_uint_eq(p.next_ifd, list[99]);
		free(list);
		/* The last one's entries are cut off: a page, but a damaged one. */
		file.n = file.next - 3;
		ck_assert_uint_eq(walk_file(&cut, &list), 100);
		ck_assert(cut);
		ck_assert_int_eq(open_file(&h), 0);
		ck_assert_int_eq(tiff_page_read(&r, &h, list[99], &p, &err), -EBADMSG);
		free(list);
	}
}
END_TEST

START_TEST(chain_that_bites_its_tail)
{
	uint64_t *list;
	bool cut;
	size_t at[3];
	for (int back = 0; back < 3; back++) {
		made_begin(&file, false, false);
		for (int k = 0; k < 3; k++)
			at[k] = made_ifd(&file, base().t);
		made_put(&file, file.next, at[back], 4);
		ck_assert_uint_eq(walk_file(&cut, &list), 3);
		ck_assert(cut);
		free(list);
	}
}
END_TEST

START_TEST(chain_that_leaves_the_file)
{
	uint64_t *list;
	bool cut;
	static const uint32_t wrong[] = { 1, 7, 1 << 30, UINT32_MAX };
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		made_begin(&file, false, false);
		made_ifd(&file, base().t);
		made_put(&file, file.next, wrong[i], 4);
		ck_assert_uint_eq(walk_file(&cut, &list), 1);
		ck_assert(cut);
		free(list);
		made_put(&file, 4, wrong[i], 4);
		ck_assert_uint_eq(walk_file(&cut, &list), 0);
		ck_assert(cut);
		free(list);
		struct tiff_page p;
		ck_assert_int_eq(read_first(&p), -EBADMSG);
	}
	made_begin(&file, false, false);
	ck_assert_uint_eq(walk_file(&cut, &list), 0);
	ck_assert(!cut);
	free(list);
}
END_TEST

START_TEST(too_many_tags)
{
	uint64_t *list;
	bool cut;
	struct tiff_page p;
	for (uint64_t n = 4096; n <= 4097; n++) {
		made_begin(&file, false, false);
		size_t ifd = made_ifd(&file, base().t);
		made_put(&file, ifd, n, 2);
		memset(file.b + file.n, 0, 60000);
		file.n += 60000;
		bool fine = n == 4096;
		ck_assert_int_eq(read_first(&p), fine ? 0 : -EBADMSG);
		ck_assert_uint_eq(walk_file(&cut, &list), fine ? 1 : 0);
		free(list);
	}
	made_begin(&file, false, false);
	size_t ifd = made_ifd(&file, base().t);
	made_put(&file, ifd, 0, 2);
	ck_assert_int_eq(read_first(&p), -EBADMSG);
}
END_TEST

START_TEST(more_pages_than_any_file_has)
{
	/* IFDs of one tag, side by side. */
	enum { STEP = 18, PAGES = TIFF_MAX_PAGES + 10 };
	uint8_t *b = calloc(8 + STEP * PAGES, 1);
	ck_assert_ptr_nonnull(b);
	memcpy(b, "II*\0\10\0\0\0", 8);
	for (uint32_t i = 0; i < PAGES; i++) {
		uint32_t at = 8 + STEP * i, next = i + 1 < PAGES ? at + STEP : 0;
		b[at] = 1;
		memcpy(b + at + 14, &next, 4);
	}
	struct reader_bytes m = { b, 8 + STEP * PAGES };
	struct reader big = reader_mem(&m);
	struct tiff_header h;
	uint64_t *list;
	size_t n;
	bool cut;
	ck_assert_int_eq(tiff_header_read(&big, &h, &err), 0);
	ck_assert_int_eq(tiff_walk(&big, &h, &list, &n, &cut, &err), 0);
	ck_assert_uint_eq(n, TIFF_MAX_PAGES);
	ck_assert(cut);
	free(list);
	free(b);
}
END_TEST

/* ---- reads, and readers that fail ---- */

struct counted {
	unsigned reads, fail_from; /* the fail_from-th read fails; 0: none */
	int code;
};

static int64_t counted_pread(void *ctx, void *buf, size_t n, uint64_t off)
{
	struct counted *c = ctx;
	c->reads++;
	if (c->fail_from != 0 && c->reads >= c->fail_from)
		return -c->code;
	size_t got = off < file.n ? min_u64(n, file.n - off) : 0;
	memcpy(buf, file.b + off, got);
	return (int64_t)got;
}

START_TEST(page_costs_one_read)
{
	struct counted c = { 0 };
	struct tiff_page p;
	for (int last = 0; last < 2; last++) {
		struct made_list l = made_page(64, 64, 600, 4096);
		made_set(&l,
			 (struct made_tag){ .tag = 270, .type = 2, .count = 6, .bytes = "hello" });
		made_begin(&file, false, false);
		for (int k = 0; last && k < 20; k++)
			made_data(&file, pixels, sizeof(pixels));
		size_t ifd = made_ifd(&file, l.t);
		struct reader cr = { counted_pread, &c, file.n };
		struct tiff_header h;
		c.reads = 0;
		ck_assert_int_eq(tiff_header_read(&cr, &h, &err), 0);
		ck_assert_int_eq(tiff_page_read(&cr, &h, ifd, &p, &err), 0);
		ck_assert_uint_eq(c.reads, 2);
	}
}
END_TEST

START_TEST(failing_reads_are_passed_on)
{
	struct made_list l = base();
	uint64_t *list = NULL;
	size_t n;
	bool cut;
	made_begin(&file, false, false);
	for (int k = 0; k < 10; k++)
		made_data(&file, pixels, sizeof(pixels));
	/* Values far from the IFD, so that they cost a read. */
	made_set(&l,
		 (struct made_tag){ .tag = 274, .type = 3, .count = 3, .value = 8, .at = true });
	size_t ifd = made_ifd(&file, l.t);
	for (unsigned k = 1; k <= 2; k++) {
		struct counted c = { 0, k, EIO };
		struct reader cr = { counted_pread, &c, file.n };
		struct tiff_header h = { .first_ifd = ifd };
		struct tiff_page p;
		ck_assert_int_eq(tiff_page_read(&cr, &h, ifd, &p, &err), -EIO);
		ck_assert_int_eq(err.code, EIO);
		c.reads = 0;
		c.fail_from = 1;
		ck_assert_int_eq(tiff_header_read(&cr, &h, &err), -EIO);
		ck_assert_int_eq(tiff_walk(&cr, &h, &list, &n, &cut, &err), -EIO);
		ck_assert_ptr_null(list);
	}
	struct tiff_page p;
	struct tiff_unit u;
	ck_assert_int_eq(read_first(&p), 0);
	struct counted c = { 0, 2, ESTALE };
	struct reader cr = { counted_pread, &c, file.n };
	ck_assert_int_eq(tiff_units_read(&cr, &p, 0, 1, &u, &err), -ESTALE);
}
END_TEST

START_TEST(every_shortening_is_survived)
{
	for (int i = 0; i < 4; i++) {
		made_begin(&file, i & 1, i & 2);
		struct made_list l = made_page(8, 8, 40, 64);
		made_set(&l,
			 (struct made_tag){ .tag = 270, .type = 2, .count = 6, .bytes = "hello" });
		made_data(&file, pixels, 100);
		made_ifd(&file, l.t);
		for (size_t n = file.n; n > 0; n--) {
			uint8_t *copy = malloc(n);
			struct tiff_header h;
			struct tiff_page p;
			ck_assert_ptr_nonnull(copy);
			memcpy(copy, file.b, n);
			bytes = (struct reader_bytes){ copy, n };
			r = reader_mem(&bytes);
			int rc = tiff_header_read(&r, &h, &err);
			if (rc == 0)
				rc = tiff_page_read(&r, &h, h.first_ifd, &p, &err);
			ck_assert(rc == 0 || rc == -EBADMSG);
			ck_assert(rc != 0 || n > 200);
			free(copy);
		}
	}
}
END_TEST

static int64_t endless_pread(UNUSED void *ctx, void *buf, size_t n, uint64_t off)
{
	memset(buf, 0, n);
	if (off < file.n)
		memcpy(buf, file.b + off, min_u64(n, file.n - off));
	return (int64_t)n;
}

START_TEST(ndpi_above_4_gib)
{
	struct made_list l = with(65420, 4, 1);
	struct tiff_page p = must_read(&l);
	ck_assert_uint_eq(p.width, 64);
	struct reader big = { endless_pread, NULL, 5 * GiB };
	struct tiff_header h;
	ck_assert_int_eq(tiff_header_read(&big, &h, &err), 0);
	ck_assert_int_eq(tiff_page_read(&big, &h, h.first_ifd, &p, &err), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.msg, "NDPI"));
}
END_TEST

/* ---- kinds ---- */

START_TEST(kinds_that_are_given)
{
	static const struct {
		uint16_t bits, format;
		enum dtype t;
	} rows[] = {
		{ 8, 1, DTYPE_U8 },   { 16, 1, DTYPE_U16 }, { 32, 1, DTYPE_U32 },
		{ 64, 1, DTYPE_U64 }, { 8, 2, DTYPE_I8 },   { 16, 2, DTYPE_I16 },
		{ 32, 2, DTYPE_I32 }, { 64, 2, DTYPE_I64 }, { 32, 3, DTYPE_F32 },
		{ 64, 3, DTYPE_F64 }, { 16, 4, DTYPE_U16 },
	};
	static const uint16_t photometrics[] = { 0, 1, 3 };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(photometrics); k++) {
			struct made_list l = made_page(4, 4, 8, 128);
			enum dtype t;
			made_num(&l, 258, 3, rows[i].bits);
			made_num(&l, 339, 3, rows[i].format);
			made_num(&l, 262, 3, photometrics[k]);
			struct tiff_page p = must_read(&l);
			ck_assert_msg(tiff_page_dtype(&p, &t, &err) == 0, "%s", err.msg);
			ck_assert_int_eq(t, rows[i].t);
			ck_assert_uint_eq(tiff_unit_bytes(&p, 4), 16 * dtype_size(t));
		}
	}
}
END_TEST

struct change {
	uint16_t tag, value;
};

static const struct {
	struct change c[4];
	const char *sentence; /* NULL: given */
} kinds[] = {
	{ { { 259, 6 } }, "compression 6 (old JPEG) is not supported" },
	{ { { 259, 2 } }, "compression 2 (CCITT RLE) is not supported" },
	{ { { 259, 4 } }, "compression 4 (CCITT G4) is not supported" },
	{ { { 259, 34712 } }, "compression 34712 (JPEG 2000) is not supported" },
	{ { { 259, 50002 } }, "compression 50002 (JPEG XL) is not supported" },
	{ { { 259, 32909 } }, "compression 32909 (PixarLog) is not supported" },
	{ { { 259, 34676 } }, "compression 34676 (SGILog) is not supported" },
	{ { { 259, 32766 } }, "compression 32766 (NeXT) is not supported" },
	{ { { 259, 32809 } }, "compression 32809 (ThunderScan) is not supported" },
	{ { { 259, 34661 } }, "compression 34661 (JBIG) is not supported" },
	{ { { 259, 34933 } }, "compression 34933 (PNG) is not supported" },
	{ { { 259, 34934 } }, "compression 34934 (JPEG XR) is not supported" },
	{ { { 259, 4711 } }, "compression 4711 (unknown) is not supported" },
	{ { { 259, 0 } }, "compression 0 (unknown) is not supported" },
	{ { { 258, 1 } }, "BitsPerSample 1 is not supported" },
	{ { { 258, 12 } }, "BitsPerSample 12 is not supported" },
	{ { { 258, 24 } }, "BitsPerSample 24 is not supported" },
	{ { { 258, 16 }, { 339, 3 } },
	  "BitsPerSample 16 with SampleFormat 3 (float) is not supported" },
	{ { { 258, 64 }, { 339, 6 } }, "SampleFormat 6 (complex) is not supported" },
	{ { { 258, 32 }, { 339, 5 } }, "SampleFormat 5 (complex) is not supported" },
	{ { { 339, 7 } }, "SampleFormat 7 is not supported" },
	{ { { 339, 0 } }, "SampleFormat 0 is not supported" },
	{ { { 32997, 3 } }, "ImageDepth 3 is not supported" },
	{ { { 259, 7 }, { 258, 12 } }, "JPEG with BitsPerSample 12 is not supported" },
	{ { { 259, 7 } }, NULL },
	{ { { 262, 32844 } }, "PhotometricInterpretation 32844 (LogL) is not supported" },
	{ { { 262, 32845 }, { 277, 3 } },
	  "PhotometricInterpretation 32845 (LogLuv) is not supported" },
	{ { { 262, 6 }, { 277, 3 } }, "YCbCr subsampling 2,2 without JPEG is not supported" },
	{ { { 262, 6 }, { 277, 3 }, { 259, 7 } }, NULL },
	{ { { 262, 6 }, { 277, 1 }, { 259, 7 } },
	  "PhotometricInterpretation 6 (YCbCr) with 1 samples is not supported" },
	{ { { 262, 6 }, { 277, 3 }, { 259, 7 }, { 284, 2 } }, "PlanarConfiguration 2 with" },
	{ { { 262, 2 }, { 277, 3 } }, NULL },
	{ { { 262, 5 }, { 277, 4 } }, NULL },
	{ { { 262, 8 }, { 277, 3 } }, NULL },
	{ { { 262, 9 }, { 277, 3 }, { 258, 16 } }, NULL },
	{ { { 259, 50001 } }, "WebP with 1 samples of 8 bits is not supported" },
	{ { { 259, 50001 }, { 277, 4 }, { 262, 2 } }, NULL },
	{ { { 317, 2 }, { 259, 8 } }, NULL },
	{ { { 317, 3 }, { 259, 8 }, { 258, 32 }, { 339, 3 } }, NULL },
	{ { { 317, 3 }, { 259, 8 } },
	  "Predictor 3 with SampleFormat 1 of 8 bits is not supported" },
	{ { { 317, 0 }, { 259, 5 } }, "Predictor 0 is not supported" },
	{ { { 317, 34892 }, { 259, 50000 } }, "Predictor 34892 is not supported" },
	/* Compressions that know no predictor. */
	{ { { 317, 3 }, { 259, 1 } }, NULL },
	{ { { 317, 9 }, { 259, 32773 } }, NULL },
};

START_TEST(kind_is_given_or_named)
{
	struct made_list l = made_page(4, 4, 8, 128);
	enum dtype t;
	for (size_t k = 0; k < 4 && kinds[_i].c[k].tag != 0; k++)
		made_num(&l, kinds[_i].c[k].tag, 3, kinds[_i].c[k].value);
	struct tiff_page p = must_read(&l);
	int rc = tiff_page_dtype(&p, &t, &err);
	ck_assert_msg(rc == (kinds[_i].sentence != NULL ? -ENOTSUP : 0), "row %d: %s", _i, err.msg);
	if (rc != 0)
		ck_assert_msg(strncmp(err.msg, kinds[_i].sentence, strlen(kinds[_i].sentence)) == 0,
			      "row %d: '%s'", _i, err.msg);
}
END_TEST

START_TEST(ycbcr_without_subsampling)
{
	struct made_list l = made_page(4, 4, 8, 128);
	enum dtype t;
	made_num(&l, 277, 3, 3);
	made_num(&l, 262, 3, 6);
	made_set(&l, (struct made_tag){
			     .tag = 530, .type = 3, .count = 2, .many = (uint64_t[]){ 1, 1 } });
	struct tiff_page p = must_read(&l);
	ck_assert_int_eq(tiff_page_dtype(&p, &t, &err), 0);
	made_set(&l, (struct made_tag){
			     .tag = 530, .type = 3, .count = 2, .many = (uint64_t[]){ 2, 1 } });
	p = must_read(&l);
	ck_assert_int_eq(tiff_page_dtype(&p, &t, &err), -ENOTSUP);
	ck_assert_str_eq(err.msg, "YCbCr subsampling 2,1 without JPEG is not supported");
}
END_TEST

START_TEST(complex_of_two_doubles)
{
	struct made_list l = base();
	struct tiff_page p;
	made_num(&l, 258, 3, 128);
	made_num(&l, 339, 3, 6);
	ck_assert_int_eq(read_made(&l, &p), -ENOTSUP);
	ck_assert_str_eq(err.msg, "SampleFormat 6 (complex) is not supported");
}
END_TEST

START_TEST(old_jpeg_without_strips)
{
	struct made_list l = base();
	enum dtype t;
	made_num(&l, 259, 3, 6);
	made_drop(&l, 273);
	made_drop(&l, 279);
	struct tiff_page p = must_read(&l);
	ck_assert_int_eq(tiff_page_dtype(&p, &t, &err), -ENOTSUP);
	ck_assert_int_eq(unit_of(&p, 0).state, TIFF_UNIT_DAMAGED);
}
END_TEST

START_TEST(same_kind)
{
	struct made_list l = base(), m = base();
	struct tiff_page a = must_read(&l);
	made_tiles(&m, 16, 16);
	made_num(&m, 259, 3, 5);
	made_num(&m, 262, 3, 0);
	made_num(&m, 339, 3, 4);
	struct tiff_page b = must_read(&m);
	ck_assert(tiff_same_kind(&a, &b));
	static const struct change differ[] = { { 256, 32 }, { 257, 32 }, { 258, 16 },
						{ 339, 2 },  { 277, 2 },  { 262, 3 } };
	for (size_t i = 0; i < ARRAY_SIZE(differ); i++) {
		struct made_list d = with(differ[i].tag, 3, differ[i].value);
		b = must_read(&d);
		ck_assert_msg(!tiff_same_kind(&a, &b), "tag %u", differ[i].tag);
	}
	l = with(277, 3, 3);
	m = l;
	made_num(&l, 262, 3, 2);
	made_num(&m, 262, 3, 6);
	a = must_read(&l);
	b = must_read(&m);
	ck_assert(!tiff_same_kind(&a, &b));
	made_num(&m, 259, 3, 7);
	b = must_read(&m);
	ck_assert(tiff_same_kind(&a, &b));
}
END_TEST

START_TEST(names_of_compressions)
{
	ck_assert_str_eq(tiff_compression_name(1), "none");
	ck_assert_str_eq(tiff_compression_name(5), "LZW");
	ck_assert_str_eq(tiff_compression_name(8), "Deflate");
	ck_assert_str_eq(tiff_compression_name(32946), "Deflate");
	ck_assert_str_eq(tiff_compression_name(50000), "ZSTD");
	ck_assert_str_eq(tiff_compression_name(4711), "unknown");
}
END_TEST

/* ---- texts ---- */

START_TEST(texts)
{
	static const uint16_t types[] = { 1, 2, 7 };
	char *s;
	size_t n;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct made_list l = base();
		made_set(&l, (struct made_tag){ .tag = 270,
						.type = types[i],
						.count = 9,
						.bytes = "ab\0cd\0\0\0" });
		struct tiff_page p = must_read(&l);
		ck_assert_int_eq(tiff_text_read(&r, &p.description, 100, &s, &n, &err), 0);
		ck_assert_uint_eq(n, 5);
		ck_assert_mem_eq(s, "ab\0cd", 6);
		free(s);
		ck_assert_int_eq(tiff_text_read(&r, &p.description, 1, &s, &n, &err), 0);
		ck_assert_str_eq(s, "a");
		free(s);
	}
	struct made_list l = with(270, 4, 65);
	struct tiff_page p = must_read(&l);
	ck_assert_int_eq(tiff_text_read(&r, &p.description, 100, &s, &n, &err), -EBADMSG);
	ck_assert_int_eq(tiff_text_read(&r, &p.software, 100, &s, &n, &err), 0);
	ck_assert_str_eq(s, "");
	free(s);
}
END_TEST

static const struct {
	const char *text;
	enum dtype t;
	uint64_t bits; /* of the voxel, little-endian */
} nodata[] = {
	{ "255", DTYPE_U8, 255 },
	{ "256", DTYPE_U8, 0 },
	{ "-1", DTYPE_U8, 0 },
	{ "-1", DTYPE_I8, 0xff },
	{ "-128", DTYPE_I8, 0x80 },
	{ "-129", DTYPE_I8, 0 },
	{ " 7 ", DTYPE_U16, 7 },
	{ "1e3", DTYPE_U16, 1000 },
	{ "12.000", DTYPE_U16, 12 },
	{ "12.5", DTYPE_U16, 0 },
	{ "nan", DTYPE_U16, 0 },
	{ "x", DTYPE_U32, 0 },
	{ "", DTYPE_U32, 0 },
	{ "4294967295", DTYPE_U32, 0xffffffff },
	{ "18446744073709551615", DTYPE_U64, UINT64_MAX },
	{ "18446744073709551616", DTYPE_U64, 0 },
	{ "-9223372036854775808", DTYPE_I64, (uint64_t)1 << 63 },
	{ "9007199254740993", DTYPE_I64, 9007199254740993 },
	{ "-9999", DTYPE_F32, 0xc61c3c00 },
	{ "1.5", DTYPE_F64, 0x3ff8000000000000 },
	{ "1e300", DTYPE_F32, 0 },
	{ "-inf", DTYPE_F32, 0xff800000 },
	{ "1.5z", DTYPE_F64, 0 },
};

START_TEST(sparse_value)
{
	struct made_list l = base();
	size_t n = strlen(nodata[_i].text) + 1;
	uint64_t voxel = 0;
	made_set(&l, (struct made_tag){
			     .tag = 42113, .type = 2, .count = n, .bytes = nodata[_i].text });
	struct tiff_page p = must_read(&l);
	memset(&voxel, 0x5a, dtype_size(nodata[_i].t));
	tiff_sparse_value(&r, &p, nodata[_i].t, &voxel);
	ck_assert_msg(voxel == nodata[_i].bits, "'%s': %llx", nodata[_i].text,
		      (unsigned long long)voxel);
}
END_TEST

START_TEST(sparse_value_nan)
{
	struct made_list l = base();
	float f = 0;
	made_set(&l, (struct made_tag){ .tag = 42113, .type = 2, .count = 4, .bytes = "nan" });
	struct tiff_page p = must_read(&l);
	tiff_sparse_value(&r, &p, DTYPE_F32, &f);
	ck_assert(f != f);
}
END_TEST

static TCase *pages_case(void)
{
	TCase *c = tcase_create("pages");
	tcase_add_test(c, reader_reads_files_and_memory);
	tcase_add_test(c, header_of_four_kinds);
	tcase_add_test(c, header_that_is_none);
	tcase_add_test(c, page_of_four_kinds);
	tcase_add_test(c, defaults_where_tags_are_missing);
	tcase_add_test(c, tags_out_of_order_and_twice);
	tcase_add_test(c, numbers_of_every_integer_type);
	tcase_add_test(c, tables_of_every_type);
	tcase_add_test(c, tags_that_must_be_sane);
	tcase_add_test(c, tags_that_only_describe_are_left_out);
	tcase_add_test(c, tiles_of_any_side);
	tcase_add_test(c, planar_samples_have_units_of_their_own);
	tcase_add_test(c, extra_samples_and_mixed_ones);
	tcase_add_test(c, sizes_that_no_file_has);
	tcase_add_test(c, page_costs_one_read);
	tcase_add_test(c, failing_reads_are_passed_on);
	tcase_add_test(c, every_shortening_is_survived);
	tcase_add_test(c, ndpi_above_4_gib);
	return c;
}

static TCase *tables_case(void)
{
	TCase *c = tcase_create("tables");
	tcase_add_test(c, table_shorter_than_the_page);
	tcase_add_test(c, sparse_and_damaged_units);
	tcase_add_test(c, header_of_bigtiff_is_no_strip);
	tcase_add_test(c, wrong_count_does_not_reach_into_the_next_strip);
	tcase_add_test(c, file_that_ends_in_its_strip);
	tcase_add_test(c, page_without_byte_counts);
	tcase_add_test(c, chain_of_pages);
	tcase_add_test(c, chain_that_bites_its_tail);
	tcase_add_test(c, chain_that_leaves_the_file);
	tcase_add_test(c, too_many_tags);
	tcase_add_test(c, more_pages_than_any_file_has);
	return c;
}

static TCase *kinds_case(void)
{
	TCase *c = tcase_create("kinds");
	tcase_add_test(c, kinds_that_are_given);
	tcase_add_loop_test(c, kind_is_given_or_named, 0, ARRAY_SIZE(kinds));
	tcase_add_test(c, ycbcr_without_subsampling);
	tcase_add_test(c, complex_of_two_doubles);
	tcase_add_test(c, old_jpeg_without_strips);
	tcase_add_test(c, same_kind);
	tcase_add_test(c, names_of_compressions);
	tcase_add_test(c, texts);
	tcase_add_loop_test(c, sparse_value, 0, ARRAY_SIZE(nodata));
	tcase_add_test(c, sparse_value_nan);
	return c;
}

int main(void)
{
	Suite *s = suite_create("tiff");
	suite_add_tcase(s, pages_case());
	suite_add_tcase(s, tables_case());
	suite_add_tcase(s, kinds_case());
	SRunner *runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
