/* Labels in the tree of names and in the documents; the colours of their ids. */
#include "meta/documents.h"
#include "meta/label_colors.h"
#include "meta/label_path.h"
#include "tests/unit/run_suite.h"
#include "tests/unit/tree_fixture.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* Two images; the first has five labels. */
static const char *const label_paths[] = { "a", "b/x/1", "b/x/2", "b/y", "original/0" };

enum { SHOWN = 2, LABELS = ARRAY_SIZE(label_paths), IMAGES = SHOWN + LABELS };

static struct fixture_image fixtures[IMAGES];
static struct image images[IMAGES];
static struct dataset data;
static struct tree tree;

static void setup(void)
{
	for (uint32_t i = 0; i < IMAGES; i++) {
		bool label = i >= SHOWN;
		struct fixture_image *f = &fixtures[i];
		fixture_make(f, i == 1 ? "other" : "em", label || i == 1 ? "zyx" : "czyx",
			     (uint64_t[]){ 1, label || i == 1 ? 1 : 2, 33, 130, 150 },
			     (uint64_t[]){ 1, 1, 16, 64, 64 }, label ? DTYPE_U32 : DTYPE_U8);
		if (label) {
			snprintf(f->id, sizeof(f->id), "em/labels/%s", label_paths[i - SHOWN]);
			f->im.label = f->id + strlen("em/labels/");
			f->im.channels = NULL;
			f->im.method = REDUCE_MODE;
		}
		images[i] = f->im;
	}
	images[0].first_label = SHOWN;
	images[0].n_labels = LABELS;
	data = (struct dataset){
		.root_fd = -1, .images = images, .n_images = IMAGES, .n_labels = LABELS
	};
	tree_init(&tree, &data, false, false);
}

static void same(const struct node *a, const struct node *b)
{
	ck_assert_int_eq(a->kind, b->kind);
	ck_assert_uint_eq(a->image, b->image);
	ck_assert_uint_eq(a->array, b->array);
	ck_assert_uint_eq(a->depth, b->depth);
	ck_assert_uint_eq(a->index, b->index);
}

/* Everything that can be reached by listing has a name, a number, a parent and a path that lead back. */
static unsigned walk(const struct tree *t, const struct node *dir, struct text *names)
{
	unsigned n = 0;
	char name[256];
	struct node child, again;
	for (uint64_t pos = 0; tree_child_at(t, dir, pos, &child, name) == 0; pos++) {
		n++;
		ck_assert_int_eq(tree_node(t, tree_number(t, &child), &again), 0);
		same(&child, &again);
		ck_assert_int_eq(tree_child(t, dir, name, &again), 0);
		same(&child, &again);
		again = tree_parent(t, &child);
		same(dir, &again);
		struct text path = { 0 };
		tree_path(t, &child, &path);
		ck_assert_int_eq(tree_resolve(t, path.s, &again), 0);
		same(&child, &again);
		if (child.kind != NODE_CHUNK_DIR && child.kind != NODE_CHUNK)
			text_addf(names, "%s\n", path.s);
		text_done(&path);
		if (node_is_dir(&child))
			n += walk(t, &child, names);
	}
	return n;
}

START_TEST(every_name_leads_back)
{
	for (int rooted = 0; rooted < 2; rooted++) {
		struct text names = { 0 };
		if (rooted) {
			/* The only image is the root itself. */
			for (uint32_t i = 1; i < IMAGES - 1; i++)
				images[i] = images[i + 1];
			data.n_images--;
			images[0].first_label--;
			tree_init(&tree, &data, true, false);
		}
		struct node root = { .kind = NODE_ROOT };
		walk(&tree, &root, &names);
		const char *front = rooted ? "" : "em.zarr/";
		static const char *const some[] = { "labels/.zgroup",	  "labels/.zattrs",
						    "labels/a/.zattrs",	  "labels/a/0/.zarray",
						    "labels/b/.zgroup",	  "labels/b/x/.zgroup",
						    "labels/b/x/2/0",	  "labels/b/y/0/.zattrs",
						    "labels/original/0/0" };
		static const char *const none[] = { "labels/b/.zattrs", "labels/a/.zmetadata",
						    "labels/.zmetadata", "labels/a.zarr" };
		char line[80];
		for (size_t i = 0; i < ARRAY_SIZE(some); i++) {
			snprintf(line, sizeof(line), "%s%s\n", front, some[i]);
			ck_assert_msg(strstr(names.s, line) != NULL, "no %s", line);
		}
		for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
			snprintf(line, sizeof(line), "%s%s\n", front, none[i]);
			ck_assert_msg(strstr(names.s, line) == NULL, "%s", line);
		}
		ck_assert_ptr_null(strstr(names.s, "other.zarr/labels"));
		text_done(&names);
	}
}
END_TEST

START_TEST(names_and_numbers_that_are_none)
{
	static const char *const paths[] = {
		"em/labels/a.zarr",	 "labels",
		"em.zarr/labels/b/1",	 "em.zarr/labels/x",
		"em.zarr/labels/b/x/3",	 "em.zarr/labels/original/00",
		"em.zarr/labels/origin", "em.zarr/labels/a/labels",
		"other.zarr/labels",
	};
	struct node out;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		ck_assert_msg(tree_resolve(&tree, paths[i], &out) == -ENOENT, "%s", paths[i]);
	const struct node none[] = {
		{ .kind = NODE_GROUP, .image = 0 },		/* no label */
		{ .kind = NODE_GROUP, .image = 3 },		/* not the first */
		{ .kind = NODE_GROUP, .image = 4, .depth = 2 }, /* likewise, of b/x */
		{ .kind = NODE_GROUP, .image = 2, .depth = 1 }, /* the label itself */
		{ .kind = NODE_GROUP, .image = 3, .depth = 3 }, /* likewise */
		{ .kind = NODE_GROUP, .image = 2, .index = 1 },
		{ .kind = NODE_GROUP, .image = 2, .array = 1 },
		{ .kind = NODE_GROUP, .image = IMAGES },
		{ .kind = NODE_GROUP_DOC, .image = 2, .index = DOC_ZMETADATA },
		{ .kind = NODE_GROUP_DOC, .image = 3, .depth = 1, .index = DOC_ZATTRS },
		{ .kind = NODE_IMAGE_DOC, .image = 2, .index = DOC_ZMETADATA },
	};
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		ck_assert_msg(tree_node(&tree, tree_number(&tree, &none[i]), &out) == -ESTALE,
			      "node %zu", i);
	const struct node first = { .kind = NODE_GROUP, .image = 3, .depth = 2 };
	ck_assert_int_eq(tree_node(&tree, tree_number(&tree, &first), &out), 0);
}
END_TEST

static bool needs(const char *path, uint32_t image)
{
	struct node n;
	uint32_t got;
	ck_assert_msg(tree_resolve(&tree, path, &n) == 0, "%s", path);
	if (!tree_needs_look(&tree, &n, &got))
		return image == UINT32_MAX;
	ck_assert_msg(got == image, "%s needs %u", path, got);
	return true;
}

START_TEST(which_looks_a_node_follows_from)
{
	images[2].state = images[5].state = IMAGE_UNSEEN;
	ck_assert(needs("em.zarr/.zattrs", UINT32_MAX));
	ck_assert(needs("em.zarr/labels", UINT32_MAX));
	ck_assert(needs("em.zarr/labels/.zgroup", UINT32_MAX));
	ck_assert(needs("em.zarr/labels/.zattrs", 2));
	ck_assert(needs("em.zarr/.zmetadata", 2));
	ck_assert(needs("em.zarr/labels/a", 2));
	ck_assert(needs("em.zarr/labels/b/x/1/0/0", UINT32_MAX));
	images[2].state = IMAGE_BAD;
	ck_assert(needs("em.zarr/.zmetadata", 5));
	images[5].state = IMAGE_READY;
	ck_assert(needs("em.zarr/.zmetadata", UINT32_MAX));
	/* A label's handle alone: its image comes first. */
	struct node n = { .kind = NODE_IMAGE_DOC, .image = 2 };
	uint32_t got;
	images[0].state = images[2].state = IMAGE_UNSEEN;
	ck_assert(tree_needs_look(&tree, &n, &got));
	ck_assert_uint_eq(got, 0);
	n = (struct node){ .kind = NODE_GROUP_DOC, .image = 2, .index = DOC_ZATTRS };
	ck_assert(tree_needs_look(&tree, &n, &got));
	ck_assert_uint_eq(got, 0);
}
END_TEST

/* The text of a document, from static memory. */
static const char *made(const char *path)
{
	static char text[65536];
	struct node n;
	ck_assert_msg(tree_resolve(&tree, path, &n) == 0, "%s", path);
	struct text out = { 0 };
	ck_assert_msg(document_make(&tree, &n, &out) == 0, "%s", path);
	ck_assert_uint_lt(out.len, sizeof(text));
	memcpy(text, out.s, out.len + 1);
	text_done(&out);
	return text;
}

START_TEST(documents)
{
	ck_assert_str_eq(made("em.zarr/labels/.zattrs"),
			 "{\"labels\":[\"a\",\"b/x/1\",\"b/x/2\",\"b/y\",\"original/0\"]}");
	ck_assert_str_eq(made("em.zarr/labels/b/x/.zgroup"), "{\"zarr_format\":2}");
	const char *s = made("em.zarr/labels/b/x/1/.zattrs");
	ck_assert_ptr_nonnull(strstr(s, "\"name\":\"b/x/1\""));
	ck_assert_ptr_nonnull(strstr(s, "\"type\":\"mode\""));
	ck_assert_ptr_nonnull(strstr(s, "\"image-label\":{\"version\":\"0.4\",\"source\":{"
					"\"image\":\"../../../../\"}}"));
	ck_assert_ptr_null(strstr(s, "omero"));
	s = made("em.zarr/labels/a/.zattrs");
	ck_assert_ptr_nonnull(strstr(s, "\"image\":\"../../\""));
	tree_init(&tree, &data, false, true);
	ck_assert_str_eq(made("em.zarr/labels/zarr.json"),
			 "{\"zarr_format\":3,\"node_type\":\"group\",\"attributes\":{\"ome\":{"
			 "\"version\":\"0.5\",\"labels\":[\"a\",\"b/x/1\",\"b/x/2\",\"b/y\","
			 "\"original/0\"]}}}");
	ck_assert_str_eq(made("em.zarr/labels/b/zarr.json"),
			 "{\"zarr_format\":3,\"node_type\":\"group\",\"attributes\":{}}");
	s = made("em.zarr/labels/a/zarr.json");
	ck_assert_ptr_nonnull(strstr(s, "\"ome\":{\"version\":\"0.5\",\"multiscales\""));
	ck_assert_ptr_nonnull(strstr(s, "\"image-label\":{\"version\":\"0.5\""));
}
END_TEST

static void keys_are(const cJSON *o, const char *want)
{
	struct text t = { 0 };
	const cJSON *item;
	cJSON_ArrayForEach(item, o) text_addf(&t, "%s ", item->string);
	ck_assert_str_eq(t.s, want);
	text_done(&t);
}

START_TEST(bad_labels_are_not_told)
{
	images[2].state = images[3].state = images[6].state = IMAGE_BAD;
	ck_assert_str_eq(made("em.zarr/labels/.zattrs"), "{\"labels\":[\"b/x/2\",\"b/y\"]}");
	cJSON *all = cJSON_Parse(made("em.zarr/.zmetadata"));
	keys_are(cJSON_GetObjectItem(all, "metadata"),
		 ".zgroup .zattrs 0/.zarray 0/.zattrs labels/.zgroup labels/.zattrs "
		 "labels/b/.zgroup labels/b/x/.zgroup labels/b/x/2/.zgroup labels/b/x/2/.zattrs "
		 "labels/b/x/2/0/.zarray labels/b/x/2/0/.zattrs labels/b/y/.zgroup "
		 "labels/b/y/.zattrs labels/b/y/0/.zarray labels/b/y/0/.zattrs ");
	cJSON_Delete(all);
	struct node n;
	ck_assert_int_eq(tree_resolve(&tree, "em.zarr/labels/a", &n), 0);
	ck_assert_int_eq(tree_resolve(&tree, "em.zarr/labels/a/.zattrs", &n), -EIO);
	n = (struct node){ .kind = NODE_IMAGE_DOC, .image = 2, .index = DOC_ZATTRS };
	struct text out = { 0 };
	ck_assert_int_eq(document_make(&tree, &n, &out), -EIO);
	cJSON *other = cJSON_Parse(made("other.zarr/.zmetadata"));
	keys_are(cJSON_GetObjectItem(other, "metadata"), ".zgroup .zattrs 0/.zarray 0/.zattrs ");
	cJSON_Delete(other);
}
END_TEST

static struct image *with_colors(enum dtype t)
{
	struct image *im = &images[2];
	struct err err;
	im->dtype = t;
	label_colors_free(im->colors);
	ck_assert_int_eq(label_colors_begin(im, NULL, &err), 0);
	return im;
}

START_TEST(colors_of_ids)
{
	uint8_t rgb[3], again[3];
	struct image *im = with_colors(DTYPE_U32);
	ck_assert_uint_eq(label_colors_count(im), 0);
	static const int64_t ids[] = { 70000, 3, 0, -5, 3, INT64_C(1) << 40, 70000 };
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		ck_assert(label_colors_add(im->colors, ids[i]));
	im->colors->complete = true;
	ck_assert_uint_eq(label_colors_count(im), 4);
	static const int64_t sorted[] = { -5, 3, 70000, INT64_C(1) << 40 };
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		ck_assert_int_eq(label_color(im, i, rgb), sorted[i]);
	label_color(im, 1, rgb);
	ck_assert_ptr_nonnull(strstr(made("em.zarr/labels/a/.zattrs"),
				     "\"colors\":[{\"label-value\":-5,\"rgba\":["));
	/* An id has one colour, whatever else there is; neighbours have others. */
	im = with_colors(DTYPE_U8);
	ck_assert_uint_eq(label_colors_count(im), 255);
	ck_assert_int_eq(label_color(im, 2, again), 3);
	ck_assert_mem_eq(rgb, again, 3);
	for (size_t i = 0; i < 254; i++) {
		ck_assert_int_eq(label_color(im, i, rgb), (int64_t)i + 1);
		label_color(im, i + 1, again);
		int far = 0;
		for (size_t k = 0; k < 3; k++)
			far += abs(rgb[k] - again[k]);
		ck_assert_int_gt(far, 60);
	}
	im = with_colors(DTYPE_I8);
	ck_assert_int_eq(label_color(im, 0, rgb), -128);
	ck_assert_int_eq(label_color(im, 127, rgb), -1);
	ck_assert_int_eq(label_color(im, 128, rgb), 1);
	ck_assert_int_eq(label_color(im, 254, rgb), 127);
	/* A palette has the say as far as it goes. */
	im->colors->palette = calloc(4, 3);
	im->colors->n_palette = 4;
	memcpy(im->colors->palette + 6, "\x01\x02\x03", 3);
	ck_assert_int_eq(label_color(im, 129, rgb), 2);
	ck_assert_mem_eq(rgb, "\x01\x02\x03", 3);
	label_color(im, 126, rgb);
	ck_assert_mem_ne(rgb, "\0\0\0", 3);
	label_colors_free(STEAL(im->colors));
}
END_TEST

START_TEST(more_ids_than_are_listed)
{
	struct image *im = with_colors(DTYPE_U16);
	for (int64_t id = 1; id <= LABEL_COLORS; id++)
		ck_assert(label_colors_add(im->colors, id * 7 % 2048));
	ck_assert(label_colors_add(im->colors, 7));
	ck_assert(!label_colors_add(im->colors, 9999));
	label_colors_free(STEAL(im->colors));
}
END_TEST

START_TEST(paths_are_compared_part_by_part)
{
	static const char *const sorted[] = { "a", "a/b", "a/c", "a b", "b2", "b10", "b10/x" };
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		for (size_t k = 0; k < ARRAY_SIZE(sorted); k++) {
			int rc = label_path_compare(sorted[i], sorted[k]);
			ck_assert_int_eq((rc > 0) - (rc < 0), (i > k) - (i < k));
		}
	ck_assert(label_path_shares("a/b", "a/c", 1));
	ck_assert(!label_path_shares("a/b", "a/c", 2));
	ck_assert(!label_path_shares("a", "ab", 1));
	ck_assert(!label_path_shares("a", "a", 2));
	ck_assert(label_path_shares("a", "b", 0));
	ck_assert_uint_eq(label_path_depth("a/b/c"), 3);
	ck_assert_uint_eq(label_path_prefix("a/bb/c", 2), 4);
}
END_TEST

static Suite *suite(void)
{
	const TTest *const tests[] = {
		every_name_leads_back,		 names_and_numbers_that_are_none,
		which_looks_a_node_follows_from, documents,
		bad_labels_are_not_told,	 colors_of_ids,
		more_ids_than_are_listed,	 paths_are_compared_part_by_part,
	};
	Suite *s = suite_create("label_tree");
	TCase *c = tcase_create("label_tree");
	tcase_add_checked_fixture(c, setup, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
