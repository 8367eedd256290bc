#include "meta/tree.h"

#include "meta/label_path.h"
#include "meta/tree_parts.h"

static const struct tree_docs root_docs = { 2, { DOC_ZGROUP, DOC_ZATTRS } };
static const struct tree_docs image_docs = { 3, { DOC_ZGROUP, DOC_ZATTRS, DOC_ZMETADATA } };
static const struct tree_docs label_docs = { 2, { DOC_ZGROUP, DOC_ZATTRS } };
static const struct tree_docs array_docs = { 2, { DOC_ZARRAY, DOC_ZATTRS } };
static const struct tree_docs folder_docs = { 1, { DOC_ZGROUP } };
static const struct tree_docs v3_docs = { 1, { DOC_ZARR_JSON } };
static const struct tree_docs dataset_docs = { 2, { DOC_ZGROUP, DOC_PROPERTIES } };
static const struct tree_docs mag_docs = { 1, { DOC_ZARRAY } };

void tree_init(struct tree *t, const struct dataset *data, bool image_is_root, bool v3)
{
	*t = (struct tree){ .data = data, .image_is_root = image_is_root, .v3 = v3 };
	while (t->image_bits < 40 && ((uint64_t)1 << t->image_bits) < data->n_images)
		t->image_bits++;
}

void tree_show(struct tree *t, enum tree_views views)
{
	t->has_wk = views != VIEWS_NGFF;
	t->image_is_root = t->image_is_root && !t->has_wk;
	t->dataset_is_root = views == VIEWS_WK && dataset_shown(t->data) == 1;
}

enum node_doc tree_doc(const struct node *n)
{
	if (n->kind == NODE_LAYER_DOC)
		return DOC_ZGROUP;
	if (n->kind == NODE_ARRAY_DOC && n->view != VIEW_NGFF)
		return DOC_ZARRAY;
	return (enum node_doc)n->index;
}

uint32_t tree_levels(const struct tree *t, uint32_t image)
{
	if (image >= t->data->n_images)
		return 0;
	const struct image *im = &t->data->images[image];
	return image_state(im) == IMAGE_READY ? im->pyramid.n : LEVELS_MAX;
}

static void layer_shape(enum tree_view view, const struct image *im, const struct level *l,
			struct tree_shape *s)
{
	s->parts = layer_parts(im);
	s->n = 0;
	if (view == VIEW_WK)
		s->chunks[s->n++] = 1;
	for (enum axis a = AXIS_X; a >= AXIS_Z; a--)
		s->chunks[s->n++] = l->chunks[a];
}

struct tree_shape tree_shape_of(const struct tree *t, const struct node *of)
{
	struct tree_shape s = { .parts = 1 };
	const struct image *im = &t->data->images[of->image];
	if (image_state(im) != IMAGE_READY || of->array >= tree_levels(t, of->image))
		return s;
	const struct level *l = &im->pyramid.level[of->array];
	s.known = true;
	if (of->view != VIEW_NGFF) {
		layer_shape(of->view, im, l, &s);
		return s;
	}
	enum axis axes[AXIS_COUNT];
	s.n = image_axes(im, axes);
	for (unsigned i = 0; i < s.n; i++)
		s.chunks[i] = l->chunks[axes[i]];
	return s;
}

uint64_t tree_turned(const struct level *l, uint64_t index, bool back)
{
	uint64_t slow = l->chunks[back ? AXIS_Z : AXIS_X], fast = l->chunks[back ? AXIS_X : AXIS_Z];
	uint64_t y = l->chunks[AXIS_Y], at_fast = index % fast, at_y = index / fast % y;
	uint64_t at_slow = index / fast / y % slow, part = index / fast / y / slow;
	return ((part * fast + at_fast) * y + at_y) * slow + at_slow;
}

uint64_t tree_shape_count(const struct tree_shape *s, unsigned depth)
{
	uint64_t n = s->parts;
	for (unsigned i = 0; i < depth; i++)
		n *= s->chunks[i];
	return n;
}

bool tree_shows_image(const struct tree *t, const struct node *dir)
{
	return (dir->kind == NODE_IMAGE && dir->view == VIEW_NGFF) ||
	       (dir->kind == NODE_ROOT && t->image_is_root && t->data->n_images > 0);
}

bool tree_shows_dataset(const struct tree *t, const struct node *dir)
{
	return (dir->kind == NODE_IMAGE && dir->view == VIEW_WK) ||
	       (dir->kind == NODE_ROOT && t->dataset_is_root);
}

enum tree_view tree_view_in(const struct tree *t, const struct node *dir)
{
	return dir->kind == NODE_ROOT && t->dataset_is_root ? VIEW_WK : dir->view;
}

bool tree_is_inner(const struct tree *t, const struct node *dir)
{
	return dir->kind != NODE_ROOT || tree_shows_image(t, dir) || tree_shows_dataset(t, dir);
}

const struct tree_docs *tree_docs(const struct tree *t, const struct node *dir)
{
	if (tree_shows_dataset(t, dir))
		return &dataset_docs;
	if (dir->view != VIEW_NGFF)
		return dir->kind == NODE_ARRAY ? &mag_docs : &folder_docs;
	if (t->v3)
		return &v3_docs;
	if (dir->kind == NODE_GROUP && dir->depth > 0)
		return &folder_docs;
	if (dir->kind == NODE_ARRAY)
		return &array_docs;
	if (!tree_shows_image(t, dir))
		return &root_docs;
	return t->data->images[dir->image].label != NULL ? &label_docs : &image_docs;
}

uint32_t tree_first_beside(const struct tree *t, uint32_t label, unsigned depth)
{
	const struct image *images = t->data->images;
	uint32_t first = images[images[label].parent].first_label;
	while (label > first &&
	       label_path_shares(images[label - 1].label, images[label].label, depth))
		label--;
	return label;
}

struct node tree_image_dir(const struct tree *t, enum tree_view view, uint32_t image)
{
	bool is_root = view == VIEW_NGFF ? t->image_is_root : view == VIEW_WK && t->dataset_is_root;
	if (is_root && image == 0)
		return (struct node){ .kind = NODE_ROOT };
	return (struct node){ .kind = NODE_IMAGE, .image = image, .view = view };
}

uint32_t tree_image_around(const struct tree *t, const struct node *dir)
{
	return dir->kind == NODE_GROUP ? t->data->images[dir->image].parent : dir->image;
}

struct node tree_layer(enum tree_view view, const struct layer *l)
{
	return (struct node){
		.kind = NODE_LAYER, .image = l->image, .index = l->part, .view = view
	};
}

bool node_is_dir(const struct node *n)
{
	switch (n->kind) {
	case NODE_ROOT:
	case NODE_IMAGE:
	case NODE_ARRAY:
	case NODE_CHUNK_DIR:
	case NODE_STATUS_DIR:
	case NODE_GROUP:
	case NODE_LAYER:
		return true;
	case NODE_ROOT_DOC:
	case NODE_IMAGE_DOC:
	case NODE_ARRAY_DOC:
	case NODE_CHUNK:
	case NODE_STATUS:
	case NODE_GROUP_DOC:
	case NODE_LAYER_DOC:
		return false;
	}
	return false;
}

/* The first of an image's labels that was not looked at. */
static bool unseen_label(const struct tree *t, const struct image *of, uint32_t *image)
{
	for (uint32_t i = 0; i < of->n_labels; i++) {
		*image = of->first_label + i;
		if (image_state(&t->data->images[*image]) == IMAGE_UNSEEN)
			return true;
	}
	return false;
}

/* Does the document tell of all labels of the node's image? */
static bool tells_labels(const struct tree *t, const struct node *n)
{
	if (n->kind == NODE_IMAGE_DOC)
		return n->index == DOC_ZMETADATA || n->index == DOC_PROPERTIES;
	return n->kind == NODE_GROUP_DOC && n->depth == 0 &&
	       (n->index == DOC_ZATTRS || (t->v3 && n->index == DOC_ZARR_JSON));
}

bool tree_image(const struct tree *t, const struct node *n, uint32_t *image)
{
	*image = n->image;
	switch (n->kind) {
	case NODE_ROOT:
		return t->image_is_root || t->dataset_is_root;
	case NODE_ROOT_DOC:
		/* Shows the attributes of an only image. */
		return dataset_shown(t->data) == 1;
	case NODE_GROUP:
	case NODE_GROUP_DOC:
		*image = t->data->images[n->image].parent;
		return true;
	case NODE_IMAGE:
	case NODE_IMAGE_DOC:
	case NODE_ARRAY:
	case NODE_ARRAY_DOC:
	case NODE_CHUNK_DIR:
	case NODE_CHUNK:
	case NODE_LAYER:
	case NODE_LAYER_DOC:
		return true;
	case NODE_STATUS_DIR:
	case NODE_STATUS:
		break;
	}
	return false;
}

bool tree_needs_look(const struct tree *t, const struct node *n, uint32_t *image)
{
	const struct image *images = t->data->images;
	if (!tree_image(t, n, image))
		return false;
	const struct image *im = &images[*image];
	if (im->label != NULL && image_state(&images[im->parent]) == IMAGE_UNSEEN)
		*image = im->parent;
	else if (image_state(im) == IMAGE_READY && tells_labels(t, n))
		return unseen_label(t, im, image);
	return image_state(&images[*image]) == IMAGE_UNSEEN;
}

const char *tree_doc_name(enum node_doc doc)
{
	static const char *const names[] = {
		[DOC_ZGROUP] = ".zgroup",	[DOC_ZATTRS] = ".zattrs",
		[DOC_ZMETADATA] = ".zmetadata", [DOC_ZARRAY] = ".zarray",
		[DOC_ZARR_JSON] = "zarr.json",	[DOC_PROPERTIES] = "datasource-properties.json",
	};
	return names[doc];
}
