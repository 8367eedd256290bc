/* What the files of the tree share: the shape of an array in each view, what a directory shows, names. */
#pragma once

#include "meta/layers.h"
#include "meta/tree.h"

#define TREE_STATUS_DIR ".ngffuse"
#define TREE_STATUS	"status.json"
#define TREE_SUFFIX	".zarr"
#define TREE_LABELS	"labels"
#define TREE_XYZ	"xyz"

/* Chunks along the axes of an array, in the order of the view. `known` is false before the image's first look. */
struct tree_shape {
	bool known;
	unsigned n;
	uint64_t parts; /* into which layers take the grid apart, VIEW_NGFF: 1 */
	uint64_t chunks[AXIS_COUNT];
};

/* `of`: an array, or what is in it. */
struct tree_shape tree_shape_of(const struct tree *t, const struct node *of);

/* Linear indices that `depth` components have. A grid has at most 2^62 chunks. */
uint64_t tree_shape_count(const struct tree_shape *s, unsigned depth);

/* The linear index of a chunk in the order t,c,z,y,x from that in the order t,c,x,y,z, or back. */
uint64_t tree_turned(const struct level *l, uint64_t index, bool back);

/* Levels that an image has; before its first look as many as one can have. */
uint32_t tree_levels(const struct tree *t, uint32_t image);

/* Which image's contents a directory shows: itself, or the root of a tree whose root is the image. */
bool tree_shows_image(const struct tree *t, const struct node *dir);

/* Is it the folder of a WEBKNOSSOS dataset? */
bool tree_shows_dataset(const struct tree *t, const struct node *dir);

/* The view of the names in a directory that are not folders of other images. */
enum tree_view tree_view_in(const struct tree *t, const struct node *dir);

/* Has it the contents of one image, in any view? */
bool tree_is_inner(const struct tree *t, const struct node *dir);

/* The image whose contents a name in the directory is to be found in. */
uint32_t tree_image_around(const struct tree *t, const struct node *dir);

struct tree_docs {
	unsigned n;
	enum node_doc doc[3];
};

/* Documents of a directory, which may be the root that is an image. */
const struct tree_docs *tree_docs(const struct tree *t, const struct node *dir);

const char *tree_doc_name(enum node_doc doc);

/* The first of the labels that share the first `depth` components with this one. */
uint32_t tree_first_beside(const struct tree *t, uint32_t label, unsigned depth);

/* The directory of an image's documents and arrays. */
struct node tree_image_dir(const struct tree *t, enum tree_view view, uint32_t image);

/* What stands for a layer: its folder, or xyz, where there is no other. */
struct node tree_layer(enum tree_view view, const struct layer *l);

/* The last component of a node's path; not for the root. */
void tree_node_name(const struct tree *t, const struct node *n, char name[256]);
