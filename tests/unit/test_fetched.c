/* What is fetched for a piece: stretches, blocks around small reads, errors that are kept, the limit. */
#include "fs/fetched.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/run_suite.h"

enum { SIZE = 100000, BLOCK = 4096 };

static uint8_t contents[SIZE];

/* A file in which each read can fail. */
struct file {
	uint64_t ends;		   /* bytes that it really has */
	uint64_t bad_from, bad_to; /* -EIO across these */
	int refuse;		   /* errno of every read; 0: none */
	unsigned reads;
};

static int64_t file_pread(void *ctx, void *buf, size_t n, uint64_t off)
{
	struct file *f = ctx;
	f->reads++;
	if (f->refuse != 0)
		return -f->refuse;
	if (off < f->bad_to && off + n > f->bad_from)
		return -EIO;
	if (off >= f->ends)
		return 0;
	n = min_u64(n, f->ends - off);
	n = n > 1000 ? n / 2 : n; /* short reads are allowed */
	memcpy(buf, contents + off, n);
	return (int64_t)n;
}

static struct file file;
static struct reader from;
static struct pool *pool;
static struct fetched *f;

static void setup(void)
{
	for (size_t i = 0; i < SIZE; i++)
		contents[i] = (uint8_t)(i * 7 + i / 256);
	file = (struct file){ .ends = SIZE };
	from = (struct reader){ file_pread, &file, SIZE };
	pool = pool_new();
	f = fetched_new(pool, 20000);
	ck_assert_ptr_nonnull(pool);
	ck_assert_ptr_nonnull(f);
}

static void teardown(void)
{
	fetched_free(f);
	pool_free(pool);
}

static void expect(const struct reader *r, uint64_t off, size_t n)
{
	static uint8_t buf[SIZE];
	struct err err;
	ck_assert_int_eq(reader_exact(r, buf, n, off, &err), 0);
	ck_assert_mem_eq(buf, contents + off, n);
}

START_TEST(small_reads_share_a_block)
{
	struct reader r = fetched_reader(f, &from, BLOCK, SIZE);
	expect(&r, 5000, 16);
	unsigned reads = file.reads;
	expect(&r, 4600, 8);
	expect(&r, 5016, 1000);
	ck_assert_uint_eq(file.reads, reads);
	/* Without the file: what is there, and no more. */
	r = fetched_reader(f, NULL, 0, SIZE);
	expect(&r, 5000, 16);
	ck_assert(!fetched_missed(f));
	uint8_t b[4];
	ck_assert_int_eq(reader_exact(&r, b, 4, 50000, NULL), -EAGAIN);
	ck_assert(fetched_missed(f));
	ck_assert_uint_eq(file.reads, reads);
}
END_TEST

START_TEST(a_read_may_span_stretches)
{
	struct reader r = fetched_reader(f, &from, BLOCK, SIZE);
	ck_assert_int_eq(fetched_get(f, 10000, 500), 0);
	ck_assert_int_eq(fetched_get(f, 10500, 500), 0);
	ck_assert_ptr_nonnull(fetched_bytes(f, 10100, 400));
	ck_assert_ptr_null(fetched_bytes(f, 10100, 401));
	ck_assert_ptr_null(fetched_bytes(f, 9999, 2));
	ck_assert_mem_eq(fetched_bytes(f, 10700, 300), contents + 10700, 300);
	unsigned reads = file.reads;
	expect(&r, 10000, 1000);
	ck_assert_uint_eq(file.reads, reads);
}
END_TEST

START_TEST(the_end_of_the_file_is_kept)
{
	file.ends = 30100;
	struct reader r = fetched_reader(f, &from, BLOCK, SIZE);
	struct err err;
	uint8_t b[200];
	ck_assert_int_eq(reader_exact(&r, b, 200, 30000, &err), -ENODATA);
	ck_assert_int_eq(fetched_get(f, 29000, 5000), 0);
	r = fetched_reader(f, NULL, 0, SIZE);
	expect(&r, 30000, 100);
	ck_assert_int_eq(reader_exact(&r, b, 200, 30000, &err), -ENODATA);
	ck_assert_int_eq(reader_exact(&r, b, 1, 40000, &err), -ENODATA);
	ck_assert(!fetched_missed(f));
}
END_TEST

START_TEST(errors_are_kept_where_they_are)
{
	file.bad_from = 60000;
	file.bad_to = 60001;
	struct reader r = fetched_reader(f, &from, BLOCK, SIZE);
	struct err err;
	uint8_t b[16];
	expect(&r, 59980, 16); /* its block cannot be read, the bytes can */
	ck_assert_int_eq(reader_exact(&r, b, 16, 59990, &err), -EIO);
	ck_assert_int_eq(fetched_get(f, 58000, 8000), -EIO);
	unsigned reads = file.reads;
	file.bad_to = 0;
	r = fetched_reader(f, NULL, 0, SIZE);
	expect(&r, 59980, 16);
	ck_assert_int_eq(reader_exact(&r, b, 16, 62000, &err), -EIO);
	ck_assert_uint_eq(file.reads, reads);
	ck_assert(!fetched_missed(f));
}
END_TEST

START_TEST(what_failed_as_a_whole_is_read_in_parts)
{
	struct reader r = fetched_reader(f, &from, BLOCK, SIZE);
	struct err err;
	uint8_t b[16];
	file.bad_from = 60000;
	file.bad_to = 60001;
	ck_assert_int_eq(fetched_get(f, 58000, 6000), -EIO);
	ck_assert_int_eq(fetched_get(f, 58000, 2000), 0);
	ck_assert_int_eq(fetched_get(f, 60000, 2000), -EIO);
	ck_assert_int_eq(fetched_get(f, 62000, 2000), 0);
	r = fetched_reader(f, NULL, 0, SIZE);
	ck_assert_ptr_nonnull(fetched_bytes(f, 58000, 2000));
	expect(&r, 62000, 2000);
	ck_assert_int_eq(reader_exact(&r, b, 16, 60100, &err), -EIO);
	fetched_clear(f);
	ck_assert_ptr_null(fetched_bytes(f, 58000, 2000));
	ck_assert_uint_eq(fetched_room(f), 20000);
}
END_TEST

START_TEST(what_would_wait_is_not_kept)
{
	file.refuse = EAGAIN;
	struct reader r = fetched_reader(f, &from, BLOCK, SIZE);
	uint8_t b[16];
	ck_assert_int_eq(reader_exact(&r, b, 16, 100, NULL), -EAGAIN);
	ck_assert(fetched_missed(f));
	ck_assert_int_eq(fetched_get(f, 100, 9000), -EAGAIN);
	file.refuse = 0;
	expect(&r, 100, 16);
	ck_assert_int_eq(fetched_get(f, 100, 9000), 0);
}
END_TEST

START_TEST(the_limit_holds)
{
	struct reader r = fetched_reader(f, &from, BLOCK, SIZE);
	ck_assert_int_eq(fetched_get(f, 0, 12000), 0);
	ck_assert_int_eq(fetched_get(f, 20000, 8000), -ENOBUFS);
	ck_assert_ptr_null(fetched_bytes(f, 20000, 1));
	ck_assert_int_eq(fetched_get(f, 20000, 5000), 0);
	expect(&r, 40000, 9000); /* read, but not kept */
	ck_assert_ptr_null(fetched_bytes(f, 40000, 1));
}
END_TEST

START_TEST(a_file_fails_as_a_whole)
{
	struct err err = { 0 };
	ck_assert_ptr_null(fetched_failure(f));
	err_set(&err, ESTALE, "changed");
	fetched_fail(f, &err);
	ck_assert_int_eq(fetched_failure(f)->code, ESTALE);
	ck_assert_str_eq(fetched_failure(f)->msg, "changed");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fetched");
	TCase *c = tcase_create("fetched");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, small_reads_share_a_block);
	tcase_add_test(c, a_read_may_span_stretches);
	tcase_add_test(c, the_end_of_the_file_is_kept);
	tcase_add_test(c, errors_are_kept_where_they_are);
	tcase_add_test(c, what_failed_as_a_whole_is_read_in_parts);
	tcase_add_test(c, what_would_wait_is_not_kept);
	tcase_add_test(c, the_limit_holds);
	tcase_add_test(c, a_file_fails_as_a_whole);
	suite_add_tcase(s, c);
	return run_suite(s);
}
