/* Side-cars of any bytes. A refusal is one sentence that begins with the path; what is accepted says the same when it is
 * read a second time, and is a tree in which every value is where its neighbours say. */
#include <errno.h>
#include <string.h>

#include "fs/sidecar.h"
#include "meta/json_read.h"
#include "tests/fuzz/fuzz.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_utf8(const char *s)
{
	for (size_t n = strlen(s); n > 0;) {
		size_t len = text_utf8_length(s, n);
		require(len > 0 && len <= n);
		s += len;
		n -= len;
	}
}

/* The value v[at] with all that is in it; the index behind it. */
static size_t check_value(const struct json_tree *t, size_t at, unsigned depth, bool member)
{
	const struct json_value *v = &t->v[at];
	bool text = v->type == JSON_NUMBER || v->type == JSON_STRING;
	require(at < t->n && depth <= JSON_MAX_DEPTH && v->line > 0);
	require((v->key != NULL) == member && (v->text != NULL) == text);
	require_utf8(member ? v->key : "");
	require_utf8(text ? v->text : "");
	require(v->n == 0 || v->type == JSON_ARRAY || v->type == JSON_OBJECT);
	size_t next = at + 1;
	for (uint32_t i = 0; i < v->n; i++) {
		require(t->v[next].line >= v->line);
		next = check_value(t, next, depth + 1, v->type == JSON_OBJECT);
	}
	require(v->next == next);
	return next;
}

static void check_tree(const char *s, size_t n)
{
	struct json_tree t;
	struct json_fault f;
	struct err err = { 0 };
	int rc = json_read(s, n, &t, &f, &err);
	if (rc != 0) {
		require((rc == -EINVAL || rc == -EFBIG) && err.code == -rc && f.line > 0);
		require_utf8(f.key);
		return;
	}
	require(check_value(&t, 0, 0, false) == t.n);
	json_tree_done(&t);
}

static void begin(struct options *o)
{
	char program[] = "ngffuse", source[] = "src", mountpoint[] = "mnt";
	char *argv[] = { program, source, mountpoint };
	struct err err = { 0 };
	require(options_parse(3, argv, o, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char path[] = "src/ngffuse.json";
	const char *s = (const char *)data;
	struct err err = { 0 };
	struct text CLEANUP(text_done) one = { 0 }, two = { 0 };
	struct options o, again;
	check_tree(s, size);
	begin(&o);
	int rc = sidecar_take(&o, path, s, size, &err);
	if (rc == 0)
		rc = options_check(&o, &err);
	require(rc == 0 || rc == -EINVAL || rc == -EFBIG);
	require(rc == 0 || strncmp(err.msg, path, sizeof(path) - 1) == 0);
	if (rc == 0) {
		begin(&again);
		require(sidecar_take(&again, path, s, size, &err) == 0);
		options_fingerprint(&o, &one);
		options_fingerprint(&again, &two);
		require(strcmp(one.s, two.s) == 0);
		options_done(&again);
	}
	options_done(&o);
	return 0;
}
