#include "fs/ops_attr.h"
#include "tests/unit/run_suite.h"

#include <check.h>
#include <string.h>

static struct image image = { .mode = 0640, .uid = 7, .gid = 8, .mtime_ns = -1 };
static struct dataset data = { .images = &image,
			       .n_images = 1,
			       .mode = 0755,
			       .uid = 5,
			       .gid = 6,
			       .mtime_ns = 1500000000123456789 };
static struct tree tree;

static struct stat attr(enum node_kind kind, uint64_t size)
{
	struct node n = { .kind = kind, .depth = kind == NODE_CHUNK_DIR };
	struct stat st;
	memset(&st, 0x55, sizeof(st));
	tree_init(&tree, &data, false, false);
	attr_fill(&tree, &n, size, &st);
	ck_assert_uint_eq(st.st_ino, tree_number(&tree, &n));
	return st;
}

START_TEST(the_root_is_as_the_source)
{
	struct stat st = attr(NODE_ROOT, 0);
	ck_assert_uint_eq(st.st_ino, 1);
	ck_assert_uint_eq(st.st_mode, S_IFDIR | 0555);
	ck_assert_uint_eq(st.st_nlink, 2);
	ck_assert_uint_eq(st.st_uid, 5);
	ck_assert_uint_eq(st.st_gid, 6);
	ck_assert_int_eq(st.st_mtim.tv_sec, 1500000000);
	ck_assert_int_eq(st.st_mtim.tv_nsec, 123456789);
	ck_assert_int_eq(st.st_ctim.tv_sec, 1500000000);
	ck_assert_int_eq(st.st_atim.tv_nsec, 123456789);
}
END_TEST

START_TEST(chunks_are_no_more_readable_than_their_files)
{
	struct stat st = attr(NODE_CHUNK, 1025);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0440);
	ck_assert_uint_eq(st.st_nlink, 1);
	ck_assert_uint_eq(st.st_uid, 7);
	ck_assert_uint_eq(st.st_gid, 8);
	ck_assert_int_eq(st.st_size, 1025);
	ck_assert_int_eq(st.st_blocks, 3);
	st = attr(NODE_CHUNK_DIR, 1025);
	ck_assert_uint_eq(st.st_mode, S_IFDIR | 0550);
	ck_assert_int_eq(st.st_size, 0);
}
END_TEST

START_TEST(documents_of_the_root_are_those_of_a_lone_image)
{
	struct stat st = attr(NODE_ROOT_DOC, 1);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0440);
	ck_assert_uint_eq(st.st_uid, 7);
	data.n_images = 2;
	st = attr(NODE_ROOT_DOC, 1);
	data.n_images = 1;
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0444);
	ck_assert_uint_eq(st.st_uid, 5);
}
END_TEST

START_TEST(blocks_round_up)
{
	ck_assert_int_eq(attr(NODE_IMAGE_DOC, 0).st_blocks, 0);
	ck_assert_int_eq(attr(NODE_IMAGE_DOC, 1).st_blocks, 1);
	ck_assert_int_eq(attr(NODE_IMAGE_DOC, 512).st_blocks, 1);
	ck_assert_int_eq(attr(NODE_IMAGE_DOC, 513).st_blocks, 2);
}
END_TEST

START_TEST(times_before_1970)
{
	struct stat st = attr(NODE_IMAGE, 0);
	ck_assert_int_eq(st.st_mtim.tv_sec, -1);
	ck_assert_int_eq(st.st_mtim.tv_nsec, 999999999);
}
END_TEST

START_TEST(write_and_set_id_bits_do_not_pass)
{
	image.mode = 06777;
	ck_assert_uint_eq(attr(NODE_CHUNK, 1).st_mode, S_IFREG | 0444);
	ck_assert_uint_eq(attr(NODE_ARRAY, 1).st_mode, S_IFDIR | 0555);
	image.mode = 0200;
	ck_assert_uint_eq(attr(NODE_CHUNK, 1).st_mode, S_IFREG);
	image.mode = 0640;
	ck_assert_uint_eq(attr(NODE_STATUS, 1).st_mode, S_IFREG | 0444);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ops_attr");
	TCase *t = tcase_create("all");
	tcase_add_test(t, the_root_is_as_the_source);
	tcase_add_test(t, chunks_are_no_more_readable_than_their_files);
	tcase_add_test(t, documents_of_the_root_are_those_of_a_lone_image);
	tcase_add_test(t, blocks_round_up);
	tcase_add_test(t, times_before_1970);
	tcase_add_test(t, write_and_set_id_bits_do_not_pass);
	suite_add_tcase(s, t);
	return run_suite(s);
}
