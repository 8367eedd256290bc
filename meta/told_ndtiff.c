#include "meta/told_ndtiff.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "meta/told_ndtiff_facts.h"

enum { INDEX_MAX = 1 << 29 };

/* Types of pixels: 8 bit, 16 bit, RGB of 8 bit, and 10, 12, 14, 11 of 16 bit. */
static const unsigned type_bits[] = { 0, 0, 0, 10, 12, 14, 11 };

static bool is_known(uint32_t type)
{
	return type < ARRAY_SIZE(type_bits);
}

/* Types that differ in significant bits alone are stored alike. */
static bool is_16_bit(uint32_t type)
{
	return is_known(type) && type != 0 && type != 2;
}

static bool is_alike(const struct nd_record *a, const struct nd_record *b)
{
	bool type = a->type == b->type || (is_16_bit(a->type) && is_16_bit(b->type));
	return a->width == b->width && a->height == b->height && type;
}

/* For each file the record whose pixels come first, of which the file's first page is. NULL: no memory. */
static uint32_t *find_first_pages(const struct nd_index *x)
{
	uint32_t *first = reallocarray(NULL, x->file_ranks.n, sizeof(*first));
	if (first == NULL)
		return NULL;
	for (uint32_t i = 0; i < x->file_ranks.n; i++)
		first[i] = UINT32_MAX;
	for (size_t i = 0; i < x->n; i++) {
		uint32_t *f = &first[x->records[i].file];
		if (*f == UINT32_MAX || x->records[i].at < x->records[*f].at)
			*f = (uint32_t)i;
	}
	return first;
}

/* Whether there may be so many planes: most of them may be missing, but not nearly all. */
static bool is_plausible(const struct nd_index *x, const struct nd_axes *a)
{
	enum { ALWAYS = 1 << 22, TIMES = 256 };
	uint64_t all = a->n_images;
	for (int k = 0; k < TOLD_AXES; k++)
		if (!mul_u64(all, a->n[k], &all))
			return false;
	return a->n_images <= TOLD_MAX_IMAGES && all <= TOLD_MAX_PLANES &&
	       (all <= ALWAYS || all <= TIMES * (uint64_t)x->n);
}

static int add_images(const struct nd_index *x, const struct nd_axes *a, struct told *out,
		      struct err *err)
{
	for (uint32_t i = 0; i < a->n_images; i++) {
		struct told_image *im = told_add_image(out, a->n, err);
		if (im == NULL)
			return -ENOMEM;
		if (a->n_other > 0) {
			struct text key = { 0 };
			nd_axes_key(x, a, i, &key);
			im->key = key.s;
			if (key.oom)
				return err_oom(err);
		}
	}
	return 0;
}

static int add_files(const struct nd_index *x, struct told *out, struct err *err)
{
	uint32_t file;
	for (uint32_t i = 0; i < x->file_ranks.n; i++) {
		int rc = told_add_file(out, x->files[i], &file);
		if (rc == -EOVERFLOW)
			return err_set(err, EOVERFLOW, "NDTiff.index names more than %d files",
				       TOLD_MAX_FILES);
		if (rc != 0)
			return err_oom(err);
	}
	return 0;
}

/* Of records of the same plane the last one counts. */
static int put_planes(const struct nd_index *x, const struct nd_axes *a, struct told *out,
		      struct err *err)
{
	size_t lost = 0;
	CLEANUP(freep) uint32_t *first = find_first_pages(x);
	if (first == NULL)
		return err_oom(err);
	for (size_t i = 0; i < x->n; i++) {
		const struct nd_record *r = &x->records[i];
		struct told_plane *p =
			told_plane(&out->images[a->image_of[i]], nd_index_on(x, a, i, TOLD_T),
				   nd_index_on(x, a, i, TOLD_C), nd_index_on(x, a, i, TOLD_Z));
		/* Its pixels are not as those of the file's first page. No IFD lies at 0: it is claimed, and damaged. */
		bool bare =
			!r->packed && is_known(r->type) && is_alike(r, &x->records[first[r->file]]);
		lost += !bare;
		*p = (struct told_plane){ .file = r->file,
					  .where = bare ? TOLD_BARE : TOLD_IFD,
					  .at = bare ? r->at : 0 };
	}
	if (lost > 0)
		told_note(out,
			  "NDTiff: %zu planes are compressed, or of another size or type than the "
			  "first page of their file",
			  lost);
	return 0;
}

static int tell(const struct told_source *s, const struct nd_index *x, struct told *out,
		struct err *err)
{
	struct nd_axes CLEANUP(nd_axes_done) a = { 0 };
	if (nd_axes_find(x, &a) != 0)
		return err_oom(err);
	if (!is_plausible(x, &a))
		return err_set(err, ENOTSUP,
			       "NDTiff.index: %zu planes lie scattered over %" PRIu32
			       " images of %" PRIu64 " x %" PRIu64 " x %" PRIu64 " (t, c, z)",
			       x->n, a.n_images, a.n[TOLD_T], a.n[TOLD_C], a.n[TOLD_Z]);
	out->kind = "NDTiff";
	int rc = add_images(x, &a, out, err);
	if (rc == 0)
		rc = add_files(x, out, err);
	if (rc == 0)
		rc = put_planes(x, &a, out, err);
	if (rc == 0) {
		uint32_t type = x->records[0].type;
		out->images[0].bits = is_known(type) ? type_bits[type] : 0;
		rc = nd_facts(s, x, &a, &out->images[0], err);
	}
	for (size_t i = 1; rc == 0 && i < out->n_images; i++)
		if (told_copy_facts(&out->images[0], &out->images[i]) != 0)
			rc = err_oom(err);
	return rc != 0 ? rc : 1;
}

int told_ndtiff(const struct told_source *s, struct told *out, struct err *err)
{
	struct nd_index CLEANUP(nd_index_done) x = { 0 };
	CLEANUP(freep) char *bytes = NULL;
	size_t len = 0;
	if (s->r != NULL)
		return 0;
	int rc = s->beside(s->ctx, s->name, INDEX_MAX, &bytes, &len);
	if (rc == -EFBIG)
		return err_set(err, ENOTSUP, "NDTiff.index of more than %d MiB", INDEX_MAX >> 20);
	if (rc != 0)
		return err_set(err, -rc, "%s", strerror(-rc));
	if (nd_index_read(bytes, len, &x) != 0)
		return err_oom(err);
	if (x.cut)
		told_note(out, "NDTiff.index is cut off or damaged after %zu planes", x.n);
	if (x.n == 0) {
		told_note(out, "NDTiff.index tells of no planes");
		return 0;
	}
	return tell(s, &x, out, err);
}
