/* The names of a mount: path component <-> node <-> 64-bit number. Nodes are arithmetic: no table, the
 * same number means the same thing after a restart. Pure; no I/O. */
#pragma once

#include "codec/text.h"
#include "meta/image.h"

enum node_kind {
	NODE_ROOT = 1,
	NODE_ROOT_DOC, /* doc: which document */
	NODE_IMAGE,    /* NAME.zarr */
	NODE_IMAGE_DOC,
	NODE_ARRAY, /* NAME.zarr/0 */
	NODE_ARRAY_DOC,
	NODE_CHUNK_DIR, /* depth components of the chunk index are given */
	NODE_CHUNK,
	NODE_STATUS_DIR, /* .ngffuse: looked up, not listed */
	NODE_STATUS,	 /* .ngffuse/status.json */
	NODE_GROUP, /* NAME.zarr/labels, and the folders on the way to a label; the label itself is NODE_IMAGE */
	NODE_GROUP_DOC,
	NODE_LAYER, /* color, in a WEBKNOSSOS dataset */
	NODE_LAYER_DOC,
};

/* The same chunks in several trees. In VIEW_WK NODE_IMAGE is the dataset, in VIEW_XYZ its folder `xyz`. */
enum tree_view { VIEW_NGFF, VIEW_WK, VIEW_XYZ };

/* Which trees there are. */
enum tree_views {
	VIEWS_NGFF,
	VIEWS_WK, /* the dataset of an only image is the root; of several as VIEWS_BOTH */
	VIEWS_BOTH,
};

enum node_doc {
	DOC_ZGROUP,
	DOC_ZATTRS,
	DOC_ZMETADATA,
	DOC_ZARRAY,
	DOC_ZARR_JSON,
	DOC_PROPERTIES, /* datasource-properties.json */
};

struct node {
	enum node_kind kind;
	uint32_t image; /* for all kinds inside an image; a group: the first of the labels in it */
	uint32_t array; /* level; not for NODE_IMAGE and what is above it */
	uint32_t
		depth; /* NODE_CHUNK_DIR: 1 .. axes-1; NODE_GROUP: components below `labels`; else 0 */
	/* A chunk: its linear index in the array, whatever the view; a chunk dir: linear index of its first
	 * `depth` components; a document: enum node_doc. Layers, their arrays and the documents of both: the
	 * part of the image (struct layer), which also comes first in the index of their chunk dirs. */
	uint64_t index;
	enum tree_view view;
};

/* What the names depend on besides the dataset. */
struct tree {
	const struct dataset *data;
	bool image_is_root; /* MOUNTPOINT ends in .zarr: the root node stands for image 0; its children are
			     * NODE_IMAGE_DOC, NODE_ARRAY and its labels' NODE_GROUP, and there is no
			     * NODE_ROOT_DOC and no NODE_IMAGE but of labels */
	bool v3;	    /* --ngff 0.5 */
	bool has_wk;	    /* datasets of WEBKNOSSOS, and xyz in them; layers_name was called */
	bool dataset_is_root; /* the root node stands for image 0 in VIEW_WK, and there is no VIEW_NGFF */
	unsigned image_bits; /* set by tree_init */
};

void tree_init(struct tree *t, const struct dataset *data, bool image_is_root, bool v3);

/* After tree_init, without which there is VIEWS_NGFF alone. Where there is more, no image is the root. */
void tree_show(struct tree *t, enum tree_views views);

/* Which document a node is. */
enum node_doc tree_doc(const struct node *n);

/* Node number; the root is 1, no other node is. -> 0 and node, or -ESTALE for a number that no node of
 * this tree has (outside every grid included). An image that was not looked at yet: the check against
 * its grid is left out. */
uint64_t tree_number(const struct tree *t, const struct node *n);
int tree_node(const struct tree *t, uint64_t number, struct node *out);

/* Do the chunks of all levels of this image fit into node numbers? */
bool tree_fits(const struct tree *t, const struct image *im);

bool node_is_dir(const struct node *n);

/* The image that a node's existence and contents follow from; false: no one image. */
bool tree_image(const struct tree *t, const struct node *n, uint32_t *image);

/* An image that must be looked at before the node's contents are known, and was not; false: there is none. After
 * its look the question is put anew: a label needs its image first, and some documents tell of all labels. */
bool tree_needs_look(const struct tree *t, const struct node *n, uint32_t *image);

/* Child by name. -ENOENT, -ENOTDIR, -ENAMETOOLONG (more than 255 bytes). Numbers are decimal without
 * sign, leading zero or blank, below the grid. For names inside an image the image must be READY:
 * -EAGAIN before its first look, -EIO where it is BAD. Not for "." and "..". */
int tree_child(const struct tree *t, const struct node *dir, const char *name, struct node *out);

struct node tree_parent(const struct tree *t, const struct node *n);

/* Children in listing order, by position: 0 and name, -ENOENT past the end; -EAGAIN and -EIO as for
 * tree_child. The root does not list .ngffuse. */
int tree_child_at(const struct tree *t, const struct node *dir, uint64_t pos, struct node *out,
		  char name[256]);

/* Path of a node from the mount's root, for messages ("em.zarr/0/3/2/5"); the root's is empty. A chunk of
 * an image that is not READY is named by its linear index ("em.zarr/0/#17"). Appended. */
void tree_path(const struct tree *t, const struct node *n, struct text *out);

/* Resolves "em.zarr/0/3/2/5" from the root. Stops before a name inside an image that is not READY:
 * -EAGAIN (BAD: -EIO) with *out the image. */
int tree_resolve(const struct tree *t, const char *path, struct node *out);
