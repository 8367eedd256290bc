#include "meta/label_path.h"
#include "meta/tree_parts.h"

#include <inttypes.h>
#include <stdio.h>

/* The linear index of a chunk as its path has it. */
static uint64_t path_index(const struct tree *t, const struct node *n)
{
	if (n->kind != NODE_CHUNK || n->view == VIEW_NGFF)
		return n->index;
	return tree_turned(&t->data->images[n->image].pyramid.level[n->array], n->index, true);
}

static struct node chunk_parent(const struct tree *t, const struct node *n)
{
	struct tree_shape s = tree_shape_of(t, n);
	struct node up = {
		.kind = NODE_ARRAY, .image = n->image, .array = n->array, .view = n->view
	};
	unsigned depth = n->kind == NODE_CHUNK ? s.n : n->depth;
	if (!s.known)
		return up;
	uint64_t above = path_index(t, n) / s.chunks[depth - 1];
	if (depth > 1) {
		up.kind = NODE_CHUNK_DIR;
		up.depth = depth - 1;
	}
	/* Of an array in VIEW_NGFF nothing is left. */
	up.index = above;
	return up;
}

/* Of a layer, or of an array in one. */
static struct node layer_parent(const struct tree *t, const struct node *n)
{
	const struct image *im = &t->data->images[n->image];
	struct layer l = { n->image, n->index };
	uint32_t image = im->label != NULL ? im->parent : n->image;
	bool folder = n->view == VIEW_WK || im->label != NULL ||
		      (image_state(im) == IMAGE_READY && layers_several(im));
	if (n->kind == NODE_ARRAY && folder)
		return tree_layer(n->view, &l);
	return tree_image_dir(t, n->view, image);
}

/* What a label or a group lies in, whose path has `depth` components. */
static struct node label_parent(const struct tree *t, uint32_t label, unsigned depth)
{
	if (depth == 0)
		return tree_image_dir(t, VIEW_NGFF, t->data->images[label].parent);
	return (struct node){ .kind = NODE_GROUP,
			      .image = tree_first_beside(t, label, depth - 1),
			      .depth = depth - 1 };
}

struct node tree_parent(const struct tree *t, const struct node *n)
{
	const char *label = NULL;
	struct node up = *n;
	switch (n->kind) {
	case NODE_IMAGE_DOC:
		return tree_image_dir(t, n->view, n->image);
	case NODE_ARRAY:
	case NODE_LAYER:
		if (n->view != VIEW_NGFF)
			return layer_parent(t, n);
		return tree_image_dir(t, n->view, n->image);
	case NODE_ARRAY_DOC:
		up.kind = NODE_ARRAY;
		up.index = n->view != VIEW_NGFF ? n->index : 0;
		return up;
	case NODE_LAYER_DOC:
		up.kind = NODE_LAYER;
		return up;
	case NODE_CHUNK_DIR:
	case NODE_CHUNK:
		return chunk_parent(t, n);
	case NODE_STATUS:
		return (struct node){ .kind = NODE_STATUS_DIR };
	case NODE_GROUP_DOC:
		return (struct node){ .kind = NODE_GROUP, .image = n->image, .depth = n->depth };
	case NODE_GROUP:
		return label_parent(t, n->image, n->depth);
	case NODE_IMAGE:
		if (n->view == VIEW_XYZ)
			return tree_image_dir(t, VIEW_WK, n->image);
		label = t->data->images[n->image].label;
		if (label != NULL)
			return label_parent(t, n->image, label_path_depth(label));
		break;
	case NODE_ROOT:
	case NODE_ROOT_DOC:
	case NODE_STATUS_DIR:
		break;
	}
	return (struct node){ .kind = NODE_ROOT };
}

/* The name of a label, or of a group on the way to it. */
static void label_name(const struct image *im, unsigned depth, char name[256])
{
	if (depth == 0) {
		snprintf(name, 256, "%s", TREE_LABELS);
		return;
	}
	size_t len;
	const char *own = label_path_component(im->label, depth - 1, &len);
	snprintf(name, 256, "%.*s", (int)len, own);
}

static void image_name(const struct image *im, enum tree_view view, char name[256])
{
	if (view == VIEW_XYZ)
		snprintf(name, 256, "%s", TREE_XYZ);
	else if (im->label != NULL)
		label_name(im, label_path_depth(im->label), name);
	else
		snprintf(name, 256, "%s%s", im->id, view == VIEW_WK ? "" : TREE_SUFFIX);
}

static void array_name(const struct image *im, const struct node *n, char name[256])
{
	if (n->view != VIEW_NGFF && image_state(im) == IMAGE_READY)
		layer_mag_name(im->pyramid.level[n->array].mag, name);
	else
		snprintf(name, 256, "%" PRIu32, n->array);
}

/* Before the first look nobody knows how many layers there are. */
static void name_of_layer(const struct tree *t, const struct node *n, char name[256])
{
	const struct image *im = &t->data->images[n->image];
	if (im->label != NULL || image_state(im) == IMAGE_READY)
		layer_name(t->data, &(struct layer){ n->image, n->index }, name);
	else
		snprintf(name, 256, "#%" PRIu64, n->index);
}

/* The last label_path_component of a node's path; not for the root. */
void tree_node_name(const struct tree *t, const struct node *n, char name[256])
{
	switch (n->kind) {
	case NODE_ROOT:
		name[0] = '\0';
		return;
	case NODE_ROOT_DOC:
	case NODE_IMAGE_DOC:
	case NODE_ARRAY_DOC:
	case NODE_GROUP_DOC:
	case NODE_LAYER_DOC:
		snprintf(name, 256, "%s", tree_doc_name(tree_doc(n)));
		return;
	case NODE_LAYER:
		name_of_layer(t, n, name);
		return;
	case NODE_GROUP:
		label_name(&t->data->images[n->image], n->depth, name);
		return;
	case NODE_IMAGE:
		image_name(&t->data->images[n->image], n->view, name);
		return;
	case NODE_ARRAY:
		array_name(&t->data->images[n->image], n, name);
		return;
	case NODE_STATUS_DIR:
		snprintf(name, 256, "%s", TREE_STATUS_DIR);
		return;
	case NODE_STATUS:
		snprintf(name, 256, "%s", TREE_STATUS);
		return;
	case NODE_CHUNK_DIR:
	case NODE_CHUNK:
		break;
	}
	struct tree_shape s = tree_shape_of(t, n);
	unsigned depth = n->kind == NODE_CHUNK ? s.n : n->depth;
	if (s.known)
		snprintf(name, 256, "%" PRIu64, path_index(t, n) % s.chunks[depth - 1]);
	else
		snprintf(name, 256, "#%" PRIu64, n->index);
}

void tree_path(const struct tree *t, const struct node *n, struct text *out)
{
	/* Image, `labels`, the label, array, at most five components of a chunk. */
	struct node up[AXIS_COUNT + LABEL_DEPTH + 4];
	size_t depth = 0;
	for (struct node at = *n; at.kind != NODE_ROOT && depth < ARRAY_SIZE(up);
	     at = tree_parent(t, &at))
		up[depth++] = at;
	text_add(out, "");
	while (depth > 0) {
		char name[256];
		tree_node_name(t, &up[--depth], name);
		text_add(out, name);
		if (depth > 0)
			text_add(out, "/");
	}
}
