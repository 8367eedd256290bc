#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "codec/text.h"
#include "meta/tell_beside.h"
#include "tests/unit/run_suite.h"

/* The linker puts this in the place of syscall(2): a kernel or a container without openat2. */
long __wrap_syscall(long number, ...);
long __real_syscall(long number, ...);
static int refuse_with;

long __wrap_syscall(long number, ...)
{
	va_list ap;
	va_start(ap, number);
	long a = va_arg(ap, long), b = va_arg(ap, long), c = va_arg(ap, long), d = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_openat2 && refuse_with != 0) {
		errno = refuse_with;
		return -1;
	}
	return __real_syscall(number, a, b, c, d);
}

static const struct {
	const char *from, *name, *want; /* NULL: it leads out */
} paths[] = {
	{ "a.tif", "b.tif", "b.tif" },
	{ "x/a.tif", "b.tif", "x/b.tif" },
	{ "x/y/a.tif", "./z/b.tif", "x/y/z/b.tif" },
	{ "x/a.tif", "../b.tif", "b.tif" },
	{ "x/a.tif", "y/../../b.tif", "b.tif" },
	{ "x/a.tif", "..//b.tif", "b.tif" },
	{ "a.tif", "../b.tif", NULL },
	{ "x/a.tif", "../../b.tif", NULL },
	{ "x/a.tif", "..", NULL },
	{ "a.tif", "", NULL },
	{ "a.tif", "..b.tif", "..b.tif" },
};

START_TEST(joined)
{
	struct text CLEANUP(text_done) t = { 0 };
	bool inside = beside_path(paths[_i].from, paths[_i].name, &t);
	ck_assert_int_eq(inside, paths[_i].want != NULL);
	if (inside)
		ck_assert_str_eq(t.s, paths[_i].want);
}
END_TEST

static char folder[] = "/tmp/test_tell_beside_XXXXXX";
static char template[sizeof(folder)];
static struct dataset data;

static void put(const char *name, const char *text)
{
	CLEANUP(closep) int fd = openat(data.root_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* source/{a.tif, in.txt, sub/{b.txt, loop -> sub}, to_in -> in.txt, out -> ../outside, fifo}, outside/secret */
static void setup(void)
{
	memcpy(folder, template, sizeof(folder));
	ck_assert_ptr_nonnull(mkdtemp(folder));
	CLEANUP(closep) int top = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mkdirat(top, "source", 0700) | mkdirat(top, "outside", 0700), 0);
	data.root_fd = openat(top, "outside", O_PATH | O_DIRECTORY | O_CLOEXEC);
	put("secret", "secret");
	close(data.root_fd);
	data.root_fd = openat(top, "source", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mkdirat(data.root_fd, "sub", 0700), 0);
	put("in.txt", "inside");
	put("sub/b.txt", "below");
	ck_assert_int_eq(symlinkat("in.txt", data.root_fd, "to_in"), 0);
	ck_assert_int_eq(symlinkat("../outside", data.root_fd, "out"), 0);
	ck_assert_int_eq(symlinkat("../outside/secret", data.root_fd, "out.txt"), 0);
	ck_assert_int_eq(symlinkat("loop", data.root_fd, "loop"), 0);
	ck_assert_int_eq(mkfifoat(data.root_fd, "fifo", 0600), 0);
}

static void teardown(void)
{
	static const char *const files[] = { "sub/b.txt", "in.txt", "to_in", "out",
					     "out.txt",	  "loop",   "fifo" };
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		unlinkat(data.root_fd, files[i], 0);
	unlinkat(data.root_fd, "sub", AT_REMOVEDIR);
	close(data.root_fd);
	CLEANUP(closep) int top = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	unlinkat(top, "outside/secret", 0);
	unlinkat(top, "outside", AT_REMOVEDIR);
	unlinkat(top, "source", AT_REMOVEDIR);
	rmdir(folder);
	refuse_with = 0;
}

static int answer(const char *from, const char *name, size_t max, const char *want)
{
	struct beside b = beside_of(&data, from);
	CLEANUP(freep) char *text = NULL;
	size_t len = 0;
	int rc = beside_read(&b, name, max, &text, &len);
	if (want != NULL) {
		ck_assert_int_eq(rc, 0);
		ck_assert_uint_eq(len, strlen(want));
		ck_assert_str_eq(text, want);
	} else {
		ck_assert_ptr_null(text);
	}
	return rc;
}

/* With openat2, and without it, where no link is followed at all. */
static const int refusals[] = { 0, ENOSYS, EPERM };

START_TEST(files_beside)
{
	refuse_with = refusals[_i];
	answer("a.tif", "in.txt", 100, "inside");
	answer("a.tif", "sub/b.txt", 100, "below");
	answer("sub/a.tif", "../in.txt", 6, "inside");
	ck_assert_int_eq(answer("a.tif", "in.txt", 5, NULL), -EFBIG);
	ck_assert_int_eq(answer("a.tif", "in.txt", 0, NULL), 0);
	ck_assert_int_eq(answer("a.tif", "none", 100, NULL), -ENOENT);
	ck_assert_int_eq(answer("a.tif", "in.txt/x", 100, NULL), -ENOENT);
	ck_assert_int_eq(answer("a.tif", "sub", 100, NULL), -ENOENT);
	ck_assert_int_eq(answer("a.tif", "fifo", 100, NULL), -ENOENT);
	ck_assert_int_eq(answer("a.tif", "../outside/secret", 100, NULL), -EXDEV);
	ck_assert_int_eq(answer("a.tif", "out.txt", 100, NULL), -EXDEV);
	ck_assert_int_lt(answer("a.tif", "out/secret", 100, NULL), 0);
	ck_assert_int_lt(answer("a.tif", "loop", 100, NULL), 0);
	if (refuse_with == 0)
		answer("a.tif", "to_in", 100, "inside");
	else
		ck_assert_int_eq(answer("a.tif", "to_in", 100, NULL), -EXDEV);
}
END_TEST

START_TEST(parts_of_files)
{
	struct beside b = beside_of(&data, "a.tif");
	static const struct {
		uint64_t off;
		size_t max;
		const char *want;
	} parts[] = { { 0, 2, "in" }, { 2, 100, "side" }, { 6, 5, "" }, { UINT64_MAX, 5, "" } };
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		CLEANUP(freep) char *text = NULL;
		size_t len = 7;
		ck_assert_int_eq(
			beside_read_at(&b, "in.txt", parts[i].off, parts[i].max, &text, &len), 0);
		ck_assert_str_eq(text, parts[i].want);
		ck_assert_uint_eq(len, strlen(parts[i].want));
	}
	CLEANUP(freep) char *none = NULL;
	size_t len = 0;
	ck_assert_int_eq(beside_read_at(&b, "out.txt", 0, 5, &none, &len), -EXDEV);
}
END_TEST

int main(void)
{
	memcpy(template, folder, sizeof(folder));
	Suite *suite = suite_create("tell_beside");
	TCase *tc = tcase_create("paths");
	tcase_add_loop_test(tc, joined, 0, ARRAY_SIZE(paths));
	suite_add_tcase(suite, tc);
	tc = tcase_create("files");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, files_beside, 0, ARRAY_SIZE(refusals));
	tcase_add_test(tc, parts_of_files);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
