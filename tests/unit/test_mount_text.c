#include "fs/mount_text.h"
#include "tests/unit/run_suite.h"

#include <check.h>
#include <errno.h>
#include <string.h>

START_TEST(descriptors)
{
	ck_assert_int_eq(mount_text_fd("/dev/fd/0"), 0);
	ck_assert_int_eq(mount_text_fd("/dev/fd/17"), 17);
	ck_assert_int_eq(mount_text_fd("/dev/fd/"), -1);
	ck_assert_int_eq(mount_text_fd("/dev/fd/1x"), -1);
	ck_assert_int_eq(mount_text_fd("/dev/fd/-1"), -1);
	ck_assert_int_eq(mount_text_fd("/dev/fd/99999999999999999999"), -1);
	ck_assert_int_eq(mount_text_fd("dev/fd/3"), -1);
	ck_assert_int_eq(mount_text_fd("/mnt"), -1);
}
END_TEST

START_TEST(image_names)
{
	ck_assert(mount_text_is_image("a.zarr", 1));
	ck_assert(mount_text_is_image("/mnt/a.zarr/", 1));
	ck_assert(mount_text_is_image("/mnt/a.zarr///", 1));
	ck_assert(!mount_text_is_image("a.zarr", 2));
	ck_assert(!mount_text_is_image("a.zarr", 0));
	ck_assert(!mount_text_is_image("azarr", 1));
	ck_assert(!mount_text_is_image(".zarr", 1));
	ck_assert(!mount_text_is_image("/mnt/.zarr", 1));
	ck_assert(!mount_text_is_image("/mnt/a.zarr/x", 1));
	ck_assert(!mount_text_is_image("/", 1));
	ck_assert(!mount_text_is_image("", 1));
}
END_TEST

START_TEST(escapes)
{
	struct text t = { 0 };
	mount_text_escape(&t, "/data/a,b\\c d=e");
	ck_assert_str_eq(t.s, "/data/a\\,b\\\\c d=e");
	text_done(&t);
}
END_TEST

static const char mountinfo[] =
	"22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
	"40 22 0:50 / /mnt/a rw,nosuid - tmpfs none rw\n"
	"41 22 0:51 / /mnt/with\\040blank\\134slash ro - fuse.ngffuse /srv/a\\040b ro,user_id=0\n"
	"42 22 0:52 / /mnt/opt ro shared:7 master:2 - fuse.ngffuse /srv/x ro\n"
	"43 40 0:53 / /mnt/a ro - fuse.ngffuse /srv/top ro\n"
	"44 22 0:54 / /mnt/odd\\9 ro - fuse.sshfs host: ro\n"
	"45 22 broken\n"
	"46 22 0:55 / /mnt/last ro - fuse /dev/fuse ro";

static void check_entry(const char *path, const char *type, const char *source)
{
	struct mount_entry e;
	ck_assert_int_eq(mount_text_find(mountinfo, path, &e), 0);
	ck_assert_str_eq(e.point, path);
	ck_assert_str_eq(e.type, type);
	ck_assert_str_eq(e.source, source);
	mount_entry_done(&e);
	ck_assert_ptr_null(e.point);
}

START_TEST(finds_mounts)
{
	check_entry("/", "ext4", "/dev/sda1");
	check_entry("/mnt/with blank\\slash", "fuse.ngffuse", "/srv/a b");
	check_entry("/mnt/opt", "fuse.ngffuse", "/srv/x");
	check_entry("/mnt/odd\\9", "fuse.sshfs", "host:");
	check_entry("/mnt/last", "fuse", "/dev/fuse");
}
END_TEST

START_TEST(the_last_mount_covers)
{
	check_entry("/mnt/a", "fuse.ngffuse", "/srv/top");
}
END_TEST

START_TEST(finds_nothing)
{
	struct mount_entry e;
	ck_assert_int_eq(mount_text_find(mountinfo, "/mnt", &e), -ENOENT);
	ck_assert_int_eq(mount_text_find(mountinfo, "", &e), -ENOENT);
	ck_assert_int_eq(mount_text_find("", "/", &e), -ENOENT);
	ck_assert_int_eq(mount_text_find("\n\n", "/", &e), -ENOENT);
	ck_assert_int_eq(mount_text_find("1 2 3 4 /a ro", "/a", &e), -ENOENT);
}
END_TEST

START_TEST(sockets)
{
	char path[16];
	ck_assert_uint_eq(mount_text_socket("/run/x", path, sizeof(path)), 7);
	ck_assert_str_eq(path, "/run/x");
	ck_assert_uint_eq(mount_text_socket("@abc", path, sizeof(path)), 4);
	ck_assert_mem_eq(path, "\0abc", 4);
	ck_assert_uint_eq(mount_text_socket("", path, sizeof(path)), 0);
	ck_assert_uint_eq(mount_text_socket("@", path, sizeof(path)), 0);
	ck_assert_uint_eq(mount_text_socket("vsock:2:9", path, sizeof(path)), 0);
	ck_assert_uint_eq(mount_text_socket("/23456789012345", path, sizeof(path)), 16);
	ck_assert_uint_eq(mount_text_socket("/234567890123456", path, sizeof(path)), 0);
	ck_assert_uint_eq(mount_text_socket("@234567890123456", path, sizeof(path)), 16);
	ck_assert_uint_eq(mount_text_socket("@2345678901234567", path, sizeof(path)), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mount_text");
	TCase *t = tcase_create("all");
	tcase_add_test(t, descriptors);
	tcase_add_test(t, image_names);
	tcase_add_test(t, escapes);
	tcase_add_test(t, finds_mounts);
	tcase_add_test(t, the_last_mount_covers);
	tcase_add_test(t, finds_nothing);
	tcase_add_test(t, sockets);
	suite_add_tcase(s, t);
	return run_suite(s);
}
