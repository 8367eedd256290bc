#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/run_suite.h"
#include "tests/unit/tiff_fixture.h"

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

int main(void)
{
	Suite *s = suite_create("tiff_walk");
	TCase *c = tcase_create("tiff_walk");
	tcase_add_test(c, chain_of_pages);
	tcase_add_test(c, chain_that_bites_its_tail);
	tcase_add_test(c, chain_that_leaves_the_file);
	tcase_add_test(c, too_many_tags);
	tcase_add_test(c, more_pages_than_any_file_has);
	suite_add_tcase(s, c);
	return run_suite(s);
}
