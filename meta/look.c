#include "meta/scan.h"

#include "meta/channels.h"
#include "meta/label_colors.h"
#include "meta/label_look.h"
#include "meta/look_grid.h"
#include "meta/look_levels.h"
#include "meta/look_plane.h"
#include "meta/look_sample.h"
#include "meta/look_voxel.h"
#include "meta/overviews.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { NEIGHBOURS = 64 };

/* A page that may stand for the image. */
struct candidate {
	uint64_t at; /* position among the image's existing planes */
	struct tiff_page page;
};

struct candidates {
	struct candidate v[3]; /* of the first, middle and last plane, as far as readable */
	size_t n;
	struct err first_error;
};

/* The first, the middle and the last plane, read at once where they lie in different files. */
struct ahead {
	uint64_t at[3];
	struct tiff_page page[3];
	struct err err[3];
	int rc[3];
	size_t n;
};

struct look {
	struct dataset *d;
	struct image *im;
	const struct scan_options *opts;
	struct look_file file;
	struct ahead ahead;
	uint32_t *planes; /* indices of the planes that something claims */
	uint64_t n;
};

static void look_done(struct look *k)
{
	look_file_done(&k->file);
	free(k->planes);
}

static const struct plane *plane_at(const struct look *k, uint64_t at)
{
	return &k->im->planes[k->planes[at]];
}

static int list_planes(struct look *k, struct err *err)
{
	uint64_t total = k->im->n_t * k->im->n_c * k->im->n_z;
	k->planes = calloc(total + 1, sizeof(*k->planes));
	if (k->planes == NULL)
		return err_oom(err);
	for (uint64_t i = 0; i < total; i++)
		if (k->im->planes[i].file != PLANE_GAP)
			k->planes[k->n++] = (uint32_t)i;
	return k->n > 0 ? 0 : err_set(err, EBADMSG, "no file has a plane of this image");
}

static void read_ahead_one(void *arg, size_t i)
{
	struct look *k = arg;
	struct ahead *a = &k->ahead;
	struct look_file CLEANUP(look_file_done) file;
	look_file_init(&file, k->d);
	a->rc[i] = look_page(&file, k->im, plane_at(k, a->at[i]), &a->page[i], &a->err[i]);
}

static void read_ahead(struct look *k)
{
	const uint64_t at[] = { 0, (k->n - 1) / 2, k->n - 1 };
	struct ahead *a = &k->ahead;
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		if (i == 0 || plane_at(k, at[i])->file != plane_at(k, a->at[a->n - 1])->file)
			a->at[a->n++] = at[i];
	if (a->n > 1)
		each_run(&k->opts->each, a->n, read_ahead_one, k);
	else
		a->n = 0;
}

static int read_candidate(struct look *k, uint64_t at, struct tiff_page *out, struct err *err)
{
	const struct ahead *a = &k->ahead;
	for (size_t i = 0; i < a->n; i++) {
		if (a->at[i] != at)
			continue;
		*out = a->page[i];
		*err = a->err[i];
		return a->rc[i];
	}
	return look_page(&k->file, k->im, plane_at(k, at), out, err);
}

/* The plane at `at`, or the next readable one in direction `step`. -ENOMEM only. */
static int add_candidate(struct look *k, uint64_t at, int step, struct candidates *c)
{
	for (unsigned tries = 0; tries < NEIGHBOURS && at < k->n; tries++, at += (uint64_t)step) {
		for (size_t i = 0; i < c->n; i++)
			if (c->v[i].at == at)
				return 0;
		struct err own = { 0 };
		struct candidate *new = &c->v[c->n];
		int rc = read_candidate(k, at, &new->page, &own);
		if (rc == -ENOMEM)
			return rc;
		if (rc == 0) {
			new->at = at;
			c->n++;
			return 0;
		}
		if (c->first_error.code == 0)
			c->first_error = own;
	}
	return 0;
}

static const char *path_at(const struct look *k, uint64_t at)
{
	return k->d->files[plane_at(k, at)->file].path;
}

static int no_two_agree(const struct look *k, const struct candidates *c, struct err *err)
{
	const struct candidate *a = &c->v[0], *b = &c->v[c->n - 1];
	struct text CLEANUP(text_done) ta = { 0 }, tb = { 0 };
	look_describe(&ta, &a->page);
	look_describe(&tb, &b->page);
	if (ta.oom || tb.oom)
		return err_oom(err);
	return err_set(err, EBADMSG,
		       "'%s' is %s, '%s' is %s: these are no planes of one image; --group none "
		       "makes each file an image",
		       path_at(k, a->at), ta.s, path_at(k, b->at), tb.s);
}

/* The kind of at least two of the first, middle and last plane. */
static int choose_kind(struct look *k, const struct candidates *c, uint64_t *at, struct err *err)
{
	if (c->n == 0)
		return err_set(err, EBADMSG, "%s", c->first_error.msg);
	const struct candidate *v = c->v;
	size_t best = 0;
	bool agree = c->n == 1 || look_compatible(&v[0].page, &v[1].page) ||
		     (c->n == 3 && look_compatible(&v[0].page, &v[2].page));
	if (!agree && c->n == 3 && look_compatible(&v[1].page, &v[2].page)) {
		best = 1;
		agree = true;
	}
	if (!agree)
		return no_two_agree(k, c, err);
	*at = v[best].at;
	k->im->kind = v[best].page;
	struct err own = { 0 };
	int rc = tiff_page_dtype(&v[best].page, &k->im->stored, &own);
	k->im->dtype = k->im->stored;
	if (rc == 0 && k->im->label != NULL)
		label_dtype(k->im);
	if (rc != 0)
		return err_set(err, -rc, "%s: %s", path_at(k, *at), own.msg);
	return 0;
}

/* Its files tell of planes that cannot be laid out. */
static int check_refused(const struct look *k, struct err *err)
{
	return k->im->refused == NULL ? 0 : err_set(err, ENOTSUP, "%s", k->im->refused);
}

/* As asked for; NULL: to be chosen. An array without z has chunks without depth; a label takes the axes of its image. */
static const uint64_t *chunk_asked(const struct look *k, uint64_t shape[3])
{
	const struct image *im = k->im;
	const struct image *axes = im->label != NULL ? &k->d->images[im->parent] : im;
	memcpy(shape, k->opts->chunk_shape, sizeof(k->opts->chunk_shape));
	if (shape[0] == 0)
		return NULL;
	if (!axes->has_z)
		shape[0] = 1;
	return shape;
}

/* Voxels that are not of the type that the file has, or of which programs differ. */
static void warn_widened(struct image *im, const struct tiff_page *p)
{
	if (tiff_is_sgilog(p))
		image_warn(im, "%s: given as floats, %s", p->samples == 1 ? "LogL" : "LogLuv",
			   p->samples == 1 ? "luminance" : "CIE X, Y and Z");
	else if (p->sample_format == TIFF_FORMAT_FLOAT && tiff_is_widened(p))
		image_warn(im, "float%u: given as float32, of the same value", p->bits);
	else if (p->bits == 24)
		image_warn(im, "24 bit: taken in the file's byte order, as libtiff does; other "
			       "programs take the highest byte first always");
	if (p->sample_format == TIFF_FORMAT_VOID)
		image_warn(im, "SampleFormat 4 (undefined): taken for unsigned integers");
}

static void warn_kind(struct image *im)
{
	const struct tiff_page *p = &im->kind;
	im->orientation = p->orientation;
	if (p->orientation > 1)
		image_warn(im, "orientation %u is not applied: pixels are shown as stored",
			   p->orientation);
	if (p->photometric == 0)
		image_warn(im, "WhiteIsZero: values are as stored, 0 is white");
	warn_widened(im, p);
	if (p->photometric == 3)
		image_warn(im, "palette: the values are indices, the colour map is not applied");
	if (im->dtype == DTYPE_U64 || im->dtype == DTYPE_I64)
		image_warn(im,
			   "%s: neuroglancer shows it as a segmentation only, and WEBKNOSSOS "
			   "not as a colour layer",
			   dtype_v3(im->dtype));
	if (im->dtype == DTYPE_F64)
		image_warn(im, "float64: neuroglancer cannot show it");
}

/* What an image has and a label has not, which takes it from its image. */
static int set_facts(struct look *k, uint64_t at, struct err *err)
{
	int rc = look_voxel(k->im, path_at(k, at), k->opts, err);
	if (rc == 0)
		rc = channels_make(k->im, k->opts, err);
	if (rc == 0)
		warn_kind(k->im);
	return rc;
}

static int set_label(struct look *k, uint64_t at, struct err *err)
{
	struct err own = { 0 };
	int rc = look_file_open(&k->file, plane_at(k, at), err);
	if (rc != 0)
		return rc;
	if (label_colors_begin(k->im, &k->file.reader, &own) != 0)
		return err_oom(err);
	if (own.code != 0)
		image_warn(k->im, "%s: the palette is not used: %s", path_at(k, at), own.msg);
	return 0;
}

/* An average of ids is another id, and what lies behind the planes of an LSM are pictures of them. */
static bool wants_overviews(const struct look *k)
{
	if (!k->opts->use_overviews)
		return false;
	bool lsm = k->im->told_kind != NULL && strcmp(k->im->told_kind, "LSM") == 0;
	if (lsm || k->opts->segmentation)
		image_warn(k->im, "--overviews use: %s are computed",
			   lsm ? "levels of an LSM" : "levels of a segmentation");
	return !lsm && !k->opts->segmentation;
}

static int look(struct look *k, bool all, struct err *err)
{
	int rc = list_planes(k, err);
	if (rc != 0)
		return rc;
	read_ahead(k);
	struct candidates c = { .n = 0 };
	if (add_candidate(k, 0, 1, &c) != 0 || add_candidate(k, (k->n - 1) / 2, 1, &c) != 0 ||
	    add_candidate(k, k->n - 1, -1, &c) != 0)
		return err_oom(err);
	uint64_t at = 0;
	rc = choose_kind(k, &c, &at, err);
	if (rc == 0)
		rc = check_refused(k, err);
	uint64_t shape[3];
	if (rc == 0)
		rc = look_grid(k->im, chunk_asked(k, shape), err);
	if (rc == 0)
		rc = k->im->label != NULL ? set_label(k, at, err) : set_facts(k, at, err);
	if (rc != 0)
		return rc;
	struct look_samples samples = {
		.d = k->d, .planes = k->planes, .n = k->n, .all = all, .each = &k->opts->each
	};
	rc = look_samples(k->im, &samples, err);
	/* A label's follow from its image's voxels. */
	const struct overview_search overviews = {
		.d = k->d, .plane = plane_at(k, at), .opts = k->opts, .samples = &samples
	};
	if (rc == 0 && k->im->label == NULL)
		rc = look_levels(k->d, k->im, k->opts, wants_overviews(k) ? &overviews : NULL, err);
	look_forget_file(&k->im->kind);
	return rc;
}

int dataset_look(struct dataset *d, size_t image, const struct scan_options *opts, bool all,
		 struct err *err)
{
	struct image *im = &d->images[image];
	struct look CLEANUP(look_done) k = { .d = d, .im = im, .opts = opts };
	look_file_init(&k.file, d);
	image_forget(im);
	struct err own = { 0 };
	int rc = look(&k, all, &own);
	if (rc == 0)
		return 0;
	im->why = own;
	if (err != NULL)
		*err = own;
	return rc;
}
