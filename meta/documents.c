#include "meta/documents.h"

#include <errno.h>
#include <stdio.h>

#include "meta/json.h"
#include "meta/ngff_doc.h"
#include "meta/zarr_doc.h"

/* With one image the root shows it, so that a viewer pointed at the mount itself opens it. An image that
 * is unusable leaves the root a plain group. */
static int root_attributes(const struct tree *t, struct json *j, cJSON *obj)
{
	const struct dataset *d = t->data;
	if (d->n_images != 1 || image_state(&d->images[0]) != IMAGE_READY)
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
		break;
	}
	return -ENOENT;
}

/* Readers that use it believe it alone: a node that it lacks does not exist for them, and the single
 * documents are not read. */
static void consolidated(const struct dataset *d, const struct image *im, struct json *j)
{
	json_u64(j, j->root, "zarr_consolidated_format", 1);
	cJSON *all = json_object(j, j->root, "metadata");
	zarr_group_v2(j, json_object(j, all, ".zgroup"));
	ngff_image(j, json_object(j, all, ".zattrs"), d, im, NULL, false);
	for (unsigned k = 0; k < im->pyramid.n; k++) {
		char key[32];
		snprintf(key, sizeof(key), "%u/.zarray", k);
		zarr_array_v2(j, json_object(j, all, key), im, k);
		snprintf(key, sizeof(key), "%u/.zattrs", k);
		zarr_dimensions(j, json_object(j, all, key), im, k);
	}
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
		break;
	}
	return -ENOENT;
}

/* The tree's own rules say which documents there are: those of the other format are none. */
static bool has_document(const struct tree *t, const struct node *n)
{
	struct node same;
	return tree_node(t, tree_number(t, n), &same) == 0;
}

int document_make(const struct tree *t, const struct node *n, struct text *out)
{
	bool root = n->kind == NODE_ROOT_DOC;
	if (!root && n->kind != NODE_IMAGE_DOC && n->kind != NODE_ARRAY_DOC)
		return -ENOENT;
	if (!root && n->image >= t->data->n_images)
		return -ENOENT;
	if (n->index > DOC_ZARR_JSON || !has_document(t, n))
		return -ENOENT;
	const struct image *im = root ? NULL : &t->data->images[n->image];
	if (!root && image_state(im) != IMAGE_READY)
		return image_state(im) == IMAGE_BAD ? -EIO : -EAGAIN;
	CLEANUP(json_done) struct json j = { 0 };
	json_start(&j);
	enum node_doc doc = (enum node_doc)n->index;
	int r;
	if (root)
		r = root_document(t, doc, &j);
	else if (n->kind == NODE_IMAGE_DOC)
		r = image_document(t->data, im, doc, &j);
	else
		r = array_document(im, n->array, doc, &j);
	return r < 0 ? r : json_print(&j, out);
}
