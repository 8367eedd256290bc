#include "meta/tell.h"

#include <errno.h>
#include <string.h>

#include "meta/image.h"
#include "meta/tell_beside.h"
#include "meta/told_fluoview.h"
#include "meta/told_imagej.h"
#include "meta/told_lsm.h"
#include "meta/told_metadata.h"
#include "meta/told_mmstack.h"
#include "meta/told_ndtiff.h"
#include "meta/told_nih.h"
#include "meta/told_ome.h"
#include "meta/told_scanimage.h"
#include "meta/told_shaped.h"
#include "meta/told_stk.h"
#include "meta/walk.h"

/* Where a file could be read in two ways, the first one is right: programs of microscopes also write an OME-XML,
 * or a description as ImageJ's, for others to read. */
static told_reader *const readers[] = { told_mmstack,  told_lsm,     told_stk,	     told_ome,
					told_imagej,   told_shaped,  told_scanimage, told_nih,
					told_fluoview, told_metadata };

void telling_done(struct telling *t)
{
	told_done(&t->told);
	*t = (struct telling){ 0 };
}

/* Whether the plane has a place; pages of other files may be there. */
static bool is_somewhere(const struct told_source *s, const struct told *t,
			 const struct told_plane *p)
{
	bool own = p->where == TOLD_PAGE && t->files[p->file] == NULL;
	return p->where != TOLD_GAP && (!own || p->at < s->n_pages);
}

/* A table of planes is made on the word of a text: a good part of a long one must be somewhere. */
static bool is_plausible(const struct told_source *s, const struct told *t,
			 const struct told_image *im)
{
	uint64_t n = told_n_planes(im), found = 0;
	/* Files that share an image claim but a few of its planes each; their reader bounds them. */
	if (t->run != NULL)
		return true;
	for (uint64_t i = 0; n > TOLD_FEW_PLANES && i < n; i++)
		found += is_somewhere(s, t, &im->planes[i]);
	return n <= TOLD_FEW_PLANES || found >= n / TOLD_TIMES;
}

static int check_claims(const struct told_source *s, const struct told *t, struct err *err)
{
	/* Others of its run may hold the rest, and times that nobody wrote are trimmed when all have been asked. */
	if (t->run != NULL)
		return 0;
	for (size_t i = 0; i < t->n_images; i++)
		if (!is_plausible(s, t, &t->images[i]))
			return err_set(
				err, ENOTSUP,
				"by its %s it has %llu planes, nearly all of which lie nowhere",
				t->kind, (unsigned long long)told_n_planes(&t->images[i]));
	return 0;
}

static void ask(const struct told_source *s, told_reader *const *who, size_t n, struct telling *out)
{
	*out = (struct telling){ 0 };
	for (size_t i = 0; i < n && out->rc == 0; i++) {
		out->rc = who[i](s, &out->told, &out->err);
		if (out->rc == 1 && check_claims(s, &out->told, &out->err) != 0)
			out->rc = -ENOTSUP;
		if (out->rc <= 0)
			told_clear(&out->told);
	}
	if (out->rc >= 0 && out->told.notes.oom)
		out->rc = err_oom(&out->err);
}

void tell_file(const struct dataset *d, const char *path, const struct reader *r,
	       const struct pages *pages, struct telling *out)
{
	*out = (struct telling){ 0 };
	struct tiff_header h;
	struct tiff_page first;
	struct err own = { 0 };
	int rc = tiff_header_read(r, &h, &own);
	if (rc == 0)
		rc = tiff_page_read(r, &h, pages->chain[0], &first, &own);
	if (rc != 0) {
		if (err_is_passing(rc)) {
			out->rc = rc;
			out->err = own;
		}
		return;
	}
	struct beside b = beside_of(d, path);
	const struct told_source s = {
		.r = r,
		.name = path + path_folder(path),
		.first = &first,
		.ifds = pages->chain,
		.n_pages = pages->n_chain,
		.cut = pages->cut,
		.kinds = pages->kinds,
		.beside = beside_read,
		.beside_at = beside_read_at,
		.ctx = &b,
	};
	ask(&s, readers, ARRAY_SIZE(readers), out);
}

static bool is_ndtiff(const char *name)
{
	return strcmp(name, "NDTiff.index") == 0;
}

size_t tell_index_stem(const char *name)
{
	static const char companion[] = ".companion.ome";
	size_t n = strlen(name), len = sizeof(companion) - 1;
	if (is_ndtiff(name))
		return strlen("NDTiff");
	return n > len && strcmp(name + n - len, companion) == 0 ? n - len : 0;
}

bool tell_is_index(const char *name)
{
	return tell_index_stem(name) > 0;
}

void tell_index(const struct dataset *d, const char *path, struct telling *out)
{
	struct beside b = beside_of(d, path);
	const struct told_source s = { .name = path + path_folder(path),
				       .beside = beside_read,
				       .beside_at = beside_read_at,
				       .ctx = &b };
	told_reader *const who = is_ndtiff(s.name) ? told_ndtiff : told_ome;
	ask(&s, &who, 1, out);
}

int tell_is_shared(const struct reader *r)
{
	enum { HEAD = 4096 };
	struct tiff_header h;
	struct tiff_page p;
	int rc = tiff_header_read(r, &h, NULL);
	if (rc == 0)
		rc = tiff_page_read(r, &h, h.first_ifd, &p, NULL);
	if (rc == 0)
		rc = mmstack_is_one(r, &h, NULL);
	if (rc != 0)
		return rc > 0 || err_is_passing(rc) ? rc : 0;
	CLEANUP(freep) char *head = NULL;
	size_t len = 0;
	rc = tiff_text_read(r, &p.description, HEAD, &head, &len, NULL);
	if (rc != 0)
		return err_is_passing(rc) ? rc : 0;
	return strstr(head, "<OME") != NULL || strstr(head, ":OME") != NULL;
}

bool told_reaches_out(const struct told *t)
{
	for (size_t i = 0; i < t->n_files; i++)
		if (t->files[i] != NULL)
			return true;
	return false;
}
