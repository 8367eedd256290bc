#include "meta/told_ome.h"

#include <errno.h>
#include <string.h>

#include "meta/told_ome_channels.h"
#include "meta/told_ome_facts.h"

static int read_image(struct ome_layout *l, size_t i, struct err *err)
{
	const struct ome_image *im = &l->doc->xml.images[i];
	if (!im->has_pixels || (im->elsewhere && im->n_tiffdata == 0)) {
		ome_note(l, i, "%s; it is left out",
			 im->has_pixels ? "its voxels are in the XML, or nowhere"
					: "it has no Pixels");
		return 0;
	}
	if (l->doc->xml.n_tiffdata > 0 && im->n_tiffdata == 0) {
		ome_note(l, i, "it has no TiffData and is left out");
		return 0;
	}
	if (im->more_pixels)
		ome_note(l, i, "it has several Pixels, of which the first counts");
	struct ome_first_page first = { 0 };
	int r = ome_first_page(l, im, &first, err);
	if (r == 0)
		r = ome_planes(l, i, &first, err);
	if (r <= 0)
		return r;
	struct told_image *out = &l->out->images[l->out->n_images - 1];
	r = ome_channels(l, i, &first, out);
	if (r == 0)
		r = ome_facts(l, i, &first, out);
	return r < 0 ? err_oom(err) : 0;
}

static int read_images(const struct told_source *s, const struct ome_doc *d, struct told *out,
		       struct err *err)
{
	CLEANUP(ome_files_done) struct ome_files files = { 0 };
	struct ome_layout l = { .s = s, .doc = d, .files = &files, .out = out };
	int r = ome_files_find(s, d, out, &files, err);
	for (size_t i = 0; i < d->xml.n_images && r == 0; i++)
		r = read_image(&l, i, err);
	return r;
}

static void say_modulo(const struct ome_xml *x, struct told *out)
{
	static const char letters[TOLD_AXES] = { [TOLD_T] = 'T', [TOLD_C] = 'C', [TOLD_Z] = 'Z' };
	for (size_t a = 0; a < TOLD_AXES; a++)
		if (x->modulo[a])
			told_note(out,
				  "OME-XML splits axis %c in two (ModuloAlong%c); it stays one",
				  letters[a], letters[a]);
}

int told_ome(const struct told_source *s, struct told *out, struct err *err)
{
	CLEANUP(ome_doc_done) struct ome_doc d = { 0 };
	struct err own = { 0 };
	int r = ome_doc_read(s, &d, out, &own);
	if (r > 0) {
		r = read_images(s, &d, out, &own);
		if (r == 0 && out->n_images > 0) {
			out->kind = "OME-XML";
			say_modulo(&d.xml, out);
			return 1;
		}
		if (r == 0 && d.xml.n_images == 0)
			told_note(out, "its OME-XML tells of no image");
	}
	told_clear(out);
	if (r == -EOVERFLOW) {
		told_note(out, "its OME-XML is ignored: %s", own.msg);
		return 0;
	}
	if (r < 0 && err != NULL)
		*err = own;
	return r;
}
