#include "meta/told_imagej_blob.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "meta/told_bytes.h"
#include "meta/told_imagej_label.h"
#include "meta/told_imagej_text.h"

enum { MIN_HEADER = 12, MAX_HEADER = 804, MAX_ITEMS = 1 << 22, LUT = 768 };

/* The blocks of one file. Item i (from 0) has length u32 i + 1 of `lengths`; the items lie one behind another. */
struct blob {
	const struct told_source *s;
	const struct imagej *j;
	struct told *out;
	struct told_image *im;
	uint8_t *lengths;
	uint64_t n; /* items */
	bool big_endian;
};

/* Items of one type. */
struct block {
	uint64_t at, first, n;
};

static uint32_t length_of(const struct blob *b, uint64_t item)
{
	return bytes_u32(b->lengths + 4 * (item + 1), b->big_endian);
}

/* ---- colours ---- */

struct rgb {
	unsigned r, g, b;
};

static struct rgb entry(const uint8_t *lut, unsigned i)
{
	return (struct rgb){ lut[i], lut[256 + i], lut[512 + i] };
}

static unsigned brightness(struct rgb c)
{
	return c.r + c.g + c.b;
}

static bool is_gray_ramp(const uint8_t *lut)
{
	for (unsigned i = 0; i < 256; i++) {
		struct rgb c = entry(lut, i);
		if (c.r != c.g || c.g != c.b)
			return false;
	}
	return true;
}

static unsigned greatest(struct rgb c)
{
	unsigned m = c.r > c.g ? c.r : c.g;
	return m > c.b ? m : c.b;
}

static unsigned least(struct rgb c)
{
	unsigned m = c.r < c.g ? c.r : c.g;
	return m < c.b ? m : c.b;
}

/* By saturation, (greatest - least) / greatest, and among equals by brightness. */
static bool is_more_colourful(struct rgb a, struct rgb b)
{
	unsigned ga = greatest(a), gb = greatest(b);
	unsigned x = (ga - least(a)) * gb, y = (gb - least(b)) * ga;
	return x != y ? x > y : ga > gb;
}

/* What a channel looks like at its brightest; maps that run from black by colours to white are named by their
 * most colourful entry. */
static struct rgb color_of(const uint8_t *lut, bool *inverted)
{
	static const struct rgb white = { 255, 255, 255 };
	*inverted = brightness(entry(lut, 0)) > brightness(entry(lut, 255));
	if (is_gray_ramp(lut))
		return white;
	struct rgb c = entry(lut, *inverted ? 0 : 255);
	if (brightness(c) != 0 && brightness(c) != brightness(white))
		return c;
	for (unsigned i = 0; i < 256; i++)
		if (is_more_colourful(entry(lut, i), c))
			c = entry(lut, i);
	return c;
}

static int read_luts(const struct blob *b, const struct block *k, struct err *err)
{
	const char *mode;
	size_t n;
	uint64_t at = k->at;
	if (k->n != b->im->n_channels)
		return 0;
	if (imagej_find(b->j->text, "mode", &mode, &n) && n == 9 &&
	    memcmp(mode, "grayscale", 9) == 0)
		return 0;
	for (uint64_t i = 0; i < k->n; i++) {
		static const char hex[] = "0123456789ABCDEF";
		CLEANUP(freep) uint8_t *lut = NULL;
		uint32_t length = length_of(b, k->first + i);
		int rc = length == LUT ? bytes_read(b->s->r, at, LUT, &lut, err) : 0;
		if (rc < 0)
			return rc;
		at += length;
		if (rc == 0)
			continue;
		bool inverted;
		struct rgb c = color_of(lut, &inverted);
		const unsigned parts[] = { c.r, c.g, c.b };
		for (size_t p = 0; p < 3; p++) {
			b->im->channels[i].color[2 * p] = hex[parts[p] >> 4 & 15];
			b->im->channels[i].color[2 * p + 1] = hex[parts[p] & 15];
		}
		if (inverted)
			told_note(b->out,
				  "ImageJ: the colours of channel %llu run from bright to dark; "
				  "they are shown from dark to bright",
				  (unsigned long long)i);
	}
	return 0;
}

/* ---- values to show ---- */

static double real_at(const uint8_t *b, bool big_endian)
{
	uint64_t first = bytes_u32(b, big_endian), second = bytes_u32(b + 4, big_endian);
	uint64_t bits = big_endian ? first << 32 | second : second << 32 | first;
	double v;
	memcpy(&v, &bits, sizeof(v));
	return v;
}

static int read_ranges(const struct blob *b, const struct block *k, struct err *err)
{
	enum { EACH = 16 };
	CLEANUP(freep) uint8_t *bytes = NULL;
	uint64_t want = (uint64_t)EACH * b->im->n_channels;
	if (k->n != 1 || length_of(b, k->first) != want)
		return 0;
	int rc = bytes_read(b->s->r, k->at, want, &bytes, err);
	if (rc <= 0)
		return rc;
	for (size_t i = 0; i < b->im->n_channels; i++) {
		double low = real_at(bytes + EACH * i, b->big_endian);
		double high = real_at(bytes + EACH * i + 8, b->big_endian);
		if (!isfinite(low) || !isfinite(high) || !(low < high))
			continue;
		b->im->channels[i].start = low;
		b->im->channels[i].end = high;
	}
	return 0;
}

/* ---- names ---- */

/* Labels are those of planes; a channel has the name of its first one. */
static int read_labels(const struct blob *b, const struct block *k, struct err *err)
{
	const uint64_t *n = b->j->n;
	if (n[TOLD_C] < 2 || n[TOLD_C] != b->im->n_channels ||
	    k->n != n[TOLD_T] * n[TOLD_C] * n[TOLD_Z])
		return 0;
	uint64_t stride = 1, at = k->at, item = 0;
	for (int a = 0; b->j->order[a] != TOLD_C; a++)
		stride *= n[b->j->order[a]];
	for (uint64_t c = 0; c < n[TOLD_C]; c++) {
		for (; item < c * stride; item++)
			at += length_of(b, k->first + item);
		int rc = imagej_label_read(b->s->r, at, length_of(b, k->first + item),
					   b->big_endian, &b->im->channels[c].name, err);
		if (rc != 0)
			return rc;
	}
	imagej_labels_settle(b->im);
	return 0;
}

/* ---- the whole ---- */

static int read_block(const struct blob *b, uint32_t type, const struct block *k, struct err *err)
{
	switch (type) {
	case 0x6c757473: /* luts */
		return read_luts(b, k, err);
	case 0x72616e67: /* rang */
		return read_ranges(b, k, err);
	case 0x6c61626c: /* labl */
		return read_labels(b, k, err);
	default:
		return 0;
	}
}

/* 1; 0: malformed; errors as reading. */
static int read_blocks(const struct blob *b, struct err *err)
{
	const struct tiff_values *v = &b->s->first->imagej;
	uint32_t size = bytes_u32(b->lengths, b->big_endian);
	CLEANUP(freep) uint8_t *header = NULL;
	if (size < MIN_HEADER || size > MAX_HEADER || size > v->count || size % 8 != 4)
		return 0;
	int rc = bytes_read(b->s->r, v->offset, size, &header, err);
	if (rc <= 0 || bytes_u32(header, b->big_endian) != 0x494a494a)
		return rc < 0 ? rc : 0;
	struct block k = { .at = v->offset + size };
	for (uint32_t i = 4; i < size; i += 8, k.first += k.n) {
		k.n = bytes_u32(header + i + 4, b->big_endian);
		if (k.n > b->n - k.first)
			return 0;
		uint64_t bytes = 0;
		for (uint64_t item = 0; item < k.n; item++)
			bytes += length_of(b, k.first + item);
		if (bytes > v->offset + v->count - k.at)
			return 0;
		rc = read_block(b, bytes_u32(header + i, b->big_endian), &k, err);
		if (rc != 0)
			return rc;
		k.at += bytes;
	}
	return 1;
}

int imagej_blob(const struct told_source *s, const struct imagej *j, struct told *out,
		struct told_image *im, struct err *err)
{
	enum { LONG = 4, BYTE = 1, UNDEFINED = 7 };
	const struct tiff_values *counts = &s->first->imagej_counts, *v = &s->first->imagej;
	struct blob b = {
		.s = s, .j = j, .out = out, .im = im, .big_endian = s->first->file.big_endian
	};
	if (counts->count == 0 && v->count == 0)
		return 0;
	int rc = 0;
	if (counts->type == LONG && counts->count > 1 && counts->count <= MAX_ITEMS &&
	    (v->type == BYTE || v->type == UNDEFINED))
		rc = bytes_read(s->r, counts->offset, counts->count * 4, &b.lengths, err);
	b.n = counts->count - 1;
	if (rc > 0)
		rc = read_blocks(&b, err);
	free(b.lengths);
	if (rc == 0)
		told_note(out, "ImageJ: what it tells of channels (tag 50839) cannot be read");
	return rc < 0 ? rc : 0;
}
