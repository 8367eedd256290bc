#include "meta/label_path.h"
#include "meta/tree_parts.h"

#include <errno.h>
#include <string.h>

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
	return text_to_u64(s, strlen(s), out);
}

static enum node_kind doc_kind(const struct tree *t, const struct node *dir)
{
	return dir->kind == NODE_ARRAY	 ? NODE_ARRAY_DOC
	       : dir->kind == NODE_GROUP ? NODE_GROUP_DOC
	       : dir->kind == NODE_LAYER ? NODE_LAYER_DOC
	       : tree_is_inner(t, dir)	 ? NODE_IMAGE_DOC
					 : NODE_ROOT_DOC;
}

static struct node doc_node(const struct tree *t, const struct node *dir, enum node_doc doc)
{
	enum tree_view view = tree_view_in(t, dir);
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
	const struct tree_docs *docs = tree_docs(t, dir);
	for (unsigned i = 0; i < docs->n; i++) {
		if (strcmp(name, tree_doc_name(docs->doc[i])) == 0) {
			*out = doc_node(t, dir, docs->doc[i]);
			return 0;
		}
	}
	return -ENOENT;
}

static int image_child(const struct tree *t, const char *name, struct node *out)
{
	size_t len = strlen(name), suffix = sizeof(TREE_SUFFIX) - 1, i = t->data->n_images;
	enum tree_view view = VIEW_NGFF;
	if (len > suffix && strcmp(name + len - suffix, TREE_SUFFIX) == 0)
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
	struct tree_shape s = tree_shape_of(t, dir);
	if (!s.known || k >= s.chunks[dir->depth])
		return -ENOENT;
	*out = *dir;
	out->index = dir->index * s.chunks[dir->depth] + k;
	if (dir->depth + 1 == s.n) {
		out->kind = NODE_CHUNK;
		out->depth = 0;
		if (dir->view != VIEW_NGFF)
			out->index =
				tree_turned(&t->data->images[dir->image].pyramid.level[dir->array],
					    out->index, false);
	} else {
		out->kind = NODE_CHUNK_DIR;
		out->depth = dir->depth + 1;
	}
	return 0;
}

static int array_at(const struct tree *t, const struct node *dir, uint64_t k, struct node *out)
{
	if (k >= tree_levels(t, dir->image))
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

static int group_child(const struct tree *t, const struct node *dir, const char *name,
		       struct node *out)
{
	if (doc_child(t, dir, name, out) == 0)
		return 0;
	uint32_t first, n = group_labels(t, dir, &first);
	for (uint32_t i = 0; i < n; i++) {
		size_t len;
		const char *own =
			label_path_component(t->data->images[first + i].label, dir->depth, &len);
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
	return tree_shows_image(t, dir) && t->data->images[dir->image].n_labels > 0;
}

static struct node labels_of(const struct tree *t, const struct node *dir)
{
	return (struct node){ .kind = NODE_GROUP,
			      .image = t->data->images[dir->image].first_label };
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
	if (tree_shows_dataset(t, dir) && strcmp(name, TREE_XYZ) == 0) {
		*out = (struct node){ .kind = NODE_IMAGE, .image = dir->image, .view = VIEW_XYZ };
		return 0;
	}
	if (!holds_mags(t, dir)) {
		if (!layer_find(t->data, dir->image, name, &l))
			return -ENOENT;
		*out = tree_layer(tree_view_in(t, dir), &l);
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
		if (k >= tree_levels(t, dir->image))
			return -ENOENT;
		*out = mag_node(dir, (uint32_t)k);
		return 0;
	}
	if (layer_at(t->data, dir->image, k, &l)) {
		*out = tree_layer(tree_view_in(t, dir), &l);
		return 0;
	}
	/* What is left of k counts from the end of the layers. */
	if (!tree_shows_dataset(t, dir) || l.part != layer_parts(&t->data->images[l.image]))
		return -ENOENT;
	*out = (struct node){ .kind = NODE_IMAGE, .image = dir->image, .view = VIEW_XYZ };
	return 0;
}

/* Names below an image, its arrays, chunk directories and groups. */
static int inner_child(const struct tree *t, const struct node *dir, const char *name,
		       struct node *out)
{
	int r = image_ready(t, tree_image_around(t, dir));
	if (r < 0)
		return r;
	if (dir->kind == NODE_GROUP)
		return group_child(t, dir, name, out);
	if (dir->kind != NODE_CHUNK_DIR && doc_child(t, dir, name, out) == 0)
		return 0;
	if (tree_view_in(t, dir) != VIEW_NGFF && dir->kind != NODE_ARRAY &&
	    dir->kind != NODE_CHUNK_DIR)
		return layer_child(t, dir, name, out);
	if (has_labels(t, dir) && strcmp(name, TREE_LABELS) == 0) {
		*out = labels_of(t, dir);
		return 0;
	}
	uint64_t k;
	if (!parse_index(name, &k))
		return -ENOENT;
	return tree_shows_image(t, dir) ? array_at(t, dir, k, out) : chunk_at(t, dir, k, out);
}

int tree_child(const struct tree *t, const struct node *dir, const char *name, struct node *out)
{
	if (!node_is_dir(dir))
		return -ENOTDIR;
	if (strnlen(name, 256) > 255)
		return -ENAMETOOLONG;
	if (dir->kind == NODE_STATUS_DIR) {
		if (strcmp(name, TREE_STATUS) != 0)
			return -ENOENT;
		*out = (struct node){ .kind = NODE_STATUS };
		return 0;
	}
	if (dir->kind == NODE_ROOT && strcmp(name, TREE_STATUS_DIR) == 0) {
		*out = (struct node){ .kind = NODE_STATUS_DIR };
		return 0;
	}
	if (tree_is_inner(t, dir))
		return inner_child(t, dir, name, out);
	if (doc_child(t, dir, name, out) == 0)
		return 0;
	return image_child(t, name, out);
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
	const struct tree_docs *docs = tree_docs(t, dir);
	if (pos < docs->n) {
		*out = doc_node(t, dir, docs->doc[pos]);
		return 0;
	}
	pos -= docs->n;
	if (dir->kind == NODE_ARRAY)
		return chunk_at(t, dir, pos, out);
	if (dir->kind == NODE_GROUP)
		return group_at(t, dir, pos, out);
	if (tree_view_in(t, dir) != VIEW_NGFF)
		return layer_child_at(t, dir, pos, out);
	if (has_labels(t, dir) && pos == tree_levels(t, dir->image)) {
		*out = labels_of(t, dir);
		return 0;
	}
	if (tree_shows_image(t, dir))
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
	bool inner = dir->kind != NODE_STATUS_DIR && tree_is_inner(t, dir);
	int r = inner ? image_ready(t, tree_image_around(t, dir)) : 0;
	if (r < 0)
		return r;
	r = listed(t, dir, pos, out);
	if (r < 0)
		return r;
	tree_node_name(t, out, name);
	return 0;
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
			out->image = tree_image_around(t, &at);
		}
		if (r < 0)
			return r;
		at = child;
		path += len;
	}
	*out = at;
	return 0;
}
