/* Node numbers and paths of any bytes, in small trees. Input: one byte chooses the tree; then eight bytes, a
 * node number; the rest is a path. What is accepted must lead back to itself. */
#include <stdlib.h>
#include <string.h>

#include "meta/tree.h"
#include "tests/fuzz/fuzz.h"

enum { N_IMAGES = 3, N_LEVELS = 2 };

/* Chunks of one voxel, half as many along y and x on each further level. */
static void set_level(struct level *l, unsigned k, const uint64_t chunks[AXIS_COUNT])
{
	*l = (struct level){ .voxel = 1, .mag = { 1, (uint64_t)1 << k, (uint64_t)1 << k } };
	for (enum axis a = AXIS_T; a <= AXIS_X; a++) {
		uint64_t n = a < AXIS_Y ? chunks[a] : max_u64(1, chunks[a] >> k);
		l->chunk[a] = 1;
		l->chunks[a] = l->size[a] = n;
	}
}

static void make(struct image images[N_IMAGES], struct dataset *data)
{
	static struct level levels[N_IMAGES][N_LEVELS];
	static char ids[N_IMAGES][8] = { "em", "fluo", "page" };
	static const uint64_t chunks[N_IMAGES][AXIS_COUNT] = { { 1, 1, 3, 2, 5 },
							       { 4, 2, 7, 1, 3 },
							       { 1, 1, 1, 100, 3 } };
	for (size_t i = 0; i < N_IMAGES; i++) {
		images[i] = (struct image){ .id = ids[i], .state = IMAGE_READY };
		images[i].has_t = images[i].has_c = i == 1;
		images[i].has_z = i < 2;
		images[i].pyramid =
			(struct pyramid){ .n = i < 2 ? N_LEVELS : 1, .level = levels[i] };
		for (unsigned k = 0; k < N_LEVELS; k++)
			set_level(&levels[i][k], k, chunks[i]);
	}
	static char layer[] = "color";
	*data = (struct dataset){
		.root_fd = -1, .images = images, .n_images = N_IMAGES, .layer = layer
	};
}

static void require(bool ok)
{
	if (!ok)
		abort();
}

static bool same(const struct node *a, const struct node *b)
{
	return a->kind == b->kind && a->view == b->view && a->image == b->image &&
	       a->array == b->array && a->depth == b->depth && a->index == b->index;
}

/* Number, path and parent of a node that the tree accepted. */
static void check_node(const struct tree *t, const struct node *n)
{
	struct node again;
	require(tree_node(t, tree_number(t, n), &again) == 0 && same(n, &again));
	struct text path = { 0 };
	tree_path(t, n, &path);
	if (t->data->images[n->image].state == IMAGE_READY)
		require(tree_resolve(t, path.s, &again) == 0 && same(n, &again));
	text_done(&path);
	again = tree_parent(t, n);
	require(node_is_dir(&again));
	char name[256];
	struct node child;
	if (tree_child_at(t, n, tree_number(t, n) % 7, &child, name) == 0)
		require(tree_child(t, n, name, &again) == 0 && same(&child, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 9)
		return 0;
	struct image images[N_IMAGES];
	struct dataset set;
	make(images, &set);
	if (data[0] & 4)
		set.n_images = 1;
	if (data[0] & 8)
		images[0].state = data[0] & 16 ? IMAGE_UNSEEN : IMAGE_BAD;
	struct tree t;
	tree_init(&t, &set, (data[0] & 1) && set.n_images == 1, data[0] & 2);
	tree_show(&t, data[0] & 32 ? VIEWS_WK : data[0] & 64 ? VIEWS_BOTH : VIEWS_NGFF);
	uint64_t number;
	memcpy(&number, data + 1, sizeof(number));
	struct node n;
	if (tree_node(&t, number, &n) == 0) {
		require(tree_number(&t, &n) == number);
		check_node(&t, &n);
	}
	char *path = strndup((const char *)data + 9, size - 9);
	if (path != NULL && tree_resolve(&t, path, &n) == 0)
		check_node(&t, &n);
	free(path);
	return 0;
}
