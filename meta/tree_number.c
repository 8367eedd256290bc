#include "meta/label_path.h"
#include "meta/tree_parts.h"

#include <errno.h>

/* A node number, from the highest bit: view, kind, image, array, depth, index. The kind is never 0, so
 * that no packed number is small enough to be taken for the root's. */
enum { VIEW_BITS = 2, KIND_BITS = 4, ARRAY_BITS = 8, DEPTH_BITS = 3 };
enum { SHARED_BITS = 64 - VIEW_BITS - KIND_BITS - ARRAY_BITS - DEPTH_BITS };
enum { ROOT_NUMBER = 1 };

static unsigned index_bits(const struct tree *t)
{
	return SHARED_BITS - t->image_bits;
}

bool tree_fits(const struct tree *t, const struct image *im)
{
	for (unsigned k = 0; k < im->pyramid.n; k++)
		if (level_chunk_count(&im->pyramid.level[k]) > (uint64_t)1 << index_bits(t))
			return false;
	return true;
}

uint64_t tree_number(const struct tree *t, const struct node *n)
{
	if (n->kind == NODE_ROOT)
		return ROOT_NUMBER;
	uint64_t v = (uint64_t)n->view << KIND_BITS | n->kind;
	v = v << t->image_bits | n->image;
	v = v << ARRAY_BITS | n->array;
	v = v << DEPTH_BITS | n->depth;
	return v << index_bits(t) | n->index;
}

static uint64_t take(uint64_t *number, unsigned bits)
{
	uint64_t v = *number & (((uint64_t)1 << bits) - 1);
	*number >>= bits;
	return v;
}

static bool has_doc(const struct tree *t, const struct node *dir, uint64_t doc)
{
	const struct tree_docs *docs = tree_docs(t, dir);
	for (unsigned i = 0; i < docs->n; i++)
		if (docs->doc[i] == doc)
			return true;
	return false;
}

/* Fields that a kind does not use are 0, so that no node has two numbers. */
static bool chunk_exists(const struct tree *t, const struct node *n)
{
	if (n->array >= tree_levels(t, n->image))
		return false;
	struct tree_shape s = tree_shape_of(t, n);
	if (n->kind == NODE_CHUNK)
		return n->depth == 0 && (!s.known || n->index < tree_shape_count(&s, s.n));
	if (n->depth < 1 || n->depth >= (s.known ? s.n : AXIS_COUNT))
		return false;
	return !s.known || n->index < tree_shape_count(&s, n->depth);
}

/* A group has labels below it, of which it is named by the first. */
static bool group_exists(const struct tree *t, const struct node *n)
{
	if (n->array != 0 || n->image >= t->data->n_images)
		return false;
	const char *label = t->data->images[n->image].label;
	return label != NULL && n->depth < label_path_depth(label) &&
	       tree_first_beside(t, n->image, n->depth) == n->image;
}

/* The folder `xyz`, its layers where there are several, and their arrays, or those of a dataset. */
static bool layer_exists(const struct tree *t, const struct node *n)
{
	const struct image *im = &t->data->images[n->image];
	bool known = im->label != NULL || image_state(im) == IMAGE_READY;
	if (known && n->index >= layer_parts(im))
		return false;
	if (n->kind == NODE_ARRAY || n->kind == NODE_ARRAY_DOC)
		return n->depth == 0 && n->array < tree_levels(t, n->image);
	if (n->array != 0 || n->depth != 0)
		return false;
	return n->view == VIEW_WK || !known || im->label != NULL || layers_several(im);
}

/* What there is in the views besides VIEW_NGFF; node_exists knows the image. */
static bool other_exists(const struct tree *t, const struct node *n)
{
	bool bare = n->array == 0 && n->depth == 0;
	struct node dir = { .kind = NODE_IMAGE, .image = n->image, .view = n->view };
	if (!t->has_wk || n->image >= t->data->n_images)
		return false;
	switch (n->kind) {
	case NODE_IMAGE:
		return bare && n->index == 0 && n->image < dataset_shown(t->data) &&
		       !(n->view == VIEW_WK && t->dataset_is_root);
	case NODE_IMAGE_DOC:
		return bare && n->image < dataset_shown(t->data) && has_doc(t, &dir, n->index);
	case NODE_LAYER:
	case NODE_LAYER_DOC:
	case NODE_ARRAY:
	case NODE_ARRAY_DOC:
		return layer_exists(t, n);
	case NODE_CHUNK_DIR:
	case NODE_CHUNK:
		return chunk_exists(t, n);
	case NODE_ROOT:
	case NODE_ROOT_DOC:
	case NODE_STATUS_DIR:
	case NODE_STATUS:
	case NODE_GROUP:
	case NODE_GROUP_DOC:
		break;
	}
	return false;
}

static bool node_exists(const struct tree *t, const struct node *n)
{
	if (n->view != VIEW_NGFF)
		return other_exists(t, n);
	if (t->dataset_is_root && n->kind != NODE_STATUS_DIR && n->kind != NODE_STATUS)
		return false;
	if (n->image >= t->data->n_images && (n->image > 0 || n->kind == NODE_IMAGE))
		return false;
	if (t->image_is_root && n->image > 0 && t->data->images[n->image].label == NULL)
		return false;
	bool bare = n->array == 0 && n->depth == 0;
	/* In whose place the root stands. */
	bool hidden = t->image_is_root && n->image == 0;
	struct node dir = { .kind = NODE_IMAGE, .image = n->image };
	switch (n->kind) {
	case NODE_ROOT:
		return false;
	case NODE_ROOT_DOC:
		dir.kind = NODE_ROOT;
		return bare && n->image == 0 && !t->image_is_root && has_doc(t, &dir, n->index);
	case NODE_IMAGE:
		return bare && n->index == 0 && !hidden;
	case NODE_IMAGE_DOC:
		return bare && n->image < t->data->n_images && has_doc(t, &dir, n->index);
	case NODE_ARRAY:
		return n->depth == 0 && n->index == 0 && n->array < tree_levels(t, n->image);
	case NODE_ARRAY_DOC:
		dir.kind = NODE_ARRAY;
		return n->depth == 0 && n->array < tree_levels(t, n->image) &&
		       has_doc(t, &dir, n->index);
	case NODE_GROUP:
		return n->index == 0 && group_exists(t, n);
	case NODE_GROUP_DOC:
		dir = (struct node){ .kind = NODE_GROUP, .image = n->image, .depth = n->depth };
		return group_exists(t, n) && has_doc(t, &dir, n->index);
	case NODE_CHUNK_DIR:
	case NODE_CHUNK:
		return chunk_exists(t, n);
	case NODE_STATUS_DIR:
	case NODE_STATUS:
		return bare && n->image == 0 && n->index == 0;
	case NODE_LAYER:
	case NODE_LAYER_DOC:
		break;
	}
	return false;
}

int tree_node(const struct tree *t, uint64_t number, struct node *out)
{
	if (number == ROOT_NUMBER) {
		*out = (struct node){ .kind = NODE_ROOT };
		return 0;
	}
	struct node n = { .kind = NODE_ROOT };
	n.index = take(&number, index_bits(t));
	n.depth = (uint32_t)take(&number, DEPTH_BITS);
	n.array = (uint32_t)take(&number, ARRAY_BITS);
	n.image = (uint32_t)take(&number, t->image_bits);
	uint64_t kind = take(&number, KIND_BITS);
	if (kind < NODE_ROOT || kind > NODE_LAYER_DOC || number > VIEW_XYZ)
		return -ESTALE;
	n.kind = (enum node_kind)kind;
	n.view = (enum tree_view)number;
	if (!node_exists(t, &n))
		return -ESTALE;
	*out = n;
	return 0;
}
