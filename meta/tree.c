#include "meta/tree.h"

#include "meta/label_path.h"
#include "meta/layers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A node number, from the highest bit: view, kind, image, array, depth, index. The kind is never 0, so
 * that no packed number is small enough to be taken for the root's. */
enum { VIEW_BITS = 2, KIND_BITS = 4, ARRAY_BITS = 8, DEPTH_BITS = 3 };
enum { SHARED_BITS = 64 - VIEW_BITS - KIND_BITS - ARRAY_BITS - DEPTH_BITS };
enum { ROOT_NUMBER = 1 };

static const char status_dir[] = ".ngffuse";
static const char status_file[] = "status.json";
static const char image_suffix[] = ".zarr";
static const char labels_dir[] = "labels";
static const char xyz_dir[] = "xyz";

static const char *const doc_names[] = {
	[DOC_ZGROUP] = ".zgroup",	[DOC_ZATTRS] = ".zattrs",
	[DOC_ZMETADATA] = ".zmetadata", [DOC_ZARRAY] = ".zarray",
	[DOC_ZARR_JSON] = "zarr.json",	[DOC_PROPERTIES] = "datasource-properties.json",
};

static const enum node_doc root_docs[] = { DOC_ZGROUP, DOC_ZATTRS };
static const enum node_doc image_docs[] = { DOC_ZGROUP, DOC_ZATTRS, DOC_ZMETADATA };
static const enum node_doc array_docs[] = { DOC_ZARRAY, DOC_ZATTRS };
static const enum node_doc label_docs[] = { DOC_ZGROUP, DOC_ZATTRS };
static const enum node_doc plain_docs[] = { DOC_ZGROUP };
static const enum node_doc v3_docs[] = { DOC_ZARR_JSON };
static const enum node_doc dataset_docs[] = { DOC_ZGROUP, DOC_PROPERTIES };
static const enum node_doc mag_docs[] = { DOC_ZARRAY };

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

static unsigned index_bits(const struct tree *t)
{
	return SHARED_BITS - t->image_bits;
}

/* Levels that an image has; before its first look as many as one can have. */
static uint32_t image_arrays(const struct tree *t, uint32_t image)
{
	if (image >= t->data->n_images)
		return 0;
	const struct image *im = &t->data->images[image];
	return image_state(im) == IMAGE_READY ? im->pyramid.n : LEVELS_MAX;
}

/* Chunks along the axes of an array, in the order of the view. `known` is false before the image's first look. */
struct shape {
	bool known;
	unsigned n;
	uint64_t parts; /* into which layers take the grid apart, VIEW_NGFF: 1 */
	uint64_t chunks[AXIS_COUNT];
};

static void layer_shape(enum tree_view view, const struct image *im, const struct level *l,
			struct shape *s)
{
	s->parts = layer_parts(im);
	s->n = 0;
	if (view == VIEW_WK)
		s->chunks[s->n++] = 1;
	for (enum axis a = AXIS_X; a >= AXIS_Z; a--)
		s->chunks[s->n++] = l->chunks[a];
}

/* `of`: an array, or what is in it. */
static struct shape array_shape(const struct tree *t, const struct node *of)
{
	struct shape s = { .parts = 1 };
	const struct image *im = &t->data->images[of->image];
	if (image_state(im) != IMAGE_READY || of->array >= image_arrays(t, of->image))
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

/* The linear index of a chunk in the order t,c,z,y,x from that in the order t,c,x,y,z, or back. */
static uint64_t turned(const struct level *l, uint64_t index, bool back)
{
	uint64_t slow = l->chunks[back ? AXIS_Z : AXIS_X], fast = l->chunks[back ? AXIS_X : AXIS_Z];
	uint64_t y = l->chunks[AXIS_Y], at_fast = index % fast, at_y = index / fast % y;
	uint64_t at_slow = index / fast / y % slow, part = index / fast / y / slow;
	return ((part * fast + at_fast) * y + at_y) * slow + at_slow;
}

/* Linear indices that `depth` components have. A grid has at most 2^62 chunks. */
static uint64_t shape_count(const struct shape *s, unsigned depth)
{
	uint64_t n = s->parts;
	for (unsigned i = 0; i < depth; i++)
		n *= s->chunks[i];
	return n;
}

bool tree_fits(const struct tree *t, const struct image *im)
{
	for (unsigned k = 0; k < im->pyramid.n; k++)
		if (level_chunk_count(&im->pyramid.level[k]) > (uint64_t)1 << index_bits(t))
			return false;
	return true;
}

/* Which image's contents a directory shows: itself, or the root of a tree whose root is the image. */
static bool shows_image(const struct tree *t, const struct node *dir)
{
	return (dir->kind == NODE_IMAGE && dir->view == VIEW_NGFF) ||
	       (dir->kind == NODE_ROOT && t->image_is_root && t->data->n_images > 0);
}

/* The folder of a WEBKNOSSOS dataset. */
static bool shows_dataset(const struct tree *t, const struct node *dir)
{
	return (dir->kind == NODE_IMAGE && dir->view == VIEW_WK) ||
	       (dir->kind == NODE_ROOT && t->dataset_is_root);
}

/* Of the names in a directory that are not folders of other images. */
static enum tree_view view_in(const struct tree *t, const struct node *dir)
{
	return dir->kind == NODE_ROOT && t->dataset_is_root ? VIEW_WK : dir->view;
}

/* Has it the contents of one image, in any view? */
static bool is_inner(const struct tree *t, const struct node *dir)
{
	return dir->kind != NODE_ROOT || shows_image(t, dir) || shows_dataset(t, dir);
}

/* Documents of a directory, which may be the root that is an image. */
static const enum node_doc *docs_of(const struct tree *t, const struct node *dir, size_t *n)
{
	const enum node_doc *docs = root_docs;
	*n = ARRAY_SIZE(root_docs);
	if (shows_dataset(t, dir)) {
		docs = dataset_docs;
		*n = ARRAY_SIZE(dataset_docs);
	} else if (dir->view != VIEW_NGFF && dir->kind == NODE_ARRAY) {
		docs = mag_docs;
		*n = ARRAY_SIZE(mag_docs);
	} else if (dir->view != VIEW_NGFF ||
		   (!t->v3 && dir->kind == NODE_GROUP && dir->depth > 0)) {
		docs = plain_docs;
		*n = ARRAY_SIZE(plain_docs);
	} else if (t->v3) {
		docs = v3_docs;
		*n = ARRAY_SIZE(v3_docs);
	} else if (dir->kind == NODE_ARRAY) {
		docs = array_docs;
		*n = ARRAY_SIZE(array_docs);
	} else if (shows_image(t, dir) && t->data->images[dir->image].label != NULL) {
		docs = label_docs;
		*n = ARRAY_SIZE(label_docs);
	} else if (shows_image(t, dir)) {
		docs = image_docs;
		*n = ARRAY_SIZE(image_docs);
	}
	return docs;
}

static bool has_doc(const struct tree *t, const struct node *dir, uint64_t doc)
{
	size_t n;
	const enum node_doc *docs = docs_of(t, dir, &n);
	for (size_t i = 0; i < n; i++)
		if (docs[i] == doc)
			return true;
	return false;
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

/* Fields that a kind does not use are 0, so that no node has two numbers. */
static bool chunk_exists(const struct tree *t, const struct node *n)
{
	if (n->array >= image_arrays(t, n->image))
		return false;
	struct shape s = array_shape(t, n);
	if (n->kind == NODE_CHUNK)
		return n->depth == 0 && (!s.known || n->index < shape_count(&s, s.n));
	if (n->depth < 1 || n->depth >= (s.known ? s.n : AXIS_COUNT))
		return false;
	return !s.known || n->index < shape_count(&s, n->depth);
}

/* The first of the labels that share the first `depth` components with this one. */
static uint32_t first_beside(const struct tree *t, uint32_t label, unsigned depth)
{
	const struct image *images = t->data->images;
	uint32_t first = images[images[label].parent].first_label;
	while (label > first &&
	       label_path_shares(images[label - 1].label, images[label].label, depth))
		label--;
	return label;
}

/* A group has labels below it, of which it is named by the first. */
static bool group_exists(const struct tree *t, const struct node *n)
{
	if (n->array != 0 || n->image >= t->data->n_images)
		return false;
	const char *label = t->data->images[n->image].label;
	return label != NULL && n->depth < label_path_depth(label) &&
	       first_beside(t, n->image, n->depth) == n->image;
}

/* The folder `xyz`, its layers where there are several, and their arrays, or those of a dataset. */
static bool layer_exists(const struct tree *t, const struct node *n)
{
	const struct image *im = &t->data->images[n->image];
	bool known = im->label != NULL || image_state(im) == IMAGE_READY;
	if (known && n->index >= layer_parts(im))
		return false;
	if (n->kind == NODE_ARRAY || n->kind == NODE_ARRAY_DOC)
		return n->depth == 0 && n->array < image_arrays(t, n->image);
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
		return n->depth == 0 && n->index == 0 && n->array < image_arrays(t, n->image);
	case NODE_ARRAY_DOC:
		dir.kind = NODE_ARRAY;
		return n->depth == 0 && n->array < image_arrays(t, n->image) &&
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

/* -EAGAIN: not looked at yet; -EIO: unusable. */
static int image_ready(const struct tree *t, uint32_t image)
{
	switch (image_state(&t->data->images[image])) {
	case IMAGE_UNSEEN:
		return -EAGAIN;
	case IMAGE_READY:
		return 0;
	case IMAGE_BAD:
		return -EIO;
	}
	return -EIO;
}

/* A decimal number as it is written in a path; its digits end with the name. */
static bool parse_index(const char *s, uint64_t *out)
{
	if (s[0] == '\0' || (s[0] == '0' && s[1] != '\0'))
		return false;
	uint64_t v = 0;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9' || !mul_u64(v, 10, &v) ||
		    !add_u64(v, (uint64_t)(*s - '0'), &v))
			return false;
	}
	*out = v;
	return true;
}

static enum node_kind doc_kind(const struct tree *t, const struct node *dir)
{
	return dir->kind == NODE_ARRAY	 ? NODE_ARRAY_DOC
	       : dir->kind == NODE_GROUP ? NODE_GROUP_DOC
	       : dir->kind == NODE_LAYER ? NODE_LAYER_DOC
	       : is_inner(t, dir)	 ? NODE_IMAGE_DOC
					 : NODE_ROOT_DOC;
}

static struct node doc_node(const struct tree *t, const struct node *dir, enum node_doc doc)
{
	enum tree_view view = view_in(t, dir);
	bool of_layer = view != VIEW_NGFF && (dir->kind == NODE_LAYER || dir->kind == NODE_ARRAY);
	return (struct node){ .kind = doc_kind(t, dir),
			      .image = dir->image,
			      .array = dir->array,
			      .depth = dir->depth,
			      .index = of_layer ? dir->index : doc,
			      .view = view };
}

static int doc_child(const struct tree *t, const struct node *dir, const char *name,
		     struct node *out)
{
	size_t n;
	const enum node_doc *docs = docs_of(t, dir, &n);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(name, doc_names[docs[i]]) == 0) {
			*out = doc_node(t, dir, docs[i]);
			return 0;
		}
	}
	return -ENOENT;
}

static int image_child(const struct tree *t, const char *name, struct node *out)
{
	size_t len = strlen(name), suffix = sizeof(image_suffix) - 1, i = t->data->n_images;
	enum tree_view view = VIEW_NGFF;
	if (len > suffix && strcmp(name + len - suffix, image_suffix) == 0)
		i = dataset_find(t->data, name, len - suffix);
	if (i == t->data->n_images && t->has_wk) {
		i = dataset_find(t->data, name, len);
		view = VIEW_WK;
	}
	if (i == t->data->n_images)
		return -ENOENT;
	*out = (struct node){ .kind = NODE_IMAGE, .image = (uint32_t)i, .view = view };
	return 0;
}

/* The k-th chunk or chunk directory inside an array or a chunk directory. */
static int chunk_at(const struct tree *t, const struct node *dir, uint64_t k, struct node *out)
{
	struct shape s = array_shape(t, dir);
	if (!s.known || k >= s.chunks[dir->depth])
		return -ENOENT;
	*out = *dir;
	out->index = dir->index * s.chunks[dir->depth] + k;
	if (dir->depth + 1 == s.n) {
		out->kind = NODE_CHUNK;
		out->depth = 0;
		if (dir->view != VIEW_NGFF)
			out->index = turned(&t->data->images[dir->image].pyramid.level[dir->array],
					    out->index, false);
	} else {
		out->kind = NODE_CHUNK_DIR;
		out->depth = dir->depth + 1;
	}
	return 0;
}

static int array_at(const struct tree *t, const struct node *dir, uint64_t k, struct node *out)
{
	if (k >= image_arrays(t, dir->image))
		return -ENOENT;
	*out = (struct node){ .kind = NODE_ARRAY, .image = dir->image, .array = (uint32_t)k };
	return 0;
}

/* Labels of the image of a group that lie in it: their number, and the first. */
static uint32_t group_labels(const struct tree *t, const struct node *group, uint32_t *first)
{
	const struct image *images = t->data->images;
	const struct image *of = &images[images[group->image].parent];
	uint32_t end = of->first_label + of->n_labels, at = group->image;
	*first = at;
	while (at < end &&
	       label_path_shares(images[at].label, images[group->image].label, group->depth))
		at++;
	return at - *first;
}

/* What stands in a group on the way to a label: another group, or the label. */
static struct node towards(const struct tree *t, uint32_t label, unsigned depth)
{
	if (label_path_depth(t->data->images[label].label) == depth)
		return (struct node){ .kind = NODE_IMAGE, .image = label };
	return (struct node){ .kind = NODE_GROUP, .image = label, .depth = depth };
}

/* The component of its path that follows the first `depth`. */
static const char *component(const char *path, unsigned depth, size_t *len)
{
	size_t from = label_path_prefix(path, depth);
	from += from > 0;
	*len = label_path_prefix(path, depth + 1) - from;
	return path + from;
}

static int group_child(const struct tree *t, const struct node *dir, const char *name,
		       struct node *out)
{
	if (doc_child(t, dir, name, out) == 0)
		return 0;
	uint32_t first, n = group_labels(t, dir, &first);
	for (uint32_t i = 0; i < n; i++) {
		size_t len;
		const char *own = component(t->data->images[first + i].label, dir->depth, &len);
		if (strncmp(own, name, len) == 0 && name[len] == '\0') {
			*out = towards(t, first + i, dir->depth + 1);
			return 0;
		}
	}
	return -ENOENT;
}

/* The k-th of the names in a group. */
static int group_at(const struct tree *t, const struct node *dir, uint64_t k, struct node *out)
{
	uint32_t first, n = group_labels(t, dir, &first);
	for (uint32_t i = 0; i < n; i++) {
		const char *own = t->data->images[first + i].label;
		bool next = i == 0 || !label_path_shares(t->data->images[first + i - 1].label, own,
							 dir->depth + 1);
		if (next && k-- == 0) {
			*out = towards(t, first + i, dir->depth + 1);
			return 0;
		}
	}
	return -ENOENT;
}

static bool has_labels(const struct tree *t, const struct node *dir)
{
	return shows_image(t, dir) && t->data->images[dir->image].n_labels > 0;
}

static struct node labels_of(const struct tree *t, const struct node *dir)
{
	return (struct node){ .kind = NODE_GROUP,
			      .image = t->data->images[dir->image].first_label };
}

/* What stands for a layer: its folder, or xyz, where there is no other. */
static struct node layer_node(enum tree_view view, const struct layer *l)
{
	return (struct node){
		.kind = NODE_LAYER, .image = l->image, .index = l->part, .view = view
	};
}

static struct node mag_node(const struct node *dir, uint32_t array)
{
	return (struct node){ .kind = NODE_ARRAY,
			      .image = dir->image,
			      .array = array,
			      .index = dir->index,
			      .view = dir->view };
}

/* Does the directory hold mags, or else layers? */
static bool holds_mags(const struct tree *t, const struct node *dir)
{
	return dir->kind == NODE_LAYER || (dir->kind == NODE_IMAGE && dir->view == VIEW_XYZ &&
					   !layers_several(&t->data->images[dir->image]));
}

/* Below a dataset, and above its arrays. */
static int layer_child(const struct tree *t, const struct node *dir, const char *name,
		       struct node *out)
{
	struct layer l;
	if (shows_dataset(t, dir) && strcmp(name, xyz_dir) == 0) {
		*out = (struct node){ .kind = NODE_IMAGE, .image = dir->image, .view = VIEW_XYZ };
		return 0;
	}
	if (!holds_mags(t, dir)) {
		if (!layer_find(t->data, dir->image, name, &l))
			return -ENOENT;
		*out = layer_node(view_in(t, dir), &l);
		return 0;
	}
	const struct pyramid *p = &t->data->images[dir->image].pyramid;
	for (unsigned k = 0; k < p->n; k++) {
		char own[LAYER_NAME];
		layer_mag_name(p->level[k].mag, own);
		if (strcmp(own, name) == 0) {
			*out = mag_node(dir, k);
			return 0;
		}
	}
	return -ENOENT;
}

/* The k-th of them; xyz comes last. */
static int layer_child_at(const struct tree *t, const struct node *dir, uint64_t k,
			  struct node *out)
{
	struct layer l;
	if (holds_mags(t, dir)) {
		if (k >= image_arrays(t, dir->image))
			return -ENOENT;
		*out = mag_node(dir, (uint32_t)k);
		return 0;
	}
	if (layer_at(t->data, dir->image, k, &l)) {
		*out = layer_node(view_in(t, dir), &l);
		return 0;
	}
	/* What is left of k counts from the end of the layers. */
	if (!shows_dataset(t, dir) || l.part != layer_parts(&t->data->images[l.image]))
		return -ENOENT;
	*out = (struct node){ .kind = NODE_IMAGE, .image = dir->image, .view = VIEW_XYZ };
	return 0;
}

/* The image whose contents a name is to be found in. */
static uint32_t image_around(const struct tree *t, const struct node *dir)
{
	return dir->kind == NODE_GROUP ? t->data->images[dir->image].parent : dir->image;
}

/* Names below an image, its arrays, chunk directories and groups. */
static int inner_child(const struct tree *t, const struct node *dir, const char *name,
		       struct node *out)
{
	int r = image_ready(t, image_around(t, dir));
	if (r < 0)
		return r;
	if (dir->kind == NODE_GROUP)
		return group_child(t, dir, name, out);
	if (dir->kind != NODE_CHUNK_DIR && doc_child(t, dir, name, out) == 0)
		return 0;
	if (view_in(t, dir) != VIEW_NGFF && dir->kind != NODE_ARRAY && dir->kind != NODE_CHUNK_DIR)
		return layer_child(t, dir, name, out);
	if (has_labels(t, dir) && strcmp(name, labels_dir) == 0) {
		*out = labels_of(t, dir);
		return 0;
	}
	uint64_t k;
	if (!parse_index(name, &k))
		return -ENOENT;
	return shows_image(t, dir) ? array_at(t, dir, k, out) : chunk_at(t, dir, k, out);
}

int tree_child(const struct tree *t, const struct node *dir, const char *name, struct node *out)
{
	if (!node_is_dir(dir))
		return -ENOTDIR;
	if (strnlen(name, 256) > 255)
		return -ENAMETOOLONG;
	if (dir->kind == NODE_STATUS_DIR) {
		if (strcmp(name, status_file) != 0)
			return -ENOENT;
		*out = (struct node){ .kind = NODE_STATUS };
		return 0;
	}
	if (dir->kind == NODE_ROOT && strcmp(name, status_dir) == 0) {
		*out = (struct node){ .kind = NODE_STATUS_DIR };
		return 0;
	}
	if (is_inner(t, dir))
		return inner_child(t, dir, name, out);
	if (doc_child(t, dir, name, out) == 0)
		return 0;
	return image_child(t, name, out);
}

/* The directory of an image's documents and arrays. */
static struct node image_dir(const struct tree *t, enum tree_view view, uint32_t image)
{
	bool is_root = view == VIEW_NGFF ? t->image_is_root : view == VIEW_WK && t->dataset_is_root;
	if (is_root && image == 0)
		return (struct node){ .kind = NODE_ROOT };
	return (struct node){ .kind = NODE_IMAGE, .image = image, .view = view };
}

/* The linear index of a chunk as its path has it. */
static uint64_t path_index(const struct tree *t, const struct node *n)
{
	if (n->kind != NODE_CHUNK || n->view == VIEW_NGFF)
		return n->index;
	return turned(&t->data->images[n->image].pyramid.level[n->array], n->index, true);
}

static struct node chunk_parent(const struct tree *t, const struct node *n)
{
	struct shape s = array_shape(t, n);
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
		return layer_node(n->view, &l);
	return image_dir(t, n->view, image);
}

/* What a label or a group lies in, whose path has `depth` components. */
static struct node label_parent(const struct tree *t, uint32_t label, unsigned depth)
{
	if (depth == 0)
		return image_dir(t, VIEW_NGFF, t->data->images[label].parent);
	return (struct node){ .kind = NODE_GROUP,
			      .image = first_beside(t, label, depth - 1),
			      .depth = depth - 1 };
}

struct node tree_parent(const struct tree *t, const struct node *n)
{
	const char *label = NULL;
	struct node up = *n;
	switch (n->kind) {
	case NODE_IMAGE_DOC:
		return image_dir(t, n->view, n->image);
	case NODE_ARRAY:
	case NODE_LAYER:
		if (n->view != VIEW_NGFF)
			return layer_parent(t, n);
		return image_dir(t, n->view, n->image);
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
			return image_dir(t, VIEW_WK, n->image);
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
		snprintf(name, 256, "%s", labels_dir);
		return;
	}
	size_t len;
	const char *own = component(im->label, depth - 1, &len);
	snprintf(name, 256, "%.*s", (int)len, own);
}

static void image_name(const struct image *im, enum tree_view view, char name[256])
{
	if (view == VIEW_XYZ)
		snprintf(name, 256, "%s", xyz_dir);
	else if (im->label != NULL)
		label_name(im, label_path_depth(im->label), name);
	else
		snprintf(name, 256, "%s%s", im->id, view == VIEW_WK ? "" : image_suffix);
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

/* The last component of a node's path; not for the root. */
static void node_name(const struct tree *t, const struct node *n, char name[256])
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
		snprintf(name, 256, "%s", doc_names[tree_doc(n)]);
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
		snprintf(name, 256, "%s", status_dir);
		return;
	case NODE_STATUS:
		snprintf(name, 256, "%s", status_file);
		return;
	case NODE_CHUNK_DIR:
	case NODE_CHUNK:
		break;
	}
	struct shape s = array_shape(t, n);
	unsigned depth = n->kind == NODE_CHUNK ? s.n : n->depth;
	if (s.known)
		snprintf(name, 256, "%" PRIu64, path_index(t, n) % s.chunks[depth - 1]);
	else
		snprintf(name, 256, "#%" PRIu64, n->index);
}

/* Documents come first, then what is counted. */
static int listed(const struct tree *t, const struct node *dir, uint64_t pos, struct node *out)
{
	if (dir->kind == NODE_STATUS_DIR) {
		*out = (struct node){ .kind = NODE_STATUS };
		return pos == 0 ? 0 : -ENOENT;
	}
	if (dir->kind == NODE_CHUNK_DIR)
		return chunk_at(t, dir, pos, out);
	size_t n;
	const enum node_doc *docs = docs_of(t, dir, &n);
	if (pos < n) {
		*out = doc_node(t, dir, docs[pos]);
		return 0;
	}
	pos -= n;
	if (dir->kind == NODE_ARRAY)
		return chunk_at(t, dir, pos, out);
	if (dir->kind == NODE_GROUP)
		return group_at(t, dir, pos, out);
	if (view_in(t, dir) != VIEW_NGFF)
		return layer_child_at(t, dir, pos, out);
	if (has_labels(t, dir) && pos == image_arrays(t, dir->image)) {
		*out = labels_of(t, dir);
		return 0;
	}
	if (shows_image(t, dir))
		return array_at(t, dir, pos, out);
	uint64_t shown = dataset_shown(t->data);
	if (pos >= shown * (t->has_wk ? 2 : 1))
		return -ENOENT;
	*out = (struct node){ .kind = NODE_IMAGE,
			      .image = (uint32_t)(pos % shown),
			      .view = pos < shown ? VIEW_NGFF : VIEW_WK };
	return 0;
}

int tree_child_at(const struct tree *t, const struct node *dir, uint64_t pos, struct node *out,
		  char name[256])
{
	if (!node_is_dir(dir))
		return -ENOTDIR;
	bool inner = dir->kind != NODE_STATUS_DIR && is_inner(t, dir);
	int r = inner ? image_ready(t, image_around(t, dir)) : 0;
	if (r < 0)
		return r;
	r = listed(t, dir, pos, out);
	if (r < 0)
		return r;
	node_name(t, out, name);
	return 0;
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
		node_name(t, &up[--depth], name);
		text_add(out, name);
		if (depth > 0)
			text_add(out, "/");
	}
}

int tree_resolve(const struct tree *t, const char *path, struct node *out)
{
	struct node at = { .kind = NODE_ROOT };
	for (;;) {
		path += strspn(path, "/");
		size_t len = strcspn(path, "/");
		if (len == 0)
			break;
		if (len > 255)
			return -ENAMETOOLONG;
		char name[256];
		memcpy(name, path, len);
		name[len] = '\0';
		struct node child;
		int r = tree_child(t, &at, name, &child);
		if (r == -EAGAIN || r == -EIO) {
			*out = at;
			out->image = image_around(t, &at);
		}
		if (r < 0)
			return r;
		at = child;
		path += len;
	}
	*out = at;
	return 0;
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
