/* Datasets of WEBKNOSSOS: the names of layers, the views in the tree of names, and their documents. */
#include "meta/documents.h"
#include "meta/layers.h"
#include "meta/wk_doc.h"
#include "tests/unit/run_suite.h"
#include "tests/unit/tree_fixture.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* Three images; the first has labels, whose layers' names must differ. */
static const struct {
	const char *path, *layer;
} labels[] = {
	{ "a/0", "a_0" },
	{ "a_0", "a_0_2" },
	{ "color", "color_2" },
	{ "color__channel1", "2_color__channel1" },
	{ "datasource-properties.json", "datasource-properties.json_2" },
	{ "n\xc3\xa4 x", "n__x" },
	{ "xyz", "xyz_2" },
};

enum { SHOWN = 3, LABELS = ARRAY_SIZE(labels), IMAGES = SHOWN + LABELS };

static struct fixture_image fixtures[IMAGES];
static struct image images[IMAGES];
static struct dataset data;
static struct tree tree;

static void make_image(uint32_t i)
{
	static const char *const ids[SHOWN] = { "em", "fluo", "page" };
	static const char *const axes[SHOWN] = { "czyx", "tczyx", "yx" };
	static const uint64_t sizes[SHOWN][AXIS_COUNT] = { { 1, 2, 33, 130, 250 },
							   { 2, 3, 5, 100, 120 },
							   { 1, 1, 1, 90, 10 } };
	static const uint64_t label_size[] = { 1, 1, 33, 130, 250 };
	struct fixture_image *f = &fixtures[i];
	bool label = i >= SHOWN;
	fixture_make(f, label ? "" : ids[i], label ? "zyx" : axes[i], label ? label_size : sizes[i],
		     (uint64_t[]){ 1, 1, i == 2 ? 1 : 16, 64, 64 }, label ? DTYPE_U32 : DTYPE_U16);
	fixture_reduce(f, (uint64_t[]){ 1, 2, 2 });
	if (label)
		f->im.label = labels[i - SHOWN].path;
	images[i] = f->im;
}

static void setup(void)
{
	for (uint32_t i = 0; i < IMAGES; i++)
		make_image(i);
	images[0].first_label = SHOWN;
	images[0].n_labels = LABELS;
	data = (struct dataset){
		.root_fd = -1, .images = images, .n_images = IMAGES, .n_labels = LABELS
	};
	ck_assert_int_eq(layers_name(&data, "color", NULL), 0);
	tree_init(&tree, &data, false, false);
	tree_show(&tree, VIEWS_BOTH);
}

static void teardown(void)
{
	free(data.layer);
	for (uint32_t i = 0; i < IMAGES; i++)
		free(images[i].layer);
}

/* Only the image i is left, without labels. */
static void leave(uint32_t i, enum tree_views views, bool v3)
{
	for (uint32_t k = 0; k < IMAGES; k++)
		free(STEAL(images[k].layer));
	images[0] = images[i];
	images[0].n_labels = 0;
	data.n_images = 1;
	data.n_labels = 0;
	tree_init(&tree, &data, false, v3);
	tree_show(&tree, views);
}

static struct node at(const char *path)
{
	struct node n = { .kind = NODE_ROOT };
	ck_assert_msg(tree_resolve(&tree, path, &n) == 0, "no %s", path);
	return n;
}

static int resolve(const char *path)
{
	struct node n;
	return tree_resolve(&tree, path, &n);
}

START_TEST(names_of_labels_differ)
{
	for (uint32_t i = 0; i < LABELS; i++) {
		ck_assert_str_eq(images[SHOWN + i].layer, labels[i].layer);
		ck_assert_int_eq(layer_check(images[SHOWN + i].layer, NULL), 0);
	}
}
END_TEST

START_TEST(names_that_webknossos_takes)
{
	static const char *const bad[] = { "", ".a", "a b", "a/b", "xyz", "\xc3\xa9" };
	char clean[LAYER_NAME], longest[LAYER_NAME];
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(layer_check(bad[i], NULL), -EINVAL);
	ck_assert_int_eq(layer_check("$a.b-c@_1.", NULL), 0);
	memset(longest, 'x', sizeof(longest));
	longest[LAYER_NAME - 1] = '\0';
	ck_assert_int_eq(layer_check(longest, NULL), -EINVAL);
	layer_clean(longest, clean);
	ck_assert_int_eq(layer_check(clean, NULL), 0);
	layer_clean(".a b/c.\xc3\xa9", clean);
	ck_assert_str_eq(clean, "_a_b_c._");
	layer_clean("", clean);
	ck_assert_str_eq(clean, "_");
}
END_TEST

START_TEST(every_layer_by_name_and_position)
{
	static const char *const names[] = {
		"color__channel0_timepoint0", "color__channel1_timepoint0",
		"color__channel2_timepoint0", "color__channel0_timepoint1",
		"color__channel1_timepoint1", "color__channel2_timepoint1"
	};
	static const char *const none[] = { "color",
					    "color__channel0",
					    "color__timepoint0",
					    "color__channel3_timepoint0",
					    "color__channel0_timepoint2",
					    "color__channel00_timepoint0",
					    "color__channel0_timepoint0x",
					    "colorchannel0_timepoint0",
					    "color__channel0timepoint0",
					    "color__channel18446744073709551616_timepoint0" };
	struct layer l;
	char name[LAYER_NAME];
	for (uint64_t k = 0; k < ARRAY_SIZE(names); k++) {
		ck_assert(layer_at(&data, 1, k, &l));
		ck_assert_uint_eq(l.part, k);
		layer_name(&data, &l, name);
		ck_assert_str_eq(name, names[k]);
		ck_assert(layer_find(&data, 1, name, &l));
		ck_assert_uint_eq(l.part, k);
	}
	ck_assert(!layer_at(&data, 1, ARRAY_SIZE(names), &l));
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		ck_assert_msg(!layer_find(&data, 1, none[i], &l), "%s", none[i]);
	ck_assert(layer_find(&data, 2, "color", &l));
	ck_assert(layer_at(&data, 0, 2, &l) && l.image == SHOWN && l.part == 0);
	ck_assert(!layer_at(&data, 0, 2 + LABELS, &l));
}
END_TEST

static void same(const struct node *a, const struct node *b)
{
	ck_assert_int_eq(a->kind, b->kind);
	ck_assert_int_eq(a->view, b->view);
	ck_assert_uint_eq(a->image, b->image);
	ck_assert_uint_eq(a->array, b->array);
	ck_assert_uint_eq(a->depth, b->depth);
	ck_assert_uint_eq(a->index, b->index);
}

/* Numbers of all nodes that listing finds. */
struct found {
	uint64_t numbers[8192];
	size_t n;
};

static void lead_back(const struct node *dir, const struct node *child, const char *name)
{
	struct node again;
	struct text path = { 0 };
	ck_assert_int_eq(tree_node(&tree, tree_number(&tree, child), &again), 0);
	same(child, &again);
	ck_assert_int_eq(tree_child(&tree, dir, name, &again), 0);
	same(child, &again);
	again = tree_parent(&tree, child);
	same(dir, &again);
	tree_path(&tree, child, &path);
	ck_assert_int_eq(tree_resolve(&tree, path.s, &again), 0);
	same(child, &again);
	text_done(&path);
}

static void walk(const struct node *dir, struct found *f)
{
	char name[256];
	struct node child;
	uint64_t pos = 0;
	for (; tree_child_at(&tree, dir, pos, &child, name) == 0; pos++) {
		lead_back(dir, &child, name);
		ck_assert_uint_lt(f->n, ARRAY_SIZE(f->numbers));
		f->numbers[f->n++] = tree_number(&tree, &child);
		if (node_is_dir(&child))
			walk(&child, f);
	}
	ck_assert_int_eq(tree_child_at(&tree, dir, pos, &child, name), -ENOENT);
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static size_t walk_all(void)
{
	static struct found f;
	struct node root = { .kind = NODE_ROOT };
	f.n = 0;
	walk(&root, &f);
	qsort(f.numbers, f.n, sizeof(*f.numbers), compare);
	for (size_t i = 1; i < f.n; i++)
		ck_assert_uint_ne(f.numbers[i - 1], f.numbers[i]);
	return f.n;
}

START_TEST(every_node_of_every_view)
{
	size_t both = walk_all();
	tree_show(&tree, VIEWS_WK);
	ck_assert_uint_eq(walk_all(), both);
	leave(2, VIEWS_WK, false);
	/* The dataset's documents, its layer with one, two mags of 0/x/y/z and one, and the same in xyz
	 * without a layer and without 0. */
	size_t wk = 2 + (1 + 1) + (1 + 1 + 1 + 1 + 2 + 2) + (1 + 1 + 1 + 1 + 1 + 1);
	size_t xyz = 1 + 1 + (1 + 1 + 1 + 2 + 2) + (1 + 1 + 1 + 1 + 1);
	ck_assert_uint_eq(walk_all(), wk + xyz);
	leave(0, VIEWS_BOTH, true);
	walk_all();
}
END_TEST

#define U     "%" PRIu64
#define THREE "/" U "/" U "/" U
#define FIVE  U "/" U THREE
#define LAYER "color__channel" U "_timepoint" U

START_TEST(one_index_in_every_view)
{
	const struct level *l = &images[1].pyramid.level[1];
	char path[128];
	for (uint64_t i = 0; i < level_chunk_count(l); i++) {
		struct grid_chunk c;
		level_chunk_at(l, i, &c);
		const uint64_t *v = c.index;
		snprintf(path, sizeof(path), "fluo.zarr/1/" FIVE, v[0], v[1], v[2], v[3], v[4]);
		ck_assert_uint_eq(at(path).index, i);
		snprintf(path, sizeof(path), "fluo/" LAYER "/2-2-1/0" THREE, v[1], v[0], v[4], v[3],
			 v[2]);
		struct node n = at(path);
		ck_assert_uint_eq(n.index, i);
		ck_assert_uint_eq(n.image, 1);
		ck_assert_uint_eq(n.array, 1);
		snprintf(path, sizeof(path), "fluo/xyz/" LAYER "/2-2-1" THREE, v[1], v[0], v[4],
			 v[3], v[2]);
		ck_assert_uint_eq(at(path).index, i);
	}
}
END_TEST

START_TEST(names_that_are_none)
{
	static const char *const none[] = {
		"em/color",
		"em/color__channel2",
		"em/color__channel0/0",
		"em/color__channel0/2",
		"em/color__channel0/01",
		"em/color__channel0/2-2-1/1",
		"em/color__channel0/1/0/4",
		"em/color__channel0/1/0/0/3",
		"em/color__channel0/1/0/0/0/3",
		"em/color__channel0/1/.zattrs",
		"em/color__channel0/.zattrs",
		"em/.zattrs",
		"em/0",
		"em/labels",
		"em/xyz/1",
		"em/xyz/xyz",
		"em/xyz/datasource-properties.json",
		"page/xyz/color",
		"page/xyz/1/1",
		"page/xyz/1/.zattrs",
		"color",
		"xyz",
		"datasource-properties.json",
		"em.zarr/color__channel0",
		"em.zarr/xyz",
	};
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		ck_assert_msg(resolve(none[i]) == -ENOENT, "%s", none[i]);
	ck_assert_int_eq(resolve("em/color__channel0/1/0/3/2/2"), 0);
	ck_assert_int_eq(resolve("em/xyz/n__x/2-2-1/1/1/2"), 0);
	ck_assert_int_eq(resolve("page/xyz/1/0/1/0"), 0);
	tree_show(&tree, VIEWS_NGFF);
	ck_assert_int_eq(resolve("em"), -ENOENT);
	ck_assert_int_eq(resolve("em.zarr/0/0/0/0/0"), 0);
	leave(2, VIEWS_WK, false);
	ck_assert_int_eq(resolve("page.zarr"), -ENOENT);
	ck_assert_int_eq(resolve("page"), -ENOENT);
	ck_assert_int_eq(resolve("color/1/0/0/1/0"), 0);
	ck_assert_int_eq(resolve(".ngffuse/status.json"), 0);
}
END_TEST

/* A generator of Knuth's, so that a failure comes again. */
static uint64_t next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state;
}

START_TEST(random_numbers)
{
	uint64_t state = 1;
	unsigned accepted[3] = { 0 };
	for (unsigned i = 0; i < 3000000; i++) {
		/* View, kind and image of some node, the rest small. */
		uint64_t number = next(&state) & UINT64_C(0xFFC00000000000FF);
		struct node n, again;
		number |= (next(&state) & 15) << 43;
		number |= (next(&state) & 1) << 46;
		if (tree_node(&tree, number, &n) != 0)
			continue;
		accepted[n.view]++;
		ck_assert_uint_eq(tree_number(&tree, &n), number);
		struct text path = { 0 };
		tree_path(&tree, &n, &path);
		ck_assert_int_eq(tree_resolve(&tree, path.s, &again), 0);
		same(&n, &again);
		text_done(&path);
	}
	for (int i = 0; i < 3; i++)
		ck_assert_uint_gt(accepted[i], 100);
}
END_TEST

START_TEST(before_the_first_look)
{
	struct node n = { .kind = NODE_IMAGE, .view = VIEW_WK }, out;
	struct node chunk = at("em/xyz/color__channel1/1/0/0/0");
	uint32_t image = 99;
	images[0].state = IMAGE_UNSEEN;
	ck_assert_int_eq(tree_child(&tree, &n, "color__channel0", &out), -EAGAIN);
	ck_assert(tree_needs_look(&tree, &n, &image));
	ck_assert_uint_eq(image, 0);
	/* Handles hold. */
	ck_assert_int_eq(tree_node(&tree, tree_number(&tree, &chunk), &out), 0);
	struct text path = { 0 };
	tree_path(&tree, &chunk, &path);
	ck_assert(path.len > 0);
	text_done(&path);
	images[0].state = IMAGE_BAD;
	ck_assert_int_eq(tree_child(&tree, &n, "color__channel0", &out), -EIO);
	images[0].state = IMAGE_READY;
	images[SHOWN].state = IMAGE_UNSEEN;
	ck_assert_int_eq(resolve("em/a_0"), 0);
	ck_assert_int_eq(resolve("em/a_0/1"), -EAGAIN);
	n = at("em/datasource-properties.json");
	ck_assert(tree_needs_look(&tree, &n, &image));
	ck_assert_uint_eq(image, SHOWN);
}
END_TEST

static cJSON *document(const char *path)
{
	struct node n = at(path);
	struct text t = { 0 };
	ck_assert_int_eq(document_make(&tree, &n, &t), 0);
	cJSON *j = cJSON_Parse(t.s);
	ck_assert_ptr_nonnull(j);
	text_done(&t);
	return j;
}

static void says(const char *path, const char *text)
{
	struct node n = at(path);
	struct text t = { 0 };
	ck_assert_int_eq(document_make(&tree, &n, &t), 0);
	ck_assert_msg(strstr(t.s, text) != NULL, "no %s in %s: %s", text, path, t.s);
	text_done(&t);
}

START_TEST(arrays)
{
	says("em/.zgroup", "{\"zarr_format\":2}");
	says("em/xyz/.zgroup", "{\"zarr_format\":2}");
	says("em/a_0/.zgroup", "{\"zarr_format\":2}");
	says("em/a_0/2-2-1/.zarray",
	     "\"shape\":[1,125,65,33],\"chunks\":[1,64,64,16],\"dtype\":\"<u4\"");
	says("em/xyz/a_0/1/.zarray", "\"shape\":[250,130,33],\"chunks\":[64,64,16]");
	says("em/xyz/a_0/1/.zarray", "\"order\":\"F\"");
	says("em.zarr/0/.zarray", "\"order\":\"C\"");
	says("page/xyz/1/.zarray", "\"shape\":[10,90,1],\"chunks\":[64,64,1]");
	/* They are Zarr v2 whatever the image beside them is. */
	tree.v3 = true;
	says("page/color/1/.zarray", "\"zarr_format\":2");
	says("page.zarr/0/zarr.json", "\"zarr_format\":3");
}
END_TEST

START_TEST(properties)
{
	says("page/datasource-properties.json",
	     "{\"id\":{\"name\":\"page\",\"team\":\"\"},\"scale\":{\"factor\":[1,1,1],\"unit\":"
	     "\"nanometer\"},\"dataLayers\":[{\"name\":\"color\",\"category\":\"color\","
	     "\"boundingBox\":{\"topLeft\":[0,0,0],\"width\":10,\"height\":90,\"depth\":1},"
	     "\"dataFormat\":\"zarr\",\"mags\":[{\"mag\":[1,1,1],\"path\":\"./color/1\","
	     "\"axisOrder\":{\"c\":0,\"x\":1,\"y\":2,\"z\":3}},");
	memcpy(fixtures[2].channels[0].color, "01fEaB", 7);
	fixtures[2].channels[0].start = 7;
	says("page/datasource-properties.json",
	     "\"defaultViewConfiguration\":{\"color\":[1,254,171],\"intensityRange\":[7,255],"
	     "\"min\":0,"
	     "\"max\":255},\"numChannels\":1,\"elementClass\":\"uint16\"}],\"version\":1}");
	images[2].voxel[0] = 25;
	images[2].voxel[2] = 1.5;
	memcpy(images[2].unit, "micrometer", 11);
	says("page/datasource-properties.json",
	     "\"scale\":{\"factor\":[1.5,1,25],\"unit\":\"micrometer\"}");
	images[2].dtype = DTYPE_F32;
	says("page/datasource-properties.json", "\"elementClass\":\"float\"");
	data.segmentation = true;
	images[2].dtype = DTYPE_I64;
	struct node n = at("page/datasource-properties.json");
	struct text t = { 0 };
	ck_assert_int_eq(document_make(&tree, &n, &t), 0);
	ck_assert_ptr_null(strstr(t.s, "defaultViewConfiguration"));
	ck_assert_ptr_null(strstr(t.s, "largestSegmentId"));
	text_done(&t);
	data.has_largest_id = true;
	data.largest_id = 9007199254740991;
	says("page/datasource-properties.json", "\"largestSegmentId\":9007199254740991}");
	data.largest_id = UINT64_MAX;
	says("page/datasource-properties.json",
	     "\"largestSegmentId\":{\"customJsonEncoding\":\"bigint\",\"value\":"
	     "\"18446744073709551615\"}");
}
END_TEST

/* A label that cannot be used is no layer, though its folder is there. */
START_TEST(layers_of_labels)
{
	images[SHOWN + 1].state = IMAGE_BAD;
	cJSON *j = document("em/datasource-properties.json");
	cJSON *layers = cJSON_GetObjectItem(j, "dataLayers");
	ck_assert_int_eq(cJSON_GetArraySize(layers), 2 + LABELS - 1);
	cJSON *label = cJSON_GetArrayItem(layers, 2);
	ck_assert_str_eq(cJSON_GetObjectItem(label, "name")->valuestring, "a_0");
	ck_assert_str_eq(cJSON_GetObjectItem(label, "category")->valuestring, "segmentation");
	cJSON_Delete(j);
	ck_assert_int_eq(resolve("em/a_0_2"), 0);
	ck_assert_int_eq(resolve("em/a_0_2/1"), -EIO);
}
END_TEST

static void refused(const char *part)
{
	struct err err = { 0 };
	ck_assert_int_eq(wk_check(&data, &images[2], &err), -EINVAL);
	ck_assert_msg(strstr(err.msg, part) != NULL, "%s", err.msg);
}

START_TEST(what_webknossos_does_not_know)
{
	static const bool color[DTYPE_COUNT] = {
		[DTYPE_U8] = true,  [DTYPE_U16] = true, [DTYPE_U32] = true, [DTYPE_I8] = true,
		[DTYPE_I16] = true, [DTYPE_I32] = true, [DTYPE_F32] = true,
	};
	for (int t = 0; t < DTYPE_COUNT; t++) {
		images[2].dtype = (enum dtype)t;
		data.segmentation = false;
		ck_assert_int_eq(wk_check(&data, &images[2], NULL), color[t] ? 0 : -EINVAL);
		data.segmentation = true;
		ck_assert_int_eq(wk_check(&data, &images[2], NULL),
				 dtype_is_float((enum dtype)t) ? -EINVAL : 0);
	}
	refused("no segmentation of float64");
	data.segmentation = false;
	refused("no color layer of float64");
	images[2].dtype = DTYPE_U8;
	fixture_reduce(&fixtures[2], (uint64_t[]){ 2, 1, 1 });
	images[2].pyramid.n = 3;
	refused("which 2-2-1 and 2 have in common");
	images[2].pyramid.n = 2;
	images[2].pyramid.level[0].chunks[AXIS_T] = LAYERS_MAX + 1;
	refused("at most 1000 layers");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		names_of_labels_differ,
		names_that_webknossos_takes,
		every_layer_by_name_and_position,
		every_node_of_every_view,
		one_index_in_every_view,
		names_that_are_none,
		random_numbers,
		before_the_first_look,
		arrays,
		properties,
		layers_of_labels,
		what_webknossos_does_not_know,
	};
	Suite *s = suite_create("layers");
	TCase *c = tcase_create("layers");
	tcase_add_checked_fixture(c, setup, teardown);
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return run_suite(s);
}
