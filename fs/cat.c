#include "fs/cat.h"

#include "fs/log.h"
#include "fs/status.h"
#include "meta/documents.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

/* Where the answer of the store arrives. */
struct landing {
	pthread_mutex_t lock; /* guards `answered` */
	pthread_cond_t arrived;
	bool answered;
	struct text bytes;
	int error;
};

static void land(void *data, const struct answer *a)
{
	struct landing *c = data;
	if (a->kind == ANSWER_BYTES)
		text_addn(&c->bytes, (const char *)a->bytes, a->len);
	else
		c->error = a->error != 0 ? a->error : EIO;
	pthread_mutex_lock(&c->lock);
	c->answered = true;
	pthread_cond_signal(&c->arrived);
	pthread_mutex_unlock(&c->lock);
}

/* One line that says what the log would have said in many. */
static int cannot_be_made(int code, struct err *err)
{
	struct log_entry CLEANUP(freep) *e = calloc(32, sizeof(*e));
	if (e == NULL)
		return err_oom(err);
	size_t n = log_recent(e);
	if (n == 0)
		return err_set(err, code, "cannot be made: %s", strerror(code));
	struct text CLEANUP(text_done) more = { 0 };
	if (n > 1)
		text_addf(&more, " (and %zu more)", n - 1);
	return err_set(err, code, "cannot be made: %s: %s%s", e[0].what, e[0].msg,
		       more.s != NULL ? more.s : "");
}

static int get_chunk(struct engine *e, const struct node *n, struct text *out, struct err *err)
{
	int rc = engine_start(e, err);
	if (rc != 0)
		return rc;
	struct landing c = { .lock = PTHREAD_MUTEX_INITIALIZER,
			     .arrived = PTHREAD_COND_INITIALIZER };
	struct get get = {
		.key = engine_key(e->data, n->image, n->array, n->index),
		.kind = WAIT_TAKE,
		.done = land,
		.data = &c,
	};
	log_forget();
	store_get(e->store, &get);
	pthread_mutex_lock(&c.lock);
	while (!c.answered)
		pthread_cond_wait(&c.arrived, &c.lock);
	pthread_mutex_unlock(&c.lock);
	pthread_cond_destroy(&c.arrived);
	pthread_mutex_destroy(&c.lock);
	*out = c.bytes;
	if (c.error != 0)
		return cannot_be_made(c.error, err);
	log_tell();
	return out->oom ? err_oom(err) : 0;
}

/* Looks at the images that the path needs. */
static int resolve(struct engine *e, const struct tree *t, const char *path, struct node *out,
		   struct err *err)
{
	while (*path == '/')
		path++;
	int rc = tree_resolve(t, path, out);
	while (rc == -EAGAIN) {
		rc = engine_look(e, out->image, err);
		if (rc != 0)
			return rc;
		rc = tree_resolve(t, path, out);
	}
	if (rc == -ENOENT || rc == -ENOTDIR)
		return err_set(err, -rc, "no such file in the mount");
	const struct image *im =
		out->image < e->data->n_images ? &e->data->images[out->image] : NULL;
	if (rc == -EIO && im != NULL && image_state(im) == IMAGE_BAD)
		return err_set(err, EIO, "%s", im->why.msg);
	if (rc != 0)
		return err_set(err, -rc, "%s", strerror(-rc));
	if (node_is_dir(out))
		return err_set(err, EISDIR, "is a folder");
	return 0;
}

static int make_bytes(struct engine *e, const struct tree *t, const struct node *n,
		      struct text *out, struct err *err)
{
	if (n->kind == NODE_CHUNK)
		return get_chunk(e, n, out, err);
	if (n->kind == NODE_STATUS) {
		int rc = status_make(e, NULL, out);
		return rc != 0 ? err_oom(err) : 0;
	}
	uint32_t image;
	while (tree_needs_look(t, n, &image))
		if (engine_look(e, image, err) == -ENOMEM)
			return -ENOMEM;
	/* A mount of this image alone would be refused. */
	if (n->kind == NODE_ROOT_DOC && tree_image(t, n, &image) &&
	    image_state(&e->data->images[image]) == IMAGE_BAD) {
		*err = e->data->images[image].why;
		return -err->code;
	}
	int rc = document_make(t, n, out);
	if (rc != 0)
		return err_set(err, -rc, "the document cannot be made: %s", strerror(-rc));
	return out->oom ? err_oom(err) : 0;
}

int cat_run(struct engine *e, const struct options *o, FILE *out, struct err *err)
{
	struct tree t;
	tree_init(&t, e->data, false, o->v3);
	tree_show(&t, o->layout);
	struct node n;
	struct text CLEANUP(text_done) bytes = { 0 };
	int rc = resolve(e, &t, o->path, &n, err);
	if (rc == 0)
		rc = make_bytes(e, &t, &n, &bytes, err);
	if (rc != 0) {
		err_prefix(err, "%s", o->path);
		return rc;
	}
	if ((bytes.len > 0 && fwrite(bytes.s, 1, bytes.len, out) != bytes.len) || fflush(out) != 0)
		return err_set(err, errno, "standard output: %s", strerror(errno));
	return 0;
}
