/* The JSON documents, byte for byte, and parsed back. */
#include "meta/documents.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "tests/unit/run_suite.h"
#include "tree_fixture.h"

static struct fixture_image fixture;
static struct dataset data;
static struct tree tree;

static void use(bool image_is_root, bool v3)
{
	data = (struct dataset){ .root_fd = -1, .images = &fixture.im, .n_images = 1 };
	tree_init(&tree, &data, image_is_root, v3);
}

static void em(void)
{
	fixture_make(&fixture, "em", "zyx", (uint64_t[]){ 1, 1, 33, 130, 150 },
		     (uint64_t[]){ 1, 1, 16, 64, 64 }, DTYPE_U8);
	fixture.im.voxel[0] = 25;
	fixture.im.voxel[1] = fixture.im.voxel[2] = 11.24;
	memcpy(fixture.im.unit, "nanometer", 10);
	memcpy(fixture.labels[0], "em", 3);
	fixture.im.encode = (struct encode_spec){ CODEC_BLOSC_LZ4, 5, DTYPE_U8 };
	use(false, false);
}

static void fluo(void)
{
	fixture_make(&fixture, "fluo", "tczyx", (uint64_t[]){ 2, 2, 5, 100, 120 },
		     (uint64_t[]){ 1, 1, 1, 64, 64 }, DTYPE_U16);
	fixture.im.voxel[0] = 500;
	fixture.im.voxel[1] = fixture.im.voxel[2] = 108.33;
	fixture.im.time_step = 1.5;
	memcpy(fixture.im.unit, "nanometer", 10);
	fixture.channels[0] =
		(struct channel){ fixture.labels[0], "0000FF", 0, 65535, 100, 20000, true };
	fixture.channels[1] =
		(struct channel){ fixture.labels[1], "00FF00", 0, 65535, 100, 30000, true };
	memcpy(fixture.labels[0], "DAPI", 5);
	memcpy(fixture.labels[1], "GFP", 4);
	fixture.im.encode = (struct encode_spec){ CODEC_ZSTD, 1, DTYPE_U16 };
	use(false, false);
}

static void page(void)
{
	fixture_make(&fixture, "page", "yx", (uint64_t[]){ 1, 1, 1, 90, 10 },
		     (uint64_t[]){ 1, 1, 1, 64, 16 }, DTYPE_F32);
	memcpy(fixture.labels[0], "page", 5);
	fixture.channels[0].min = -1.5;
	fixture.channels[0].max = 3.25e20;
	fixture.channels[0].start = 0.1;
	fixture.channels[0].end = 2;
	use(false, false);
}

static void rgb(void)
{
	static const char *const names[] = { "red", "green", "blue", "alpha" };
	static const char *const colors[] = { "FF0000", "00FF00", "0000FF", "FFFFFF" };
	fixture_make(&fixture, "photo", "cyx", (uint64_t[]){ 1, 4, 1, 20, 30 },
		     (uint64_t[]){ 1, 1, 1, 32, 32 }, DTYPE_U8);
	for (size_t c = 0; c < 4; c++) {
		memcpy(fixture.labels[c], names[c], strlen(names[c]) + 1);
		memcpy(fixture.channels[c].color, colors[c], 7);
	}
	fixture.im.n_c = 1;
	fixture.im.rgb = true;
	use(false, false);
}

/* The text of the document at `path`, from static memory. */
static const char *made(const char *path)
{
	static char text[65536];
	struct node n;
	ck_assert_msg(tree_resolve(&tree, path, &n) == 0, "%s", path);
	struct text out = { 0 };
	ck_assert_int_eq(document_make(&tree, &n, &out), 0);
	ck_assert_uint_lt(out.len, sizeof(text));
	memcpy(text, out.s, out.len + 1);
	text_done(&out);
	cJSON *back = cJSON_Parse(text);
	ck_assert_ptr_nonnull(back);
	cJSON_Delete(back);
	return text;
}

#define VERSIONED(text)                                                                            \
	"\"type\":\"median\",\"metadata\":{\"method\":\"ngffuse\",\"version\":\"" NGFFUSE_VERSION  \
	"\",\"description\":\"one level: the voxels as stored, not reduced\"}" text

#define EM_HEAD                                                                                    \
	"\"name\":\"em\",\"axes\":[{\"name\":\"z\",\"type\":\"space\",\"unit\":\"nanometer\"},"    \
	"{\"name\":\"y\",\"type\":\"space\",\"unit\":\"nanometer\"},"                              \
	"{\"name\":\"x\",\"type\":\"space\",\"unit\":\"nanometer\"}],\"datasets\":[{\"path\":\""

#define EM_TAIL(version)                                                                           \
	"\",\"coordinateTransformations\":[{\"type\":\"scale\",\"scale\":[25,11.24,11.24]}]}]"     \
	"," VERSIONED("}],\"omero\":{\"id\":1,\"name\":\"em\",\"version\":\"" version              \
		      "\",") "\"channels\":[{\"label\":\"em\",\"color\":\"FFFFFF\",\"active\":"    \
			     "true,\"coefficient\":1,"                                             \
			     "\"family\":\"linear\",\"inverted\":false,"                           \
			     "\"window\":{\"min\":0,\"max\":255,\"start\":0,\"end\":255}}],"       \
			     "\"rdefs\":{\"defaultT\":0,\"defaultZ\":16,\"model\":\"greyscale\"}}"

#define EM_DIMS "{\"_ARRAY_DIMENSIONS\":[\"z\",\"y\",\"x\"]}"
#define EM_ZATTRS(path)                                                                            \
	"{\"multiscales\":[{\"version\":\"0.4\"," EM_HEAD path EM_TAIL(                            \
		"0.4") ",\"_ARRAY_DIMENSIONS\":[\"z\",\"y\",\"x\"]}"
#define EM_ZARRAY                                                                                  \
	"{\"zarr_format\":2,\"shape\":[33,130,150],\"chunks\":[16,64,64],\"dtype\":\"|u1\","       \
	"\"compressor\":{\"id\":\"blosc\",\"cname\":\"lz4\",\"clevel\":5,\"shuffle\":1,"           \
	"\"blocksize\":0},\"fill_value\":0,\"order\":\"C\",\"filters\":null,"                      \
	"\"dimension_separator\":\"/\"}"

START_TEST(three_axes)
{
	em();
	ck_assert_str_eq(made(".zgroup"), "{\"zarr_format\":2}");
	ck_assert_str_eq(made(".zattrs"), EM_ZATTRS("em.zarr/0"));
	ck_assert_str_eq(made("em.zarr/.zgroup"), "{\"zarr_format\":2}");
	ck_assert_str_eq(made("em.zarr/.zattrs"), EM_ZATTRS("0"));
	ck_assert_str_eq(made("em.zarr/.zmetadata"),
			 "{\"zarr_consolidated_format\":1,\"metadata\":{"
			 "\".zgroup\":{\"zarr_format\":2},\".zattrs\":" EM_ZATTRS(
				 "0") ","
				      "\"0/.zarray\":" EM_ZARRAY ",\"0/.zattrs\":" EM_DIMS "}}");
	ck_assert_str_eq(made("em.zarr/0/.zarray"), EM_ZARRAY);
	ck_assert_str_eq(made("em.zarr/0/.zattrs"), EM_DIMS);
}
END_TEST

START_TEST(the_root_is_the_image)
{
	em();
	use(true, false);
	ck_assert_str_eq(made(".zattrs"), EM_ZATTRS("0"));
	ck_assert_str_eq(made("0/.zarray"), EM_ZARRAY);
	struct node none = { .kind = NODE_ROOT_DOC, .index = DOC_ZATTRS };
	struct text out = { 0 };
	ck_assert_int_eq(document_make(&tree, &none, &out), -ENOENT);
}
END_TEST

START_TEST(three_axes_v3)
{
	em();
	use(false, true);
	ck_assert_str_eq(made("zarr.json"),
			 "{\"zarr_format\":3,\"node_type\":\"group\",\"attributes\":{\"ome\":{"
			 "\"version\":\"0.5\",\"multiscales\":[{" EM_HEAD
			 "em.zarr/0" EM_TAIL("0.5") "}}}");
	ck_assert_str_eq(made("em.zarr/zarr.json"),
			 "{\"zarr_format\":3,\"node_type\":\"group\",\"attributes\":{\"ome\":{"
			 "\"version\":\"0.5\",\"multiscales\":[{" EM_HEAD "0" EM_TAIL("0.5") "}}}");
	ck_assert_str_eq(
		made("em.zarr/0/zarr.json"),
		"{\"zarr_format\":3,\"node_type\":\"array\",\"shape\":[33,130,150],"
		"\"data_type\":\"uint8\",\"chunk_grid\":{\"name\":\"regular\","
		"\"configuration\":{\"chunk_shape\":[16,64,64]}},"
		"\"chunk_key_encoding\":{\"name\":\"v2\",\"configuration\":{\"separator\":\"/\"}},"
		"\"fill_value\":0,\"codecs\":[{\"name\":\"bytes\"},{\"name\":\"blosc\","
		"\"configuration\":{\"typesize\":1,\"cname\":\"lz4\",\"clevel\":5,"
		"\"shuffle\":\"shuffle\",\"blocksize\":0}}],"
		"\"dimension_names\":[\"z\",\"y\",\"x\"],\"attributes\":{}}");
	struct node v2 = { .kind = NODE_IMAGE_DOC, .index = DOC_ZATTRS };
	struct text out = { 0 };
	ck_assert_int_eq(document_make(&tree, &v2, &out), -ENOENT);
}
END_TEST

/* em with the ladder of its voxel size, as a WEBKNOSSOS dataset of it would have. */
static void em_levels(void)
{
	em();
	fixture_reduce(&fixture, (uint64_t[]){ 1, 2, 2 });
	fixture_reduce(&fixture, (uint64_t[]){ 2, 2, 2 });
	fixture.im.encode_coarse = (struct encode_spec){ CODEC_NONE, 0, DTYPE_U8 };
}

static void has(const char *s, const char *part)
{
	ck_assert_msg(strstr(s, part) != NULL, "no %s in %s", part, s);
}

static void has_not(const char *s, const char *part)
{
	ck_assert_msg(strstr(s, part) == NULL, "%s in %s", part, s);
}

#define SCALE(a, b, c)	"{\"type\":\"scale\",\"scale\":[" a "," b "," c "]}"
#define MOVE(a, b, c)	"{\"type\":\"translation\",\"translation\":[" a "," b "," c "]}"
#define SET(path, rest) "{\"path\":\"" path "\",\"coordinateTransformations\":[" rest "]}"

START_TEST(levels)
{
	em_levels();
	const char *s = made("em.zarr/.zattrs");
	has(s,
	    "\"datasets\":[" SET("0", SCALE("25", "11.24", "11.24")) "," SET(
		    "1",
		    SCALE("25", "22.48", "22.48") "," MOVE(
			    "0", "5.62",
			    "5.62")) "," SET("2",
					     SCALE("50", "44.96", "44.96") "," MOVE(
						     "12.5", "16.86",
						     "16.86")) "],"
							       "\"type\":\"median\",\"metadata\":{"
							       "\"method\":\"ngffuse\"");
	has(s, "\"description\":\"median of each window of the level before; ");
	has_not(s, "\"ngffuse\":");
	has(made(".zattrs"), "{\"path\":\"em.zarr/2\",");
	ck_assert_str_eq(made("em.zarr/1/.zarray"),
			 "{\"zarr_format\":2,\"shape\":[33,65,75],\"chunks\":[16,64,64],"
			 "\"dtype\":\"|u1\",\"compressor\":null,\"fill_value\":0,\"order\":\"C\","
			 "\"filters\":null,\"dimension_separator\":\"/\"}");
	has(made("em.zarr/2/.zarray"), "\"shape\":[17,33,38],");
	ck_assert_str_eq(made("em.zarr/0/.zattrs"), EM_DIMS);
	ck_assert_str_eq(made("em.zarr/1/.zattrs"),
			 "{\"_ARRAY_DIMENSIONS\":[\"z\",\"y_1\",\"x_1\"]}");
	ck_assert_str_eq(made("em.zarr/2/.zattrs"),
			 "{\"_ARRAY_DIMENSIONS\":[\"z_2\",\"y_2\",\"x_2\"]}");
}
END_TEST

/* What is consolidated is what the single documents say, and all of it. */
START_TEST(levels_consolidated)
{
	em_levels();
	static const char *const keys[] = { ".zgroup",	 ".zattrs",   "0/.zarray", "0/.zattrs",
					    "1/.zarray", "1/.zattrs", "2/.zarray", "2/.zattrs" };
	cJSON *doc = cJSON_Parse(made("em.zarr/.zmetadata"));
	const cJSON *all = cJSON_GetObjectItem(doc, "metadata");
	ck_assert_int_eq(cJSON_GetArraySize(all), ARRAY_SIZE(keys));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char path[64];
		snprintf(path, sizeof(path), "em.zarr/%s", keys[i]);
		cJSON *one = cJSON_Parse(made(path));
		ck_assert_msg(cJSON_Compare(one, cJSON_GetObjectItem(all, keys[i]), true), "%s",
			      keys[i]);
		cJSON_Delete(one);
	}
	cJSON_Delete(doc);
}
END_TEST

START_TEST(levels_v3)
{
	em_levels();
	use(false, true);
	has(made("em.zarr/zarr.json"),
	    SET("2", SCALE("50", "44.96", "44.96") "," MOVE("12.5", "16.86", "16.86")));
	const char *s = made("em.zarr/2/zarr.json");
	has(s, "\"shape\":[17,33,38],");
	has(s, "\"codecs\":[{\"name\":\"bytes\"}],\"dimension_names\":[\"z\",\"y\",\"x\"]");
	fixture.im.encode_coarse.codec = CODEC_ZLIB;
	struct node n = { .kind = NODE_ARRAY_DOC, .array = 1, .index = DOC_ZARR_JSON };
	struct text out = { 0 };
	ck_assert_int_eq(document_make(&tree, &n, &out), -ENOTSUP);
	n.array = 0;
	ck_assert_int_eq(document_make(&tree, &n, &out), 0);
	text_done(&out);
}
END_TEST

/* Single voxels stay where they are, and nobody takes them for what the method gives. */
START_TEST(levels_of_single_voxels)
{
	em_levels();
	fixture.im.method = REDUCE_NEAREST;
	const char *s = made("em.zarr/.zattrs");
	has_not(s, "translation");
	has(s, "\"type\":\"nearest\",");
	has(s, "\"description\":\"first voxel of each window\"");
	has_not(s, "\"ngffuse\":");
	em_levels();
	fixture.im.method = REDUCE_MODE;
	fixture.levels[2].made = LEVEL_PREVIEW;
	s = made("em.zarr/.zattrs");
	has(s, "\"type\":\"mode\",");
	has(s, SET("1", SCALE("25", "22.48", "22.48") "," MOVE("0", "5.62", "5.62")) "," SET(
		       "2", SCALE("50", "44.96", "44.96")) "]");
	has(s, "\"ngffuse\":{\"preview\":{\"levels\":[2],\"method\":\"nearest\"}}}");
	has(made(".zattrs"), "\"ngffuse\":{\"preview\":{\"levels\":[2],");
	use(false, true);
	has(made("em.zarr/zarr.json"), "\"ngffuse\":{\"preview\":{\"levels\":[2],");
}
END_TEST

START_TEST(levels_of_five_axes)
{
	fluo();
	fixture_reduce(&fixture, (uint64_t[]){ 1, 2, 2 });
	has(made("fluo.zarr/.zattrs"),
	    "{\"path\":\"1\",\"coordinateTransformations\":[{\"type\":\"scale\",\"scale\":[1.5,1,"
	    "500,"
	    "216.66,216.66]},{\"type\":\"translation\",\"translation\":[0,0,0,54.165,54.165]}]}]");
	has(made("fluo.zarr/1/.zarray"), "\"shape\":[2,2,5,50,60],\"chunks\":[1,1,1,64,64],");
	ck_assert_str_eq(made("fluo.zarr/1/.zattrs"),
			 "{\"_ARRAY_DIMENSIONS\":[\"t\",\"c\",\"z\",\"y_1\",\"x_1\"]}");
	page();
	fixture_reduce(&fixture, (uint64_t[]){ 1, 2, 2 });
	has(made("page.zarr/.zattrs"), "\"scale\":[2,2]},{\"type\":\"translation\","
				       "\"translation\":[0.5,0.5]}]}]");
	has(made("page.zarr/1/.zarray"), "\"shape\":[45,5],");
}
END_TEST

START_TEST(five_axes)
{
	fluo();
	ck_assert_str_eq(
		made("fluo.zarr/.zattrs"),
		"{\"multiscales\":[{\"version\":\"0.4\",\"name\":\"fluo\",\"axes\":["
		"{\"name\":\"t\",\"type\":\"time\",\"unit\":\"second\"},{\"name\":\"c\",\"type\":"
		"\"channel\"},"
		"{\"name\":\"z\",\"type\":\"space\",\"unit\":\"nanometer\"},"
		"{\"name\":\"y\",\"type\":\"space\",\"unit\":\"nanometer\"},"
		"{\"name\":\"x\",\"type\":\"space\",\"unit\":\"nanometer\"}],\"datasets\":[{"
		"\"path\":\"0\","
		"\"coordinateTransformations\":[{\"type\":\"scale\",\"scale\":[1.5,1,500,108.33,"
		"108.33]}]}]," VERSIONED(
			"}],\"omero\":{\"id\":1,\"name\":\"fluo\",\"version\":\"0.4\",\"channels\":"
			"[") "{\"label\":\"DAPI\",\"color\":\"0000FF\",\"active\":true,"
			     "\"coefficient\":1,"
			     "\"family\":\"linear\",\"inverted\":false,"
			     "\"window\":{\"min\":0,\"max\":65535,\"start\":100,\"end\":20000}},"
			     "{\"label\":\"GFP\",\"color\":\"00FF00\",\"active\":true,"
			     "\"coefficient\":1,"
			     "\"family\":\"linear\",\"inverted\":false,"
			     "\"window\":{\"min\":0,\"max\":65535,\"start\":100,\"end\":30000}}],"
			     "\"rdefs\":{\"defaultT\":0,\"defaultZ\":2,\"model\":\"color\"}},"
			     "\"_ARRAY_DIMENSIONS\":[\"t\",\"c\",\"z\",\"y\",\"x\"]}");
	ck_assert_str_eq(
		made("fluo.zarr/0/.zarray"),
		"{\"zarr_format\":2,\"shape\":[2,2,5,100,120],\"chunks\":[1,1,1,64,64],"
		"\"dtype\":\"<u2\",\"compressor\":{\"id\":\"zstd\",\"level\":1},\"fill_value\":0,"
		"\"order\":\"C\",\"filters\":null,\"dimension_separator\":\"/\"}");
}
END_TEST

/* No unit is a key that is not there; an unknown time step is 1 without a unit. */
START_TEST(two_axes_and_nothing_known)
{
	page();
	ck_assert_str_eq(
		made("page.zarr/.zattrs"),
		"{\"multiscales\":[{\"version\":\"0.4\",\"name\":\"page\",\"axes\":["
		"{\"name\":\"y\",\"type\":\"space\"},{\"name\":\"x\",\"type\":\"space\"}],"
		"\"datasets\":[{\"path\":\"0\",\"coordinateTransformations\":["
		"{\"type\":\"scale\",\"scale\":[1,1]}]}]," VERSIONED(
			"}],\"omero\":{\"id\":1,\"name\":\"page\",\"version\":\"0.4\",\"channels\":"
			"[") "{\"label\":\"page\",\"color\":\"FFFFFF\",\"active\":true,"
			     "\"coefficient\":1,"
			     "\"family\":\"linear\",\"inverted\":false,"
			     "\"window\":{\"min\":-1.5,\"max\":3.25e+20,\"start\":0.1,\"end\":2}}],"
			     "\"rdefs\":{\"defaultT\":0,\"defaultZ\":0,\"model\":\"greyscale\"}},"
			     "\"_ARRAY_DIMENSIONS\":[\"y\",\"x\"]}");
	ck_assert_str_eq(
		made("page.zarr/0/.zarray"),
		"{\"zarr_format\":2,\"shape\":[90,10],\"chunks\":[64,16],\"dtype\":\"<f4\","
		"\"compressor\":null,\"fill_value\":0,\"order\":\"C\",\"filters\":null,"
		"\"dimension_separator\":\"/\"}");
	fluo();
	fixture.im.time_step = 0;
	const char *s = made("fluo.zarr/.zattrs");
	ck_assert_ptr_nonnull(strstr(s, "{\"name\":\"t\",\"type\":\"time\"}"));
	ck_assert_ptr_nonnull(strstr(s, "\"scale\":[1,1,500,"));
}
END_TEST

START_TEST(colour_with_transparency)
{
	rgb();
	cJSON *doc = cJSON_Parse(made("photo.zarr/.zattrs"));
	const cJSON *omero = cJSON_GetObjectItem(doc, "omero");
	const cJSON *channels = cJSON_GetObjectItem(omero, "channels");
	ck_assert_int_eq(cJSON_GetArraySize(channels), 4);
	const char *const labels[] = { "red", "green", "blue", "alpha" };
	for (int c = 0; c < 4; c++) {
		const cJSON *ch = cJSON_GetArrayItem(channels, c);
		ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(ch, "label")), labels[c]);
		ck_assert_int_eq(cJSON_IsTrue(cJSON_GetObjectItem(ch, "active")), c < 3);
	}
	ck_assert_str_eq(cJSON_GetStringValue(
				 cJSON_GetObjectItem(cJSON_GetObjectItem(omero, "rdefs"), "model")),
			 "color");
	cJSON_Delete(doc);
	ck_assert_str_eq(made("photo.zarr/0/.zattrs"),
			 "{\"_ARRAY_DIMENSIONS\":[\"c\",\"y\",\"x\"]}");
}
END_TEST

static const struct {
	struct encode_spec spec;
	const char *v2, *v3;
} codecs[] = {
	{ { CODEC_NONE, 0, DTYPE_U16 },
	  "\"compressor\":null",
	  "[{\"name\":\"bytes\",\"configuration\":{\"endian\":\"little\"}}]" },
	{ { CODEC_BLOSC_LZ4HC, 9, DTYPE_U16 },
	  "{\"id\":\"blosc\",\"cname\":\"lz4hc\",\"clevel\":9,\"shuffle\":2,\"blocksize\":0}",
	  "{\"name\":\"blosc\",\"configuration\":{\"typesize\":2,\"cname\":\"lz4hc\",\"clevel\":9,"
	  "\"shuffle\":\"bitshuffle\",\"blocksize\":0}}]" },
	{ { CODEC_BLOSC_ZSTD, 1, DTYPE_U16 },
	  "{\"id\":\"blosc\",\"cname\":\"zstd\",\"clevel\":1,\"shuffle\":2,\"blocksize\":0}",
	  "\"cname\":\"zstd\"" },
	{ { CODEC_ZLIB, 1, DTYPE_U16 }, "\"compressor\":{\"id\":\"zlib\",\"level\":1}", NULL },
	{ { CODEC_GZIP, 6, DTYPE_U16 },
	  "\"compressor\":{\"id\":\"gzip\",\"level\":6}",
	  ",{\"name\":\"gzip\",\"configuration\":{\"level\":6}}]" },
	{ { CODEC_ZSTD, 3, DTYPE_U16 },
	  "\"compressor\":{\"id\":\"zstd\",\"level\":3}",
	  ",{\"name\":\"zstd\",\"configuration\":{\"level\":3,\"checksum\":false}}]" },
};

START_TEST(every_codec)
{
	fluo();
	fixture.im.encode = codecs[_i].spec;
	const char *s = made("fluo.zarr/0/.zarray");
	ck_assert_msg(strstr(s, codecs[_i].v2) != NULL, "%s", s);
	use(false, true);
	if (codecs[_i].v3 == NULL) {
		struct node n = { .kind = NODE_ARRAY_DOC, .index = DOC_ZARR_JSON };
		struct text out = { 0 };
		ck_assert_int_eq(document_make(&tree, &n, &out), -ENOTSUP);
		return;
	}
	s = made("fluo.zarr/0/zarr.json");
	ck_assert_msg(strstr(s, codecs[_i].v3) != NULL, "%s", s);
}
END_TEST

START_TEST(several_images)
{
	struct image two[2];
	em();
	two[0] = two[1] = fixture.im;
	data.images = two;
	data.n_images = 2;
	tree_init(&tree, &data, false, false);
	ck_assert_str_eq(made(".zattrs"), "{}");
	tree_init(&tree, &data, false, true);
	ck_assert_str_eq(made("zarr.json"),
			 "{\"zarr_format\":3,\"node_type\":\"group\",\"attributes\":{}}");
}
END_TEST

START_TEST(images_that_are_not_ready)
{
	em();
	struct node n = { .kind = NODE_IMAGE_DOC, .index = DOC_ZATTRS };
	struct text out = { 0 };
	fixture.im.state = IMAGE_UNSEEN;
	ck_assert_int_eq(document_make(&tree, &n, &out), -EAGAIN);
	fixture.im.state = IMAGE_BAD;
	ck_assert_int_eq(document_make(&tree, &n, &out), -EIO);
	ck_assert_str_eq(made(".zattrs"), "{}");
	n = (struct node){ .kind = NODE_IMAGE_DOC, .image = 7, .index = DOC_ZATTRS };
	ck_assert_int_eq(document_make(&tree, &n, &out), -ENOENT);
	n = (struct node){ .kind = NODE_CHUNK };
	ck_assert_int_eq(document_make(&tree, &n, &out), -ENOENT);
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

static const struct {
	enum dtype dtype;
	double min, max, start, end;
	const char *text;
} windows[] = {
	{ DTYPE_U64, 0, 18446744073709551615.0, 0, 5,
	  "\"min\":0,\"max\":18446744073709551615,\"start\":0,\"end\":5" },
	{ DTYPE_I64, -9223372036854775808.0, 9223372036854775807.0, -1, 1,
	  "\"min\":-9223372036854775808,\"max\":9223372036854775807,\"start\":-1,\"end\":1" },
	{ DTYPE_U16, 0, 65535, 7, 7, "\"min\":0,\"max\":65535,\"start\":7,\"end\":8" },
	{ DTYPE_U32, 0, 4294967295.0, 0, 4294967295.0,
	  "\"max\":4294967295,\"start\":0,\"end\":4294967295" },
	{ DTYPE_F32, (double)NAN, (double)INFINITY, (double)NAN, -(double)INFINITY,
	  "\"min\":0,\"max\":1,\"start\":0,\"end\":1" },
	{ DTYPE_F64, -0.0, 1e300, 1e-9, 0.5,
	  "\"min\":0,\"max\":1e+300,\"start\":1e-09,\"end\":0.5" },
};

START_TEST(window_numbers)
{
	em();
	fixture.im.dtype = windows[_i].dtype;
	fixture.channels[0].min = windows[_i].min;
	fixture.channels[0].max = windows[_i].max;
	fixture.channels[0].start = windows[_i].start;
	fixture.channels[0].end = windows[_i].end;
	const char *s = made("em.zarr/.zattrs");
	ck_assert_msg(strstr(s, windows[_i].text) != NULL, "%s", s);
}
END_TEST

START_TEST(names_of_any_bytes)
{
	em();
	memcpy(fixture.labels[0], "a\"b\\\xff\n\xc3\xa4", 9);
	const char *s = made("em.zarr/.zattrs");
	ck_assert_ptr_nonnull(
		strstr(s, "\"label\":\"a\\\"b\\\\\xef\xbf\xbd\xef\xbf\xbd\xc3\xa4\""));
}
END_TEST

START_TEST(filled_planes)
{
	struct plane planes[2 * 2 * 5] = { 0 };
	fluo();
	fixture.im.planes = planes;
	ck_assert_ptr_null(strstr(made("fluo.zarr/.zattrs"), "\"ngffuse\":"));
	planes[image_plane(&fixture.im, 0, 1, 3)].file = PLANE_GAP;
	planes[image_plane(&fixture.im, 0, 1, 4)].file = PLANE_GAP;
	planes[image_plane(&fixture.im, 1, 0, 0)].file = PLANE_GAP;
	planes[image_plane(&fixture.im, 1, 0, 2)].file = PLANE_GAP;
	fixture.im.n_gaps = 4;
	const char *want =
		"\"ngffuse\":{\"filled\":{\"planes\":4,\"fill_value\":0,\"ranges\":["
		"{\"t\":[0,0],\"c\":[1,1],\"z\":[3,4]},{\"t\":[1,1],\"c\":[0,0],\"z\":[0,0]},"
		"{\"t\":[1,1],\"c\":[0,0],\"z\":[2,2]}],\"complete\":true}}";
	const char *s = made("fluo.zarr/.zattrs");
	ck_assert_msg(strstr(s, want) != NULL, "%s", s);
	use(false, true);
	s = made("fluo.zarr/zarr.json");
	ck_assert_msg(strstr(s, want) != NULL, "%s", s);
}
END_TEST

START_TEST(filled_planes_of_other_axes)
{
	static struct plane planes[3000];
	fixture_make(&fixture, "run", "tcyx", (uint64_t[]){ 4, 1, 1, 8, 8 },
		     (uint64_t[]){ 1, 1, 1, 8, 8 }, DTYPE_U8);
	/* Pages of three samples: c counts samples, planes count pages. */
	fixture.im.grid.size[AXIS_C] = 3;
	for (size_t c = 1; c < 3; c++)
		fixture.channels[c] = fixture.channels[0];
	fixture.im.planes = planes;
	planes[1].file = planes[2].file = PLANE_GAP;
	fixture.im.n_gaps = 2;
	use(false, false);
	const char *s = made("run.zarr/.zattrs");
	ck_assert_msg(strstr(s, "\"ranges\":[{\"t\":[1,2],\"c\":[0,2]}],\"complete\":true") != NULL,
		      "%s", s);
	em();
	fixture.im.n_z = 3000;
	fixture.im.planes = planes;
	for (size_t z = 0; z < 3000; z++)
		planes[z].file = z % 2 ? PLANE_GAP : 0;
	fixture.im.n_gaps = 1500;
	s = made("em.zarr/.zattrs");
	ck_assert_ptr_nonnull(strstr(s, "\"planes\":1500,"));
	ck_assert_ptr_nonnull(strstr(s, "{\"z\":[999,999]}],\"complete\":false"));
}
END_TEST

START_TEST(the_same_bytes_at_every_call)
{
	fluo();
	char *first = strdup(made("fluo.zarr/.zmetadata"));
	ck_assert_str_eq(first, made("fluo.zarr/.zmetadata"));
	free(first);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("documents");
	TCase *tc = tcase_create("documents");
	tcase_add_test(tc, three_axes);
	tcase_add_test(tc, the_root_is_the_image);
	tcase_add_test(tc, three_axes_v3);
	tcase_add_test(tc, levels);
	tcase_add_test(tc, levels_consolidated);
	tcase_add_test(tc, levels_v3);
	tcase_add_test(tc, levels_of_single_voxels);
	tcase_add_test(tc, levels_of_five_axes);
	tcase_add_test(tc, five_axes);
	tcase_add_test(tc, two_axes_and_nothing_known);
	tcase_add_test(tc, colour_with_transparency);
	tcase_add_loop_test(tc, every_codec, 0, ARRAY_SIZE(codecs));
	tcase_add_test(tc, several_images);
	tcase_add_test(tc, images_that_are_not_ready);
	tcase_add_loop_test(tc, window_numbers, 0, ARRAY_SIZE(windows));
	tcase_add_test(tc, names_of_any_bytes);
	tcase_add_test(tc, filled_planes);
	tcase_add_test(tc, filled_planes_of_other_axes);
	tcase_add_test(tc, the_same_bytes_at_every_call);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
