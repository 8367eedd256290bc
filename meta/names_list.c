#include "meta/names_list.h"

#include <string.h>

struct name_image *names_list_image(struct names_list *l)
{
	struct names *n = &l->names;
	if (n->n_images == l->room_images) {
		size_t room = max_u64(16, l->room_images * 2);
		struct name_image *v = reallocarray(n->images, room, sizeof(*v));
		if (v == NULL)
			return NULL;
		n->images = v;
		l->room_images = room;
	}
	struct name_image *im = &n->images[n->n_images++];
	memset(im, 0, sizeof(*im));
	return im;
}

int names_list_leave(struct names_list *l, uint32_t entry, const char *why, uint32_t of,
		     struct err *err)
{
	struct names *n = &l->names;
	if (n->n_left_out == l->room_left_out) {
		size_t room = max_u64(16, l->room_left_out * 2);
		struct name_left_out *v = reallocarray(n->left_out, room, sizeof(*v));
		if (v == NULL)
			return err_oom(err);
		n->left_out = v;
		l->room_left_out = room;
	}
	n->left_out[n->n_left_out++] = (struct name_left_out){ entry, why, of };
	return 0;
}

int names_label_channel(struct name_image *im, uint32_t c, const char *s, size_t n, struct err *err)
{
	if (im->channel_labels == NULL)
		im->channel_labels = calloc(im->c.size, sizeof(*im->channel_labels));
	if (im->channel_labels == NULL)
		return err_oom(err);
	if (im->channel_labels[c] == NULL)
		im->channel_labels[c] = strndup(s, n);
	return im->channel_labels[c] == NULL ? err_oom(err) : 0;
}

/* What an image or a stranger is ordered by. */
struct place {
	const char *name;
	uint32_t entry;
	size_t at;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int rc = names_compare(x->name, y->name);
	if (rc != 0)
		return rc;
	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

/* Puts the items v[n] of `size` bytes into the order of p[n]. */
static int permute(void **v, size_t size, struct place *p, size_t n)
{
	if (n < 2)
		return 0;
	qsort(p, n, sizeof(*p), compare_places);
	char *sorted = reallocarray(NULL, n, size);
	if (sorted == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		memcpy(sorted + i * size, (const char *)*v + p[i].at * size, size);
	free(*v);
	*v = sorted;
	return 0;
}

static int order(struct names_list *l, const char *const *entries)
{
	struct names *n = &l->names;
	CLEANUP(freep)
	struct place *p = calloc(max_u64(n->n_images, n->n_left_out) + 1, sizeof(*p));
	if (p == NULL)
		return -1;
	for (size_t i = 0; i < n->n_images; i++) {
		uint32_t entry = n->images[i].members[0].entry;
		p[i] = (struct place){ entries[entry], entry, i };
	}
	void *v = n->images;
	int rc = permute(&v, sizeof(*n->images), p, n->n_images);
	n->images = v;
	l->room_images = n->n_images;
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < n->n_left_out; i++) {
		uint32_t entry = n->left_out[i].entry;
		p[i] = (struct place){ entries[entry], entry, i };
	}
	v = n->left_out;
	rc = permute(&v, sizeof(*n->left_out), p, n->n_left_out);
	n->left_out = v;
	l->room_left_out = n->n_left_out;
	return rc;
}

int names_list_finish(struct names_list *l, const char *const *entries,
		      const struct name_options *opts, struct names *out, struct err *err)
{
	if (order(l, entries) != 0)
		return err_oom(err);
	int rc = names_ids(&l->names, opts, err);
	if (rc != 0)
		return rc;
	*out = l->names;
	*l = (struct names_list){ 0 };
	return 0;
}

void names_list_done(struct names_list *l)
{
	names_done(&l->names);
	*l = (struct names_list){ 0 };
}

static void image_done(struct name_image *im)
{
	for (uint32_t i = 0; im->channel_labels != NULL && i < im->c.size; i++)
		free(im->channel_labels[i]);
	free(im->channel_labels);
	free(im->t.token);
	free(im->c.token);
	free(im->z.token);
	free(im->members);
	free(im->how);
	free(im->id);
}

void names_done(struct names *names)
{
	for (size_t i = 0; i < names->n_images; i++)
		image_done(&names->images[i]);
	free(names->images);
	free(names->left_out);
	free(names->pattern);
	free(names->hint);
	*names = (struct names){ 0 };
}
