#include "meta/names_list.h"

#include <search.h>
#include <string.h>
#include <strings.h>

enum { ID_MAX = 200 };

static const char replacement[] = "\xef\xbf\xbd";

/* The text with one '_' for each byte that a file name had better not have. */
static void replace(struct text *t, const char *s, size_t n)
{
	struct text CLEANUP(text_done) valid = { 0 };
	text_add_name(&valid, s, n);
	if (valid.oom)
		t->oom = true;
	for (size_t i = 0; !t->oom && i < valid.len;) {
		bool bad = strncmp(valid.s + i, replacement, strlen(replacement)) == 0;
		if (bad || strchr("/\\:*?\"<>|", valid.s[i]) != NULL)
			text_add(t, "_");
		else
			text_addn(t, valid.s + i, 1);
		i += bad ? strlen(replacement) : 1;
	}
}

static size_t cut_tail(const char *s, size_t n)
{
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '.'))
		n--;
	return n;
}

void names_id_clean(struct text *t, const char *s, size_t n)
{
	struct text CLEANUP(text_done) all = { 0 };
	replace(&all, s, n);
	if (all.oom) {
		t->oom = true;
		return;
	}
	const char *id = all.s != NULL ? all.s : "";
	while (*id == '.')
		id++;
	size_t len = cut_tail(id, strlen(id));
	if (len > ID_MAX) {
		len = ID_MAX;
		while (len > 0 && ((unsigned char)id[len] & 0xc0) == 0x80)
			len--;
		len = cut_tail(id, len);
	}
	if (len == 0)
		text_add(t, "image");
	else
		text_addn(t, id, len);
	if (len == strlen("labels") && strncmp(id, "labels", len) == 0)
		text_add(t, "_");
}

/* An id that is taken; how often it was wanted. */
struct taken {
	const char *id;
	uint32_t n;
};

static int compare_taken(const void *a, const void *b)
{
	const struct taken *x = a, *y = b;
	return strcasecmp(x->id, y->id);
}

static void keep(void *p UNUSED)
{
}

/* Gives an image whose id `of` has taken another one. */
static int rename_image(struct name_image *im, struct taken *slot, struct taken *of, void **root)
{
	for (;;) {
		struct text CLEANUP(text_done) id = { 0 };
		text_addf(&id, "%s_%u", im->id, ++of->n);
		if (id.oom)
			return -1;
		*slot = (struct taken){ id.s, 1 };
		struct taken **found = tsearch(slot, root, compare_taken);
		if (found == NULL)
			return -1;
		if (*found == slot) {
			free(im->id);
			im->id = STEAL(id.s);
			return 0;
		}
	}
}

/* Ids that are wanted once or first stay, even where a renamed one would want them. */
static int make_unique(struct names *names, struct taken *slots, void **root)
{
	size_t n = names->n_images;
	CLEANUP(freep) struct taken **of = calloc(n, sizeof(struct taken *));
	if (of == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		slots[i] = (struct taken){ names->images[i].id, 1 };
		struct taken **found = tsearch(&slots[i], root, compare_taken);
		if (found == NULL)
			return -1;
		of[i] = *found;
	}
	for (size_t i = 0; i < n; i++)
		if (of[i] != &slots[i] &&
		    rename_image(&names->images[i], &slots[i], of[i], root) != 0)
			return -1;
	return 0;
}

int names_ids(struct names *names, const struct name_options *opts, struct err *err)
{
	size_t n = names->n_images;
	bool alone = n == 1 && !opts->among_others;
	for (size_t i = 0; i < n; i++) {
		struct name_image *im = &names->images[i];
		const char *from =
			alone || im->id == NULL || *im->id == '\0' ? opts->folder : im->id;
		if (from == NULL)
			from = "";
		struct text CLEANUP(text_done) id = { 0 };
		names_id_clean(&id, from, strlen(from));
		if (id.oom)
			return err_oom(err);
		free(im->id);
		im->id = STEAL(id.s);
	}
	if (n < 2)
		return 0;
	CLEANUP(freep) struct taken *slots = calloc(n, sizeof(*slots));
	if (slots == NULL)
		return err_oom(err);
	void *root = NULL;
	int rc = make_unique(names, slots, &root);
	tdestroy(root, keep);
	return rc == 0 ? 0 : err_oom(err);
}
