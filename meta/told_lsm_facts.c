#include "meta/told_lsm_facts.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "meta/told_bytes.h"

/* Source: "LSM 5 Image File Format Description", as tifffile and Bio-Formats read it. Little-endian throughout; offsets in
 * bytes from the begin of tag 34412, of which older files have less. */
enum {
	AT_SIZE = 4,
	AT_Z = 16,
	AT_T = 24,
	AT_TYPE = 28,
	AT_VOXEL = 40,
	AT_SCAN = 88,
	AT_COLORS = 108,
	AT_INTERVAL = 112,
	AT_STAMPS = 132,
	OLD_SIZE = 136,
	AT_P = 264,
	AT_M = 268,
	NEW_SIZE = 272,
	MAGIC_1 = 0x0300494c,
	MAGIC_2 = 0x0400494c,
};

static uint32_t u32(const uint8_t *b)
{
	return bytes_u32(b, false);
}

/* A size that is not told is 1. */
static uint64_t size_at(const uint8_t *b)
{
	uint32_t v = u32(b);
	return v == 0 || v > INT32_MAX ? 1 : v;
}

static int read_positions(const struct told_source *s, struct lsm_header *out, struct err *err)
{
	CLEANUP(freep) uint8_t *b = NULL;
	int rc = bytes_read(s->r, s->first->lsm.offset, NEW_SIZE, &b, err);
	if (rc <= 0)
		return rc;
	out->p = size_at(b + AT_P);
	out->m = size_at(b + AT_M);
	return 0;
}

int lsm_header_read(const struct told_source *s, struct lsm_header *out, struct err *err)
{
	CLEANUP(freep) uint8_t *b = NULL;
	uint64_t at = s->first->lsm.offset;
	*out = (struct lsm_header){ .z = 1, .t = 1, .p = 1, .m = 1 };
	int rc = bytes_read(s->r, at, OLD_SIZE, &b, err);
	if (rc <= 0 || (u32(b) != MAGIC_1 && u32(b) != MAGIC_2))
		return rc < 0 ? rc : 0;
	out->known = true;
	out->z = size_at(b + AT_Z);
	out->t = size_at(b + AT_T);
	out->data_type = u32(b + AT_TYPE);
	out->scan_type = u32(b + AT_SCAN) & 0xffff;
	for (size_t i = 0; i < 3; i++)
		out->voxel[i] = bytes_double(b + AT_VOXEL + 8 * i);
	out->interval = bytes_double(b + AT_INTERVAL);
	out->colors = u32(b + AT_COLORS);
	out->stamps = u32(b + AT_STAMPS);
	return u32(b + AT_SIZE) < NEW_SIZE ? 0 : read_positions(s, out, err);
}

/* ---- channels ---- */

static bool is_black(const uint8_t *rgb)
{
	return rgb[0] == 0 && rgb[1] == 0 && rgb[2] == 0;
}

/* The names, each behind its length, of the n bytes at b. */
static int read_names(const uint8_t *b, size_t n, struct told_image *im)
{
	for (size_t i = 0; i < im->n_channels && n >= 4; i++) {
		uint32_t len = u32(b);
		if (len > n - 4)
			break;
		struct text t = { 0 };
		size_t shown = strnlen((const char *)b + 4, len);
		if (shown > 0)
			text_add_name(&t, (const char *)b + 4, shown);
		im->channels[i].name = t.s;
		if (t.oom)
			return -ENOMEM;
		b += 4 + len;
		n -= 4 + len;
	}
	return 0;
}

/* Size, numbers of colours and of names, where both begin, and a flag; u32 each, offsets from the block's begin. */
static int read_colors(const struct told_source *s, uint64_t at, struct told_image *im,
		       struct err *err)
{
	enum { HEAD = 24, MAX = 1 << 20 };
	CLEANUP(freep) uint8_t *head = NULL;
	CLEANUP(freep) uint8_t *b = NULL;
	int rc = bytes_read(s->r, at, HEAD, &head, err);
	if (rc <= 0 || at < 8)
		return rc < 0 ? rc : 0;
	uint32_t size = u32(head), n = u32(head + 4), colors = u32(head + 12),
		 names = u32(head + 16);
	if (size < HEAD || size > MAX || n < im->n_channels)
		return 0;
	rc = bytes_read(s->r, at, size, &b, err);
	if (rc <= 0)
		return rc;
	for (size_t i = 0; i < im->n_channels && colors <= size && size - colors >= 4 * (i + 1);
	     i++) {
		const uint8_t *c = b + colors + 4 * i;
		/* Black shows nothing. */
		if (!is_black(c))
			snprintf(im->channels[i].color, sizeof(im->channels[i].color),
				 "%02X%02X%02X", c[0], c[1], c[2]);
	}
	if (u32(head + 8) < im->n_channels || names > size)
		return 0;
	return read_names(b + names, size - names, im) != 0 ? err_oom(err) : 0;
}

/* ---- times ---- */

static bool is_length(double v)
{
	return isfinite(v) && v > 0;
}

/* The mean difference of all stamps: size and number, i32, then doubles. */
static int read_stamps(const struct told_source *s, uint64_t at, double *step, struct err *err)
{
	CLEANUP(freep) uint8_t *head = NULL;
	CLEANUP(freep) uint8_t *first = NULL;
	CLEANUP(freep) uint8_t *last = NULL;
	int rc = at < 8 ? 0 : bytes_read(s->r, at, 8, &head, err);
	if (rc <= 0)
		return rc;
	uint64_t size = u32(head), n = u32(head + 4);
	if (n < 2 || n > INT32_MAX || size != 8 + 8 * n)
		return 0;
	rc = bytes_read(s->r, at + 8, 8, &first, err);
	if (rc > 0)
		rc = bytes_read(s->r, at + 8 * n, 8, &last, err);
	if (rc <= 0)
		return rc;
	double mean = (bytes_double(last) - bytes_double(first)) / (double)(n - 1);
	if (is_length(mean))
		*step = mean;
	return 0;
}

static void set_size(struct told_size *s, double metres)
{
	if (is_length(metres))
		*s = (struct told_size){ .value = metres, .unit = "meter" };
}

int lsm_facts(const struct told_source *s, const struct lsm_header *h, struct told_image *im,
	      struct err *err)
{
	enum { XZ = 1, TIMES_OF_XZ = 4, SPLINE_XZ = 8, TIMES_OF_SPLINE = 9, BITS_12 = 2 };
	bool xz = h->scan_type == XZ || h->scan_type == TIMES_OF_XZ;
	bool rows = xz || h->scan_type == 0 || h->scan_type == 3 || h->scan_type == 6;
	/* Rows of lines that follow one another in time have no size, and a spline none that is constant. */
	if (rows) {
		set_size(&im->size[0], xz ? 0 : h->voxel[2]);
		set_size(&im->size[1], h->voxel[xz ? 2 : 1]);
		set_size(&im->size[2], h->voxel[0]);
	}
	im->bits = h->data_type == BITS_12 && s->first->bits == 16 ? 12 : 0;
	int rc = 0;
	if (is_length(h->interval))
		im->time_step = h->interval;
	else
		rc = read_stamps(s, h->stamps, &im->time_step, err);
	if (rc < 0)
		return rc;
	if (told_make_channels(im, s->first->samples) != 0)
		return err_oom(err);
	return read_colors(s, h->colors, im, err);
}
