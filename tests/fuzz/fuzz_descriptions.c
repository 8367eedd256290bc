/* Files whose descriptions tell of planes: ImageJ, tifffile's shapes, ScanImage, NIH Image, FluoView. Input: one byte,
 * which reader is asked (mod 5); one, number of pages - 1 (up to 32); one, samples; one, bits: 0 big-endian, 1
 * compressed, 2 rows as strips, 3 every third page reduced, 4 every third page has the description, too, 5 planes of
 * samples; two, bytes of the pixels; four, x and y resolution; one, bit 0: lengths in tag 50838
 * but the first count 256 bytes; the rest is cut at NULs into
 * description, software, the numbers of tag 50838 (a byte each), and tag 50839 (43314, 34361). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "meta/told_fluoview.h"
#include "meta/told_imagej.h"
#include "meta/told_nih.h"
#include "meta/told_scanimage.h"
#include "meta/told_shaped.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/made_tiff.h"

enum { CONTROL = 11, MAX_PAGES = 32, W = 4, H = 3, MOST = 1 << 16 };

static told_reader *const readers[] = { told_imagej, told_shaped, told_scanimage, told_nih,
					told_fluoview };

struct part {
	const uint8_t *b;
	size_t n;
};

static struct part cut(const uint8_t **data, size_t *size, bool last)
{
	struct part p = { *data, *size };
	const uint8_t *nul = last || *size == 0 ? NULL : memchr(*data, 0, *size);
	if (nul != NULL)
		p.n = (size_t)(nul - *data);
	size_t used = p.n + (nul != NULL);
	*data += used;
	*size -= used;
	return p;
}

static struct made_tag bytes_tag(uint16_t tag, uint16_t type, struct part p)
{
	return (struct made_tag){ .tag = tag, .type = type, .count = p.n, .bytes = p.b };
}

static void add_described(struct made_list *l, const uint8_t *control, const struct part parts[4],
			  const uint64_t *lengths)
{
	if (parts[0].n != 0)
		made_set(l, bytes_tag(270, 2, parts[0]));
	if (parts[1].n != 0)
		made_set(l, bytes_tag(305, 2, parts[1]));
	made_num(l, 282, 5, (uint64_t)control[6] << 32 | control[7]);
	made_num(l, 283, 5, (uint64_t)control[8] << 32 | control[9]);
	if (parts[2].n != 0)
		made_set(l,
			 (struct made_tag){
				 .tag = 50838, .type = 4, .count = parts[2].n, .many = lengths });
	if (parts[3].n != 0) {
		made_set(l, bytes_tag(50839, 1, parts[3]));
		made_set(l, bytes_tag(43314, 1, parts[3]));
		made_num(l, 34361, 1, 1);
	}
}

static void make(struct made *m, const uint8_t *control, const struct part parts[4])
{
	static uint64_t lengths[256];
	unsigned pages = control[1] % MAX_PAGES + 1, samples = control[2] % 4 + 1;
	uint8_t bits = control[3];
	for (size_t i = 0; i < parts[2].n; i++)
		lengths[i] = (uint64_t)parts[2].b[i] * (i > 0 && control[10] & 1 ? 256 : 1);
	uint64_t bytes = (uint64_t)W * H * samples, begin = 900 * 1000, offsets[H], counts[H];
	made_begin(m, bits & 1, false);
	for (unsigned i = 0; i < pages; i++) {
		struct made_list l = made_page(W, H, begin + i * bytes, bytes);
		made_num(&l, 277, 3, samples);
		made_num(&l, 259, 3, bits & 2 ? 5 : 1);
		made_num(&l, 284, 3, bits & 32 ? 2 : 1);
		if (bits & 8 && i % 3 == 1)
			made_num(&l, 254, 4, 1);
		for (unsigned r = 0; r < H; r++) {
			offsets[r] = begin + i * bytes + r * (uint64_t)W * samples;
			counts[r] = (uint64_t)W * samples;
		}
		if (bits & 4) {
			made_num(&l, 278, 4, 1);
			made_set(&l, (struct made_tag){
					     .tag = 273, .type = 4, .count = H, .many = offsets });
			made_set(&l, (struct made_tag){
					     .tag = 279, .type = 4, .count = H, .many = counts });
		}
		if (i == 0 || (bits & 16 && i % 3 == 0))
			add_described(&l, control, parts, lengths);
		made_ifd(m, l.t);
	}
	m->n = max_u64(m->n, begin + ((uint64_t)control[4] << 8 | control[5]));
}

static void check_plane(const struct told *t, const struct told_source *s,
			const struct told_plane *p)
{
	bool bad = p->file >= t->n_files;
	switch (p->where) {
	case TOLD_PAGE:
		bad |= p->at >= (s->cut ? TIFF_MAX_PAGES + (uint64_t)s->n_pages : s->n_pages);
		break;
	case TOLD_BEHIND:
		bad |= s->first->compression != TIFF_COMPRESSION_NONE;
		break;
	case TOLD_PLACE:
		bad |= p->at >= t->n_places;
		break;
	case TOLD_GAP:
	case TOLD_IFD:
	case TOLD_BARE:
	default:
		bad = true;
	}
	if (bad)
		abort();
}

static void check_image(const struct told *t, const struct told_source *s,
			const struct told_image *im)
{
	for (uint64_t i = 0; i < told_n_planes(im); i++)
		check_plane(t, s, &im->planes[i]);
	if (im->n_channels != 0 && im->n_channels != im->n[TOLD_C] &&
	    im->n_channels != im->n[TOLD_C] * s->first->samples)
		abort();
	for (size_t i = 0; i < im->n_channels; i++) {
		const char *color = im->channels[i].color;
		if (strlen(color) != 0 && strlen(color) != 6)
			abort();
		for (const char *c = im->channels[i].name; c != NULL && *c != '\0';) {
			size_t n = text_utf8_length(c, strlen(c));
			if (n == 0)
				abort();
			c += n;
		}
	}
	for (int a = 0; a < 3; a++)
		if (im->size[a].value > 0 ? im->size[a].unit == NULL : im->size[a].value < 0)
			abort();
	if (im->time_step < 0)
		abort();
}

static void check(const struct told *t, const struct told_source *s, int rc, const struct err *err)
{
	if (rc > 1 || (rc < 0 && (err->code != -rc || err->msg[0] == '\0')))
		abort();
	if (rc == 1 ? t->n_images == 0 || t->kind == NULL : t->n_images + t->n_places != 0)
		abort();
	if (rc < 0 && rc != -EINVAL)
		abort();
	if (t->notes.len > 0 && t->notes.s[t->notes.len - 1] != '\n')
		abort();
	for (size_t i = 0; i < t->n_images; i++)
		check_image(t, s, &t->images[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct made file;
	if (size < CONTROL || size > MOST)
		return 0;
	const uint8_t *control = data;
	struct part parts[4];
	data += CONTROL;
	size -= CONTROL;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		parts[i] = cut(&data, &size, i == 3);
	parts[2].n = min_u64(parts[2].n, 256);
	/* Descriptions on a third of the pages. */
	if (control[3] & 16 && parts[0].n + parts[1].n + parts[3].n > 2048)
		return 0;
	make(&file, control, parts);
	struct reader_bytes memory = { file.b, file.n };
	struct reader r = reader_mem(&memory);
	struct tiff_header h;
	struct tiff_page first;
	CLEANUP(freep) uint64_t *ifds = NULL;
	size_t n = 0;
	bool cut;
	if (tiff_header_read(&r, &h, NULL) != 0 || tiff_walk(&r, &h, &ifds, &n, &cut, NULL) != 0 ||
	    n == 0 || tiff_page_read(&r, &h, ifds[0], &first, NULL) != 0)
		return 0;
	const struct told_source s = { .r = &r,
				       .name = "a{.tif",
				       .first = &first,
				       .ifds = ifds,
				       .n_pages = (uint32_t)n,
				       .cut = cut };
	CLEANUP(told_done) struct told told = { 0 };
	struct err err = { 0 };
	int rc = readers[control[0] % ARRAY_SIZE(readers)](&s, &told, &err);
	check(&told, &s, rc, &err);
	return 0;
}
