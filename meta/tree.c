#include "meta/tree.h"

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

static const char *const doc_names[] = {
	[DOC_ZGROUP] = ".zgroup", [DOC_ZATTRS] = ".zattrs",	 [DOC_ZMETADATA] = ".zmetadata",
	[DOC_ZARRAY] = ".zarray", [DOC_ZARR_JSON] = "zarr.json",
};

static const enum node_doc root_docs[] = { DOC_ZGROUP, DOC_ZATTRS };
static const enum node_doc image_docs[] = { DOC_ZGROUP, DOC_ZATTRS, DOC_ZMETADATA };
static const enum node_doc array_docs[] = { DOC_ZARRAY, DOC_ZATTRS };
static const enum node_doc v3_docs[] = { DOC_ZARR_JSON };

void tree_init(struct tree *t, const struct dataset *data, bool image_is_root, bool v3)
{
	*t = (struct tree){ .data = data, .image_is_root = image_is_root, .v3 = v3 };
	while (t->image_bits < 40 && ((uint64_t)1 << t->image_bits) < data->n_images)
		t->image_bits++;
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

/* Chunks along the axes of an array, slowest first. `known` is false before the image's first look. */
struct shape {
	bool known;
	unsigned n;
	uint64_t chunks[AXIS_COUNT];
};

static struct shape array_shape(const struct tree *t, uint32_t image, uint32_t array)
{
	struct shape s = { 0 };
	const struct image *im = &t->data->images[image];
	if (image_state(im) != IMAGE_READY || array >= image_arrays(t, image))
		return s;
	enum axis axes[AXIS_COUNT];
	s.n = image_axes(im, axes);
	for (unsigned i = 0; i < s.n; i++)
		s.chunks[i] = im->pyramid.level[array].chunks[axes[i]];
	s.known = true;
	return s;
}

/* Linear indices that `depth` components have. A grid has at most 2^62 chunks. */
static uint64_t shape_count(const struct shape *s, unsigned depth)
{
	uint64_t n = 1;
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

static const enum node_doc *docs_of(const struct tree *t, enum node_kind dir, size_t *n)
{
	if (t->v3) {
		*n = ARRAY_SIZE(v3_docs);
		return v3_docs;
	}
	if (dir == NODE_ARRAY) {
		*n = ARRAY_SIZE(array_docs);
		return array_docs;
	}
	if (dir == NODE_IMAGE) {
		*n = ARRAY_SIZE(image_docs);
		return image_docs;
	}
	*n = ARRAY_SIZE(root_docs);
	return root_docs;
}

static bool has_doc(const struct tree *t, enum node_kind dir, uint64_t doc)
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
	uint64_t v = n->kind;
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
	struct shape s = array_shape(t, n->image, n->array);
	if (n->kind == NODE_CHUNK)
		return n->depth == 0 && (!s.known || n->index < shape_count(&s, s.n));
	if (n->depth < 1 || n->depth >= (s.known ? s.n : AXIS_COUNT))
		return false;
	return !s.known || n->index < shape_count(&s, n->depth);
}

static bool node_exists(const struct tree *t, const struct node *n)
{
	if (n->image >= t->data->n_images && (n->image > 0 || n->kind == NODE_IMAGE))
		return false;
	bool bare = n->array == 0 && n->depth == 0;
	switch (n->kind) {
	case NODE_ROOT:
		return false;
	case NODE_ROOT_DOC:
		return bare && n->image == 0 && !t->image_is_root &&
		       has_doc(t, NODE_ROOT, n->index);
	case NODE_IMAGE:
		return bare && n->index == 0 && !t->image_is_root;
	case NODE_IMAGE_DOC:
		return bare && n->image < t->data->n_images && has_doc(t, NODE_IMAGE, n->index);
	case NODE_ARRAY:
		return n->depth == 0 && n->index == 0 && n->array < image_arrays(t, n->image);
	case NODE_ARRAY_DOC:
		return n->depth == 0 && n->array < image_arrays(t, n->image) &&
		       has_doc(t, NODE_ARRAY, n->index);
	case NODE_CHUNK_DIR:
	case NODE_CHUNK:
		return chunk_exists(t, n);
	case NODE_STATUS_DIR:
	case NODE_STATUS:
		return bare && n->image == 0 && n->index == 0;
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
	if (number < NODE_ROOT || number > NODE_STATUS)
		return -ESTALE;
	n.kind = (enum node_kind)number;
	if (t->image_is_root && n.image != 0)
		return -ESTALE;
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
		return true;
	case NODE_ROOT_DOC:
	case NODE_IMAGE_DOC:
	case NODE_ARRAY_DOC:
	case NODE_CHUNK:
	case NODE_STATUS:
		return false;
	}
	return false;
}

/* Which image's contents a directory shows: itself, or the root of a tree whose root is the image. */
static bool shows_image(const struct tree *t, const struct node *dir)
{
	return dir->kind == NODE_IMAGE ||
	       (dir->kind == NODE_ROOT && t->image_is_root && t->data->n_images > 0);
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

static enum node_kind doc_kind(enum node_kind dir)
{
	return dir == NODE_ARRAY   ? NODE_ARRAY_DOC
	       : dir == NODE_IMAGE ? NODE_IMAGE_DOC
				   : NODE_ROOT_DOC;
}

/* As which kind of directory the node holds documents. */
static enum node_kind doc_dir(const struct tree *t, const struct node *dir)
{
	return shows_image(t, dir) ? NODE_IMAGE : dir->kind;
}

static struct node doc_node(const struct tree *t, const struct node *dir, enum node_doc doc)
{
	return (struct node){ .kind = doc_kind(doc_dir(t, dir)),
			      .image = dir->image,
			      .array = dir->array,
			      .index = doc };
}

static int doc_child(const struct tree *t, const struct node *dir, const char *name,
		     struct node *out)
{
	size_t n;
	const enum node_doc *docs = docs_of(t, doc_dir(t, dir), &n);
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
	size_t len = strlen(name), suffix = sizeof(image_suffix) - 1;
	if (len <= suffix || strcmp(name + len - suffix, image_suffix) != 0)
		return -ENOENT;
	size_t i = dataset_find(t->data, name, len - suffix);
	if (i == t->data->n_images)
		return -ENOENT;
	*out = (struct node){ .kind = NODE_IMAGE, .image = (uint32_t)i };
	return 0;
}

/* The k-th chunk or chunk directory inside an array or a chunk directory. */
static int chunk_at(const struct tree *t, const struct node *dir, uint64_t k, struct node *out)
{
	struct shape s = array_shape(t, dir->image, dir->array);
	if (!s.known || k >= s.chunks[dir->depth])
		return -ENOENT;
	*out = *dir;
	out->index = dir->index * s.chunks[dir->depth] + k;
	if (dir->depth + 1 == s.n) {
		out->kind = NODE_CHUNK;
		out->depth = 0;
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

/* Names below an image, its arrays and chunk directories. */
static int inner_child(const struct tree *t, const struct node *dir, const char *name,
		       struct node *out)
{
	int r = image_ready(t, dir->image);
	if (r < 0)
		return r;
	if (dir->kind != NODE_CHUNK_DIR && doc_child(t, dir, name, out) == 0)
		return 0;
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
	if (dir->kind != NODE_ROOT || shows_image(t, dir))
		return inner_child(t, dir, name, out);
	if (doc_child(t, dir, name, out) == 0)
		return 0;
	return image_child(t, name, out);
}

/* The directory of an image's documents and arrays. */
static struct node image_dir(const struct tree *t, uint32_t image)
{
	if (t->image_is_root)
		return (struct node){ .kind = NODE_ROOT };
	return (struct node){ .kind = NODE_IMAGE, .image = image };
}

static struct node chunk_parent(const struct tree *t, const struct node *n)
{
	struct shape s = array_shape(t, n->image, n->array);
	struct node array = { .kind = NODE_ARRAY, .image = n->image, .array = n->array };
	unsigned depth = n->kind == NODE_CHUNK ? s.n : n->depth;
	if (!s.known || depth <= 1)
		return array;
	return (struct node){ .kind = NODE_CHUNK_DIR,
			      .image = n->image,
			      .array = n->array,
			      .depth = depth - 1,
			      .index = n->index / s.chunks[depth - 1] };
}

struct node tree_parent(const struct tree *t, const struct node *n)
{
	switch (n->kind) {
	case NODE_IMAGE_DOC:
	case NODE_ARRAY:
		return image_dir(t, n->image);
	case NODE_ARRAY_DOC:
		return (struct node){ .kind = NODE_ARRAY, .image = n->image, .array = n->array };
	case NODE_CHUNK_DIR:
	case NODE_CHUNK:
		return chunk_parent(t, n);
	case NODE_STATUS:
		return (struct node){ .kind = NODE_STATUS_DIR };
	case NODE_ROOT:
	case NODE_ROOT_DOC:
	case NODE_IMAGE:
	case NODE_STATUS_DIR:
		break;
	}
	return (struct node){ .kind = NODE_ROOT };
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
		snprintf(name, 256, "%s", doc_names[n->index]);
		return;
	case NODE_IMAGE:
		snprintf(name, 256, "%s%s", t->data->images[n->image].id, image_suffix);
		return;
	case NODE_ARRAY:
		snprintf(name, 256, "%" PRIu32, n->array);
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
	struct shape s = array_shape(t, n->image, n->array);
	unsigned depth = n->kind == NODE_CHUNK ? s.n : n->depth;
	if (s.known)
		snprintf(name, 256, "%" PRIu64, n->index % s.chunks[depth - 1]);
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
	const enum node_doc *docs = docs_of(t, doc_dir(t, dir), &n);
	if (pos < n) {
		*out = doc_node(t, dir, docs[pos]);
		return 0;
	}
	pos -= n;
	if (dir->kind == NODE_ARRAY)
		return chunk_at(t, dir, pos, out);
	if (shows_image(t, dir))
		return array_at(t, dir, pos, out);
	if (pos >= t->data->n_images)
		return -ENOENT;
	*out = (struct node){ .kind = NODE_IMAGE, .image = (uint32_t)pos };
	return 0;
}

int tree_child_at(const struct tree *t, const struct node *dir, uint64_t pos, struct node *out,
		  char name[256])
{
	if (!node_is_dir(dir))
		return -ENOTDIR;
	bool inner =
		dir->kind != NODE_STATUS_DIR && (dir->kind != NODE_ROOT || shows_image(t, dir));
	int r = inner ? image_ready(t, dir->image) : 0;
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
	/* Image, array, at most five components of a chunk. */
	struct node up[AXIS_COUNT + 3];
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
		if (r == -EAGAIN || r == -EIO)
			*out = at;
		if (r < 0)
			return r;
		at = child;
		path += len;
	}
	*out = at;
	return 0;
}
