#include "codec/unit_libtiff.h"

#include "codec/unit_header.h"
#include "codec/unit_peek.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <tiffio.h>

enum { HANDLES = 8, MAX_DICTIONARY = 64 << 20, MAX_ALLOC = 256 << 20 };

/* What libtiff said since the last reset: its first error, else its first warning. */
struct complaint {
	bool error, warning;
	char text[200];
};

struct handle {
	TIFF *tiff; /* NULL: the slot is free */
	struct unit_tags tags;
	uint8_t *tables, *header;
	size_t n_tables, n_header;
	uint64_t position; /* of libtiff in the header */
	uint64_t used;	   /* when, by the pool's clock */
	struct complaint said;
};

struct unit_handles {
	struct handle slots[HANDLES];
	uint64_t clock;
};

struct unit_handles *unit_handles_new(void)
{
	return calloc(1, sizeof(struct unit_handles));
}

static void handle_close(struct handle *h)
{
	if (h->tiff != NULL)
		TIFFClose(h->tiff);
	free(h->tables);
	free(h->header);
	*h = (struct handle){ 0 };
}

void unit_handles_free(struct unit_handles *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < HANDLES; i++)
		handle_close(&h->slots[i]);
	free(h);
}

/* ---- what libtiff calls ---- */

static void PRINTF(2, 0) keep_text(struct complaint *c, const char *fmt, va_list ap)
{
	vsnprintf(c->text, sizeof(c->text), fmt, ap);
	size_t n = strlen(c->text);
	while (n > 0 && (c->text[n - 1] == '.' || c->text[n - 1] == '\n'))
		c->text[--n] = '\0';
}

static int PRINTF(4, 0)
	on_error(UNUSED TIFF *t, void *user, UNUSED const char *module, const char *fmt, va_list ap)
{
	struct complaint *c = user;
	if (!c->error)
		keep_text(c, fmt, ap);
	c->error = true;
	return 1;
}

static int PRINTF(4, 0) on_warning(UNUSED TIFF *t, void *user, UNUSED const char *module,
				   const char *fmt, va_list ap)
{
	struct complaint *c = user;
	if (!c->error && !c->warning)
		keep_text(c, fmt, ap);
	c->warning = true;
	return 1;
}

static tmsize_t on_read(thandle_t client, void *buf, tmsize_t n)
{
	struct handle *h = client;
	if (n <= 0 || h->position >= h->n_header)
		return 0;
	size_t got = min_u64((uint64_t)n, h->n_header - h->position);
	memcpy(buf, h->header + h->position, got);
	h->position += got;
	return (tmsize_t)got;
}

static tmsize_t on_write(UNUSED thandle_t client, UNUSED void *buf, UNUSED tmsize_t n)
{
	return 0;
}

static toff_t on_size(UNUSED thandle_t client)
{
	/* Far more than any offset in the header, or libtiff would mend the table of byte counts. */
	return (toff_t)1 << 31;
}

static toff_t on_seek(thandle_t client, toff_t off, int whence)
{
	struct handle *h = client;
	uint64_t from = whence == SEEK_CUR ? h->position : whence == SEEK_END ? on_size(client) : 0;
	h->position = from + off;
	return h->position;
}

static int on_close(UNUSED thandle_t client)
{
	return 0;
}

/* ---- the pool ---- */

/* libtiff has no code for it, but malloc leaves its errno behind. Its own limits of size do not. */
static bool was_out_of_memory(void)
{
	return errno == ENOMEM;
}

static bool handle_fits(const struct handle *h, const struct unit_tags *tags,
			const struct reader_bytes *tables)
{
	size_t n = tables != NULL ? tables->len : 0;
	return h->tiff != NULL && memcmp(&h->tags, tags, sizeof(*tags)) == 0 && h->n_tables == n &&
	       (n == 0 || memcmp(h->tables, tables->bytes, n) == 0);
}

static int handle_open(struct handle *h, const struct unit_tags *tags,
		       const struct reader_bytes *tables, struct err *err)
{
	h->tags = *tags;
	if (tables != NULL && tables->len != 0) {
		h->tables = malloc(tables->len);
		if (h->tables == NULL)
			return err_oom(err);
		memcpy(h->tables, tables->bytes, tables->len);
		h->n_tables = tables->len;
	}
	TIFFOpenOptions *o = TIFFOpenOptionsAlloc();
	if (o == NULL || unit_header_make(tags, tables, &h->header, &h->n_header) != 0) {
		TIFFOpenOptionsFree(o);
		return err_oom(err);
	}
	TIFFOpenOptionsSetMaxSingleMemAlloc(o, MAX_ALLOC);
	TIFFOpenOptionsSetErrorHandlerExtR(o, on_error, &h->said);
	TIFFOpenOptionsSetWarningHandlerExtR(o, on_warning, &h->said);
	errno = 0;
	/* m: no mapping; c: strips stay whole. */
	h->tiff = TIFFClientOpenExt("unit", "rmc", h, on_read, on_write, on_seek, on_close, on_size,
				    NULL, NULL, o);
	TIFFOpenOptionsFree(o);
	if (h->tiff == NULL && was_out_of_memory())
		return err_oom(err);
	if (h->tiff == NULL)
		return err_set(err, EBADMSG, "%s: libtiff refuses the page's tags (%s)",
			       tiff_compression_name((uint16_t)tags->compression), h->said.text);
	if (tags->photometric == TIFF_YCBCR)
		TIFFSetField(h->tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
	if (tags->compression == TIFF_COMPRESSION_SGILOG ||
	    tags->compression == TIFF_COMPRESSION_SGILOG24)
		TIFFSetField(h->tiff, TIFFTAG_SGILOGDATAFMT, SGILOGDATAFMT_FLOAT);
	return 0;
}

/* The handle for these tags, made in the place of the one not used for longest where there is none. */
static int handle_get(struct unit_handles *p, const struct unit_tags *tags,
		      const struct reader_bytes *tables, struct handle **out, struct err *err)
{
	struct handle *oldest = &p->slots[0];
	p->clock++;
	for (size_t i = 0; i < HANDLES; i++) {
		struct handle *h = &p->slots[i];
		if (handle_fits(h, tags, tables)) {
			h->used = p->clock;
			*out = h;
			return 0;
		}
		if (h->used < oldest->used)
			oldest = h;
	}
	handle_close(oldest);
	int rc = handle_open(oldest, tags, tables, err);
	if (rc != 0) {
		handle_close(oldest);
		return rc;
	}
	oldest->used = p->clock;
	*out = oldest;
	return 0;
}

/* ---- decoding ---- */

static int damage(const struct unit_job *j, const char *why, struct err *err)
{
	return err_set(err, EBADMSG, "%s: corrupt data (%s)",
		       tiff_compression_name(j->page->compression), why);
}

/* What the JPEG stream says of itself must fit the page; *t takes from it what the page leaves open. */
static int look_at_jpeg(const struct unit_job *j, struct unit_tags *t, struct err *err)
{
	struct unit_jpeg frame;
	if (!unit_peek_jpeg(j->raw, j->n_raw, &frame))
		return damage(j, "no frame header", err);
	if (frame.precision != 8)
		return damage(j, "not 8 bits a sample", err);
	/* Some writers store the last strip with all its rows. */
	if (j->rows < j->page->unit_h && frame.height == j->page->unit_h)
		t->rows = j->page->unit_h;
	if (t->photometric != TIFF_YCBCR)
		return 0;
	if (t->subsampling[0] == 0 || t->subsampling[1] == 0) {
		t->subsampling[0] = frame.h;
		t->subsampling[1] = frame.v;
	}
	if (t->width < t->subsampling[0] || t->rows < t->subsampling[1])
		return damage(j, "smaller than its YCbCr subsampling", err);
	return 0;
}

/* libtiff 4.5 takes a picture narrower than the strip, and leaves the rest of each row as it was in memory. */
static int look_at_webp(const struct unit_job *j, const struct unit_tags *t, struct err *err)
{
	uint32_t width, height;
	if (!unit_peek_webp(j->raw, j->n_raw, j->page->fill_order == 2, &width, &height))
		return damage(j, "no WebP header", err);
	if (width != t->width || height != t->rows)
		return err_set(err, EBADMSG, "WebP: a picture of %u x %u where %u x %u belong",
			       width, height, t->width, t->rows);
	return 0;
}

static int look_at(const struct unit_job *j, struct unit_tags *t, struct err *err)
{
	const struct tiff_page *p = j->page;
	if (p->compression == TIFF_COMPRESSION_JPEG)
		return look_at_jpeg(j, t, err);
	if (p->compression == TIFF_COMPRESSION_WEBP)
		return look_at_webp(j, t, err);
	if (p->compression == TIFF_COMPRESSION_LZMA &&
	    unit_peek_lzma_dictionary(j->raw, j->n_raw, p->fill_order == 2) > MAX_DICTIONARY)
		return damage(j, "a dictionary of more than 64 MiB", err);
	return 0;
}

int unit_handles_decode(struct unit_handles *p, const struct unit_job *j, struct err *err)
{
	bool jpeg = j->page->compression == TIFF_COMPRESSION_JPEG;
	/* Their decoders go on behind what is damaged, and only say so. */
	bool warned = jpeg || tiff_is_ccitt(j->page);
	const char *name = tiff_compression_name(j->page->compression);
	struct unit_tags tags = unit_tags_of(j->page, j->rows);
	struct handle *h = NULL;
	if (!TIFFIsCODECConfigured(j->page->compression))
		return err_set(err, ENOTSUP, "%s: this build of libtiff cannot decode it", name);
	int rc = look_at(j, &tags, err);
	if (rc == 0)
		rc = handle_get(p, &tags, j->tables, &h, err);
	if (rc != 0)
		return rc;
	h->said = (struct complaint){ 0 };
	tmsize_t unit = tags.tiled ? TIFFTileSize(h->tiff) : TIFFStripSize(h->tiff);
	if (unit <= 0 || (uint64_t)unit / tags.rows * j->rows != j->n_out)
		return err_set(err, EBADMSG, "%s: libtiff reckons with %lld bytes instead of %zu",
			       name, (long long)unit, j->n_out);
	/* A JPEG smaller than its strip would leave in the buffer what was there. */
	if (jpeg)
		memset(j->out, 0, j->n_out);
	errno = 0;
	int ok = TIFFReadFromUserBuffer(h->tiff, 0, j->raw, (tmsize_t)j->n_raw, j->out,
					(tmsize_t)j->n_out);
	if (ok == 1 && !h->said.error && !(warned && h->said.warning)) {
		/* The runs of its last lines stay there, and odd ones of another unit may go on from them. */
		if (tiff_is_ccitt(j->page))
			handle_close(h);
		return 0;
	}
	if (was_out_of_memory())
		rc = err_oom(err);
	else
		rc = damage(j, h->said.text[0] != '\0' ? h->said.text : "libtiff fails", err);
	handle_close(h);
	return rc;
}
