/* OME files of the corpus and of the real stacks, read where they lie: the planes are those that tifffile gives, where
 * it reads the set (it does not follow companions). */
#include "meta/told_ome.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/run_suite.h"

static char folder[4096]; /* of the file that is asked */

static int beside(void *ctx UNUSED, const char *path, size_t max, char **out, size_t *len)
{
	char full[8300];
	struct stat st;
	snprintf(full, sizeof(full), "%s/%s", folder, path);
	int fd CLEANUP(closep) = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (max == 0)
		return 0;
	struct reader r = reader_fd(&fd, (uint64_t)st.st_size);
	*len = (size_t)st.st_size;
	*out = malloc(*len + 1);
	return *out == NULL ? -ENOMEM : reader_exact(&r, *out, *len, 0, NULL);
}

static int ask_tiff(const char *path, const char *name, struct told *out, struct err *err)
{
	struct stat st;
	struct tiff_header h;
	struct tiff_page first;
	CLEANUP(freep) uint64_t *ifds = NULL;
	size_t n = 0;
	bool cut = false;
	int fd CLEANUP(closep) = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_msg(fd >= 0 && fstat(fd, &st) == 0, "%s: %s", path, strerror(errno));
	struct reader r = reader_fd(&fd, (uint64_t)st.st_size);
	ck_assert_int_eq(tiff_header_read(&r, &h, err), 0);
	ck_assert_int_eq(tiff_page_read(&r, &h, h.first_ifd, &first, err), 0);
	ck_assert_int_eq(tiff_walk(&r, &h, &ifds, &n, &cut, err), 0);
	struct told_source s = { .r = &r,
				 .name = name,
				 .first = &first,
				 .ifds = ifds,
				 .n_pages = (uint32_t)n,
				 .beside = beside };
	return told_ome(&s, out, err);
}

static void show(const struct told *told, struct text *t)
{
	for (size_t i = 0; i < told->n_images; i++) {
		const struct told_image *im = &told->images[i];
		text_addf(t, "%llux%llux%llu", (unsigned long long)im->n[TOLD_T],
			  (unsigned long long)im->n[TOLD_C], (unsigned long long)im->n[TOLD_Z]);
		for (uint64_t k = 0; k < told_n_planes(im); k++) {
			const struct told_plane *p = &im->planes[k];
			const char *path = p->where == TOLD_GAP ? "gap" : told->files[p->file];
			text_addf(t, " %s%llu", path != NULL ? path : ".",
				  (unsigned long long)p->at);
		}
	}
}

#define COMPANION_SET                                                                              \
	"1x1x5 multifile-Z1.ome.tiff0 multifile-Z2.ome.tiff0 multifile-Z3.ome.tiff0 "              \
	"multifile-Z4.ome.tiff0 multifile-Z5.ome.tiff0"

static const struct {
	const char *folder, *name, *planes, *note;
} files[] = {
	{ "tiff/files/valid", "ome-files-cpp--2010-06-18x24y5z1t2c8b-text.ome.tiff",
	  /* Channels vary fastest in its XML: c0 lies on even pages. */
	  "1x2x5 .0 .2 .4 .6 .8 .1 .3 .5 .7 .9", NULL },
	{ "tiff/files/valid", "ome-types--ome.tiff", "1x2x1 .0 .1", NULL },
	{ "tiff/files/valid", "viv--multi-channel.ome.tif", "1x3x1 .0 .1 .2", NULL },
	/* It names itself as single-channel.ome.tiff. */
	{ "tiff/files/valid", "webknossos-libs--single-channel.ome.tiff", "1x1x1 .0", NULL },
	{ "stacks/ome_4d_series", "4D-series.ome.tif",
	  "7x1x5 .0 .1 .2 .3 .4 .5 .6 .7 .8 .9 .10 .11 .12 .13 .14 .15 .16 .17 .18 .19 .20 .21 .22 "
	  ".23 .24 .25 .26 .27 .28 .29 .30 .31 .32 .33 .34",
	  NULL },
	{ "stacks/ome_multifile_companion", "multifile-Z3.ome.tiff",
	  "1x1x5 multifile-Z1.ome.tiff0 multifile-Z2.ome.tiff0 .0 multifile-Z4.ome.tiff0 "
	  "multifile-Z5.ome.tiff0",
	  NULL },
	{ "stacks/ome_multifile_companion", "multifile.companion.ome", COMPANION_SET, NULL },
};

START_TEST(real_files)
{
	const char *shared = getenv("NGFFUSE_SHARED");
	snprintf(folder, sizeof(folder), "%s/%s", shared != NULL ? shared : "../shared",
		 files[_i].folder);
	char path[8300];
	snprintf(path, sizeof(path), "%s/%s", folder, files[_i].name);
	if (access(path, R_OK) != 0) {
		printf("skipped: no %s (set NGFFUSE_SHARED)\n", path);
		return;
	}
	CLEANUP(told_done) struct told told = { 0 };
	CLEANUP(text_done) struct text t = { 0 };
	struct err err = { 0 };
	struct told_source companion = { .name = files[_i].name, .beside = beside };
	int r = strstr(files[_i].name, ".companion.ome") != NULL
			? told_ome(&companion, &told, &err)
			: ask_tiff(path, files[_i].name, &told, &err);
	ck_assert_msg(r == 1, "%s: %d %s", path, r, err.msg);
	show(&told, &t);
	ck_assert_str_eq(t.s, files[_i].planes);
	ck_assert_msg(told.notes.len == 0, "%s", told.notes.s != NULL ? told.notes.s : "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("told_ome_files");
	TCase *tc = tcase_create("told_ome_files");
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, real_files, 0, ARRAY_SIZE(files));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
