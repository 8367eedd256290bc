#include "meta/text_index.h"

#include <errno.h>
#include <search.h>
#include <string.h>

struct numbered {
	uint32_t number;
	size_t len;
	char text[];
};

static int compare(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;
	int r = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);
	if (r != 0)
		return r;
	return (x->len > y->len) - (x->len < y->len);
}

int text_index_add(struct text_index *x, const char *text, size_t len, uint32_t *number)
{
	size_t size = 0;
	if (__builtin_add_overflow(sizeof(struct numbered), len, &size) || x->n == UINT32_MAX)
		return -ENOMEM;
	CLEANUP(freep) struct numbered *own = malloc(size);
	if (own == NULL)
		return -ENOMEM;
	own->number = x->n;
	own->len = len;
	memcpy(own->text, text, len);
	struct numbered **found = tsearch(own, &x->root, compare);
	if (found == NULL)
		return -ENOMEM;
	*number = (*found)->number;
	if (*found == own) {
		x->n++;
		own = NULL;
	}
	return 0;
}

void text_index_done(struct text_index *x)
{
	tdestroy(x->root, free);
	*x = (struct text_index){ 0 };
}
