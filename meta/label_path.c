#include "meta/label_path.h"

#include "meta/names.h"

#include <errno.h>
#include <string.h>

enum { COMPONENT_MAX = 200 };

size_t label_path_prefix(const char *path, unsigned depth)
{
	size_t n = 0;
	for (unsigned i = 0; i < depth && path[n] != '\0'; i++) {
		n += i > 0;
		n += strcspn(path + n, "/");
	}
	return n;
}

unsigned label_path_depth(const char *path)
{
	unsigned n = *path != '\0';
	for (; *path != '\0'; path++)
		n += *path == '/';
	return n;
}

const char *label_path_component(const char *path, unsigned depth, size_t *len)
{
	size_t from = label_path_prefix(path, depth);
	from += from > 0;
	*len = label_path_prefix(path, depth + 1) - from;
	return path + from;
}

bool label_path_shares(const char *a, const char *b, unsigned depth)
{
	size_t n = label_path_prefix(a, depth);
	return label_path_depth(a) >= depth && label_path_depth(b) >= depth &&
	       n == label_path_prefix(b, depth) && strncmp(a, b, n) == 0;
}

static int compare_component(const char *a, size_t na, const char *b, size_t nb)
{
	char x[COMPONENT_MAX + 1] = "", y[COMPONENT_MAX + 1] = "";
	memcpy(x, a, min_u64(na, COMPONENT_MAX));
	memcpy(y, b, min_u64(nb, COMPONENT_MAX));
	int rc = names_compare(x, y);
	return rc != 0 ? rc : strcmp(x, y);
}

int label_path_compare(const char *a, const char *b)
{
	for (;;) {
		size_t na = strcspn(a, "/"), nb = strcspn(b, "/");
		int rc = compare_component(a, na, b, nb);
		if (rc != 0)
			return rc;
		bool more_a = a[na] != '\0', more_b = b[nb] != '\0';
		if (!more_a || !more_b)
			return (int)more_a - (int)more_b;
		a += na + 1;
		b += nb + 1;
	}
}

static int check_component(const char *path, const char *s, size_t n, struct err *err)
{
	if (n == 0)
		return err_set(err, EINVAL, "'%s' has an empty part", path);
	if (*s == '.')
		return err_set(err, EINVAL, "'%.*s' begins with a dot", (int)n, s);
	if (n == strlen("zarr.json") && strncmp(s, "zarr.json", n) == 0)
		return err_set(err, EINVAL, "zarr.json is a name of Zarr's own");
	struct text CLEANUP(text_done) clean = { 0 };
	names_id_clean(&clean, s, n);
	if (clean.oom)
		return err_oom(err);
	if (clean.len != n || strncmp(clean.s, s, n) != 0)
		return err_set(err, EINVAL, "'%.*s' is no safe name of a folder; '%s' would be",
			       (int)n, s, clean.s);
	return 0;
}

int label_path_check(const char *path, struct err *err)
{
	for (const char *s = path;; s++) {
		size_t n = strcspn(s, "/");
		int rc = check_component(path, s, n, err);
		if (rc != 0)
			return rc;
		s += n;
		if (*s == '\0')
			break;
	}
	if (label_path_depth(path) > LABEL_DEPTH)
		return err_set(err, EINVAL, "'%s' has more than %d parts", path, LABEL_DEPTH);
	return 0;
}
