/* Names and node numbers: whole small trees walked both ways, names that are none, and numbers that no
 * node has. */
#include "meta/tree.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "tests/unit/run_suite.h"
#include "tree_fixture.h"

enum { N_IMAGES = 3 };

static struct fixture_image fixtures[N_IMAGES];
static struct image images[N_IMAGES];
static struct dataset data;

static void setup(void)
{
	fixture_make(&fixtures[0], "em", "zyx", (uint64_t[]){ 1, 1, 33, 130, 150 },
		     (uint64_t[]){ 1, 1, 16, 64, 64 }, DTYPE_U8);
	fixture_reduce(&fixtures[0], (uint64_t[]){ 1, 2, 2 });
	fixture_reduce(&fixtures[0], (uint64_t[]){ 4, 2, 2 });
	fixture_make(&fixtures[1], "fluo", "tczyx", (uint64_t[]){ 2, 2, 5, 100, 120 },
		     (uint64_t[]){ 1, 1, 1, 64, 64 }, DTYPE_U16);
	fixture_make(&fixtures[2], "page", "yx", (uint64_t[]){ 1, 1, 1, 90, 10 },
		     (uint64_t[]){ 1, 1, 1, 64, 64 }, DTYPE_F32);
	for (int i = 0; i < N_IMAGES; i++)
		images[i] = fixtures[i].im;
	data = (struct dataset){ .root_fd = -1, .images = images, .n_images = N_IMAGES };
}

static void same(const struct node *a, const struct node *b)
{
	ck_assert_int_eq(a->kind, b->kind);
	ck_assert_uint_eq(a->image, b->image);
	ck_assert_uint_eq(a->array, b->array);
	ck_assert_uint_eq(a->depth, b->depth);
	ck_assert_uint_eq(a->index, b->index);
}

/* Every node below `dir`, by listing: number, name, parent and path all lead back to it. */
static uint64_t walk(const struct tree *t, const struct node *dir)
{
	uint64_t n = 0;
	for (uint64_t pos = 0;; pos++) {
		struct node child, again;
		char name[256];
		int r = tree_child_at(t, dir, pos, &child, name);
		if (r == -ENOENT)
			break;
		ck_assert_int_eq(r, 0);
		n++;
		uint64_t number = tree_number(t, &child);
		ck_assert_uint_ne(number, 1);
		ck_assert_int_eq(tree_node(t, number, &again), 0);
		same(&child, &again);
		ck_assert_int_eq(tree_child(t, dir, name, &again), 0);
		same(&child, &again);
		again = tree_parent(t, &child);
		same(dir, &again);
		struct text path = { 0 };
		tree_path(t, &child, &path);
		ck_assert_int_eq(tree_resolve(t, path.s, &again), 0);
		same(&child, &again);
		text_done(&path);
		if (node_is_dir(&child))
			n += walk(t, &child);
		else
			ck_assert_int_eq(tree_child(t, &child, "0", &again), -ENOTDIR);
	}
	return n;
}

static const struct node root = { .kind = NODE_ROOT };

START_TEST(every_node_of_small_trees)
{
	struct tree t;
	tree_init(&t, &data, false, false);
	/* Three images with 3 documents, five arrays of 2 documents each; chunks with their directories. */
	uint64_t em = (3 + 9 + 27) + (3 + 6 + 12) + (1 + 1 + 1);
	uint64_t fluo = 2 + 4 + 20 + 40 + 80, page = 2 + 2;
	ck_assert_uint_eq(walk(&t, &root), 2 + 3 * (1 + 3) + 5 * (1 + 2) + em + fluo + page);
	tree_init(&t, &data, false, true);
	ck_assert_uint_eq(walk(&t, &root), 1 + 3 * (1 + 1) + 5 * (1 + 1) + em + fluo + page);
	data.n_images = 1;
	tree_init(&t, &data, true, false);
	ck_assert_uint_eq(walk(&t, &root), 3 + 3 * (1 + 2) + em);
	tree_init(&t, &data, true, true);
	ck_assert_uint_eq(walk(&t, &root), 1 + 3 * (1 + 1) + em);
	data.n_images = 0;
	tree_init(&t, &data, false, false);
	ck_assert_uint_eq(walk(&t, &root), 2);
}
END_TEST

static void names_in_order(const struct tree *t, const struct node *dir, const char *const want[])
{
	struct node child;
	char name[256];
	uint64_t pos = 0;
	for (; want[pos] != NULL; pos++) {
		ck_assert_int_eq(tree_child_at(t, dir, pos, &child, name), 0);
		ck_assert_str_eq(name, want[pos]);
	}
	ck_assert_int_eq(tree_child_at(t, dir, pos, &child, name), -ENOENT);
	ck_assert_int_eq(tree_child_at(t, dir, UINT64_MAX, &child, name), -ENOENT);
}

static struct node at(const struct tree *t, const char *path)
{
	struct node n = { .kind = NODE_ROOT };
	ck_assert_msg(tree_resolve(t, path, &n) == 0, "%s", path);
	return n;
}

START_TEST(listings)
{
	struct tree t;
	tree_init(&t, &data, false, false);
	names_in_order(&t, &root,
		       (const char *[]){ ".zgroup", ".zattrs", "em.zarr", "fluo.zarr", "page.zarr",
					 NULL });
	struct node n = at(&t, "em.zarr");
	names_in_order(&t, &n,
		       (const char *[]){ ".zgroup", ".zattrs", ".zmetadata", "0", "1", "2", NULL });
	n = at(&t, "/em.zarr//0/");
	names_in_order(&t, &n, (const char *[]){ ".zarray", ".zattrs", "0", "1", "2", NULL });
	n = at(&t, "em.zarr/1/2");
	names_in_order(&t, &n, (const char *[]){ "0", "1", NULL });
	n = at(&t, "em.zarr/2/0/0");
	names_in_order(&t, &n, (const char *[]){ "0", NULL });
	n = at(&t, "fluo.zarr/0/1/1/4/1");
	ck_assert_int_eq(n.kind, NODE_CHUNK_DIR);
	ck_assert_uint_eq(n.depth, 4);
	names_in_order(&t, &n, (const char *[]){ "0", "1", NULL });
	tree_init(&t, &data, false, true);
	n = at(&t, "page.zarr/0");
	names_in_order(&t, &n, (const char *[]){ "zarr.json", "0", "1", NULL });
	n = at(&t, ".ngffuse");
	names_in_order(&t, &n, (const char *[]){ "status.json", NULL });
}
END_TEST

START_TEST(chunks_have_the_levels_linear_index)
{
	struct tree t;
	tree_init(&t, &data, false, false);
	struct node n = at(&t, "fluo.zarr/0/1/0/3/1/0");
	ck_assert_int_eq(n.kind, NODE_CHUNK);
	ck_assert_uint_eq(n.index, (((1 * 2 + 0) * 5 + 3) * 2 + 1) * 2 + 0);
	n = at(&t, "em.zarr/0/2/1/2");
	ck_assert_uint_eq(n.index, (2 * 3 + 1) * 3 + 2);
	n = at(&t, "em.zarr/1/2/1/0");
	ck_assert_uint_eq(n.array, 1);
	ck_assert_uint_eq(n.index, (2 * 2 + 1) * 2 + 0);
	n = at(&t, "page.zarr/0/1/0");
	ck_assert_uint_eq(n.index, 1);
}
END_TEST

static const char *const no_numbers[] = {
	"",
	"00",
	"01",
	"+1",
	" 1",
	"-1",
	"-0",
	"1 ",
	"0x1",
	"1.0",
	"1e0",
	"\xd9\xa1",
	"4294967296",
	"18446744073709551616",
	"18446744073709551617",
	"99999999999999999999999",
	".",
	"..",
	"zarr.json",
	".zgroup",
	"labels",
	"c",
	"1\n",
};

START_TEST(names_that_are_none)
{
	struct tree t;
	tree_init(&t, &data, false, false);
	struct node array = at(&t, "em.zarr/0"), dir = at(&t, "em.zarr/0/1"), out;
	const char *name = no_numbers[_i];
	ck_assert_int_eq(tree_child(&t, &array, name, &out), -ENOENT);
	ck_assert_int_eq(tree_child(&t, &dir, name, &out), -ENOENT);
}
END_TEST

static const char *const no_paths[] = {
	"em",
	"em.zarr/3",
	"em.zarr/01",
	"em.zarr/1/0/2",
	"em.zarr/2/1",
	"em.zarr/256/0",
	"fluo.zarr/1",
	"em.zarr/0/3",
	"em.zarr/0/0/3",
	"em.zarr/0/0/0/3",
	".zarr",
	"EM.zarr",
	"zarr.json",
	"em.zarr.zarr",
	"m.zarr",
	"em.zarr/.zarray",
	"em.zarr/0/.zgroup",
	"em.zarr/0/0/.zarray",
	".zmetadata",
	"status.json",
	".ngffuse/status",
	"em.zarr/.ngffuse",
	"em.zarr/0/1/../1",
	"fluo.zarr/0/2",
};

START_TEST(paths_that_are_none)
{
	struct tree t;
	struct node out;
	tree_init(&t, &data, false, false);
	ck_assert_msg(tree_resolve(&t, no_paths[_i], &out) == -ENOENT, "%s", no_paths[_i]);
}
END_TEST

START_TEST(long_names)
{
	struct tree t;
	struct node out;
	tree_init(&t, &data, false, false);
	char name[300];
	memset(name, 'a', sizeof(name));
	name[256] = '\0';
	ck_assert_int_eq(tree_child(&t, &root, name, &out), -ENAMETOOLONG);
	ck_assert_int_eq(tree_resolve(&t, name, &out), -ENAMETOOLONG);
	name[255] = '\0';
	ck_assert_int_eq(tree_child(&t, &root, name, &out), -ENOENT);
	memset(name, '1', 255);
	struct node array = at(&t, "em.zarr/0");
	ck_assert_int_eq(tree_child(&t, &array, name, &out), -ENOENT);
}
END_TEST

START_TEST(files_are_no_folders)
{
	struct tree t;
	struct node out;
	tree_init(&t, &data, false, false);
	ck_assert_int_eq(tree_resolve(&t, "em.zarr/0/0/0/0/0", &out), -ENOTDIR);
	ck_assert_int_eq(tree_resolve(&t, ".zattrs/x", &out), -ENOTDIR);
	char name[256];
	struct node chunk = at(&t, "em.zarr/0/0/0/0");
	ck_assert_int_eq(tree_child_at(&t, &chunk, 0, &out, name), -ENOTDIR);
}
END_TEST

START_TEST(status_is_found_but_not_listed)
{
	struct tree t;
	tree_init(&t, &data, true, true);
	struct node n = at(&t, ".ngffuse/status.json"), again;
	ck_assert_int_eq(n.kind, NODE_STATUS);
	ck_assert_int_eq(tree_node(&t, tree_number(&t, &n), &again), 0);
	same(&n, &again);
	again = tree_parent(&t, &n);
	ck_assert_int_eq(again.kind, NODE_STATUS_DIR);
	again = tree_parent(&t, &again);
	ck_assert_int_eq(again.kind, NODE_ROOT);
	images[0].state = IMAGE_BAD;
	n = at(&t, ".ngffuse/status.json");
	ck_assert_int_eq(n.kind, NODE_STATUS);
}
END_TEST

START_TEST(images_before_their_first_look)
{
	struct tree t;
	struct node out, n;
	char name[256];
	tree_init(&t, &data, false, false);
	images[1].state = IMAGE_UNSEEN;
	images[2].state = IMAGE_BAD;
	ck_assert_int_eq(tree_resolve(&t, "fluo.zarr/0/1", &out), -EAGAIN);
	ck_assert_int_eq(out.kind, NODE_IMAGE);
	ck_assert_uint_eq(out.image, 1);
	ck_assert_int_eq(tree_child_at(&t, &out, 0, &n, name), -EAGAIN);
	ck_assert_int_eq(tree_resolve(&t, "page.zarr/.zattrs", &out), -EIO);
	ck_assert_uint_eq(out.image, 2);
	ck_assert_int_eq(tree_child_at(&t, &out, 0, &n, name), -EIO);
	ck_assert_int_eq(tree_resolve(&t, "page.zarr", &out), 0);
	ck_assert_int_eq(tree_resolve(&t, "page.zarr/", &out), 0);
	n = (struct node){ .kind = NODE_CHUNK, .image = 1, .index = 12345678 };
	ck_assert_int_eq(tree_node(&t, tree_number(&t, &n), &out), 0);
	same(&n, &out);
	struct text path = { 0 };
	tree_path(&t, &n, &path);
	ck_assert_str_eq(path.s, "fluo.zarr/0/#12345678");
	text_done(&path);
	struct node level = { .kind = NODE_ARRAY, .image = 1, .array = LEVELS_MAX - 1 };
	struct node beyond = { .kind = NODE_ARRAY, .image = 1, .array = LEVELS_MAX };
	ck_assert_int_eq(tree_node(&t, tree_number(&t, &level), &out), 0);
	same(&level, &out);
	ck_assert_int_eq(tree_node(&t, tree_number(&t, &beyond), &out), -ESTALE);
	images[1].state = IMAGE_READY;
	ck_assert_int_eq(tree_node(&t, tree_number(&t, &n), &out), -ESTALE);
	ck_assert_int_eq(tree_node(&t, tree_number(&t, &level), &out), -ESTALE);
	data.n_images = 1;
	images[0].state = IMAGE_UNSEEN;
	tree_init(&t, &data, true, false);
	ck_assert_int_eq(tree_resolve(&t, ".zattrs", &out), -EAGAIN);
	ck_assert_int_eq(out.kind, NODE_ROOT);
	ck_assert_uint_eq(out.image, 0);
}
END_TEST

/* A number is only worth something in a tree that has its node. */
START_TEST(numbers_of_other_trees)
{
	struct tree v2, v3, rooted;
	struct node out;
	tree_init(&v2, &data, false, false);
	tree_init(&v3, &data, false, true);
	struct node n = at(&v2, "em.zarr/.zattrs");
	ck_assert_int_eq(tree_node(&v3, tree_number(&v2, &n), &out), -ESTALE);
	n = at(&v3, "em.zarr/0/zarr.json");
	ck_assert_int_eq(tree_node(&v2, tree_number(&v3, &n), &out), -ESTALE);
	data.n_images = 1;
	tree_init(&v2, &data, false, false);
	tree_init(&rooted, &data, true, false);
	n = at(&v2, "em.zarr");
	ck_assert_int_eq(tree_node(&rooted, tree_number(&v2, &n), &out), -ESTALE);
	n = at(&v2, ".zattrs");
	ck_assert_int_eq(n.kind, NODE_ROOT_DOC);
	ck_assert_int_eq(tree_node(&rooted, tree_number(&v2, &n), &out), -ESTALE);
	struct node just_outside[] = {
		{ .kind = NODE_CHUNK, .index = 27 },
		{ .kind = NODE_CHUNK, .depth = 1 },
		{ .kind = NODE_CHUNK, .array = 1, .index = 12 },
		{ .kind = NODE_CHUNK, .array = 2, .index = 1 },
		{ .kind = NODE_CHUNK, .array = 3 },
		{ .kind = NODE_CHUNK_DIR, .array = 1, .depth = 2, .index = 6 },
		{ .kind = NODE_CHUNK_DIR, .depth = 2, .index = 9 },
		{ .kind = NODE_CHUNK_DIR, .depth = 3 },
		{ .kind = NODE_CHUNK_DIR, .depth = 0 },
		{ .kind = NODE_ARRAY, .index = 1 },
		{ .kind = NODE_ARRAY, .array = 3 },
		{ .kind = NODE_ARRAY_DOC, .array = 3 },
		{ .kind = NODE_ARRAY_DOC, .index = DOC_ZGROUP },
		{ .kind = NODE_IMAGE_DOC, .index = DOC_ZARRAY },
		{ .kind = NODE_ROOT_DOC, .index = DOC_ZMETADATA },
		{ .kind = NODE_STATUS, .index = 1 },
		{ .kind = NODE_STATUS_DIR, .array = 3 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(just_outside); i++)
		ck_assert_msg(tree_node(&v2, tree_number(&v2, &just_outside[i]), &out) == -ESTALE,
			      "%zu", i);
	ck_assert_int_eq(tree_node(&v2, 0, &out), -ESTALE);
	ck_assert_int_eq(tree_node(&v2, 2, &out), -ESTALE);
	ck_assert_int_eq(tree_node(&v2, UINT64_MAX, &out), -ESTALE);
	ck_assert_int_eq(tree_node(&v2, 1, &out), 0);
	ck_assert_int_eq(out.kind, NODE_ROOT);
	ck_assert_uint_eq(tree_number(&v2, &out), 1);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Whatever is accepted is a node with a number, a path and a parent. */
START_TEST(random_numbers)
{
	struct tree t;
	uint64_t state = 0x9e3779b97f4a7c15, accepted = 0;
	for (int i = 0; i < 600000; i++) {
		tree_init(&t, &data, false, (i & 1) != 0);
		uint64_t number = next_random(&state);
		/* Most are near the nodes that there are. */
		if (i % 4 != 0)
			number = (number >> 60) << 58 | (number & 3) << 56 |
				 (number >> 50 & ((i & 2) != 0 ? 3 : 0)) << 48 |
				 (number >> 40 & 7) << 45 | (number >> 20 & 127);
		struct node n, again;
		if (tree_node(&t, number, &n) < 0)
			continue;
		accepted++;
		ck_assert_uint_eq(tree_number(&t, &n), number);
		struct text path = { 0 };
		tree_path(&t, &n, &path);
		ck_assert_int_eq(tree_resolve(&t, path.s, &again), 0);
		same(&n, &again);
		text_done(&path);
	}
	ck_assert_uint_gt(accepted, 500);
}
END_TEST

START_TEST(large_arrays)
{
	struct tree t;
	struct node out;
	struct level *l = &fixtures[0].levels[0];
	l->chunks[AXIS_Z] = (uint64_t)1 << 24;
	l->chunks[AXIS_Y] = (uint64_t)1 << 11;
	l->chunks[AXIS_X] = (uint64_t)1 << 10;
	tree_init(&t, &data, false, false);
	ck_assert(tree_fits(&t, &images[0]));
	struct node n = at(&t, "em.zarr/0/16777215/2047/1023");
	ck_assert_int_eq(tree_node(&t, tree_number(&t, &n), &out), 0);
	same(&n, &out);
	l->chunks[AXIS_X] = (uint64_t)1 << 11;
	ck_assert(!tree_fits(&t, &images[0]));
	data.n_images = 1;
	tree_init(&t, &data, false, false);
	ck_assert(tree_fits(&t, &images[0]));
	n = at(&t, "em.zarr/0/16777215/2047/2047");
	ck_assert_int_eq(tree_node(&t, tree_number(&t, &n), &out), 0);
	same(&n, &out);
	/* Chunks of a level may be thinner than those of level 0, so that it has more. */
	l[1].chunks[AXIS_Z] = (uint64_t)1 << 24;
	l[1].chunks[AXIS_Y] = (uint64_t)1 << 13;
	l[1].chunks[AXIS_X] = (uint64_t)1 << 11;
	ck_assert(!tree_fits(&t, &images[0]));
}
END_TEST

START_TEST(images_by_id)
{
	static char ids[][8] = { "b", "abc", "a", "em 2", "ab", "a_b", "\xc3\xa9" };
	struct image many[ARRAY_SIZE(ids)] = { 0 };
	struct dataset d = { .root_fd = -1, .images = many, .n_images = ARRAY_SIZE(ids) };
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		many[i].id = ids[i];
	for (int indexed = 0; indexed < 2; indexed++) {
		for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
			ck_assert_uint_eq(dataset_find(&d, ids[i], strlen(ids[i])), i);
		static const char *const none[] = { "", "aa", "abcd", "em", "c", "\xc3" };
		for (size_t i = 0; i < ARRAY_SIZE(none); i++)
			ck_assert_uint_eq(dataset_find(&d, none[i], strlen(none[i])),
					  ARRAY_SIZE(ids));
		ck_assert_uint_eq(dataset_find(&d, "abcx", 3), 1);
		ck_assert_int_eq(dataset_index(&d), 0);
	}
	free(d.by_id);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tree");
	TCase *tc = tcase_create("tree");
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, every_node_of_small_trees);
	tcase_add_test(tc, images_by_id);
	tcase_add_test(tc, listings);
	tcase_add_test(tc, chunks_have_the_levels_linear_index);
	tcase_add_loop_test(tc, names_that_are_none, 0, ARRAY_SIZE(no_numbers));
	tcase_add_loop_test(tc, paths_that_are_none, 0, ARRAY_SIZE(no_paths));
	tcase_add_test(tc, long_names);
	tcase_add_test(tc, files_are_no_folders);
	tcase_add_test(tc, status_is_found_but_not_listed);
	tcase_add_test(tc, images_before_their_first_look);
	tcase_add_test(tc, numbers_of_other_trees);
	tcase_add_test(tc, random_numbers);
	tcase_add_test(tc, large_arrays);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
