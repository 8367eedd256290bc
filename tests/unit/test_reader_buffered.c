/* Small reads are answered from blocks, as the file itself would answer them. */
#include "codec/reader_buffered.h"
#include "tests/unit/run_suite.h"

#include <errno.h>
#include <string.h>

enum { SIZE = 5 * BUFFERED_BLOCK + 1000 };

/* A file in memory that counts what it is asked. */
static struct {
	uint8_t bytes[SIZE];
	uint64_t end;		   /* where it ends, whatever its size was */
	uint64_t bad_from, bad_to; /* reads that touch this range fail */
	size_t most;		   /* bytes that one read gives; 0: all */
	unsigned reads;
	uint64_t read_bytes;
} far;
static struct reader_buffer buffer;
static struct reader r;
static uint8_t got[3 * BUFFERED_BLOCK];

static int64_t far_pread(UNUSED void *ctx, void *buf, size_t n, uint64_t off)
{
	far.reads++;
	if (off < far.bad_to && off + n > far.bad_from)
		return -EIO;
	if (off >= far.end)
		return 0;
	n = min_u64(n, far.end - off);
	if (far.most != 0)
		n = min_u64(n, far.most);
	memcpy(buf, far.bytes + off, n);
	far.read_bytes += n;
	return (int64_t)n;
}

static void setup(void)
{
	memset(&far, 0, sizeof(far));
	uint32_t x = 1;
	for (size_t i = 0; i < SIZE; i++) {
		x = x * 1664525 + 1013904223;
		far.bytes[i] = (uint8_t)(x >> 24);
	}
	far.end = SIZE;
	struct reader from = { .pread = far_pread, .size = SIZE };
	r = reader_buffered(&buffer, &from);
}

static void teardown(void)
{
	reader_buffer_done(&buffer);
}

/* The answer has `want` bytes, those of the file, and cost so many reads of it. */
static void check_read(size_t n, uint64_t off, int64_t want, unsigned reads)
{
	unsigned before = far.reads;
	memset(got, 0xa5, sizeof(got));
	ck_assert_int_eq(r.pread(r.ctx, got, n, off), want);
	ck_assert_uint_eq(far.reads - before, reads);
	if (want > 0)
		ck_assert_mem_eq(got, far.bytes + off, (size_t)want);
	ck_assert_uint_eq(got[want > 0 ? want : 0], 0xa5);
}

START_TEST(small_reads_share_a_block)
{
	ck_assert_uint_eq(r.size, SIZE);
	check_read(8, 0, 8, 1);
	check_read(2, 1000, 2, 0);
	check_read(100, BUFFERED_BLOCK - 100, 100, 0);
	ck_assert_uint_eq(far.read_bytes, BUFFERED_BLOCK);
	check_read(BUFFERED_BLOCK - 1, 1, BUFFERED_BLOCK - 1, 0);
	check_read(0, 7, 0, 0);
}
END_TEST

START_TEST(a_read_across_a_border_is_one_read)
{
	check_read(200, 2 * BUFFERED_BLOCK - 100, 200, 1);
	check_read(10, BUFFERED_BLOCK, 10, 0);
	check_read(10, 3 * BUFFERED_BLOCK - 10, 10, 0);
	check_read(11, 3 * BUFFERED_BLOCK - 10, 11, 1);
}
END_TEST

START_TEST(several_blocks_are_kept)
{
	for (unsigned i = 0; i < BUFFERED_SPANS; i++)
		check_read(4, i * BUFFERED_BLOCK + 5, 4, 1);
	for (unsigned i = 0; i < BUFFERED_SPANS; i++)
		check_read(4, i * BUFFERED_BLOCK + 9, 4, 0);
	/* The next one takes the place of the one that was not used for longest. */
	check_read(4, 0, 4, 0);
	check_read(4, BUFFERED_SPANS * BUFFERED_BLOCK, 4, 1);
	check_read(4, 0, 4, 0);
	check_read(4, BUFFERED_BLOCK, 4, 1);
}
END_TEST

START_TEST(large_reads_go_through)
{
	check_read(BUFFERED_BLOCK, 3, BUFFERED_BLOCK, 1);
	check_read(2 * BUFFERED_BLOCK, 3, 2 * BUFFERED_BLOCK, 1);
	ck_assert_uint_eq(far.read_bytes, 3 * BUFFERED_BLOCK);
	check_read(1, 3, 1, 1);
}
END_TEST

START_TEST(the_end_of_the_file)
{
	check_read(500, SIZE - 500, 500, 1);
	check_read(501, SIZE - 500, 500, 0);
	check_read(1, SIZE - 1, 1, 0);
	check_read(2 * BUFFERED_BLOCK, SIZE - 400, 400, 0);
	check_read(1, SIZE, 0, 0);
	check_read(1, UINT64_MAX, 0, 0);
	check_read(2 * BUFFERED_BLOCK, SIZE - BUFFERED_BLOCK, BUFFERED_BLOCK, 1);
}
END_TEST

START_TEST(reads_that_give_little)
{
	far.most = 4096;
	check_read(100, 50, 100, 4);
	check_read(100, 9000, 100, 0);
	check_read(BUFFERED_BLOCK + 1, 0, BUFFERED_BLOCK + 1, 5);
}
END_TEST

START_TEST(errors_are_not_kept)
{
	far.bad_from = 100;
	far.bad_to = 200;
	check_read(10, 95, -EIO, 2);
	far.bad_to = 0;
	check_read(10, 95, 10, 1);
	check_read(10, 150, 10, 0);
}
END_TEST

START_TEST(what_cannot_be_read_beside_it_does_not_matter)
{
	far.bad_from = 100;
	far.bad_to = 200;
	check_read(10, 20, 10, 2);
	check_read(10, 200, 10, 2);
	check_read(1, 199, -EIO, 2);
	check_read(10, BUFFERED_BLOCK, 10, 1);
}
END_TEST

START_TEST(a_file_that_has_shrunk)
{
	far.end = 1000;
	check_read(10, 995, 5, 4);
	check_read(10, 1000, 0, 3);
	ck_assert_int_eq(reader_exact(&r, got, 10, 995, NULL), -ENODATA);
	/* It has grown again: nothing of its early end was kept. */
	far.end = SIZE;
	check_read(10, 995, 10, 1);
}
END_TEST

START_TEST(another_file)
{
	check_read(10, 20, 10, 1);
	struct reader_bytes bytes = { (const uint8_t *)"another file", 12 };
	struct reader other = reader_mem(&bytes);
	r = reader_buffered(&buffer, &other);
	ck_assert_int_eq(r.pread(r.ctx, got, 20, 2), 10);
	ck_assert_mem_eq(got, "other file", 10);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reader_buffered");
	TCase *t = tcase_create("reader_buffered");
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, small_reads_share_a_block);
	tcase_add_test(t, a_read_across_a_border_is_one_read);
	tcase_add_test(t, several_blocks_are_kept);
	tcase_add_test(t, large_reads_go_through);
	tcase_add_test(t, the_end_of_the_file);
	tcase_add_test(t, reads_that_give_little);
	tcase_add_test(t, errors_are_not_kept);
	tcase_add_test(t, what_cannot_be_read_beside_it_does_not_matter);
	tcase_add_test(t, a_file_that_has_shrunk);
	tcase_add_test(t, another_file);
	return run_suite(s);
}
