#include "meta/look_plane.h"

#include "codec/text.h"
#include "meta/overview_find.h"
#include "meta/places.h"
#include "meta/scan.h"

#include <errno.h>
#include <string.h>

void look_file_init(struct look_file *f, const struct dataset *d)
{
	*f = (struct look_file){ .d = d, .file = PLANE_GAP, .fd = -1 };
}

static void close_file(struct look_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->file = PLANE_GAP;
}

void look_file_done(struct look_file *f)
{
	close_file(f);
	reader_buffer_done(&f->buffer);
}

int look_file_open(struct look_file *f, const struct plane *p, struct err *err)
{
	if (p->file == f->file)
		return 0;
	close_file(f);
	const struct source_file *sf = &f->d->files[p->file];
	if (sf->trouble != 0)
		return err_set(err, EBADMSG, "%s: %s", sf->path, source_file_trouble(sf));
	int fd = dataset_open(f->d, sf, true);
	if (fd < 0)
		return err_set(err, -fd, "%s: %s", sf->path, strerror(-fd));
	f->fd = fd;
	struct reader file = reader_fd(&f->fd, sf->size);
	f->reader = reader_buffered(&f->buffer, &file);
	struct err own = { 0 };
	int rc = tiff_header_read(&f->reader, &f->header, &own);
	if (rc != 0) {
		close_file(f);
		return err_set(err, -rc, "%s: %s", sf->path, own.msg);
	}
	f->file = p->file;
	return 0;
}

void look_forget_file(struct tiff_page *p)
{
	struct tiff_values none = { 0 };
	p->ifd = p->next_ifd = 0;
	p->offsets = p->counts = p->description = p->software = none;
	p->sub_ifds = p->nodata = p->colormap = p->jpeg_tables = none;
	p->lsm = p->uic1 = p->uic2 = p->uic3 = p->uic4 = p->nih = p->mm_metadata = none;
}

/* From the page of a plane to its overview; a smaller plane is none. That there is none is damage. */
static int find_overview(const struct source_file *sf, const struct tiff_page *want,
			 const struct reader *r, struct tiff_page *page, struct err *err)
{
	const struct tiff_place *p = &page->place;
	/* One page for many planes says nothing of each. */
	if (p->skip != 0 || p->bare || p->end != 0 || p->wraps)
		return err_set(err, EBADMSG, "its page is that of other planes, too");
	int rc = overview_find(r, want, sf->n_pages <= 1, page, err);
	if (rc == -ENOENT && err != NULL)
		err->code = EBADMSG;
	if (rc == -ENOENT)
		return -EBADMSG;
	if (rc == 0 && places_has(sf, page->ifd))
		return err_set(err, EBADMSG, "what could be its overview of %u x %u is a plane",
			       want->width, want->height);
	return rc;
}

/* The page of a plane, or of its stored overview where the image is made of those. */
static int read_page(const struct image *im, const struct source_file *sf, uint32_t number,
		     const struct reader *r, const struct tiff_header *h, struct tiff_page *out,
		     struct err *err)
{
	struct tiff_place place;
	int rc = places_get(sf, number, h, &place, err);
	if (rc == 0)
		rc = tiff_page_at(r, h, &place, out, err);
	return rc == 0 && im->first_level > 0 ? find_overview(sf, &im->kind, r, out, err) : rc;
}

int look_page(struct look_file *f, const struct image *im, const struct plane *p,
	      struct tiff_page *out, struct err *err)
{
	int rc = look_file_open(f, p, err);
	if (rc != 0)
		return rc;
	const struct source_file *sf = &f->d->files[p->file];
	struct err own = { 0 };
	rc = read_page(im, sf, p->page, &f->reader, &f->header, out, &own);
	if (rc == 0)
		return 0;
	if (sf->n_pages > 1)
		return err_set(err, -rc, "%s: page %u: %s", sf->path, p->page, own.msg);
	return err_set(err, -rc, "%s: %s", sf->path, own.msg);
}

bool look_compatible(const struct tiff_page *a, const struct tiff_page *b)
{
	return tiff_same_kind(a, b) && (a->samples == 1 || a->planar == b->planar);
}

/* What the samples mean, where their number does not say it. */
static void describe_colours(struct text *t, const struct tiff_page *p)
{
	static const struct {
		uint16_t number;
		const char *name;
	} names[] = { { 3, "palette" }, { 4, "mask" },	  { 5, "CMYK" },
		      { 6, "YCbCr" },	{ 8, "CIELab" },  { 9, "ICCLab" },
		      { 10, "ITULab" }, { 32803, "CFA" }, { 34892, "linear raw" } };
	uint16_t n = p->photometric;
	bool rgb = n == 2 || (n == 6 && p->compression == TIFF_COMPRESSION_JPEG);
	if (p->samples < 3 ? n <= 1 : rgb)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].number == n) {
			text_addf(t, " (%s)", names[i].name);
			return;
		}
	}
	text_addf(t, " (photometric %u)", n);
}

void look_describe(struct text *t, const struct tiff_page *p)
{
	text_addf(t, "%u x %u", p->width, p->height);
	if (p->samples > 1)
		text_addf(t, " x %u%s", p->samples, p->planar ? " (planar)" : "");
	enum dtype type;
	if (tiff_page_dtype(p, &type, NULL) == 0)
		text_addf(t, " %s", dtype_v3(type));
	else
		text_addf(t, " %u bit (format %u, %s)", p->bits, p->sample_format,
			  tiff_compression_name(p->compression));
	describe_colours(t, p);
}

int image_page_read(const struct dataset *d, const struct image *im, const struct plane *p,
		    const struct reader *r, struct tiff_page *out, struct err *err)
{
	if (p->file == PLANE_GAP || p->file >= d->n_files)
		return err_set(err, ENOENT, "no file has this plane");
	const struct source_file *sf = &d->files[p->file];
	if (sf->trouble != 0)
		return err_set(err, EBADMSG, "%s", source_file_trouble(sf));
	struct tiff_header h;
	int rc = tiff_header_read(r, &h, err);
	if (rc == 0)
		rc = read_page(im, sf, p->page, r, &h, out, err);
	enum dtype type = im->stored;
	if (rc == 0)
		rc = tiff_page_dtype(out, &type, err);
	if (rc != 0)
		return rc;
	if (type == im->stored && look_compatible(out, &im->kind))
		return 0;
	struct text CLEANUP(text_done) is = { 0 }, want = { 0 };
	look_describe(&is, out);
	look_describe(&want, &im->kind);
	if (is.oom || want.oom)
		return err_oom(err);
	if (strcmp(is.s, want.s) == 0)
		return err_set(err, EBADMSG,
			       "the page has other colours (photometric %u) than its image (%u)",
			       out->photometric, im->kind.photometric);
	return err_set(err, EBADMSG, "the page is %s, its image is %s", is.s, want.s);
}
