/* The summary and `info` over datasets made by hand. */
#include "fs/info.h"
#include "fs/mount_text.h"
#include "fs/summary.h"

#include "made_dataset.h"
#include "tests/unit/run_suite.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <errno.h>

static char *summary_of(const struct dataset *d, const char *mountpoint,
			const struct prediction *view)
{
	struct options o = { .mountpoint = mountpoint };
	struct text t = { 0 };
	summary_make(d, 512 * MiB, 8, view, &o, mount_text_is_image(mountpoint, d->n_images), &t);
	ck_assert(!t.oom);
	return t.s;
}

static char *summary(const struct dataset *d, const char *mountpoint)
{
	return summary_of(d, mountpoint, NULL);
}

static unsigned lines(const char *s)
{
	unsigned n = 0;
	for (; *s != '\0'; s++)
		n += *s == '\n';
	return n;
}

static void has(const char *s, const char *part)
{
	ck_assert_msg(strstr(s, part) != NULL, "no '%s' in:\n%s", part, s);
}

static void has_not(const char *s, const char *part)
{
	ck_assert_msg(strstr(s, part) == NULL, "'%s' in:\n%s", part, s);
}

START_TEST(one_image)
{
	struct dataset d;
	made_dataset(&d, 1, 124);
	char *s = summary(&d, "/mnt/z/");
	ck_assert_uint_le(lines(s), 12);
	has(s, "124 files, em_0000.tif .. em_0123.tif; no gaps\n");
	has(s, "em.zarr: z,y,x = 124 x 1024 x 1024 uint8\n");
	has(s, "x 4, y 4, z 40 nanometer (option)\n");
	has(s, "strips of 32 rows, LZW, predictor 2\n");
	has(s, "32 x 64 x 256, 512 KiB raw; 4 made together by decoding 2 MiB; blosc-lz4 level 5 "
	       "(a sample saves 41 %)\n");
	has(s, "levels       5, the coarsest (mag 16-16-2) 62 x 64 x 64, by median\n");
	has_not(s, "PREVIEW");
	has(s, "512 MiB, 8 threads\n");
	has(s, "zarr.open(\"/mnt/z/em.zarr/0\", mode=\"r\")\n");
	has(s, "napari --plugin napari-ome-zarr /mnt/z/em.zarr\n");
	has(s, "zarr://http://HOST:PORT/em.zarr ");
	has_not(s, "warning");
	has_not(s, "left out");
	free(s);
	made_done(&d);
}
END_TEST

/* Everything that can add a line, at once. */
START_TEST(one_image_at_its_longest)
{
	struct dataset d;
	made_dataset(&d, 1, 3);
	static char how[] = "the digits of em_NNNN are z", w0[] = "bad\nname", w1[] = "other";
	char *warnings[] = { w0, w1 };
	static char stranger[] = "notes.tif";
	struct left_out out[2] = { { stranger, "stranger", NULL }, { stranger, "stranger", NULL } };
	d.left_out = out;
	d.n_left_out = 2;
	d.images[0].how = how;
	d.images[0].warnings = warnings;
	d.images[0].n_warnings = 2;
	d.images[0].n_gaps = 1;
	d.images[0].planes[1].file = PLANE_GAP;
	d.files[2].trouble = ENODATA;
	static char hint[] = "--group none";
	d.hint = hint;
	for (unsigned k = 3; k < d.images[0].pyramid.n; k++)
		d.images[0].pyramid.level[k].made = LEVEL_PREVIEW;
	char *s = summary(&d, "/mnt/z");
	ck_assert_uint_le(lines(s), 12);
	has(s, "1 missing, filled; 1 DAMAGED; 2 left out (notes.tif: stranger, ..)\n");
	has(s, "the digits of em_NNNN are z; hint: --group none\n");
	has(s, ", by median; 3..4 are PREVIEWS of single voxels (--preview)\n");
	has(s, "bad\xef\xbf\xbdname; and 1 more");
	free(s);
	made_done(&d);
}
END_TEST

START_TEST(mountpoint_is_the_image)
{
	struct dataset d;
	made_dataset(&d, 1, 3);
	char *s = summary(&d, "/mnt/my brain's.zarr/");
	has(s, "zarr.open(\"/mnt/my brain's.zarr/0\", mode=\"r\")\n");
	has(s, "napari --plugin napari-ome-zarr '/mnt/my brain'\\''s.zarr'\n");
	has(s, "zarr://http://HOST:PORT ");
	free(s);
	s = summary(&d, "a\"b");
	char cwd[4096];
	ck_assert_ptr_nonnull(getcwd(cwd, sizeof(cwd)));
	has(s, cwd);
	has(s, "a\\\"b/em.zarr/0\", mode=\"r\")\n");
	free(s);
	made_done(&d);
}
END_TEST

START_TEST(mounted_by_somebody_else)
{
	struct dataset d;
	made_dataset(&d, 1, 3);
	char *s = summary(&d, "/dev/fd/8");
	has(s, "zarr.open(\"MOUNTPOINT/em.zarr/0\", mode=\"r\")\n");
	ck_assert_ptr_null(strstr(s, "/dev/fd"));
	free(s);
	made_done(&d);
}
END_TEST

START_TEST(several_images)
{
	struct dataset d;
	made_dataset(&d, 7, 2);
	static char warning[] = "look out";
	char *warnings[] = { warning };
	d.images[0].warnings = warnings;
	d.images[0].n_warnings = 1;
	d.images[1].state = IMAGE_BAD;
	snprintf(d.images[1].why.msg, sizeof(d.images[1].why.msg), "b.tif: no planes");
	d.images[2].state = IMAGE_UNSEEN;
	d.images[0].pyramid.level[4].made = LEVEL_PREVIEW;
	char *s = summary(&d, "/mnt/z");
	ck_assert_uint_le(lines(s), 12);
	has(s, "em_0.zarr: z,y,x = 2 x 1024 x 1024 uint8, x 4, y 4, z 40 nanometer");
	has(s, "blosc-lz4, 5 levels, PREVIEWS 4\n");
	has(s, "em_1.zarr: UNUSABLE: b.tif: no planes\n");
	has(s, "em_2.zarr: not looked at yet\n");
	has(s, "em_3.zarr");
	has_not(s, "em_4.zarr");
	has(s, "and 3 more\n");
	has(s, "look out\n");
	has(s, "/mnt/z/em_0.zarr/0");
	free(s);
	made_done(&d);
}
END_TEST

START_TEST(a_long_first_view)
{
	static const struct {
		uint64_t decoded;
		double seconds;
		const char *says; /* NULL: nothing */
	} cases[] = {
		{ GiB, 10, NULL },
		{ GiB, 11, "by median; opening level 4 reads 3 MiB, 11 s\n" },
		{ GiB, 119, "3 MiB, 119 s\n" },
		{ GiB, 120, "3 MiB, 2 min\n" },
		{ GiB, 9000, "3 MiB, 2.5 h\n" },
		{ GiB, 86400 * 40.0, "3 MiB, 40 days\n" },
		{ 8 * GiB - 1, -1, NULL },
		{ 8 * GiB, -1, "opening level 4 reads 3 MiB\n" },
	};
	struct dataset d;
	made_dataset(&d, 1, 124);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct prediction p = { .level = 4 };
		p.made.decoded = cases[i].decoded;
		p.made.stored = 3 * MiB;
		p.made.seconds = cases[i].seconds;
		char *s = summary_of(&d, "/mnt/z", &p);
		ck_assert_uint_le(lines(s), 12);
		if (cases[i].says != NULL)
			has(s, cases[i].says);
		else
			has_not(s, "opening level");
		free(s);
	}
	made_done(&d);
}
END_TEST

/* What info prints; *code gets what it returns. Caller frees. */
static char *info_with(const struct dataset *d, const struct prediction *measured, bool json,
		       int *code)
{
	struct options o = { .json = json };
	char *s = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&s, &n);
	ck_assert_ptr_nonnull(out);
	*code = info_print(d, 512 * MiB, measured, &o, out);
	fclose(out);
	return s;
}

static char *info(const struct dataset *d, bool json, int *code)
{
	return info_with(d, NULL, json, code);
}

/* The made image has 124 x 1024 x 1024 voxels, of which the coarsest level keeps every 2nd plane and 16th row. */
START_TEST(info_of_the_first_view)
{
	struct dataset d;
	int code;
	made_dataset(&d, 1, 124);
	char *s = info(&d, false, &code);
	has(s, "  first view  level 4: reads ");
	has(s, ", decodes 124 MiB; as a preview (--preview always): reads ");
	has(s, ", decodes 62 MiB\n");
	free(s);
	struct prediction p;
	ck_assert(predict_reckon(&d.images[0], &p));
	ck_assert_uint_eq(p.level, 4);
	ck_assert_uint_eq(p.made.decoded, 124 * MiB);
	ck_assert_uint_eq(p.other.decoded, 62 * MiB);
	p.made.seconds = 7.25;
	s = info_with(&d, &p, false, &code);
	has(s, ", decodes 124 MiB, 7.2 s here; as a preview");
	free(s);
	s = info_with(&d, &p, true, &code);
	cJSON *o = cJSON_Parse(s);
	const cJSON *im = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "images"), 0);
	const cJSON *view = cJSON_GetObjectItem(im, "first_view");
	const cJSON *other = cJSON_GetObjectItem(view, "other");
	ck_assert_double_eq(cJSON_GetObjectItem(view, "seconds")->valuedouble, 7.25);
	ck_assert_double_eq(cJSON_GetObjectItem(view, "decodes")->valuedouble, (double)(124 * MiB));
	ck_assert_str_eq(cJSON_GetObjectItem(view, "made")->valuestring, "true");
	ck_assert_str_eq(cJSON_GetObjectItem(other, "made")->valuestring, "preview");
	ck_assert_ptr_null(cJSON_GetObjectItem(other, "seconds"));
	cJSON_Delete(o);
	free(s);
	made_done(&d);
}
END_TEST

START_TEST(info_in_words)
{
	struct dataset d;
	int code = -1;
	made_dataset(&d, 2, 3);
	static char stranger[] = "no\ttes.tif";
	struct left_out out = { stranger, "stranger", NULL };
	d.left_out = &out;
	d.n_left_out = 1;
	char *s = info(&d, false, &code);
	ck_assert_int_eq(code, 0);
	has(s, "/data/em: 6 files, em_0000.tif .. em_0005.tif; 2 images; budget 512 MiB\n");
	has(s, "voxel size  x 4, y 4, z 40 nanometer   (option)\n");
	has(s, "axes        z,y,x   (file names)\n");
	has(s, "levels      5, the coarsest (mag 16-16-2) 2 x 64 x 64, by median\n");
	has(s, "level 1     mag 2-2-1: 3 x 512 x 512, chunk 4 x 64 x 256, 96 KiB together by "
	       "decoding 384 KiB from 192 KiB\n");
	has(s, "their codec none\n");
	has(s, "left out: 1\n  no\xef\xbf\xbdtes.tif   (stranger)\n");
	free(s);
	d.files[4].trouble = ENODATA;
	s = info(&d, false, &code);
	ck_assert_int_eq(code, 1);
	has(s, "1 plane cannot be read\n");
	free(s);
	made_done(&d);
}
END_TEST

START_TEST(info_as_json)
{
	struct dataset d;
	int code = -1;
	made_dataset(&d, 2, 3);
	static char label[] = "GF\"P\xff";
	struct channel channel = { label, "ff0000", 0, 255, 10, 200, true };
	d.images[0].channels = &channel;
	d.images[1].state = IMAGE_BAD;
	snprintf(d.images[1].why.msg, sizeof(d.images[1].why.msg), "b.tif: no planes");
	static char stranger[] = "em_x.tif", elsewhere[] = "sub/em_x.tif";
	struct left_out out[] = { { stranger, "stranger", NULL }, { elsewhere, "stranger", NULL } };
	d.left_out = out;
	d.n_left_out = 2;
	char *s = info(&d, true, &code);
	ck_assert_int_eq(code, 1);
	cJSON *o = cJSON_Parse(s);
	ck_assert_ptr_nonnull(o);
	const cJSON *images = cJSON_GetObjectItem(o, "images");
	ck_assert_int_eq(cJSON_GetArraySize(images), 2);
	const cJSON *im = cJSON_GetArrayItem(images, 0);
	static const char *const keys[] = { "id",      "state",	  "axes",	"shape",
					    "dtype",   "chunks",  "codec",	"unit",
					    "from",    "missing", "voxel_size", "left_out",
					    "damaged", "layout",  "warnings",	"method" };
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		ck_assert_msg(cJSON_GetObjectItem(im, keys[i]) != NULL, "no %s", keys[i]);
	ck_assert_str_eq(cJSON_GetObjectItem(im, "dtype")->valuestring, "uint8");
	ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(im, "shape")), 3);
	ck_assert_int_eq(cJSON_GetArrayItem(cJSON_GetObjectItem(im, "shape"), 0)->valueint, 3);
	ck_assert_int_eq(cJSON_GetArrayItem(cJSON_GetObjectItem(im, "voxel_size"), 0)->valueint,
			 40);
	ck_assert_int_eq(cJSON_GetObjectItem(im, "left_out")->valueint, 1);
	const cJSON *levels = cJSON_GetObjectItem(im, "levels");
	ck_assert_int_eq(cJSON_GetArraySize(levels), 5);
	static const char *const level_keys[] = { "level",	"mag",	       "shape",
						  "chunks",	"codec",       "made",
						  "run_memory", "run_decodes", "run_reads" };
	for (int k = 0; k < 5; k++)
		for (size_t i = 0; i < ARRAY_SIZE(level_keys); i++)
			ck_assert_msg(cJSON_GetObjectItem(cJSON_GetArrayItem(levels, k),
							  level_keys[i]) != NULL,
				      "no %s", level_keys[i]);
	const cJSON *last = cJSON_GetArrayItem(levels, 4);
	char *mag = cJSON_PrintUnformatted(cJSON_GetObjectItem(last, "mag"));
	ck_assert_str_eq(mag, "[2,16,16]");
	cJSON_free(mag);
	ck_assert_str_eq(cJSON_GetObjectItem(last, "made")->valuestring, "true");
	ck_assert_str_eq(cJSON_GetObjectItem(cJSON_GetArrayItem(levels, 0), "made")->valuestring,
			 "stored");
	char *previews = cJSON_PrintUnformatted(cJSON_GetObjectItem(im, "previews"));
	ck_assert_str_eq(previews, "[]");
	cJSON_free(previews);
	const cJSON *c = cJSON_GetArrayItem(cJSON_GetObjectItem(im, "channels"), 0);
	ck_assert_str_eq(cJSON_GetObjectItem(c, "label")->valuestring, "GF\"P\xef\xbf\xbd");
	im = cJSON_GetArrayItem(images, 1);
	ck_assert_str_eq(cJSON_GetObjectItem(im, "error")->valuestring, "b.tif: no planes");
	ck_assert_ptr_null(cJSON_GetObjectItem(im, "shape"));
	ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(o, "left_out")), 2);
	cJSON_Delete(o);
	free(s);
	made_done(&d);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("summary");
	TCase *t = tcase_create("summary");
	suite_add_tcase(s, t);
	tcase_add_test(t, one_image);
	tcase_add_test(t, one_image_at_its_longest);
	tcase_add_test(t, mountpoint_is_the_image);
	tcase_add_test(t, mounted_by_somebody_else);
	tcase_add_test(t, several_images);
	tcase_add_test(t, a_long_first_view);
	tcase_add_test(t, info_of_the_first_view);
	tcase_add_test(t, info_in_words);
	tcase_add_test(t, info_as_json);
	return run_suite(s);
}
