#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/run_suite.h"
#include "tests/unit/tiff_fixture.h"

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

START_TEST(tags_of_metamorph_count_planes)
{
	struct made_list l = base();
	/* A count of 1 would fit into the entry; 300 pairs would not fit into the file from there on. */
	made_set(&l,
		 (struct made_tag){ .tag = 33628, .type = 4, .count = 1, .value = 40, .at = true });
	made_set(&l, (struct made_tag){
			     .tag = 33629, .type = 5, .count = 300, .value = 4000, .at = true });
	made_set(&l, (struct made_tag){
			     .tag = 33630, .type = 5, .count = 5000, .value = 8, .at = true });
	made_set(&l, (struct made_tag){
			     .tag = 33631, .type = 4, .count = 1, .value = 1u << 30, .at = true });
	struct tiff_page p = must_read(&l);
	ck_assert(p.uic1.offset == 40 && p.uic1.count == 1 && p.uic1.type == 4);
	ck_assert(p.uic2.offset == 4000 && p.uic2.count == 300);
	ck_assert_uint_eq(p.uic3.count, 0);
	ck_assert_uint_eq(p.uic4.count, 0);
}
END_TEST

/* As LSM files have it: an offset, although both values would fit. */
START_TEST(two_bits_values_may_lie_elsewhere)
{
	static const struct {
		uint16_t first, second;
		bool good;
	} rows[] = { { 16, 16, true }, { 8, 8, true },	{ 12, 12, true },
		     { 8, 16, false }, { 0, 0, false }, { 65, 65, false } };
	for (int big = 0; big < 2; big++)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			struct tiff_page p;
			made_begin(&file, big, false);
			made_data(&file, pixels, sizeof(pixels));
			size_t at = file.n;
			made_put(&file, at, rows[i].first, 2);
			made_put(&file, at + 2, rows[i].second, 2);
			file.n += 4;
			struct made_list l = made_page(16, 16, 8, 512);
			made_set(&l, (struct made_tag){ .tag = 258,
							.type = 3,
							.count = 2,
							.value = at,
							.at = true });
			made_num(&l, 277, 3, 2);
			made_ifd(&file, l.t);
			int rc = read_first(&p);
			ck_assert_int_eq(rc, rows[i].good ? 0 : -EBADMSG);
			ck_assert(!rows[i].good || p.bits == rows[i].first);
		}
	struct made_list l = base();
	made_set(&l, (struct made_tag){
			     .tag = 258, .type = 3, .count = 2, .value = 1u << 30, .at = true });
	made_num(&l, 277, 3, 2);
	must_fail(&l, "BitsPerSample (258)");
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
	/* Raw rows need no buffer, but they are not there. */
	l = made_page(200000, 200000, 8, 4096);
	struct tiff_page raw = must_read(&l);
	ck_assert_int_eq(unit_of(&raw, 0).state, TIFF_UNIT_DAMAGED);
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

int main(void)
{
	Suite *s = suite_create("tiff");
	TCase *c = tcase_create("tiff");
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
	tcase_add_test(c, tags_of_metamorph_count_planes);
	tcase_add_test(c, two_bits_values_may_lie_elsewhere);
	tcase_add_test(c, tiles_of_any_side);
	tcase_add_test(c, planar_samples_have_units_of_their_own);
	tcase_add_test(c, extra_samples_and_mixed_ones);
	tcase_add_test(c, sizes_that_no_file_has);
	tcase_add_test(c, page_costs_one_read);
	tcase_add_test(c, failing_reads_are_passed_on);
	tcase_add_test(c, every_shortening_is_survived);
	tcase_add_test(c, ndpi_above_4_gib);
	suite_add_tcase(s, c);
	return run_suite(s);
}
