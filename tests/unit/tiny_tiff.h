/* A writer of small TIFF files for tests: little-endian, classic, one strip a page, zero pixels. */
#pragma once

#include "codec/base.h"

#include <stdio.h>
#include <string.h>

struct tiny_page {
	uint32_t w, h;
	uint16_t bits;	      /* 0: 8 */
	uint16_t samples;     /* 0: 1 */
	uint16_t photometric; /* as it is */
	uint16_t format;      /* 0: 1, unsigned */
	uint16_t compression; /* 0: 1, none */
	uint16_t planar;      /* 0: 1, contiguous */
	uint16_t orientation; /* 0: no tag */
	uint16_t unit;	      /* 0: no resolution tags */
	uint32_t num, den;    /* of both resolutions */
	uint32_t subfile;     /* 0: no tag */
	uint32_t far_strip;   /* not 0: the strip lies there instead */
	uint32_t count;	      /* not 0: the strip's byte count says that instead */
	const char *description;
};

enum { TINY_TAGS = 20 };

struct tiny_tag {
	uint16_t tag, type;
	uint32_t count, value;
};

static inline void tiny_put(FILE *f, uint32_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		fputc((int)(v >> 8 * i & 0xff), f);
}

static inline unsigned tiny_or(unsigned v, unsigned other)
{
	return v != 0 ? v : other;
}

/* Values behind the page's pixels: bits, description, resolutions. Returns where the IFD may begin. */
static inline uint32_t tiny_values(FILE *f, const struct tiny_page *p, uint32_t at,
				   uint32_t where[3])
{
	uint32_t samples = tiny_or(p->samples, 1);
	where[0] = at;
	for (uint32_t s = 0; s < samples; s++)
		tiny_put(f, tiny_or(p->bits, 8), 2);
	at += 2 * samples;
	where[1] = at;
	size_t n = p->description != NULL ? strlen(p->description) + 1 : 0;
	fwrite(p->description != NULL ? p->description : "", 1, n, f);
	at += (uint32_t)n;
	where[2] = at;
	tiny_put(f, p->num, 4);
	tiny_put(f, p->den, 4);
	at += 8;
	for (; at % 2 != 0; at++)
		fputc(0, f);
	return at;
}

static inline unsigned tiny_tags(const struct tiny_page *p, uint32_t strip, uint32_t bytes,
				 const uint32_t where[3], struct tiny_tag t[TINY_TAGS])
{
	uint32_t samples = tiny_or(p->samples, 1), bits = tiny_or(p->bits, 8);
	uint32_t planes = p->planar == 2 ? samples : 1;
	unsigned n = 0;
	if (p->subfile != 0)
		t[n++] = (struct tiny_tag){ 254, 4, 1, p->subfile };
	t[n++] = (struct tiny_tag){ 256, 4, 1, p->w };
	t[n++] = (struct tiny_tag){ 257, 4, 1, p->h };
	t[n++] = (struct tiny_tag){ 258, 3, samples,
				    samples == 1   ? bits
				    : samples == 2 ? bits | bits << 16
						   : where[0] };
	t[n++] = (struct tiny_tag){ 259, 3, 1, tiny_or(p->compression, 1) };
	t[n++] = (struct tiny_tag){ 262, 3, 1, p->photometric };
	if (p->description != NULL)
		t[n++] =
			(struct tiny_tag){ 270, 2, (uint32_t)strlen(p->description) + 1, where[1] };
	/* One strip a sample lies in `where` for planar pages of two samples alone: tests use no other. */
	t[n++] = (struct tiny_tag){ 273, planes > 1 ? 3 : 4, planes,
				    planes > 1		? strip | (strip + bytes / planes) << 16
				    : p->far_strip != 0 ? p->far_strip
							: strip };
	if (p->orientation != 0)
		t[n++] = (struct tiny_tag){ 274, 3, 1, p->orientation };
	t[n++] = (struct tiny_tag){ 277, 3, 1, samples };
	t[n++] = (struct tiny_tag){ 278, 4, 1, p->h };
	t[n++] = (struct tiny_tag){ 279, planes > 1 ? 3 : 4, planes,
				    planes > 1	    ? bytes / planes | bytes / planes << 16
				    : p->count != 0 ? p->count
						    : bytes };
	if (p->unit != 0) {
		t[n++] = (struct tiny_tag){ 282, 5, 1, where[2] };
		t[n++] = (struct tiny_tag){ 283, 5, 1, where[2] };
	}
	t[n++] = (struct tiny_tag){ 284, 3, 1, tiny_or(p->planar, 1) };
	if (p->unit != 0)
		t[n++] = (struct tiny_tag){ 296, 3, 1, p->unit };
	/* SampleFormat of one or two samples only; three would need a place of their own. */
	if (p->format != 0 && samples <= 2)
		t[n++] = (struct tiny_tag){ 339, 3, samples,
					    samples == 1 ? p->format
							 : p->format | (uint32_t)p->format << 16 };
	return n;
}

/* False: could not be written. */
static inline bool tiny_tiff(const char *path, const struct tiny_page *pages, size_t n_pages)
{
	FILE *f = fopen(path, "wb");
	if (f == NULL)
		return false;
	fwrite("II*\0", 1, 4, f);
	long link = 4; /* where the offset of the next IFD belongs */
	tiny_put(f, 0, 4);
	uint32_t at = 8;
	for (size_t i = 0; i < n_pages; i++) {
		const struct tiny_page *p = &pages[i];
		uint32_t bits = tiny_or(p->bits, 8) * tiny_or(p->samples, 1);
		uint32_t bytes = (p->w * bits + 7) / 8 * p->h, strip = at, where[3];
		for (uint32_t b = 0; b < bytes + bytes % 2; b++)
			fputc(0, f);
		at = tiny_values(f, p, at + bytes + bytes % 2, where);
		fseek(f, link, SEEK_SET);
		tiny_put(f, at, 4);
		fseek(f, 0, SEEK_END);
		struct tiny_tag tags[TINY_TAGS];
		unsigned n = tiny_tags(p, strip, bytes, where, tags);
		tiny_put(f, n, 2);
		for (unsigned k = 0; k < n; k++) {
			tiny_put(f, tags[k].tag, 2);
			tiny_put(f, tags[k].type, 2);
			tiny_put(f, tags[k].count, 4);
			tiny_put(f, tags[k].value, 4);
		}
		link = (long)at + 2 + 12 * (long)n;
		tiny_put(f, 0, 4);
		at = (uint32_t)link + 4;
	}
	return fclose(f) == 0;
}
