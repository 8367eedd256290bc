#include "meta/documents.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "meta/json.h"
#include "meta/label_path.h"
#include "meta/ngff_doc.h"
#include "meta/wk_doc.h"
#include "meta/zarr_doc.h"

/* With one image the root shows it, so that a viewer pointed at the mount itself opens it. An image that
 * is unusable leaves the root a plain group. */
static int root_attributes(const struct tree *t, struct json *j, cJSON *obj)
{
	const struct dataset *d = t->data;
	if (dataset_shown(d) != 1 || image_state(&d->images[0]) != IMAGE_READY)
		return 0;
	CLEANUP(text_done) struct text folder = { 0 };
	text_add(&folder, d->images[0].id);
	text_add(&folder, ".zarr");
	if (folder.oom)
		return -ENOMEM;
	ngff_image(j, obj, d, &d->images[0], folder.s, t->v3);
	return 0;
}

static int root_document(const struct tree *t, enum node_doc doc, struct json *j)
{
	switch (doc) {
	case DOC_ZGROUP:
		zarr_group_v2(j, j->root);
		return 0;
	case DOC_ZATTRS:
		return root_attributes(t, j, j->root);
	case DOC_ZARR_JSON:
		return root_attributes(t, j, zarr_group_v3(j, j->root));
	case DOC_ZMETADATA:
	case DOC_ZARRAY:
	case DOC_PROPERTIES:
		break;
	}
	return -ENOENT;
}

/* The object of a document below `folder`, which is "" or ends in a slash. */
static cJSON *entry(struct json *j, cJSON *all, const char *folder, size_t n, const char *name)
{
	CLEANUP(text_done) struct text path = { 0 };
	text_addn(&path, folder, n);
	text_add(&path, name);
	if (path.oom)
		j->oom = true;
	return json_object(j, all, path.oom ? "" : path.s);
}

static void consolidate_image(struct json *j, cJSON *all, const struct dataset *d,
			      const struct image *im, const char *folder)
{
	size_t n = strlen(folder);
	zarr_group_v2(j, entry(j, all, folder, n, ".zgroup"));
	ngff_image(j, entry(j, all, folder, n, ".zattrs"), d, im, NULL, false);
	for (unsigned k = 0; k < im->pyramid.n; k++) {
		char key[32];
		snprintf(key, sizeof(key), "%u/.zarray", k);
		zarr_array_v2(j, entry(j, all, folder, n, key), im, k);
		snprintf(key, sizeof(key), "%u/.zattrs", k);
		zarr_dimensions(j, entry(j, all, folder, n, key), im, k);
	}
}

/* The folders on the way to a label that are not those of the label before. */
static void consolidate_way(struct json *j, cJSON *all, const struct image *label,
			    const struct image *before)
{
	CLEANUP(text_done) struct text folder = { 0 };
	for (unsigned depth = 1; depth < label_path_depth(label->label); depth++) {
		if (before != NULL && label_path_shares(before->label, label->label, depth))
			continue;
		folder.len = 0;
		text_add(&folder, "labels/");
		text_addn(&folder, label->label, label_path_prefix(label->label, depth));
		text_add(&folder, "/");
		j->oom |= folder.oom;
		if (!folder.oom)
			zarr_group_v2(j, entry(j, all, folder.s, folder.len, ".zgroup"));
	}
}

static void consolidate_labels(struct json *j, cJSON *all, const struct dataset *d,
			       const struct image *im)
{
	const struct image *before = NULL;
	zarr_group_v2(j, json_object(j, all, "labels/.zgroup"));
	ngff_labels(j, json_object(j, all, "labels/.zattrs"), d, im, false);
	for (uint32_t i = 0; i < im->n_labels; i++) {
		const struct image *label = &d->images[im->first_label + i];
		CLEANUP(text_done) struct text folder = { 0 };
		if (image_state(label) != IMAGE_READY)
			continue;
		consolidate_way(j, all, label, before);
		text_addf(&folder, "labels/%s/", label->label);
		j->oom |= folder.oom;
		if (!folder.oom)
			consolidate_image(j, all, d, label, folder.s);
		before = label;
	}
}

/* Readers that use it believe it alone: a node that it lacks does not exist for them, and the single
 * documents are not read. */
static void consolidated(const struct dataset *d, const struct image *im, struct json *j)
{
	json_u64(j, j->root, "zarr_consolidated_format", 1);
	cJSON *all = json_object(j, j->root, "metadata");
	consolidate_image(j, all, d, im, "");
	if (im->n_labels > 0)
		consolidate_labels(j, all, d, im);
}

static int image_document(const struct dataset *d, const struct image *im, enum node_doc doc,
			  struct json *j)
{
	switch (doc) {
	case DOC_ZGROUP:
		zarr_group_v2(j, j->root);
		return 0;
	case DOC_ZATTRS:
		ngff_image(j, j->root, d, im, NULL, false);
		return 0;
	case DOC_ZMETADATA:
		consolidated(d, im, j);
		return 0;
	case DOC_ZARR_JSON:
		ngff_image(j, zarr_group_v3(j, j->root), d, im, NULL, true);
		return 0;
	case DOC_PROPERTIES:
		wk_properties(j, j->root, d, im);
		return 0;
	case DOC_ZARRAY:
		break;
	}
	return -ENOENT;
}

static int array_document(const struct image *im, uint32_t array, enum node_doc doc, struct json *j)
{
	switch (doc) {
	case DOC_ZARRAY:
		zarr_array_v2(j, j->root, im, array);
		return 0;
	case DOC_ZATTRS:
		zarr_dimensions(j, j->root, im, array);
		return 0;
	case DOC_ZARR_JSON:
		return zarr_array_v3(j, j->root, im, array);
	case DOC_ZGROUP:
	case DOC_ZMETADATA:
	case DOC_PROPERTIES:
		break;
	}
	return -ENOENT;
}

/* `labels` itself, and the folders on the way to a label. */
static int group_document(const struct tree *t, const struct node *n, enum node_doc doc,
			  struct json *j)
{
	const struct dataset *d = t->data;
	const struct image *im = &d->images[d->images[n->image].parent];
	cJSON *attributes = j->root;
	if (doc == DOC_ZGROUP)
		zarr_group_v2(j, j->root);
	else if (doc == DOC_ZARR_JSON)
		attributes = zarr_group_v3(j, j->root);
	if (doc != DOC_ZGROUP && n->depth == 0)
		ngff_labels(j, attributes, d, im, t->v3);
	return 0;
}

/* The tree's own rules say which documents there are: those of the other format are none. */
static bool has_document(const struct tree *t, const struct node *n)
{
	struct node same;
	return tree_node(t, tree_number(t, n), &same) == 0;
}

static int make(const struct tree *t, const struct node *n, struct json *j)
{
	enum node_doc doc = tree_doc(n);
	const struct image *im = &t->data->images[n->image];
	if (n->kind == NODE_LAYER_DOC) {
		zarr_group_v2(j, j->root);
		return 0;
	}
	if (n->kind == NODE_ARRAY_DOC && n->view != VIEW_NGFF) {
		wk_array(j, j->root, n->view, im, n->array);
		return 0;
	}
	if (n->kind == NODE_ROOT_DOC)
		return root_document(t, doc, j);
	if (n->kind == NODE_IMAGE_DOC)
		return image_document(t->data, im, doc, j);
	if (n->kind == NODE_ARRAY_DOC)
		return array_document(im, n->array, doc, j);
	return group_document(t, n, doc, j);
}

int document_make(const struct tree *t, const struct node *n, struct text *out)
{
	bool root = n->kind == NODE_ROOT_DOC;
	if (!root && n->kind != NODE_IMAGE_DOC && n->kind != NODE_ARRAY_DOC &&
	    n->kind != NODE_GROUP_DOC && n->kind != NODE_LAYER_DOC)
		return -ENOENT;
	if (!has_document(t, n))
		return -ENOENT;
	uint32_t image;
	if (!root && tree_needs_look(t, n, &image))
		return -EAGAIN;
	if (!root && tree_image(t, n, &image) && image_state(&t->data->images[image]) == IMAGE_BAD)
		return -EIO;
	CLEANUP(json_done) struct json j = { 0 };
	json_start(&j);
	int r = make(t, n, &j);
	return r < 0 ? r : json_print(&j, out);
}
