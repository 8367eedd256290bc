#include "fs/ops_attr.h"

static const int64_t second_ns = 1000000000;

/* What the sources say of a node's owner, readers and age. */
struct source_attr {
	uint32_t mode, uid, gid;
	int64_t mtime_ns;
};

static struct source_attr source_of(const struct tree *t, const struct node *n)
{
	const struct dataset *d = t->data;
	size_t image = n->image;
	switch (n->kind) {
	case NODE_ROOT:
	case NODE_STATUS_DIR:
	case NODE_STATUS:
		return (struct source_attr){ d->mode, d->uid, d->gid, d->mtime_ns };
	case NODE_ROOT_DOC:
		if (dataset_shown(d) != 1)
			return (struct source_attr){ d->mode, d->uid, d->gid, d->mtime_ns };
		image = 0; /* whose document it repeats */
		break;
	case NODE_GROUP:
	case NODE_GROUP_DOC:
		image = d->images[image].parent;
		break;
	case NODE_IMAGE:
	case NODE_IMAGE_DOC:
	case NODE_ARRAY:
	case NODE_ARRAY_DOC:
	case NODE_CHUNK_DIR:
	case NODE_CHUNK:
	case NODE_LAYER:
	case NODE_LAYER_DOC:
		break;
	}
	const struct image *im = &d->images[image];
	return (struct source_attr){ im->mode, im->uid, im->gid, im->mtime_ns };
}

static struct timespec timespec_of(int64_t ns)
{
	int64_t s = ns / second_ns, rest = ns % second_ns;
	if (rest < 0) {
		rest += second_ns;
		s--;
	}
	return (struct timespec){ .tv_sec = s, .tv_nsec = rest };
}

void attr_fill(const struct tree *t, const struct node *n, uint64_t size, struct stat *st)
{
	struct source_attr a = source_of(t, n);
	uint32_t may_read = a.mode & 0444;
	*st = (struct stat){ 0 };
	st->st_ino = tree_number(t, n);
	st->st_uid = a.uid;
	st->st_gid = a.gid;
	st->st_mtim = st->st_atim = st->st_ctim = timespec_of(a.mtime_ns);
	st->st_blksize = 4096;
	if (node_is_dir(n)) {
		st->st_mode = S_IFDIR | may_read | may_read >> 2;
		st->st_nlink = 2;
	} else {
		st->st_mode = S_IFREG | may_read;
		st->st_nlink = 1;
		st->st_size = (int64_t)size;
		st->st_blocks = (int64_t)ceil_div(size, 512);
	}
}
